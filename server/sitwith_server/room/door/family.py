"""The door as a family (DO*)."""

from __future__ import annotations

from dataclasses import replace

from sitwith_server.room.door.decide import (
    AddInvite,
    AgreementReading,
    RevokeInvite,
    add_invite,
    note_sign,
    revoke_invite,
)
from sitwith_server.room.door.events import InviteAdded, InviteRevoked, PlaceYielded, SignSeen
from sitwith_server.room.door.view import shown
from sitwith_server.room.entry.fold import connection_lost
from sitwith_server.room.family import Family, Inner, Rule, Who, on_seat
from sitwith_server.room.model import Phase, RoomState
from sitwith_server.room.slices import Slice, staff_only


def _invite_revoked(state: RoomState, event: InviteRevoked) -> RoomState:
    invite = state.invites.get(event.invite)
    if invite is None:
        return state
    gone = replace(invite, revoked=True)
    return replace(state, invites={**state.invites, invite.id: gone})


DOOR = Family(
    "door",
    rules=(
        Rule(
            "agreement.reading",
            AgreementReading,
            Who.ANYONE,
            note_sign,
            Phase.AGREEMENT,
            audited=False,
        ),
    ),
    inner=(Inner(AddInvite, add_invite), Inner(RevokeInvite, revoke_invite)),
    events={
        InviteAdded: lambda s, e: replace(s, invites={**s.invites, e.invite.id: e.invite}),
        InviteRevoked: _invite_revoked,
        PlaceYielded: connection_lost,
        SignSeen: on_seat(lambda e, seat: replace(seat, signed_at=e.at)),
    },
    slices={
        "door": Slice(staff_only, shown, ("seats", "invites", "capacity"), by_entry=True),
    },
)
