"""What this process holds of a room, so that a Redis that lost it can be told."""

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
"""Entries are held for this long."""


class RoomCopy:
    """The last two minutes of each stream, ten minutes of outcomes, and all heads.

    Fed with each commit of this process and with all that it reads, its own commits again. All of
    it is of one life of the room: as soon as a higher one is met, by whatever comes of it,
    everything before is let go of, and what still comes of a lower one is not taken.

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
        """The highest control entry that came here itself, and the rights number after it."""
        self._forgot = forgot

    # --- lives -----------------------------------------------------------------------------

    @property
    def life(self) -> int:
        return life_of(self.epoch)

    def accepts_epoch(self, epoch: int) -> bool:
        """Whether something of this epoch counts here. May end the life that was."""
        if epoch > self.epoch:
            if self.epoch and life_of(epoch) > self.life:
                self.forget()
            self.epoch = epoch
            return True
        return epoch == self.epoch or life_of(epoch) == self.life

    def forget(self) -> None:
        """All but the epoch, and who holds the room."""
        self.rights = 0
        self.heads.clear()
        self._tails.clear()
        self._outcomes.clear()
        self._folded = (0, 0)
        self._forgot()

    # --- what comes ------------------------------------------------------------------------

    def add(self, stream: str, entries: Sequence[StoredEntry], at: float) -> None:
        """Entries that were committed or read, of one life. at: the log's clock now, about."""
        if not entries or not self.accepts_epoch(entries[-1].epoch):
            return
        self.latest = max(self.latest, at)
        tail = self._tails.setdefault(stream, {})
        for entry in entries:
            known = tail.get(entry.seq)
            if known is not None:
                if known.meta == entry.meta:
                    # The shorter body has been blanked; the other one was on its way meanwhile.
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
        """As `add`, of an entry that this process has committed: its outcome is not looked at."""
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
        outcomes, limit = self._outcomes, at - OUTCOME_SECONDS
        outcomes.setdefault(field, (at, outcome))
        for _ in range(2):
            oldest = next(iter(outcomes), None)
            if oldest is None or outcomes[oldest][0] >= limit:
                return
            del outcomes[oldest]

    def update_heads(self, epoch: int, rights: int, heads: Mapping[str, Position]) -> None:
        """What the log says of itself."""
        if not self.accepts_epoch(epoch):
            return
        self.rights = max(self.rights, rights)
        for stream, head in heads.items():
            known = self.heads.get(stream)
            if known is None or known.seq < head.seq:
                self.heads[stream] = head

    def blank(self, blanks: Iterable[Blank]) -> None:
        for blank in blanks:
            tail = self._tails.get(blank.stream, {})
            for seq in blank.numbers:
                if entry := tail.get(seq):
                    tail[seq] = StoredEntry(seq, entry.meta, bytes(blank.blob))

    # --- what is held ----------------------------------------------------------------------

    def entries(self, stream: str) -> list[StoredEntry]:
        """All entries that are held, in order. Some may be missing between them, and below the
        head: of what was not read only the head may be known."""
        return sorted(self._tails.get(stream, {}).values(), key=lambda entry: entry.seq)

    def tail(self, stream: str) -> list[StoredEntry]:
        """The entries held up to the last of them, without gaps, in order."""
        tail = self._tails.get(stream, {})
        seq = max(tail, default=0)
        found: list[StoredEntry] = []
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

    def replace_heads(
        self, epoch: int, rights: int, heads: Mapping[str, Position], streams: Iterable[str]
    ) -> None:
        """The log came back with other heads: what it doesn't have is no longer so."""
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
    """What the service has of the room, of whatever life."""
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
    """The same, unless it is of a life before."""
    given = state_of(copy)
    return given if given is None or given.position.life >= copy.life else None


def reaches_entries(copy: RoomCopy, given: HostedState) -> bool:
    """Whether the state reaches up to the entries that are held."""
    tail = copy.tail(CONTROL)
    return not tail or given.position.seq >= tail[0].seq - 1
