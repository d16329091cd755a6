"""Folding events into a state. Total: for every event that `decide` can make, it never raises."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from sitwith_server.room import events as ev
from sitwith_server.room import series_fold
from sitwith_server.room.access import rights_changed, with_spans
from sitwith_server.room.agenda import Agenda
from sitwith_server.room.care import Care
from sitwith_server.room.equal import Equal, Nudge
from sitwith_server.room.guests import Guests
from sitwith_server.room.linking import Linking
from sitwith_server.room.materials import Materials
from sitwith_server.room.milestones import Milestone
from sitwith_server.room.model import Agreement, Opening, Phase, Role, RoomState, Seat
from sitwith_server.room.mood import Mood
from sitwith_server.room.record import reopened


def begin(event: ev.RoomOpened) -> RoomState:
    """The state after a room's first event, which has number 1."""
    return RoomState(
        id=event.room,
        title=event.title,
        agreement=Agreement(event.agreement_version, event.agreement_text),
        settings=event.settings,
        capacity=event.capacity,
        created_at=event.at,
        expires_at=event.expires_at,
        opening=Opening(
            settings=event.settings,
            stages=event.stages,
            concerns=event.concerns,
            forget_seconds=event.forget_seconds,
            ttl=event.expires_at - event.at,
            door_seconds=event.door_seconds,
        ),
        invites={i.id: i for i in event.invites},
        agenda=Agenda(event.stages) if event.stages else None,
        linking=Linking(event.link_key, event.concerns),
        materials=Materials(event.material_key),
        seq=1,
        rights=1,
    )


def fold(state: RoomState, event: ev.Event) -> RoomState:
    """The state after `event`, numbered one higher, with everybody's rights to receive kept."""
    number = state.seq + 1
    if isinstance(event, ev.RoomReopened):
        return reopened(event.record, number, number, {seat.id: seat for seat in event.door})
    new = series_fold.after(state, _APPLY[type(event)](state, event), event)
    if type(event) in _USES and not new.used:
        new = replace(new, used=True)
    changed = rights_changed(state, new)
    new = replace(new, seq=number, rights=number if changed else state.rights)
    return with_spans(state, new) if changed else new


def fold_all(events: Iterable[ev.Event]) -> RoomState:
    """The state after all events of a control log, the first of which is `RoomOpened`."""
    rest = iter(events)
    first = next(rest)
    assert isinstance(first, ev.RoomOpened)
    state = begin(first)
    for event in rest:
        state = fold(state, event)
    return state


def _on_seat(change: Callable[[Any, Seat], Seat]) -> Callable[[RoomState, Any], RoomState]:
    """An event about one seat; one about a seat that is gone changes nothing."""

    def apply(state: RoomState, event: Any) -> RoomState:
        seat = state.seats.get(event.member)
        return state if seat is None else state.with_seat(change(event, seat))

    return apply


def _seat_taken(state: RoomState, event: ev.SeatTaken) -> RoomState:
    invite = state.invites.get(event.invite)
    if invite is not None:
        used = replace(invite, used=invite.used + 1)
        state = replace(state, invites={**state.invites, invite.id: used})
    return state.with_seat(
        Seat(
            id=event.member,
            name=event.name,
            skeleton=event.skeleton,
            role=event.role,
            invite=event.invite,
            connection=event.connection,
            resumes=event.resumes,
            led=event.led,
            signed_at=event.at,
            address=event.address,
        )
    )


def _lobby_joined(event: ev.LobbyJoined, seat: Seat) -> Seat:
    """To accept the agreement is a sign of a person."""
    return replace(
        seat,
        phase=Phase.LOBBY,
        role=event.role,
        waiting_since=event.at,
        stepped_away=False,
        signed_at=0.0 if seat.place else event.at,
    )


def _seat_left(state: RoomState, event: ev.SeatLeft) -> RoomState:
    seat = state.seats.get(event.member)
    invite = None if seat is None else state.invites.get(seat.invite)
    if invite is not None and event.unused:
        again = replace(invite, used=max(invite.spent, invite.used - 1))
        state = replace(state, invites={**state.invites, invite.id: again})
    return state.without_seat(event.member)


