"""What a client's frames meet: the codec, the messages' shapes, names, and the papers of entry."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgpack

from sitwith_protocol import messages as m
from sitwith_protocol.checks import Invalid
from sitwith_protocol.codec import (
    CLIENT_LIMITS,
    SERVER_LIMITS,
    CodecError,
    Limits,
    decode,
    encode,
)
from sitwith_protocol.fields import NAME_MAX
from sitwith_protocol.person import read_person
from sitwith_protocol.urls import web_url
from sitwith_server.gateway.websocket.positions import (
    SEALED_BYTES,
    UNKNOWN,
    PositionSealer,
    positions_well_formed,
)
from sitwith_server.gateway.websocket.translate import Untranslatable, to_command
from sitwith_server.log.base import Position
from sitwith_server.media.janus import lease as janus_lease
from sitwith_server.media.plane import bus
from sitwith_server.service.materials import tickets
from sitwith_server.service.people import names, tokens
from sitwith_server.service.people.names import NameRefused
from tests.fuzz.engine import Target
from tests.fuzz.mutate import nonsense, wrong

VECTORS = Path(__file__).parents[2] / "protocol" / "vectors"


@cache
def frames(side: str) -> tuple[bytes, ...]:
    """The golden frames of `client` or `server`."""
    golden = json.loads((VECTORS / f"{side}.json").read_text("utf-8"))
    return tuple(bytes.fromhex(each["hex"]) for each in golden["good"])


def packed(value: object) -> bytes:
    """MessagePack, whatever it is: what the codec would not write as well."""
    made: bytes = msgpack.packb(value, use_bin_type=True, strict_types=False)
    return made


def _wrong_frame(chance: random.Random) -> bytes:
    frame = msgpack.unpackb(chance.choice(frames(chance.choice(("client", "client", "server")))))
    for _ in range(chance.choice((1, 1, 2, 4))):
        frame = wrong(frame, chance)
    try:
        return packed(frame)
    except (TypeError, OverflowError, ValueError):
        return packed(nonsense(random.Random(0)))


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


def _within(value: object, limits: Limits) -> bool:
    if isinstance(value, dict):
        return len(value) <= limits.map and all(
            type(key) is str and _within(item, limits) for key, item in value.items()
        )
    if isinstance(value, list):
        return len(value) <= limits.array and all(_within(item, limits) for item in value)
    return True


def codec(data: bytes) -> None:
    """WF2 to WF9: a map within the limits or a named refusal; and what was read, written and read
    again, is the same."""
    for limits in (CLIENT_LIMITS, SERVER_LIMITS):
        try:
            value = decode(data, limits)
        except CodecError as refused:
            assert len(str(refused)) < 60, "a refusal quotes the frame"
            continue
        assert len(data) <= limits.frame and type(value["t"]) is str
        assert _depth(value) <= limits.depth and _within(value, limits)
        again = encode(value)
        if len(again) <= limits.frame:
            assert encode(decode(again, limits)) == again


def messages(data: bytes) -> None:
    """SH*: exactly a known shape, or `bad_request` without a word of what was sent."""
    try:
        value = decode(data, SERVER_LIMITS)
    except CodecError:
        return
    for parse in (m.parse_client, m.parse_server):
        try:
            made = parse(value)
        except m.BadMessage as bad:
            assert len(str(bad)) < 300
            continue
        if parse is m.parse_client and not isinstance(made, m.HelloJoin | m.HelloResume | m.Ping):
            with suppress(Untranslatable):
                to_command(made, "m1234567")  # type: ignore[arg-type]


# -------------------------------------------------------------------------------------- names

_NAMES = (
    *(
        "Ada",
        "Zoë",
        "José María",
        "Νίκος",
        "Ольга",
        "山田 太郎",
        "김철수",
        "מרים",
        "فاطمة",
        "अनिता",
    ),
    *(
        "💚 Kim",
        "Dr. X (host)",
        "Аdа",
        "a\u0301\u0302\u0303\u0304\u0305",
        "ﷺ" * 40,
        "\u2800",
        "x\u200dy",
    ),
)
_PIECES = tuple(
    each.encode()
    for each in (
        *("\u0301", "\u200d", "\u202e", "\ufe0f", "\u1160", "\u3164", "\u00ad", "\U000e0061"),
        *("(host)", "[", "｛", "・", "ﬁ", "Ⅷ", "ß", "İ", "𝕬", "ａ", "admin", "㈱", "👩\u200d👧"),
    )
)


def a_name(data: bytes) -> None:
    """NA*: a name that may be shown, which is taken as it is when it comes again; or a refusal."""
    try:
        name = names.clean(data.decode("utf-8", "replace"))
    except NameRefused as refused:
        assert str(refused) and len(str(refused)) < 100
        return
    shown = name.shown
    assert 1 <= len(shown) <= NAME_MAX and shown == shown.strip()
    assert unicodedata.is_normalized("NFKC", shown)
    assert not any(unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp") for each in shown)
    assert name.skeleton
    assert names.clean(shown) == name


# --------------------------------------------------------------------------- papers and letters

ROOM: Any = SimpleNamespace(
    id="r4kd", materials=SimpleNamespace(key=b"k" * 32, find=lambda id: None)
)
_BRING = packed({"t": "bring", "room": "r4kd", "seat": "m1", "material": "f1", "until": 9e9,
                 "kind": "pdf", "title": "A paper"})  # fmt: skip
_POSITION = Position(1, 42, bytes(8)).to_bytes()
_PLACES = PositionSealer(b"k" * 32)
_SEAL = janus_lease.GuardCodec("a secret of these tests")
_RENEWAL = janus_lease.Renewal(bytes(16), 7, bytes(8), 5_000_000, True, {1: 500, 2**53: 700})
_ROUND = janus_lease.Round(bytes(16), bytes(8), 5_000_000, 7, True, 700, (1, 2))


def papers(data: bytes) -> None:
    """Tokens, resume values, tickets, positions, handles and links: read, or told to be none."""
    text = data.decode("utf-8", "surrogateescape")
    token, resume = tokens.read_token(text), tokens.read_resume(text)
    assert token is None or (token.room and "." not in token.room)
    assert resume is None or (resume.room and resume.seat)
    assert tickets.read(ROOM, text, "f1", tickets.BRING, 0.0) is None, "not signed by the room"
    with suppress(Invalid):
        web_url(text)
    with suppress(ValueError):
        read_person(text)
    seen = {"room": data, "circle": data[:SEALED_BYTES]}
    if positions_well_formed(seen):
        _PLACES.seen(seen, "m1")
    found = _PLACES.open("circle", data[:SEALED_BYTES].ljust(SEALED_BYTES, b"\0"))
    assert found.seq <= UNKNOWN.seq


def signed(data: bytes) -> None:
    """Words that carry a right signature, whatever else is in them: an old key's, or a stray
    program's with the secret."""
    mark = tickets._text(tickets._sign(ROOM, data))
    tickets.read(ROOM, f"{tickets._text(data)}.{mark}", "f1", tickets.BRING, 0.0)
    for read in (_SEAL.read_renewal, _SEAL.read_round):
        read(data)
        read(_SEAL._sealed(data))
    renewal = _SEAL.read_renewal(_SEAL._sealed(data))
    if renewal is not None:
        ledger = janus_lease.Ledger(bytes(8))
        ledger.take(renewal, 6.0)
        ledger.due(7.0)
    bus.from_bytes(data)


