"""How much video a receiver's line carries, by what the receiver says: a limit that falls with
congestion and is tried again later.

An estimate (REMB) can't be taken by its value alone: a browser's grows to at most one and a half
times what it gets, so that one that gets little says little. Its fall is what tells of congestion,
and so does loss.
"""

from __future__ import annotations

from typing import Final

FALL: Final = 0.9
"""An estimate below this part of the one before tells of congestion."""

FAR: Final = 0.6
"""So does a first one below this part of what is sent."""

LOSS: Final = 0.1
LESS: Final = 0.85
"""What is left of the present rate after loss."""

WAIT: Final = 5.0
LONGEST_WAIT: Final = 60.0
"""Seconds of calm after which twice as much is tried: longer each time that it went wrong."""


class Line:
    """`limit`: bits/s of video, None without one."""

    __slots__ = ("_estimate", "_next", "_raised", "_wait", "limit")

    def __init__(self) -> None:
        self.limit: float | None = None
        self._estimate: int | None = None
        self._wait = WAIT
        self._next = float("inf")
        self._raised = float("-inf")

    def estimated(self, bitrate: int, used: float, now: float) -> None:
        """The receiver's estimate, while `used` bits/s are sent to it."""
        before, self._estimate = self._estimate, bitrate
        fell = bitrate < before * FALL if before is not None else bitrate < used * FAR
        if fell and bitrate < used:
            self._congested(bitrate, now)
        elif self.limit is not None and bitrate > self.limit and before is not None:
            self.limit = bitrate

    def lost(self, fraction: float, used: float, now: float) -> None:
        """What part of the packets the receiver missed since its last report."""
        if fraction > LOSS:
            self._congested(used * LESS, now)

    def _congested(self, limit: float, now: float) -> None:
        if self.limit is None or limit < self.limit:
            self.limit = limit
        # A limit that was raised just now was raised too early.
        soon = now - self._raised < 2 * WAIT
        self._wait = min(self._wait * 2, LONGEST_WAIT) if soon else self._wait
        self._next = now + self._wait

    def tick(self, wanted: float, now: float) -> None:
        """Tries more after a calm; `wanted` bits/s would be sent without a limit."""
        if self.limit is None or now < self._next:
            return
        self.limit *= 2
        self._raised = now
        self._next = now + self._wait
        if self.limit > 2 * wanted:
            self.limit = None
            self._wait = WAIT
