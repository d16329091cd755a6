"""A real coturn with the shipped configuration, on loopback ports that were free."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.servers import ROOT, free_port

CONF = ROOT / "deploy" / "coturn" / "turnserver.conf"
SECRET = "a-secret-of-the-tests"
REALM = "sitwith.example"


@dataclass(frozen=True, slots=True)
class Coturn:
    """Where it listens: `plain` for UDP and TCP, `tls` for TLS over TCP."""

    plain: int
    tls: int


@contextmanager
def coturn(folder: Path, *more: str) -> Iterator[Coturn]:
    """Runs it until the block's end. `more` are further arguments, such as a test's own peers."""
    path = shutil.which("turnserver")
    assert path is not None, "no coturn found (Debian: apt-get install coturn)"
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    place = Coturn(free_port(), free_port())
    log = (folder / "coturn.out").open("wb")
    process = subprocess.Popen(
        [path, "-c", str(CONF), "--static-auth-secret", SECRET, "--realm", REALM,
         "--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1",
         "--listening-port", str(place.plain), "--tls-listening-port", str(place.tls),
         "--cert", str(cert), "--pkey", str(key),
         "--userdb", str(folder / "turn.db"), "--pidfile", str(folder / "turn.pid"), *more],
        cwd=folder, stdout=log, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        _wait(place.plain, process)
        _wait(place.tls, process)
        yield place
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
        log.close()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        assert process.poll() is None, "coturn ended at once: see coturn.out"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError("coturn does not listen")
