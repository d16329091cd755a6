"""The agenda as it is shown."""

from __future__ import annotations

from sitwith_server.room.agenda.values import Stage
from sitwith_server.room.materials import family as materials
from sitwith_server.room.model import RoomState
from sitwith_server.room.slices import Audience, Value


def shown(state: RoomState, _: Audience) -> Value:
    agenda = state.agenda
    if agenda is None:
        return None
    return {
        "stages": [_stage(stage) for stage in agenda.stages],
        "at": agenda.at,
        "ends_at": agenda.ends_at,
        "over": agenda.over,
        "round": agenda.round,
    }


def _stage(stage: Stage) -> Value:
    """A stage as it was written: what it does not name is not there."""
    pairs = stage.pairs
    named: dict[str, object] = {
        "title": stage.title or None,
        "prompt": stage.prompt or None,
        "floor": stage.floor and str(stage.floor),
        "turn_seconds": stage.turn_seconds,
        "rounds": [{"prompt": prompt} for prompt in stage.rounds] or None,
        "chat": stage.chat and str(stage.chat),
        "mics": stage.mics and str(stage.mics),
        "pairs": pairs and {"size": pairs.size, "how": pairs.how},
        "breathe": None if stage.breathe is None else {"pattern": list(stage.breathe)},
        "guest": stage.guest or None,
        "material": stage.material and materials.wish(stage.material),
    }
    always = {"kind": str(stage.kind), "seconds": stage.seconds, "auto": stage.auto}
    return always | {name: value for name, value in named.items() if value is not None}
