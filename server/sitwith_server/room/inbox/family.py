"""The facilitators' inbox: whose line waits, and who answers it (SI*)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sitwith_server.room.care.values import Line
from sitwith_server.room.care.watch import Facts, claimer
from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft, stale
from sitwith_server.room.event import Event
from sitwith_server.room.family import Family, Inner, Rule, Who
from sitwith_server.room.model import MemberId, RoomState
from sitwith_server.room.slices import Slice, staff_only


@dataclass(frozen=True, slots=True)
class LineChanged(Event):
    member: MemberId
    line: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMoved(Command):
    """Message `n` was said on somebody's line; `waiting` if by them."""

    member: MemberId
    n: int
    waiting: bool


def moved(d: Draft, command: LineMoved) -> None:
    """Whoever says so late, or once more, changes nothing."""
    line = d.state.care.lines.get(command.member)
    if d.state.at(command.member) is None or (line is not None and command.n <= line.n):
        return
    if line is None or line.waiting is not command.waiting:
        kept = line or Line()
        d.emit(LineChanged(command.member, replace(kept, n=command.n, waiting=command.waiting)))


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffClaim(Command):
    member: MemberId


def claim(d: Draft, command: StaffClaim) -> None:
    line = _line(d, command.member)
    now = claimer(d.state, line)
    if now not in (None, command.by):
        raise stale("Another facilitator is answering it.")
    if now is None:
        d.emit(LineChanged(command.member, replace(line, claimed_by=command.by)))


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRelease(Command):
    member: MemberId


def release(d: Draft, command: StaffRelease) -> None:
    line = _line(d, command.member)
    if line.claimed_by is not None:
        d.emit(LineChanged(command.member, replace(line, claimed_by=None)))


def _line(d: Draft, member: MemberId) -> Line:
    d.seat(member)
    line = d.state.care.lines.get(member)
    if line is None:
        raise stale("This line to the facilitators has no messages.")
    return line


def shown(state: RoomState) -> Facts:
    return {
        member: {"claimed_by": claimer(state, line), "waiting": line.waiting}
        for member, line in state.care.lines.items()
        if state.at(member) is not None
    }


INBOX = Family(
    "inbox",
    rules=(
        Rule("staff.claim", StaffClaim, Who.FACILITATOR, claim),
        Rule("staff.release", StaffRelease, Who.FACILITATOR, release),
    ),
    inner=(Inner(LineMoved, moved),),
    events={LineChanged: lambda s, e: replace(s, care=s.care.with_line(e.member, e.line))},
    slices={
        "inbox": Slice(staff_only, lambda state, _: shown(state), ("care", "seats"), by_entry=True),
    },
)
