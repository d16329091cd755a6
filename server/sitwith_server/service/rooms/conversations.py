"""A room's conversations on this worker: deciding, committing and folding their entries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, TypeAlias

from sitwith_protocol.codec import decode, encode
from sitwith_protocol.errors import RefusalCode
from sitwith_server.log.base import (
    CONTROL,
    NO_EFFECTS,
    Blank,
    Commit,
    Committed,
    Duplicate,
    Effects,
    Entry,
    Gone,
    Heads,
    Log,
    Position,
    Result,
    TooFast,
    Trimmed,
)
from sitwith_server.room import Refusal, Verdict, decide, fold
from sitwith_server.room import commands as c
from sitwith_server.room.chat.access import STAFF, shown_as
from sitwith_server.room.chat.talk import Placed, Said, Saying, Unsaid, decide_talk, slow_seconds
from sitwith_server.room.events import Event
from sitwith_server.room.model import OPERATOR, RoomState
from sitwith_server.service.people import paces
from sitwith_server.service.rooms import answers, store
from sitwith_server.service.rooms.answers import PACED, Answer, Ok, Refused
from sitwith_server.service.rooms.effects import AuditEntry, effects_of
from sitwith_server.service.rooms.message_index import MessageIndex

Key = tuple[str, int]

LINE: Final = "staff.line"
"""The `why` of inbox events that are committed with a message."""

READ_AT_ONCE: Final = 32
"""Entries of a history that are decoded in one turn of the event loop."""


@dataclass(frozen=True, slots=True)
class ChatEntry:
    """A committed entry of a conversation, decoded."""

    entry: Entry
    what: Saying


class NotCommitted(Enum):
    """Why an attempt to commit has no answer."""

    CONFLICT = "conflict"
    """Another commit came first: catch up and try again."""
    GONE = "gone"
    """There is no such room any more."""


Auditor: TypeAlias = Callable[[str], AuditEntry | None]
"""Makes the audit entry for a result; None where the trail keeps none."""

Moved: TypeAlias = Callable[[RoomState, tuple[Event, ...], Position], None]
"""Called with control events that were committed with a message: the state after them, the events,
and the position of the last one."""


class Conversations:
    """The conversations' half of `service.rooms.room.HostedRoom`, which serialises the calls.

    tell: called with each entry, in order within its stream, once it is committed and folded.
    moved: called before that with the control events committed together with this worker's entry.
    """

    def __init__(
        self, log: Log, room: str, tell: Callable[[ChatEntry], None], moved: Moved
    ) -> None:
        self._log = log
        self._room = room
        self._tell = tell
        self._moved = moved
        self.index = MessageIndex()
        self.positions: dict[str, Position] = {}

    async def attempt(
        self,
        state: RoomState,
        rights: int,
        command: c.Say | c.Unsay,
        key: Key,
        audit: Auditor,
    ) -> Answer | NotCommitted:
        """Decides and commits one command. Returns the answer, or why there is none."""
        now, pace = await self._log.now(self._room), paces.of_commands(command.by)
        placed = decide_talk(state, command, self.index, now)
        answer = _answer(placed, command)
        outcome = answers.to_bytes(answer)
        if isinstance(answer, Refused):
            if not answer.code.is_outcome:
                return answer
            effects = Effects(audit=audit(str(answer.code)))
            refused = Commit(
                self._room,
                CONTROL,
                (),
                state.seq,
                key=key,
                outcome=outcome,
                pace=pace,
                effects=effects,
            )
            return self._settled(await self._log.commit(refused), answer)
        if not isinstance(placed, Placed):
            unchanged = Commit(
                self._room, CONTROL, (), state.seq, key=key, outcome=outcome, pace=pace
            )
            return self._settled(await self._log.commit(unchanged), answer)
        what = placed.what
        assert isinstance(what, Said | Unsaid)
        if isinstance(what, Said):
            slow = slow_seconds(state, state.seats[command.by], placed.stream)
            pace = paces.of_messages(command.by, slow)
        events = self._line_events(state, placed, command, now)
        after = fold_onto(state, events or ())
        effects = effects_of(state, after, after.seq) if events else NO_EFFECTS
        if isinstance(what, Unsaid):
            blanks = self._blanks(placed.stream, what)
            effects = replace(effects, blanks=blanks, audit=audit("ok"))
        commit = Commit(
            room=self._room,
            stream=placed.stream,
            blobs=(store.keep_saying(what),),
            expect=rights,
            key=key,
            outcome=outcome,
            at_head=self.index.head(placed.stream),
            control=tuple(store.keep_event(e, LINE, OPERATOR) for e in events or ()),
            control_head=None if events is None else state.seq,
            pace=pace,
            effects=effects,
        )
        result = await self._log.commit(commit)
        if isinstance(result, Committed):
            if events:
                self._moved(after, events, result.control[-1])
            by = what.author if isinstance(what, Said) else what.by
            position = result.positions[0]
            entry = Entry(commit.stream, position, rights, result.at, by, commit.blobs[0])
            self._fold(entry, what)
        return self._settled(result, answer)

    def _line_events(
        self, state: RoomState, placed: Placed, command: c.Say | c.Unsay, now: float
    ) -> tuple[Event, ...] | None:
        """The inbox's events for a message on a line to the facilitators. They belong to the same
        commit, so that none is lost. None: the entry does not concern the inbox."""
        if not isinstance(placed.what, Said):
            return None
        moved = line_moved(state, placed.stream, command.by, placed.what.n)
        if moved is None:
            return None
        verdict = decide(state, moved, now)
        return verdict.events if isinstance(verdict, Verdict) else ()

    def _blanks(self, stream: str, what: Saying) -> tuple[Blank, ...]:
        """The blank of the message that a deletion deletes."""
        if not isinstance(what, Unsaid):
            return ()
        deleted = self.index.message(stream, what.n)
        if deleted is None:
            return ()
        empty = Said(what.n, deleted.author, "", notice=deleted.notice, deleted=True)
        return (Blank(stream, (deleted.seq,), store.keep_saying(empty)),)

    @staticmethod
    def _settled(result: Result, answer: Answer) -> Answer | NotCommitted:
        if isinstance(result, Duplicate):
            return answers.from_blob(result.outcome)
        if isinstance(result, Gone):
            return NotCommitted.GONE
        if isinstance(result, TooFast):
            return PACED
        return answer if isinstance(result, Committed) else NotCommitted.CONFLICT

    def take(self, entry: Entry) -> None:
        """Folds and passes on an entry that another worker committed. A deletion also blanks this
        process's copy of the message."""
        what = store.read_saying(entry.blob)
        if blanks := self._blanks(entry.stream, what):
            self._log.blank_copies(self._room, blanks)
        self._fold(entry, what)

    def _fold(self, entry: Entry, what: Saying) -> None:
        self.index.fold(entry, what)
        self.positions[entry.stream] = entry.position
        self._tell(ChatEntry(entry, what))

    def start_over(self, other: Conversations | None = None, lost: Collection[str] = ()) -> None:
        """Starts over, empty as after the room has forgotten.

        other: another reading of the log in the same life: the streams in `lost` are taken from it.
            What it has beyond that, observers have not seen yet, so it is not taken: it is folded
            later.
        """
        if other is None:
            self.index, self.positions = MessageIndex(), {}
            return
        self.index = MessageIndex.joined(self.index, other.index, lost)
        known = {**other.positions, **{s: p for s, p in self.positions.items() if s not in lost}}
        self.positions = {s: known[s] for s in self.index.streams() if s in known}

    @property
    def count(self) -> int:
        """How many entries of conversations this worker has folded."""
        return sum(self.index.head(stream) for stream in self.index.streams())

    async def unread(self, heads: Heads) -> list[Entry]:
        """Entries in the log's conversations that are not folded here yet, in order of rights."""
        found: list[Entry] = []
        for stream, head in heads.streams.items():
            known = self.index.head(stream)
            if stream == CONTROL or head.seq <= known:
                continue
            try:
                some = await self._log.read(self._room, stream, known)
            except Trimmed as trimmed:
                some = await self._log.read(self._room, stream, trimmed.first - 1)
            if not some:
                # These entries are lost; the next one has a higher number.
                self.index.skip_to(stream, head.seq)
            found += some
        return sorted(found, key=lambda e: (e.rights, e.at, e.stream, e.position.seq))

    async def history(self, stream: str, after: int) -> list[ChatEntry]:
        """A conversation's entries with a number above `after`, all and in order.

        Raises:
            Trimmed: some of them are no longer kept.
        """
        found: list[ChatEntry] = []
        while entries := await self._log.read(self._room, stream, after):
            for number, entry in enumerate(entries, 1):
                found.append(ChatEntry(entry, store.read_saying(entry.blob)))
                if number % READ_AT_ONCE == 0:
                    await asyncio.sleep(0)
            after = entries[-1].position.seq
        return found

    def current(self, read: ChatEntry) -> ChatEntry:
        """An entry that was read a moment ago, without its text if it was deleted since."""
        what, stream = read.what, read.entry.stream
        if not isinstance(what, Said) or what.deleted:
            return read
        message = self.index.message(stream, what.n)
        if message is None or not message.deleted:
            return read
        empty = replace(what, body="", deleted=True)
        return ChatEntry(replace(read.entry, blob=store.keep_saying(empty)), empty)


