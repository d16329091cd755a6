"""Members with real transports: what they send names its sender, so what they hear does too."""

from __future__ import annotations

import asyncio
import random
import re
import struct
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sitwith_client.voice import Peer
from sitwith_server.media.engine import Engine, MediaRoom, OfferRefused, Plan
from sitwith_server.room.media.routes import Routes

PACKET = 0.01
PATIENCE = 30.0
_MARK = struct.Struct("!8sQ")
MAGIC = b"\x78our own words\0"
"""What every payload begins with: Opus' first byte, and nothing that chance would make."""
CAMERA = b"\x10\x00"
"""A VP8 payload descriptor of a frame's start, and a key frame's first byte (RFC 7741 §4)."""


@dataclass
class Harness:
    """An implementation under test.

    engine: started; the harness's owner closes it.
    slack: packets that may be lost where a route opens, and that may pass until a silence is told
        to those who keep it.
    exact: whether what was sent before `apply` returned is never heard later than that.
    early: whether the very first packets of a slot may overtake one another on their way in; else a
        listener may not understand that slot any more, until they offer anew.
    types: whether payload types that were not agreed on are dropped; else they pass as the agreed
        one, along the same routes.
    """

    engine: Engine
    slack: int = 0
    video: bool = True
    types: bool = True
    early: bool = True


@dataclass
class Recorder:
    """A watcher that remembers."""

    maps: dict[str, Mapping[str, str | None]] = field(default_factory=dict)
    up: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def slots_changed(self, member: str, slots: Mapping[str, str | None]) -> None:
        self.maps[member] = dict(slots)

    def connected(self, member: str) -> None:
        self.up.append(member)

    def lost(self, member: str) -> None:
        self.gone.append(member)


@dataclass(frozen=True)
class Heard:
    """One packet that reached a listener: by its own words `count` of `speaker`."""

    mid: str
    speaker: str
    count: int
    number: int


