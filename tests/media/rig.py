"""A room on the forwarder without a network: members, their packets, and decoders that complain."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from struct import pack

from sitwith_server.media.engine import Plan
from sitwith_server.media.forward.forwarder import Forwarder, Port
from sitwith_server.media.packets import rtcp, rtp
from sitwith_server.media.packets.pictures import Picture, vp8
from sitwith_server.media.sdp.session import Extensions, Medium, Session, SlotSpec, SourceSpec
from sitwith_server.room.media.routes import Routes

LEVEL, MID, RID, SENT, TRANSPORT = 1, 4, 10, 2, 3
OPUS, RED, VP8 = 111, 63, 96


def session(
    number: int,
    *,
    audio: bool = True,
    video: bool = False,
    rids: tuple[str, ...] = (),
    named: bool = True,
    voices: int = 3,
    pictures: int = 0,
    red: bool = True,
    stamped: bool = True,
) -> Session:
    """Member `number`'s; its SSRCs are told by `number`: 1000 n + 1 audio, + 2… video layers, and
    slots from 1000 n + 100 (audio) and + 200 (video)."""
    base = 1000 * number
    formats = {OPUS: "opus", RED: "red"} if red else {OPUS: "opus"}
    sources = []
    if audio:
        ssrcs = (base + 1,) if named else ()
        extensions = Extensions(level=LEVEL, mid=MID)
        sources.append(SourceSpec("0", Medium.AUDIO, ssrcs, (), formats, extensions))
    if video:
        ssrcs = () if rids or not named else (base + 2,)
        extensions = Extensions(mid=MID, rid=RID if rids else 0, transport=TRANSPORT)
        sources.append(SourceSpec("1", Medium.VIDEO, ssrcs, rids, {VP8: "vp8"}, extensions))
    back = {name: kind for kind, name in formats.items()}
    slots = [
        SlotSpec(f"a{i}", Medium.AUDIO, base + 100 + i, back, Extensions(), 65_530, 7, f"s{i}")
        for i in range(voices)
    ]
    sent = Extensions(sent=SENT if stamped else 0)
    slots += [
        SlotSpec(f"v{i}", Medium.VIDEO, base + 200 + i, {"vp8": 100}, sent, 500, 90, f"s{i}")
        for i in range(pictures)
    ]
    return Session(tuple(sources), tuple(slots), f"c{number}", base + 999)


def packet(
    ssrc: int,
    number: int,
    time: int,
    payload: bytes,
    *,
    kind: int = OPUS,
    marker: bool = False,
    extensions: Mapping[int, bytes] | None = None,
) -> bytes:
    head = pack(
        "!BBHII",
        0x90 if extensions else 0x80,
        kind | marker << 7,
        number & 0xFFFF,
        time & 0xFFFFFFFF,
        ssrc,
    )
    if not extensions:
        return head + payload
    block = b"".join(bytes((i << 4 | len(v) - 1,)) + v for i, v in extensions.items())
    block += bytes(-len(block) % 4)
    return head + pack("!HH", 0xBEDE, len(block) // 4) + block + payload


def descriptor(key: bool, start: bool = True, number: int = 0, base: int = 0) -> bytes:
    """A VP8 payload descriptor with 15-bit picture id and TL0PICIDX, and a first octet."""
    first = 0x80 | (0x10 if start else 0)
    return bytes((first, 0xC0, 0x80 | number >> 8 & 0x7F, number & 0xFF, base & 0xFF, not key))


@dataclass
class Sender:
    """One stream as a publisher makes it. Payloads name the member, the stream and a serial, so
    that a receiver knows what it got."""

    name: str
    ssrc: int
    kind: int = OPUS
    step: int = 960
    number: int = 65_000
    time: int = 4_294_960_000
    serial: int = 0
    picture: int = 32_766
    extensions: dict[int, bytes] = field(default_factory=dict)

    def tag(self) -> bytes:
        self.serial += 1
        return f"|{self.name}|{self.serial}|".encode().ljust(60, b".")

    def voice(self, level: int | None = 20, marker: bool = False) -> bytes:
        extensions = dict(self.extensions)
        if level is not None:
            extensions = {LEVEL: bytes((0x80 | level,)), **extensions}
        made = packet(
            self.ssrc,
            self.number,
            self.time,
            self.tag(),
            kind=self.kind,
            marker=marker,
            extensions=extensions,
        )
        self.number += 1
        self.time += self.step
        return made

    def frame(self, key: bool = False, parts: int = 2) -> list[bytes]:
        """One picture of 3,000 ticks (1/30 s)."""
        made = []
        for part in range(parts):
            head = descriptor(key, part == 0, self.picture, self.picture)
            made.append(
                packet(
                    self.ssrc,
                    self.number,
                    self.time,
                    head + self.tag(),
                    kind=self.kind,
                    marker=part == parts - 1,
                    extensions=self.extensions,
                )
            )
            self.number += 1
        self.picture += 1
        self.time += 3_000
        return made


@dataclass
class Got:
    """A packet that reached a slot. `ext` counts on over 16 bits; `who` and `serial` by its tag."""

    ext: int
    time: int
    marker: bool
    kind: int
    who: str
    serial: int
    picture: Picture
    raw: bytes


class Receiver:
    """What comes to a member, by slot; complains at once of what would break a decoder."""

    def __init__(self) -> None:
        self.slots: dict[int, list[Got]] = defaultdict(list)
        self.reports: list[rtcp.Report] = []
        self.count = 0
        self._bytes: dict[tuple[int, int], bytes] = {}

    def send(self, data: bytes, is_rtcp: bool) -> None:
        if is_rtcp:
            reports = rtcp.parse(data)
            assert reports is not None
            self.reports += reports
            return
        self.count += 1
        parsed = rtp.parse(data)
        assert parsed is not None
        got = self.slots[parsed.ssrc]
        last = got[-1].ext if got else parsed.number
        ext = last + (parsed.number - last + 0x8000 & 0xFFFF) - 0x8000
        # No number for two packets: with AES-GCM it would give the key stream away.
        assert self._bytes.setdefault((parsed.ssrc, ext), data) == data
        body = data[parsed.payload :]
        _, who, serial, _ = body.rsplit(b"|", 3)
        got.append(
            Got(
                ext,
                parsed.time,
                parsed.marker,
                parsed.type,
                who.decode(),
                int(serial),
                vp8(body),
                data,
            )
        )

    def heard(self, ssrc: int) -> list[str]:
        return [got.who for got in self.slots[ssrc]]

    def ordered(self, ssrc: int) -> list[Got]:
        """As a jitter buffer gives them out; a repeated packet once."""
        return sorted({got.ext: got for got in self.slots[ssrc]}.values(), key=lambda g: g.ext)

    def of(self, kind: type[rtcp.Report]) -> list[rtcp.Report]:
        return [each for each in self.reports if isinstance(each, kind)]


def signed(time: int) -> int:
    """A difference of RTP times."""
    return (time + 0x80000000 & 0xFFFFFFFF) - 0x80000000


def ticks(later: Got, earlier: Got) -> int:
    return signed(later.time - earlier.time)


def steps(got: Iterable[Got]) -> list[tuple[int, int]]:
    """Of neighbours: how much further the number and the time are."""
    return [(b.ext - a.ext, ticks(b, a)) for a, b in pairwise(got)]


class Stage:
    """A forwarder with members `m1`, `m2` …, their ports and receivers, and a clock."""

    def __init__(self, **settings: int) -> None:
        self.maps: dict[str, Mapping[str, str | None]] = {}
        self.forwarder = Forwarder(self.maps.__setitem__, **settings)
        self.receivers: dict[str, Receiver] = {}
        self.ports: dict[str, Port] = {}
        self.now = 1_000.0
        self.rev = 0
        self.turn = 0

    def add(self, number: int, made: Session) -> Port:
        name = f"m{number}"
        self.receivers[name] = receiver = Receiver()
        self.ports[name] = self.forwarder.add(name, made, receiver.send, self.now)
        return self.ports[name]

    def plan(
        self, heard: Mapping[str, Iterable[str]], seen: Mapping[str, Iterable[str]] | None = None
    ) -> bool:
        self.rev += 1
        routes = Routes(
            self.turn,
            {who: frozenset(whom) for who, whom in heard.items()},
            {who: frozenset(whom) for who, whom in (seen or {}).items()},
        )
        return self.forwarder.apply(Plan(self.rev, routes), self.now)

    def all_hear_all(self) -> None:
        names = set(self.ports)
        open_ = {name: names - {name} for name in names}
        self.plan(open_, open_)

    def send(self, name: str, data: bytes) -> None:
        self.ports[name].on_rtp(data, self.now)

    def say(self, sender: Sender, count: int = 1, level: int | None = 20) -> None:
        """Packets 20 ms apart."""
        for _ in range(count):
            self.send(sender.name.split("/")[0], sender.voice(level))
            self.wait(0.02)

    def film(self, sender: Sender, count: int = 1, key: bool = False) -> None:
        """Pictures 1/30 s apart, the first of them a key frame if so."""
        for i in range(count):
            for part in sender.frame(key and i == 0):
                self.send(sender.name.split("/")[0], part)
            self.wait(1 / 30)

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def tick(self) -> None:
        self.forwarder.tick(self.now)

    def refused(self, reason: str) -> int:
        return self.forwarder.dropped()[reason]


def voice(number: int) -> Sender:
    return Sender(f"m{number}", 1000 * number + 1)


def camera(number: int, layer: int = 0) -> Sender:
    return Sender(f"m{number}", 1000 * number + 2 + layer, VP8, 3_000)


def chance(seed: int) -> random.Random:
    return random.Random(seed)
