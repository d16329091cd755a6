"""Redis servers that die and come back with less, and workers that held their rooms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sitwith_server.log.base import CONTROL, Health, HostedState, Lost, Position, Trimmed
from sitwith_server.log.redis.instance import Tuning
from sitwith_server.log.redis.log import RedisLog
from tests.servers import Server

from .harness import ROOM, control, create, say, taken

# Long enough for every log of a test to come back, whatever else the machine does.
TUNING = Tuning(offer=0.5, patience=3.0)

Make = Callable[[], RedisLog]


async def away(log: RedisLog) -> None:
    """As if it had been stopped with its connection lost; `start` brings it back."""
    for each in log._instances:
        assert each._task is not None
        each._task.cancel()
        await asyncio.wait([each._task])
        each._task = None


def lies_in_memory(server: Server, words: str) -> bool:
    """Whether any key's bytes hold these words, those of deleted entries in a node included."""
    server.admin("CONFIG", "SET", "rdbcompression", "no")
    keys = server.admin("KEYS", "*").split("\n")
    return any(words in key + server.admin("DUMP", key) for key in keys)


class Worker:
    """A process that hosts `ROOM`: its state is simply what it has read of the control stream."""

    def __init__(self, log: RedisLog, room: str = ROOM) -> None:
        self.log = log
        self.room = room
        self.position = Position.START
        self.state: list[bytes] = []
        self.losses: list[Lost] = []
        self.due = 1e10
        self.workers: frozenset[str] = frozenset()
        self._ends = [
            log.hold(room, self.give, self.losses.append),
            log.subscribe(room, lambda notification: None, lambda blob: None),
        ]

    def give(self) -> HostedState:
        return HostedState(self.position, b",".join(self.state), self.due, self.workers)

    async def read(self) -> None:
        """Reads what the others have committed, as a service does at each notification."""
        for entry in await self.log.read(self.room, CONTROL, self.position.seq):
            self.state.append(bytes(entry.blob))
            self.position = entry.position
        heads = await self.log.heads(self.room)
        for stream in heads.streams if heads else ():
            await self.log.read(self.room, stream, 0)

    async def read_anew(self) -> None:
        """As a service does whose room has forgotten: it begins with the first entry there is."""
        self.state.clear()
        self.position = Position.START
        try:
            await self.read()
        except Trimmed as trimmed:
            for entry in await self.log.read(self.room, CONTROL, trimmed.first - 1):
                self.state.append(bytes(entry.blob))
                self.position = entry.position

    def go(self) -> None:
        for end in self._ends:
            end()


async def live(*logs: RedisLog) -> None:
    async with asyncio.timeout(20):
        for log in logs:
            while Health.LIVE not in log.health().values():
                await asyncio.sleep(0.01)


async def down(*logs: RedisLog) -> None:
    async with asyncio.timeout(20):
        for log in logs:
            while Health.DOWN not in log.health().values():
                await asyncio.sleep(0.01)


async def wipe(server: Server, *logs: RedisLog) -> None:
    """kill -9, and back empty."""
    server.kill()
    await down(*logs)
    await asyncio.to_thread(server.start)


async def filled(log: RedisLog) -> None:
    assert await create(log)
    taken(await control(log, 0, b"a", b"b", rights=True))
    taken(await say(log, 2, b"1", b"2", key=("s", 1), outcome=b"said"))
    taken(await control(log, 2, b"c", key=("s", 2), outcome=b"done"))
