"""What clients did and got, as recorded: the only thing that the invariants look at.

An operation that was never answered is *unknown*: it may have happened or not, and the checkers
take neither for granted. Times are seconds of one clock for the whole history.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sitwith_protocol.codec import SERVER_LIMITS, decode
from sitwith_server.gateway.websocket.positions import PositionSealer
from sitwith_server.log.base import Position
from tests.folding import folded, touched

Frame = Mapping[str, Any]
_EPOCHS, _NUMBERS = 1 << 40, 1 << 32
"""Below these are all that there are; what is opened with another key is hardly ever."""
TALK = ("chat.say", "pairs.say")


@dataclass(slots=True)
class Op:
    """One command. `done` and `answer` are None while its outcome is unknown."""

    client: str
    seat: str
    id: int
    kind: str
    fields: Frame
    invoked: float
    done: float | None = None
    answer: Frame | None = None
    answers: list[Frame] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.answer is not None and self.answer["t"] == "ok"

    @property
    def refused(self) -> bool:
        return self.answer is not None and self.answer["t"] == "refused"

    @property
    def canary(self) -> str | None:
        """The text that this operation alone says, if it says anything."""
        return str(self.fields["body"]) if self.kind in TALK else None

    def may_overlap(self, other: Op) -> bool:
        """Whether one may have happened before the other or after it, as far as anyone knows."""
        mine = float("inf") if self.done is None else self.done
        others = float("inf") if other.done is None else other.done
        return self.invoked <= others and other.invoked <= mine


@dataclass(frozen=True, slots=True)
class Received:
    """One frame that a client got. `connection` counts that client's connections from 1."""

    index: int
    client: str
    seat: str
    connection: int
    at: float
    raw: bytes
    frame: Frame


