"""What each viewer may see: slices, folded by assignment (CONTRACT §3, Events).

A slice is a pure function of the state and of an *audience*: viewers of one audience see the very
same value, so that it is built and encoded once for all of them. There is no other way to a value
than through its audience: what a member may not see is never built for a member. How a view
changes is in `changes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sitwith_server.room import door, shown, speakers, voices, watch
from sitwith_server.room.agenda import Stage
from sitwith_server.room.decide.entry import waiting_line
from sitwith_server.room.model import MemberId, Pairs, Role, RoomState, Seat

Value = Mapping[str, object] | list[object] | str | bytes | bool | float | None
Audience = str

ALL: Audience = ""
STAFF: Audience = "staff"
WAITING: Audience = "waiting"
"""Guests who wait: they see who guides, and nothing of the circle."""
GUEST: Audience = "guest"


@dataclass(frozen=True, slots=True)
class Slice:
    """`audience` says whose view of this slice a viewer has, or None if none at all.

    made_of: the state's fields from which alone `value` is made: where each of them is the very
        same object, the value is the same. Empty: not known.
    by_entry: it is a map that grows with the people in a room, and is told by its entries.
    """

    audience: Callable[[RoomState, Seat], Audience | None]
    value: Callable[[RoomState, Audience], Value]
    made_of: tuple[str, ...] = ()
    by_entry: bool = False

    def may_differ(self, before: RoomState, after: RoomState) -> bool:
        """Whether the value of one audience may be another in these two states."""
        for field in self.made_of:
            if getattr(before, field) is not getattr(after, field):
                return True
        return not self.made_of


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
    return (
        state.floor.holder,
        state.guests,
        state.ended,
        state.unattended,
        state.pairs,
        state.care,
        watch.worried_about(state),
        state.series is None or state.series.came,
        shown.shared(state),
        state.equal,
    )


def _members(state: RoomState, audience: Audience) -> Value:
    if audience == WAITING:
        # Of the queue they are shown nothing.
        return {s.id: member(s, None) for s in state.inside() if s.role is not Role.MEMBER}
    hands = places(state.floor.queue)
    return {s.id: member(s, hands.get(s.id)) for s in state.inside()}


def places(queue: tuple[MemberId, ...]) -> dict[MemberId, int]:
    """The place in the queue of each who waits there, from 1."""
    return {m: place for place, m in enumerate(queue, 1)}


def member(seat: Seat, hand: int | None) -> Mapping[str, object]:
    """The entry of somebody inside in `members`."""
    return {
        "name": seat.name,
        "role": str(seat.role),
        "seat": seat.place,
        "here": str(seat.shown),
        "muted": sorted(seat.muted),
        "held": sorted(seat.held),
        "hand": hand,
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
    return {**groups(pairs), **own_group(pairs, state.help, viewer)}


def groups(pairs: Pairs) -> dict[str, object]:
    """What everybody with the circle is shown of the groups."""
    return {
        "groups": {g: list(people) for g, people in pairs.groups.items()},
        "ends_at": pairs.ends_at,
        "closing": pairs.closing,
        "visitors": {g: [v.member for v in vs] for g, vs in pairs.visits.items()},
    }


def own_group(pairs: Pairs, helps: tuple[MemberId, ...], viewer: MemberId) -> dict[str, object]:
    """What is one's own of it."""
    return {"mine": pairs.group_of(viewer), "asked": viewer in helps}


def _pairs_audience(state: RoomState, seat: Seat) -> Audience:
    if speakers.waits(state, seat):
        return WAITING
    return ALL if state.group_of(seat.id) is None else seat.id


def _lobby(state: RoomState, _: Audience) -> Value:
    return [
        {
            "id": s.id,
            "name": s.name,
            "at": s.waiting_since,
            "link": None if door.by_own_link(state, s) else s.invite,
        }
        for s in waiting_line(state)
    ]


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

    return Slice(audience, value, part.made_of)


def _staff_only(state: RoomState, seat: Seat) -> Audience | None:
    return STAFF if seat.facilitates else None


def _inbox(state: RoomState, _: Audience) -> Value:
    return watch.inbox(state)


def _link_key(state: RoomState, _: Audience) -> Value:
    return state.linking.key or None


def _concerns(state: RoomState, _: Audience) -> Value:
    return list(state.linking.concerns)


def _notice(state: RoomState, _: Audience) -> Value:
    return "no_facilitator" if state.unattended else None


SEATS, FLOOR, CARE, TALK = "seats", "floor", "care", "talk"
_GUESTS = (SEATS, "guests", FLOOR, "ended", "unattended")

SLICES: Mapping[str, Slice] = {
    "members": Slice(_with_circle, _members, (SEATS, FLOOR), by_entry=True),
    "floor": Slice(_with_circle, _floor, (FLOOR,), by_entry=True),
    "pairs": Slice(_pairs_audience, _pairs, ("pairs", "help"), by_entry=True),
    "lobby": Slice(_staff_only, _lobby, (SEATS, "invites")),
    "door": Slice(_staff_only, door.shown, (SEATS, "invites", "capacity"), by_entry=True),
    "help": Slice(_staff_only, lambda state, _: list(state.help), ("help",)),
    "care": Slice(watch.care_audience, watch.care, (CARE, SEATS), by_entry=True),
    "inbox": Slice(_staff_only, _inbox, (CARE, SEATS), by_entry=True),
    "worries": Slice(watch.worries_audience, watch.worries, (CARE, SEATS)),
    "aside": Slice(watch.aside_audience, watch.aside, (SEATS,)),
    "card": Slice(watch.card_audience, watch.own_card, (CARE,)),
    "care_opened": Slice(watch.opened_audience, watch.opened, (CARE,)),
    "series": Slice(shown.series_audience, shown.series, ("series",)),
    "talk": Slice(_staff_only, _talk, (TALK, SEATS), by_entry=True),
    "unheard": Slice(_staff_only, lambda state, _: voices.unheard(state), (TALK, SEATS)),
    "nudge": Slice(voices.nudge_audience, voices.nudge, ("equal",)),
    "expires_at": Slice(_everyone, lambda state, _: state.expires_at, ("expires_at",)),
    "closing": Slice(_everyone, lambda state, _: state.closing, ("closing",)),
    "locked": Slice(_everyone, lambda state, _: state.locked, ("locked",)),
    "settings": Slice(_everyone, _settings, ("settings",)),
    "notice": Slice(_everyone, _notice, ("unattended",)),
    "agenda": Slice(_everyone, _agenda, ("agenda",)),
    "link_key": _of_circle(Slice(_everyone, _link_key, ("linking",)), None),
    "concerns": _of_circle(Slice(_everyone, _concerns, ("linking",)), []),
    "topics": Slice(_topics_audience, _topics, (SEATS,)),
    "mood": _of_circle(Slice(_everyone, shown.mood, ("mood",)), None),
    "milestones": _of_circle(
        Slice(shown.milestones_audience, shown.milestones, ("milestones", SEATS)), []
    ),
    "breathe": Slice(_with_circle, _breathe, ("breathe",)),
    "materials": Slice(_with_circle, _materials, ("materials",)),
    "guests": Slice(_everyone, lambda state, _: speakers.shown(state), _GUESTS),
}
