"""What anybody can send to a media node: offers, STUN, packets with and without a right seal."""

from __future__ import annotations

import random
import re
from collections import Counter
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pylibsrtp
from aioice import stun

from sitwith_server.media.aiortc.credentials import Credentials
from sitwith_server.media.aiortc.datagrams import Outbox
from sitwith_server.media.aiortc.dtls_srtp import IceStub, PacketBuffer
from sitwith_server.media.aiortc.ice import AMPLIFICATION, MAX_ADDRESSES, IceAgent
from sitwith_server.media.aiortc.transport import MemberTransport
from sitwith_server.media.aiortc.udp import UdpPort
from sitwith_server.media.counters import Counters
from sitwith_server.media.engine import OfferRefused
from sitwith_server.media.janus import sdp as janus_engine_sdp
from sitwith_server.media.limits import AUDIO_SLOTS, VIDEO_SLOTS
from sitwith_server.media.packets import pictures, rtcp, rtp
from sitwith_server.media.sdp.answer import Local, answer, negotiate
from sitwith_server.media.sdp.offer import is_ice_restart, parse
from sitwith_server.media.sdp.session import Medium
from tests.fuzz.engine import Target
from tests.fuzz.records import changed, read, shuffled, written
from tests.media import rig

OFFERS = Path(__file__).parents[1] / "media" / "offers"
_LOCAL = Local(
    ufrag="local", pwd="p" * 32, fingerprint=("sha-256", ":".join(["AB"] * 32)), candidates=()
)

# -------------------------------------------------------------------------------------- offers


@cache
def _offers() -> tuple[bytes, ...]:
    """Those that browsers make, and a short one."""
    short = """v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\na=group:BUNDLE 0 1
a=ice-ufrag:abcd\na=ice-pwd:abcdefghijklmnopqrstuv\na=setup:actpass
a=fingerprint:sha-256 {print}
m=audio 9 UDP/TLS/RTP/SAVPF 111 63\nc=IN IP4 0.0.0.0\na=mid:0\na=sendonly\na=rtcp-mux
a=rtpmap:111 opus/48000/2\na=rtpmap:63 red/48000/2\na=fmtp:63 111/111\na=ssrc:7 cname:x
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
m=video 9 UDP/TLS/RTP/SAVPF 96\nc=IN IP4 0.0.0.0\na=mid:1\na=recvonly\na=rtcp-mux
a=rtpmap:96 VP8/90000\na=rtcp-fb:* nack pli
"""
    texts = [short.format(print=":".join(["AB"] * 32))]
    texts += [(OFFERS / f"{each}.sdp").read_text("utf-8") for each in ("firefox", "aiortc")]
    return tuple("\r\n".join(text.splitlines()).encode() + b"\r\n" for text in texts)


def offer(data: bytes) -> None:
    """ME27, ME28: an offer that is settled and answered, for Janus as well, or a fixed word."""
    text = data.decode("utf-8", "replace")
    try:
        made = parse(text)
    except OfferRefused as refused:
        assert refused.reason.replace("_", "").isalpha() and len(refused.reason) < 30
        return
    chance = random.Random(0)
    session = negotiate(made, chance.getrandbits)
    said = answer(made, session, _LOCAL)
    assert said.count("\r\nm=") == len(made.sections) and "\0" not in said
    ssrcs = [slot.ssrc for slot in session.slots]
    assert len(set(ssrcs)) == len(ssrcs)
    kinds = Counter(slot.medium for slot in session.slots)
    assert kinds[Medium.AUDIO] <= AUDIO_SLOTS and kinds[Medium.VIDEO] <= VIDEO_SLOTS
    assert all(len(source.rids or source.ssrcs) <= 3 for source in session.sources)
    assert not is_ice_restart(made, made)
    try:
        _, narrow = janus_engine_sdp.narrow(made)
        janus_engine_sdp.for_gateway(narrow)
    except OfferRefused:
        pass
    janus_engine_sdp.read(text)


