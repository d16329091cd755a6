"""Whole ways in: a connection of the gateway's in a real room, requests, and a socket's bytes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, Generic, Protocol, TypeVar

from structlog.testing import capture_logs

from sitwith_protocol import messages as m
from sitwith_protocol.codec import SERVER_LIMITS, decode, encode
from sitwith_protocol.errors import CloseCode
from sitwith_server.gateway.websocket.connection import Connection
from sitwith_server.gateway.websocket.outbox import Outbox
from sitwith_server.service.people import paces
from tests.fuzz.engine import Target
from tests.fuzz.mutate import wrong
from tests.fuzz.records import changed, read, written
from tests.fuzz.targets_bodies import wrong_body
from tests.fuzz.targets_wire import frames, packed
from tests.gateway.house import House, house
from tests.simulation.virtual import VirtualLoop
from tests.simulation.world import World, payload

VISITS, ROOMS = 6, 40
"""Inputs that one room sees, for it may have been ended or locked; and rooms of one world."""

# What stands for the papers of the room that an input happens in; of the same lengths, so that no
# length before one is wrong.
LEADER, MEMBER = "F" * 26 + "." + "f" * 43, "M" * 26 + "." + "m" * 43
AGAIN = "R" * 26 + ".mRRRRRRR." + "r" * 43
ME, OTHER = "mMMMMMMM", "mOOOOOOO"


class _Closes(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=_Closes)


class Defect(Exception):
    """Something was logged as an error, or answered as one."""


class _Wire:
    """A socket's other end."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.code: int | None = None

    def write(self, data: bytes) -> None:
        self.frames.append(decode(payload(data), SERVER_LIMITS))

    def more(self) -> bool:
        return False

    def unsent(self) -> int:
        return 0

    def gone(self) -> bool:
        return self.code is not None

    def seated(self) -> None:
        pass

    def end(self, code: int) -> None:
        self.code = code


class _Rooms:
    """A world with a clock of its own, and rooms in it, each led by somebody who is there first."""

    def __init__(self) -> None:
        self._loop = VirtualLoop()
        self.inputs = 0

        async def begin() -> World:
            return World(random.Random(0))

        self._world: World = self._run(begin())

    def _run(self, what: Any) -> Any:
        return self._loop.run_until_complete(what)

    async def _open(self) -> None:
        made = await self._world.room(sealed=False, lobby=False)
        self._papers = {LEADER: made.facilitator, MEMBER: made.member}
        wire = _Wire()
        waiting = [
            encode({"t": "hello", "token": made.facilitator, "name": "Ada"}),
            encode({"t": "agreement.accept", "id": 1, "version": 1}),
        ]

        async def receive() -> bytes | str | None:
            # The leader stays: without one nobody is let in.
            return waiting.pop(0) if waiting else await asyncio.Future()

        outbox = Outbox(wire, 1 << 20)
        connection = Connection(self._world.registry, outbox, clock=self._loop.time)
        self._world.tasks.append(asyncio.create_task(connection.serve(receive)))
        await asyncio.sleep(1)
        self._papers[OTHER] = wire.frames[0]["me"]

    def visit(self, sent: Sequence[bytes]) -> None:
        if self.inputs % VISITS == 0:
            self._run(self._open())
        self.inputs += 1
        wire = self._run(self._talk(sent))
        assert wire.code not in (CloseCode.FAULT, CloseCode.LOST), f"ends with {wire.code}"
        for frame in wire.frames:
            m.parse_server(frame)

    async def _talk(self, sent: Sequence[bytes]) -> _Wire:
        wire, papers = _Wire(), dict(self._papers)
        waiting = list(sent)

        async def receive() -> bytes | str | None:
            await asyncio.sleep(0.1)
            for frame in wire.frames[:1]:
                papers[ME], papers[AGAIN] = (
                    str(frame.get("me", ME)),
                    str(frame.get("resume", AGAIN)),
                )
            if AGAIN in papers:
                self._papers[AGAIN] = papers[AGAIN]
            if not waiting:
                return None
            data = waiting.pop(0)
            for name, paper in papers.items():
                data = data.replace(name.encode(), paper.encode())
            return data

        connection = Connection(
            self._world.registry, Outbox(wire, 1 << 20), clock=asyncio.get_running_loop().time
        )
        await connection.serve(receive)
        return wire

    def close(self) -> None:
        with capture_logs():  # of what was cut off
            self._run(self._world.close())
            self._run(ended())
        self._loop.close()
        paces.of_commands.cache_clear()  # kept for some thousand seats


