"""A room's time as a family: its end, forgetting, a freeze (TI*, FG*)."""

from __future__ import annotations

from dataclasses import replace

from sitwith_server.room.door.events import PlaceYielded
from sitwith_server.room.entry.events import ConnectionLost, Entered, SeatLeft
from sitwith_server.room.event import Event
from sitwith_server.room.family import Deadline, Family, Inner, Rule, Who
from sitwith_server.room.lifetime import decide
from sitwith_server.room.lifetime.events import (
    Blanked,
    ClosingTold,
    Emptied,
    ExpiryMoved,
    RoomEnded,
    RoomOpened,
    RoomReopened,
    Thawed,
)
from sitwith_server.room.members.events import Removed, Renamed
from sitwith_server.room.model import RoomState
from sitwith_server.room.series.events import TurnedAway
from sitwith_server.room.slices import Slice, for_all


def _used(state: RoomState, event: Event) -> RoomState:
    return state if state.used else replace(state, used=True)


USES = (Entered, ConnectionLost, PlaceYielded, SeatLeft, Removed, TurnedAway, Renamed)
"""Events that leave something to forget beyond who stands at the door."""


LIFETIME = Family(
    "lifetime",
    rules=(
        Rule("room.end", decide.RoomEnd, Who.FACILITATOR, decide.end),
        Rule("room.extend", decide.RoomExtend, Who.FACILITATOR, decide.extend),
    ),
    inner=(
        Inner(decide.Tick, None),
        Inner(decide.Forget, decide.forget),
        Inner(decide.Thaw, decide.thaw),
    ),
    events={
        RoomOpened: lambda s, e: s,
        RoomReopened: lambda s, e: s,
        Blanked: lambda s, e: s,
        Emptied: lambda s, e: replace(s, emptied_at=e.at),
        ExpiryMoved: lambda s, e: replace(s, expires_at=e.expires_at, closing=e.closing),
        ClosingTold: lambda s, e: replace(s, closing=e.seconds),
        RoomEnded: lambda s, e: replace(s, ended=True),
        Thawed: lambda s, e: replace(s, thawed_at=e.until),
    },
    follows=dict.fromkeys(USES, _used),
    slices={
        "expires_at": Slice(for_all, lambda state, _: state.expires_at, ("expires_at",)),
        "closing": Slice(for_all, lambda state, _: state.closing, ("closing",)),
    },
    settle=decide.settle,
    deadlines=(
        Deadline(lambda state: state.expires_at, decide.expire),
        Deadline(decide.closing_at, decide.tell_closing),
    ),
)
