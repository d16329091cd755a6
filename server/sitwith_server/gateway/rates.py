"""Rate limits for the frames of a seat on this worker, over all its connections (LI1, LI4).

The log limits a seat's commits over all workers (`service.people.paces`). The limit here comes
first, so that a flood costs the log nothing. It is the only limit for commands that commit nothing.
"""

from __future__ import annotations

from typing import Final

from sitwith_server.service.people.paces import BURST, RATE

FLOOD: Final = 200
"""Refusals with `too_fast`, without a rest between them, after which the connection closes."""

REST: Final = BURST / RATE / 2
"""Seconds without a refusal that count as a rest."""

OFFERS: Final = 2.0
"""Media offers a second of one seat: each makes a transport, which costs as much as about twenty
messages (LI21)."""
OFFERS_BURST: Final = 20.0

KEPT: Final = 60.0
"""Seconds of silence after which a seat's rate is dropped."""
_SWEPT: Final = 256


class TokenBucket:
    """A token bucket: `rate` tokens a second, at most `burst`. now: seconds of any clock."""

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
        """Whether it is at least half full."""
        return self._left >= self._burst / 2


class SeatRate:
    """A seat's token buckets, and its refusals since the last rest."""

    def __init__(self, now: float) -> None:
        self.bucket = TokenBucket(now)
        self._offers = TokenBucket(now, OFFERS, OFFERS_BURST)
        self._floods, self._refused_at = 0, now

    def take(self, now: float) -> bool:
        """Whether one more frame is within the limit. If not, call `refused`."""
        if not self.bucket.take(now):
            return False
        if self.bucket.rested() and now - self._refused_at >= REST:
            self._floods = 0
        return True

    def takes_offer(self, now: float) -> bool:
        """Whether one more media offer is within the limit."""
        return self._offers.take(now)

    def refused(self, now: float) -> bool:
        """Counts a refusal for speed, by this limit or the log's. False: close the connection."""
        self._floods += 1
        self._refused_at = now
        return self._floods <= FLOOD

    @property
    def strained(self) -> bool:
        """Whether anything was refused since the last rest."""
        return self._floods > 0


class SeatRates:
    """The rates of this worker's seats. A rate outlives its connection for a while."""

    def __init__(self) -> None:
        self._flows: dict[tuple[str, str], SeatRate] = {}

    def __len__(self) -> int:
        return len(self._flows)

    def of(self, room: str, seat: str, now: float) -> SeatRate:
        found = self._flows.get((room, seat))
        if found is None:
            if len(self._flows) % _SWEPT == 0:
                kept = self._flows.items()
                self._flows = {k: f for k, f in kept if now - f.bucket.at < KEPT}
            found = self._flows[room, seat] = SeatRate(now)
        return found
