"""A member as an engine with two transports wants it: one connection sends, one receives."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress

from sitwith_client.voice.peer import Peer
from sitwith_server.media.engine import MediaRoom, Plan
from sitwith_server.room.media.routes import Routes
from sitwith_server.room.model import MemberId


class Watch:
    """A watcher that keeps what it was told."""

    def __init__(self) -> None:
        self.maps: dict[MemberId, Mapping[str, MemberId | None]] = {}
        self.ups: Counter[MemberId] = Counter()
        self.losses: Counter[MemberId] = Counter()

    def slots_changed(self, member: MemberId, slots: Mapping[str, MemberId | None]) -> None:
        self.maps[member] = dict(slots)

    def connected(self, member: MemberId) -> None:
        self.ups[member] += 1

    def lost(self, member: MemberId) -> None:
        self.losses[member] += 1

    def on(self, member: MemberId) -> set[MemberId]:
        """Who is on any slot of a member."""
        return {each for each in self.maps.get(member, {}).values() if each is not None}


class Member:
    """Its packets carry its name, so a listener knows whose they are whatever slot they are on."""

    def __init__(
        self, name: MemberId, *, sends: tuple[str, ...] = ("audio",), audio: int = 3, video: int = 0
    ) -> None:
        self.name = name
        self.up = Peer(sends, audio=0)
        self.down = Peer((), audio=audio, video=video, on_rtp=self._heard)
        self.heard: Counter[tuple[MemberId, str]] = Counter()
        """Packets by their sender and the slot's mid."""
        self.last: dict[MemberId, float] = {}
        """When the latest packet of a sender came, monotonic seconds."""
        self._voice: asyncio.Task[None] | None = None

    def _heard(self, mid: str, packet: bytes) -> None:
        name = packet[12:].rpartition(b"|")[2].decode()
        self.heard[name, mid] += 1
        self.last[name] = time.monotonic()

    def count(self, of: MemberId) -> int:
        return sum(n for (name, _), n in self.heard.items() if name == of)

    async def join(self, room: MediaRoom) -> None:
        await self.up.connect(await room.answer(self.name, self.up.offer()))
        await self.down.connect(await room.answer(self.name, self.down.offer()))

    def speak(self) -> None:
        """Sends 50 packets a second, of voice, until `close` or `hush`, whatever anybody says."""
        self._voice = asyncio.create_task(self._speak())

    async def hush(self) -> None:
        if self._voice is not None:
            self._voice.cancel()
            with suppress(asyncio.CancelledError):
                await self._voice
            self._voice = None

    async def _speak(self) -> None:
        tail = b"|" + self.name.encode()
        while True:
            if "audio" in self.up.sent:
                self.up.speak(b"\x78" + bytes(20) + tail, level=20)
            if "video" in self.up.sent:
                # A VP8 key frame's first packet, as far as a forwarder looks at it (RFC 7741).
                self.up.send("video", b"\x10\x00" + bytes(20) + tail, 1800, marker=True)
            await asyncio.sleep(0.02)

    async def close(self) -> None:
        await self.hush()
        await self.up.close()
        await self.down.close()


def plan(
    rev: int,
    heard: Mapping[MemberId, Iterable[MemberId]],
    seen: Mapping[MemberId, Iterable[MemberId]] | None = None,
    *,
    turn: int = 0,
) -> Plan:
    return Plan(
        rev,
        Routes(
            turn,
            {name: frozenset(to) for name, to in heard.items()},
            {name: frozenset(to) for name, to in (seen or {}).items()},
        ),
    )


def everybody(*names: MemberId) -> dict[MemberId, list[MemberId]]:
    """Routes of an open floor."""
    return {name: [other for other in names if other != name] for name in names}
