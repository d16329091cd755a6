"""Words: who may say what to whom, and what a conversation keeps of it (CO*).

Each audience has a stream of its own; nothing here filters one stream for readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sitwith_server.room.care.watch import staff_reachable
from sitwith_server.room.chat.access import (
    CIRCLE,
    DIRECT,
    FACILITATORS,
    PAIR,
    STAFF,
    may_receive,
    stream_from,
    stream_of,
)
from sitwith_server.room.chat.family import React, Say, Unsay
from sitwith_server.room.decide import check_rights
from sitwith_server.room.draft import Refusal, Refused, not_allowed, stale
from sitwith_server.room.guests.speakers import reads
from sitwith_server.room.model import ChatPolicy, Kind, MemberId, Role, RoomState, Seat

BODY_CHARACTERS = 2_000


SEALED_BYTES = 12_000
"""2,000 characters of at most four bytes, and room for what sealing adds."""


@dataclass(frozen=True, slots=True)
class Said:
    n: int
    author: MemberId
    body: str | bytes
    notice: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Unsaid:
    n: int
    by: MemberId


Saying = Said | Unsaid


@dataclass(frozen=True, slots=True)
class Placed:
    """Something to be committed to a conversation, or (for a reaction) only passed on."""

    stream: str
    what: Saying | React


class Talk(Protocol):
    """What the rules need to know of what has been said."""

    def count(self, stream: str) -> int:
        """How many messages the conversation has."""

    def said(self, stream: str, n: int) -> tuple[MemberId, int, bool] | None:
        """A message's author, the rights number it was committed at, and whether it is deleted."""

    def last_said_at(self, member: MemberId) -> float | None:
        """When (unix seconds) somebody last said anything that slow mode counts."""


def decide_talk(
    state: RoomState, command: Say | Unsay | React, talk: Talk, now: float
) -> Placed | Refusal | None:
    """Where a message, a deletion or a reaction belongs; None: it is so already."""
    try:
        check_rights(state, command)
        seat = state.seats[command.by]
        if isinstance(command, Say):
            return _say(state, seat, command, talk, now)
        if isinstance(command, Unsay):
            return _unsay(state, seat, command, talk)
        return _react(state, seat, command)
    except Refused as refused:
        return refused.refusal


def slowed(stream: str) -> bool:
    """Whether slow mode counts messages of this conversation: never the lines to staff."""
    return stream.partition(":")[0] in (CIRCLE, PAIR, DIRECT)


def slow_seconds(state: RoomState, seat: Seat, stream: str) -> float:
    """How long somebody has to wait between two messages, this one among them; 0: not at all."""
    slow = state.settings.slow_seconds
    return slow if slow and not seat.facilitates and slowed(stream) else 0.0


def _say(state: RoomState, seat: Seat, command: Say, talk: Talk, now: float) -> Placed:
    if Kind.CHAT in seat.muted:
        raise Refused("muted", "A facilitator has muted your chat.")
    stream = _destination(state, seat, command.to)
    _check_policy(state, seat, stream)
    _check_body(state, command.body)
    slow = slow_seconds(state, seat, stream)
    if slow:
        last = talk.last_said_at(seat.id)
        if last is not None and now - last < slow:
            raise Refused("too_fast", "The room is in slow mode: wait a little.")
    said = Said(talk.count(stream) + 1, seat.id, command.body, notice=command.notice)
    return Placed(stream, said)


def _unsay(state: RoomState, seat: Seat, command: Unsay, talk: Talk) -> Placed | None:
    stream = _named(state, seat, stream_from(command.to, seat.id))
    message = talk.said(stream, command.n)
    if message is not None and message[0] == seat.id:
        return None if message[2] else Placed(stream, Unsaid(command.n, seat.id))
    # Whoever may not read a conversation learns nothing of it here, not even how long it is.
    if not may_receive(seat, stream, state.seq) or (message is not None and not seat.facilitates):
        raise not_allowed("Only its author or a facilitator may delete a message.")
    if message is None or not may_receive(seat, stream, message[1]):
        raise stale("There is no such message.")
    return None if message[2] else Placed(stream, Unsaid(command.n, seat.id))


