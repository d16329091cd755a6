"""The condition of one instance, from what it answered and when. Pure: all times are arguments.

Three things freeze an instance's rooms: no write was taken for a while, writes are refused one
after another, or no notification can come. A write that is taken and an echo thaw them. A process
that was paused has received nothing either: what it knew no longer counts until the next answer,
which comes within milliseconds if all is well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sitwith_server.log.base import Health

LEAST_REFUSALS: Final = 2
LEAST_REFUSED: Final = 0.3
"""Seconds after the first refusal in which it freezes nothing."""

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
# Redis 6.2 puts words before a script's error; in scripts a missing right has no code word.
_WORD: Final = re.compile(rf"(?:^|: )-?({'|'.join(_REASONS)}) ")
_NO_RIGHT: Final = re.compile(r"ACL failure in script|The user executing the script can't ")
_ELSEWHERE: Final = re.compile(r"(?:^|ERR |: )-?(UNSEEDED|LOADING|MASTERDOWN)\b")


def reason_of(text: str) -> str | None:
    """Why Redis refused, by the text of its error: one of `Log.reasons`. None if the error is not
    about writes: Redis is not ready, or no longer the instance that it was."""
    if _ELSEWHERE.search(text):
        return None
    if found := _WORD.search(text):
        return _REASONS[found[1]]
    return "rights" if _NO_RIGHT.search(text) else "refused"


@dataclass(frozen=True, slots=True)
class View:
    """reason: one of `Log.reasons`, "" while live."""

    health: Health
    frozen: bool
    reason: str


@dataclass(slots=True)
class Condition:
    """All times are in seconds of one monotonic clock.

    silent_after: after this time since the last write that was taken (from its sending), rooms are
        frozen.
    refused_after: the same while writes are refused.
    dark_after: without an echo for this long, notifications may be lost: it is dark. Rooms are
        frozen `silent_after` later.
    connected: set from outside; a lost connection alone freezes nothing.
    fine_until: rooms are frozen after this moment unless something happens; -inf while they are.
    """

    silent_after: float
    refused_after: float
    dark_after: float
    connected: bool = False
    other_format: int | None = None
    refusals: int = 0
    """Refusals since the last write that was taken."""
    fine_until: float = _NEVER
    _seeding: bool = False
    _took_at: float = _NEVER
    _first_refusal: float = 0.0
    _reason: str = ""
    _dark_since: float | None = _NEVER
    _echo_at: float = _NEVER

    # --- what happened ---------------------------------------------------------------------

    def took(self, sent: float) -> None:
        """A write sent at `sent` was taken."""
        self._took_at = max(self._took_at, sent)
        self.refusals = 0
        self._update()

    def refused(self, reason: str, now: float) -> None:
        """A request or an attempt to connect was refused."""
        if self.refusals == 0:
            self._first_refusal = now
        self.refusals += 1
        self._reason = reason
        self._update()

    def unanswered(self) -> None:
        """It can't be reached, so the reason of its last refusal may no longer hold."""
        self._reason = ""

    def seed(self, seeding: bool) -> None:
        """Whether it is being seeded, because it has lost data. Earlier writes no longer count."""
        self._seeding = seeding
        if seeding:
            self._took_at = _NEVER
        self._update()

    def of_format(self, other: int | None) -> None:
        """Its data has another format than ours, or (None) ours."""
        self.other_format = other
        self._update()

    def echoed(self, now: float) -> None:
        """A probe came back: notifications come."""
        self._echo_at = now
        self._dark_since = None
        self._update()

    def darkened(self, now: float) -> None:
        """The fan-out's connection is gone: no notifications come."""
        if self._dark_since is None:
            self._dark_since = now
            self._update()

    def _update(self) -> None:
        until = min(
            self._took_at + self.silent_after,
            self._dark_from + self.silent_after,
            self._refusing_from,
        )
        out = self._seeding or self.other_format is not None
        self.fine_until = _NEVER if out else until

    @property
    def _dark_from(self) -> float:
        """When notifications stopped, or will have if no echo comes: this process may have been
        stopped without noticing."""
        unheard = self._echo_at + self.dark_after
        return unheard if self._dark_since is None else min(unheard, self._dark_since)

    @property
    def _refusing_from(self) -> float:
        if self.refusals < LEAST_REFUSALS:
            return float("inf")
        return max(self._first_refusal + LEAST_REFUSED, self._took_at + self.refused_after)

    # --- how it is -------------------------------------------------------------------------

    def dark(self, now: float) -> bool:
        return self._dark_since is not None or now > self._dark_from + self.silent_after

    @property
    def ill(self) -> bool:
        """Whether any sign of a fault is known."""
        return self.refusals > 0 or self._dark_since is not None or not self.connected

    def frozen(self, now: float) -> bool:
        """Called for each command and each packet's route, so it must be cheap."""
        return now > self.fine_until

    def view(self, now: float) -> View:
        frozen = now > self.fine_until
        if self.other_format is not None:
            return View(Health.DOWN, frozen, "format")
        refusing = now > self._refusing_from
        untried = self.connected and self._took_at == _NEVER and not refusing
        if self._seeding or untried:
            return View(Health.SEEDING, frozen, "seeding")
        if refusing and self._reason:
            return View(Health.REFUSING, frozen, self._reason)
        if refusing or not self.connected or now > self._took_at + self.silent_after:
            return View(Health.DOWN, frozen, "unreachable")
        if self.dark(now):
            return View(Health.DARK, frozen, "dark")
        return View(Health.LIVE, frozen, "")

    def next_look(self, now: float) -> float | None:
        """When the view will change if nothing else happens; None: never."""
        changes = (
            self._took_at + self.silent_after,
            self._dark_from + self.silent_after,
            self._refusing_from,
        )
        return min((each for each in changes if now <= each < float("inf")), default=None)
