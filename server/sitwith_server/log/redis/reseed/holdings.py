"""What this process holds of one instance's rooms: a copy of those it hosts, the record of all
others.

Records are small, and a room that nobody has opened is hosted by no worker. So every process keeps
all records, and links that were never used survive a Redis that has lost everything.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from sitwith_server.log.base import GetHostedState, Lost, life_of, next_life
from sitwith_server.log.redis.notifications import (
    RECORD,
    VersionedRecord,
    parse_record,
    parse_tombstone,
)
from sitwith_server.log.redis.reseed.room_copy import RoomCopy

TIDY_EVERY: Final = 1_000
TIDY_AFTER: Final = 3_600
"""More seconds than this machine's clock will differ from the log's."""


class Holdings:
    """Rooms, records and tombstones of one instance.

    evict: drops this process's copies of files of a room; without names, of all its files.
    """

    def __init__(self) -> None:
        self.evict: Callable[..., None] = lambda room, *names: None
        self.rooms: dict[str, RoomCopy] = {}
        self.records: dict[str, VersionedRecord] = {}
        self.tombstones: dict[str, int] = {}
        """Ended rooms, and until when each is remembered (µs)."""
        self.beat: tuple[str, int, int] | None = None
        """This worker, its lease (ms), and the time of its last beat (µs)."""
        self._until_tidy = TIDY_EVERY
        self.peers: set[str] = set()
        """The other workers that were alive at this worker's last beat."""
        self.lapsed: set[str] = set()
        """The workers whose lease had run out at this worker's last beat."""
        self._forgotten_here: set[str] = set()
        """Rooms that have forgotten in this process alone: the log does not know it yet."""

    # --- rooms of this process -------------------------------------------------------------

    def use(self, room: str) -> RoomCopy:
        """The room's copy, made if there is none. Each `use` needs a `leave`."""
        copy = self.rooms.get(room)
        if copy is None:
            copy = self.rooms[room] = RoomCopy(lambda: self.evict(room))
            if known := self.records.get(room):
                copy.epoch = known.epoch
        copy.users += 1
        return copy

    def leave(self, room: str) -> None:
        """Ends one `use`; the last one drops the copy."""
        copy = self.rooms.get(room)
        if copy is not None:
            copy.users -= 1
            if copy.users <= 0:
                del self.rooms[room]

    def hold(
        self, room: str, give: GetHostedState, lost: Callable[[Lost], None]
    ) -> Callable[[], None]:
        copy = self.use(room)
        copy.give = give
        copy.lost.append(lost)
        held = True

        def release() -> None:
            nonlocal held
            if held:
                held = False
                copy.lost.remove(lost)
                if copy.give is give:
                    copy.give = None
                self.leave(room)

        return release

    # --- records of all rooms --------------------------------------------------------------

    def apply_message(self, message: bytes) -> None:
        """Takes a message of an index's channel."""
        if message[0] == RECORD:
            room, record = parse_record(message)
            self.learn(room, record)
        else:
            self.add_tombstone(*parse_tombstone(message))

    def learn(self, room: str, record: VersionedRecord) -> None:
        """Takes a record from the log, unless a newer one is known or the room has ended."""
        self.confirm_epoch(room, record.epoch)
        known = self.records.get(room)
        if self.is_ended(room):
            return
        if known is not None and life_of(record.epoch) > life_of(known.epoch):
            self.evict(room)
        if known is None or (known.epoch, known.version) <= (record.epoch, record.version):
            self.records[room] = record
            self._tidy()
        if copy := self.rooms.get(room):
            copy.accepts_epoch(record.epoch)

    def add_tombstone(self, room: str, until: int) -> None:
        """The room has ended: drops all that is held of it, so that no re-seed restores it."""
        if room not in self.tombstones:
            self.evict(room)
        self.tombstones[room] = max(until, self.tombstones.get(room, 0))
        self.records.pop(room, None)
        self._forgotten_here.discard(room)
        self._tidy()

    # --- lives -----------------------------------------------------------------------------

    def forget_here(self, room: str, record: bytes) -> None:
        """As `LocalCopies.forget_here`."""
        known, copy = self.records.get(room), self.rooms.get(room)
        epoch = next_life(max(known.epoch if known else 0, copy.epoch if copy else 0))
        if known is not None:
            version = known.version + 1
            self.records[room] = replace(known, epoch=epoch, version=version, record=record)
            self._forgotten_here.add(room)
        if copy is not None:
            copy.epoch = epoch
            copy.forget()
        else:
            self.evict(room)

    def confirm_epoch(self, room: str, epoch: int) -> None:
        """The log says that the room has this epoch. If the room is there still in the life that it
        has forgotten in this process alone, the process returns to that life; the log has to
        forget, too."""
        if room not in self._forgotten_here:
            return
        self._forgotten_here.discard(room)
        known, copy = self.records.get(room), self.rooms.get(room)
        if known is not None and life_of(known.epoch) > life_of(epoch):
            self.records[room] = replace(known, epoch=epoch, version=0)
        if copy is not None and copy.life > life_of(epoch):
            copy.epoch = epoch

    def _tidy(self) -> None:
        """Drops expired records and tombstones, now and then."""
        self._until_tidy -= 1
        if self._until_tidy > 0:
            return
        self._until_tidy = TIDY_EVERY + (len(self.records) + len(self.tombstones)) // 4
        now = time.time() - TIDY_AFTER
        self.records = {
            room: each for room, each in self.records.items() if each.expires > now * 1_000
        }
        self.tombstones = {
            room: until for room, until in self.tombstones.items() if until > now * 1_000_000
        }

    def is_ended(self, room: str) -> bool:
        """Whether the room has ended. By this machine's clock: an hour more or less does no
        harm."""
        return self.tombstones.get(room, 0) > time.time() * 1_000_000
