"""Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01): reports to a
publisher when each of its packets came, for its own bandwidth estimation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

_TICK: Final = 0.000_25
_REFERENCE: Final = 0.064
MOST_STATUSES: Final = 400
"""The most packets that one message reports, so that it stays below 1,000 bytes."""


_MISSING, _SMALL, _LARGE = 0, 1, 2


class Feedback:
    """Writes the messages of one connection, which are numbered with 8 bits."""

    def __init__(self) -> None:
        self._count = 0
        self._highest = -1

    def bodies(self, arrivals: Sequence[tuple[int, float]]) -> Iterator[bytes]:
        """The bodies of the messages that report these packets: (16-bit number, seconds)."""
        known: dict[int, float] = {}
        for number, at in arrivals:
            known.setdefault(self._unwrapped(number), at)
        run: list[tuple[int, float]] = []
        for item in sorted(known.items()):
            if run and (item[0] - run[0][0] >= MOST_STATUSES or abs(item[1] - run[-1][1]) >= 8.0):
                yield self._body(run)
                run = []
            run.append(item)
        if run:
            yield self._body(run)

    def _unwrapped(self, number: int) -> int:
        if self._highest < 0:
            self._highest = number + 0x10000
            return self._highest
        ahead = (number - self._highest) & 0xFFFF
        if ahead < 0x8000:
            self._highest += ahead
            return self._highest
        return self._highest - (0x10000 - ahead)

    def _body(self, run: list[tuple[int, float]]) -> bytes:
        base = run[0][0]
        reference = int(run[0][1] / _REFERENCE)
        before = round(reference * _REFERENCE / _TICK)
        statuses = [_MISSING] * (run[-1][0] - base + 1)
        deltas = bytearray()
        for number, at in run:
            ticks = round(at / _TICK)
            delta = max(-0x8000, min(ticks - before, 0x7FFF))
            before += delta
            if 0 <= delta <= 0xFF:
                statuses[number - base] = _SMALL
                deltas.append(delta)
            else:
                statuses[number - base] = _LARGE
                deltas += (delta & 0xFFFF).to_bytes(2)
        head = (
            (base & 0xFFFF).to_bytes(2)
            + len(statuses).to_bytes(2)
            + (reference & 0xFFFFFF).to_bytes(3)
            + bytes((self._count,))
        )
        self._count = self._count + 1 & 0xFF
        return head + b"".join(_chunks(statuses)) + bytes(deltas)


def _chunks(statuses: Sequence[int]) -> Iterator[bytes]:
    """Packet status chunks: run-length ones, or vectors of seven statuses."""
    at = 0
    while at < len(statuses):
        same = 1
        while at + same < len(statuses) and statuses[at + same] == statuses[at]:
            same += 1
        if same >= 7 or at + same == len(statuses):
            yield (statuses[at] << 13 | same).to_bytes(2)
            at += same
            continue
        word = 0xC000
        for place, status in enumerate(statuses[at : at + 7]):
            word |= status << 12 - 2 * place
        yield word.to_bytes(2)
        at += 7


def read(body: bytes) -> list[tuple[int, float]] | None:
    """Reads a message as a publisher does: (16-bit number, seconds within the reference's range) of
    each packet that came. None: it is malformed."""
    if len(body) < 8:
        return None
    base, count = int.from_bytes(body[:2]), int.from_bytes(body[2:4])
    statuses: list[int] = []
    at = 8
    while len(statuses) < count:
        if at + 2 > len(body):
            return None
        word = int.from_bytes(body[at : at + 2])
        at += 2
        if word < 0x8000:
            statuses += [word >> 13] * (word & 0x1FFF)
        elif word < 0xC000:
            statuses += [word >> 13 - place & 1 for place in range(14)]
        else:
            statuses += [word >> 12 - 2 * place & 3 for place in range(7)]
    time = int.from_bytes(body[4:7]) * _REFERENCE
    found = []
    for place, status in enumerate(statuses[:count]):
        if status not in (_SMALL, _LARGE):
            continue
        if at + status > len(body):
            return None
        time += int.from_bytes(body[at : at + status], signed=status == _LARGE) * _TICK
        at += status
        found.append((base + place & 0xFFFF, time))
    return found
