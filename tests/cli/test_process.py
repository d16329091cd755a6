"""What a process does for itself before it serves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import free_port

PROBE = """
import ctypes, resource
from sitwith_server.cli.process import harden
dumpable = lambda: ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
harden(inspectable=True)
print(dumpable())
harden()
print(resource.getrlimit(resource.RLIMIT_CORE), dumpable())
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


UNLIMITED = ["/bin/sh", "-c", 'ulimit -c unlimited; ulimit -Sn 64; ulimit -Hn 256; exec "$0" "$@"']
"""As a shell in which somebody looks for a fault."""


def test_it_has_no_core_and_all_its_files() -> None:
    done = subprocess.run(
        [*UNLIMITED, sys.executable, "-c", PROBE],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1\n(0, 0) 0\n256 256\n"


@pytest.fixture(params=["serve"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-m", "sitwith_server", request.param, "--port", str(free_port())]
    more = ["--members", "0"] if request.param == "demo" else []
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*UNLIMITED, *words, "--media", "off", *more],
            stdout=log,
            stderr=log,
            env={k: v for k, v in os.environ.items() if not k.startswith("SITWITH_")},
        )
    yield process
    process.kill()
    process.wait()


def limits(pid: int) -> dict[str, list[str]]:
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return {line[:26].strip(): line[26:].split()[:2] for line in lines}


def test_a_worker_leaves_no_core_however_it_dies(served: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while limits(served.pid)["Max core file size"] != ["0", "0"]:
        assert served.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    served.send_signal(signal.SIGABRT)
    _, status = os.waitpid(served.pid, 0)
    served.returncode = os.waitstatus_to_exitcode(status)
    assert os.WTERMSIG(status) == signal.SIGABRT and not os.WCOREDUMP(status)
