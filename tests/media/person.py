"""Somebody with a voice: the Python client on the wire, and its peer connection for the sound.

Every packet carries its speaker's name and its moment, so that a listener knows whom they heard
and when it was said.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sitwith_client import Client, Heard, MediaLost, MediaSlots, Refused
from sitwith_client.events import Event
from sitwith_client.voice.peer import Peer
from tests.waiting import until

FRAME = 0.02
WITHIN = 25.0
"""Seconds that anything may take on a slow machine."""


@dataclass
class Person:
    """`heard` counts packets by their speakers, `latest` has the moment the newest was said."""

    client: Client
    name: str
    heard: dict[str, int] = field(default_factory=dict)
    latest: dict[str, float] = field(default_factory=dict)
    slots: dict[str, str | None] = field(default_factory=dict)
    speakers: frozenset[str] = frozenset()
    ever_speakers: set[str] = field(default_factory=set)
    lost: int = 0
    answer: str = ""
    offered: int = 0
    keep: bool = True
    """Whether they offer again by themselves after a `media.lost`."""

    def __post_init__(self) -> None:
        self.peer = self._peer()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def id(self) -> str:
        return self.client.id

    def _peer(self) -> Peer:
        return Peer(("audio",), audio=4, on_rtp=self._on_rtp)

    def _on_rtp(self, mid: str, packet: bytes) -> None:
        start = 12 + 4 * (packet[0] & 15)
        if packet[0] & 16:
            start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4])
        speaker, _, moment = packet[start:].decode().partition("|")
        self.heard[speaker] = self.heard.get(speaker, 0) + 1
        self.latest[speaker] = max(float(moment), self.latest.get(speaker, 0.0))

    async def start(self) -> None:
        """Offers, connects, and talks from now on."""
        self._tasks.append(asyncio.create_task(self._follow()))
        await self.connect()
        self._tasks.append(asyncio.create_task(self._talk()))

    async def connect(self) -> None:
        """Offers until it is answered, as a client does."""
        ends = time.monotonic() + WITHIN
        while True:
            old, self.peer = self.peer, self._peer()
            with contextlib.suppress(Exception):
                await old.close()
            try:
                self.offered += 1
                self.answer = await self.client.offer_media(self.peer.offer())
                await self.peer.connect(self.answer)
                return
            except (Refused, ConnectionError):
                if time.monotonic() > ends:
                    raise
                await asyncio.sleep(0.1)

    async def _talk(self) -> None:
        while True:
            with contextlib.suppress(Exception):
                self.peer.speak(f"{self.name}|{time.monotonic()}".encode())
            await asyncio.sleep(FRAME)

    async def _follow(self) -> None:
        async for event in self.client.events():
            self.take(event)
            if isinstance(event, MediaLost) and self.keep:
                self._tasks.append(asyncio.create_task(self.connect()))

    def take(self, event: Event) -> None:
        if isinstance(event, MediaSlots):
            self.slots = event.slots
        elif isinstance(event, Heard):
            self.speakers = event.members
            self.ever_speakers |= event.members
        elif isinstance(event, MediaLost):
            self.lost += 1

    async def hears(self, *names: str, since: float | None = None) -> None:
        """Waits until all of them were heard saying something after `since` (now)."""
        began = time.monotonic() if since is None else since
        await until(
            lambda: all(self.latest.get(name, 0.0) > began for name in names),
            lambda: f"{self.name} hears {names}, heard {self.heard}",
        )

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(Exception):
            await self.peer.close()


async def quiet(listener: Person, speaker: str, since: float, *, slack: float = 0.0) -> None:
    """Nothing that `speaker` says after `since + slack` is heard, while time passes."""
    await asyncio.sleep(0.6)
    said = listener.latest.get(speaker, 0.0)
    assert said <= since + slack, f"{listener.name} heard {speaker} {said - since:.3f} s later"


@asynccontextmanager
async def people(link: str, *names: str) -> AsyncIterator[list[Person]]:
    """Members who come by a link, are inside and talk."""
    async with contextlib.AsyncExitStack() as stack:
        found = []
        for name in names:
            client = await stack.enter_async_context(Client.join(link, name))
            await client.enter(WITHIN)
            found.append(Person(client, name))
        await asyncio.gather(*(each.start() for each in found))
        try:
            yield found
        finally:
            await asyncio.gather(*(each.end() for each in found))