class Kept(Generic[T]):
    """What inputs share, made for the first of them and closed at the end."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make, self._made = make, list[T]()

    def get(self) -> T:
        if not self._made:
            self._made.append(self._make())
        return self._made[0]

    def forget(self) -> None:
        if self._made:
            self._made.pop().close()


_ROOMS = Kept(_Rooms)


def session(data: bytes) -> None:
    """A connection from its first frame to its last: answers and refusals, and no fault."""
    if _ROOMS.get().inputs >= VISITS * ROOMS:
        _ROOMS.forget()
    with capture_logs() as logs:
        _ROOMS.get().visit([record.data for record in read(data)])
    no_errors(logs)


def no_errors(logs: Sequence[Any]) -> None:
    for line in logs:
        if line["log_level"] in ("error", "critical"):
            fault = line.get("exc_info")
            if isinstance(fault, Exception):
                raise fault
            raise Defect(str(line["event"]))


@cache
def _hellos() -> tuple[dict[str, object], ...]:
    return (
        {"t": "hello", "token": LEADER, "name": "Ada"},
        {"t": "hello", "token": MEMBER, "name": "Ben"},
        {"t": "hello", "resume": AGAIN, "seen": {"room": bytes(24), "circle": bytes(24)}},
        {"t": "hello", "token": MEMBER, "name": "Cleo", "was": AGAIN},
    )


@cache
def _commands() -> tuple[dict[str, Any], ...]:
    """The golden commands, about people who are there."""
    found = []
    for frame in frames("client"):
        value = decode(frame)
        if value["t"] not in ("hello", "agreement.accept"):
            found.append(
                decode(
                    frame.replace(b"\xa5m7Qk2", b"\xa8" + ME.encode()).replace(
                        b"\xa5m9Zb4", b"\xa8" + OTHER.encode()
                    )
                )
            )
    return tuple(found)


def _wrong_visit(chance: random.Random) -> bytes:
    """A hello, the agreement, and commands; some of them not quite right."""
    hello: Any = chance.choice(_hellos())
    sent = [hello if chance.random() < 0.9 else wrong(hello, chance)]
    accept: Any = {"t": "agreement.accept", "id": 1, "version": 1}
    sent.append(accept if chance.random() < 0.95 else wrong(accept, chance))
    for number in range(chance.randrange(14)):
        command: Any = dict(chance.choice(_commands()))
        command["id"] = number + 2 if chance.random() < 0.9 else 2
        if chance.random() < 0.4:
            # Without an id or a type nothing is read any further.
            keep = {key: command[key] for key in ("t", "id") if chance.random() < 0.95}
            command = wrong(command, chance)
            command = {**command, **keep} if isinstance(command, dict) else command
        sent.append(command)
    records = []
    for each in sent:
        with suppress(TypeError, OverflowError, ValueError):
            records.append((0, 0, packed(each)))
    return written(records)


# ------------------------------------------------------------------------------------ requests

_PATHS = (
    *("/", "/api", "/api/rooms", "/api/rooms/x", "/api/rooms/x/invites", "/api/rooms/x/invites/y"),
    *("/api/audit/x", "/api/series", "/api/series/x", "/series/x", "/series/person", "/lines"),
    *("/healthz", "/readyz", "/metrics", "/r/x", "/r/x/materials/y", "/templates", "/ws"),
    *("/schemas/agenda.json", "/assets/x.js", "/..%2f", "/%6detrics", "//api/rooms"),
    "/api/rooms/%00",
)
_HEADERS = (
    *(b"authorization: Bearer operator-key-of-these-tests", b"authorization: bearer x.y"),
    *(b"authorization: Bearer", b"host: 127.0.0.1:8000", b"host: a@b/c", b"origin: null"),
    *(
        b"content-length: 5",
        b"content-length: -1",
        b"content-length: \xb2",
        b"content-length: 9" * 9,
    ),
    *(
        b"transfer-encoding: chunked",
        b"range: bytes=0-",
        b"range: bytes=99999999999999999999-,-5,3-1",
    ),
    *(b"if-none-match: *", b"if-modified-since: x", b"accept-encoding: gzip;q=0"),
    *(b"accept-encoding: ,;q=x", b"x-forwarded-for: 1.2.3.4, ::1, x", b"forwarded: for=[::1"),
    b"content-type: application/json; charset=\xff",
)
_METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "", "G\x00T")


class _Doors:
    def __init__(self) -> None:
        self.loop = VirtualLoop()  # what waits, such as after wrong keys, waits for no time
        self._made = house()
        self.house: House = self.loop.run_until_complete(self._made.__aenter__())

    def close(self) -> None:
        self.loop.run_until_complete(self._made.__aexit__(None, None, None))
        self.loop.close()


_DOORS = Kept(_Doors)


def request(data: bytes) -> None:
    """One request: op is its method, who its path; headers and body by an empty line apart. An
    answer of the promised form, and never 500."""
    doors = _DOORS.get()
    for op, who, rest in read(data):
        with capture_logs() as logs:
            doors.loop.run_until_complete(_ask(doors.house, op, who, rest))
        no_errors(logs)
        return


async def ended() -> None:
    """Nothing else goes on in this loop any more."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _ask(h: House, op: int, who: int, rest: bytes) -> None:
    head, _, body = rest.partition(b"\n\n")
    lines = head.split(b"\n")
    path = _PATHS[who % len(_PATHS)]
    if op & 0x80:  # a path of its own
        path, lines = lines[0].decode("utf-8", "replace"), lines[1:]
    parts = [line.partition(b":") for line in lines if b":" in line]
    sent = [(name.strip().lower(), value.strip()) for name, _, value in parts]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1",
        "method": _METHODS[op % 0x80 % len(_METHODS)], "scheme": "http", "path": path,
        "raw_path": path.encode("utf-8", "replace"), "query_string": body[:8], "root_path": "",
        "headers": sent, "client": ("203.0.113.9", 1), "server": ("127.0.0.1", 8_000),
    }  # fmt: skip
    told: list[Any] = []
    pieces = [body[: len(body) // 2], body[len(body) // 2 :]]

    async def receive() -> Any:
        if pieces:
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        told.append(message)

    await h.asgi(scope, receive, send)
    status = told[0]["status"]
    assert status != 500, "a fault"
    for name, value in told[0]["headers"]:
        assert b"\n" not in name + value and b"\r" not in name + value


def _wrong_request(chance: random.Random) -> bytes:
    lines = [chance.choice(_HEADERS) for _ in range(chance.randrange(4))]
    if chance.random() < 0.8:
        lines.append(_HEADERS[0])
    op = chance.choice((0, 1, 1, 1, 2, 3, chance.randrange(10)))
    return written(
        [(op, chance.randrange(len(_PATHS)), b"\n".join(lines) + b"\n\n" + wrong_body(chance))]
    )


TARGETS = (
    Target(
        "session",
        session,
        lambda: [_wrong_visit(random.Random(n)) for n in range(6)],
        (
            *(
                "gateway/websocket/session",
                "gateway/websocket/connection",
                "gateway/websocket/translate",
                "service/people/door",
            ),
            *("/decide.py", "/family.py", "room/rules", "floor/turns", "pairs/visits"),
        ),
        _wrong_visit,
        (b"\xa2to", b"\xa2id", ME.encode(), OTHER.encode(), b"pair:", b"staff:"),
        8_000,
        fresh=_ROOMS.forget,
        mutate=changed,
    ),
    Target(
        "requests",
        request,
        lambda: [_wrong_request(random.Random(n)) for n in range(6)],
        (
            *(
                "gateway/http/app",
                "gateway/http/routing",
                "gateway/http/materials",
                "gateway/http/series",
            ),
            *("gateway/http/page", "gateway/origins", "gateway/http/forms"),
        ),
        _wrong_request,
        (*_HEADERS, b"\n\n", b"\n", b": "),
        4_096,
        fresh=_DOORS.forget,
        mutate=changed,
    ),
)
