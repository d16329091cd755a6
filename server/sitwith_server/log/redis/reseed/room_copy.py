"""This process's copy of a room, from which a Redis that has lost the room is filled again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from sitwith_server.log.base import (
    CONTROL,
    OUTCOME_SECONDS,
    Blank,
    GetHostedState,
    HostedState,
    Lost,
    Position,
    life_of,
)
from sitwith_server.log.redis.packing import StoredEntry, key_field

TAIL_SECONDS: Final = 120.0
"""Seconds for which the copy keeps an entry."""


class RoomCopy:
    """The last two minutes of each stream, ten minutes of outcomes, and all heads.

    It gets every commit of this process and every entry that this process reads. All of it belongs
    to one life of the room: whatever shows a higher life empties the copy, and what comes of a
    lower life is ignored.

    forgot: called when a life ends here.
    """

    def __init__(self, forgot: Callable[[], None] = lambda: None) -> None:
        self.epoch = 0
        self.rights = 0
        self.latest = 0.0
        self.heads: dict[str, Position] = {}
        self.give: GetHostedState | None = None
        self.lost: list[Callable[[Lost], None]] = []
        self.users = 0
        self._tails: dict[str, dict[int, StoredEntry]] = {}
        self._outcomes: dict[bytes, tuple[float, bytes]] = {}
        self._folded = (0, 0)
        """The number of the highest control entry that was added, and the rights number after
        it."""
        self._forgot = forgot

    # --- lives -----------------------------------------------------------------------------

    @property
    def life(self) -> int:
        return life_of(self.epoch)

    def accepts_epoch(self, epoch: int) -> bool:
        """Whether data of this epoch belongs here. A higher life empties the copy first."""
        if epoch > self.epoch:
            if self.epoch and life_of(epoch) > self.life:
                self.forget()
            self.epoch = epoch
            return True
        return epoch == self.epoch or life_of(epoch) == self.life

    def forget(self) -> None:
        """Drops everything but the epoch and the room's users."""
        self.rights = 0
        self.heads.clear()
        self._tails.clear()
        self._outcomes.clear()
        self._folded = (0, 0)
        self._forgot()

    # --- what comes ------------------------------------------------------------------------

    def add(self, stream: str, entries: Sequence[StoredEntry], at: float) -> None:
        """Adds entries of one life that were committed or read. at: about now, by the log's
        clock."""
        if not entries or not self.accepts_epoch(entries[-1].epoch):
            return
        self.latest = max(self.latest, at)
        tail = self._tails.setdefault(stream, {})
        for entry in entries:
            known = tail.get(entry.seq)
            if known is not None:
                if known.meta == entry.meta:
                    # The shorter body was blanked; the other was read before that.
                    if len(entry.blob) <= len(known.blob):
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
        self._drop_old(tail)

    def add_committed(self, stream: str, entry: StoredEntry, position: Position, at: float) -> None:
        """As `add`, for one entry that this process has committed; ignores its outcome."""
        tail = self._tails.get(stream)
        if tail is None or entry.seq in tail or position.epoch != self.epoch:
            self.add(stream, (entry,), at)
            return
        self.latest = max(self.latest, at)
        head = self.heads.get(stream)
        if head is None or head.seq <= entry.seq:
            self.heads[stream] = position
        if stream == CONTROL:
            self._folded = max(self._folded, (entry.seq, entry.rights))
        tail[entry.seq] = entry
        self._drop_old(tail)

    def remember(self, field: bytes, outcome: bytes, at: float) -> None:
        """Keeps an outcome and drops at most two old ones. field: of `key_field`."""
        outcomes, limit = self._outcomes, at - OUTCOME_SECONDS
        outcomes.setdefault(field, (at, outcome))
        for _ in range(2):
            oldest = next(iter(outcomes), None)
            if oldest is None or outcomes[oldest][0] >= limit:
                return
            del outcomes[oldest]

    def update_heads(self, epoch: int, rights: int, heads: Mapping[str, Position]) -> None:
        """Takes the heads that the log has given."""
        if not self.accepts_epoch(epoch):
            return
        self.rights = max(self.rights, rights)
        for stream, head in heads.items():
            known = self.heads.get(stream)
            if known is None or known.seq < head.seq:
                self.heads[stream] = head

    def blank(self, blanks: Iterable[Blank]) -> None:
        """Replaces the bodies of these entries where they are held."""
        for blank in blanks:
            tail = self._tails.get(blank.stream, {})
            for seq in blank.numbers:
                if entry := tail.get(seq):
                    tail[seq] = StoredEntry(seq, entry.meta, bytes(blank.blob))

    # --- what is held ----------------------------------------------------------------------

    def entries(self, stream: str) -> list[StoredEntry]:
        """All entries held, in order. There may be gaps, also below the head: of a stream that was
        not read only the head may be known."""
        return sorted(self._tails.get(stream, {}).values(), key=lambda entry: entry.seq)

    def tail(self, stream: str) -> list[StoredEntry]:
        """The last entries held that follow each other without a gap, in order."""
        tail = self._tails.get(stream, {})
        seq = max(tail, default=0)
        found: list[StoredEntry] = []
        while entry := tail.get(seq):
            found.append(entry)
            seq -= 1
        found.reverse()
        return found

    def rights_at(self, seq: int) -> int:
        """The rights number after the control entry `seq`, as far as this copy knows."""
        return self.rights if self.rights <= seq else min(self._folded[1], seq)

    def outcomes(self) -> list[tuple[bytes, bytes]]:
        """The field (`key_field`) and the answer of each outcome."""
        return [(field, outcome) for field, (_, outcome) in self._outcomes.items()]

    def replace_heads(
        self, epoch: int, rights: int, heads: Mapping[str, Position], streams: Iterable[str]
    ) -> None:
        """Takes the heads of a log that came back, and drops these streams, which it has lost."""
        if life_of(epoch) != self.life:
            self.forget()
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

    def _drop_old(self, tail: dict[int, StoredEntry]) -> None:
        limit = self.latest - TAIL_SECONDS
        while tail:
            oldest = next(iter(tail))
            if tail[oldest].at >= limit:
                return
            del tail[oldest]


def state_of(copy: RoomCopy) -> HostedState | None:
    """The service's state of the room, of whatever life; None if nobody hosts it."""
    if copy.give is None:
        return None
    try:
        return copy.give()
    except Exception as fault:
        asyncio.get_running_loop().call_exception_handler(
            {"message": "a room gave no state", "exception": fault}
        )
        return None


def current_state_of(copy: RoomCopy) -> HostedState | None:
    """The same; also None if it is of an earlier life."""
    given = state_of(copy)
    return given if given is None or given.position.life >= copy.life else None


def reaches_entries(copy: RoomCopy, given: HostedState) -> bool:
    """Whether no entry is missing between the state and the entries held."""
    tail = copy.tail(CONTROL)
    return not tail or given.position.seq >= tail[0].seq - 1
