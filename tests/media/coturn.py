"""A real coturn with the shipped configuration, on loopback ports that were free."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.programs import Process, program
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
    path = program("turnserver", "coturn")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    place = Coturn(free_port(), free_port())
    process = Process(
        [path, "-c", str(CONF), "--static-auth-secret", SECRET, "--realm", REALM,
         "--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1",
         "--listening-port", str(place.plain), "--tls-listening-port", str(place.tls),
         "--cert", str(cert), "--pkey", str(key),
         "--userdb", str(folder / "turn.db"), "--pidfile", str(folder / "turn.pid"), *more],
        folder / "coturn.out", os.environ,
    )  # fmt: skip
    try:
        process.until(lambda: _listens(place.plain) and _listens(place.tls), "that coturn listens")
        yield place
    finally:
        process.end()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
