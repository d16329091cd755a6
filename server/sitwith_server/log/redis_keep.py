"""What this process holds of a room, so that a Redis that lost it can be told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from sitwith_server.log.base import CONTROL, OUTCOME_SECONDS, Give, Lost, Position
from sitwith_server.log.redis_packing import Kept, key_field

TAIL_SECONDS: Final = 120.0
"""Entries are held for this long."""


class RoomKeep:
    """The last two minutes of each stream, ten minutes of outcomes, and all heads.

    Fed with each commit of this process and with all that it reads, its own commits again.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self.rights = 0
        self.latest = 0.0
        self.heads: dict[str, Position] = {}
        self.give: Give | None = None
        self.lost: list[Callable[[Lost], None]] = []
        self.users = 0
        self._tails: dict[str, dict[int, Kept]] = {}
        self._outcomes: dict[bytes, tuple[float, bytes]] = {}
        self._folded = (0, 0)
        """The highest control entry that came here itself, and the rights number after it."""

    def took(self, stream: str, entries: Iterable[Kept], epoch: int, at: float) -> None:
        """Entries that were committed or read. at: the log's clock now, about."""
        self.epoch = max(self.epoch, epoch)
        self.latest = max(self.latest, at)
        tail = self._tails.setdefault(stream, {})
        for entry in entries:
            known = tail.get(entry.seq)
            if known is not None:
                if known.meta == entry.meta:
                    # Its body may have been blanked meanwhile.
                    tail[entry.seq] = entry
                    continue
                if known.event != entry.event:
                    self._cut(stream, entry.seq)
                    self.heads[stream] = entry.position
            head = self.heads.get(stream)
            if head is None or head.seq <= entry.seq:
                self.heads[stream] = entry.position
            if stream == CONTROL:
                self._folded = max(self._folded, (entry.seq, entry.rights))
            age = self.latest - entry.at
            if age < OUTCOME_SECONDS and (outcome := entry.outcome()):
                self.remember(key_field(*outcome[:2]), outcome[2], entry.at)
            if age < TAIL_SECONDS:
                tail[entry.seq] = entry
        self._forget(tail)

    def committed(self, stream: str, entry: Kept, position: Position, at: float) -> None:
        """As `took`, of an entry that this process has committed: its outcome is not looked at."""
        tail = self._tails.get(stream)
        if tail is None or entry.seq in tail:
            self.took(stream, (entry,), position.epoch, at)
            return
        self.epoch = max(self.epoch, position.epoch)
        self.latest = max(self.latest, at)
        head = self.heads.get(stream)
        if head is None or head.seq <= entry.seq:
            self.heads[stream] = position
        if stream == CONTROL:
            self._folded = max(self._folded, (entry.seq, entry.rights))
        tail[entry.seq] = entry
        self._forget(tail)

    def remember(self, field: bytes, outcome: bytes, at: float) -> None:
        outcomes, limit = self._outcomes, at - OUTCOME_SECONDS
        outcomes.setdefault(field, (at, outcome))
        for _ in range(2):
            oldest = next(iter(outcomes), None)
            if oldest is None or outcomes[oldest][0] >= limit:
                return
            del outcomes[oldest]

    def saw(self, epoch: int, rights: int, heads: Mapping[str, Position]) -> None:
        """What the log says of itself."""
        self.epoch = max(self.epoch, epoch)
        self.rights = max(self.rights, rights)
        for stream, head in heads.items():
            known = self.heads.get(stream)
            if known is None or known.seq < head.seq:
                self.heads[stream] = head

    def blank(self, stream: str, seq: int, blob: bytes) -> None:
        tail = self._tails.get(stream, {})
        if entry := tail.get(seq):
            tail[seq] = Kept(seq, entry.meta, blob)

    def drop(self, stream: str) -> None:
        self._tails.pop(stream, None)

    def held(self, stream: str) -> list[Kept]:
        """All entries that are held, in order. Some may be missing between them, and below the
        head: of what was not read only the head may be known."""
        return sorted(self._tails.get(stream, {}).values(), key=lambda entry: entry.seq)

    def tail(self, stream: str) -> list[Kept]:
        """The entries held up to the last of them, without gaps, in order."""
        tail = self._tails.get(stream, {})
        seq = max(tail, default=0)
        found: list[Kept] = []
        while entry := tail.get(seq):
            found.append(entry)
            seq -= 1
        found.reverse()
        return found

    def rights_at(self, seq: int) -> int:
        """The rights number after the control entry `seq`, as far as it is known here."""
        return self.rights if self.rights <= seq else min(self._folded[1], seq)

    def outcomes(self) -> list[tuple[bytes, bytes]]:
        """What each is found by (`key_field`), and the answer."""
        return [(field, outcome) for field, (_, outcome) in self._outcomes.items()]

    def stand_corrected(
        self, epoch: int, rights: int, heads: Mapping[str, Position], streams: Iterable[str]
    ) -> None:
        """The log came back with other heads: what it doesn't have is no longer so."""
        self.epoch, self.rights = epoch, rights
        for stream in streams:
            self._tails.pop(stream, None)
            self.heads.pop(stream, None)
            if stream == CONTROL:
                self._folded = (0, 0)
        self.heads.update(heads)

    def _cut(self, stream: str, seq: int) -> None:
        tail = self._tails[stream]
        for each in [each for each in tail if each >= seq]:
            del tail[each]

    def _forget(self, tail: dict[int, Kept]) -> None:
        limit = self.latest - TAIL_SECONDS
        while tail:
            oldest = next(iter(tail))
            if tail[oldest].at >= limit:
                return
            del tail[oldest]


def has_state(keep: RoomKeep) -> tuple[Position, bytes] | None:
    """The service's state, not older than the entries that are held."""
    if keep.give is None:
        return None
    try:
        position, blob = keep.give()
    except Exception as fault:
        asyncio.get_running_loop().call_exception_handler(
            {"message": "a room gave no state", "exception": fault}
        )
        return None
    tail = keep.tail(CONTROL)
    if tail and position.seq < tail[0].seq - 1:
        return None
    return position, blob
