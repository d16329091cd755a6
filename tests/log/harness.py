"""What the log's contract tests stand on: a log under test and short ways to use it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from sitwith_server.log.base import (
    CONTROL,
    Blank,
    Blob,
    Commit,
    Committed,
    Effects,
    Log,
    LogDown,
    Notification,
    Result,
)

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
    return await log.create(room, record, await log.now(room) + seconds)


async def control(log: Log, expect: int, *blobs: Blob, room: str = ROOM, **more: Any) -> Result:
    return await log.commit(Commit(room, CONTROL, blobs or (b"x",), expect, **more))


async def usable(log: Log, within: float) -> bool:
    """Whether in so many seconds the log answers and takes commits."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            while True:
                await asyncio.sleep(0.02)
                with suppress(LogDown):
                    await log.heads(ROOM)
                    if not log.frozen(ROOM):
                        return True
    return False


async def say(
    log: Log, expect: int, *blobs: Blob, room: str = ROOM, to: str = "circle", **more: Any
) -> Result:
    return await log.commit(Commit(room, to, blobs or (b"x",), expect, **more))


async def also(log: Log, room: str = ROOM, **effects: Any) -> Committed:
    """A commit that does nothing but this."""
    heads = await log.heads(room)
    assert heads is not None
    seq = heads.streams[CONTROL].seq
    commit = Commit(room, CONTROL, (), seq, effects=Effects(**effects))
    return taken(await log.commit(commit))


async def blank(
    log: Log, stream: str, *numbers: int, blob: bytes = b"", room: str = ROOM
) -> Committed:
    return await also(log, room, blanks=(Blank(stream, numbers, blob),))


async def forget(log: Log, *blobs: bytes, room: str = ROOM, **effects: Any) -> Committed:
    heads = await log.heads(room)
    assert heads is not None
    said = Effects(forget=True, **{"record": b"record", **effects})
    seq = heads.streams[CONTROL].seq
    blobs = blobs or (b"forgotten",)
    return taken(await log.commit(Commit(room, CONTROL, blobs, seq, rights=True, effects=said)))


def taken(result: Result) -> Committed:
    assert isinstance(result, Committed)
    return result


async def everything(log: Log, stream: str = CONTROL, room: str = ROOM) -> list[bytes]:
    return [bytes(entry.blob) for entry in await log.read(room, stream, 0)]


async def turns() -> None:
    """Let whatever the log has put off come to pass."""
    for _ in range(5):
        await asyncio.sleep(0.01)


class Received:
    """What a follower of a room is told."""

    def __init__(self, log: Log, room: str = ROOM) -> None:
        self.notifications: list[Notification] = []
        self.heard: list[bytes] = []
        self.unsubscribe = log.subscribe(room, self.notifications.append, self.heard.append)

    def told(self, begin: int = 0) -> list[tuple[str, int]]:
        return [
            (notification.stream, notification.seq) for notification in self.notifications[begin:]
        ]

    def entries(self) -> list[tuple[str, bytes]]:
        return [
            (each.stream, bytes(each.blob))
            for notification in self.notifications
            for each in notification.entries
        ]


class LogTests:
    """The fixtures; a test module of an implementation overrides `harness`."""

    @pytest.fixture
    async def harness(self) -> Harness:
        raise NotImplementedError

    @pytest.fixture
    async def log(self, harness: Harness) -> Log:
        assert await create(harness.log)
        return harness.log
