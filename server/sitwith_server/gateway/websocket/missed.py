"""What a member has missed: the words of their conversations after what they have seen.

A seat gets what fell in its own spans of membership (DESIGN §4). What of that can't be sent any
more is said as a gap.
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
"""The first and last number of a conversation that may be missing; first above last: unknown."""


@dataclass(frozen=True, slots=True)
class Missed:
    """What a seat that is outside missed while it was inside: `gaps` by conversation, and how far
    its owner has each, given or told of."""

    gaps: Mapping[str, GapRange]
    delivered: Mapping[str, int]


NOTHING_MISSED = Missed({}, {})


def is_for(seat: Seat, chat: ChatEntry) -> bool:
    """Whether a seat gets these words: it was of their audience then, or they are its own."""
    if may_receive(seat, chat.entry.stream, chat.entry.rights):
        return True
    return seat.is_inside and chat.entry.origin == seat.id


async def entries_after(
    room: HostedRoom, stream: str, seen: Position | None
) -> tuple[list[ChatEntry], GapRange | None]:
    """A conversation's entries after a position, and what can't be had of them any more.

    A position that names another event than the one here belongs to a history that was lost:
    that is said as a gap of unknown extent (first above last).
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
    """What a member who comes back to a place outside has missed of the time when they were inside.

    Whoever was away when a facilitator sent them back to the lobby gets no words there, and after
    it those that come then: that something is missing has to be said.

    Raises:
        LogDown: it can't be read.
    """
    while True:
        seat = room.state.seats.get(member)
        if seat is None or seat.is_inside or not seat.inside:
            return NOTHING_MISSED
        # All that was said while they were inside was committed before they were sent back.
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
