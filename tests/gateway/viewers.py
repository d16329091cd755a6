"""Everybody in a room, each behind a real hub and outbox, folding what they are sent.

`DECIDING` and `Read` show besides that a slice reads no more of a state than it says: on that the
hub relies when it looks at nothing that can't have changed.
"""

from __future__ import annotations

from collections.abc import Collection
from types import FunctionType, MethodType, SimpleNamespace
from typing import Any, cast

from sitwith_protocol.codec import SERVER_LIMITS, decode
from sitwith_server.gateway.websocket.hub import Hub
from sitwith_server.gateway.websocket.outbox import Outbox
from sitwith_server.gateway.websocket.seat_connection import SeatConnection
from sitwith_server.log.base import Position
from sitwith_server.room import Verdict, view
from sitwith_server.room import commands as c
from sitwith_server.room.model import RoomState
from sitwith_server.room.view import SLICES
from sitwith_server.service.rooms.observing import Change
from sitwith_server.service.rooms.room import HostedRoom
from tests.folding import folded, placed, touched
from tests.room.evening import Evening

SHORT = 8
"""Up to so many hands who only folds has every place right."""


DECIDING = {
    *("seats", "floor", "guests", "ended", "unattended"),
    *("pairs", "care", "series", "milestones", "equal"),
}
"""What may decide, with their own seat, of which audience a viewer is (`view.deciding`)."""


class Read:
    """A state that notes which of its fields are looked at."""

    def __init__(self, state: RoomState) -> None:
        self._state = state
        self.fields: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        found = getattr(RoomState, name)
        if isinstance(found, FunctionType):
            return MethodType(found, self)
        self.fields.add(name)
        return getattr(self._state, name)


def reads_what_it_says(state: RoomState) -> None:
    """Whether each slice is made of the fields that it names, for everybody inside."""
    seen: set[tuple[str, str]] = set()
    for seat in state.inside():
        for name, part in SLICES.items():
            looked = Read(state)
            audience = part.audience(cast(RoomState, looked), seat)
            assert looked.fields <= DECIDING, name
            if audience is not None and (name, audience) not in seen:
                seen.add((name, audience))
                looked = Read(state)
                part.value(cast(RoomState, looked), audience)
                assert looked.fields <= set(part.made_of), name


class Screen:
    """A socket's other end: implements `gateway.websocket.outbox.PeerSocket`."""

    def __init__(self, shown: dict[str, Any]) -> None:
        self.view = shown
        self.frames: list[dict[str, Any]] = []
        self.sizes: list[int] = []
        self.code: int | None = None

    def write(self, data: bytes) -> None:
        self.sizes.append(len(data))
        frame = decode(data[{126: 4, 127: 10}.get(data[1], 2) :], SERVER_LIMITS)
        self.frames.append(frame)
        if frame["t"] == "entered":
            self.view = dict(cast("dict[str, Any]", frame["room"]))
        elif frame["t"] == "room":
            self.view = folded(self.view, frame)

    def more(self) -> bool:
        return False

    def unsent(self) -> int:
        return 0

    def seated(self) -> None: ...

    def gone(self) -> bool:
        return False

    def end(self, code: int) -> None:
        self.code = code


class Viewers:
    """Whoever has a connection in an evening, or those of `only` alone, looks at a screen."""

    def __init__(self, evening: Evening, only: Collection[str] | None = None) -> None:
        self._e, self._only = evening, None if only is None else frozenset(only)
        evening.told = self._told
        self._room = SimpleNamespace(
            state=evening.state,
            position=Position.START,
            frozen=False,
            conversations=SimpleNamespace(positions={}),
            observe=lambda _: lambda: None,
        )
        self.hub = Hub(cast(HostedRoom, self._room))
        self.screens: dict[str, Screen] = {}
        self._sit_down()

    def _told(self, before: RoomState, verdict: Verdict, command: c.Command) -> None:
        after = self._room.state = self._e.state
        self._room.position = Position(1, after.seq, bytes(8))
        why = type(command).__name__.lower()
        marks = {seat: len(screen.frames) for seat, screen in self.screens.items()}
        self.hub.changed(
            Change(before, after, verdict.events, why, command.by, self._room.position)
        )
        self.screens = {m: s for m, s in self.screens.items() if s.code is None}
        for seat, screen in self.screens.items():
            self._check(after, seat, screen.frames[marks[seat] :])
        if self._only is None:
            reads_what_it_says(after)
        self._sit_down()

    def _sit_down(self) -> None:
        """Whoever has come, or is back, is shown the whole view, as a welcome does."""
        for seat in self._e.state.seats.values():
            watches = self._only is None or seat.id in self._only
            if watches and seat.connection is not None and seat.id not in self.screens:
                screen = Screen(dict(view(self._e.state, seat.id)))
                self.screens[seat.id] = screen
                link = SeatConnection(seat.id, seat.connection, Outbox(screen, 1 << 20))
                self.hub.connections[seat.id] = link

    def _check(self, state: RoomState, seat: str, frames: list[dict[str, Any]]) -> None:
        whole: dict[str, Any] = dict(view(state, seat))
        if state.at(seat) is None:
            # Sent back to the lobby: from there on nothing is shown.
            assert {frame["t"] for frame in frames} <= {"lobby"}
            return
        # What there is nothing of any more has become null.
        shown = self.screens[seat].view
        seen = {k: v for k, v in shown.items() if v is not None or k in whole}
        assert placed(seen) == whole
        if len(state.floor.queue) <= SHORT:
            assert seen == whole
        else:
            up = {m: entry["hand"] is None for m, entry in whole["members"].items()}
            assert up == {m: entry["hand"] is None for m, entry in seen["members"].items()}
        assert len(frames) <= 1, "one frame a cause"
        for frame in frames:
            _says_what_is_so(frame, whole)


def _says_what_is_so(frame: dict[str, Any], whole: dict[str, Any]) -> None:
    if frame["t"] != "room":
        return
    assert touched(frame), "a frame that changes nothing is not sent"
    for name, value in frame.get("set", {}).items():
        assert value == whole.get(name)
    for name, key, *value in frame.get("patch", []):
        assert value == ([whole[name][key]] if key in whole[name] else [])
