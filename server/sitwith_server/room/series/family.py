"""Meetings of a series as a family (SE*)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from sitwith_server.room.entry.events import Entered
from sitwith_server.room.family import Blank, Family, Inner
from sitwith_server.room.floor.events import RoundBegan
from sitwith_server.room.lifetime.events import Blanked
from sitwith_server.room.members.events import Removed
from sitwith_server.room.model import OPERATOR, RoomState, Seat
from sitwith_server.room.pairs.events import PairsChanged
from sitwith_server.room.series import decide, fold
from sitwith_server.room.series.events import (
    PersonCame,
    PersonForgotten,
    SeriesBegan,
    SeriesDropped,
    TurnedAway,
)
from sitwith_server.room.slices import Slice

REMEMBERED = "remembered"


def _audience(state: RoomState, seat: Seat) -> str | None:
    if state.series is None:
        return None
    return REMEMBERED if seat.id in state.series.came else ""


def _shown(state: RoomState, audience: str) -> Mapping[str, object]:
    """Of which series the room is, and whether it keeps anything of the viewer."""
    assert state.series is not None
    _shown = state.series
    return {"id": _shown.id, "remembered": audience == REMEMBERED, "times": _shown.times}


def _blanks(before: RoomState, after: RoomState) -> Iterator[Blank]:
    """The events that held the handles of people of whom nothing may be left.

    In a later life those of earlier ones stand together in the event by which it began. Nobody
    folds that one again: the room's state after it is kept beside it.
    """
    was, now, life = before.series, after.series, before.life
    if was is None:
        return
    past = was.past.emptied() if now is None else now.past
    opening = past.people != was.past.people
    if opening and not life:
        began = SeriesBegan(was.id, past, was.times)
        yield Blank((was.began_at,), began, "series.begin", OPERATOR)
    for place, one in enumerate(was.new):
        if not one.handle or (now is not None and now.new[place].handle):
            continue
        if one.at == was.began_at:
            opening = True
        else:
            nobody = PersonCame(one.member, len(past.people) + place)
            yield Blank((one.at,), nobody, "agreement.accept", one.member)
    if opening and life:
        yield Blank((was.began_at,), Blanked(), "time", OPERATOR)


SERIES = Family(
    "series",
    inner=(
        Inner(decide.SeriesBegin, decide.begin, late=False),
        Inner(decide.SeriesForget, decide.forget),
        Inner(decide.SeriesDrop, decide.drop),
    ),
    events={
        SeriesBegan: fold.began,
        PersonCame: fold.came,
        TurnedAway: fold.turned_away,
        PersonForgotten: fold.forgotten,
        SeriesDropped: lambda s, e: replace(s, series=None),
    },
    follows={
        Entered: fold.someone_entered,
        Removed: fold.someone_removed,
        PairsChanged: fold.some_met,
        RoundBegan: fold.round_began,
    },
    slices={"series": Slice(_audience, _shown, ("series",))},
    deciding=lambda state: (state.series is None or state.series.came,),
    blanks=_blanks,
)
