"""Care as a family (CL*)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sitwith_server.room.care import decide, watch
from sitwith_server.room.care.events import CardKept, CardOpened, ConcernChanged, SideChanged
from sitwith_server.room.care.values import Care
from sitwith_server.room.family import Blank, Family, Rule, Who
from sitwith_server.room.model import RoomState, Seat
from sitwith_server.room.settings.family import SettingsChanged
from sitwith_server.room.slices import Slice


def _concern_changed(state: RoomState, event: ConcernChanged) -> RoomState:
    there = event.member in state.seats
    return replace(state, care=state.care.with_concern(event.member, event.concern, there=there))


def _side_changed(state: RoomState, event: SideChanged) -> RoomState:
    seats = {
        m: replace(seat, aside=event.side) if m in event.members else seat
        for m, seat in state.seats.items()
    }
    count = state.care.sides if event.count is None else event.count
    return replace(state, seats=seats, care=replace(state.care, sides=count))


def _card_opened(state: RoomState, event: CardOpened) -> RoomState:
    if event.member not in state.seats:
        return state  # nobody is there to be told; the trail is
    return replace(state, care=state.care.with_opening(event.member, event.opening))


def _cards_off(state: RoomState, event: SettingsChanged) -> RoomState:
    """A room that asks for no cards any more keeps none."""
    return state if event.settings.cards else replace(state, care=state.care.without_cards())


def _seat_gone(state: RoomState, seat: Seat) -> RoomState:
    return replace(state, care=state.care.without_seat(seat.id, seat.name))


def _blanks(before: RoomState, after: RoomState) -> Iterator[Blank]:
    """Cards that are no more, or others by now."""
    now = after.care.cards_at
    for member, number in before.care.cards_at.items():
        if now.get(member) != number:
            yield Blank((number,), CardKept(member, None), "care.card", member)


CARE = Family(
    "care",
    rules=(
        Rule("care.flag", decide.CareFlag, Who.ANYONE, decide.flag),
        Rule("care.withdraw", decide.CareWithdraw, Who.ANYONE, decide.withdraw),
        Rule("care.worry", decide.CareWorry, Who.OF_CIRCLE, decide.worry),
        Rule("care.take", decide.CareTake, Who.FACILITATOR, decide.take),
        Rule("care.done", decide.CareDone, Who.FACILITATOR, decide.done),
        Rule("care.aside", decide.CareAside, Who.FACILITATOR, decide.aside),
        Rule("care.back", decide.CareBack, Who.SELF_OR_FACILITATOR, decide.back),
        Rule("care.card", decide.CareCard, Who.ANYONE, decide.keep_card),
        Rule("care.open", decide.CareOpen, Who.FACILITATOR, decide.open_card),
    ),
    events={
        ConcernChanged: _concern_changed,
        SideChanged: _side_changed,
        CardKept: lambda s, e: replace(s, care=s.care.with_card(e.member, e.card, s.seq + 1)),
        CardOpened: _card_opened,
    },
    follows={SettingsChanged: _cards_off},
    slices={
        "care": Slice(watch.care_audience, watch.care, ("care", "seats"), by_entry=True),
        "worries": Slice(watch.worries_audience, watch.worries, ("care", "seats")),
        "aside": Slice(watch.aside_audience, watch.aside, ("seats",)),
        "card": Slice(watch.card_audience, watch.own_card, ("care",)),
        "care_opened": Slice(watch.opened_audience, watch.opened, ("care",)),
    },
    deciding=lambda state: (state.care, watch.worried_about(state)),
    settle=decide.settle,
    seat_gone=_seat_gone,
    at_end={"care": Care()},
    blanks=_blanks,
)
