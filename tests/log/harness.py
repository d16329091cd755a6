"""What the log's contract tests stand on: a log under test and short ways to use it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from sitwith_server.log.base import CONTROL, Commit, Committed, Log, Result

ROOM = "r1"


@dataclass
class Harness:
    """A fresh log that keeps exactly `kept` entries of a stream, and a way to let its clock go
    on by some seconds."""

    log: Log
    kept: int
    advance: Callable[[float], Awaitable[None]]


async def create(
    log: Log, room: str = ROOM, record: bytes = b"record", *, seconds: float = 3_600
) -> bool:
    """A room that ends in so many seconds."""
    return await log.create(room, record, seconds)


async def control(log: Log, expect: int, *blobs: bytes, room: str = ROOM, **more: Any) -> Result:
    return await log.commit(Commit(room, CONTROL, blobs or (b"x",), expect, **more))


async def say(
    log: Log, expect: int, *blobs: bytes, room: str = ROOM, to: str = "circle", **more: Any
) -> Result:
    return await log.commit(Commit(room, to, blobs or (b"x",), expect, **more))


def taken(result: Result) -> Committed:
    assert isinstance(result, Committed)
    return result


async def everything(log: Log, stream: str = CONTROL, room: str = ROOM) -> list[bytes]:
    return [entry.blob for entry in await log.read(room, stream, 0)]


async def turns() -> None:
    """Let whatever the log has put off come to pass."""
    for _ in range(5):
        await asyncio.sleep(0.01)


class LogTests:
    """The fixtures; a test module of an implementation overrides `harness`."""

    @pytest.fixture
    async def harness(self) -> Harness:
        raise NotImplementedError

    @pytest.fixture
    async def log(self, harness: Harness) -> Log:
        assert await harness.log.create(ROOM, b"record", 3_600)
        return harness.log
