"""A hosted room: load, decide, commit, fold, tell. On a conflict, read the tail and decide again.

Laws: nothing is told before it is committed; the state here is what the log says, never more; a
command id has one outcome (DESIGN §2.2, §4).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from sitwith_protocol.codec import decode, encode
from sitwith_protocol.errors import RefusalCode
from sitwith_server.log.base import (
    CONTROL,
    Commit,
    Committed,
    Conflict,
    Duplicate,
    Entry,
    Gone,
    Log,
    Position,
    TooEarly,
)
from sitwith_server.room import Refusal, Verdict, begin, decide, fold, next_deadline
from sitwith_server.room import commands as c
from sitwith_server.room.access import shown_as
from sitwith_server.room.events import Event, RoomOpened
from sitwith_server.room.model import RoomState
from sitwith_server.room.talk import Placed, Said, Saying, Unsaid, decide_talk
from sitwith_server.service import answers, store
from sitwith_server.service.answers import Answer, Done, No
from sitwith_server.service.talkbook import TalkBook

ATTEMPTS: Final = 50
"""Lost races after which a command is given up as `frozen`: only a broken log loses so often."""

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Change:
    """A commit of the control log, folded."""

    before: RoomState
    after: RoomState
    events: tuple[Event, ...]
    why: str
    by: str
    position: Position


@dataclass(frozen=True, slots=True)
class Words:
    """A commit of a conversation."""

    entry: Entry
    what: Saying


class Observer(Protocol):
    """Who shows people what happens. Called at each commit, in order; must not block or raise."""

    def changed(self, change: Change) -> None: ...

    def said(self, words: Words) -> None: ...

    def reacted(self, stream: str, by: str, kind: str) -> None: ...


Noted = Callable[[c.Command, str, str], Awaitable[None]]
"""Told of each fresh outcome: the command, its wire type, and `ok` or the refusal's code."""


