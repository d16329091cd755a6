"""The storms themselves: what each hostile connection does, for the generator to repeat.

Frames are masked with a key of zeros, which RFC 6455 allows: so their payloads can be read and
numbered in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sitwith_protocol.codec import encode

BINARY: Final = 0x82
UNFINISHED: Final = 0x02
MORE: Final = 0x00
PING: Final = 0x89

ID: Final = 0x23696423
"""The number whose four bytes are `#id#`: the generator puts another in its place each time."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a storm goes: the server's port, an ordinary link's token of the good members' room,
    one of a room with a lobby, a one-use upload ticket's address, an offer of media."""

    port: int
    room: str
    token: str
    lobby_token: str
    upload: tuple[str, str]
    sdp: str


@dataclass(frozen=True, slots=True)
class Storm:
    """One kind of attack. connections and addresses: how many, and from how many places."""

    name: str
    does: str
    program: Callable[[Place], str]
    connections: int = 200
    addresses: int = 20
    seats: bool = field(default=False)
    """Whether it sits down in the good members' room."""


def frame(payload: bytes, kind: int = BINARY) -> bytes:
    """One masked WebSocket frame (RFC 6455 §5.2)."""
    size = len(payload)
    head = bytes((kind, 0x80 | size)) if size < 126 else bytes((kind, 0xFE)) + size.to_bytes(2)
    return head + bytes(4) + payload


def message(fields: Mapping[str, object]) -> bytes:
    return frame(encode(dict(fields)))