def _wrong_offer(chance: random.Random) -> bytes:
    """Sections doubled; lines left out, doubled, moved, or taken from elsewhere."""
    whole = chance.choice(_offers())
    if chance.random() < 0.3:
        whole = _more_sections(whole, chance)
        if chance.random() < 0.5:
            return whole
    lines = whole.split(b"\r\n")
    others = chance.choice(_offers()).split(b"\r\n")
    for _ in range(chance.choice((1, 2, 3, 8))):
        at = chance.randrange(len(lines))
        roll = chance.random()
        if roll < 0.3 and len(lines) > 1:
            del lines[at]
        elif roll < 0.5:
            lines[at:at] = [lines[at]] * chance.choice((1, 1, 20))
        elif roll < 0.7:
            lines.insert(at, chance.choice(others))
        else:
            words = lines[at].split(b" ")
            words[chance.randrange(len(words))] = chance.choice(_SDP_WORDS)
            lines[at] = b" ".join(words)
    return b"\r\n".join(lines)


def _more_sections(whole: bytes, chance: random.Random) -> bytes:
    """Sections left out and again and again, each with a mid of its own, and all bundled."""
    head, *sections = whole.split(b"\r\nm=")
    many = [each for each in sections if b"a=sendonly" not in each or chance.random() < 0.1]
    chosen = chance.choices(many or sections, k=chance.choice((1, 2, 5, 9, 13, 25)))
    mids = [str(number).encode() for number in range(len(chosen))]
    head = re.sub(rb"BUNDLE[^\r]*", b"BUNDLE " + b" ".join(mids), head)
    chosen = [
        re.sub(rb"\r\na=mid:[^\r]*", b"\r\na=mid:" + mid, each)
        for mid, each in zip(mids, chosen, strict=True)
    ]
    return b"\r\nm=".join([head, *(each.removesuffix(b"\r\n") for each in chosen)]) + b"\r\n"


_SDP_WORDS = (
    *(b"", b"0", b"-1", b"65536", b"4294967296", b"111", b"*", b"sha-1", b"\xc2\xb2", "٣".encode()),
    *(b"a=mid:0", b"a=rid:h send", b"a=simulcast:send h;m;l", b"a=inactive", b"a=group:BUNDLE 0"),
    *(b"a=ssrc-group:FID 1 2", b"a=extmap:14 urn:ietf:params:rtp-hdrext:sdes:mid", b"m=audio"),
    *(b"m=application", b"a=rtcp-fb:* transport-cc"),
)

# ---------------------------------------------------------------------------------------- STUN

_OURS = Credentials("ourufragxx", "o" * 32)
_THEIRS = Credentials("theirs", "t" * 24)
_NEXT = Credentials("nextufragx", "n" * 32)
RAW, SIGNED, ANSWERED, ELSEWHERE, LATER, RESTART, MEDIA = range(7)