def line_moved(state: RoomState, stream: str, by: str, n: int) -> c.LineMoved | None:
    """The command that tells the inbox of message `n` on a line to the facilitators; None for a
    message in any other conversation."""
    kind, _, member = stream.partition(":")
    author = state.at(by)
    if kind != STAFF or author is None:
        return None
    waiting = member == author.id and not author.facilitates
    return c.LineMoved(by=OPERATOR, member=member, n=n, waiting=waiting)


def fold_onto(state: RoomState, events: Iterable[Event]) -> RoomState:
    """The state after these events."""
    for event in events:
        state = fold(state, event)
    return state


MEDIA_MESSAGE: Final = b"\xc1"
"""The first byte of a published media message: MessagePack never uses it."""


def is_media_message(blob: bytes) -> bool:
    """Whether a published blob is a media message and not a reaction."""
    return blob[:1] == MEDIA_MESSAGE


def reaction_to_bytes(stream: str, by: str, kind: str) -> bytes:
    """A reaction, as it is published to all workers of a room."""
    return encode({"t": "reaction", "stream": stream, "by": by, "kind": kind})


def reaction_from_bytes(blob: bytes) -> tuple[str, str, str]:
    """Stream, seat and kind: the inverse of `reaction_to_bytes`."""
    frame = decode(blob)
    return str(frame["stream"]), str(frame["by"]), str(frame["kind"])


def _answer(placed: Placed | Refusal | None, command: c.Say | c.Unsay) -> Answer:
    if isinstance(placed, Refusal):
        return Refused(RefusalCode(placed.code), placed.message)
    if placed is None or not isinstance(placed.what, Said):
        return Ok()
    return Ok({"to": shown_as(placed.stream, command.by), "n": placed.what.n})
