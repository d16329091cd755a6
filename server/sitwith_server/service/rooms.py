"""A hosted room: decide, commit, fold, tell. On a conflict, read the tail and decide again.

Laws: nothing is told before it is committed; the state here is what the log says, never more; a
command id has one outcome; a worker that has not read the log for a moment reads it before it
decides anything (DESIGN §2.2, §2.5, §4, §5).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from itertools import groupby
from typing import Final

from sitwith_protocol.errors import RefusalCode
from sitwith_server.log.base import (
    CONTROL,
    Commit,
    Committed,
    Duplicate,
    Entry,
    Gone,
    Log,
    LogDown,
    Outage,
    Position,
    Trimmed,
)
from sitwith_server.room import Refusal, Verdict, decide, fold, next_deadline
from sitwith_server.room import commands as c
from sitwith_server.room.events import RoomEnded
from sitwith_server.room.model import RoomState
from sitwith_server.room.talk import decide_talk
from sitwith_server.service import answers, store
from sitwith_server.service.answers import Answer, Done, No
from sitwith_server.service.asides import blank_gone, completed, forgotten, line_moved
from sitwith_server.service.blanks import Blanks
from sitwith_server.service.observing import Change, Observer
from sitwith_server.service.talking import (
    Key,
    Talking,
    Words,
    is_letter,
    reaction_from_bytes,
    reaction_to_bytes,
)

ATTEMPTS: Final = 50
"""Lost races after which a command is given up as `frozen`: only a broken log loses so often."""

TICK_ATTEMPTS: Final = 2
"""A tick that loses comes again by itself, and one that is too early would only lose again."""

RETRY: Final = 0.25
"""Seconds before what has to be put back is tried again."""

STALE_SECONDS: Final = 1.5
"""A worker that has not read this long (it was stopped, or cut off) reads before it decides."""


PLANNED_HERE: Final = 60
"""Groups for more people take long enough for other rooms to feel: they are planned in a thread."""

_MAY_PLAN: Final = (c.PairsPlan, c.AgendaStart, c.AgendaNext, c.AgendaBack, c.Tick)


Still = Callable[[], Awaitable[bool]]
"""Whether whoever asked still waits for it."""

Noted = Callable[[c.Command, str, str, tuple[RoomState, RoomState]], Awaitable[None]]
"""Told of each fresh outcome: the command, its wire type, `ok` or the refusal's code, and the room
before and after."""


class Room:
    """One room as this worker holds it.

    Raises nothing of the room's own; where the log can't be reached, commands are `frozen`.
    """

    def __init__(self, log: Log, state: RoomState, position: Position, rights: int) -> None:
        self._log = log
        self.noted: Noted | None = None
        """Who is told of each fresh outcome: the audit trail."""
        self._lock = asyncio.Lock()
        self._observers: list[Observer] = []
        self._read_at = _clock()
        self.state = state
        self.position = position
        self.rights = rights
        self.frozen = False
        self._aside = False
        self._blanks = Blanks(log, state.id)
        self.talking = Talking(log, state.id, self._said, self._blanks)
        self.on_deadline: Callable[[], None] = lambda: None
        self.on_unreadable: Callable[[], None] = lambda: None
        """Called when the log goes on with entries of which the first are no longer kept."""

    @property
    def id(self) -> str:
        return self.state.id

    def observe(self, observer: Observer) -> Callable[[], None]:
        """From now on tells `observer`; returns the function that ends it."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    @property
    def watched(self) -> bool:
        """Whether anybody but this worker's own bookkeeping observes it."""
        return len(self._observers) > 1

    @property
    def sure(self) -> bool:
        """Whether the state here may be acted on: not while the room is frozen, or set aside as no
        longer what the log holds."""
        return not (self._aside or self.frozen or self._log.frozen(self.id))

    # -- commands ------------------------------------------------------------------------------

    async def ask(self, command: c.Command, key: Key, why: str) -> Answer:
        """One command of a seat, to its outcome."""
        try:
            async with self._lock:
                await self._be_fresh()
                before = self.state
                known = await self._log.outcome(self.id, *key)
                if known is not None:
                    answer = answers.from_bytes(known)
                else:
                    answer = await self._attempts(command, key, why)
            if known is None:
                await self._note(command, why, answer, before)
        except LogDown:
            # Whether it was taken is not known; sent again with its id it gets its one outcome.
            return _frozen()
        if (moved := line_moved(self.state, command, answer)) is not None:
            await self.order(moved, "staff.line")
        return completed(self.state, command, answer)

    async def order(
        self,
        command: c.Command,
        why: str,
        *,
        not_before: float | None = None,
        still: Still | None = None,
    ) -> Refusal | None:
        """What comes from the door, from time, a connection or the operator: None once it is
        committed, or where it changes nothing.

        still: asked right before each attempt to commit; if it says no, nothing is committed and
        the refusal is `given_up`.
        """
        try:
            async with self._lock:
                if not isinstance(command, c.Thaw | c.Reassert):
                    await self._be_fresh()
                surely = False
                for _ in range(ATTEMPTS if not_before is None else TICK_ATTEMPTS):
                    verdict = await self._decide(command)
                    if isinstance(verdict, Refusal):
                        # It commits nothing, so nothing else would show that it was decided on
                        # a state that is not the log's: a seat taken just now at another worker.
                        if surely:
                            return verdict
                        await self._catch_up()
                        surely = True
                        continue
                    if not verdict.events:
                        return None
                    if still is not None and not await still():
                        return Refusal("given_up", "Nobody waits for this any more.")
                    if await self._append(command, verdict, None, why, not_before=not_before):
                        return None
        except LogDown:
            pass
        return Refusal("frozen", RefusalCode.FROZEN.text)

    async def tick(self) -> None:
        """Everything that is due happens; too early or somebody else's tick is harmless."""
        due = next_deadline(self.state)
        if due is not None and not self.frozen:
            tick = c.Tick(by="", seed=secrets.randbits(63))
            await self.order(tick, "time", not_before=due)

    async def _attempts(self, command: c.Command, key: Key, why: str) -> Answer:
        if isinstance(command, c.React):
            return await self._react(command)
        for _ in range(ATTEMPTS):
            if isinstance(command, c.Say | c.Unsay):
                answer = await self.talking.attempt(self.state, self.rights, command, key)
            else:
                answer = await self._attempt(command, key, why)
            if answer is not None:
                return answer
            await self._catch_up()
        return _frozen()

    async def _attempt(self, command: c.Command, key: Key, why: str) -> Answer | None:
        """The answer, committed; None after a lost race."""
        verdict = await self._decide(command)
        if isinstance(verdict, Refusal):
            answer: Answer = No(RefusalCode(verdict.code), verdict.message)
            verdict = Verdict(())
        else:
            answer = Done(verdict.answer)
        kept = _is_outcome(command, answer)
        if not verdict.events and not kept:
            return answer
        taken = await self._append(command, verdict, key if kept else None, why, answer)
        if isinstance(taken, bool):
            return answer if taken else None
        return taken

    async def _decide(self, command: c.Command) -> Verdict | Refusal:
        now = await self._log.now(self.id)
        if isinstance(command, _MAY_PLAN) and len(self.state.seats) > PLANNED_HERE:
            # The state is a value, and the lock keeps it in place meanwhile.
            return await asyncio.to_thread(decide, self.state, command, now)
        return decide(self.state, command, now)

    async def _append(
        self,
        command: c.Command,
        verdict: Verdict,
        key: Key | None,
        why: str,
        answer: Answer | None = None,
        not_before: float | None = None,
    ) -> bool | Answer:
        """True once committed and told; an answer if the id had one; False after a lost race."""
        before = after = self.state
        for event in verdict.events:
            after = fold(after, event)
        result = await self._log.commit(
            Commit(
                room=self.id,
                stream=CONTROL,
                blobs=tuple(store.event_to_bytes(e, why, command.by) for e in verdict.events),
                expect=before.seq,
                rights=after.rights != before.rights,
                key=key,
                outcome=b"" if answer is None else answers.to_bytes(answer),
                not_before=not_before,
            )
        )
        if isinstance(result, Duplicate):
            return answers.from_bytes(result.outcome)
        if isinstance(result, Gone):
            return No(RefusalCode.NOT_INSIDE, RefusalCode.NOT_INSIDE.text)
        if not isinstance(result, Committed):
            await self._catch_up()
            return False
        if verdict.events:
            self.position = result.positions[-1]
            if after.rights != before.rights:
                self.rights = self.position.seq
            self.state = after
            self._tell(Change(before, after, verdict.events, why, command.by, self.position))
            await blank_gone(self._blanks, before, after)
        return True

    async def _react(self, command: c.React) -> Answer:
        placed = decide_talk(self.state, command, self.talking.book, await self._log.now(self.id))
        if isinstance(placed, Refusal):
            return No(RefusalCode(placed.code), placed.message)
        assert placed is not None
        # The other workers are told too, and this one by the same way.
        await self._log.whisper(self.id, reaction_to_bytes(placed.stream, command.by, command.kind))
        return Done()

    async def _note(self, command: c.Command, why: str, answer: Answer, before: RoomState) -> None:
        # What becomes of a word to the media plane is not decided here, and moderates nobody; who
        # looks at what is nobody's business.
        if self.noted is not None and not isinstance(command, c.Media | c.MaterialOpen):
            result = "ok" if isinstance(answer, Done) else str(answer.code)
            await self.noted(command, why, result, (before, self.state))

    # -- following -----------------------------------------------------------------------------

    def heard(self, blob: bytes) -> None:
        """A whisper: a reaction, which nobody keeps. Its author has to be inside here, too.
        A letter is for others."""
        if is_letter(blob):
            return
        stream, by, kind = reaction_from_bytes(blob)
        if self.state.at(by) is not None and not self.frozen:
            for observer in tuple(self._observers):
                observer.reacted(stream, by, kind)

    def behind(self, stream: str, seq: int) -> bool:
        """Whether an entry with this number has not been folded here yet."""
        known = self.state.seq if stream == CONTROL else self.talking.book.head(stream)
        return seq > known

    async def follow_up(self) -> None:
        """Catches up, in turn with the commands of this worker.

        Raises:
            LogDown: it could not.
        """
        async with self._lock:
            await self._catch_up()

    async def end_here(self) -> None:
        """The room ended while this worker could not be told."""
        async with self._lock:
            self._end()

    def _end(self) -> None:
        if not self.state.ended:
            before, self.state = self.state, fold(self.state, RoomEnded())
            self._tell(Change(before, self.state, (), "room.end", "", self.position))

    async def start_over(self, fresh: Room, streams: frozenset[str]) -> None:
        """The log no longer holds what this worker had been told: goes on from what it holds.

        What of it may only rise is put back; what is gone of the conversations is said.
        """
        async with self._lock:
            before = self.state
            self.state, self.position, self.rights = fresh.state, fresh.position, fresh.rights
            self.talking.start_over(fresh.talking)
            self._blanks.start_over(fresh._blanks)
            self._aside = False
            self._tell(Change(before, self.state, (), "gap", "", self.position))
            for observer in tuple(self._observers):
                observer.lost(streams)
        held = {s.id: s.held for s in before.seats.values() if s.is_inside and s.held}
        again = c.Reassert(
            by="",
            removed=before.removed,
            held=held,
            turn=before.floor.turn,
            forgotten=forgotten(before, self.state),
        )
        while await self.order(again, "gap") is not None:
            await asyncio.sleep(RETRY)

    async def thaw(self, outage: Outage) -> None:
        """Moves every deadline by a time in which nobody could commit, once for all workers."""
        if outage.until > self.state.thawed_at and self.state.created_at < outage.until:
            await self.order(c.Thaw(by="", since=outage.since, until=outage.until), "thaw")

    def freeze(self, frozen: bool) -> None:
        """Tells everybody here that nothing can be taken just now, or that it can again."""
        if frozen != self.frozen:
            self.frozen = frozen
            for observer in tuple(self._observers):
                observer.froze(frozen)
            self.on_deadline()

    def set_aside(self) -> None:
        """Decides and follows nothing from a state that is known to be no longer the log's, until
        it starts over."""
        self._aside = True

    async def _be_fresh(self) -> None:
        if not self.sure:
            raise LogDown("frozen")
        if _clock() - self._read_at > STALE_SECONDS:
            await self._catch_up()

    async def _catch_up(self) -> None:
        """Folds and tells what others have committed: the control log first, then words, so that
        words meet the state that they were committed at, or a later one with its spans."""
        if self._aside:
            raise LogDown("to be read anew")
        began = _clock()
        words = await self.talking.fresh()
        if words is None:
            # Another worker may have ended it and deleted all of it before this one read so.
            if await self._log.ended(self.id):
                self._end()
            return
        while entries := await self._read_on():
            for _, batch in groupby(entries, key=lambda entry: (entry.at, entry.origin)):
                before = self.state
                self._fold(list(batch))
                # Who committed it may have died right then, and what this worker holds of the log
                # is its own to blank.
                await blank_gone(self._blanks, before, self.state)
        for entry in words:
            await self.talking.take(entry, store.saying_from_bytes(entry.blob))
        await self._blanks.settle()
        self._read_at = began

    async def _read_on(self) -> list[Entry]:
        try:
            return await self._log.read(self.id, CONTROL, self.state.seq)
        except Trimmed:
            # It slept for longer than the log keeps entries.
            self.on_unreadable()
            raise LogDown("to be read anew") from None

    def _fold(self, entries: list[Entry]) -> None:
        """Folds and tells what was committed together: between its events a room need not be in
        order."""
        before, came = self.state, [store.event_from_bytes(entry.blob) for entry in entries]
        for each in came:
            self.state = fold(self.state, each.event)
        self.position, self.rights = entries[-1].position, entries[-1].rights
        events = tuple(each.event for each in came)
        why, by = came[0].why, came[0].by
        self._tell(Change(before, self.state, events, why, by, self.position))

    def _tell(self, change: Change) -> None:
        for observer in tuple(self._observers):
            observer.changed(change)
        self.on_deadline()

    def _said(self, words: Words) -> None:
        for observer in tuple(self._observers):
            observer.said(words)


def _clock() -> float:
    return asyncio.get_running_loop().time()


def _frozen() -> Answer:
    return No(RefusalCode.FROZEN, RefusalCode.FROZEN.text)


def _is_outcome(command: c.Command, answer: Answer) -> bool:
    """Whether the answer is kept under the command's id (CONTRACT §3, Commands)."""
    if isinstance(command, c.PairsPlan | c.Media | c.MaterialUpload | c.MaterialOpen):
        return False
    return not (isinstance(answer, No) and not answer.code.is_outcome)
