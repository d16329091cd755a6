"""How fast frames come of one seat, on this worker: over all its connections, not each (LI1, LI4).

What a seat commits is paced by the log, whichever worker it comes through
(`service.people.paces`); this stands before it, so that a flood costs the log nothing, and is all
the pace that there is for what commits nothing.
"""

from __future__ import annotations

from typing import Final

from sitwith_server.service.people.paces import BURST, RATE

FLOOD: Final = 200
"""Refusals for speed, without a rest between them, after which the connection ends."""

REST: Final = BURST / RATE / 2
"""Seconds without a refusal that are needed for a rest."""

OFFERS: Final = 5.0
"""Media offers a second of one seat in the long run: each makes a transport, which costs as much as
some twenty messages (LI21)."""
OFFERS_BURST: Final = 20.0

KEPT: Final = 60.0
"""Seconds after which nothing is left to know of a seat that was silent."""
_SWEPT: Final = 256


class Bucket:
    """A token bucket: `rate` a second, `burst` at once."""

    def __init__(self, now: float, rate: float = RATE, burst: float = BURST) -> None:
        self._rate, self._burst = rate, burst
        self._left, self.at = burst, now

    def take(self, now: float) -> bool:
        self._left = min(self._burst, self._left + (now - self.at) * self._rate)
        self.at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def rested(self) -> bool:
        """Whether it is half full again."""
        return self._left >= self._burst / 2


class Flow:
    """A seat's bucket, and how often it was refused."""

    def __init__(self, now: float) -> None:
        self.bucket = Bucket(now)
        self._offers = Bucket(now, OFFERS, OFFERS_BURST)
        self._floods, self._refused_at = 0, now

    def take(self, now: float) -> bool:
        """Whether one more frame is in time. If not, call `refused`."""
        if not self.bucket.take(now):
            return False
        if self.bucket.rested() and now - self._refused_at >= REST:
            self._floods = 0
        return True

    def takes_offer(self, now: float) -> bool:
        """Whether one more media offer is in time."""
        return self._offers.take(now)

    def refused(self, now: float) -> bool:
        """One was refused for speed, here or by the log. False: it was one too many."""
        self._floods += 1
        self._refused_at = now
        return self._floods <= FLOOD

    @property
    def strained(self) -> bool:
        """Whether something was refused, and no rest has been taken since."""
        return self._floods > 0


class Flows:
    """The flows of this worker's seats; they outlive their connections for a while."""

    def __init__(self) -> None:
        self._flows: dict[tuple[str, str], Flow] = {}

    def __len__(self) -> int:
        return len(self._flows)

    def of(self, room: str, seat: str, now: float) -> Flow:
        found = self._flows.get((room, seat))
        if found is None:
            if len(self._flows) % _SWEPT == 0:
                kept = self._flows.items()
                self._flows = {k: f for k, f in kept if now - f.bucket.at < KEPT}
            found = self._flows[room, seat] = Flow(now)
        return found