def _react(state: RoomState, seat: Seat, command: React) -> Placed:
    if Kind.CHAT in seat.muted:
        raise Refused("muted", "A facilitator has muted your chat.")
    at_home = _group(state, seat) is not None
    to = command.to or (PAIR if at_home else CIRCLE)
    return Placed(_destination(state, seat, to), command)


def _destination(state: RoomState, seat: Seat, to: str) -> str:
    kind, _, rest = to.partition(":")
    if to == CIRCLE:
        if not reads(state, seat):
            raise not_allowed("Guests can't write to the circle just now.")
        if state.group_of(seat.id) is not None and not seat.facilitates:
            raise not_allowed("You can't write to the circle while you are in a group.")
        return CIRCLE
    if kind == PAIR:
        return _group_stream(state, seat, rest)
    if kind == STAFF:
        return _staff_stream(state, seat, rest)
    if to == FACILITATORS:
        if not seat.facilitates:
            raise not_allowed("Only facilitators may write there.")
        return FACILITATORS
    if kind == DIRECT and rest:
        return _direct_stream(state, seat, rest)
    raise Refused("bad_request", "There is no such conversation.")


def _group_stream(state: RoomState, seat: Seat, group: str) -> str:
    own = _group(state, seat)
    if group and group != own:
        if seat.facilitates and (state.pairs is None or group not in state.pairs.groups):
            raise Refused("no_such_group", "No open group has this id.")
        raise not_allowed("You are not in this group.")
    if own is None:
        raise Refused("no_such_group", "You are in no group.")
    return stream_of(PAIR, own)


def _staff_stream(state: RoomState, seat: Seat, member: str) -> str:
    if member in ("", seat.id):
        if not staff_reachable(state):
            raise Refused("no_such_member", "No facilitator is here: this was not sent.")
        return stream_of(STAFF, seat.id)
    if not seat.facilitates:
        raise not_allowed("This is somebody else's line to the facilitators.")
    if state.at(member) is None:
        raise Refused("no_such_member", "Nobody inside has this id.")
    return stream_of(STAFF, member)


def _direct_stream(state: RoomState, seat: Seat, member: str) -> str:
    if not state.settings.direct:
        raise not_allowed("Direct messages are off in this room.")
    other = state.at(member)
    if other is None or other.id == seat.id:
        raise Refused("no_such_member", "Nobody else inside has this id.")
    if Role.GUEST in (seat.role, other.role):
        raise not_allowed("Guests can't send or get direct messages.")
    apart = state.group_of(seat.id) != state.group_of(other.id)
    if apart and not any(s.facilitates and state.group_of(s.id) is None for s in (seat, other)):
        raise not_allowed("You can't write from one group to another while groups are open.")
    return stream_of(DIRECT, seat.id, other.id)


def _group(state: RoomState, seat: Seat) -> str | None:
    """One's own group, a side room, or the group that one visits."""
    if seat.aside is not None:
        return seat.aside
    if state.pairs is None:
        return None
    return state.pairs.group_of(seat.id) or state.pairs.visited_by(seat.id)


def _named(state: RoomState, seat: Seat, stream: str) -> str:
    """A conversation that may be over: `pair` and `staff` are one's own."""
    if stream == STAFF:
        return stream_of(STAFF, seat.id)
    if stream == PAIR:
        own = _group(state, seat)
        if own is None:
            raise Refused("no_such_group", "You are in no group.")
        return stream_of(PAIR, own)
    return stream


def _check_policy(state: RoomState, seat: Seat, stream: str) -> None:
    policy = state.settings.chat
    if seat.facilitates or policy is ChatPolicy.ALL:
        return
    if policy is ChatPolicy.STAFF and stream.startswith(f"{STAFF}:"):
        return
    raise not_allowed("Chat is closed just now.")


def _check_body(state: RoomState, body: str | bytes) -> None:
    if isinstance(body, bytes) is not state.settings.sealed:
        raise not_allowed(
            "This room accepts only sealed messages."
            if state.settings.sealed
            else "This room takes text."
        )
    if len(body) > (SEALED_BYTES if isinstance(body, bytes) else BODY_CHARACTERS):
        raise Refused("too_long", "A message has at most 2,000 characters.")