def _entered(state: RoomState, event: ev.Entered) -> RoomState:
    seat = state.seats.get(event.member)
    if seat is None:
        return state
    place = seat.place or state.places + 1
    inside = replace(
        seat,
        phase=Phase.INSIDE,
        name=event.name,
        skeleton=event.skeleton,
        role=event.role,
        place=place,
        waiting_since=None,
        signed_at=0.0,
        address=b"",
    )
    attended = state.attended or inside.facilitates
    places = max(state.places, place)
    return replace(state.with_seat(inside), places=places, attended=attended)


def _connection_lost(state: RoomState, event: ev.ConnectionLost | ev.PlaceYielded) -> RoomState:
    seat = state.seats.get(event.member)
    if seat is None:
        return state
    return state.with_seat(replace(seat, connection=None, lost_at=event.at))


def _removed(state: RoomState, event: ev.Removed) -> RoomState:
    seat = state.seats.get(event.member)
    state = replace(state, removed=state.removed | {event.member}, links_wait=True, former=())
    if seat is None:
        return state
    invite = state.invites.get(seat.invite)
    if invite is not None:
        dead = replace(invite, revoked=invite.revoked or invite.uses == 1, spent=invite.spent + 1)
        state = replace(state, invites={**state.invites, invite.id: dead})
    state = replace(state, materials=state.materials.nameless(event.member))
    return state.without_seat(event.member)


def _turned_away(state: RoomState, event: ev.TurnedAway) -> RoomState:
    """As the removed, but nobody else has to wait for it."""
    gone = _removed(state, ev.Removed(event.member))
    return replace(gone, links_wait=state.links_wait, former=state.former)


def _role_given(state: RoomState, event: ev.RoleGiven) -> RoomState:
    seat = state.seats.get(event.member)
    if seat is None:
        return state
    lost_power = seat.role is Role.FACILITATOR and event.role is not Role.FACILITATOR
    state = state.with_seat(replace(seat, role=event.role))
    if not lost_power:
        return state
    return replace(state, staff_links_wait=True, former=())


def _pairs_changed(state: RoomState, event: ev.PairsChanged) -> RoomState:
    met = dict(state.met)
    for a, b in event.met:
        met[frozenset((a, b))] = met.get(frozenset((a, b)), 0) + 1
    count = state.group_count if event.group_count is None else event.group_count
    return replace(state, pairs=event.pairs, met=met, group_count=count)


def _invite_revoked(state: RoomState, event: ev.InviteRevoked) -> RoomState:
    invite = state.invites.get(event.invite)
    if invite is None:
        return state
    gone = replace(invite, revoked=True)
    return replace(state, invites={**state.invites, invite.id: gone})


def _attendance(state: RoomState, event: ev.AttendanceChanged) -> RoomState:
    return replace(state, unattended_since=event.since, unattended=event.unattended)


def _agenda_moved(state: RoomState, event: ev.AgendaMoved) -> RoomState:
    if state.agenda is None:
        return state
    agenda = replace(
        state.agenda, at=event.at, ends_at=event.ends_at, over=event.over, round=event.round
    )
    return replace(state, agenda=agenda)


def _thawed(state: RoomState, event: ev.Thawed) -> RoomState:
    """What was due later is due later still; what has passed before stays where it was."""
    by = event.length
    floor, pairs = state.floor, state.pairs
    if floor.ends_at is not None and not floor.paused:
        floor = replace(floor, ends_at=floor.ends_at + by)
    if floor.round is not None and floor.round.until is not None:
        floor = replace(floor, round=replace(floor.round, until=floor.round.until + by))
    agenda, breathe = state.agenda, state.breathe
    if agenda is not None and agenda.ends_at is not None and not agenda.over:
        agenda = replace(agenda, ends_at=agenda.ends_at + by)
    if breathe is not None:
        # Who is breathing already keeps the rhythm.
        begun = breathe.starts_at < event.until - by
        starts_at = breathe.starts_at if begun else breathe.starts_at + by
        breathe = replace(breathe, starts_at=starts_at, ends_at=breathe.ends_at + by)
    if pairs is not None:
        ends_at = None if pairs.ends_at is None else pairs.ends_at + by
        visits = {
            g: tuple(v if v.open else replace(v, opens_at=v.opens_at + by) for v in vs)
            for g, vs in pairs.visits.items()
        }
        pairs = replace(pairs, ends_at=ends_at, visits=visits)
    seats = {m: _thawed_seat(s, by) for m, s in state.seats.items()}
    since = state.unattended_since
    return replace(
        state,
        thawed_at=event.until,
        floor=floor,
        agenda=agenda,
        breathe=breathe,
        milestones=tuple(replace(m, ends_at=m.ends_at + by) for m in state.milestones),
        pairs=pairs,
        seats=seats,
        unattended_since=None if since is None else since + by,
    )