class Room:
    """One room as this worker holds it.

    Raises nothing of the room's own; a log that can't be reached answers `frozen`.
    """

    def __init__(self, log: Log, state: RoomState, position: Position, rights: int) -> None:
        self._log = log
        self._noted: Noted | None = None
        self._lock = asyncio.Lock()
        self._observers: list[Observer] = []
        self.state = state
        self.position = position
        self.rights = rights
        self.talk = TalkBook()
        self.positions: dict[str, Position] = {}
        self.on_deadline: Callable[[float | None], None] | None = None

    @property
    def id(self) -> str:
        return self.state.id

    def observe(self, observer: Observer) -> Callable[[], None]:
        """From now on tells `observer`; returns the function that ends it."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    # -- commands ------------------------------------------------------------------------------

    async def ask(self, command: c.Command, key: Key | None, why: str) -> Answer:
        """One command of a seat, to its outcome."""
        async with self._lock:
            if key is not None:
                known = await self._log.outcome(self.id, *key)
                if known is not None:
                    return answers.from_bytes(known)
            if isinstance(command, c.React):
                answer = await self._react(command)
            elif isinstance(command, c.Say | c.Unsay):
                answer = await self._talk(command, key)
            else:
                answer = await self._control(command, key, why)
        await self._note(command, why, answer)
        return answer

    async def order(self, command: c.Command, why: str) -> Refusal | None:
        """What comes from the door, a connection or the operator: None once it is committed."""
        async with self._lock:
            for _ in range(ATTEMPTS):
                verdict = decide(self.state, command, await self._log.now())
                if isinstance(verdict, Refusal):
                    return verdict
                if not verdict.events or await self._append(command, verdict, None, why):
                    return None
            return Refusal("frozen", RefusalCode.FROZEN.text)

    def note_to(self, noted: Noted) -> None:
        """Sets who is told of each fresh outcome: the audit trail."""
        self._noted = noted

    async def _note(self, command: c.Command, why: str, answer: Answer) -> None:
        if self._noted is not None:
            result = "ok" if isinstance(answer, Done) else str(answer.code)
            await self._noted(command, why, result)

    async def tick(self) -> None:
        """Everything that is due happens; too early or somebody else's tick is harmless."""
        async with self._lock:
            now = await self._log.now()
            due = next_deadline(self.state)
            if due is None or due > now:
                return
            command = c.Tick(by="")
            for _ in range(ATTEMPTS):
                verdict = decide(self.state, command, await self._log.now())
                if isinstance(verdict, Refusal) or not verdict.events:
                    return
                if await self._append(command, verdict, None, "time"):
                    return

    async def _control(self, command: c.Command, key: Key | None, why: str) -> Answer:
        for _ in range(ATTEMPTS):
            verdict = decide(self.state, command, await self._log.now())
            answer = _answer(verdict)
            if isinstance(verdict, Refusal):
                verdict = Verdict(())
            if not verdict.events and (key is None or not _is_outcome(command, answer)):
                return answer
            outcome = key if _is_outcome(command, answer) else None
            taken = await self._append(command, verdict, outcome, why, answer)
            if isinstance(taken, answers.Done | answers.No):
                return taken
            if taken:
                return answer
        return No(RefusalCode.FROZEN, RefusalCode.FROZEN.text)

    async def _append(
        self,
        command: c.Command,
        verdict: Verdict,
        key: Key | None,
        why: str,
        answer: Answer | None = None,
    ) -> bool | Answer:
        """True once committed and told; an answer if the id had one; False after a lost race."""
        before = self.state
        after = before
        for event in verdict.events:
            after = fold(after, event)
        result = await self._log.commit(
            Commit(
                room=self.id,
                stream=CONTROL,
                blobs=tuple(
                    store.event_to_bytes(event, why, command.by) for event in verdict.events
                ),
                expect=before.seq,
                rights=after.rights != before.rights,
                key=key,
                outcome=b"" if answer is None else answers.to_bytes(answer),
            )
        )
        if isinstance(result, Duplicate):
            return answers.from_bytes(result.outcome)
        if isinstance(result, Conflict | TooEarly):
            await self.catch_up()
            return False
        if isinstance(result, Gone):
            return No(RefusalCode.NOT_INSIDE, RefusalCode.NOT_INSIDE.text)
        if not verdict.events:
            return True
        self.position = result.positions[-1]
        if after.rights != before.rights:
            self.rights = self.position.seq
        self.state = after
        self._tell(Change(before, after, verdict.events, why, command.by, self.position))
        return True

    def _tell(self, change: Change) -> None:
        for observer in tuple(self._observers):
            observer.changed(change)
        if self.on_deadline is not None:
            self.on_deadline(next_deadline(self.state))

    # -- words ---------------------------------------------------------------------------------

    async def _react(self, command: c.React) -> Answer:
        placed = decide_talk(self.state, command, self.talk, await self._log.now())
        if isinstance(placed, Refusal):
            return _answer(placed)
        assert placed is not None
        # The other workers are told too, and this one by the same way.
        await self._log.whisper(self.id, encode_reaction(placed.stream, command.by, command.kind))
        return Done()

    async def _talk(self, command: c.Say | c.Unsay, key: Key | None) -> Answer:
        for _ in range(ATTEMPTS):
            placed = decide_talk(self.state, command, self.talk, await self._log.now())
            answer = _answer(placed) if isinstance(placed, Refusal) else _said(placed, command)
            outcome = key if _is_outcome(command, answer) else None
            if not isinstance(placed, Placed):
                if outcome is None or await self._remember(outcome, answer):
                    return answer
                continue
            taken = await self._append_words(placed, outcome, answer)
            if taken is not None:
                return taken
        return No(RefusalCode.FROZEN, RefusalCode.FROZEN.text)

    async def _append_words(self, placed: Placed, key: Key | None, answer: Answer) -> Answer | None:
        stream, what = placed.stream, placed.what
        assert isinstance(what, Said | Unsaid)
        blob = store.saying_to_bytes(what)
        result = await self._log.commit(
            Commit(
                room=self.id,
                stream=stream,
                blobs=(blob,),
                expect=self.rights,
                key=key,
                outcome=answers.to_bytes(answer),
                at_head=self.talk.head(stream),
            )
        )
        if isinstance(result, Duplicate):
            return answers.from_bytes(result.outcome)
        if isinstance(result, Committed):
            by = what.author if isinstance(what, Said) else what.by
            entry = Entry(stream, result.positions[0], self.rights, result.at, by, blob)
            await self._take_words(entry, what)
            return answer
        if isinstance(result, Gone):
            return No(RefusalCode.NOT_INSIDE, RefusalCode.NOT_INSIDE.text)
        await self.catch_up()
        return None

    async def _take_words(self, entry: Entry, what: Saying) -> None:
        deleted = self.talk.fold(entry, what)
        self.positions[entry.stream] = entry.position
        for observer in tuple(self._observers):
            observer.said(Words(entry, what))
        if deleted is not None and isinstance(what, Unsaid):
            empty = Said(what.n, deleted.author, "", notice=deleted.notice, deleted=True)
            await self._log.blank(self.id, entry.stream, deleted.seq, store.saying_to_bytes(empty))

    async def _remember(self, key: Key, answer: Answer) -> bool:
        """Keeps a refusal under its id. False after a lost race."""
        verdict = Verdict(())
        return bool(await self._append(c.Tick(by=""), verdict, key, "", answer))

    # -- following -----------------------------------------------------------------------------

    def heard(self, blob: bytes) -> None:
        """A whisper: a reaction, which nobody keeps."""
        stream, by, kind = decode_reaction(blob)
        for observer in tuple(self._observers):
            observer.reacted(stream, by, kind)

    def behind(self, stream: str, seq: int) -> bool:
        """Whether an entry with this number has not been folded here yet."""
        return seq > (self.state.seq if stream == CONTROL else self.talk.head(stream))

    async def follow_up(self) -> None:
        """Catches up, in turn with the commands of this worker."""
        async with self._lock:
            await self.catch_up()

    async def catch_up(self) -> None:
        """Folds and tells what others have committed: the control log first, then words."""
        while entries := await self._log.read(self.id, CONTROL, self.state.seq):
            for entry in entries:
                came = store.event_from_bytes(entry.blob)
                before, self.state = self.state, fold(self.state, came.event)
                self.position, self.rights = entry.position, entry.rights
                self._tell(
                    Change(before, self.state, (came.event,), came.why, came.by, entry.position)
                )
        heads = await self._log.heads(self.id)
        for stream in () if heads is None else heads.streams:
            if stream == CONTROL:
                continue
            for entry in await self._log.read(self.id, stream, self.talk.head(stream)):
                await self._take_words(entry, store.saying_from_bytes(entry.blob))

    async def history(self, stream: str, after: int) -> list[tuple[Entry, Saying]]:
        """A conversation's kept entries with a number above `after`, whole and in order."""
        found: list[tuple[Entry, Saying]] = []
        while entries := await self._log.read(self.id, stream, after):
            found += [(entry, store.saying_from_bytes(entry.blob)) for entry in entries]
            after = entries[-1].position.seq
        return found


