"""What holds in every state of a room, said once more and differently than the room says it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from itertools import chain, combinations
from typing import Any

from sitwith_server.room import due_at, forgets_at, next_deadline, routes, view
from sitwith_server.room.chat.access import may_receive, stream_of
from sitwith_server.room.events import Event, RoomReopened
from sitwith_server.room.floor.values import Mode, Pause
from sitwith_server.room.model import Kind, Phase, Presence, Role, RoomState, Seat
from sitwith_server.room.voice import voices

STAFF_SLICES = {"lobby", "door", "help", "care", "inbox", "talk", "unheard"}
OWN_SLICES = ("lobby", "care", "care_opened", "worries")
"""Where people may be who are not inside: at the door, or to be followed up."""


def check(state: RoomState, now: float) -> None:
    """Raises AssertionError where a law is broken."""
    _floor(state)
    _shares(state, now)
    _agenda(state)
    _groups(state)
    _guests(state)
    _sides(state)
    _moods(state)
    _materials(state)
    _series(state)
    _voices(state)
    _views(state)
    _routes(state)
    _rights(state)
    _attendance(state)
    _life(state)
    due = next_deadline(state)
    assert due is None or not state.ended
    assert not state.removed & set(state.seats)


def check_lives(state: RoomState, events: list[Event]) -> None:
    """Nothing of an earlier life is in the state or in anybody's view: no word, name, tag or id
    that came by an event of it and by none since. Kept are links, who was removed, by what value a
    facilitator comes back, and a series' handles."""
    begun = max((n for n, each in enumerate(events) if isinstance(each, RoomReopened)), default=0)
    reopened = events[begun]
    if not isinstance(reopened, RoomReopened):
        assert (state.life, state.former) == (0, ())
        return
    new = leaves([reopened.door, events[begun + 1 :], events[0], _kept(state)])
    new |= {reopened.record.link_key, reopened.record.material_key}
    old = leaves(events[1:begun]) - new
    bare = replace(state, removed=frozenset(), former=(), series=None)
    assert not leaves(bare) & old
    assert not leaves(state.series) & old
    record = replace(reopened.record, removed=frozenset(), facilitators=(), series=None)
    assert not leaves(record) & old
    for viewer in (*state.seats, "a stranger"):
        assert not leaves(view(state, viewer)) & old


def _kept(state: RoomState) -> list[object]:
    """What may outlive a life: links, and of a series its handles and whose seat was removed."""
    series = state.series
    if series is None:
        return [state.invites]
    handles = [series.handle(n) for n in (*series.here, *series.came.values())]
    handles += [series.handle(n) for n in series.removed.values() if n is not None]
    return [state.invites, series.id, series.past, handles, list(series.removed)]


def leaves(value: object) -> set[str | bytes]:
    """All texts and bytes in a value of the room, however deep, but names of kinds."""
    if isinstance(value, str | bytes):
        return {value} - {"", b""} if not isinstance(value, StrEnum) else set()
    if isinstance(value, Mapping):
        return leaves([*value, *value.values()])
    if isinstance(value, Iterable):
        return set().union(*map(leaves, value))
    if is_dataclass(value):
        return leaves([getattr(value, each.name) for each in fields(value)])
    return set()


def audience(state: RoomState, stream: str) -> set[str]:
    """Who gets what is said in this stream now."""
    kind, _, rest = stream.partition(":")
    inside = {s.id for s in state.inside()}
    staff = {s.id for s in state.facilitators()}
    if kind == "circle":
        return {m for m in inside if _reads(state, state.seats[m])}
    if kind == "facilitators":
        return staff
    if kind == "staff":
        return staff | ({rest} & inside)
    if kind == "direct":
        return set(rest.split(":")) & inside
    pairs = state.pairs
    side = {m for m in inside if state.seats[m].aside == rest}
    if pairs is None or rest not in pairs.groups:
        return side
    visitors = {v.member for v in pairs.visits.get(rest, ()) if v.open}
    return (set(pairs.groups[rest]) | visitors) & inside


def speaks(state: RoomState, seat: Seat) -> bool:
    """Whether a guest is with the circle."""
    if seat.role is not Role.GUEST or seat.phase is not Phase.INSIDE or state.unattended:
        return False
    return not state.ended and (state.guests.brought or state.floor.holder == seat.id)


def _reads(state: RoomState, seat: Seat) -> bool:
    if seat.role is not Role.GUEST:
        return True
    return state.settings.guests_read and speaks(state, seat)


