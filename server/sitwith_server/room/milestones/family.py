"""Sharing a milestone with everybody, and its end (MS*)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from sitwith_server.room.chance import Chance
from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft, Refused, not_allowed, stale
from sitwith_server.room.event import Event
from sitwith_server.room.family import Blank, Deadline, Family, Rule, Who
from sitwith_server.room.lifetime.events import Thawed
from sitwith_server.room.milestones.values import (
    AT_ONCE,
    CHARACTERS,
    SEALED_BYTES,
    SECONDS,
    Milestone,
)
from sitwith_server.room.model import OPERATOR, ChatPolicy, Kind, MemberId, RoomState, Seat
from sitwith_server.room.slices import Slice, of_circle


@dataclass(frozen=True, slots=True)
class MilestoneShared(Event):
    """Nobody's and empty once it is blanked in the log."""

    member: MemberId
    text: str | bytes = field(repr=False)
    ends_at: float
    name: int = 0


@dataclass(frozen=True, slots=True)
class MilestonesOver(Event):
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneShare(Command):
    """`seed` is the chance of the number that it is shown with."""

    text: str | bytes = field(repr=False)
    seed: int = 0


def share(d: Draft, command: MilestoneShare) -> None:
    seat = d.seat(command.by)
    _check_may_write(d, seat)
    _check_text(d, command.text)
    shown = d.state.milestones
    if len(shown) >= AT_ONCE or any(m.member == seat.id for m in shown):
        raise Refused("too_fast", "Several milestones are shown already: wait a moment.")
    names = {m.name for m in shown}
    drawn = (Chance.name(command.seed, again) for again in count())
    name = next(n for n in drawn if n not in names)
    d.emit(MilestoneShared(seat.id, command.text, d.now + SECONDS, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneClear(Command):
    """`n` is the number that the milestone is shown with."""

    n: int


def clear(d: Draft, command: MilestoneClear) -> None:
    one = next((m for m in d.state.milestones if m.name == command.n), None)
    if not d.seat(command.by).facilitates and (one is None or one.member != command.by):
        raise not_allowed("Only its author or a facilitator may remove a milestone.")
    if one is None:
        raise stale("There is no such milestone.")
    d.emit(MilestonesOver((one.n,)))


def _check_may_write(d: Draft, seat: Seat) -> None:
    """As for words to the circle (MU1, CO1, CO7)."""
    if Kind.CHAT in seat.muted:
        raise Refused("muted", "A facilitator has muted your chat.")
    if seat.facilitates:
        return
    if d.state.group_of(seat.id) is not None or seat.aside is not None:
        raise not_allowed("You can't write to the circle while you are in a group.")
    if d.state.settings.chat is not ChatPolicy.ALL:
        raise not_allowed("Chat is closed just now.")


def _check_text(d: Draft, text: str | bytes) -> None:
    sealed = d.state.settings.sealed
    if isinstance(text, bytes) is not sealed:
        takes = "sealed messages only" if sealed else "text"
        raise not_allowed(f"This room takes {takes}.")
    if len(text) > (SEALED_BYTES if isinstance(text, bytes) else CHARACTERS):
        raise Refused("too_long", "A milestone has at most 80 characters.")


def _milestone_shared(state: RoomState, event: MilestoneShared) -> RoomState:
    if not event.member:
        return state
    one = Milestone(state.seq + 1, event.member, event.text, event.ends_at, event.name)
    return replace(state, milestones=(*state.milestones, one))


def _audience(state: RoomState, seat: Seat) -> str:
    """The numbers of those that were shared while one was inside."""
    if not state.milestones:
        return ""
    return " ".join(str(m.n) for m in _there(state) if _covers(seat, m.n))


def shared(state: RoomState) -> tuple[int, ...]:
    """The numbers of the milestones that anybody may see."""
    return tuple(m.n for m in _there(state))


def _shown(state: RoomState, audience: str) -> list[object]:
    numbers = set(audience.split())
    return [
        {"n": m.name, "member": m.member, "text": m.text, "ends_at": m.ends_at}
        for m in _there(state)
        if str(m.n) in numbers
    ]


def _there(state: RoomState) -> list[Milestone]:
    """Those of whoever is still inside."""
    return [m for m in state.milestones if state.at(m.member) is not None]


def _covers(seat: Seat, number: int) -> bool:
    return any(span.covers(number) for span in seat.inside)


def _first_over_at(state: RoomState) -> float | None:
    return min((m.ends_at for m in state.milestones), default=None)


def _end(d: Draft, seed: int) -> None:
    d.emit(MilestonesOver(tuple(m.n for m in d.state.milestones if d.is_due(m.ends_at))))


def _thawed(state: RoomState, event: Thawed) -> RoomState:
    later = tuple(replace(m, ends_at=m.ends_at + event.length) for m in state.milestones)
    return replace(state, milestones=later)


def _blanks(before: RoomState, after: RoomState) -> Iterator[Blank]:
    over = {m.n for m in before.milestones} - {m.n for m in after.milestones}
    if over:
        nothing = MilestoneShared(OPERATOR, "", 0)
        yield Blank(tuple(sorted(over)), nothing, "milestone.share", OPERATOR)


MILESTONES = Family(
    "milestones",
    rules=(
        Rule("milestone.share", MilestoneShare, Who.OF_CIRCLE, share, audited=False),
        Rule("milestone.clear", MilestoneClear, Who.AUTHOR_OR_FACILITATOR, clear),
    ),
    events={
        MilestoneShared: _milestone_shared,
        MilestonesOver: lambda s, e: replace(
            s, milestones=tuple(m for m in s.milestones if m.n not in e.numbers)
        ),
    },
    follows={Thawed: _thawed},
    slices={
        "milestones": of_circle(Slice(_audience, _shown, ("milestones", "seats")), []),
    },
    deciding=lambda state: (shared(state),),
    deadlines=(Deadline(_first_over_at, _end),),
    at_end={"milestones": ()},
    blanks=_blanks,
)