def _thawed_seat(seat: Seat, by: float) -> Seat:
    if seat.lost_at is not None:
        seat = replace(seat, lost_at=seat.lost_at + by)
    return replace(seat, signed_at=seat.signed_at + by) if seat.signed_at else seat


def _settings_changed(state: RoomState, event: ev.SettingsChanged) -> RoomState:
    """A room that asks for no cards any more keeps none. Who has answered under a promise is held
    to it, whatever is changed before the question is closed."""
    care = state.care if event.settings.cards else state.care.without_cards()
    mood = state.mood
    if mood is not None and mood.open and event.settings.mood_strict:
        mood = replace(mood, strict=True)
    return replace(state, settings=event.settings, care=care, mood=mood)


def _concern_changed(state: RoomState, event: ev.ConcernChanged) -> RoomState:
    there = event.member in state.seats
    return replace(state, care=state.care.with_concern(event.member, event.concern, there=there))


def _side_changed(state: RoomState, event: ev.SideChanged) -> RoomState:
    seats = {
        m: replace(seat, aside=event.side) if m in event.members else seat
        for m, seat in state.seats.items()
    }
    count = state.care.sides if event.count is None else event.count
    return replace(state, seats=seats, care=replace(state.care, sides=count))


def _card_opened(state: RoomState, event: ev.CardOpened) -> RoomState:
    if event.member not in state.seats:
        return state  # nobody is there to be told; the trail is
    return replace(state, care=state.care.with_opening(event.member, event.opening))


def _mood_asked(state: RoomState, event: ev.MoodAsked) -> RoomState:
    classes = state.mood.classes if state.mood else ()
    return replace(state, mood=Mood(strict=state.settings.mood_strict, classes=classes))


def _mood_answered(state: RoomState, event: ev.MoodAnswered) -> RoomState:
    if state.mood is None or not event.member:
        return state
    mood = state.mood.with_answer(event.member, event.value, state.seq + 1)
    return replace(state, mood=mood)


def _mood_closed(state: RoomState, event: ev.MoodClosed) -> RoomState:
    shown = Mood(open=False, answers=event.answers, counts=event.counts, classes=event.classes)
    return replace(state, mood=shown)


def _milestone_shared(state: RoomState, event: ev.MilestoneShared) -> RoomState:
    if not event.member:
        return state
    one = Milestone(state.seq + 1, event.member, event.text, event.ends_at, event.name)
    return replace(state, milestones=(*state.milestones, one))


def _material_shown(state: RoomState, event: ev.MaterialShown) -> RoomState:
    if not event.material.id:
        return state
    made = replace(event.material, n=state.seq + 1)
    return replace(state, materials=state.materials.with_shown(made))


def _talk_heard(state: RoomState, event: ev.TalkHeard) -> RoomState:
    talk = dict(state.talk)
    for member, seconds in event.heard:
        if member in state.seats:
            talk[member] = round(talk.get(member, 0.0) + seconds, 1)
    return replace(state, talk=talk)


def _nudged(state: RoomState, event: ev.Nudged) -> RoomState:
    if event.member not in state.seats:
        return state
    nudge = Nudge(event.at, event.talk)
    return replace(state, equal=state.equal.with_nudge(event.member, nudge))


