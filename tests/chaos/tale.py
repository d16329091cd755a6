"""Histories told by hand: what each client did and got, a line each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sitwith_protocol.codec import encode
from sitwith_server.log.base import Position
from tests.chaos.history import Frame, History, Op, Shown


def canary(number: int) -> str:
    return f"canary-{number:012x}"


def pos(seq: int, event: int | None = None) -> bytes:
    return Position(1, seq, (seq if event is None else event).to_bytes(8, "big")).to_bytes()


def member(role: str = "member", here: str = "here", **more: Any) -> dict[str, Any]:
    return {"name": "N", "role": role, "seat": 1, "here": here, "muted": [], **more}


class Tale:
    """Each step takes a second. A client's name is its seat's in lower case."""

    def __init__(self) -> None:
        self.time = 0.0
        self.history = History(lambda: self.time)
        self._connections: dict[str, int] = {}
        self._ids = 0

    def later(self, seconds: float = 1.0) -> None:
        self.time += seconds

    def gets(self, seat: str, frame: Frame, connection: int | None = None) -> None:
        self.later()
        at = self._connections[seat] if connection is None else connection
        self.history.receive(seat.lower(), seat, at, encode(frame))

    def connects(self, seat: str) -> None:
        self.later()
        self._connections[seat] = self._connections.get(seat, 0) + 1
        self.history.link(seat.lower(), seat, self._connections[seat])

    def enters(self, *seats: str, role: str = "member", circle: int = 0) -> None:
        for seat in seats:
            self.connects(seat)
            self.welcomed(seat, role=role, phase="agreement")
            self.gets(seat, {"t": "entered", "room": {}, "pos": {"circle": pos(circle)}})
            self.history.here[seat] = True

    def welcomed(
        self, seat: str, *, role: str = "member", phase: str = "inside", **room: Any
    ) -> None:
        frame = {"t": "welcome", "me": seat, "role": role, "phase": phase, "room": room}
        self.gets(seat, {**frame, "resume": "r", "resumed": phase == "inside"})

    def asks(self, seat: str, kind: str, **fields: Any) -> Op:
        self.later()
        self._ids += 1
        return self.history.invoke(seat.lower(), seat, self._ids, kind, fields)

    def ok(self, op: Op, **fields: Any) -> Op:
        self.later()
        self.history.answered(op, {"t": "ok", "id": op.id, **fields})
        return op

    def refused(self, op: Op, code: str = "muted") -> Op:
        self.later()
        self.history.answered(op, {"t": "refused", "id": op.id, "code": code})
        return op

    def does(self, seat: str, kind: str, **fields: Any) -> Op:
        return self.ok(self.asks(seat, kind, **fields))

    def says(
        self, seat: str, n: int, readers: Iterable[str], to: str = "circle", seq: int | None = None
    ) -> Op:
        """Acknowledged, and delivered to the readers."""
        body = canary(len(self.history.ops) + 1)
        op = self.ok(self.asks(seat, "chat.say", to=to, body=body), to=to, n=n)
        for reader in readers:
            self.hears(reader, seat, n, body, to, seq)
        return op

    def hears(
        self,
        reader: str,
        author: str,
        n: int,
        body: str,
        to: str = "circle",
        seq: int | None = None,
        *,
        event: int | None = None,
        connection: int | None = None,
    ) -> None:
        place = pos(n if seq is None else seq, event)
        frame = {"t": "chat", "to": to, "n": n, "pos": place, "from": author, "at": 0, "body": body}
        self.gets(reader, frame, connection)

    def sees(self, seat: str, seq: int, **slices: Any) -> None:
        self.gets(seat, {"t": "room", "seq": seq, "pos": pos(seq), "why": "x", "set": slices})

    def shows(self, seat: str, how: str, **slices: Any) -> None:
        self.history.shown.append(Shown(seat.lower(), seat, "member", how, slices))


def circle_of(*members: str) -> Tale:
    """Fay, a facilitator, and members, all inside."""
    tale = Tale()
    tale.enters("Fay", role="facilitator")
    tale.enters(*members)
    return tale