class _Box:
    """Where a socket's outbox would be."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, bytes]] = []

    def put(self, datagram: bytes, name: bytes) -> None:
        self.sent.append((datagram, name))


def _name(who: int) -> bytes:
    return b"\x02\0\x10" + bytes((who,)) + b"\x7f\0\0\1" + bytes(8)


def stuns(data: bytes) -> None:
    """ME30, ME31, ME45: whatever comes from wherever, nobody is sent to who has not answered, and
    nobody gets more than three bytes for one before."""
    port = UdpPort(["127.0.0.1"], 0, bind=None, counters=Counters())
    box, now = _Box(), 1_000.0
    outbox = cast(Outbox, box)
    got: list[bytes] = []
    agent = IceAgent(port, lambda packet, _: got.append(packet), lambda *_: None, now)
    agent.expect(_OURS, _THEIRS)
    came: Counter[bytes] = Counter()
    proven: set[bytes] = set()
    for op, who, body in read(data):
        source = _name(who % 16)
        if op % 7 == RAW:
            datagram = body
        elif op % 7 == SIGNED:
            datagram = _signed(body, _NEXT if who & 16 else _OURS)
        elif op % 7 in (ANSWERED, ELSEWHERE):
            asked = [each for each, to in box.sent if to == source and each[:2] == b"\0\1"]
            if not asked:
                continue
            datagram = _response(asked[-1][8:20], _THEIRS)
            if op % 7 == ELSEWHERE:
                source = _name((who + 1) % 16)
            else:
                proven.add(source)
        elif op % 7 == LATER:
            now += (body[0] if body else 1) / 10
            agent.tick(now)
            agent.send(b"\x80" + bytes(999))
            continue
        elif op % 7 == RESTART:
            agent.expect(_NEXT, _THEIRS)
            continue
        else:
            if (of := port._by_address.get(source)) is not None:
                of.on_datagram(b"\x80" + body, now)
                assert source in proven
            continue
        if not datagram:
            continue
        came[source] += len(datagram)
        port._stun(datagram, source, outbox, now)
        assert agent.selected is None or agent.selected in proven
        assert agent.addresses.keys() <= proven
    for name in came:
        if name not in proven:
            sent = sum(len(each) for each, to in box.sent if to == name)
            assert sent <= AMPLIFICATION * came[name], f"{sent} bytes for {came[name]}"
    assert {to for _, to in box.sent} <= came.keys()
    assert len(agent.addresses) <= MAX_ADDRESSES and len(port) <= 2 * MAX_ADDRESSES + 4
    agent.close()
    assert len(port) == 0


def _signed(attributes: bytes, local: Credentials) -> bytes:
    """A check with any attributes and a right signature."""
    named = f"{local.ufrag}:{_THEIRS.ufrag}".encode()
    body = b"\0\6" + len(named).to_bytes(2) + named + bytes(-len(named) % 4)
    body += attributes[: 400 - 400 % 4] + bytes(-len(attributes[:400]) % 4)
    return _sealed(b"\0\1", b"t" * 12, body, local.password)


def _response(transaction: bytes, theirs: Credentials) -> bytes:
    return _sealed(b"\1\1", transaction, b"", theirs.password)


def _sealed(kind: bytes, transaction: bytes, body: bytes, password: str) -> bytes:
    head = kind + len(body).to_bytes(2) + stun.COOKIE.to_bytes(4) + transaction
    data = head + body
    mac = stun.message_integrity(data, password.encode())
    data = stun.set_body_length(data + b"\0\x08\0\x14" + mac, len(body) + 24)
    mark = stun.message_fingerprint(data).to_bytes(4)
    return stun.set_body_length(data + b"\x80\x28\0\4" + mark, len(body) + 32)


_ATTRIBUTES = (
    b"\0\x24\0\4\0\0\0\x64",
    b"\0\x25\0\0",
    b"\x80\x2a\0\x08" + bytes(8),
    b"\x80\x29\0\x08" + bytes(8),
    b"\0\x20\0\x08\0\1" + bytes(6),
    b"\0\6\0\3a:b\0",
    b"\0\x09\0\4\0\0\4\1",
    b"\0\x08\0\x14" + bytes(20),
    b"\x80\x22\0\2hi\0\0",
)
_OPS = (RAW, SIGNED, SIGNED, SIGNED, ANSWERED, ANSWERED, ELSEWHERE, LATER, RESTART, MEDIA)


def _wrong_stun(chance: random.Random) -> bytes:
    def attributes() -> bytes:
        return b"".join(chance.choice(_ATTRIBUTES) for _ in range(chance.randrange(5)))

    whole = _signed(_ATTRIBUTES[0] + _ATTRIBUTES[1] + _ATTRIBUTES[2], _OURS)
    cut = whole[: chance.randrange(len(whole))]
    return written(
        (
            chance.choice(_OPS),
            chance.choice((0, 1, 2, 17, chance.randrange(32))),
            chance.choice((attributes(), attributes(), whole, cut, b"\x01", b"\x32")),
        )
        for _ in range(chance.randint(1, 14))
    )


# ------------------------------------------------------------------------------------- packets

RTP, RTCP, TICK, PLAN, REPEATED, WORDS = range(6)


class _Listener:
    """A member's end: complains of what is no packet, and of a number used for two (ME7)."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}
        self._bytes: dict[tuple[int, int], bytes] = {}

    def send(self, packet: bytes, is_rtcp: bool) -> None:
        if is_rtcp:
            assert rtcp.parse(packet) is not None, "a report that can't be read leaves"
            return
        parsed = rtp.parse(packet)
        assert parsed is not None, "a packet that can't be read leaves"
        last = self._last.get(parsed.ssrc, parsed.number)
        number = last + (parsed.number - last + 0x8000 & 0xFFFF) - 0x8000
        self._last[parsed.ssrc] = max(last, number)
        assert self._bytes.setdefault((parsed.ssrc, number), packet) == packet, "a number twice"