def head(place: Place) -> bytes:
    """A WebSocket's upgrade."""
    return (
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{place.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Protocol: sitwith.v1\r\n\r\n"
    ).encode()


class Program:
    """Lines for the generator, one after another."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def __str__(self) -> str:
        return "\n".join(self._lines) + "\n"

    def __len__(self) -> int:
        return sum(not line.startswith("lost") for line in self._lines)

    def do(self, word: str, *values: int | bytes) -> Program:
        said = (value.hex() if isinstance(value, bytes) else str(value) for value in values)
        self._lines.append(" ".join((word, *said)))
        return self

    def upgraded(self, place: Place) -> Program:
        return self.do("connect").do("send", head(place)).do("await", 5_000, b" 101 ")

    def greeted(self, place: Place, token: str) -> Program:
        """As far as the agreement."""
        hello = message({"t": "hello", "token": token, "name": "Guest"})
        return self.upgraded(place).do("send", hello).do("await", 5_000, b"welcome")

    def seated(self, place: Place, token: str) -> Program:
        """As far as a place in the circle."""
        accept = message({"t": "agreement.accept", "id": ID, "version": 1})
        self.greeted(place, token).do("keep", b"\xa6resume")
        return self.do("send", accept).do("await", 5_000, b"entered")


def hellos(place: Place) -> str:
    """Links that lead nowhere."""
    wrong = message({"t": "hello", "token": f"{place.room}.{'x' * 32}", "name": "Guest"})
    made = Program().upgraded(place).do("send", wrong).do("await", 3_000, b"closed")
    return str(made.do("cut"))


def agreements(place: Place) -> str:
    """The ordinary link, and never an answer to the agreement."""
    return str(Program().greeted(place, place.token).do("pause", 1_000).do("cut"))


def halves(place: Place) -> str:
    """Request heads that don't end."""
    return str(Program().do("connect").do("dribble", 100, head(place)[:-2]))


def slow(place: Place) -> str:
    """Much is asked, and no answer read."""
    asked = message({"t": "ping", "id": ID})
    return str(Program().seated(place, place.token).do("deaf").do("flood", 0, asked))


def pings(place: Place) -> str:
    """Pings whose pongs are never read."""
    return str(Program().upgraded(place).do("deaf").do("flood", 0, frame(b"x" * 125, PING)))


def empties(place: Place) -> str:
    """The smallest frames there are."""
    return str(Program().upgraded(place).do("flood", 0, frame(b"", PING)))


def fragments(place: Place) -> str:
    """One message that never ends, a byte at a time."""
    begun = Program().upgraded(place).do("send", frame(b"\x81", UNFINISHED))
    return str(begun.do("flood", 0, frame(b"x", MORE)))


def trickle(place: Place) -> str:
    """One message that never ends, a fragment now and then."""
    begun = Program().upgraded(place).do("send", frame(b"\x81", UNFINISHED))
    for _ in range(20):
        begun.do("send", frame(b"x", MORE)).do("pause", 50)
    return str(begun.do("again", len(begun) - 2))


def uploads(place: Place) -> str:
    """Bodies that stall, many under one ticket."""
    path, ticket = place.upload
    begin = (
        f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1:{place.port}\r\n"
        f"Authorization: Bearer {ticket}\r\nContent-Type: image/png\r\n"
        "Content-Length: 4000000\r\n\r\n"
    ).encode()
    made = Program().do("connect").do("send", begin).do("flood", 240, b"\x89PNG" * 4096)
    return str(made.do("pause", 20_000).do("cut"))


def resumes(place: Place) -> str:
    """A seat that comes back every 25 ms, to say more than one socket may."""
    say = message({"t": "chat.say", "id": ID, "to": "circle", "body": "a flood"})
    made = Program().do("lost", 0).seated(place, place.token).do("flood", 30, say)
    again = len(made)
    made.do("pause", 25).do("cut").upgraded(place)
    made.do("sendkept", b"\x83\xa1t\xa5hello\xa4seen\x80\xa6resume", b"")
    made.do("await", 3_000, b"welcome").do("keep", b"\xa6resume").do("flood", 30, say)
    return str(made.do("again", again))


def offers(place: Place) -> str:
    """Media offers, each of which makes a connection."""
    offer = message({"t": "media.offer", "id": ID, "sdp": place.sdp})
    return str(Program().seated(place, place.token).do("flood", 0, offer))


def lobby(place: Place) -> str:
    """The lobby is filled as fast as it is emptied."""
    accept = message({"t": "agreement.accept", "id": ID, "version": 1})
    leave = message({"t": "leave", "id": ID})
    made = Program().greeted(place, place.lobby_token).do("send", accept)
    made.do("await", 3_000, b"lobby").do("send", leave)
    return str(made.do("pause", 20).do("cut"))


def garbage(place: Place) -> str:
    """Frames that can't be decoded."""
    made = Program().upgraded(place).do("send", frame(b"\xdf\xff\xff\xff\xff"))
    return str(made.do("await", 2_000, b"\x88").do("cut"))


def senseless(place: Place) -> str:
    """Commands that are none, as fast as they go."""
    wrong = message({"t": "sudo", "id": ID})
    return str(Program().upgraded(place).do("flood", 0, wrong))


STORMS: Final = (
    Storm("hellos", "hellos by links that lead nowhere", hellos),
    Storm("agreements", "the ordinary link, and no answer to the agreement", agreements),
    Storm("halves", "request heads that don't end, a byte a time", halves, 1_500, 20),
    Storm("slow", "much asked from a seat, no answer read", slow, 8, 8, True),
    Storm("pings", "pings of 125 bytes whose pongs are not read", pings),
    Storm("empties", "empty pings, the smallest frames", empties),
    Storm("fragments", "a message in fragments of a byte, without end", fragments),
    Storm("trickle", "a message in fragments, one each 50 ms, without end", trickle, 400),
    Storm("uploads", "bodies that stall, under one ticket", uploads, 50),
    Storm("resumes", "a seat resumed every 25 ms, to say more", resumes, 4, 4, True),
    Storm("offers", "media offers", offers, 8, 8, True),
    Storm("lobby", "the lobby filled again and again", lobby, 100),
    Storm("garbage", "frames that can't be decoded", garbage),
    Storm("senseless", "commands that are none", senseless),
)