def _guests(state: RoomState) -> None:
    """A guest is in no group, queue or mood, and sees nobody's circle before it is theirs."""
    members = {s.id for s in state.inside() if s.role is Role.MEMBER}
    for seat in state.inside():
        if seat.role is not Role.GUEST:
            continue
        seen: Any = view(state, seat.id)
        assert seat.id not in state.floor.queue
        assert state.group_of(seat.id) is None
        assert seat.topics == ()
        assert (seen["mood"], seen["milestones"], seen["concerns"]) == (None, [], [])
        assert seen["link_key"] is None
        assert not seen.keys() & STAFF_SLICES - {"care"}
        if not speaks(state, seat):
            hidden = {*OWN_SLICES, "aside"}
            told = str({name: value for name, value in seen.items() if name not in hidden})
            assert not [m for m in members if f"'{m}'" in told]
            assert (seen["pairs"], seen["breathe"]) == (None, None)


def _floor(state: RoomState) -> None:
    floor = state.floor
    inside = {s.id for s in state.inside()}
    assert set(floor.queue) <= inside
    assert len(set(floor.queue)) == len(floor.queue)
    assert floor.holder not in floor.queue
    if floor.round is not None:
        order, done = floor.round.order, floor.round.done
        assert floor.holder is not None, "a round without a turn"
        assert order[: len(done) + 1] == (*done, floor.holder)
        assert set(order) <= inside
        assert len(set(order)) == len(order)
    if floor.holder is None:
        assert (floor.ends_at, floor.left, floor.pauses) == (None, None, frozenset())
        return
    assert floor.mode is Mode.STICK
    holder = state.seats[floor.holder]
    assert holder.is_inside
    assert holder.presence is not Presence.AWAY
    assert (Pause.HOLDER in floor.pauses) is (holder.connection is None)
    assert (Pause.UNATTENDED in floor.pauses) is (state.unattended_since is not None)
    assert (floor.ends_at is None) is (floor.seconds is None)
    assert (floor.left is not None) is (floor.paused and floor.seconds is not None)


def _shares(state: RoomState, now: float) -> None:
    """What the turns of a round share, they share equally, up to the last second."""
    floor = state.floor
    running = floor.round
    if running is None or running.until is None or floor.paused:
        return
    assert floor.seconds is not None and floor.ends_at is not None
    coming = [state.seats[m] for m in running.to_come(floor.holder)]
    coming = [s for s in coming if s.presence is not Presence.AWAY]
    assert running.among == 1 + len(coming)
    left = running.until - now
    if floor.extra or left < len(coming) + 2 or floor.ends_at - now <= 10.001:
        return  # what was given by hand, or nothing to share, or somebody who had more already
    if coming:
        share = (running.until - floor.ends_at) / len(coming)
        assert math.isclose(share, floor.seconds, abs_tol=0.01)
    else:
        assert math.isclose(floor.ends_at, running.until, abs_tol=0.01)


def _agenda(state: RoomState) -> None:
    agenda = state.agenda
    assert (Pause.GROUPS in state.floor.pauses) <= (state.pairs is not None)
    if agenda is None:
        return
    assert (agenda.at is None) is (agenda.ends_at is None)
    assert agenda.at is None or agenda.at < len(agenda.stages)
    assert not agenda.over or agenda.at is not None
    stage = agenda.current
    rounds = 0 if stage is None else len(stage.rounds)
    assert agenda.round is None or agenda.round < max(1, rounds)


def _groups(state: RoomState) -> None:
    if state.pairs is None:
        assert state.help == ()
        return
    members = list(chain.from_iterable(state.pairs.groups.values()))
    assert len(set(members)) == len(members), "somebody is in two groups"
    assert all(state.seats[m].is_inside for m in members)
    assert state.pairs.groups
    assert all(state.pairs.groups.values()), "a group of nobody"
    assert set(state.help) <= set(members)
    assert set(state.pairs.visits) <= set(state.pairs.groups)
    visitors = [v.member for visits in state.pairs.visits.values() for v in visits]
    assert len(set(visitors)) == len(visitors), "one visits two groups"
    assert all(state.seats[v].facilitates for v in visitors)
    assert not set(visitors) & set(members)