def _stage() -> rig.Stage:
    stage = rig.Stage()
    for number in (1, 2, 3):
        name = f"m{number}"
        made = rig.session(number, video=True, pictures=2, rids=("l", "h") if number == 2 else ())
        stage.ports[name] = stage.forwarder.add(name, made, _Listener().send, stage.now)
    stage.all_hear_all()
    stage.forwarder.lease(stage.now + 1_000)
    return stage


def forwarded(data: bytes) -> None:
    """ME5 to ME19 for packets that came through SRTP: no exception, nothing unreadable leaves."""
    stage = _stage()
    for op, who, body in read(data):
        port = stage.ports[f"m{who % 3 + 1}"]
        kind = op % 6
        if kind == RTP:
            port.on_rtp(body, stage.now)
        elif kind == RTCP:
            port.on_rtcp(body, stage.now)
        elif kind == TICK:
            stage.wait((body[0] if body else 1) / 50)
            stage.tick()
        elif kind == PLAN:
            heard = {
                f"m{n}": {f"m{m}" for m in (1, 2, 3) if m != n and who >> n & 1} for n in (1, 2, 3)
            }
            stage.plan(heard, heard)
        elif kind == REPEATED:
            for step in range(who % 20):
                number = int.from_bytes(body[2:4]) + step & 0xFFFF
                port.on_rtp(body[:2] + number.to_bytes(2) + body[4:], stage.now)
        else:
            for read_picture in pictures.READERS.values():
                picture = read_picture(body)
                assert len(pictures.renumbered(body, picture, 7, 9)) == len(body)
            rtp.primary(body)
            if len(body) >= 12 and rtp.body(body, body[0]) >= 0:
                for wanted in range(1, 15):
                    rtp.extension(body, body[0], wanted)
    stage.tick()


@cache
def _packets() -> list[tuple[int, int, bytes]]:
    found: list[tuple[int, int, bytes]] = [
        (TICK, 0, b"\x05"),
        (TICK, 0, b"\x40"),
        (PLAN, 14, b""),
        (PLAN, 6, b""),
    ]
    for who, number in enumerate((1, 2, 3)):
        voice, camera = rig.voice(number), rig.camera(number)
        found += [(RTP, who, voice.voice()), (REPEATED, who * 3 + 3, voice.voice(None, True))]
        found += [(op, who, each) for each in camera.frame(True) for op in (RTP, WORDS)]
        base, other = 1_000 * number, 1_000 * (number % 3 + 1)
        named = rig.packet(
            9_000 + who,
            5,
            6,
            rig.descriptor(True) + b"x",
            kind=rig.VP8,
            extensions={rig.MID: b"1", rig.RID: b"h"},
        )
        found.append((RTP, who, named))
        block = rtcp.Block(base + 200, 64, 3, 70_000, 9, 1, 2)
        for report in (
            rtcp.sender_report(rtcp.SenderReport(base + 1, 1 << 60, 5, 6, 7, (block,))),
            rtcp.receiver_report(base, (block,)),
            rtcp.nack(base, base + 200, (500, 501, 517)),
            rtcp.pli(base, base + 200),
            rtcp.estimate(base, 100_000, (base + 200, other + 200)),
            rtcp.goodbye((base + 1,)),
            rtcp.descriptions((base,), "c"),
            rtcp.congestion(base, other, bytes(20)),
        ):
            found.append((RTCP, who, report))
    return found


