"""What no honest client sends: broken, odd and huge frames, foreign origins, silence, floods."""

from __future__ import annotations

import asyncio
import random
import secrets
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import msgpack
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from .house import Circle, Server, circle
from .rawclient import Client, Gone, pack

KIB = 1024


def nested(depth: int) -> bytes:
    """A command whose field is this many lists deep."""
    return b"\x83\xa1t\xaahand.raise\xa2id\x01\xa1x" + b"\x91" * depth + b"\xc0"


def hand(field: bytes, value: bytes) -> bytes:
    """`hand.raise` with one more field, given as MessagePack."""
    return b"\x83\xa1t\xaahand.raise\xa2id\x01" + field + value


#: What can't be decoded under the limits, and what decodes but has no usable `id`.
UNDECODABLE: dict[str, bytes | str] = {
    "text": "hello",
    "text that is a map": '{"t":"hello"}',
    "empty": b"",
    "never used byte": b"\xc1",
    "cut map": b"\x82\xa1t\xa5hello",
    "cut string": b"\x81\xa1t\xdb\xff\xff\xff\xff",
    "promised huge map": b"\xdf\xff\xff\xff\xff",
    "promised huge list": b"\x81\xa1t\xdd\xff\xff\xff\xff",
    "list": pack([1, 2, 3]),
    "number": pack(7),
    "nil": pack(None),
    "string": pack("hello"),
    "trailing bytes": pack({"t": "hand.raise", "id": 1}) + b"\x00",
    "two frames in one": pack({"t": "hand.raise", "id": 1}) * 2,
    "number as key": pack({"t": "hand.raise", "id": 1, 7: 1}),
    "bytes as key": pack({"t": "hand.raise", "id": 1, b"x": 1}),
    "nil as key": pack({"t": "hand.raise", "id": 1, None: 1}),
    "same key twice": b"\x83\xa1t\xaahand.raise\xa2id\x01\xa2id\x02",
    "same type twice": b"\x83\xa1t\xaahand.raise\xa1t\xa9room.lock\xa2id\x01",
    "same key twice inside": hand(b"\xa1x", b"\x82\xa1a\x01\xa1a\x02"),
    "extension": pack({"t": "hand.raise", "id": 1, "x": msgpack.ExtType(5, b"abc")}),
    "extension as the whole": pack(msgpack.ExtType(1, b"abc")),
    "timestamp": pack({"t": "hand.raise", "id": 1, "x": msgpack.Timestamp(1, 2)}),
    "not a number": pack({"t": "hand.raise", "id": 1, "x": float("nan")}),
    "not a number, short": hand(b"\xa1x", b"\xca" + struct.pack(">f", float("nan"))),
    "broken text": hand(b"\xa1x", b"\xa2\xff\xfe"),
    "half a surrogate": hand(b"\xa1x", b"\xa3\xed\xa0\x80"),
    "a thousand deep": nested(1000),
    "thirty thousand deep": nested(30_000),
    "no type": pack({"id": 1}),
    "no id": pack({"t": "hand.raise"}),
    "text as id": pack({"t": "hand.raise", "id": "1"}),
    "fraction as id": pack({"t": "hand.raise", "id": 1.0}),
    "truth as id": pack({"t": "hand.raise", "id": True}),
    "list as id": pack({"t": "hand.raise", "id": [1]}),
    "nil as id": pack({"t": "hand.raise", "id": None}),
    "unknown type without id": pack({"t": "sudo"}),
    "server's frame": pack({"t": "welcome", "me": "x", "role": "facilitator"}),
}

