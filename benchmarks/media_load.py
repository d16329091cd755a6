"""Rooms full of people who send all at once, on an engine that runs beside us."""

from __future__ import annotations

import asyncio
import os
import random
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sitwith_client.voice import Peer
from sitwith_server.media.engine import OfferRefused

MEMBERS = 12
SETTLE = 1.5
SAMPLE = 50
"""Every so manieth packet is opened for its latency."""
VIDEO_SLOTS = 6
SILENCE = 0.4
"""Seconds between two packets of Opus that has nothing to say (DTX)."""

_STAMP = struct.Struct("!d")
_TICKS = os.sysconf("SC_CLK_TCK")
_FILL = random.Random(1).randbytes(1_400)


@dataclass(frozen=True, slots=True)
class Load:
    """kind: `audio` (50 packets of 100 bytes a second) or `video` (35 of 1,000, 300 kbit/s).

    speakers: so many of each room send at that rate. The others are as silent as Opus makes them:
        a short packet every 0.4 s, or with `stick` none at all.
    stick: the one speaker alone has routes.
    """

    kind: str
    rooms: int
    seconds: float = 6.0
    speakers: int = MEMBERS
    stick: bool = False

    @property
    def name(self) -> str:
        who = "stick" if self.stick else f"{self.speakers} of 12 speak"
        return f"{self.kind}, {self.rooms} x 12" + (f", {who}" if self.speakers < MEMBERS else "")

    @property
    def interval(self) -> float:
        return 0.02 if self.kind == "audio" else 1 / 35

    @property
    def listeners(self) -> int:
        """Who gets each packet."""
        return MEMBERS - 1 if self.kind == "audio" else VIDEO_SLOTS


@dataclass(frozen=True, slots=True)
class Figures:
    """micros: processor time of the engine's process for each packet that reached a listener.
    median, worst: latency in ms, p50 and p99. core: share of one core. load: that of the load's own
    process, near 1 of which latencies are its own."""

    micros: float
    packets: float
    lost: float
    core: float
    median: float
    worst: float
    load: float


class Target(Protocol):
    """An engine under load; pid is the process whose time counts."""

    pid: int

    async def open(self, room: str) -> None: ...

    async def answer(self, room: str, member: str, sdp: str) -> str:
        """Raises OfferRefused."""
        ...

    async def plan(
        self, room: str, rev: int, everybody: dict[str, list[str]], kind: str
    ) -> None: ...


def processor(pid: int) -> float:
    """Seconds of processor time that all threads of a process have taken."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class _Member:
    """Sends one medium and counts what comes."""

    def __init__(self, name: str, kind: str, delays: list[float]) -> None:
        self.name, self.kind, self._delays = name, kind, delays
        audio = MEMBERS - 1 if kind == "audio" else 0
        video = 0 if kind == "audio" else VIDEO_SLOTS
        self.frames = 0
        self.key = True

        def peer(sends: Sequence[str], audio: int, video: int) -> Peer:
            return Peer(sends, audio=audio, video=video, open_every=SAMPLE, on_rtp=self._came,
                        on_rtcp=self._asked)  # fmt: skip

        self._peer = peer
        self._slots = audio, video
        self.sender = self.receiver = peer((kind,), audio, video)

    def _came(self, mid: str, packet: bytes) -> None:
        if len(packet) > 40:
            self._delays.append(time.time() - _STAMP.unpack(packet[-8:])[0])

    def _asked(self, packet: bytes) -> None:
        # A picture loss indication or FIR somewhere in it.
        at = 0
        while at + 4 <= len(packet):
            if packet[at + 1] == 206 and packet[at] & 31 in (1, 4):
                self.key = True
            at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")

    async def join(self, target: Target, room: str) -> None:
        try:
            answer = await target.answer(room, self.name, self.sender.offer())
            await self.sender.connect(answer)
        except OfferRefused as refused:
            if refused.reason != "two_transports":
                raise
            self.sender = self._peer((self.kind,), 0, 0)
            self.receiver = self._peer((), *self._slots)
            for peer in (self.sender, self.receiver):
                await peer.connect(await target.answer(room, self.name, peer.offer()))

    def send(self) -> None:
        stamp = _STAMP.pack(time.time())
        if self.kind == "audio":
            self.sender.send("audio", b"\x78" + _FILL[:91] + stamp, 960, level=30)
            return
        self.frames += 1
        key = self.key or self.frames % 100 == 0
        self.key = False
        # One packet a frame: a picture id of 15 bits (RFC 7741 §4.2), a key frame now and then.
        number = 0x8000 | self.frames & 0x7FFF
        head = b"\x90\x80" + number.to_bytes(2, "big") + (b"\x10\x02\x00\x9d\x01\x2a" if key
                                                           else b"\x11\x02\x00")  # fmt: skip
        self.sender.send("video", head + _FILL[:980] + stamp, 2_571, marker=True)

    def hush(self) -> None:
        self.sender.send("audio", b"\x78\xff\xfe", 19_200, level=127, voice=False)

    def received(self) -> int:
        return sum(slot.packets for slot in self.receiver.received.values())

    async def close(self) -> None:
        for peer in {id(each): each for each in (self.sender, self.receiver)}.values():
            await peer.close()


async def measure(target: Target, load: Load) -> Figures:
    """Fills the rooms, lets everybody send, and takes the engine's processor time."""
    delays: list[float] = []
    members: list[_Member] = []
    for number in range(load.rooms):
        room = f"bench {number}"
        await target.open(room)
        names = [f"m{place}" for place in range(MEMBERS)]
        for name in names:
            member = _Member(name, load.kind, delays)
            await member.join(target, room)
            members.append(member)
        everybody = {name: [other for other in names if other != name] for name in names}
        if load.stick:
            everybody = {names[0]: everybody[names[0]]}
        await target.plan(room, 1, everybody, load.kind)
    loud = [each for place, each in enumerate(members) if place % MEMBERS < load.speakers]
    quiet = [] if load.stick else [each for each in members if each not in loud]
    paces = [asyncio.create_task(_pace(loud, load.interval, _Member.send))]
    if quiet:
        paces.append(asyncio.create_task(_pace(quiet, SILENCE, _Member.hush)))
    await asyncio.sleep(SETTLE)
    delays.clear()
    received, sent = sum(each.received() for each in members), _sent(loud)
    used, own, began = processor(target.pid), time.process_time(), time.monotonic()
    await asyncio.sleep(load.seconds)
    used, took = processor(target.pid) - used, time.monotonic() - began
    own = time.process_time() - own
    received, sent = sum(each.received() for each in members) - received, _sent(loud) - sent
    for pace in paces:
        pace.cancel()
    for member in members:
        await member.close()
    ordered = sorted(delays) or [0.0]
    return Figures(
        used / max(received, 1) * 1e6,
        received / took,
        1 - received / (sent * load.listeners),
        used / took,
        ordered[len(ordered) // 2] * 1e3,
        ordered[int(len(ordered) * 0.99)] * 1e3,
        own / took,
    )


def _sent(members: Sequence[_Member]) -> int:
    return sum(sent.packets for each in members for sent in each.sender.sent.values())


async def _pace(
    members: Sequence[_Member], interval: float, send: Callable[[_Member], None] = _Member.send
) -> None:
    """Their packets, evenly spread."""
    order = list(members)
    random.Random(2).shuffle(order)
    step, turn = interval / len(order), 0
    due = time.monotonic()
    while True:
        now = time.monotonic()
        while due <= now:
            send(order[turn % len(order)])
            turn += 1
            due += step
        await asyncio.sleep(max(0.001, due - time.monotonic()))
