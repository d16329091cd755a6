"""Finds the entries of conversations that a member has missed.

A seat gets the entries of the times when it was in the audience (CO10). Entries that can't be
sent any more are reported as gaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sitwith_server.log.base import Position, Trimmed
from sitwith_server.room.chat.access import ever_received, may_receive, stream_from
from sitwith_server.room.model import Seat
from sitwith_server.service.rooms.conversations import ChatEntry
from sitwith_server.service.rooms.room import HostedRoom

GapRange = tuple[int, int]
"""First and last number of possibly missing entries; an unknown extent if first is above last."""


@dataclass(frozen=True, slots=True)
class Missed:
    """What a seat outside missed while it was inside.

    gaps: by stream. delivered: by stream, the number of the last entry that the person has or was
    told of.
    """

    gaps: Mapping[str, GapRange]
    delivered: Mapping[str, int]


NOTHING_MISSED = Missed({}, {})


def is_for(seat: Seat, chat: ChatEntry) -> bool:
    """Whether a seat gets this entry: it was in the audience then, or is the author."""
    if may_receive(seat, chat.entry.stream, chat.entry.rights):
        return True
    return seat.is_inside and chat.entry.origin == seat.id


async def entries_after(
    room: HostedRoom, stream: str, seen: Position | None
) -> tuple[list[ChatEntry], GapRange | None]:
    """Returns a stream's entries after a position, and the gap of those that are gone, if any.

    If the log has another event at this position, the position belongs to a lost history. The gap
    then has an unknown extent.
    """
    after = 0 if seen is None else seen.seq
    gap: GapRange | None = None
    if seen is not None and seen.seq:
        try:
            known = await room.conversations.history(stream, seen.seq - 1)
        except Trimmed as trimmed:
            known, gap = [], (seen.seq + 1, trimmed.first - 1)
            after = trimmed.first - 1
        else:
            if not known or known[0].entry.position.event != seen.event:
                gap = (1, 0)
            return [w for w in known if w.entry.position.seq > seen.seq], gap
    try:
        found = await room.conversations.history(stream, after)
    except Trimmed as trimmed:
        gap = (after + 1, trimmed.first - 1)
        found = await room.conversations.history(stream, trimmed.first - 1)
    return found, gap


async def missed_while_inside(
    room: HostedRoom, member: str, seen: Mapping[str, Position]
) -> Missed:
    """Returns what a member who resumes a seat outside missed while the seat was inside.

    A member who was away when a facilitator returned them to the lobby gets no entries there, and
    later only new ones. So the missed ones are reported as gaps.

    Raises:
        LogDown: the log can't be read.
    """
    while True:
        seat = room.state.seats.get(member)
        if seat is None or seat.is_inside or not seat.inside:
            return NOTHING_MISSED
        # Entries of the time inside were committed before the seat left.
        await room.catch_up()
        found = await _missed(room, seat, seen)
        after = room.state.seats.get(member)
        if after is not None and after.inside == seat.inside:
            return found


async def _missed(room: HostedRoom, seat: Seat, seen: Mapping[str, Position]) -> Missed:
    gaps: dict[str, GapRange] = {}
    delivered: dict[str, int] = {}
    named = {stream_from(shown, seat.id) for shown in seen}
    last = {stream_from(shown, seat.id): position for shown, position in seen.items()}
    for stream in sorted(named | {*room.conversations.positions}):
        if not ever_received(seat, stream):
            continue
        position = last.get(stream)
        found, gap = await entries_after(room, stream, position)
        own = [chat.entry.position.seq for chat in found if is_for(seat, chat)]
        if position is not None and gap is None:
            delivered[stream] = position.seq
        if gap is not None and (own or position is not None):
            gaps[stream] = (gap[0], max([gap[1], *own])) if gap[1] >= gap[0] else gap
        elif own:
            gaps[stream] = (own[0], own[-1])
        if own:
            delivered[stream] = own[-1]
    return Missed(gaps, delivered)