#: What decodes and has an id, but no sense.
SENSELESS: list[dict[str, Any]] = [
    {"t": "sudo"},
    {"t": "ok"},
    {"t": ""},
    {"t": "x" * 500},
    {"t": "hand.raise", "x": 1},
    {"t": "hand.raise", "member": None, "y": {}},
    {"t": "chat.say"},
    {"t": "chat.say", "to": "circle"},
    {"t": "chat.say", "to": 7, "body": "x"},
    {"t": "chat.say", "to": ["circle"], "body": "x"},
    {"t": "chat.say", "to": "circle", "body": {"a": 1}},
    {"t": "chat.say", "to": "circle:", "body": "x"},
    {"t": "chat.say", "to": "", "body": "x"},
    {"t": "chat.delete", "to": "circle", "n": "1"},
    {"t": "chat.delete", "to": "circle", "n": True},
    {"t": "react", "kind": 7},
    {"t": "floor.later", "last": "yes"},
    {"t": "mute", "member": "x", "kinds": "audio"},
    {"t": "mute", "member": "x", "kinds": ["audio", 7]},
    {"t": "self.away", "away": 1},
    {"t": "self.rename", "name": 7},
    {"t": "floor.extend", "seconds": 2**63},
    {"t": "floor.extend", "seconds": -(2**63)},
    {"t": "floor.extend", "seconds": None},
    {"t": "pairs.open", "groups": {"a": ["b"]}},
    {"t": "pairs.open", "groups": [["a"], "b"]},
    {"t": "role.give", "member": "x", "role": "owner"},
]


@pytest.mark.parametrize("what", UNDECODABLE)
async def test_what_cannot_be_decoded_ends_the_socket(server: Server, what: str) -> None:
    frame = UNDECODABLE[what]
    async with circle(server) as c:
        stranger = await c.socket("stranger")
        await stranger.send_raw(frame)
        assert await stranger.closed() == 4400
        assert {f.body["t"] for f in stranger.frames} <= {"closed"}
        before = c.f.view
        await c.f.send_raw(frame)
        assert await c.f.closed() == 4400
        host = await c.back(c.f)
        assert host.view["locked"] is False
        assert host.view["members"].keys() == before["members"].keys()
        assert host.view["floor"]["queue"] == []


async def test_what_decodes_without_sense_is_refused_by_name_and_changes_nothing(
    server: Server,
) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        for message in SENSELESS:
            fields = {key: value for key, value in message.items() if key != "t"}
            await ada.no("bad_request", message["t"], fields)
        await ada.ok("hand.raise")
        assert not ada.over


@pytest.mark.parametrize("size", [33 * KIB, 1024 * KIB])
async def test_a_frame_over_the_limit_ends_the_socket(server: Server, size: int) -> None:
    async with circle(server, ["Ada"]) as c:
        huge = pack({"t": "chat.say", "id": 1, "to": "circle", "body": "x" * size})
        stranger = await c.socket("stranger")
        for client in (stranger, c.members[0]):
            try:
                await client.send_raw(huge)
            except Gone as gone:
                assert gone.code in (4413, 1009)
            assert await client.closed() in (4413, 1009)
        # in pieces that are each small
        pieces = await c.socket("pieces")
        try:
            await pieces.send_raw(huge[at : at + KIB] for at in range(0, len(huge), KIB))
        except Gone as gone:
            assert gone.code in (4413, 1009)
        assert await pieces.closed() in (4413, 1009)


async def test_a_frame_under_the_limit_may_come_in_pieces(server: Server) -> None:
    async with circle(server) as c:
        one = await c.socket("Ada")
        hello = pack({"t": "hello", "token": c.tokens["member"], "name": "Ada"})
        await one.send_raw(hello[at : at + 5] for at in range(0, len(hello), 5))
        await one.until(lambda: one.phase == "agreement", "welcome")
        long = pack({"t": "chat.say", "id": 9, "to": "circle", "body": "x" * (31 * KIB)})
        await c.accept(one)
        await one.send_raw(long)
        await one.until(lambda: 9 in one.answers, "the answer")
        assert one.answers[9][0].body["code"] in ("too_long", "bad_request")


async def test_a_message_in_endless_pieces_is_cut_off(server: Server) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"\x81"
        for _ in range(5000):
            yield b""

    for _ in range(10):
        stranger = await server.connect("stranger")
        with suppress(ConnectionClosed):
            await stranger.socket.send(pieces())
        assert await stranger.closed() in (4400, 4413, 1009)


