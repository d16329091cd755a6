"""Encodes a change of the room once for all viewers who get the same."""

from __future__ import annotations

from collections.abc import Mapping

from sitwith_server.gateway.websocket.room_frames import SharedPart
from sitwith_server.room.care.watch import Cause, Told
from sitwith_server.room.changes import Changes, Key, Sees, merged
from sitwith_server.room.model import Seat
from sitwith_server.service.rooms.observing import Change


class ChangeFrames:
    """The shared parts of one change's `room` frames, one for each set of viewers who get the
    same."""

    def __init__(self, change: Change, changes: Changes) -> None:
        self._changes = changes
        self._why = Cause(change.before, change.after, change.why, change.by)
        self._parts: dict[tuple[Key, Told], SharedPart] = {}
        self._last: tuple[Sees, Sees] | None = None
        self._key: Key = ()

    def part(self, old: Sees, new: Sees, seat: Seat) -> SharedPart | None:
        """The part for a viewer of a seat, or None if nothing changed for them.

        old, new: the viewer's audiences before and after the change.
        """
        # Most viewers have the same audiences as the viewer before.
        if self._last is None or self._last[0] is not old or self._last[1] is not new:
            self._last, self._key = (old, new), self._changes.told(old, new)
        if not self._key:
            return None
        told = self._why.told(seat)
        part = self._parts.get((self._key, told))
        if part is None:
            part = self._parts[self._key, told] = SharedPart(self._made(told))
        return part

    def _made(self, told: Told) -> Mapping[str, object]:
        why, by = told
        news = merged(self._key)
        may = {"by": by, "set": news.set, "patch": news.patch}
        return {"why": why, **{name: each for name, each in may.items() if each}}