@dataclass(frozen=True, slots=True)
class Link:
    """A connection that was opened (`code` None) or has ended (0: without a close frame)."""

    client: str
    seat: str
    connection: int
    at: float
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A seat's slices once all is quiet.

    how: `folded` from frames, at the end; `before`, the same before all came again; `welcomed`,
    as that welcome had them; `logged`, as the log has them.
    """

    client: str
    seat: str
    role: str
    how: str
    slices: Frame


@dataclass(frozen=True, slots=True)
class Capture:
    """Bytes taken where nobody's words may be: a worker's log, its metrics, Redis afterwards."""

    where: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Sample:
    """Something that must come back to where it was. `most` is what it may be afterwards."""

    what: str
    before: float
    after: float
    most: float


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the operator's API. status: None where no worker answered, so that nobody knows
    whether it was done; code: of the error."""

    what: str
    room: str
    invite: str
    at: float
    until: float
    status: int | None
    code: str = ""

    @property
    def done(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def unsure(self) -> bool:
        """Nobody answered, or the log's answer was lost: it may have been done."""
        return self.status in (None, 503)


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of a room that the operator opened: whether it is there, whom it admits (by
    invite), and what its trail says was done, as (action, target)."""

    there: bool
    admits: Mapping[str, bool]
    noted: list[tuple[str, str | None]]


@dataclass(slots=True)
class Forgotten:
    """A room that everybody has left long ago, with all that was said and all who were there."""

    room: str
    marks: set[bytes]


@dataclass(frozen=True, slots=True)
class Fault:
    what: str
    at: float
    until: float


@dataclass(frozen=True, slots=True)
class Entitled:
    """Who one committed message was for, as the log says (where a run can read its log)."""

    stream: str
    n: int
    seq: int
    body: str
    audience: frozenset[str]


class History:
    """Records; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float], *, seed: object = None) -> None:
        self._clock = clock
        self.seed = seed
        self.ops: list[Op] = []
        self.received: list[Received] = []
        self.links: list[Link] = []
        self.shown: list[Shown] = []
        self.captures: list[Capture] = []
        self.samples: list[Sample] = []
        self.faults: list[Fault] = []
        self.calls: list[Call] = []
        self.standing: dict[str, Standing] = {}
        self.forgotten: list[Forgotten] = []
        """Rooms of which nothing may be in the captures."""
        self.truth: list[Entitled] | None = None
        self.keys: set[bytes] = set()
        """What the rooms' positions are sealed with, where a run can read it."""
        self.here: dict[str, bool] = {}
        """At the end: whether the seat's client is connected and inside."""
        self.quiet_from: float | None = None
        """From then on nothing is broken, and nothing is left of what was."""
        self.names: dict[str, str] = {}
        """The name of each seat that took one."""
        self.lost_epochs = False
        """Whether a log was rolled back: acknowledged words may be gone, if that was said."""

    def now(self) -> float:
        return self._clock()

    def invoke(self, client: str, seat: str, number: int, kind: str, fields: Frame) -> Op:
        op = Op(client, seat, number, kind, dict(fields), self._clock())
        self.ops.append(op)
        return op

    def answered(self, op: Op, frame: Frame) -> None:
        op.answers.append(frame)
        if op.answer is None:
            op.answer, op.done = frame, self._clock()

    def receive(self, client: str, seat: str, connection: int, raw: bytes) -> Frame:
        frame = decode(raw, SERVER_LIMITS)
        self.received.append(
            Received(len(self.received), client, seat, connection, self._clock(), raw, frame)
        )
        return frame

    def link(self, client: str, seat: str, connection: int, code: int | None = None) -> None:
        self.links.append(Link(client, seat, connection, self._clock(), code))

    def own(self, client: str, connection: int, seat: str) -> None:
        """The first welcome says whose seat a connection is: what came on it before was theirs."""
        for index in range(len(self.received) - 1, -1, -1):
            r = self.received[index]
            if r.client == client and r.connection == connection and not r.seat:
                self.received[index] = replace(r, seat=seat)
            elif r.client == client:
                break
        for op in self.ops:
            if op.client == client and not op.seat:
                op.seat = seat

    # -- reading ---------------------------------------------------------------------------------

    def of(self, *types: str) -> Iterator[Received]:
        return (r for r in self.received if r.frame["t"] in types)

    def seats(self) -> dict[str, str]:
        """The last seat of each client that has one."""
        return {r.client: r.seat for r in self.received if r.seat}

    def facilitators(self) -> frozenset[str]:
        """Seats that were facilitators at some time, as their owner or anybody was told."""
        found = {r.frame["me"] for r in self.of("welcome") if r.frame["role"] == "facilitator"}
        for _, slices in self.slices():
            for seat, member in (slices.get("members") or {}).items():
                if member["role"] == "facilitator":
                    found.add(seat)
        return frozenset(found)

    def slices(self) -> Iterator[tuple[Received, Frame]]:
        """Every slice that anyone got or that was changed for them, whole, with the frame that it
        came in."""
        views: dict[tuple[str, int], Frame] = {}
        for r in self.received:
            link = (r.client, r.connection)
            if r.frame["t"] == "room":
                views[link] = folded(views.get(link, {}), r.frame)
                yield r, {name: views[link][name] for name in touched(r.frame)}
            elif r.frame["t"] in ("welcome", "entered"):
                views[link] = r.frame["room"]
                yield r, r.frame["room"]

    def canaries(self) -> dict[str, Op]:
        return {op.canary: op for op in self.ops if op.canary is not None}

    def place(self, stream: str, pos: bytes) -> Position | None:
        """What a conversation's `pos` says. Clients must not look into it; a tester may, who has
        the room's key. None: it is not known here."""
        if len(pos) == Position.SIZE:
            return Position.from_bytes(pos)  # of a tale that was made up
        for key in self.keys:
            found = PositionSealer(key).open(stream, pos)
            if found.epoch < _EPOCHS and found.seq < _NUMBERS:
                return found
        return None

    # -- keeping ---------------------------------------------------------------------------------

    def dump(self, path: Path) -> Path:
        """Writes everything as JSON lines, for whoever looks into a failure."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as out:
            out.write(_line({"seed": str(self.seed)}))
            for fault in self.faults:
                out.write(_line({"fault": fault.what, "at": fault.at, "until": fault.until}))
            for op in self.ops:
                out.write(_line({"op": _plain(op)}))
            for link in self.links:
                out.write(_line({"link": _plain(link)}))
            for r in self.received:
                out.write(_line({"got": {**_plain(r), "raw": len(r.raw)}}))
            for call in self.calls:
                out.write(_line({"call": _plain(call)}))
            for room, standing in self.standing.items():
                out.write(_line({"room": room, "standing": _plain(standing)}))
            for shown in self.shown:
                out.write(_line({"shown": _plain(shown)}))
            for entitled in self.truth or ():
                out.write(_line({"entitled": _plain(entitled)}))
        return path


def stream_of(to: str, me: str) -> str:
    """One name for a conversation, whoever names it."""
    kind, _, rest = to.partition(":")
    return ":".join(("direct", *sorted((rest, me)))) if kind == "direct" else to


def _plain(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, default=_jsonable) + "\n"


def _jsonable(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b16encode(value).decode()
    if isinstance(value, frozenset | set):
        return sorted(value)
    return repr(value)
