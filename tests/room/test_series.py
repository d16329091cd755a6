"""Rooms that meet again: what they know of one another (SE*)."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_server.room import Refusal, decide, fold, fold_all
from sitwith_server.room import commands as c
from sitwith_server.room.events import Removed, SeriesBegan
from sitwith_server.room.model import OPERATOR, Presence, Role
from sitwith_server.room.series.values import Past
from sitwith_server.service.rooms import effects, store
from sitwith_server.service.rooms.replica import forgotten_people
from tests.room import laws
from tests.room.evening import FACILITATOR, MEMBER, Evening, circle
from tests.room.series import SERIES, Meeting, handle

SIX = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn")


def test_SE1_before_one_is_inside_one_knows_that_it_is_a_series_and_nothing_of_anybody() -> None:
    e = Meeting()
    e.circle("Ada")
    door = e.see(e.arrive("Ben"))
    assert door == {
        "title": "Evening",
        "agreement": {"version": 1, "text": "Be kind."},
        "series": {"id": SERIES},
    }
    e.accept_as("ben", None)
    assert e.see("ada")["series"] == {"id": SERIES, "remembered": True, "times": False}
    assert e.see("ben")["series"] == {"id": SERIES, "remembered": False, "times": False}
    assert "series" not in circle("Ada").see("ada")
    assert "series" not in Evening().see("nobody")


def test_SE2_a_person_is_for_rooms_of_a_series_alone() -> None:
    e = Evening()
    who = e.arrive("Ada")
    assert e.no(who, c.AgreementAccept, version=1, handle=handle("Ada")) == "not_allowed"
    assert e.no(who, c.AgreementAccept, version=2, handle=handle("Ada")) == "stale"
    e.accept(who)
    m = Meeting()
    assert m.no(m.arrive("Ada"), c.AgreementAccept, version=9, handle=handle("Ada")) == "stale"
    assert m.series.people == 0


def test_SE2_nobody_has_to_be_remembered() -> None:
    e = Meeting()
    e.come_as("Fay", None, FACILITATOR)
    for name in SIX:
        e.come_as(name, None)
    e.ok("fay", c.PairsOpen, groups=(("ada", "ben"),))
    e.ok("fay", c.FloorRound)
    assert e.past() == Past()


def test_SE3_who_met_in_an_earlier_meeting_has_met() -> None:
    first = Meeting()
    first.circle("Ada", "Ben", "Cleo", "Dan")
    first.ok("fay", c.PairsOpen, groups=(("ada", "ben"), ("cleo", "dan")))
    second = Meeting(first.past())
    second.circle("Dan", "Ada", "Ben", "Cleo")
    plan = second.ok("fay", c.PairsPlan, seed=1, how="random", pins=(("ada", "ben"),)).answer
    assert plan["report"]["repeats"] == 2  # type: ignore[index]
    for seed in range(20):
        fresh = second.ok("fay", c.PairsPlan, seed=seed, how="fresh").answer
        assert fresh["report"]["repeats"] == 0  # type: ignore[index]
    assert not second.series.met


def test_SE3_who_comes_back_by_another_seat_has_met_those_whom_they_met() -> None:
    e = Meeting()
    e.circle("Ada", "Ben")
    e.ok("fay", c.PairsOpen, groups=(("ada", "ben"),))
    e.ok("fay", c.PairsClose, grace=0)
    e.ok("ada", c.Leave)
    e.come_as("Ada2", "Ada")
    assert e.state.met[frozenset(("ada2", "ben"))] == 1
    e.ok("fay", c.PairsOpen, groups=(("ada2", "ben"),))
    assert e.series.met == ((0, 1, 2),)
    assert e.state.met[frozenset(("ada2", "ben"))] == 2


def test_SE3_two_seats_of_one_person_never_meet() -> None:
    e = Meeting()
    e.circle("Ada")
    e.come_as("Phone", "Ada")
    e.ok("fay", c.PairsOpen, groups=(("ada", "phone"),))
    assert e.series.met == ()


def matchings(people: tuple[str, ...]) -> list[frozenset[frozenset[str]]]:
    if not people:
        return [frozenset()]
    first, rest = people[0], people[1:]
    return [
        frozenset({frozenset((first, other))}) | others
        for other in rest
        for others in matchings(tuple(p for p in rest if p != other))
    ]


@settings(max_examples=40)
@given(st.lists(st.permutations(SIX), min_size=5, max_size=5), st.integers(0, 2**32))
def test_SE3_SE4_pairs_do_not_repeat_while_it_is_possible_and_starters_rotate(
    orders: list[list[str]], seed: int
) -> None:
    """Six people, who come in any order: of all matchings that are left, as the oracle has them,
    one is taken as long as there is one, and six meetings have six starters."""
    past, seen, starters = Past(), set[frozenset[str]](), []
    for number, order in enumerate(orders):
        e = Meeting(past)
        e.circle(*order)
        left = [m for m in matchings(tuple(n.lower() for n in SIX)) if not m & seen]
        plan = e.ok("fay", c.PairsPlan, seed=seed + number, how="fresh").answer
        groups = plan["groups"]
        chosen = {frozenset(group) for group in groups}  # type: ignore[attr-defined]
        assert bool(left) == (not chosen & seen)
        assert left, "five matchings of six people have no pair in common"
        seen |= chosen
        e.ok("fay", c.PairsOpen, groups=tuple(map(tuple, groups)))  # type: ignore[call-overload]
        e.ok("fay", c.PairsClose, grace=0)
        e.ok("fay", c.FloorRound)
        starters.append(e.holder)
        assert e.replay() == e.state
        past = e.past()
    assert len(set(starters)) == 5
    assert seen == {frozenset(pair) for pair in combinations([n.lower() for n in SIX], 2)}


def test_SE4_a_round_begins_with_who_has_waited_for_the_most_rounds() -> None:
    e = Meeting(Past(people=(handle("Ada"), handle("Ben"), handle("Cleo")), waited=(1, 3, 3)))
    e.circle("Ada", "Cleo", "Ben", "New")
    e.come_as("Shy", None)
    held = []
    for _ in range(5):
        e.ok("fay", c.FloorRound)
        held.append(e.holder)
    # Of equals who sits next after the last starter; the new have waited for none before tonight.
    assert held == ["cleo", "ben", "ada", "new", "shy"]


def test_SE4_a_starter_or_an_order_that_is_given_holds() -> None:
    e = Meeting(Past(people=(handle("Ada"), handle("Ben")), waited=(0, 7)))
    e.circle("Ada", "Ben")
    e.ok("fay", c.FloorRound, starter="ada")
    assert e.holder == "ada"
    assert e.series.waited["ben"] == 8
    e.ok("fay", c.FloorRound, order=("ada", "ben"))
    assert e.holder == "ada"
    assert e.series.waited["ben"] == 8  # an order that is given is nobody's turn to begin
    e.ok("fay", c.FloorRound)
    assert e.holder == "ben"
    assert e.series.waited == {"ada": 1, "ben": 0}


def test_SE4_the_away_neither_begin_nor_wait() -> None:
    e = Meeting(Past(people=(handle("Ada"), handle("Ben"), handle("Cleo")), waited=(9, 5, 5)))
    e.circle("Ada", "Ben", "Cleo")
    e.ok("ada", c.SelfAway, away=True)
    e.ok("fay", c.FloorRound)
    assert e.holder == "ben"
    assert e.series.waited == {"ada": 9, "ben": 0, "cleo": 6}


@given(st.data())
def test_SE4_over_many_meetings_everybody_begins_equally_often(data: st.DataObject) -> None:
    """With the same people each time, in any order of seats, nobody begins twice more than anybody
    else; and nobody begins twice before all have once."""
    names = SIX[: data.draw(st.integers(2, 6))]
    past, began = Past(), dict.fromkeys((n.lower() for n in names), 0)
    for _ in range(data.draw(st.integers(1, 4))):
        e = Meeting(past)
        e.circle(*data.draw(st.permutations(names)))
        for _ in range(data.draw(st.integers(0, 4))):
            e.ok("fay", c.FloorRound)
            began[e.holder] += 1
            assert max(began.values()) - min(began.values()) <= 1
        past = e.past()


def test_SE5_whoever_was_removed_never_comes_in_again() -> None:
    first = Meeting()
    first.circle("Ada", "Ben")
    first.ok("fay", c.MemberRemove, member="ada")
    for past in (first.past(), Meeting(first.past()).past()):
        e = Meeting(past)
        e.circle("Ben")
        single = e.link(Role.MEMBER, uses=1)
        staff = e.link(Role.FACILITATOR, uses=1)
        for link in (MEMBER, single, FACILITATOR, staff):
            who = e.arrive(f"Anna{link.decode()}", link)
            e.accept_as(who, "Ada")
            assert who not in e.state.seats
            assert who in e.state.removed
            back = e.back(who, f"{who}-0".encode())
            assert isinstance(back, Refusal) and back.code == "removed"
        assert isinstance(e.hello("Again", single), Refusal)  # its one-use link is dead
        assert e.past().banned == past.banned
        assert not e.state.links_wait  # nobody else has to wait for it
        laws.check(e.state, e.now)


def test_SE5_a_removal_takes_all_seats_of_the_person() -> None:
    e = Meeting()
    e.circle("Ada", "Ben")
    e.come_as("Phone", "Ada")
    e.ok("fay", c.FloorRound)
    assert e.holder == "ada"
    e.ok("fay", c.MemberRemove, member="phone")
    assert {"ada", "phone"} & set(e.state.seats) == set()
    assert e.holder == "ben"
    assert list(e.series.removed) == ["phone"]
    assert e.past().banned == {0}
    laws.check(e.state, e.now)


def test_SE5_one_does_not_remove_oneself_by_another_seat() -> None:
    e = Meeting()
    e.come_as("Fay", "Fay", FACILITATOR)
    e.come_as("Phone", "Fay")
    assert e.no("fay", c.MemberRemove, member="phone") == "not_allowed"
    assert e.no("fay", c.MemberRemove, member="fay") == "not_allowed"


def test_SE6_where_somebody_is_banned_the_unknown_wait() -> None:
    first = Meeting()
    first.circle("Ada", "Ben")
    first.ok("fay", c.MemberRemove, member="ada")
    e = Meeting(first.past())
    e.come_as("Fay", None, FACILITATOR)
    assert e.seat("fay").facilitates
    assert e.seat(e.come_as("Ben")).is_inside
    for name, of in (("New", "New"), ("Shy", None)):
        assert not e.seat(e.come_as(name, of)).is_inside
        e.ok("fay", c.LobbyAdmit, person=name.lower())
    assert e.seat(e.come_as("Own", None, e.link(Role.MEMBER, uses=1))).is_inside
    e.ok("new", c.Leave)
    assert e.seat(e.come_as("New2", "New")).is_inside  # let in once, known from then on
    third = Meeting(e.past())
    third.circle("New", "Ben")
    assert [s.id for s in third.state.inside()] == ["fay", "new", "ben"]


def test_SE6_somebody_removed_without_a_handle_is_banned_by_nobodys_name() -> None:
    first = Meeting()
    first.circle("Ben")
    first.come_as("Shy", None)
    first.ok("fay", c.MemberRemove, member="shy")
    assert first.series.removed == {"shy": None}
    past = first.past()
    assert (past.banned, past.bans) == (frozenset(), True)
    e = Meeting(past)
    e.circle("Ben")
    assert not e.seat(e.come_as("Shy2", None)).is_inside


def test_SE7_only_who_has_been_inside_is_kept() -> None:
    e = Meeting(lobby=True)
    e.come_as("Fay", None, FACILITATOR)
    for name in ("Ada", "Ben", "Cleo"):
        e.come_as(name)
    e.ok("fay", c.LobbyAdmit, person="ada")
    e.ok("fay", c.LobbyDecline, person="ben")
    assert e.past().people == (handle("Ada"),)


def forget(e: Meeting, name: str) -> None:
    e.ok(OPERATOR, c.SeriesForget, handle=handle(name))


def blanked(e: Meeting) -> list[bytes]:
    """The room's log as the service leaves it: what is to stand in the place of other events."""
    log, state = list(e.events), fold_all(e.events[:1])
    for number, event in enumerate(e.events[1:], 2):
        after = fold(state, event)
        for happened, places in effects.replaced_events(state, after).items():
            for place in places:
                log[place - 1] = happened.event
        state = after
        assert state.seq == number
    assert fold_all(log) == e.state
    return [store.event_to_bytes(event, "w", "b") for event in log]


