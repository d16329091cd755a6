"""How long members were heard, from Janus' events about who talks."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from sitwith_server.media.engine import Speech
from sitwith_server.room.model import MemberId

FRESH: Final = 0.5
"""Seconds after the last sound for which a member counts as speaking."""


class SpeechMeter:
    """Adds up the speech that reached somebody. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._seconds: dict[MemberId, float] = {}
        self._heard: dict[MemberId, float] = {}
        self._running: frozenset[MemberId] = frozenset()
        self._at = 0.0

    def run(self, talking: Iterable[MemberId], now: float) -> None:
        """Sets who is heard by somebody from now on. Until now it was those of the last call."""
        for member in self._running:
            self._seconds[member] += now - self._at
            self._heard[member] = now
        self._running = frozenset(talking)
        for member in self._running:
            self._seconds.setdefault(member, 0.0)
            self._heard[member] = now
        self._at = now

    def forget_others(self, members: Collection[MemberId]) -> None:
        """Forgets all others who are not heard now."""
        stays = self._running | set(members)
        for table in (self._seconds, self._heard):
            for member in table.keys() - stays:
                del table[member]

    def speech(self, now: float) -> dict[MemberId, Speech]:
        """The speech of everybody who was heard. `run` must have been called with this `now`."""
        return {
            member: Speech(seconds, now - self._heard[member] <= FRESH)
            for member, seconds in self._seconds.items()
        }