class Link:
    """The way between a member and the engine, which loses, repeats and reorders, by a seed."""

    def __init__(self, seed: int, loss: float, repeat: float, late: float) -> None:
        self._chance = random.Random(seed)
        self._loss, self._repeat, self._late = loss, repeat, late
        self.good = False
        """Whether it is a good line just now."""
        self._transports: list[asyncio.DatagramTransport] = []

    async def open(self, engine: tuple[str, int]) -> tuple[str, int]:
        """The address that stands for the engine's from now on: one for each connection."""
        loop, link = asyncio.get_running_loop(), self
        client: list[tuple[str, int]] = []

        def to_client(data: bytes) -> None:
            if client and not outer.is_closing():
                outer.sendto(data, client[0])

        class Inner(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                link.pass_on(lambda: to_client(data))

        class Outer(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                client[:] = [addr]
                link.pass_on(lambda: inner.sendto(data))

        inner, _ = await loop.create_datagram_endpoint(Inner, remote_addr=engine)
        outer, _ = await loop.create_datagram_endpoint(Outer, local_addr=("127.0.0.1", 0))
        self._transports += [inner, outer]
        host, port = outer.get_extra_info("sockname")[:2]
        return host, port

    def pass_on(self, send: Callable[[], None]) -> None:
        chance, loop = self._chance, asyncio.get_running_loop()
        if self.good:
            return send()
        if chance.random() < self._loss:
            return
        for _ in range(2 if chance.random() < self._repeat else 1):
            if chance.random() < self._late:
                loop.call_later(chance.uniform(0.005, 0.05), self._if_open, send)
            else:
                send()

    def _if_open(self, send: Callable[[], None]) -> None:
        if self._transports:
            send()

    def close(self) -> None:
        for transport in self._transports:
            transport.close()
        self._transports = []


_CANDIDATE = re.compile(r"^(a=candidate:\S+ 1 udp \d+) (\S+) (\d+) ", re.MULTILINE)


class Member:
    """A member with one peer connection, or two where the engine wants them apart."""

    def __init__(
        self, company: Company, name: str, *, audio: int = 4, video: bool = False,
        link: Link | None = None,
    ) -> None:  # fmt: skip
        self.company, self.id = company, name
        self.link = link
        self.sends = ("audio", "video") if video else ("audio",)
        self.slots = (audio, audio if video else 0)
        self.sender = self.receiver = self._peer(self.sends, *self.slots)
        self.heard: list[Heard] = []
        self.count = 0
        self.level = 20
        self.muted = False
        """A client that is quiet by itself."""

    def _peer(self, sends: tuple[str, ...], audio: int, video: int) -> Peer:
        return Peer(sends, audio=audio, video=video, on_rtp=self._on_rtp)

    def _on_rtp(self, mid: str, packet: bytes) -> None:
        at = packet.find(MAGIC)
        if at < 0:
            return
        name, count = _MARK.unpack_from(packet, at + len(MAGIC))
        number = struct.unpack_from("!H", packet, 2)[0]
        self.heard.append(Heard(mid, name.rstrip(b"\0").decode(), count, number))

    async def join(self) -> Member:
        try:
            await self._connect(self.sender)
        except OfferRefused as refused:
            if refused.reason != "two_transports":
                raise
            self.sender = self._peer(self.sends, 0, 0)
            self.receiver = self._peer((), *self.slots)
            await self._connect(self.sender)
            await self._connect(self.receiver)
        await self.company.until(lambda: self.id in self.company.watcher.up)
        return self

    async def _connect(self, peer: Peer) -> None:
        answer = await self.company.room.answer(self.id, peer.offer())
        if self.link is not None:
            found = _CANDIDATE.search(answer)
            assert found is not None
            host, port = await self.link.open((found[2], int(found[3])))
            answer = _CANDIDATE.sub(rf"\1 {host} {port} ", answer)
        await peer.connect(answer)

    async def restart(self) -> None:
        """An ICE restart of the receiving connection, which sends too where there is one alone."""
        await self._connect(self.receiver)

    def again(self) -> None:
        """Fresh connections for the next `join`; the old ones stay as they are."""
        self.sender = self.receiver = self._peer(self.sends, *self.slots)
        if self.id in self.company.watcher.up:
            self.company.watcher.up.remove(self.id)

    def speak(self) -> None:
        self.count += 1
        mark = MAGIC + _MARK.pack(self.id.encode(), self.count)
        self.sender.send("audio", mark.ljust(70, b"\0"), 480, level=self.level)
        if "video" in self.sender.sent:
            # Every frame is a key frame of one packet.
            picture = CAMERA + b"\x00\x9d\x01\x2a" + mark
            self.sender.send("video", picture.ljust(300, b"\0"), 900, marker=True)

    def heard_of(self, speaker: str, after: int = 0) -> list[int]:
        """The counts of what was heard of one speaker's, in the order of arrival."""
        return [each.count for each in self.heard if each.speaker == speaker and each.count > after]

    def speakers(self, since: int = 0) -> set[str]:
        """Who was heard in what came after the first `since` packets."""
        return {each.speaker for each in self.heard[since:]}

    async def close(self) -> None:
        for peer in {id(each): each for each in (self.sender, self.receiver)}.values():
            await peer.close()
        if self.link is not None:
            self.link.close()


class Company:
    """A room on an engine, its members, and their talking."""

    def __init__(self, harness: Harness, room: MediaRoom, watcher: Recorder) -> None:
        self.harness, self.room, self.watcher = harness, room, watcher
        self.members: dict[str, Member] = {}
        self._rev = 0
        self._turn = 0

    @classmethod
    async def gather(
        cls, harness: Harness, names: str, *, room: str = "room", video: bool = False
    ) -> Company:
        """A room with connected members of one-letter names; silent."""
        watcher = Recorder()
        company = cls(harness, await harness.engine.open(room, watcher), watcher)
        for name in names:
            await company.join(name, video=video)
        return company

    def member(self, name: str, *, video: bool = False, link: Link | None = None) -> Member:
        member = self.members[name] = Member(self, name, video=video, link=link)
        return member

    async def join(self, name: str, *, video: bool = False, link: Link | None = None) -> Member:
        return await self.member(name, video=video, link=link).join()

    async def close(self) -> None:
        for member in self.members.values():
            await member.close()
        await self.room.close()

    # --------------------------------------------------------------------------------- plans

    def plan(self, heard: Mapping[str, str], seen: Mapping[str, str] | None = None) -> Plan:
        """The next plan: listeners by speaker, each a text of one-letter names."""
        self._rev += 1
        return Plan(self._rev, self.routes(heard, seen))

    def routes(self, heard: Mapping[str, str], seen: Mapping[str, str] | None = None) -> Routes:
        return Routes(
            self._turn,
            {each: frozenset(to) for each, to in heard.items()},
            {each: frozenset(to) for each, to in (seen or {}).items()},
        )

    async def apply(
        self, heard: Mapping[str, str], seen: Mapping[str, str] | None = None
    ) -> dict[str, int]:
        """Applies a plan; answers how much each member had said when it was done."""
        self._turn += 1
        await self.room.apply(self.plan(heard, seen))
        return self.counts()

    def everybody(self, names: str | None = None) -> dict[str, str]:
        """Everybody hears everybody."""
        names = names if names is not None else "".join(self.members)
        return {each: names.replace(each, "") for each in names}

    def counts(self) -> dict[str, int]:
        return {name: member.count for name, member in self.members.items()}

    # --------------------------------------------------------------------------------- talking

    @asynccontextmanager
    async def talking(self) -> AsyncIterator[None]:
        """All members who are not quiet send a packet every 10 ms."""
        task = asyncio.create_task(self._talk())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _talk(self) -> None:
        while True:
            for member in list(self.members.values()):
                if not member.muted:
                    member.speak()
            await asyncio.sleep(PACKET)

    async def until(self, true: Callable[[], bool], what: str = "") -> None:
        """Waits for it, with much patience."""
        end = time.monotonic() + PATIENCE
        while not true():
            if time.monotonic() > end:
                raise AssertionError(f"did not happen: {what or 'what the test waited for'}")
            await asyncio.sleep(0.005)

    async def rounds(self, count: int) -> None:
        """While everybody talks: until each has said this much more, and what is on its way has
        arrived."""
        before = self.counts()
        await self.until(
            lambda: all(
                self.members[name].count >= said + count
                for name, said in before.items()
                if not self.members[name].muted
            ),
            "talking",
        )
        await asyncio.sleep(0.15)

    async def hears(self, listener: str, speaker: str, after: int, count: int = 5) -> None:
        """Until so many of the speaker's packets after that one were heard."""
        member = self.members[listener]
        await self.until(
            lambda: len(member.heard_of(speaker, after)) >= count, f"{listener} hears {speaker}"
        )

    async def expect(self, heard: Mapping[str, str], after: Mapping[str, int]) -> None:
        """While everybody talks: exactly these routes are open for what was said after that."""
        for speaker, listeners in heard.items():
            for listener in listeners:
                await self.hears(listener, speaker, after[speaker])
        await self.rounds(10)
        found: dict[str, set[str]] = defaultdict(set)
        for name, member in self.members.items():
            for speaker, said in after.items():
                if member.heard_of(speaker, said):
                    found[speaker].add(name)
        assert {s: "".join(sorted(to)) for s, to in found.items()} == {
            speaker: "".join(sorted(to)) for speaker, to in heard.items() if to
        }
