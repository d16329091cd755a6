"""How one instance is, from what was answered when. Knows no Redis and no clock: times are told.

Three things make a worker frozen, and one ends it. Nothing was answered for a while, writes are
refused one after another, or no bell is heard; a write that was taken and an echo end it. A
process that was paused itself has heard nothing either: what it knew counts no more until the next
answer, which comes in milliseconds where all is well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sitwith_server.log.base import Health

LEAST_REFUSALS: Final = 2
LEAST_REFUSED: Final = 0.3
"""Seconds from the first refusal on in which nobody is frozen for it."""

_NEVER: Final = float("-inf")

_REASONS: Final = {
    "OOM": "full",
    "NOREPLICAS": "few_replicas",
    "READONLY": "read_only",
    "MISCONF": "disk",
    "NOPERM": "rights",
    "NOAUTH": "rights",
    "WRONGPASS": "rights",
}
# Redis 6.2 puts a script's error behind words of its own; a missing right has no word in scripts.
_WORD: Final = re.compile(rf"(?:^|: )-?({'|'.join(_REASONS)}) ")
_NO_RIGHT: Final = re.compile(r"ACL failure in script|The user executing the script can't ")
_ELSEWHERE: Final = re.compile(r"(?:^|ERR |: )-?(UNSEEDED|LOADING|MASTERDOWN)\b")


def reason_of(text: str) -> str | None:
    """Why Redis refused, by its error: one of `Log.reasons`. None if that says nothing of writes:
    it is not ready, or isn't what it was."""
    if _ELSEWHERE.search(text):
        return None
    if found := _WORD.search(text):
        return _REASONS[found[1]]
    return "rights" if _NO_RIGHT.search(text) else "refused"


@dataclass(frozen=True, slots=True)
class View:
    """reason: of `Log.reasons`, "" while live."""

    health: Health
    frozen: bool
    reason: str


@dataclass(slots=True)
class Condition:
    """All times are of one monotonic clock (s).

    silent_after: since the last write that was taken was sent; then nothing can be taken.
    refused_after: since then as well, where writes are refused meanwhile.
    dark_after: without an echo; then no bell can be heard. It freezes `frozen_after` later.
    connected: set from outside; alone it freezes nothing.
    fine_until: it is frozen from then on, unless something happens: -inf if it is now.
    """

    silent_after: float
    refused_after: float
    dark_after: float
    connected: bool = False
    other_format: int | None = None
    refusals: int = 0
    """Since the last write that was taken."""
    fine_until: float = _NEVER
    _seeding: bool = False
    _well_at: float = _NEVER
    _first_refusal: float = 0.0
    _reason: str = ""
    _dark_since: float | None = _NEVER
    _echo_at: float = _NEVER

    # --- what happened ---------------------------------------------------------------------

    def took(self, sent: float) -> None:
        """A write that was sent then has been taken."""
        self._well_at = max(self._well_at, sent)
        self.refusals = 0
        self._weigh()

    def refused(self, reason: str, now: float) -> None:
        """Something was refused. A process that gets no connection is refused by each attempt."""
        if self.refusals == 0:
            self._first_refusal = now
        self.refusals += 1
        self._reason = reason
        self._weigh()

    def unanswered(self) -> None:
        """It can't be reached: whatever it refused for is no longer known to be so."""
        self._reason = ""

    def seed(self, seeding: bool) -> None:
        """It has lost something, and is being told. What it took before counts no more."""
        self._seeding = seeding
        if seeding:
            self._well_at = _NEVER
        self._weigh()

    def of_format(self, other: int | None) -> None:
        """What it holds is of another format than ours, or (None) of ours."""
        self.other_format = other
        self._weigh()

    def echoed(self, now: float) -> None:
        """A bell can be heard."""
        self._echo_at = now
        self._dark_since = None
        self._weigh()

    def darkened(self, now: float) -> None:
        """No bell can be heard."""
        if self._dark_since is None:
            self._dark_since = now
            self._weigh()

    def _weigh(self) -> None:
        until = min(
            self._well_at + self.silent_after,
            self._deaf_from + self.silent_after,
            self._refusing_from,
        )
        out = self._seeding or self.other_format is not None
        self.fine_until = _NEVER if out else until

    @property
    def _deaf_from(self) -> float:
        """Where nobody has noticed anything this process itself may have been stopped."""
        unheard = self._echo_at + self.dark_after
        return unheard if self._dark_since is None else min(unheard, self._dark_since)

    @property
    def _refusing_from(self) -> float:
        if self.refusals < LEAST_REFUSALS:
            return float("inf")
        return max(self._first_refusal + LEAST_REFUSED, self._well_at + self.refused_after)

    # --- how it is -------------------------------------------------------------------------

    def dark(self, now: float) -> bool:
        return self._dark_since is not None or now > self._deaf_from + self.silent_after

    @property
    def ill(self) -> bool:
        """Whether anything is known against it."""
        return self.refusals > 0 or self._dark_since is not None or not self.connected

    def frozen(self, now: float) -> bool:
        """Asked for each command and packet's route."""
        return now > self.fine_until

    def view(self, now: float) -> View:
        frozen = now > self.fine_until
        if self.other_format is not None:
            return View(Health.DOWN, frozen, "format")
        refusing = now > self._refusing_from
        untried = self.connected and self._well_at == _NEVER and not refusing
        if self._seeding or untried:
            return View(Health.SEEDING, frozen, "seeding")
        if refusing and self._reason:
            return View(Health.REFUSING, frozen, self._reason)
        if refusing or not self.connected or now > self._well_at + self.silent_after:
            return View(Health.DOWN, frozen, "unreachable")
        if self.dark(now):
            return View(Health.DARK, frozen, "dark")
        return View(Health.LIVE, frozen, "")

    def next_look(self, now: float) -> float | None:
        """When the view changes if nothing else happens; None: not at all."""
        changes = (
            self._well_at + self.silent_after,
            self._deaf_from + self.silent_after,
            self._refusing_from,
        )
        return min((each for each in changes if now <= each < float("inf")), default=None)