def test_SE8_a_room_forgets_a_person_at_once_and_leaves_no_trace_of_the_handle() -> None:
    first = Meeting()
    first.circle("Ada", "Ben")
    first.ok("fay", c.PairsOpen, groups=(("ada", "ben"),))
    first.ok("fay", c.MemberRemove, member="ada")
    e = Meeting(first.past())
    e.circle("Ben", "Cleo")
    e.ok("fay", c.LobbyAdmit, person="cleo")
    e.ok("fay", c.PairsOpen, groups=(("ben", "cleo"),))
    e.ok("fay", c.FloorRound)
    for name in ("Ada", "Ben", "Cleo"):
        forget(e, name)
        e.same(OPERATOR, c.SeriesForget, handle=handle(name))
        assert handle(name) not in store.state_to_bytes(e.state)
    assert not any(handle(n) in blob for blob in blanked(e) for n in ("Ada", "Ben", "Cleo"))
    assert e.past() == Past(bans=True)
    assert e.see("ben")["series"] == {"id": SERIES, "remembered": False, "times": False}
    assert e.seat("ben").is_inside
    laws.check(e.state, e.now)


def test_SE8_somebody_forgotten_may_come_as_somebody_new() -> None:
    e = Meeting()
    e.circle("Ada", "Ben")
    forget(e, "Ada")
    e.ok("fay", c.PairsOpen, groups=(("ada", "ben"),))
    assert e.series.met == ()
    e.ok("fay", c.PairsClose, grace=0)
    e.come_as("Ada2", "Ada")
    e.ok("fay", c.PairsOpen, groups=(("ada2", "ben"),))
    assert e.past().people == (handle("Ada"), handle("Ben"))
    assert e.past().met == ((0, 1, 1),)
    blanked(e)