_APPLY: dict[type, Callable[[RoomState, Any], RoomState]] = {
    ev.RoomOpened: lambda s, e: s,
    ev.Blanked: lambda s, e: s,
    ev.Emptied: lambda s, e: replace(s, emptied_at=e.at),
    ev.ExpiryMoved: lambda s, e: replace(s, expires_at=e.expires_at, closing=e.closing),
    ev.ClosingTold: lambda s, e: replace(s, closing=e.seconds),
    ev.RoomEnded: lambda s, e: replace(
        s,
        ended=True,
        talk={},
        equal=Equal(),
        care=Care(),
        mood=None,
        milestones=(),
        materials=Materials(),
    ),
    ev.InviteAdded: lambda s, e: replace(s, invites={**s.invites, e.invite.id: e.invite}),
    ev.InviteRevoked: _invite_revoked,
    ev.SeatTaken: _seat_taken,
    ev.SeatTakenBack: _on_seat(
        lambda e, seat: replace(
            seat,
            connection=e.connection,
            resumes=e.resumes,
            came=seat.came + 1,
            lost_at=None,
            grace_over=False,
            address=e.address,
        )
    ),
    ev.ConnectionLost: _connection_lost,
    ev.PlaceYielded: _connection_lost,
    ev.SignSeen: _on_seat(lambda e, seat: replace(seat, signed_at=e.at)),
    ev.GraceOver: _on_seat(lambda e, seat: replace(seat, grace_over=True)),
    ev.LobbyJoined: _on_seat(_lobby_joined),
    ev.Entered: _entered,
    ev.SeatLeft: _seat_left,
    ev.Removed: _removed,
    ev.Renamed: _on_seat(lambda e, seat: replace(seat, name=e.name, skeleton=e.skeleton)),
    ev.SteppedAway: _on_seat(lambda e, seat: replace(seat, stepped_away=e.away)),
    ev.RoleGiven: _role_given,
    ev.LockSet: lambda s, e: replace(s, locked=e.locked),
    ev.SettingsChanged: _settings_changed,
    ev.MutesSet: _on_seat(lambda e, seat: replace(seat, held=e.held, own=e.own)),
    ev.FloorChanged: lambda s, e: replace(s, floor=e.floor),
    ev.RoundBegan: lambda s, e: replace(s, last_starter=e.place),
    ev.AvoidKept: lambda s, e: replace(s, avoid=e.avoid),
    ev.PairsChanged: _pairs_changed,
    ev.TopicsSet: _on_seat(lambda e, seat: replace(seat, topics=e.tags)),
    ev.ConcernsOffered: lambda s, e: replace(s, linking=replace(s.linking, concerns=e.concerns)),
    ev.HelpChanged: lambda s, e: replace(s, help=e.help),
    ev.ConcernChanged: _concern_changed,
    ev.SideChanged: _side_changed,
    ev.CardKept: lambda s, e: replace(s, care=s.care.with_card(e.member, e.card, s.seq + 1)),
    ev.CardOpened: _card_opened,
    ev.LineChanged: lambda s, e: replace(s, care=s.care.with_line(e.member, e.line)),
    ev.AgendaWritten: lambda s, e: replace(s, agenda=e.agenda),
    ev.AgendaMoved: _agenda_moved,
    ev.MoodAsked: _mood_asked,
    ev.MoodAnswered: _mood_answered,
    ev.MoodClosed: _mood_closed,
    ev.MilestoneShared: _milestone_shared,
    ev.MilestonesOver: lambda s, e: replace(
        s, milestones=tuple(m for m in s.milestones if m.n not in e.numbers)
    ),
    ev.BreatheChanged: lambda s, e: replace(s, breathe=e.breathe),
    ev.AttendanceChanged: _attendance,
    ev.Thawed: _thawed,
    ev.MediaPinned: lambda s, e: replace(s, media=e.node),
    ev.TalkHeard: _talk_heard,
    ev.Nudged: _nudged,
    ev.SeriesBegan: series_fold.began,
    ev.PersonCame: series_fold.came,
    ev.TurnedAway: _turned_away,
    ev.PersonForgotten: series_fold.forgotten,
    ev.SeriesDropped: lambda s, e: replace(s, series=None),
    ev.NudgeEnded: lambda s, e: replace(s, equal=s.equal.answered(e.member)),
    ev.MaterialShown: _material_shown,
    ev.MaterialsGone: lambda s, e: replace(s, materials=s.materials.without(e.materials, e.at)),
    ev.GuestsMoved: lambda s, e: replace(s, guests=Guests(e.brought)),
}

_USES: frozenset[type] = frozenset(
    (
        ev.Entered,
        ev.ConnectionLost,
        ev.PlaceYielded,
        ev.SeatLeft,
        ev.Removed,
        ev.TurnedAway,
        ev.Renamed,
    )
)
"""Events that leave something to forget beyond who stands at the door."""