def _views(state: RoomState) -> None:
    inside = {s.id for s in state.inside()}
    outside = set(state.seats) - inside
    door = {"title", "agreement"} | (set() if state.series is None else {"series"})
    for seat in state.seats.values():
        seen = view(state, seat.id)
        if seat.id in outside:
            assert set(seen) == door
            continue
        assert (seen.keys() >= STAFF_SLICES) is seat.facilitates
        _care_views(state, seat, seen)
        here = inside
        if seat.role is Role.GUEST and not speaks(state, seat):
            here = {m for m in inside if state.seats[m].role is not Role.MEMBER}
        assert set(seen["members"]) == here  # type: ignore[arg-type]
        told = str({name: value for name, value in seen.items() if name not in OWN_SLICES})
        assert not [m for m in outside | state.removed if f"'{m}'" in told]
        assert seen["topics"] == list(seat.topics), "another's concerns"
    assert set(view(state, "a stranger")) == door


def _series(state: RoomState) -> None:
    """Everybody is one person, nobody banned is here, and all that is kept is of handles."""
    series = state.series
    if series is None:
        return
    handles = [series.handle(n) for n in range(series.people) if series.handle(n)]
    assert len(set(handles)) == len(handles)
    for member, person in series.came.items():
        assert series.handle(person)
        assert not (member in state.seats and series.is_banned(person))
    kept = {*series.here, *series.past.banned, *(n for row in series.met for n in row[:2])}
    kept |= {n for n in series.removed.values() if n is not None}
    assert all(series.handle(n) for n in kept)
    assert all(a < b for a, b, _ in series.met)
    assert {series.came[s.id] for s in state.inside() if s.id in series.came} <= series.here
    for one, other in combinations(series.came.items(), 2):
        if one[1] != other[1]:
            pair = frozenset((one[0], other[0]))
            assert state.met.get(pair, 0) <= series.met_by(one[1]).get(other[1], 0)


def _care_views(state: RoomState, seat: Seat, seen: dict[str, Any]) -> None:
    """What is there of care in a view is one's own, or a facilitator's to know."""
    concern = state.care.concerns.get(seat.id)
    flagged = concern is not None and concern.level is not None
    if not seat.facilitates:
        assert seen.keys() & STAFF_SLICES == ({"care"} if flagged else set())
        assert not flagged or seen["care"].keys() == {seat.id}
    else:
        known = {m for m in state.care.concerns if m != seat.id or flagged}
        assert seen["care"].keys() == known
        assert "worried" not in seen["care"].get(seat.id, {})
    assert ("aside" in seen) is (seat.aside is not None)
    assert ("card" in seen) is (seat.id in state.care.cards)
    assert ("care_opened" in seen) is (seat.id in state.care.opened)
    worried = {
        m: str(each.worries[seat.id])
        for m, each in state.care.concerns.items()
        if seat.id in each.worries and state.at(m)
    }
    assert seen.get("worries", {}) == worried


def _moods(state: RoomState) -> None:
    """Nobody is alone in what is shown, and milestones are by and for who was there."""
    mood = state.mood
    if mood is not None:
        listed = list(chain.from_iterable(mood.classes))
        assert len(set(listed)) == len(listed)
        assert all(mood.classes)
        assert mood.open or not mood.given, "answers are kept"
        assert mood.counts is None or 5 <= sum(mood.counts) <= mood.answers
    assert len(state.milestones) <= 5
    for seat in state.inside():
        seen: Any = view(state, seat.id)["milestones"]
        for one in seen:
            assert state.at(one["member"])
            assert seat.role is not Role.GUEST
            assert may_receive(seat, "circle", one["n"])
    assert not state.ended or (mood is None and not state.milestones)


def _materials(state: RoomState) -> None:
    """What is shown is shown to all who are with the circle, and five by hand at most."""
    shown = state.materials.shown
    assert sum(1 for m in shown if not m.of_stage) <= 5
    assert sum(1 for m in shown if m.of_stage) <= 1
    files = [m.id for m in shown if m.file is not None]
    assert len(set(files)) == len(files)
    assert not set(files) & {name for name, _ in state.materials.spent}
    for seat in state.inside():
        seen: Any = view(state, seat.id)["materials"]
        waits = seat.role is Role.GUEST and not speaks(state, seat)
        assert [each["id"] for each in seen] == ([] if waits else [m.id for m in shown])


def _voices(state: RoomState) -> None:
    """Talk moves no hand that is shown, and a nudge is for one member who has not answered it."""
    floor = state.floor
    assert floor.behind <= set(floor.queue)
    assert sorted(voices.hands(state, floor)) == sorted(floor.queue)
    assert state.talk.keys() | state.equal.nudges.keys() <= state.seats.keys()
    for seat in state.inside():
        seen: Any = view(state, seat.id)
        latest = state.equal.nudges.get(seat.id)
        assert ("nudge" in seen) is (latest is not None and latest.open)
        if "nudge" in seen:
            assert seat.role is Role.MEMBER
            assert seat.id not in (floor.holder, *floor.queue)
        waits = seat.role is Role.GUEST and not speaks(state, seat)
        assert seen["floor"]["queue"] == ([] if waits else list(floor.queue))
    assert not state.ended or not (state.talk or state.equal.nudges)


