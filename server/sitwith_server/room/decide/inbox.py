"""The facilitators' inbox: whose line waits, and who answers it (SI*)."""

from __future__ import annotations

from dataclasses import replace

from sitwith_server.room import commands as c
from sitwith_server.room.care import Line
from sitwith_server.room.decide.draft import Draft, stale
from sitwith_server.room.events import LineChanged
from sitwith_server.room.model import MemberId
from sitwith_server.room.watch import claimer


def moved(d: Draft, command: c.LineMoved) -> None:
    """Whoever says so late, or once more, changes nothing."""
    line = d.state.care.lines.get(command.member)
    if d.state.at(command.member) is None or (line is not None and command.n <= line.n):
        return
    if line is None or line.waiting is not command.waiting:
        kept = line or Line()
        d.emit(LineChanged(command.member, replace(kept, n=command.n, waiting=command.waiting)))


def claim(d: Draft, command: c.StaffClaim) -> None:
    line = _line(d, command.member)
    now = claimer(d.state, line)
    if now not in (None, command.by):
        raise stale("Another facilitator answers it.")
    if now is None:
        d.emit(LineChanged(command.member, replace(line, claimed_by=command.by)))


def release(d: Draft, command: c.StaffRelease) -> None:
    line = _line(d, command.member)
    if line.claimed_by is not None:
        d.emit(LineChanged(command.member, replace(line, claimed_by=None)))


def _line(d: Draft, member: MemberId) -> Line:
    d.seat(member)
    line = d.state.care.lines.get(member)
    if line is None:
        raise stale("Nothing was said on this line.")
    return line
