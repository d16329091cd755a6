"""A hosted room: decides commands and commits their events. On a conflict it reads and decides
again.

Laws: nothing is passed on before it is committed; a command id has one outcome (AN4); a worker that
    has not compared itself with the log for a moment reads it before it decides anything. While the
    log can't be reached commands are answered `frozen`: nothing here raises for it.
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
    NO_EFFECTS,
    Blob,
    Commit,
    Committed,
    Duplicate,
    Effects,
    Gone,
    Log,
    LogDown,
    Outage,
    Pace,
    TooFast,
)
from sitwith_server.room import (
    Refusal,
    Verdict,
    decide,
    forgets_at,
    next_deadline,
    plan_asked,
)
from sitwith_server.room import commands as c
from sitwith_server.room.chat.talk import decide_talk
from sitwith_server.room.pairs.planned import Asked, Planned
from sitwith_server.service.people import paces, tokens
from sitwith_server.service.rooms import answers, store
from sitwith_server.service.rooms.answers import PACED, Answer, Ok, Refused, completed
from sitwith_server.service.rooms.audit import AuditTrail
from sitwith_server.service.rooms.conversations import (
    Auditor,
    Key,
    NotCommitted,
    reaction_to_bytes,
)
from sitwith_server.service.rooms.effects import AuditEntry, effects_of
from sitwith_server.service.rooms.follower import LogFollower
from sitwith_server.service.rooms.replica import Replica, forgotten_people
from sitwith_server.service.rooms.results import (
    APPLIED,
    ENDED,
    GIVEN_UP,
    TOO_FAST,
    UNAVAILABLE,
    UNCHANGED,
    CommandResult,
    Denied,
    Ended,
    Unavailable,
)

ATTEMPTS: Final = 50
"""Conflicts after which a command is answered `frozen`: only a broken log causes so many."""

TICK_ATTEMPTS: Final = 2
"""Attempts of a tick: a tick that fails is repeated by its timer."""

RETRY: Final = 0.25
"""Seconds before restoring what the log has lost is tried again."""

PLANNED_HERE: Final = 60
"""Planning groups for more people than this would delay others noticeably, so it runs in a
thread."""

PLANS: Final = 3
"""Plans that may be made while the room goes on and may outdate them; then the room waits for
one."""

_MAY_PLAN: Final = (c.PairsPlan, c.AgendaStart, c.AgendaNext, c.AgendaBack, c.Tick)

StillWaiting = Callable[[], Awaitable[bool]]
"""Asks whether the sender of a command still waits for it."""


class HostedRoom(LogFollower):
    """A room on this worker."""

    def __init__(self, log: Log, trail: AuditTrail, replica: Replica) -> None:
        super().__init__(log, replica)
        self._trail = trail

    # -- commands ------------------------------------------------------------------------------

    async def submit(self, command: c.Command, key: Key, why: str) -> Answer:
        """Submits a seat's command and returns its answer.

        key: the seat and the command's id. why: the command's wire type.
        """
        try:
            planned = await self._plan_ahead(command)
            async with self._lock:
                await self._ensure_current()
                found = await self._attempts(command, key, why, planned)
        except LogDown:
            # It may have been committed. Sent again with the same id, it gets its one outcome.
            return answers.refusal(RefusalCode.FROZEN)
        if isinstance(found, Ended):
            return answers.refusal(RefusalCode.NOT_INSIDE)
        return completed(self.state, command, found)

    async def execute(
        self,
        command: c.Command,
        why: str,
        *,
        not_before: float | None = None,
        still: StillWaiting | None = None,
        audit: AuditEntry | None = None,
        pace: Pace | None = None,
    ) -> CommandResult:
        """Executes a command that no seat has sent: of a hello, a timer, a connection, the
        operator.

        why: the word for it in `Change.why`.
        not_before: refused before this moment of the log's clock.
        still: asked right before each attempt to commit; if it says no, nothing is committed.
        audit: appended to the audit trail by the same commit.
        pace: rate limit of the commit.
        """
        try:
            planned = await self._plan_ahead(command)
            async with self._lock:
                if not isinstance(command, c.Thaw | c.Reassert):
                    await self._ensure_current()
                return await self._execute(command, why, not_before, still, audit, pace, planned)
        except LogDown:
            return UNAVAILABLE

    async def _execute(
        self,
        command: c.Command,
        why: str,
        not_before: float | None,
        still: StillWaiting | None,
        audit: AuditEntry | None,
        pace: Pace | None,
        planned: Planned | None,
    ) -> CommandResult:
        confirmed = False
        for _ in range(ATTEMPTS if not_before is None else TICK_ATTEMPTS):
            if self.state.ended:
                return ENDED
            verdict = await self._decide(command, planned)
            if isinstance(verdict, Refusal) or not verdict.events:
                # Nothing is committed, so no conflict would show that the state is old (a seat just
                # taken at another worker). Read first and decide again.
                if confirmed:
                    return Denied.of(verdict) if isinstance(verdict, Refusal) else UNCHANGED
                if not await self._catch_up_locked():
                    return ENDED
                confirmed = True
                continue
            if still is not None and not await still():
                return GIVEN_UP
            result = await self._append(
                command.by, verdict, why, audit=audit, not_before=not_before, pace=pace
            )
            if isinstance(result, Committed):
                return APPLIED
            if isinstance(result, TooFast):
                return TOO_FAST
            if not await self._catch_up_after(result):
                return ENDED
        return UNAVAILABLE

    async def tick(self) -> CommandResult:
        """Does everything that is due. Too early, or after another worker, it does nothing."""
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
            return await self.execute(forget, "time", not_before=forgets)
        if due is None:
            return UNCHANGED
        tick = c.Tick(by="", seed=secrets.randbits(63))
        return await self.execute(tick, "time", not_before=due)

    async def _attempts(
        self, command: c.Command, key: Key, why: str, planned: Planned | None
    ) -> Answer | Ended:
        if isinstance(command, c.React):
            return await self._react(command)
        before = self.state
        now = await self._log.now(self.id)

        def audit(result: str) -> AuditEntry | None:
            return self._trail.of(command, why, result, (before, self.state), now)

        for _ in range(ATTEMPTS):
            if isinstance(command, c.Say | c.Unsay):
                tried = await self.conversations.attempt(
                    self.state, self.rights, command, key, audit
                )
            else:
                tried = await self._attempt(command, key, why, audit, planned)
            if tried is NotCommitted.GONE:
                self._replica.end()
                return ENDED
            if isinstance(tried, NotCommitted):
                if not await self._catch_up_locked():
                    return ENDED
                continue
            if isinstance(tried, Refused) and tried is not PACED and not tried.code.is_outcome:
                return await self._earlier(command, key) or tried
            return tried
        return answers.refusal(RefusalCode.FROZEN)

    async def _earlier(self, command: c.Command, key: Key) -> Answer | None:
        """The outcome that the id already has. Only asked for a refusal that is not committed:
        every commit finds it by itself."""
        if not answers.may_have_outcome(command):
            return None
        known = await self._log.outcome(self.id, *key)
        return None if known is None else answers.from_blob(known)

    async def _attempt(
        self,
        command: c.Command,
        key: Key,
        why: str,
        audit: Auditor,
        planned: Planned | None,
    ) -> Answer | NotCommitted:
        verdict = await self._decide(command, planned)
        if isinstance(verdict, Refusal):
            answer: Answer = Refused(RefusalCode(verdict.code), verdict.message)
            verdict = Verdict(())
        else:
            answer = Ok(verdict.answer)
        noted = audit("ok" if isinstance(answer, Ok) else str(answer.code))
        kept = answers.is_outcome(command, answer)
        if not verdict.events and not kept:
            if noted is not None:
                await self._trail.note(self.id, noted)
            return answer
        outcome = answers.to_bytes(answer)
        keyed = (key, outcome) if kept else None
        paced = paces.of_commands(command.by)
        result = await self._append(command.by, verdict, why, keyed, noted, pace=paced)
        if isinstance(result, Committed):
            return answer
        if isinstance(result, TooFast):
            return PACED
        if isinstance(result, Duplicate):
            return answers.from_blob(result.outcome)
        return NotCommitted.GONE if isinstance(result, Gone) else NotCommitted.CONFLICT

    async def _decide(
        self, command: c.Command, planned: Planned | None = None
    ) -> Verdict | Refusal:
        now = await self._log.now(self.id)
        asked = self._asked(command, now)
        if asked is not None and (planned is None or planned.asked != asked):
            # Safe in a thread: the state is a value, and the lock keeps it current.
            planned = await asyncio.to_thread(asked.solved)
        return decide(self.state, command, now, planned)

    async def _plan_ahead(self, command: c.Command) -> Planned | None:
        """The plan that a command needs, made while the room goes on. None if it needs none, or one
        that is quickly made."""
        if not isinstance(command, _MAY_PLAN):
            return None
        planned = None
        for _ in range(PLANS):
            asked = self._asked(command, await self._log.now(self.id))
            if asked is None or (planned is not None and planned.asked == asked):
                break
            planned = await asyncio.to_thread(asked.solved)
        return planned

    def _asked(self, command: c.Command, now: float) -> Asked | None:
        """The question for the planner, if planning takes long; else None."""
        if not isinstance(command, _MAY_PLAN) or len(self.state.seats) <= PLANNED_HERE:
            return None
        return plan_asked(self.state, command, now)

    async def _append(
        self,
        by: str,
        verdict: Verdict,
        why: str,
        keyed: tuple[Key, Blob] | None = None,
        audit: AuditEntry | None = None,
        not_before: float | None = None,
        pace: Pace | None = None,
    ) -> object:
        """Commits the verdict's events, folds them and returns the log's result. keyed: the key,
        and the outcome to remember under it."""
        before, events = self.state, verdict.events
        after = before if verdict.after is None else verdict.after
        if events:
            effects = effects_of(before, after, self._replica.snapshot_at, audit)
        else:
            effects = Effects(audit=audit) if audit is not None else NO_EFFECTS
        result = await self._log.commit(
            Commit(
                room=self.id,
                stream=CONTROL,
                blobs=tuple(store.keep_event(event, why, by) for event in events),
                expect=before.seq,
                rights=after.rights != before.rights,
                key=None if keyed is None else keyed[0],
                outcome=b"" if keyed is None else keyed[1],
                not_before=not_before,
                pace=pace,
                effects=effects,
            )
        )
        if isinstance(result, Committed) and events:
            if effects.snapshot is not None:
                self._replica.snapshot_at = after.seq
            self._replica.add_committed(after, events, result.positions[-1], why, by)
        return result

    async def _catch_up_after(self, result: object) -> bool:
        """Reads what was committed instead; False if the room is gone."""
        if isinstance(result, Gone):
            self._replica.end()
            return False
        return await self._catch_up_locked()

    async def _react(self, command: c.React) -> Answer:
        placed = decide_talk(
            self.state, command, self.conversations.index, await self._log.now(self.id)
        )
        if isinstance(placed, Refusal):
            return Refused(RefusalCode(placed.code), placed.message)
        assert placed is not None
        # This worker gets it back like all others.
        await self._log.publish(self.id, reaction_to_bytes(placed.stream, command.by, command.kind))
        return Ok()

    async def start_over(self, fresh: HostedRoom, streams: frozenset[str]) -> None:
        """Goes on from `fresh`, because the log has lost entries. Observers are told of `streams`.

        Removals, held mutes, the turn number and erasures must not be undone, so they are committed
        again.
        """
        async with self._lock:
            before = self.state
            self._suspended = False
            self._pending.clear()
            self._replica.start_over(fresh._replica, streams)
            with suppress(LogDown):  # the next comparison of all rooms finds what is missing
                await self._catch_up_locked()
        if before.life != self.state.life:
            return
        held = {s.id: s.held for s in before.seats.values() if s.is_inside and s.held}
        again = c.Reassert(
            by="",
            removed=before.removed,
            held=held,
            turn=before.floor.turn,
            forgotten=forgotten_people(before, self.state),
        )
        while isinstance(await self.execute(again, "gap"), Unavailable) and not self.retired:
            await asyncio.sleep(RETRY)

    async def thaw(self, outage: Outage) -> None:
        """Moves every deadline by an outage, once for all workers."""
        if outage.until > self.state.thawed_at and self.state.created_at < outage.until:
            await self.execute(c.Thaw(by="", since=outage.since, until=outage.until), "thaw")
