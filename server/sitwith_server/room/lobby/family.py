"""The lobby as a family (LO*)."""

from __future__ import annotations

from sitwith_server.room.door import crowd
from sitwith_server.room.family import Family, Rule, Who
from sitwith_server.room.lobby.commands import (
    LinkReplace,
    LobbyAdmit,
    LobbyAdmitAll,
    LobbyDecline,
    LobbyDeclineAll,
    LobbyReturn,
)
from sitwith_server.room.lobby.decide import (
    admit,
    admit_all,
    decline,
    decline_all,
    replace_link,
    send_back,
    waiting_line,
)
from sitwith_server.room.model import RoomState
from sitwith_server.room.slices import Audience, Slice, Value, staff_only


def _lobby(state: RoomState, _: Audience) -> Value:
    return [
        {
            "id": s.id,
            "name": s.name,
            "at": s.waiting_since,
            "link": None if crowd.by_own_link(state, s) else s.invite,
        }
        for s in waiting_line(state)
    ]


LOBBY = Family(
    "lobby",
    rules=(
        Rule("lobby.admit", LobbyAdmit, Who.FACILITATOR, admit),
        Rule("lobby.admit_all", LobbyAdmitAll, Who.FACILITATOR, admit_all),
        Rule("lobby.decline", LobbyDecline, Who.FACILITATOR, decline),
        Rule("lobby.decline_all", LobbyDeclineAll, Who.FACILITATOR, decline_all),
        Rule("lobby.return", LobbyReturn, Who.FACILITATOR, send_back),
        Rule("link.replace", LinkReplace, Who.FACILITATOR, replace_link),
    ),
    slices={"lobby": Slice(staff_only, _lobby, ("seats", "invites"))},
)
