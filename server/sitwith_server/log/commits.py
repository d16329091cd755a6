"""A commit to the log: what it appends, what else it does, how fast it may come, and its result.

No `repr` here shows a blob, because a `repr` may end up in a log line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from sitwith_server.log.values import CONTROL, Blank, Blob, Position

_LONGEST_REFILL: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """A rate limit on the commits under one name, whichever process makes them: a token bucket
    that holds `burst` tokens and gains `rate` tokens a second. Each commit takes one token.

    The log keeps the bucket with the room: after the room has forgotten, or in a log that came
    back empty, the bucket is full again.
    """

    name: str
    rate: float
    burst: int

    def __post_init__(self) -> None:
        if not self.name or self.burst < 1 or not _LONGEST_REFILL * self.rate >= self.burst:
            raise ValueError("a pace has a name, and is full within an hour")

    @property
    def step(self) -> float:
        """Seconds in which the bucket gains one token."""
        return 1.0 / self.rate

    def taken(self, full_at: float, now: float) -> float | None:
        """Takes a token from a bucket that will be full at `full_at`.

        Returns when the bucket will then be full, or None if it is empty (the generic cell rate
        algorithm, ITU-T I.371 annex A). All times in seconds of one clock.
        """
        begin = max(full_at, now)
        return begin + self.step if begin - now <= (self.burst - 1) * self.step else None


@dataclass(frozen=True, slots=True)
class Effects:
    """What a commit does besides appending: in the same step, all of it or nothing.

    due: when the room is next due, by the log's clock (see `Log.due`); None: unchanged.
    workers: the workers that have connections in the room now (see `Log.orphans`); None:
        unchanged.
    record: the room's new record; None: unchanged.
    expires: when the room ends, by the log's clock; None: unchanged.
    snapshot: the room's state after the last control entry of the commit; without control
        entries, the state at the control head that the commit was decided on. None: no snapshot
        is saved.
    blanks: entries whose bodies are replaced.
    drop_files: names of files to delete.
    audit: an entry of the audit trail, and the trail's ttl in seconds.
    forget: before the entries are appended, the log deletes the room's entries, the heads of its
        conversations, its outcomes, snapshot and files. It keeps the record (a new one must be
        given), the audit trail and the control stream's number, which goes on. The epoch becomes
        `next_life`. Such a commit has entries and changes rights, so that nothing decided in the
        life before can be committed after it.
    end: the room is deleted by this commit, as by `Log.end`. Subscribers still get its entries in
        the notification, however large they are.
    """

    due: float | None = None
    workers: frozenset[str] | None = None
    record: Blob | None = field(default=None, repr=False)
    expires: float | None = None
    snapshot: Blob | None = field(default=None, repr=False)
    blanks: tuple[Blank, ...] = ()
    drop_files: tuple[str, ...] = ()
    audit: tuple[Blob, float] | None = field(default=None, repr=False)
    forget: bool = False
    end: bool = False

    def __post_init__(self) -> None:
        if self.forget and self.record is None:
            raise ValueError("a room that forgets keeps a record")


NO_EFFECTS: Final = Effects()


@dataclass(frozen=True, slots=True)
class Commit:
    """Blobs to append to one stream, and the heads that they were decided on.

    blobs: may be empty; then only the outcome is remembered (a refusal that is an outcome).
    expect: for the control stream, the number of its head as the decision saw it; for a
        conversation, the rights number as the author's worker saw it.
    rights: control stream only: these entries change what somebody may say or receive.
    key: (seat, command id). A commit with a key that already has an outcome appends nothing.
    outcome: the answer to remember under the key.
    not_before: refused before this moment of the log's clock (a tick and its deadline).
    at_head: conversations only: also refused unless the stream's head has this number, so that an
        entry can hold a number derived from its place.
    control: conversations only: control entries that are committed together with the message and
        before it. They change no rights.
    control_head: conversations only: also refused unless the control stream's head has this
        number. Required with `control` or a snapshot.
    pace: refused while its bucket is empty. Only a commit that is taken takes a token.
    effects: what else it does, with or without blobs.
    """

    room: str
    stream: str
    blobs: tuple[Blob, ...] = field(repr=False)
    expect: int
    rights: bool = False
    key: tuple[str, int] | None = None
    outcome: Blob = field(default=b"", repr=False)
    not_before: float | None = None
    at_head: int | None = None
    control: tuple[Blob, ...] = field(default=(), repr=False)
    control_head: int | None = None
    pace: Pace | None = None
    effects: Effects = field(default=NO_EFFECTS, repr=False)

    def __post_init__(self) -> None:
        if self.stream == CONTROL:
            if self.at_head is not None or self.control_head is not None or self.control:
                raise ValueError("the control stream's head goes into expect")
            if self.effects.forget and not (self.rights and self.blobs):
                raise ValueError("a room that forgets says so, and that changes rights")
            return
        if self.rights:
            raise ValueError("only the control stream changes rights")
        if self.control_head is None and (self.control or self.effects.snapshot is not None):
            raise ValueError("what is of the control stream needs the head it was decided on")
        if self.effects.forget or self.effects.end:
            raise ValueError("only a control commit forgets or ends")


@dataclass(frozen=True, slots=True)
class Committed:
    """Appended.

    positions: one for each blob, in order.
    at: when it was committed, by the log's clock.
    control: one for each of the commit's `control` entries.
    """

    positions: tuple[Position, ...]
    at: float
    control: tuple[Position, ...] = ()


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The key already has this outcome; nothing was appended."""

    outcome: Blob = field(repr=False)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Decided on an older state: read what is missing and decide again."""


@dataclass(frozen=True, slots=True)
class TooFast:
    """The pace's bucket is empty."""


@dataclass(frozen=True, slots=True)
class TooEarly:
    """The log's clock has not reached `not_before`."""


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such room: it never existed, has expired or has ended."""


Result: TypeAlias = Committed | Duplicate | TooFast | Conflict | TooEarly | Gone