async def test_text_that_is_no_text_ends_the_socket_and_leaves_no_trace(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        for client in (await c.socket("stranger"), c.members[0]):
            await client.socket.send(b"canary-of-broken-text \xff\xfe", text=True)
            assert await client.closed() in (4400, 1007)
        assert "canary-of-broken-text" not in server.log
        assert "Traceback" not in server.log


async def test_a_second_hello_ends_the_socket(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        await ada.send({"t": "hello", "token": c.tokens["facilitator"], "name": "Ada"})
        assert await ada.closed() == 4400
        assert (await c.back(ada)).role == "member"


async def test_who_never_says_hello_is_let_go(server: Server) -> None:
    start = time.monotonic()
    silent = await server.connect("silent")
    half = await server.connect("half")
    await half.socket.ping()
    assert await silent.closed() == 4408
    assert time.monotonic() - start > 4
    assert await half.closed() == 4408
    assert {f.body["t"] for f in silent.frames} <= {"closed"}


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "{public}.evil.example",
        "{public}@evil.example",
        "file://",
    ],
)
async def test_a_foreign_origin_is_refused_before_the_upgrade(server: Server, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await server.connect(origin=origin.format(public=server.url))
    assert refused.value.response.status_code == 403


async def test_no_origin_and_ones_own_are_allowed(server: Server) -> None:
    async with circle(server) as c:
        for origin in (None, server.url):
            client = await server.connect("Ada", origin=origin)
            await client.hello(c.tokens["member"], "Ada")
            assert client.phase == "agreement"
            await client.close()


async def test_more_origins_are_allowed_by_setting(own_server: Callable[..., Server]) -> None:
    server = own_server(SITWITH_ALLOWED_ORIGINS="https://circle.example,https://two.example")
    for origin in ("https://circle.example", "https://two.example"):
        client = await server.connect(origin=origin)
        await client.close()
    with pytest.raises(InvalidStatus):
        await server.connect(origin="https://circle.example.evil.example")


async def test_compression_is_never_agreed_on(server: Server) -> None:
    async with connect(
        server.ws,
        subprotocols=[Subprotocol("sitwith.v1")],
        compression="deflate",
        origin=Origin(server.url),
        proxy=None,
    ) as socket:
        assert socket.response is not None
        assert "Sec-WebSocket-Extensions" not in socket.response.headers
        assert socket.response.headers["Sec-WebSocket-Protocol"] == "sitwith.v1"
        assert socket.subprotocol == "sitwith.v1"


class Attacker:
    """Makes hostile frames; the same ones for the same seed."""

    def __init__(self, seed: int, foreign: list[str]) -> None:
        self.chance = random.Random(seed)
        self.foreign = foreign
        self.broken = list(UNDECODABLE.values())
        self.number = 10_000

    def fatal(self) -> bytes | str:
        """Ends a connection."""
        kind = self.chance.randrange(10)
        if kind < 4:
            return self.chance.choice(self.broken)
        if kind < 7:
            return b"\xc1" + self.chance.randbytes(self.chance.randrange(300))
        if kind == 7:
            valid = pack({"t": "chat.say", "id": 1, "to": "circle", "body": "x" * 50})
            return valid[: self.chance.randrange(1, len(valid) - 1)]
        if kind == 8:
            return nested(self.chance.randrange(50, 20_000))
        return pack({"t": "x", "id": 1, "y": "z" * (33 * KIB)})

    def senseless(self) -> bytes:
        """Has an id and is refused."""
        self.number += 1
        kind = self.chance.randrange(4)
        if kind == 0:
            return pack({**self.chance.choice(SENSELESS), "id": self.number})
        if kind == 1:
            return pack(
                {
                    "t": self.chance.choice(["mute", "unmute", "pairs.visit", "room.end", "sudo"]),
                    "id": self.number,
                    self.chance.choice(["member", "group", "room", "person"]): self.chance.choice(
                        self.foreign
                    ),
                }
            )
        if kind == 2:
            keys = {secrets.token_hex(4): i for i in range(self.chance.randrange(500))}
            return pack({"t": "chat.say", "id": self.number, **keys})
        return pack(
            {
                "t": "chat.say",
                "id": self.number,
                "to": f"pair:{self.chance.choice(self.foreign)}",
                "body": "x" * self.chance.randrange(3000),
            }
        )


FRAMES = 20_000
A_SOCKET = 40


async def assault(c: Circle, seed: int, foreign: list[str], sockets: int) -> tuple[int, set[Any]]:
    """Open sockets one after another, in every phase, and pour; frames sent and close codes."""
    attacker = Attacker(seed, foreign)
    sent = 0
    codes: set[Any] = set()
    for number in range(sockets):
        client = await c.server.connect("attacker")
        try:
            if number % 2:
                await client.hello(c.tokens["member"], "Attacker")
                if number % 4 == 3:
                    version = client.view["agreement"]["version"]
                    await client.send({"t": "agreement.accept", "id": 1, "version": version})
            for place in range(A_SOCKET):
                last = place >= A_SOCKET - 3 or (number % 5 == 0)
                await client.send_raw(attacker.fatal() if last else attacker.senseless())
                sent += 1
        except Gone:
            sent += 1
        codes.add(await client.closed())
        client.frames.clear()
    return sent, codes


async def test_after_twenty_thousand_hostile_frames_a_good_client_is_answered_at_once(
    own_server: Callable[..., Server],
) -> None:
    server = own_server()
    async with circle(server, ["Ada"]) as good, circle(server, lobby=True) as target:
        (ada,) = good.members
        foreign = [ada.me, good.f.me, good.room, target.room, "nobody", "*", "a\nb", "{x}"]
        await ada.ok("chat.say", {"to": "circle", "body": "before"})
        before = server.memory
        sent = 0
        codes: set[Any] = set()
        seed = 1
        while sent < FRAMES:
            results = await asyncio.gather(
                *(assault(target, seed + lane, foreign, 25) for lane in range(6))
            )
            seed += 6
            sent += sum(r[0] for r in results)
            for _, found in results:
                codes |= found
        assert codes <= {4400, 4413, 1009, 4429}, codes
        assert 4400 in codes
        took: list[float] = []
        for number in range(3):
            start = time.monotonic()
            said = await ada.ok("chat.say", {"to": "circle", "body": f"after {number}"})
            took.append(time.monotonic() - start)
            assert said["n"] == 2 + number
        assert min(took) < 1
        await good.f.hears("after 2")
        assert (await good.join("Cleo")).phase == "inside"
        # nor does the attacked room suffer
        assert (await target.join("Dora")).phase == "inside"
        assert server.process.code is None
        grown = server.memory - before
        assert grown < 30 * KIB * KIB, f"grew by {grown / KIB / KIB:.1f} MiB"
        assert "Traceback" not in server.log


async def test_hostile_frames_of_a_seat_inside_harm_only_its_own_socket(server: Server) -> None:
    async with circle(server, ["Ada", "Mallory"]) as c:
        ada, mallory = c.members
        attacker = Attacker(7, [ada.me, c.f.me, c.room])
        me = mallory.me
        for _ in range(8):
            try:
                for _ in range(15):
                    await mallory.send_raw(attacker.senseless())
                await mallory.send_raw(attacker.fatal())
            except (Gone, ConnectionClosed):
                pass
            assert await mallory.closed() in (4400, 4413, 1009, 4429)
            mallory = await c.back(mallory)
            assert mallory.me == me
        await ada.ok("chat.say", {"to": "circle", "body": "all is well"})
        await mallory.hears("all is well")
        await c.settle()
        view = ada.view
        assert view["members"][ada.me]["muted"] == []
        assert view["pairs"] is None
        assert isinstance(ada, Client) and not ada.over
