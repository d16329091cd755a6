"""How much video a receiver can take: a limit that falls with congestion and is raised again later.

The value of an estimate (REMB) alone says little, because a browser's estimate grows to at most one
and a half times what the browser receives. A falling estimate shows congestion, and so does loss.
"""

from __future__ import annotations

from typing import Final

FALLEN_BELOW: Final = 0.9
"""An estimate below this share of the previous one shows congestion."""

FIRST_BELOW: Final = 0.6
"""A first estimate below this share of what is sent shows congestion."""

LOSS_ABOVE: Final = 0.1
"""A share of lost packets above this shows congestion."""
AFTER_LOSS: Final = 0.85
"""The share of the present rate that becomes the limit after loss."""

RAISE_AFTER: Final = 5.0
MAX_RAISE_AFTER: Final = 60.0
"""Seconds without congestion after which the limit is doubled, at first and at most. They double
each time that congestion follows a raise."""


class BandwidthLimit:
    """limit: bits/s of video; None: no limit."""

    __slots__ = ("_estimate", "_next", "_raised", "_wait", "limit")

    def __init__(self) -> None:
        self.limit: float | None = None
        self._estimate: int | None = None
        self._wait = RAISE_AFTER
        self._next = float("inf")
        self._raised = float("-inf")

    def on_estimate(self, bitrate: int, used: float, now: float) -> None:
        """Takes the receiver's estimate while `used` bits/s are sent to it."""
        before, self._estimate = self._estimate, bitrate
        fell = (
            bitrate < before * FALLEN_BELOW if before is not None else bitrate < used * FIRST_BELOW
        )
        if fell and bitrate < used:
            self._congested(bitrate, now)
        elif self.limit is not None and bitrate > self.limit and before is not None:
            self.limit = bitrate

    def on_loss(self, fraction: float, used: float, now: float) -> None:
        """Takes the fraction of packets lost since the receiver's last report."""
        if fraction > LOSS_ABOVE:
            self._congested(used * AFTER_LOSS, now)

    def _congested(self, limit: float, now: float) -> None:
        if self.limit is None or limit < self.limit:
            self.limit = limit
        # Congestion soon after a raise means that the raise came too early.
        soon = now - self._raised < 2 * RAISE_AFTER
        self._wait = min(self._wait * 2, MAX_RAISE_AFTER) if soon else self._wait
        self._next = now + self._wait

    def tick(self, wanted: float, now: float) -> None:
        """Raises the limit if it is time. `wanted`: bits/s that would be sent without a limit."""
        if self.limit is None or now < self._next:
            return
        self.limit *= 2
        self._raised = now
        self._next = now + self._wait
        if self.limit > 2 * wanted:
            self.limit = None
            self._wait = RAISE_AFTER
