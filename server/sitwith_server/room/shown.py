"""What viewers see of moods, milestones and materials (MO*, MS*, MT*)."""

from __future__ import annotations

from collections.abc import Mapping

from sitwith_server.room.materials import Material, MaterialKind, Wish
from sitwith_server.room.milestones import Milestone
from sitwith_server.room.model import RoomState, Seat
from sitwith_server.room.mood import VALUES

REMEMBERED = "remembered"

UNTOLD = "mood.answer"
"""Nobody is told who has answered, the one who did included."""


def mood(state: RoomState, _: str) -> dict[str, object] | None:
    """Counts alone; while it is open only how many have answered."""
    asked = state.mood
    if asked is None:
        return None
    counts = asked.counts
    return {
        "open": asked.open,
        "answers": asked.answers,
        "result": None
        if counts is None
        else {"counts": {str(v): n for v, n in zip(VALUES, counts, strict=True)}},
    }


def milestones_audience(state: RoomState, seat: Seat) -> str:
    """The numbers of those that were shared while one was inside."""
    if not state.milestones:
        return ""
    return " ".join(str(m.n) for m in _there(state) if _covers(seat, m.n))


def shared(state: RoomState) -> tuple[int, ...]:
    """The numbers of the milestones that anybody may see."""
    return tuple(m.n for m in _there(state))


def milestones(state: RoomState, audience: str) -> list[object]:
    numbers = set(audience.split())
    return [
        {"n": m.name, "member": m.member, "text": m.text, "ends_at": m.ends_at}
        for m in _there(state)
        if str(m.n) in numbers
    ]


def _there(state: RoomState) -> list[Milestone]:
    """Those of whoever is still inside."""
    return [m for m in state.milestones if state.at(m.member) is not None]


def _covers(seat: Seat, number: int) -> bool:
    return any(span.covers(number) for span in seat.inside)


def series_audience(state: RoomState, seat: Seat) -> str | None:
    if state.series is None:
        return None
    return REMEMBERED if seat.id in state.series.came else ""


def series(state: RoomState, audience: str) -> Mapping[str, object]:
    """Of which series the room is, and whether it keeps anything of the viewer."""
    assert state.series is not None
    series = state.series
    return {"id": series.id, "remembered": audience == REMEMBERED, "times": series.times}


def materials(state: RoomState) -> list[object]:
    """All that is shown, in the order in which it came; what is not so of one is not there."""
    return [_material(each) for each in state.materials.shown]


def wish(named: Wish) -> dict[str, str]:
    """A stage's material as it was written."""
    title = {"title": named.title} if named.title else {}
    return {"url" if named.kind is MaterialKind.LINK else "text": named.body, **title}


def _material(one: Material) -> dict[str, object]:
    made: dict[str, object] = {
        "id": one.id,
        "kind": str(one.kind),
        "by": one.by or None,
        "at": one.at,
    }
    if one.title:
        made["title"] = one.title
    file = one.file
    if file is None:
        return made | {"url" if one.kind is MaterialKind.LINK else "text": one.body}
    made |= {"type": file.type, "bytes": file.size}
    if one.kind is MaterialKind.PICTURE:
        return made | {"width": file.width, "height": file.height}
    return made | {"pages": file.pages}