async def load(log: Log, room: str) -> Room | None:
    """A room from its log, or None if there is none."""
    entries = await log.read(room, CONTROL, 0)
    if not entries:
        return None
    opened = store.event_from_bytes(entries[0].blob).event
    assert isinstance(opened, RoomOpened)
    made = Room(log, begin(opened), entries[0].position, entries[0].rights)
    await made.catch_up()
    return made


def encode_reaction(stream: str, by: str, kind: str) -> bytes:
    return encode({"t": "reaction", "stream": stream, "by": by, "kind": kind})


def decode_reaction(blob: bytes) -> tuple[str, str, str]:
    frame = decode(blob)
    return str(frame["stream"]), str(frame["by"]), str(frame["kind"])


def _answer(verdict: Verdict | Refusal) -> Answer:
    if isinstance(verdict, Refusal):
        return No(RefusalCode(verdict.code), verdict.message)
    return Done(verdict.answer)


def _said(placed: Placed | None, command: c.Say | c.Unsay) -> Answer:
    if placed is None or not isinstance(placed.what, Said):
        return Done()
    return Done({"to": shown_as(placed.stream, command.by), "n": placed.what.n})


def _is_outcome(command: c.Command, answer: Answer) -> bool:
    """Whether the answer is kept under the command's id (CONTRACT §3, Commands)."""
    if isinstance(command, c.React | c.PairsPlan):
        return False
    if isinstance(command, c.NotYet) and command.name == "media.offer":
        return False
    return not (isinstance(answer, No) and not answer.code.is_outcome)
