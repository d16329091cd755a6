"""`sitwith demo` as a person meets it: two links, a living room, and Ctrl-C."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

KEY = "an-operators-key"
PATIENCE = 60.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


class Demo:
    """One `sitwith demo`, its output in files."""

    def __init__(self, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.out, self.err = folder / "out", folder / "err"
        port = self.url.rpartition(":")[2]
        # A Redis that is set for this machine's servers is none of the demo's business.
        redis = "redis://127.0.0.1:1"
        words = ["demo", "--port", port, "--operator-key", KEY, "--redis-url", redis]
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sitwith_server", *words], stdout=out, stderr=err
            )

    def wait_for(self, what: str, found: object) -> None:
        end = time.monotonic() + PATIENCE
        while not found():  # type: ignore[operator]
            assert self.process.poll() is None, f"the demo ended early:\n{self.err.read_text()}"
            assert time.monotonic() < end, f"no {what}:\n{self.err.read_text()}"
            time.sleep(0.1)

    def inside(self) -> int:
        headers = {"Authorization": f"Bearer {KEY}"}
        rooms = httpx.get(f"{self.url}/api/rooms", headers=headers).json()["rooms"]
        assert len(rooms) == 1
        count = rooms[0]["inside"]
        assert isinstance(count, int)
        return count


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    made = Demo(tmp_path)
    yield made
    made.process.kill()
    made.process.wait()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_two_links_a_living_room_and_a_quiet_end(demo: Demo, stop: signal.Signals) -> None:
    demo.wait_for("links", lambda: demo.out.read_text().count("\n") == 2)
    lines = demo.out.read_text().splitlines()
    link = rf"{re.escape(demo.url)}/r/[^#?\s]+#t=\S+"
    assert re.fullmatch(rf"facilitator  {link}", lines[0])
    assert re.fullmatch(rf"member  {link}", lines[1])
    for line in lines:
        page = httpx.get(line.split()[1])
        assert page.status_code == httpx.codes.OK
        assert page.headers["content-type"].startswith("text/html")
    demo.wait_for("members", lambda: demo.inside() >= 3)
    demo.process.send_signal(stop)
    assert demo.process.wait(timeout=PATIENCE) in (0, 130)
    assert demo.out.read_text().splitlines() == lines
    assert "Traceback" not in demo.err.read_text()
    assert lines[0].split("=")[1] not in demo.err.read_text()
