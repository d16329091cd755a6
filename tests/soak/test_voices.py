"""Four full rooms talk for a long time, people come, go and change groups, and nothing grows.

`SITWITH_SOAK_SECONDS` says for how long (an hour is what is promised), `pytest -s` shows the table.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
import statistics
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from benchmarks.server import serving
from sitwith_client import CannotConnect, Client, Refused, RoomClosed
from sitwith_client.voice import Clip, Voice, opus
from tests.blackbox.house import Server

ROOMS: Final = 4
PEOPLE: Final = 12
TALKERS: Final = 3
"""Of each room, who speak without a pause; the others say something now and then."""
SECONDS: Final = float(os.environ.get("SITWITH_SOAK_SECONDS", "180"))
WARM_UP: Final = min(0.3 * SECONDS, 700.0)
"""Seconds in which growth is no growth yet: a room keeps its last 5,000 entries, and answers for
ten minutes, so that its memory is full after eleven."""
WITHIN: Final = 60.0
MOST_MEMORY: Final = 12 * 1024 * 1024
MOST_FILES: Final = 4
MOST_TASKS: Final = 4


@dataclass
class Person:
    me: Client
    voice: Voice
    stack: AsyncExitStack
    talking: asyncio.Task[None] | None = None

    async def go(self) -> None:
        if self.talking is not None:
            self.talking.cancel()
        await self.stack.aclose()


@dataclass
class Sample:
    """What the server, and this process (`own`), held at one moment at rest."""

    at: float
    memory: int
    files: int
    tasks: int
    own: int
    heard: int
    busy: float

    def __str__(self) -> str:
        return (
            f"{self.at:6.0f} s {self.memory / 2**20:8.1f} MiB {self.files:4} files "
            f"{self.tasks:4} tasks {self.own:5} own tasks {self.heard:9} heard "
            f"{100 * self.busy:5.1f} % of a core"
        )


@dataclass
class Room:
    links: dict[str, str]
    clips: list[Clip]
    chance: random.Random
    leader: Person | None = None
    people: list[Person] = field(default_factory=list)
    names: int = 0
    gone_heard: int = 0

    async def fill(self) -> None:
        self.leader = self.leader or await self._come("facilitator")
        while len(self.people) < PEOPLE - 1:
            self.people.append(await self._come("member"))

    async def _come(self, role: str) -> Person:
        self.names += 1
        stack = AsyncExitStack()
        me = await stack.enter_async_context(Client.join(self.links[role], f"Person {self.names}"))
        await me.enter(WITHIN)
        voice = await stack.enter_async_context(Voice(me, open_every=50))
        await voice.wait_connected(WITHIN)
        person = Person(me, voice, stack)
        person.talking = asyncio.create_task(self._talk(person))
        return person

    async def _talk(self, person: Person) -> None:
        while True:
            if person not in self.people[:TALKERS]:
                await asyncio.sleep(self.chance.uniform(2, 8))
            await person.voice.play(self.chance.choice(self.clips))

    @property
    def heard(self) -> int:
        assert self.leader is not None
        present = [self.leader, *self.people]
        return self.gone_heard + sum(each.voice.packets for each in present)

    async def live(self, until: float) -> None:
        """About once a second something happens."""
        while time.monotonic() < until:
            await asyncio.sleep(self.chance.uniform(0.5, 1.5))
            with contextlib.suppress(Refused, TimeoutError):
                await self._something()

    async def _something(self) -> None:
        assert self.leader is not None
        leads, one = self.leader.me, self.chance.choice(self.people)
        match self.chance.randrange(9):
            case 0:
                await leads.start_stick(one.me.id)
            case 1:
                await leads.open_floor()
            case 2:
                await leads.mute(one.me.id, "audio")
                await leads.unmute(one.me.id, "audio")
            case 3:
                if leads.room.pairs is None:
                    await leads.open_pairs(await leads.plan_pairs("random"), seconds=600)
            case 4:
                await leads.close_pairs(0)
            case 5:
                await one.me.reconnect(rudely=True)
            case 6:
                # The network is another one from here on: nothing comes any more.
                for peer in one.voice._peers:
                    peer._ice._on_media = lambda data: None
            case 7:
                self.people.remove(one)
                self.gone_heard += one.voice.packets
                await one.go()
                self.people.append(await self._come("member"))
            case _:
                await one.me.say("circle", "a word or two")

    async def rest(self) -> None:
        """Everybody is here and connected, nobody in a group."""
        assert self.leader is not None
        with contextlib.suppress(Refused):
            await self.leader.me.close_pairs(0)
        with contextlib.suppress(Refused):
            await self.leader.me.open_floor()
        await self.fill()
        for person in self.people:
            await person.me.until(lambda p=person: p.me.connected, WITHIN)  # type: ignore[misc]
            await person.voice.wait_connected(WITHIN)

    async def end(self) -> None:
        for person in [*self.people, *([self.leader] if self.leader else [])]:
            with contextlib.suppress(RoomClosed, CannotConnect):
                await person.go()


async def tasks_of(server: Server, file: Path) -> int:
    file.unlink(missing_ok=True)
    server.signal(signal.SIGUSR2)
    ends = time.monotonic() + WITHIN
    while not file.exists():
        assert time.monotonic() < ends, "the server never counted its tasks"
        await asyncio.sleep(0.05)
    return int(file.read_text())


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 600)
async def test_nothing_grows_while_four_full_rooms_talk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tasks"
    monkeypatch.setenv("COUNTED_FILE", str(file))
    clips = [opus.tone(2.0, hertz, 30) for hertz in (150, 220)]
    samples: list[Sample] = []
    print()
    with serving("tests.soak.counted", room_ttl="7200") as server:
        before = server.process.files
        print(f"nobody yet: {before} files {await tasks_of(server, file)} tasks", flush=True)
        rooms = []
        for number in range(ROOMS):
            links = server.open_room(lobby=False, settings={"sealed": False})
            rooms.append(Room(links, clips, random.Random(number)))
        try:
            await asyncio.gather(*(room.fill() for room in rooms))
            began = time.monotonic()
            used, at = server.process.seconds, began
            while (now := time.monotonic()) < began + SECONDS or len(samples) < 8:
                lasts = min(20.0, max(4.0, SECONDS / 20))
                await asyncio.gather(*(room.live(now + lasts) for room in rooms))
                await asyncio.gather(*(room.rest() for room in rooms))
                await asyncio.sleep(1.5)
                now = time.monotonic()
                sample = Sample(
                    now - began,
                    server.process.resident,
                    server.process.files,
                    await tasks_of(server, file),
                    len(asyncio.all_tasks()),
                    sum(room.heard for room in rooms),
                    (server.process.seconds - used) / (now - at),
                )
                used, at = server.process.seconds, now
                samples.append(sample)
                print(sample, flush=True)
        finally:
            for room in rooms:
                await room.end()
        quiet = (server.process.files, await tasks_of(server, file))
        print(f"everybody gone: {quiet[0]} files {quiet[1]} tasks", flush=True)

    settled = [each for each in samples if each.at > WARM_UP]
    half = len(settled) // 2
    assert half >= 2, "too short to see anything"
    early, late = settled[:half], settled[half:]

    def growth(name: str) -> float:
        first, second = ([float(getattr(each, name)) for each in part] for part in (early, late))
        return statistics.median(second) - statistics.median(first)

    assert growth("memory") < MOST_MEMORY
    assert growth("files") <= MOST_FILES and growth("tasks") <= MOST_TASKS
    assert growth("own") <= MOST_TASKS
    assert all(b.heard > a.heard for a, b in itertools.pairwise(samples))
    assert quiet[0] <= before + MOST_FILES
