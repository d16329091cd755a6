"""What each viewer may see: whole slices, replaced by assignment (CONTRACT §3, Events).

A slice is a pure function of the state and of an *audience*: viewers of one audience see the very
same value, so that it is built and encoded once for all of them. There is no other way to a value
than through its audience: what a member may not see is never built for a member.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sitwith_server.room import shown, speakers, voices, watch
from sitwith_server.room.agenda import Stage
from sitwith_server.room.decide.entry import waiting_line
from sitwith_server.room.model import MemberId, Role, RoomState, Seat

Value = Mapping[str, object] | list[object] | str | bytes | bool | float | None
Audience = str

ALL: Audience = ""
STAFF: Audience = "staff"
WAITING: Audience = "waiting"
"""Guests who wait: they see who guides, and nothing of the circle."""
GUEST: Audience = "guest"


@dataclass(frozen=True, slots=True)
class Slice:
    """`audience` says whose view of this slice `viewer` has, or None if none at all."""

    audience: Callable[[RoomState, Seat], Audience | None]
    value: Callable[[RoomState, Audience], Value]


def view(state: RoomState, viewer: MemberId) -> dict[str, Value]:
    """Every slice that somebody inside may see; before entry only the title and agreement."""
    door: dict[str, Value] = {"title": state.title, "agreement": agreement(state)}
    seat = state.at(viewer)
    if seat is None:
        return door if state.series is None else {**door, "series": {"id": state.series.id}}
    door["room"] = state.id
    for name, part in SLICES.items():
        audience = part.audience(state, seat)
        if audience is not None:
            door[name] = part.value(state, audience)
    return door


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


def _members(state: RoomState, audience: Audience) -> Value:
    waiting = audience == WAITING
    hands = {} if waiting else {m: place for place, m in enumerate(state.floor.queue, 1)}
    return {
        s.id: {
            "name": s.name,
            "role": str(s.role),
            "seat": s.place,
            "here": str(s.shown),
            "muted": sorted(s.muted),
            "held": sorted(s.held),
            "hand": hands.get(s.id),
        }
        for s in state.inside()
        if not waiting or s.role is not Role.MEMBER
    }


def _floor(state: RoomState, audience: Audience) -> Value:
    floor = speakers.WAITING_FLOOR if audience == WAITING else state.floor
    running = floor.round
    return {
        "mode": str(floor.mode),
        "holder": floor.holder,
        "turn": floor.turn,
        "ends_at": floor.ends_at if floor.holder is not None else None,
        "paused": floor.paused,
        "left": floor.left if floor.paused else None,
        "why_paused": sorted(floor.pauses),
        "signal": floor.signal,
        "mics": str(floor.mics),
        "queue": list(floor.queue),
        "round": None
        if running is None
        else {
            "order": list(running.order),
            "done": list(running.done),
            "seconds": floor.seconds,
        },
    }


def _pairs(state: RoomState, viewer: Audience) -> Value:
    pairs = state.pairs
    if pairs is None or viewer == WAITING:
        return None
    return {
        "groups": {g: list(people) for g, people in pairs.groups.items()},
        "mine": pairs.group_of(viewer),
        "ends_at": pairs.ends_at,
        "closing": pairs.closing,
        "visitors": {g: [v.member for v in vs] for g, vs in pairs.visits.items()},
        "asked": viewer in state.help,
    }


def _pairs_audience(state: RoomState, seat: Seat) -> Audience:
    if speakers.waits(state, seat):
        return WAITING
    return ALL if state.group_of(seat.id) is None else seat.id


def _lobby(state: RoomState, _: Audience) -> Value:
    return [{"id": s.id, "name": s.name, "at": s.waiting_since} for s in waiting_line(state)]


def _talk(state: RoomState, _: Audience) -> Value:
    return {s.id: state.talk[s.id] for s in state.inside() if s.id in state.talk}


def _settings(state: RoomState, _: Audience) -> Value:
    s = state.settings
    return {
        "chat": str(s.chat),
        "direct": s.direct,
        "slow_seconds": s.slow_seconds,
        "grace_seconds": s.grace_seconds,
        "lobby": s.lobby,
        "facilitators_wait": s.facilitators_wait,
        "sealed": s.sealed,
        "cards": s.cards,
        "queue_order": str(s.queue_order),
        "guests_read": s.guests_read,
        "mood_strict": s.mood_strict,
    }


def _agenda(state: RoomState, _: Audience) -> Value:
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
        "material": stage.material and shown.wish(stage.material),
    }
    always = {"kind": str(stage.kind), "seconds": stage.seconds, "auto": stage.auto}
    return always | {name: value for name, value in named.items() if value is not None}


def _breathe(state: RoomState, audience: Audience) -> Value:
    breathing = state.breathe
    if breathing is None or audience == WAITING:
        return None
    return {
        "pattern": list(breathing.pattern),
        "starts_at": breathing.starts_at,
        "ends_at": breathing.ends_at,
    }


def _materials(state: RoomState, audience: Audience) -> Value:
    return [] if audience == WAITING else shown.materials(state)


def _topics(state: RoomState, member: Audience) -> Value:
    seat = state.at(member)
    return [] if seat is None else list(seat.topics)


def _topics_audience(state: RoomState, seat: Seat) -> Audience:
    return seat.id if seat.topics else ALL


def _everyone(state: RoomState, seat: Seat) -> Audience:
    return ALL


def _with_circle(state: RoomState, seat: Seat) -> Audience:
    return WAITING if speakers.waits(state, seat) else ALL


def _of_circle(part: Slice, nothing: Value) -> Slice:
    """A slice that is nothing to guests, whether they wait or not."""

    def audience(state: RoomState, seat: Seat) -> Audience | None:
        return GUEST if seat.role is Role.GUEST else part.audience(state, seat)

    def value(state: RoomState, audience: Audience) -> Value:
        return nothing if audience == GUEST else part.value(state, audience)

    return Slice(audience, value)


def _staff_only(state: RoomState, seat: Seat) -> Audience | None:
    return STAFF if seat.facilitates else None


SLICES: Mapping[str, Slice] = {
    "members": Slice(_with_circle, _members),
    "floor": Slice(_with_circle, _floor),
    "pairs": Slice(_pairs_audience, _pairs),
    "lobby": Slice(_staff_only, _lobby),
    "help": Slice(_staff_only, lambda state, _: list(state.help)),
    "care": Slice(watch.care_audience, watch.care),
    "inbox": Slice(_staff_only, lambda state, _: watch.inbox(state)),
    "worries": Slice(watch.worries_audience, watch.worries),
    "aside": Slice(watch.aside_audience, watch.aside),
    "card": Slice(watch.card_audience, watch.own_card),
    "care_opened": Slice(watch.opened_audience, watch.opened),
    "series": Slice(shown.series_audience, shown.series),
    "talk": Slice(_staff_only, _talk),
    "unheard": Slice(_staff_only, lambda state, _: voices.unheard(state)),
    "nudge": Slice(voices.nudge_audience, voices.nudge),
    "expires_at": Slice(_everyone, lambda state, _: state.expires_at),
    "closing": Slice(_everyone, lambda state, _: state.closing),
    "locked": Slice(_everyone, lambda state, _: state.locked),
    "settings": Slice(_everyone, _settings),
    "notice": Slice(_everyone, lambda state, _: "no_facilitator" if state.unattended else None),
    "agenda": Slice(_everyone, _agenda),
    "link_key": _of_circle(Slice(_everyone, lambda state, _: state.linking.key or None), None),
    "concerns": _of_circle(Slice(_everyone, lambda state, _: list(state.linking.concerns)), []),
    "topics": Slice(_topics_audience, _topics),
    "mood": _of_circle(Slice(_everyone, shown.mood), None),
    "milestones": _of_circle(Slice(shown.milestones_audience, shown.milestones), []),
    "breathe": Slice(_with_circle, _breathe),
    "materials": Slice(_with_circle, _materials),
    "guests": Slice(_everyone, lambda state, _: speakers.shown(state)),
}
