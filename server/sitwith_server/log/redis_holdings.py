"""What this process knows of an instance's rooms: of those it hosts all, of the others the record.

Records are small, and an unopened room has nobody who hosts it: every process keeps them all, so
that links which nobody has used yet survive a Redis that lost everything.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from sitwith_server.log.base import Give, Lost
from sitwith_server.log.redis_keep import RoomKeep
from sitwith_server.log.redis_link import Link
from sitwith_server.log.redis_packing import (
    RECORD,
    ROOMS,
    TOMBS,
    Record,
    keys_of,
    record_of,
    tomb_of,
)

TIDY_EVERY: Final = 1_000
TIDY_AFTER: Final = 3_600
"""Seconds that this machine's clock may differ from the log's, amply."""


class Holdings:
    """Rooms, records and tombstones of one instance."""

    def __init__(self) -> None:
        self.rooms: dict[str, RoomKeep] = {}
        self.records: dict[str, Record] = {}
        self.tombs: dict[str, int] = {}
        """Ended rooms, and until when (µs) that is remembered."""
        self.beat: tuple[str, int, int] | None = None
        """This worker, its lease (ms) and when it beat last (µs)."""
        self._until_tidy = TIDY_EVERY
        self.peers: set[str] = set()
        """The other workers that lived at this one's last beat."""
        self.lapsed: set[str] = set()
        """The workers whose lease had run out then."""

    # --- rooms of this process -------------------------------------------------------------

    def use(self, room: str) -> RoomKeep:
        """Begin or go on to keep a room. Each `use` needs its `leave`."""
        keep = self.rooms.get(room)
        if keep is None:
            keep = self.rooms[room] = RoomKeep()
        keep.users += 1
        return keep

    def leave(self, room: str) -> None:
        keep = self.rooms.get(room)
        if keep is not None:
            keep.users -= 1
            if keep.users <= 0:
                del self.rooms[room]

    def hold(self, room: str, give: Give, lost: Callable[[Lost], None]) -> Callable[[], None]:
        keep = self.use(room)
        keep.give = give
        keep.lost.append(lost)
        held = True

        def release() -> None:
            nonlocal held
            if held:
                held = False
                keep.lost.remove(lost)
                if keep.give is give:
                    keep.give = None
                self.leave(room)

        return release

    # --- records of all rooms --------------------------------------------------------------

    def told(self, message: bytes) -> None:
        """A message of the index's channel."""
        if message[0] == RECORD:
            room, record = record_of(message)
            self.learn(room, record)
        else:
            self.bury(*tomb_of(message))

    def learn(self, room: str, record: Record) -> None:
        known = self.records.get(room)
        if self.buried(room):
            return
        if known is None or (known.epoch, known.version) <= (record.epoch, record.version):
            self.records[room] = record
            self._tidy()

    def bury(self, room: str, until: int) -> None:
        """The room has ended: nobody will bring it back from here."""
        self.tombs[room] = max(until, self.tombs.get(room, 0))
        self.records.pop(room, None)
        self._tidy()

    def _tidy(self) -> None:
        """Now and then drops what has expired."""
        self._until_tidy -= 1
        if self._until_tidy > 0:
            return
        self._until_tidy = TIDY_EVERY + (len(self.records) + len(self.tombs)) // 4
        now = time.time() - TIDY_AFTER
        self.records = {
            room: each for room, each in self.records.items() if each.expires > now * 1_000
        }
        self.tombs = {room: until for room, until in self.tombs.items() if until > now * 1_000_000}

    def buried(self, room: str) -> bool:
        """Whether the room has ended, by this machine's clock: an hour more or less is no harm."""
        return self.tombs.get(room, 0) > time.time() * 1_000_000

    def refresh(self, link: Link) -> None:
        """Read the index anew; messages may have been missed."""

        def rooms(reply: Any) -> None:
            if not isinstance(reply, list):
                return
            for name in [each.decode() for each in reply]:
                words = ("HMGET", keys_of(name).meta, "f", "v", "x", "rec")
                link.send(words, partial(self._read, name))

        def tombs(reply: Any) -> None:
            if isinstance(reply, list):
                for name, until in zip(reply[::2], reply[1::2], strict=True):
                    self.bury(name.decode(), int(float(until)))

        link.send(("ZRANGE", TOMBS, 0, -1, "WITHSCORES"), tombs)
        link.send(("ZRANGE", ROOMS, 0, -1), rooms)

    def _read(self, room: str, reply: Any) -> None:
        if isinstance(reply, list) and all(each is not None for each in reply):
            epoch, version, expires, record = reply
            self.learn(room, Record(int(epoch), int(version), int(expires), record))
