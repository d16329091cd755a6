"""Converts the stages of a checked agenda to the room's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sitwith_server.room.agenda.values import GroupsWish, Mics, Stage, StageFloor, StageKind
from sitwith_server.room.materials.values import MaterialKind, Wish
from sitwith_server.room.model import ChatPolicy


def to_stages(stages: Iterable[Mapping[str, Any]]) -> tuple[Stage, ...]:
    """stages: as `sitwith_protocol.agenda.read_stages` returns them."""
    return tuple(_stage(stage) for stage in stages)


def _stage(named: Mapping[str, Any]) -> Stage:
    pairs, breathe = named.get("pairs"), named.get("breathe")
    return Stage(
        kind=StageKind(named["kind"]),
        seconds=named["seconds"],
        title=named.get("title", ""),
        prompt=named.get("prompt", ""),
        auto=named.get("auto", False),
        floor=StageFloor(named["floor"]) if "floor" in named else None,
        turn_seconds=named.get("turn_seconds"),
        rounds=tuple(each["prompt"] for each in named.get("rounds", ())),
        chat=ChatPolicy(named["chat"]) if "chat" in named else None,
        mics=Mics(named["mics"]) if "mics" in named else None,
        pairs=None if pairs is None else GroupsWish(pairs["size"], pairs["how"]),
        breathe=None if breathe is None else tuple(breathe["pattern"]),
        guest=named.get("guest", False),
        material=_wish(named["material"]) if "material" in named else None,
    )


def _wish(named: Mapping[str, Any]) -> Wish:
    kind = MaterialKind.LINK if "url" in named else MaterialKind.TEXT
    return Wish(
        kind, named["url"] if kind is MaterialKind.LINK else named["text"], named.get("title", "")
    )
