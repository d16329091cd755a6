"""Everybody in a room, each behind a real hub and outbox, folding what they are sent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from sitwith_protocol.codec import SERVER_LIMITS, decode
from sitwith_server.gateway.hub import Hub, Link
from sitwith_server.gateway.outbox import Outbox
from sitwith_server.log.base import Position
from sitwith_server.room import Verdict, view
from sitwith_server.room import commands as c
from sitwith_server.room.model import RoomState
from sitwith_server.service.observing import Change
from sitwith_server.service.rooms import Room
from tests.folding import folded, placed, touched
from tests.room.evening import Evening

SHORT = 8
"""Up to so many hands who only folds has every place right."""


class Screen:
    """A socket's other end: implements `gateway.outbox.Wire`."""

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

    def unsent(self) -> int:
        return 0

    def gone(self) -> bool:
        return False

    def end(self, code: int) -> None:
        self.code = code


class Viewers:
    """Whoever has a connection in an evening looks at a screen."""

    def __init__(self, evening: Evening) -> None:
        self._e = evening
        evening.told = self._told
        self._room = SimpleNamespace(
            state=evening.state,
            position=Position.START,
            frozen=False,
            talking=SimpleNamespace(positions={}),
            observe=lambda _: lambda: None,
        )
        self.hub = Hub(cast(Room, self._room))
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
        self._sit_down()

    def _sit_down(self) -> None:
        """Whoever has come, or is back, is shown the whole view, as a welcome does."""
        for seat in self._e.state.seats.values():
            if seat.connection is not None and seat.id not in self.screens:
                screen = Screen(dict(view(self._e.state, seat.id)))
                self.screens[seat.id] = screen
                link = Link(seat.id, seat.connection, Outbox(screen, 1 << 20))
                self.hub.links[seat.id] = link

    def _check(self, state: RoomState, seat: str, frames: list[dict[str, Any]]) -> None:
        whole = dict(view(state, seat))
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


