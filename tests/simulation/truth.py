"""What a room's log says of itself: every message with who it was for, and everybody's view.

Who a message is for is read from the state at the message's own rights number, not from the spans
that the server keeps: two ways to the same answer, so that a mistake in one shows.
"""

from __future__ import annotations

from sitwith_server.log.base import CONTROL, Log
from sitwith_server.room import begin, fold
from sitwith_server.room.chat.talk import Said
from sitwith_server.room.events import RoomOpened
from sitwith_server.room.model import RoomState
from sitwith_server.service.rooms import store
from tests.chaos.history import Entitled


async def states(log: Log, room: str) -> list[RoomState]:
    """The state after each control entry; the first is after entry 1."""
    found: list[RoomState] = []
    for entry in await log.read(room, CONTROL, 0, limit=1_000_000):
        event = store.read_event(entry.blob).event
        if isinstance(event, RoomOpened):
            found.append(begin(event))
        else:
            found.append(fold(found[-1], event))
    return found


async def keys(log: Log, room: str) -> frozenset[bytes]:
    """What positions of the room's present life are sealed with."""
    record = await log.record(room)
    return frozenset() if record is None else frozenset((store.read_record(record).material_key,))


async def entitled(log: Log, room: str) -> tuple[list[Entitled], RoomState]:
    """Every message of every conversation with its audience, and the last state."""
    past = await states(log, room)
    heads = await log.heads(room)
    assert heads is not None
    found = []
    for stream in heads.streams:
        if stream == CONTROL:
            continue
        for entry in await log.read(room, stream, 0, limit=1_000_000):
            said = store.read_saying(entry.blob)
            if isinstance(said, Said):
                audience = audience_of(past[entry.rights - 1], stream) | {said.author}
                body = said.body if isinstance(said.body, str) else ""
                found.append(Entitled(stream, said.n, entry.position.seq, body, audience))
    return found, past[-1]


def audience_of(state: RoomState, stream: str) -> frozenset[str]:
    kind, _, rest = stream.partition(":")
    inside = {seat.id for seat in state.inside()}
    staff = {seat.id for seat in state.facilitators()}
    if kind == "circle":
        return frozenset(inside)
    if kind == "staff":
        return frozenset(staff | ({rest} & inside))
    if kind == "facilitators":
        return frozenset(staff)
    if kind == "direct":
        return frozenset(set(rest.split(":")) & inside)
    if state.pairs is None:
        return frozenset()
    members = set(state.pairs.groups.get(rest, ()))
    visitors = {v.member for v in state.pairs.visits.get(rest, ()) if v.open}
    return frozenset((members | visitors) & inside)
