"""Sends commits to one instance and reads the replies. The hottest path of the server.

What a commit costs this process is mostly objects: they are allocated, and the garbage collector
walks those that wait. So a waiting commit is one tuple and one future, and its command is packed at
once.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import Any, Final, TypeAlias

from sitwith_server.log.base import (
    CONTROL,
    Commit,
    Committed,
    Conflict,
    Duplicate,
    Gone,
    Position,
    Result,
    TooEarly,
    TooFast,
)
from sitwith_server.log.redis.connection.client import (
    ErrorReply,
    RedisConnection,
    ignored,
    log_error_of,
)
from sitwith_server.log.redis.effects import pack_effects, tomb_until, unpack_more
from sitwith_server.log.redis.notifications import VersionedRecord
from sitwith_server.log.redis.packing import (
    COMMIT,
    COMMIT_WITH_EFFECTS,
    ID_BYTES,
    MICROSECONDS,
    StoredEntry,
    key_field,
    pack_commit,
    pack_meta,
    pack_opening,
    pack_tail,
    unpack_result,
)
from sitwith_server.log.redis.reseed.holdings import Holdings
from sitwith_server.log.redis.reseed.room_copy import RoomCopy
from sitwith_server.log.redis.watch.clock import RedisClock

OPENINGS: Final = 8_192
"""Rooms whose fixed words are cached; about 200 bytes each."""
_IDS_AT_ONCE: Final = 512
"""Entry ids for which random bytes are fetched in one system call."""

_ANSWERS: Final[dict[int, Result]] = {
    b"X"[0]: Conflict(),
    b"P"[0]: TooFast(),
    b"E"[0]: TooEarly(),
    b"G"[0]: Gone(),
}
PLAIN_RESULT: Final = 25
"""Bytes of the reply to a commit without effects."""
_COMMITTED: Final = b"C"[0]
_DUPLICATE: Final = b"D"[0]

_Waiting: TypeAlias = tuple[
    "asyncio.Future[Result]", RedisConnection, bytes, Commit, bytes, bytes, int
]
"""The caller's future, the connection, the packed command, the commit, and the commit's event ids,
tail and length of origin and key."""


class Committer:
    """Commits to one instance. kept: how many entries of a stream the instance keeps at least."""

    def __init__(self, holdings: Holdings, clock: RedisClock, kept: int) -> None:
        self._holdings = holdings
        self._clock = clock
        self._kept = kept
        self._gate = b""
        self._openings: dict[str, bytes] = {}
        self._random = b""
        self._random_used = 0

    def enter(self, gate: bytes) -> None:
        """Send commits to this incarnation of the instance from now on."""
        self._gate = gate
        self._openings.clear()

    def send(self, connection: RedisConnection, commit: Commit) -> asyncio.Future[Result]:
        """Send one commit. Raises LogDown, at once or later.

        What was committed enters the room's local copy even if the caller no longer waits.
        """
        room, key = commit.room, commit.key
        events = self._random_bytes(ID_BYTES * (len(commit.control) + len(commit.blobs)))
        if key is None:
            tail, key_length = pack_tail(""), 0
        else:
            tail = key_field(*key)
            key_length = len(tail)
            tail += bytes(commit.outcome)
        more = pack_effects(commit)
        if more:
            opening = pack_opening(room, self._gate, self._kept, COMMIT_WITH_EFFECTS)
        else:
            opening = self._openings.get(room) or self._open(room)
        command = pack_commit(opening, commit, events, tail, key_length, more)
        taken: asyncio.Future[Result] = connection.loop.create_future()
        waiting = (taken, connection, command, commit, events, tail, key_length)
        connection.send_packed(command, self._got, waiting)
        return taken

    def _open(self, room: str) -> bytes:
        if len(self._openings) >= OPENINGS:
            self._openings.clear()
        opening = self._openings[room] = pack_opening(room, self._gate, self._kept)
        return opening

    def _random_bytes(self, count: int) -> bytes:
        """Random bytes from a buffer: a system call for each commit would cost more than all
        else."""
        start = self._random_used
        self._random_used = end = start + count
        if end > len(self._random):
            self._random = os.urandom(max(count, _IDS_AT_ONCE * ID_BYTES))
            start, self._random_used = 0, count
        return self._random[start : self._random_used]

    def _got(self, reply: Any, waiting: _Waiting) -> None:
        taken, connection, command, commit, events, tail, key_length = waiting
        if type(reply) is not bytes:
            if isinstance(reply, ErrorReply):
                if reply.word == "NOSCRIPT" and connection.open:
                    for script in (COMMIT, COMMIT_WITH_EFFECTS):
                        connection.send((b"SCRIPT", b"LOAD", script.text), ignored)
                    connection.send_packed(command, self._got, waiting)
                    return
                reply = log_error_of(reply, connection)
            if not taken.done():
                taken.set_exception(reply)
            return
        what = reply[0]
        if what == _COMMITTED:
            result = self._took(commit, events, tail, key_length, reply)
        elif what == _DUPLICATE:
            result = Duplicate(reply[1:])
        else:
            result = _ANSWERS[what]
        if not taken.done():
            taken.set_result(result)

    def _took(
        self, commit: Commit, events: bytes, tail: bytes, key_length: int, reply: bytes
    ) -> Result:
        at, epoch, first = unpack_result(reply)
        seconds = at / MICROSECONDS
        self._clock.saw(seconds)
        if len(reply) > PLAIN_RESULT:
            return self._took_more(commit, events, tail, key_length, reply)
        positions = _positions(epoch, first, events)
        copy = self._holdings.rooms.get(commit.room)
        if copy is not None:
            _add_entries(copy, commit, positions, tail, key_length, at)
        return Committed(positions, seconds)

    def _took_more(
        self, commit: Commit, events: bytes, tail: bytes, key_length: int, reply: bytes
    ) -> Result:
        at, epoch, first = unpack_result(reply)
        control_first, version, expires = unpack_more(reply)
        split, effects = ID_BYTES * len(commit.control), commit.effects
        control = _positions(epoch, control_first, events[:split])
        positions = _positions(epoch, first, events[split:])
        self._learn(
            commit, VersionedRecord(epoch, version, expires, bytes(effects.record or b"")), at
        )
        copy = self._holdings.rooms.get(commit.room)
        if copy is not None and copy.accepts_epoch(epoch):
            origin = tail[: key_length - 8] if key_length else tail
            _add_control_entries(copy, commit, control, origin if positions else tail, at)
            _add_entries(copy, commit, positions, tail, key_length, at)
            copy.blank(effects.blanks)
        return Committed(positions, at / MICROSECONDS, control)

    def _learn(self, commit: Commit, record: VersionedRecord, at: int) -> None:
        """Update the holdings with what the commit did to the room as a whole."""
        effects, holdings = commit.effects, self._holdings
        if effects.forget:
            holdings.evict(commit.room)
        elif effects.drop_files:
            holdings.evict(commit.room, *effects.drop_files)
        if effects.end:
            holdings.add_tombstone(commit.room, tomb_until(at))
            return
        if record.version:
            if effects.record is None:
                known = holdings.records.get(commit.room)
                if known is None:
                    return
                record = replace(record, record=known.record)
            holdings.learn(commit.room, record)


def _positions(epoch: int, first: int, events: bytes) -> tuple[Position, ...]:
    if len(events) == ID_BYTES:
        return (Position(epoch, first, events),)
    ids = [events[n : n + ID_BYTES] for n in range(0, len(events), ID_BYTES)]
    return tuple(Position(epoch, first + n, event) for n, event in enumerate(ids))


def _add_entries(
    copy: RoomCopy,
    commit: Commit,
    positions: tuple[Position, ...],
    tail: bytes,
    key_length: int,
    at: int,
) -> None:
    """Add the entries of the commit's own stream and its outcome to the room's copy. at: µs."""
    seconds = at / MICROSECONDS
    rights = commit.expect
    if commit.stream == CONTROL:
        if commit.rights and positions:
            copy.rights = max(copy.rights, positions[-1].seq)
        rights = copy.rights
    last = len(positions) - 1
    origin = tail[: key_length - 8] if key_length else tail
    for n, position in enumerate(positions):
        if commit.rights:
            rights = position.seq
        end = tail if n == last else origin
        meta = pack_meta(position.epoch, position.event, rights, at, end)
        entry = StoredEntry(position.seq, meta, bytes(commit.blobs[n]))
        copy.add_committed(commit.stream, entry, position, seconds)
    if key_length:
        copy.remember(tail[:key_length], tail[key_length:], seconds)


def _add_control_entries(
    copy: RoomCopy, commit: Commit, control: tuple[Position, ...], ends: bytes, at: int
) -> None:
    """Add the control entries of a commit to a conversation to the room's copy; none of them
    changes rights. ends: the tail of the last of them."""
    origin = pack_tail(commit.key[0] if commit.key else "")
    for blob, position in zip(commit.control, control, strict=True):
        end = ends if position is control[-1] else origin
        meta = pack_meta(position.epoch, position.event, commit.expect, at, end)
        seconds = at / MICROSECONDS
        copy.add_committed(CONTROL, StoredEntry(position.seq, meta, bytes(blob)), position, seconds)
