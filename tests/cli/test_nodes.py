"""Media processes beside the workers: restarted, replaced and let go. The processes are stand-ins
that do as a node does on its leash."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from sitwith_server.cli.nodes import MediaNodes
from sitwith_server.cli.worker import Inheritance
from tests.waiting import until

NODE = """
import signal, socket, sys, time
from tests.waiting import until
line = socket.socket(fileno=int(sys.argv[1]))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
line.send(b"r")
while True:
    time.sleep(0.2)
    line.send(b".")
"""
STUBBORN = NODE.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN")


@asynccontextmanager
async def running(code: str = NODE, *, drain: float = 5.0) -> AsyncIterator[MediaNodes]:
    def command(place: int, inherited: Inheritance) -> Sequence[str]:
        return [sys.executable, "-c", code, str(inherited.leash), str(place)]

    nodes = MediaNodes(2, command, drain_seconds=drain)
    nodes.start()
    await until(lambda: ready(nodes) == 2, "both run")
    try:
        yield nodes
    finally:
        await nodes.stop(signal.SIGTERM)


def ready(nodes: MediaNodes) -> int:
    return sum(node.ready.is_set() for node in nodes._alive)


def pids(nodes: MediaNodes) -> set[int]:
    return {node.pid for node in nodes._alive}


async def test_one_that_dies_is_started_again() -> None:
    async with running() as nodes:
        before = pids(nodes)
        next(iter(nodes._alive)).kill()
        await until(lambda: pids(nodes) != before and ready(nodes) == 2, "another one")
        assert len(pids(nodes) & before) == 1
        assert await nodes.stop(signal.SIGTERM)
        assert not nodes._alive


async def test_a_roll_replaces_all_one_after_another() -> None:
    async with running() as nodes:
        before = pids(nodes)
        rolling = asyncio.create_task(nodes.rolling_restart())
        least = 2
        while not rolling.done():
            least = min(least, len(nodes._alive))
            await asyncio.sleep(0.01)
        await rolling
        assert not pids(nodes) & before
        assert ready(nodes) == 2
        assert least >= 1


async def test_one_that_does_not_go_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sitwith_server.cli.nodes.LEAVES_WITHIN", 0.2)
    async with running(STUBBORN, drain=0.2) as nodes:
        assert not await nodes.stop(signal.SIGTERM)
        assert not nodes._alive
