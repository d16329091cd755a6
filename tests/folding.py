"""How a client that does no more folds `room` frames (SPEC.md, EV2 and EV10): by assignment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def folded(view: Mapping[str, Any], frame: Mapping[str, Any]) -> dict[str, Any]:
    """A view after a `room` frame: first whole slices, then entries. `view` stays as it is."""
    made = {**view, **frame.get("set", {})}
    for where, key, *value in frame.get("patch", ()):
        rest = {k: v for k, v in made[where].items() if k != key}
        made[where] = {**rest, key: value[0]} if value else rest
    return made


def touched(frame: Mapping[str, Any]) -> set[str]:
    """The slices of which a `room` frame says anything."""
    return {*frame.get("set", {}), *(where for where, *_ in frame.get("patch", ()))}


def placed(view: Mapping[str, Any]) -> dict[str, Any]:
    """A view with each hand at its place in the queue, as clients read it (FL25)."""
    made = dict(view)
    if made.get("floor") and made.get("members"):
        places = {m: n for n, m in enumerate(made["floor"]["queue"], 1)}
        made["members"] = {
            m: entry if entry["hand"] is None else {**entry, "hand": places.get(m)}
            for m, entry in made["members"].items()
        }
    return made
