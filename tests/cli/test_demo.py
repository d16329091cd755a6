"""`sitwith demo` as a person meets it: two links, a living room, and Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.programs import PLAIN, Process
from tests.servers import free_port
from tests.waiting import wait_until

KEY = "an-operators-key"


class Demo(Process):
    """One `sitwith demo`, its output in files."""

    def __init__(self, folder: Path) -> None:
        port = str(free_port())
        self.url = f"http://127.0.0.1:{port}"
        self.out = folder / "out"
        # A Redis that is set for this machine's servers is none of the demo's business.
        redis = "redis://127.0.0.1:1"
        words = ["demo", "--port", port, "--operator-key", KEY, "--redis-url", redis]
        words = [sys.executable, "-m", "sitwith_server", *words]
        super().__init__(words, folder / "err", os.environ, out=self.out)

    def inside(self) -> int:
        headers = {"Authorization": f"Bearer {KEY}"}
        rooms = httpx.get(f"{self.url}/api/rooms", headers=headers, **PLAIN).json()["rooms"]
        assert len(rooms) == 1
        count = rooms[0]["inside"]
        assert isinstance(count, int)
        return count


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    made = Demo(tmp_path)
    yield made
    made.end()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_two_links_a_living_room_and_a_quiet_end(demo: Demo, stop: signal.Signals) -> None:
    demo.until(lambda: demo.out.read_text().count("\n") == 2, "links")
    lines = demo.out.read_text().splitlines()
    link = rf"{re.escape(demo.url)}/r/[^#?\s]+#t=\S+"
    assert re.fullmatch(rf"facilitator  {link}", lines[0])
    assert re.fullmatch(rf"member  {link}", lines[1])
    for line in lines:
        page = httpx.get(line.split()[1], **PLAIN)
        assert page.status_code == httpx.codes.OK
        assert page.headers["content-type"].startswith("text/html")
    demo.until(lambda: demo.inside() >= 3, "members")
    demo.signal(stop)
    wait_until(lambda: demo.code is not None, "its end")
    assert demo.code in (0, 130)
    assert demo.out.read_text().splitlines() == lines
    assert "Traceback" not in demo.text()
    assert lines[0].split("=")[1] not in demo.text()
