"""A room of the memory log, and what a commit does to it."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from sitwith_server.log.base import (
    CONTROL,
    LINGER,
    MAX_NOTIFICATION_BYTES,
    OUTCOME_SECONDS,
    Blank,
    Blob,
    Commit,
    Conflict,
    Duplicate,
    Effects,
    Entry,
    Notification,
    Pace,
    Position,
    Progress,
    Result,
    Snapshot,
    TooEarly,
    TooFast,
    Trimmed,
    next_life,
)

EPOCH: Final = 1
_SPARE: Final = 256
_PACES_SWEPT: Final = 64
"""New paces after which those whose buckets are full again are deleted."""
_NO_EVENT: Final = Position.START.event


@dataclass(slots=True)
class Stream:
    head: Position
    entries: deque[Entry] = field(default_factory=deque)

    @property
    def first(self) -> int:
        """The lowest seq that can be read: one past the head when nothing is kept."""
        return self.head.seq + 1 - len(self.entries)

    def after(self, seq: int, limit: int) -> list[Entry]:
        """Raises `Trimmed`."""
        if seq >= self.head.seq:
            return []
        skip = seq + 1 - self.first
        if skip < 0:
            raise Trimmed(self.first)
        # The asked-for tail is nearly always short, and a deque is slow in its middle.
        tail = list(islice(reversed(self.entries), len(self.entries) - skip))
        tail.reverse()
        return tail[:limit]


@dataclass(slots=True)
class MemoryRoom:
    """ends: when its last data is deleted. due: when `RoomIndex.due` next gives it to a caller."""

    record: Blob
    ends: float
    due: float
    epoch: int = EPOCH
    rights: int = 0
    streams: dict[str, Stream] = field(default_factory=dict)
    outcomes: dict[tuple[str, int], tuple[float, Blob]] = field(default_factory=dict)
    snapshot: Snapshot | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    workers: frozenset[str] = frozenset()
    paces: dict[str, float] = field(default_factory=dict)
    """When each pace's bucket is full again. A name without an entry has a full bucket."""

    def __post_init__(self) -> None:
        self.streams[CONTROL] = self._begun(0)

    def _begun(self, seq: int) -> Stream:
        return Stream(Position(self.epoch, seq, _NO_EVENT))

    def stream(self, name: str) -> Stream:
        """The stream; it is not added to `streams` before it has an entry."""
        return self.streams.get(name) or self._begun(0)

    # --- a commit --------------------------------------------------------------------------

    def refuses(self, commit: Commit, now: float) -> Result | None:
        """Why the commit is not taken; None if it is."""
        if commit.key is not None and (known := self.outcomes.get(commit.key)):
            return Duplicate(known[1])
        pace = commit.pace
        if pace is not None and pace.taken(self.paces.get(pace.name, 0.0), now) is None:
            return TooFast()
        head = self.stream(commit.stream).head.seq
        seen = head if commit.stream == CONTROL else self.rights
        if commit.expect != seen or commit.at_head not in (None, head):
            return Conflict()
        if commit.control_head not in (None, self.streams[CONTROL].head.seq):
            return Conflict()
        if commit.not_before is not None and now < commit.not_before:
            return TooEarly()
        return None

    def forget(self) -> None:
        """Deletes everything but the record and the control stream's number."""
        seq = self.streams[CONTROL].head.seq
        self.epoch = next_life(self.epoch)
        self.streams = {CONTROL: self._begun(seq)}
        self.outcomes.clear()
        self.paces.clear()
        self.snapshot = None
        self.files.clear()

    def append(
        self,
        name: str,
        blobs: tuple[Blob, ...],
        commit: Commit,
        now: float,
        kept: int,
        event_id: Callable[[], bytes],
    ) -> tuple[Entry, ...]:
        """Appends the blobs as one commit. kept: how many entries of the stream stay."""
        if not blobs:
            return ()
        stream = self.streams[name] = self.stream(name)
        origin = commit.key[0] if commit.key else ""
        entries = []
        for blob in blobs:
            position = Position(self.epoch, stream.head.seq + 1, event_id())
            if commit.rights:
                self.rights = position.seq
            entries.append(Entry(name, position, self.rights, now, origin, blob))
            stream.head = position
        stream.entries.extend(entries)
        while len(stream.entries) > kept:
            stream.entries.popleft()
        return tuple(entries)

    def remember(self, key: tuple[str, int], outcome: Blob, now: float) -> None:
        # Outcomes are in the order of their commits. At most two old ones are deleted for each new
        # one, so that a burst is forgotten without a pause.
        for _ in range(2):
            oldest = next(iter(self.outcomes), None)
            if oldest is None or self.outcomes[oldest][0] + OUTCOME_SECONDS >= now:
                break
            del self.outcomes[oldest]
        self.outcomes[key] = (now, outcome)

    def keep_pace(self, pace: Pace, now: float) -> None:
        """Takes the commit's token."""
        full_at = pace.taken(self.paces.get(pace.name, 0.0), now)
        assert full_at is not None, "refused before"
        if pace.name not in self.paces and len(self.paces) % _PACES_SWEPT == 0:
            self.paces = {name: at for name, at in self.paces.items() if at > now}
        self.paces[pace.name] = full_at

    def progress(self) -> Progress:
        count = sum(kept.head.seq for kept in self.streams.values())
        return Progress(self.streams[CONTROL].head, count)

    def take(self, effects: Effects) -> None:
        """Applies the effects that concern this room alone, after the entries are appended."""
        for blank in effects.blanks:
            self._blank(blank)
        for name in effects.drop_files:
            self.files.pop(name, None)
        if effects.snapshot is not None:
            self.snapshot = Snapshot(self.streams[CONTROL].head, effects.snapshot)
        if effects.record is not None:
            self.record = effects.record
        if effects.expires is not None:
            self.ends = effects.expires + LINGER
        if effects.due is not None:
            self.due = effects.due
        if effects.workers is not None:
            self.workers = effects.workers

    def _blank(self, blank: Blank) -> None:
        stream = self.streams.get(blank.stream)
        for seq in blank.numbers if stream else ():
            assert stream is not None
            if stream.first <= seq <= stream.head.seq:
                index = seq - stream.first
                stream.entries[index] = replace(stream.entries[index], blob=blank.blob)


