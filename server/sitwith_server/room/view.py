"""What each viewer may see: slices, folded by assignment (EV2).

How a view changes is in `changes`; what a slice is in `slices`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sitwith_server.room.families import FAMILIES
from sitwith_server.room.families import SLICES as SLICES  # noqa: PLC0414
from sitwith_server.room.model import MemberId, RoomState, Seat
from sitwith_server.room.slices import Value


def view(state: RoomState, viewer: MemberId) -> dict[str, Value]:
    """Every slice that somebody inside may see; before entry only the title and agreement."""
    door: dict[str, Value] = {"title": state.title, "agreement": agreement(state)}
    seat = state.at(viewer)
    if seat is None:
        return door if state.series is None else {**door, "series": {"id": state.series.id}}
    return {**door, "room": state.id, **slices(state, seat, SLICES)}


def slices(state: RoomState, seat: Seat, names: Iterable[str]) -> dict[str, Value]:
    """Some slices as somebody inside sees them, without those that they don't have."""
    seen = ((name, SLICES[name], SLICES[name].audience(state, seat)) for name in names)
    return {name: part.value(state, who) for name, part, who in seen if who is not None}


FREEZING: tuple[str, ...] = ("floor", "notice")
"""The slices that look different while the room is frozen."""


def with_freeze(shown: dict[str, Value]) -> dict[str, Value]:
    """A view while nothing can be committed: the clock of a turn stands still, and it is said."""
    floor = shown["floor"]
    assert isinstance(floor, Mapping)
    why = floor["why_paused"]
    assert isinstance(why, list)
    paused = {**floor, "paused": True, "why_paused": sorted({*why, "frozen"})}
    return {**shown, "floor": paused, "notice": "frozen"}


def agreement(state: RoomState) -> Value:
    return {"version": state.agreement.version, "text": state.agreement.text}


def deciding(state: RoomState) -> tuple[object, ...]:
    """All but their own seat that decides of which audiences a viewer is, comparable by `==`."""
    return tuple([family.deciding(state) for family in FAMILIES if family.deciding is not None])