# --------------------------------------------------------------------------- a node's datagrams

_KEY = bytes(range(30))
SEALED, SPOILT = 1, 2


def datagrams(data: bytes) -> None:
    """What comes from a member's own address: anything, or under the right SRTP key."""
    mine = pylibsrtp.Session(
        pylibsrtp.Policy(key=_KEY, ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
    )
    rx = pylibsrtp.Session(pylibsrtp.Policy(key=_KEY, ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND))
    stage = _stage()
    link: Any = object.__new__(MemberTransport)
    link.agent = SimpleNamespace(heard=0.0)
    link._counters, link._buffer = Counters(), PacketBuffer()
    link._length = link._buffer.size
    link._ice = IceStub(lambda _: None)
    link._rx, link._port = rx._srtp[0], stage.ports["m1"]
    link.budget, link._streams = 300, set()
    for op, who, body in read(data):
        datagram = body
        if op % 3 in (SEALED, SPOILT):
            try:
                datagram = (mine.protect_rtcp if who & 1 else mine.protect)(body)
            except (pylibsrtp.Error, ValueError):
                continue
            if op % 3 == SPOILT:
                at = who % len(datagram)
                datagram = datagram[:at] + bytes((datagram[at] ^ 1,)) + datagram[at + 1 :]
        if datagram:
            link.on_datagram(datagram, stage.now)
        stage.wait(0.01)
    assert len(link._streams) <= 32


@cache
def _sealed_packets() -> list[tuple[int, int, bytes]]:
    return [
        (op, 1 if kind == RTCP else 0, body)
        for kind, _, body in _packets()
        if kind in (RTP, RTCP, REPEATED)
        for op in (0, SEALED, SPOILT)
    ]


TARGETS = (
    Target(
        "offers",
        offer,
        _offers,
        ("media/sdp/offer", "media/sdp/answer", "media/janus/sdp"),
        _wrong_offer,
        _SDP_WORDS,
        33_000,
    ),
    Target(
        "stun",
        stuns,
        lambda: [_wrong_stun(random.Random(n)) for n in range(8)],
        ("media/aiortc/ice", "media/aiortc/udp", "aioice/stun"),
        _wrong_stun,
        (*_ATTRIBUTES, b"\x21\x12\xa4\x42", b"\0\1", b"\1\1"),
        mutate=changed,
    ),
    Target(
        "packets",
        forwarded,
        lambda: [written([each]) for each in _packets()[::3]],
        (
            *(
                "media/packets/rtp",
                "media/packets/rtcp",
                "media/forward/port",
                "media/forward/streams",
                "media/forward/slots",
            ),
            *("media/forward/video", "media/packets/pictures"),
        ),
        lambda chance: shuffled(_packets(), chance),
        (b"\xbe\xde", b"\x10\0", b"REMB", b"\x90", b"\x80\xc8", b"\x81\xcd", b"\x81\xce"),
        mutate=changed,
    ),
    Target(
        "datagrams",
        datagrams,
        lambda: [written([each]) for each in _sealed_packets()[:12]],
        ("media/aiortc/engine", "media/forward/port", "media/packets/rtp", "media/packets/rtcp"),
        lambda chance: shuffled(_sealed_packets(), chance),
        (b"\x80", b"\x90\x6f", b"\x80\xc8\0\6", b"\x16\xfe\xfd"),
        mutate=changed,
    ),
)