def test_SE8_a_dropped_series_leaves_a_room_like_any_other() -> None:
    first = Meeting()
    first.circle("Ada", "Ben")
    e = Meeting(first.past())
    e.circle("Ada", "Cleo")
    e.ok(OPERATOR, c.SeriesDrop)
    e.same(OPERATOR, c.SeriesDrop)
    assert e.state.series is None
    assert "series" not in e.see("ada")
    assert not any(handle(n) in blob for blob in blanked(e) for n in ("Ada", "Ben", "Cleo"))
    e.come_as("Dan", None)
    e.ok("fay", c.FloorRound)
    e.ok("fay", c.MemberRemove, member="dan")


def test_SE8_what_a_log_has_lost_is_forgotten_again() -> None:
    e = Meeting()
    e.circle("Ada", "Ben")
    was = e.state
    forget(e, "Ada")
    lost = forgotten_people(e.state, was)
    assert lost == {0}
    e.state = was
    e.ok(OPERATOR, c.Reassert, removed=frozenset(), held={}, turn=0, forgotten=lost)
    assert e.series.find(handle("Ada")) is None


def test_a_meeting_begins_once_and_before_anybody_came() -> None:
    e = Meeting()
    assert e.no(OPERATOR, c.SeriesBegin, series="other", past=Past()) == "stale"
    other = circle("Ada")
    assert other.no(OPERATOR, c.SeriesBegin, series="other", past=Past()) == "stale"


def test_a_room_that_has_ended_forgets_quietly() -> None:
    e = Meeting()
    e.circle("Ada")
    e.ok("fay", c.RoomEnd)
    e.same(OPERATOR, c.SeriesForget, handle=handle("Ada"))
    assert e.series.here == {0}  # what it has added can still be told


@pytest.mark.parametrize("event", [SeriesBegan("s", Past((b"a" * 16,), (1,))), Removed("nobody")])
def test_events_of_a_series_survive_their_bytes(event: object) -> None:
    blob = store.event_to_bytes(event, "why", "by")  # type: ignore[arg-type]
    assert store.read_event(blob).event == event


def test_a_decision_shows_no_handle_in_its_words() -> None:
    e = Meeting()
    e.circle("Ada")
    assert "ada...." not in repr(e.events)
    assert "ada...." not in repr(e.state)
    refused = decide(e.state, c.SeriesBegin(by="", series="x", past=Past()), e.now)
    assert "ada" not in repr(refused)
    assert e.seat("ada").presence is Presence.HERE