class DueRooms:
    """Rooms by when they are due. The heap also holds outdated entries; now and then it is rebuilt
    without them."""

    def __init__(self, rooms: Mapping[str, MemoryRoom]) -> None:
        self._rooms = rooms
        self._heap: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._heap)

    def note(self, name: str) -> None:
        """The room's `due` has changed."""
        heapq.heappush(self._heap, (self._rooms[name].due, name))
        if len(self._heap) > 2 * len(self._rooms) + _SPARE:
            self._heap = [(each.due, name) for name, each in self._rooms.items()]
            heapq.heapify(self._heap)

    def take(self, until: float, claim: float, limit: int) -> list[str]:
        """Rooms that are due at `until`; each is next due at `claim`."""
        found: list[str] = []
        while self._heap and self._heap[0][0] <= until and len(found) < limit:
            at, name = heapq.heappop(self._heap)
            room = self._rooms.get(name)
            if room is not None and room.due == at:
                room.due = claim
                self.note(name)
                found.append(name)
        return found


def notifications_of(
    room: MemoryRoom, commit: Commit, control: tuple[Entry, ...], entries: tuple[Entry, ...]
) -> list[Notification]:
    """The notifications of a commit, the control stream's first."""
    blanks = commit.effects.blanks
    blobs = [each.blob for each in (*control, *entries)] + [each.blob for each in blanks]
    carried = sum(len(blob) for blob in blobs if isinstance(blob, bytes))
    carry = commit.effects.end or carried <= MAX_NOTIFICATION_BYTES
    notifications = []
    if control:
        notifications.append(
            Notification(CONTROL, control[-1].position.seq, control if carry else ())
        )
    if entries or blanks:
        seq = room.stream(commit.stream).head.seq
        own = (entries, blanks) if carry else ((), ())
        notifications.append(Notification(commit.stream, seq, *own))
    return notifications
