"""A meeting whose room forgets in between keeps what it has added, by handles alone (FG8)."""

from __future__ import annotations

from sitwith_server.room import commands as c
from sitwith_server.room import fold, fold_all
from sitwith_server.room.events import Blanked, PersonCame, RoomReopened
from sitwith_server.room.lifetime.record import record_of, reopened
from sitwith_server.room.model import OPERATOR, Phase
from sitwith_server.room.series.values import Past
from sitwith_server.service.meetings import summary_of
from sitwith_server.service.rooms import effects, store
from tests.room import laws
from tests.room.evening import FACILITATOR
from tests.room.series import Meeting, handle


def second_life(*names: str) -> Meeting:
    """Ada and Ben sat together, Cleo was removed, Dan only waited; it forgot, and these came."""
    e = Meeting()
    e.circle("Ada", "Ben", "Cleo")
    e.ok("fay", c.PairsOpen, groups=(("ada", "ben"),))
    e.ok("fay", c.PairsClose, grace=0)
    e.ok("fay", c.FloorRound)
    e.ok("fay", c.MemberRemove, member="cleo")
    e.come_as("Dan")
    assert e.seat("dan").phase is Phase.LOBBY
    e.lose("dan")
    e.forget()
    once = {name: e.link(e.state.invites["i-m"].role, uses=1) for name in names}
    e.come_as("Fay2", None, e.link(e.state.invites["i-f"].role, uses=1))
    for name, link in once.items():
        e.come_as(f"{name}2", name, link)
    return e


def test_FG8_later_lives_add_to_what_a_meeting_has_added() -> None:
    e = second_life("Ada", "Eve")
    assert e.series.came == {"ada2": 0, "eve2": e.series.find(handle("Eve"))}
    e.ok("fay2", c.PairsOpen, groups=(("ada2", "eve2"),))
    e.ok("fay2", c.FloorRound)
    kept = summary_of(e.state)
    assert kept is not None
    ada, ben, eve = (handle(name) for name in ("Ada", "Ben", "Eve"))
    # Ada began the first round and, of equals the first, this one; Ben waited through the first.
    assert kept.here == {ada: 0, ben: 1, handle("Cleo"): 1, eve: 1}
    assert kept.met == {(ada, ben): 1, (ada, eve): 1}
    assert kept.removed == {"cleo": handle("Cleo")}
    laws.check(e.state, e.now)
    laws.check_lives(e.state, e.events)


def test_FG8_who_has_met_before_has_met_and_who_was_removed_stays_out() -> None:
    e = second_life("Ada", "Ben", "Eve", "Finn")
    for seed in range(10):
        plan = e.ok("fay2", c.PairsPlan, seed=seed, how="fresh").answer
        assert plan["report"]["repeats"] == 0  # type: ignore[index]
    e.ok("fay2", c.PairsOpen, groups=(("ada2", "ben2"),))
    assert e.past().met == ((0, 1, 2),)
    e.ok("fay2", c.FloorRound)
    assert e.holder == "ben2"  # who has waited through a round of before, and Ada has not
    once = e.link(e.state.invites["i-m"].role, uses=1)
    e.come_as("Cleo2", "Cleo", once)
    assert "cleo2" not in e.state.seats
    e.come_as("Stranger", "Dan")  # who only waited is known to nobody
    assert e.seat("stranger").phase is Phase.LOBBY


def test_FG8_who_stands_at_the_door_is_still_the_same_person() -> None:
    e = Meeting(lobby=True)
    e.come_as("Fay", None, FACILITATOR)
    for name in ("Ada", "Ben", "Cleo"):
        e.come_as(name)
    e.ok("fay", c.LobbyAdmit, person="ada")
    e.ok("fay", c.LobbyAdmit, person="ben")
    e.ok("fay", c.PairsOpen, groups=(("ada", "ben"),))
    e.ok("fay", c.LobbyReturn, member="ada")
    e.ok("fay", c.LobbyReturn, member="ben")
    e.forget()
    assert e.series.came == {"ada": 0, "ben": 1, "cleo": 2}
    assert e.state.met == {frozenset(("ada", "ben")): 1}
    assert e.past().people == (handle("Ada"), handle("Ben"))
    e.come_as("Fay2", None, FACILITATOR)
    for who in ("ada", "ben", "cleo"):
        e.ok("fay2", c.LobbyAdmit, person=who)
    plan = e.ok("fay2", c.PairsPlan, seed=1, how="random", pins=(("ada", "ben"),)).answer
    assert plan["report"]["repeats"] == 1  # type: ignore[index]
    assert e.past().people == (handle("Ada"), handle("Ben"), handle("Cleo"))
    laws.check(e.state, e.now)


def test_FG8_SE7_a_record_has_handles_and_no_seat_of_whoever_was_there() -> None:
    e = second_life("Ada")
    reopening = next(each for each in e.events if isinstance(each, RoomReopened))
    told = laws.leaves(reopening)
    assert not told & {"ada", "ben", "dan", "fay", "Ada", "Ben", "Cleo", "Dan", handle("Dan")}
    assert told >= {handle("Ada"), handle("Ben"), "cleo"}
    again = reopened(record_of(e.state), 70, 70)
    assert again.series is not None
    assert (again.series.came, again.series.began_at) == ({}, 70)
    laws.check(again, e.now)


def test_FG8_SE8_somebody_erased_later_is_gone_from_what_is_left_of_before() -> None:
    e = second_life("Ada", "Eve")
    e.ok("fay2", c.PairsOpen, groups=(("ada2", "eve2"),))
    began = e.series.began_at
    assert isinstance(e.events[began - 1], RoomReopened)
    for name, came in (("Ben", False), ("Eve", True), ("Ada", True)):
        before = e.state
        e.ok(OPERATOR, c.SeriesForget, handle=handle(name))
        gone = effects.replaced_events(before, e.state)
        where = {n: happened.event for happened, numbers in gone.items() for n in numbers}
        old = name != "Eve"
        assert (where.pop(began, None) == Blanked()) is old
        assert all(isinstance(each, PersonCame) for each in where.values())
        assert bool(where) is (came and not old)
        assert handle(name) not in store.state_to_bytes(e.state)
        kept = summary_of(e.state)
        assert kept is not None
        assert handle(name) not in {*kept.here, *(one for pair in kept.met for one in pair)}
        assert handle(name) not in laws.leaves(record_of(e.state))
        laws.check(e.state, e.now)


def test_FG8_SE8_a_series_that_is_dropped_later_leaves_nothing_of_before() -> None:
    first = Meeting()
    first.circle("Ada", "Ben")
    e = Meeting(first.past())
    e.circle("Ada")
    e.forget()
    before = e.state
    e.ok(OPERATOR, c.SeriesDrop)
    assert [(h.event, at) for h, at in effects.replaced_events(before, e.state).items()] == [
        (Blanked(), [before.seq])
    ]
    assert not laws.leaves(record_of(e.state)) & {handle("Ada"), handle("Ben")}


def test_FG8_with_the_forgetting_itself_nothing_is_left_to_blank() -> None:
    e = Meeting(Past((handle("Ada"),), (1,)))
    e.circle("Ada", "Ben")
    e.ok("fay", c.MoodAsk)
    e.ok("ada", c.MoodAnswer, value=2)
    e.forget()
    before = fold_all(e.events[:-1])
    assert before.mood is not None and before.mood.given_at
    assert effects.replaced_events(before, fold(before, e.events[-1])) == {}