def _sides(state: RoomState) -> None:
    """In a side room are two, one of them a facilitator, and they are nowhere else."""
    sides: dict[str, list[Seat]] = {}
    for seat in state.seats.values():
        if seat.aside is not None:
            sides.setdefault(seat.aside, []).append(seat)
    for people in sides.values():
        assert len(people) == 2
        assert any(s.facilitates for s in people)
        for seat in people:
            assert seat.is_inside and not seat.grace_over
            assert seat.presence is Presence.AWAY
            assert state.group_of(seat.id) is None
            assert state.pairs is None or state.pairs.visited_by(seat.id) is None
    care = state.care
    assert all(care.concerns[m].level for m in care.cards if m not in state.seats)
    assert set(care.lines) | set(care.opened) <= set(state.seats)
    assert not state.ended or (care.concerns, care.cards) == ({}, {})
    assert state.settings.cards or not care.cards


def _place(state: RoomState, seat: Seat) -> str:
    """The group in whose hearing a seat is, a side room, or the circle."""
    if seat.aside is not None:
        return seat.aside
    for group in state.pairs.groups if state.pairs is not None else ():
        if seat.id in audience(state, f"pair:{group}"):
            return group
    if seat.role is Role.GUEST and not speaks(state, seat):
        return f"alone {seat.id}"
    stage = None if state.agenda is None else state.agenda.current
    debrief = stage is not None and stage.kind == "debrief"
    return "debrief" if debrief and seat.role is Role.FACILITATOR else "circle"


def _may_speak(state: RoomState, seat: Seat) -> bool:
    if Kind.AUDIO in seat.held | seat.own or state.ended:
        return False
    if seat.aside is not None:
        return True
    if seat.role is Role.GUEST:
        return speaks(state, seat)
    facilitates = seat.role is Role.FACILITATOR
    if (state.unattended or state.floor.mics == "muted") and not facilitates:
        return False
    if _place(state, seat) != "circle" or state.floor.mode is Mode.OPEN:
        return True
    if state.floor.holder == seat.id:
        return True
    return facilitates and not state.settings.facilitators_wait


def _routes(state: RoomState) -> None:
    live = {s.id: s for s in state.inside() if s.connection is not None and not state.ended}
    places = {m: _place(state, s) for m, s in live.items()}
    now = routes(state)
    assert now.turn == state.floor.turn
    assert set(now.heard) == set(now.seen) == set(live)
    for member, seat in live.items():
        near = {o for o in live if o != member and places[o] == places[member]}
        assert now.heard[member] == (near if _may_speak(state, seat) else set())
        assert now.seen[member] == (near if Kind.VIDEO not in seat.held | seat.own else set())


def _rights(state: RoomState) -> None:
    """The spans of every seat agree with who is where now."""
    groups = list(state.pairs.groups) if state.pairs is not None else []
    groups += [g for s in state.seats.values() for g, _ in s.groups]
    two = sorted(state.seats)[:2]
    streams = ["circle", "facilitators", *(f"pair:{g}" for g in groups)]
    streams += [f"staff:{m}" for m in state.seats]
    streams += [stream_of("direct", *two)] if len(two) == 2 else []
    for stream in streams:
        for number in {state.rights, state.seq}:
            got = {s.id for s in state.seats.values() if may_receive(s, stream, number)}
            assert got == audience(state, stream), stream


def _attendance(state: RoomState) -> None:
    connected = any(s.connection is not None for s in state.facilitators())
    assert (state.unattended_since is None) is (connected or not state.attended)
    assert not state.unattended or state.unattended_since is not None


def _life(state: RoomState) -> None:
    """A room in which somebody was forgets once nobody inside is connected, and not before."""
    connected = any(s.connection is not None for s in state.inside())
    if not state.ended:
        assert (state.emptied_at is not None) is (state.used and not connected)
        assert state.used or not state.inside()
        assert state.used or all(s.connection is not None for s in state.seats.values())
        assert due_at(state) <= state.expires_at
    due = forgets_at(state)
    assert due is None or (not connected and due_at(state) <= due)
    assert state.closing in (None, 3600, 600, 60, 0)
    for invite in state.invites.values():
        here = sum(1 for s in state.seats.values() if s.invite == invite.id)
        assert here + invite.spent <= invite.used
