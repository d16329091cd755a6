"""A hosted room: decide, commit, fold, tell. On a conflict, read what is missing and decide again.

Laws: nothing is told before it is committed; a command id has one outcome; a worker that has not
compared itself with the log for a moment reads it before it decides anything (DESIGN §2.2, §2.5,
§4, §5). Where the log can't be reached, commands are `frozen`: nothing here raises for it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from sitwith_protocol.errors import RefusalCode
from sitwith_server.log.base import (
    CONTROL,
    NOTHING_ELSE,
    Bell,
    Commit,
    Duplicate,
    Effects,
    Gone,
    Log,
    LogDown,
    Look,
    Outage,
    Position,
)
from sitwith_server.log.base import Committed as Taken
from sitwith_server.room import Refusal, Verdict, decide, forgets_at, next_deadline
from sitwith_server.room import commands as c
from sitwith_server.room.events import Event
from sitwith_server.room.model import RoomState
from sitwith_server.room.record import Record, reopened
from sitwith_server.room.talk import decide_talk
from sitwith_server.service import answers, store, tokens
from sitwith_server.service.answers import Answer, Done, No
from sitwith_server.service.asides import completed, forgotten
from sitwith_server.service.audit import Trail
from sitwith_server.service.effects import Audit, effects_of
from sitwith_server.service.folded import STALE_SECONDS, Folded, ReadAnew
from sitwith_server.service.observing import Observer
from sitwith_server.service.results import (
    COMMITTED,
    ENDED,
    GIVEN_UP,
    UNAVAILABLE,
    UNCHANGED,
    Ended,
    Outcome,
    Refused,
    Unavailable,
)
from sitwith_server.service.talking import (
    Key,
    Talking,
    Tried,
    fold_onto,
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

PLANNED_HERE: Final = 60
"""Groups for more people take long enough for other rooms to feel: they are planned in a thread."""

_MAY_PLAN: Final = (c.PairsPlan, c.AgendaStart, c.AgendaNext, c.AgendaBack, c.Tick)
_NO_OUTCOME: Final = (c.PairsPlan, c.Media, c.MaterialUpload, c.MaterialOpen)

Still = Callable[[], Awaitable[bool]]
"""Whether whoever asked still waits for it."""


class Room:
    """One room as this worker holds it."""

    def __init__(self, log: Log, trail: Trail, folded: Folded) -> None:
        self._log = log
        self._trail = trail
        self._folded = folded
        self._lock = asyncio.Lock()
        self._pending: list[Bell] = []
        self._aside = False
        self.frozen = False
        self.over = False
        """Whether this object will be the room never again: it was forgotten here without the log,
        or can't be read here. Another one may be, once it is loaded."""

    # -- what it is ------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        return self._folded.state.id

    @property
    def state(self) -> RoomState:
        return self._folded.state

    @property
    def position(self) -> Position:
        return self._folded.position

    @property
    def rights(self) -> int:
        return self._folded.rights

    @property
    def talking(self) -> Talking:
        return self._folded.talking

    @property
    def sure(self) -> bool:
        """Whether the state here may be acted on: not while the room is frozen, or set aside as no
        longer what the log holds."""
        return not (self._aside or self.frozen or self._log.frozen(self.id))

    def observe(self, observer: Observer) -> Callable[[], None]:
        """From now on tells `observer`; returns the function that ends it."""
        return self._folded.observe(observer)

    # -- commands ------------------------------------------------------------------------------

    async def ask(self, command: c.Command, key: Key, why: str) -> Answer:
        """One command of a seat, to its outcome."""
        try:
            async with self._lock:
                await self._be_fresh()
                found = await self._attempts(command, key, why)
        except LogDown:
            # Whether it was taken is not known; sent again with its id it gets its one outcome.
            return _refusal(RefusalCode.FROZEN)
        if isinstance(found, Ended):
            return _refusal(RefusalCode.NOT_INSIDE)
        return completed(self.state, command, found)

    async def order(
        self,
        command: c.Command,
        why: str,
        *,
        not_before: float | None = None,
        still: Still | None = None,
        audit: Audit | None = None,
    ) -> Outcome:
        """What comes from the door, from time, a connection or the operator.

        still: asked right before each attempt to commit; if it says no, nothing is committed.
        audit: kept in the trail with the commit, and only then.
        """
        try:
            async with self._lock:
                if not isinstance(command, c.Thaw | c.Reassert):
                    await self._be_fresh()
                return await self._order(command, why, not_before, still, audit)
        except LogDown:
            return UNAVAILABLE

    async def _order(
        self,
        command: c.Command,
        why: str,
        not_before: float | None,
        still: Still | None,
        audit: Audit | None,
    ) -> Outcome:
        surely = False
        for _ in range(ATTEMPTS if not_before is None else TICK_ATTEMPTS):
            if self.state.ended:
                return ENDED
            verdict = await self._decide(command)
            if isinstance(verdict, Refusal) or not verdict.events:
                # It commits nothing, so nothing else would show that it was decided on a state
                # that is not the log's: a seat taken just now at another worker.
                if surely:
                    return Refused.of(verdict) if isinstance(verdict, Refusal) else UNCHANGED
                if not await self._catch_up():
                    return ENDED
                surely = True
                continue
            if still is not None and not await still():
                return GIVEN_UP
            result = await self._append(
                command.by, verdict.events, why, audit=audit, not_before=not_before
            )
            if isinstance(result, Taken):
                return COMMITTED
            if not await self._lost_to(result):
                return ENDED
        return UNAVAILABLE

    async def tick(self) -> Outcome:
        """Everything that is due happens; too early or somebody else's tick is harmless."""
        if self.frozen:
            return UNAVAILABLE
        outage = self._log.leases.outage(self.id)
        if outage is not None:
            await self.thaw(outage)
        due, forgets = next_deadline(self.state), forgets_at(self.state)
        if forgets is not None and (due is None or forgets <= due):
            forget = c.Forget(
                by="", link_key=tokens.new_link_key(), material_key=tokens.new_link_key()
            )
            return await self.order(forget, "time", not_before=forgets)
        if due is None:
            return UNCHANGED
        tick = c.Tick(by="", seed=secrets.randbits(63))
        return await self.order(tick, "time", not_before=due)

    async def _attempts(self, command: c.Command, key: Key, why: str) -> Answer | Ended:
        if isinstance(command, c.React):
            return await self._react(command)
        before = self.state
        now = await self._log.now(self.id)

        def audit(result: str) -> Audit | None:
            return self._trail.of(command, why, result, (before, self.state), now)

        for _ in range(ATTEMPTS):
            if isinstance(command, c.Say | c.Unsay):
                tried = await self.talking.attempt(self.state, self.rights, command, key, audit)
            else:
                tried = await self._attempt(command, key, why, audit)
            if tried is Tried.GONE:
                self._folded.end()
                return ENDED
            if isinstance(tried, Tried):
                if not await self._catch_up():
                    return ENDED
                continue
            if isinstance(tried, No) and not tried.code.is_outcome:
                return await self._earlier(command, key) or tried
            return tried
        return _refusal(RefusalCode.FROZEN)

    async def _earlier(self, command: c.Command, key: Key) -> Answer | None:
        """The outcome that the id has already. Only a refusal that is none needs the question:
        whatever is committed is compared with it in the log."""
        if isinstance(command, _NO_OUTCOME):
            return None
        known = await self._log.outcome(self.id, *key)
        return None if known is None else answers.from_bytes(known)

    async def _attempt(
        self, command: c.Command, key: Key, why: str, audit: Callable[[str], Audit | None]
    ) -> Answer | Tried:
        verdict = await self._decide(command)
        if isinstance(verdict, Refusal):
            answer: Answer = No(RefusalCode(verdict.code), verdict.message)
            verdict = Verdict(())
        else:
            answer = Done(verdict.answer)
        noted = audit("ok" if isinstance(answer, Done) else str(answer.code))
        kept = _is_outcome(command, answer)
        if not verdict.events and not kept:
            if noted is not None:
                await self._trail.note(self.id, noted)
            return answer
        outcome = answers.to_bytes(answer)
        keyed = (key, outcome) if kept else None
        result = await self._append(command.by, verdict.events, why, keyed, noted)
        if isinstance(result, Taken):
            return answer
        if isinstance(result, Duplicate):
            return answers.from_bytes(result.outcome)
        return Tried.GONE if isinstance(result, Gone) else Tried.LOST

    async def _decide(self, command: c.Command) -> Verdict | Refusal:
        now = await self._log.now(self.id)
        if isinstance(command, _MAY_PLAN) and len(self.state.seats) > PLANNED_HERE:
            # The state is a value, and the lock keeps it in place meanwhile.
            return await asyncio.to_thread(decide, self.state, command, now)
        return decide(self.state, command, now)

    async def _append(
        self,
        by: str,
        events: tuple[Event, ...],
        why: str,
        keyed: tuple[Key, bytes] | None = None,
        audit: Audit | None = None,
        not_before: float | None = None,
    ) -> object:
        """The log's result. What was committed is folded and told. keyed: the key, and the outcome
        that is remembered under it."""
        before = self.state
        after = fold_onto(before, events)
        if events:
            effects = effects_of(before, after, self._folded.snapshot_at, audit)
        else:
            effects = Effects(audit=audit) if audit is not None else NOTHING_ELSE
        result = await self._log.commit(
            Commit(
                room=self.id,
                stream=CONTROL,
                blobs=tuple(store.event_to_bytes(event, why, by) for event in events),
                expect=before.seq,
                rights=after.rights != before.rights,
                key=None if keyed is None else keyed[0],
                outcome=b"" if keyed is None else keyed[1],
                not_before=not_before,
                effects=effects,
            )
        )
        if isinstance(result, Taken) and events:
            if effects.snapshot is not None:
                self._folded.snapshot_at = after.seq
            self._folded.took(after, events, result.positions[-1], why, by)
        return result

    async def _lost_to(self, result: object) -> bool:
        """Reads what was committed first; False if the room is no more."""
        if isinstance(result, Gone):
            self._folded.end()
            return False
        return await self._catch_up()

    async def _react(self, command: c.React) -> Answer:
        placed = decide_talk(self.state, command, self.talking.book, await self._log.now(self.id))
        if isinstance(placed, Refusal):
            return No(RefusalCode(placed.code), placed.message)
        assert placed is not None
        # The other workers are told too, and this one by the same way.
        await self._log.whisper(self.id, reaction_to_bytes(placed.stream, command.by, command.kind))
        return Done()

    # -- following -----------------------------------------------------------------------------

    def heard(self, blob: bytes) -> None:
        """A whisper: a reaction, which nobody keeps. Its author has to be inside here, too.
        A letter is for others."""
        if is_letter(blob):
            return
        stream, by, kind = reaction_from_bytes(blob)
        if self.state.at(by) is not None and not self.frozen:
            for observer in self._folded.observers():
                observer.reacted(stream, by, kind)

    def rang(self, bell: Bell) -> bool:
        """Folds what a bell tells, at once if nothing else is under way here. False: it is
        `pending` until `follow` is called."""
        if self._aside or self.state.ended:
            return True
        if not self._pending and not self._lock.locked() and self._folded.take(bell):
            return True
        self._pending.append(bell)
        return False

    @property
    def pending(self) -> bool:
        """Whether bells have rung that are not folded yet."""
        return bool(self._pending)

    async def follow(self) -> None:
        """Folds all that bells have told by now, in one go.

        Raises:
            LogDown: something is missing and can't be read.
        """
        async with self._lock:
            bells, self._pending = self._pending, []
            if self._aside or self.state.ended:
                return
            # Each bell: a later one may be of a stream in which nothing is missing.
            if not all([self._folded.take(bell) for bell in bells]):
                await self._catch_up()

    def compare(self, look: Look, began: float) -> bool:
        """Whether the log, as it was at `began` (the loop's clock), has nothing that is missing
        here. False: `follow_up` finds it."""
        if self._aside or not self._folded.matches(look):
            return False
        self._folded.compared_at = max(self._folded.compared_at, began)
        return True

    async def follow_up(self) -> None:
        """Reads what is missing, in turn with the commands of this worker.

        Raises:
            LogDown: it could not.
        """
        async with self._lock:
            await self._catch_up()

    async def end_here(self) -> None:
        """The room is no more, and this worker could not be told."""
        async with self._lock:
            self._folded.end()

    async def start_over(self, fresh: Room, streams: frozenset[str]) -> None:
        """The log no longer holds what this worker had been told: goes on from what it holds.

        What of it may only rise is put back; what is gone of the conversations is said.
        """
        async with self._lock:
            before = self.state
            self._aside = False
            self._pending.clear()
            self._folded.start_over(fresh._folded, streams)
            with suppress(LogDown):  # the next look at all rooms finds what is missing
                await self._catch_up()
        if before.life != self.state.life:
            return
        held = {s.id: s.held for s in before.seats.values() if s.is_inside and s.held}
        again = c.Reassert(
            by="",
            removed=before.removed,
            held=held,
            turn=before.floor.turn,
            forgotten=forgotten(before, self.state),
        )
        while isinstance(await self.order(again, "gap"), Unavailable) and not self.over:
            await asyncio.sleep(RETRY)

    async def thaw(self, outage: Outage) -> None:
        """Moves every deadline by a time in which nobody could commit, once for all workers."""
        if outage.until > self.state.thawed_at and self.state.created_at < outage.until:
            await self.order(c.Thaw(by="", since=outage.since, until=outage.until), "thaw")

    def freeze(self, frozen: bool) -> None:
        """Tells everybody here that nothing can be taken just now, or that it can again."""
        if frozen != self.frozen:
            self.frozen = frozen
            for observer in self._folded.observers():
                observer.froze(frozen)

    def set_aside(self) -> None:
        """Decides and follows nothing from a state that is known to be no longer the log's, until
        it starts over."""
        self._aside = True

    def give_up(self) -> None:
        """This object is the room no longer. Whoever is shown it is told that it is frozen, and
        sent elsewhere as from any room that is for long."""
        self.over = True
        self.set_aside()
        self._pending.clear()
        self.freeze(True)

    def retire(self, record: Record) -> None:
        """Forgets, for good, on this worker: nothing is committed by this object any more."""
        self.give_up()
        self._folded.retire(reopened(record, self.state.seq, self.state.seq))

    async def _be_fresh(self) -> None:
        if not self.sure:
            raise LogDown("frozen")
        if _clock() - self._folded.compared_at > STALE_SECONDS:
            await self._catch_up()

    async def _catch_up(self) -> bool:
        """False if the room is no more; whoever is here has been told."""
        if self._aside:
            raise ReadAnew
        if self.state.ended:
            return False
        if not await self._folded.catch_up():
            self._folded.end()
            return False
        return True


def _clock() -> float:
    return asyncio.get_running_loop().time()


def _refusal(code: RefusalCode) -> No:
    return No(code, code.text)


def _is_outcome(command: c.Command, answer: Answer) -> bool:
    """Whether the answer is kept under the command's id (CONTRACT §3, Commands)."""
    if isinstance(command, _NO_OUTCOME):
        return False
    return not (isinstance(answer, No) and not answer.code.is_outcome)