def _wrong_ticket(chance: random.Random) -> bytes:
    said = msgpack.unpackb(_BRING)
    try:
        return packed(wrong(said, chance))
    except (TypeError, OverflowError, ValueError):
        return _BRING


_LETTERS: tuple[Callable[[], bus.MediaMessage], ...] = (
    lambda: bus.Here("n", 0.5, 1, 2, False, {"sent": 1}),
    lambda: bus.Offer("n", "l", "m1", "c", "v=0"),
    lambda: bus.Slots("m1", {"0": None}),
    lambda: bus.Speakers({"m1": ("m2",)}),
)

TARGETS = (
    Target(
        "codec",
        codec,
        lambda: (*frames("client"), *frames("server")[:20]),
        ("sitwith_protocol/codec",),
        _wrong_frame,
        (
            b"\xc1",
            b"\xc7\0\1",
            b"\xdf\xff\xff\xff\xff",
            b"\xdd\0\1\0\0",
            b"\xdb\0\0\x80\0",
            b"\x81\xa1t",
            b"\xcb\x7f\xf8",
        ),
        40_000,
    ),
    Target(
        "messages",
        messages,
        lambda: (*frames("client"), *frames("server")),
        ("sitwith_protocol/", "gateway/websocket/translate", "gateway/stages"),
        _wrong_frame,
        (b"\xa2to", b"\xa2id", b"\xa4body", b"\xc0", b"\xc3", b"\xcb\x3f\xe0"),
    ),
    Target(
        "names",
        a_name,
        lambda: [each.encode() for each in _NAMES],
        ("service/people/names",),
        lambda chance: "".join(
            chr(
                chance.choice(
                    (chance.randrange(0x250), chance.randrange(0x3100), chance.randrange(0x110000))
                )
            )
            for _ in range(chance.randint(1, 42))
        ).encode("utf-8", "surrogatepass"),
        _PIECES,
        200,
    ),
    Target(
        "papers",
        papers,
        lambda: (
            tokens.mint_token(tokens.new_room_id())[0].encode(),
            tokens.mint_resume(tokens.new_room_id(), "m1234567")[0].encode(),
            f"{tickets._text(_BRING)}.{tickets._text(bytes(32))}".encode(),
            b"https://example.org:8443/a?b=c#d",
            b"http://[2001:db8::1]/",
            _POSITION,
        ),
        (
            "service/people/tokens",
            "service/materials/tickets",
            "protocol/urls",
            "protocol/person",
            "log/values",
        ),
        None,
        (b".", b"..", b"=", b"://", b"@", b"\\", b"[", b"]", b":99999", b"\xed\xa0\x80", b"xn--"),
    ),
    Target(
        "signed",
        signed,
        lambda: (
            _BRING,
            _SEAL.renewal(_RENEWAL)[:-16],
            _SEAL.round(_ROUND)[:-16],
            *(bus.to_bytes(make()) for make in _LETTERS),
        ),
        (
            "service/materials/tickets",
            "media/janus/lease",
            "media/plane/bus",
            "service/rooms/store",
        ),
        _wrong_ticket,
        (b"SwR1", b"SwG1", b"\xa5until", b"\xa4kind", b"\xc1"),
    ),
)
