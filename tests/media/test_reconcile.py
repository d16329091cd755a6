"""`RoutePlanner`: whatever happens in whatever order, what is open is a part of what is known to be
allowed, and nothing is once the lease has run out."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_server.log.base import Position
from sitwith_server.media.plane.route_planner import LEASE, RoutePlanner
from sitwith_server.room import commands as c
from sitwith_server.room import routes
from sitwith_server.room.floor.values import Floor
from sitwith_server.room.media.routes import Routes, within
from sitwith_server.room.model import OPERATOR, Kind, RoomState
from sitwith_server.service.rooms.observing import Change
from tests.room.evening import Evening, circle, pairs_of

AUDIO = frozenset((Kind.AUDIO,))


def evening() -> Evening:
    e = circle("Ada", "Ben", "Cleo", "Dora")
    e.ok(OPERATOR, c.PinMedia, node="n1", was=None)
    return e


def states() -> list[RoomState]:
    """The states of an evening in which much is opened and closed."""
    e = evening()
    found = [e.state]
    steps = (
        lambda: e.ok("fay", c.Mute, member="ada", kinds=AUDIO),
        lambda: e.ok("fay", c.FloorStick, to="ben"),
        lambda: e.ok("ben", c.FloorPass, to="cleo"),
        lambda: e.ok("fay", c.FloorOpen),
        lambda: pairs_of(e, "ada ben", "cleo dora"),
        lambda: e.lose("cleo"),
        lambda: e.back("cleo"),
        lambda: e.ok("fay", c.PairsClose, grace=0),
        lambda: e.ok(OPERATOR, c.PinMedia, node="n2", was="n1"),
        lambda: e.ok(OPERATOR, c.PinMedia, node="n1", was="n2"),
        lambda: e.ok("fay", c.Unmute, member="ada", kinds=AUDIO),
        lambda: e.ok("fay", c.MemberRemove, member="dora"),
        lambda: e.ok("fay", c.RoomEnd),
    )
    for step in steps:
        step()
        found.append(e.state)
    return found


STATES = states()


def planner(state: RoomState, *, at: float = 0.0) -> RoutePlanner:
    """One that has read the log at `at` and trusts it."""
    made = RoutePlanner("n1")
    made.learn(state)
    made.read_succeeded(at)
    made.trust(True)
    return made


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("learn"), st.integers(0, len(STATES) - 1)),
        st.tuples(st.just("read"), st.floats(0, 0.4)),
        st.tuples(st.just("trust"), st.booleans()),
        st.tuples(st.just("wait"), st.floats(0, 0.7)),
        st.tuples(st.just("fail"), st.none()),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(STEPS)
def test_MW5_what_is_open_is_allowed_whatever_happens(steps: list[tuple[str, object]]) -> None:
    made = RoutePlanner("n1")
    now, began, sure = 0.0, float("-inf"), False
    newest: RoomState | None = None
    turn, rev = 0, 0
    given_: Routes | None = None
    for kind, value in steps:
        if kind == "learn":
            assert isinstance(value, int)
            newest = STATES[value]
            turn = max(turn, newest.floor.turn)
            made.learn(newest)
        elif kind == "read":
            assert isinstance(value, float)
            began = max(began, now - value)  # it began a while ago
            made.read_succeeded(now - value)
        elif kind == "trust":
            assert isinstance(value, bool)
            sure = value
            made.trust(value)
        elif kind == "wait":
            assert isinstance(value, float)
            now += value
        else:
            made.plan_failed()
            given_ = None
        assert made.needs_plan(now) is (made.wanted(now) != given_)
        if made.needs_plan(now):
            plan = made.next_plan(now)
            given_ = None if plan is None else plan.routes
            if plan is not None:
                assert plan.rev > rev
                rev = plan.rev
        assert not made.needs_plan(now)
        silent = newest is None or not sure or now - began >= LEASE
        if (
            newest is None
            or silent
            or newest.media != "n1"
            or newest.floor.turn < turn
            or newest.ended
        ):
            assert given_ is None
        else:
            assert given_ == routes(newest)


def test_the_lease_runs_from_the_beginning_of_a_read() -> None:
    made = planner(STATES[0], at=10.0)
    assert made.wanted(10.9) == routes(STATES[0])
    assert made.wanted(11.0) is None
    made.read_succeeded(9.0)  # an answer to an older question comes late
    assert made.lease_until == 11.0
    made.read_succeeded(10.5)
    assert made.wanted(11.4) is not None


def test_a_lower_turn_than_one_seen_is_silence_until_it_has_risen() -> None:
    low, high = (replace(STATES[0], floor=Floor(turn=turn)) for turn in (3, 5))
    made = planner(high)
    assert made.wanted(0.1) is not None
    made.learn(low)
    assert made.wanted(0.1) is None
    made.learn(high)
    assert made.wanted(0.1) is not None


def test_MW4_transports_end_with_the_seat_the_grace_the_lobby_and_the_room() -> None:
    e = evening()
    made = planner(e.state)
    people = ["ada", "ben", "cleo", "dora", "nobody"]

    def ended() -> list[str]:
        made.learn(e.state)
        return made.to_drop(people)

    assert ended() == ["nobody"]
    e.lose("ada")
    e.lose("fay")
    assert ended() == ["nobody"]  # they are awaited
    e.advance(31)
    assert ended() == ["ada", "nobody"]
    e.back("fay")
    e.back("ada")
    e.ok("ben", c.Leave)
    e.ok("fay", c.MemberRemove, member="cleo")
    e.ok("fay", c.LobbyReturn, member="dora")
    assert ended() == ["ben", "cleo", "dora", "nobody"]
    made.trust(False)
    assert ended() == []
    made.trust(True)
    e.ok("fay", c.RoomEnd)
    assert ended() == sorted(people)


def test_only_what_closes_something_takes_away() -> None:
    e = evening()
    for does, command in (
        (True, c.Mute(by="fay", member="ada", kinds=AUDIO)),
        (False, c.Unmute(by="fay", member="ada", kinds=AUDIO)),
        (False, c.HandRaise(by="ada")),
        (True, c.FloorQuiet(by="fay")),
        (False, c.FloorStick(by="fay", to="ben")),
        (True, c.FloorPass(by="ben", to="cleo")),
        (True, c.Leave(by="dora")),
    ):
        before = e.state
        e.do(command)
        change = Change(before, e.state, (), "", "", Position.START)
        assert change.takes_away() is does, command


def test_within_sees_each_single_route() -> None:
    nobody = Routes(1, {}, {})
    some = Routes(1, {"a": frozenset("b")}, {"b": frozenset("a")})
    more = Routes(1, {"a": frozenset("bc")}, {"b": frozenset("a"), "c": frozenset("a")})
    assert within(nobody, some) and within(some, more) and within(some, some)
    assert not within(more, some)
    assert not within(Routes(1, {}, {"a": frozenset("b")}), some)
