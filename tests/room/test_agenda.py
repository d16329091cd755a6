"""The agenda's stages (AG*), and breathing together (BR*)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sitwith_server.room import begin, next_deadline
from sitwith_server.room import commands as c
from sitwith_server.room.agenda.values import GroupsWish, Mics, StageFloor
from sitwith_server.room.events import RoomOpened
from sitwith_server.room.model import ChatPolicy, Kind
from tests.room.evening import FACILITATOR, circle, pairs_of
from tests.room.stages import at, begun, go_on, stage

AUDIO = frozenset((Kind.AUDIO,))
PAIRS = GroupsWish(2, "fresh")


def test_AG1_a_room_is_opened_with_its_agenda() -> None:
    e = circle("Ada")
    assert e.see("ada")["agenda"] is None
    opened = e.events[0]
    assert isinstance(opened, RoomOpened)
    state = begin(replace(opened, stages=(stage(), stage("closing", 60, title="Bye"))))
    assert state.agenda is not None
    assert (state.agenda.at, state.agenda.ends_at) == (None, None)


def test_AG2_stages_begin_one_after_the_other() -> None:
    e = begun(stage("arrival", 60), stage("open", 90), stage("closing", 30))
    assert e.see("ada")["agenda"] == {
        "stages": [
            {"kind": "arrival", "seconds": 60, "auto": False},
            {"kind": "open", "seconds": 90, "auto": False},
            {"kind": "closing", "seconds": 30, "auto": False},
        ],
        "at": 0,
        "ends_at": e.now + 60,
        "over": False,
        "round": None,
    }
    assert e.no("fay", c.AgendaStart, seed=1) == "stale"
    e.advance(10)
    go_on(e)
    assert (at(e), e.see("ada")["agenda"]["ends_at"]) == (1, e.now + 90)
    e.advance(10)
    e.ok("fay", c.AgendaBack, seed=1)
    e.advance(10)
    e.ok("fay", c.AgendaBack, seed=1)
    assert (at(e), e.see("ada")["agenda"]["ends_at"]) == (0, e.now + 60)
    go_on(e)
    go_on(e)
    assert e.no("fay", c.AgendaNext, seed=1) == "stale"
    assert at(e) == 2


def test_AG2_before_the_start_and_without_an_agenda_nothing_moves() -> None:
    e = circle("Ada")
    moves = (
        (c.AgendaNext, {"seed": 1}),
        (c.AgendaBack, {"seed": 1}),
        (c.AgendaExtend, {"seconds": 5}),
    )
    assert e.no("fay", c.AgendaStart, seed=1) == "stale"
    for kind, fields in moves:
        assert e.no("fay", kind, **fields) == "stale"
    e.ok("fay", c.AgendaEdit, stages=(stage(),))
    for kind, fields in moves:
        assert e.no("fay", kind, **fields) == "stale"
    assert e.see("ada")["agenda"]["at"] is None


def test_AG2_of_two_who_press_at_once_one_moves() -> None:
    e = begun(stage("arrival"), stage("open"), stage("closing"))
    e.come("Finn", FACILITATOR)
    e.ok("fay", c.AgendaNext, seed=1, at=0)
    assert e.no("finn", c.AgendaNext, seed=2, at=0) == "stale"
    assert e.no("finn", c.AgendaBack, seed=2, at=0) == "stale"
    assert at(e) == 1


def test_AG3_a_stage_sets_all_that_it_names_and_leaves_the_rest() -> None:
    e = begun(
        stage("arrival", floor=StageFloor.QUIET, chat=ChatPolicy.STAFF),
        stage("topic"),
        stage("sharing", floor=StageFloor.STICK, turn_seconds=40, chat=ChatPolicy.OFF),
        stage("round", floor=StageFloor.ROUND, turn_seconds=20),
        stage("open", floor=StageFloor.OPEN, chat=ChatPolicy.ALL),
    )
    assert e.hears("ada") == "fay"
    assert e.say_no("ada", "circle") == "not_allowed"
    e.say("ada", "staff")
    go_on(e)
    assert (e.hears("ada"), e.say_no("ada", "circle")) == ("fay", "not_allowed")
    e.ok("ben", c.HandRaise)
    go_on(e)
    floor = e.see("ada")["floor"]
    assert (floor["holder"], floor["ends_at"]) == ("ben", e.now + 40)
    assert e.say_no("ada", "staff") == "not_allowed"
    go_on(e)
    floor = e.see("ada")["floor"]
    assert (floor["holder"], floor["round"]["seconds"], floor["ends_at"]) == (
        "ada", 20, e.now + 20,
    )  # fmt: skip
    go_on(e)
    assert e.hears("ada") == "ben cleo dora fay"
    e.say("ada", "circle")


def test_AG3_facilitators_change_all_of_it_as_ever() -> None:
    e = begun(stage(floor=StageFloor.QUIET, chat=ChatPolicy.OFF), stage("closing"))
    e.ok("fay", c.FloorOpen)
    e.ok("fay", c.RoomSettings, changes={"chat": "all"})
    pairs_of(e, "ada ben")
    e.say("cleo", "circle")
    assert (e.hears("ada"), e.hears("cleo")) == ("ben", "dora fay")


def test_AG4_muted_microphones_are_heard_nowhere() -> None:
    e = begun(
        stage("breath", mics=Mics.MUTED, floor=StageFloor.STICK),
        stage("pairs", mics=Mics.MUTED, pairs=PAIRS),
        stage("open", mics=Mics.OPEN),
        stage("break", mics=Mics.MUTED),
        stage("round", floor=StageFloor.ROUND),
    )
    e.ok("ada", c.HandRaise)
    e.ok("fay", c.Mute, member="ben", kinds=AUDIO)
    e.ok("cleo", c.Mute, member="cleo", kinds=AUDIO)
    assert e.holder == "ada"
    assert (e.hears("dora"), e.hears("fay")) == ("fay", "")
    assert e.see("ada")["floor"]["mics"] == "muted"
    assert e.see("ada")["members"]["dora"]["muted"] == []
    go_on(e)
    assert [e.hears(m) for m in ("ada", "ben", "cleo", "dora")] == [""] * 4
    go_on(e)
    e.advance(10)
    assert (e.see("ada")["floor"]["mics"], e.hears("fay")) == ("open", "ada")
    e.ok("fay", c.FloorOpen)
    assert e.hears("fay") == "ada dora"
    go_on(e)
    assert e.hears("ada") == "fay"
    e.ok("fay", c.FloorOpen)
    assert e.hears("ada") == "dora fay"
    go_on(e)
    assert e.hears("dora") == "ada fay"


def test_AG5_groups_are_planned_when_the_stage_begins() -> None:
    e = circle("Ada", "Ben", "Cleo", "Dora", "Emil")
    e.ok("emil", c.SelfAway, away=True)
    e.ok("fay", c.PairsPlan, seed=1, how="fresh", avoid=(("ada", "ben"),))
    stages = [stage("pairs", pairs=GroupsWish(2, how)) for how in ("fresh", "linked", "random")]
    e.ok("fay", c.AgendaEdit, stages=tuple(stages))
    e.ok("fay", c.AgendaStart, seed=1)
    seen: set[frozenset[str]] = set()
    for number in range(3):
        groups = {frozenset(group) for group in e.groups}
        assert len(groups) == 2 and frozenset().union(*groups) == {"ada", "ben", "cleo", "dora"}
        assert frozenset(("ada", "ben")) not in groups
        assert number == 2 or not seen & groups
        assert e.see("ada")["pairs"]["ends_at"] is None
        seen |= groups
        if number < 2:
            go_on(e)
    e.ok("fay", c.PairsMove, member="emil", group=None)


def test_AG5_chance_comes_with_the_command() -> None:
    plans = set()
    for seed in range(20):
        e = circle("Ada", "Ben", "Cleo", "Dora")
        e.ok("fay", c.AgendaEdit, stages=(stage("pairs", pairs=GroupsWish(2, "random")),))
        e.ok("fay", c.AgendaStart, seed=seed)
        plans.add(frozenset(frozenset(group) for group in e.groups))
        assert e.replay() == e.state
    assert len(plans) == 3


def test_AG5_without_a_plan_the_circle_stays_together() -> None:
    e = begun(stage("open"), stage("pairs", pairs=PAIRS), members="Ada")
    go_on(e)
    assert (at(e), e.see("ada")["pairs"]) == (1, None)
    e = begun(stage("open"), stage("pairs", pairs=PAIRS), members="Ada Ben")
    pairs_of(e, "ada ben")
    e.ok("ben", c.Leave)
    go_on(e)
    assert at(e) == 1
    e.advance(10)
    assert e.see("ada")["pairs"] is None


def test_AG6_groups_close_with_ten_seconds_grace() -> None:
    e = begun(stage("pairs", pairs=PAIRS), stage("open", floor=StageFloor.OPEN))
    go_on(e)
    pairs = e.see("ada")["pairs"]
    assert (pairs["closing"], pairs["ends_at"]) == (True, e.now + 10)
    assert e.hears("ada") != "ben cleo dora fay"
    e.advance(10)
    assert e.see("ada")["pairs"] is None
    assert e.hears("ada") == "ben cleo dora fay"


def test_AG6_a_turn_waits_for_the_groups() -> None:
    e = begun(stage("pairs", pairs=PAIRS), stage("round", 100, floor=StageFloor.ROUND))
    go_on(e)
    floor = e.see("ada")["floor"]
    assert (floor["holder"], floor["paused"], floor["why_paused"]) == ("ada", True, ["groups"])
    e.advance(10)
    floor = e.see("ada")["floor"]
    assert (floor["paused"], floor["ends_at"]) == (False, e.now + 90 / 4)
    e.ok("ada", c.FloorPass)
    assert not e.see("ada")["floor"]["paused"]


def test_AG7_with_auto_the_next_stage_begins_by_itself() -> None:
    e = begun(stage("arrival", 60, auto=True), stage("open", 90, auto=True))
    e.advance(59.9)
    assert at(e) == 0
    e.advance(0.1)
    assert (at(e), e.see("ada")["agenda"]["ends_at"]) == (1, e.now + 90)
    e.advance(1_000)
    agenda = e.see("ada")["agenda"]
    assert (agenda["at"], agenda["over"]) == (1, True)


def test_AG7_a_late_tick_begins_one_stage_and_gives_it_its_full_time() -> None:
    e = begun(*(stage("open", 60, auto=True) for _ in range(3)))
    e.now += 150
    e.tick()
    assert (at(e), e.see("ada")["agenda"]["ends_at"]) == (1, e.now + 60)
    assert e.tick().events == ()


def test_AG7_without_auto_the_stage_stays_and_says_so() -> None:
    e = begun(stage("arrival", 60, floor=StageFloor.QUIET), stage("open"))
    due = e.now + 60
    e.advance(500)
    agenda = e.see("ada")["agenda"]
    assert (agenda["at"], agenda["over"], agenda["ends_at"]) == (0, True, due)
    assert e.hears("ada") == "fay"
    go_on(e)
    assert e.see("ada")["agenda"]["over"] is False


def test_AG7_stage_and_turn_that_end_together_give_nobody_a_turn_of_no_time() -> None:
    e = begun(
        stage("round", 60, auto=True, floor=StageFloor.ROUND, turn_seconds=30),
        stage("open", floor=StageFloor.OPEN),
    )
    e.advance(60)
    assert (at(e), e.holder, e.state.floor.turn) == (1, None, 2)


def test_AG8_more_time() -> None:
    e = begun(stage("breath", 60, auto=True, breathe=(4, 6)), stage("open"))
    ends_at = e.now + 60
    e.advance(50)
    e.ok("fay", c.AgendaExtend, seconds=30)
    assert e.see("ada")["agenda"]["ends_at"] == e.see("ada")["breathe"]["ends_at"] == ends_at + 30
    e.advance(39)
    assert at(e) == 0
    e.advance(1)
    assert at(e) == 1


def test_AG8_after_the_end_the_seconds_count_from_now() -> None:
    e = begun(stage("open", 60))
    e.advance(100)
    e.ok("fay", c.AgendaExtend, seconds=30)
    agenda = e.see("ada")["agenda"]
    assert (agenda["over"], agenda["ends_at"]) == (False, e.now + 30)


def test_AG9_a_debrief_is_for_facilitators() -> None:
    e = begun(
        stage("round", floor=StageFloor.ROUND),
        stage("debrief", title="Good night", prompt="Go gently."),
        stage("open", floor=StageFloor.OPEN, chat=ChatPolicy.ALL),
    )
    e.come("Finn", FACILITATOR)
    go_on(e)
    assert (e.hears("finn"), e.sees("finn")) == ("fay", "fay")
    assert (e.hears("ada"), e.sees("ada")) == ("", "ben cleo dora")
    assert e.see("ada")["agenda"]["stages"][1]["prompt"] == "Go gently."
    assert e.say_no("ada", "circle") == "not_allowed"
    e.say("ada", "staff")
    assert e.see("ada")["floor"]["mode"] == "quiet"
    pairs_of(e, "ada fay")
    assert (e.hears("ada"), e.hears("finn")) == ("fay", "")
    go_on(e)
    e.advance(10)
    assert e.hears("ada") == "ben cleo dora fay finn"


def test_AG9_members_may_stay_in_talk_among_themselves() -> None:
    e = begun(stage("debrief", floor=StageFloor.OPEN, chat=ChatPolicy.ALL))
    assert (e.hears("ada"), e.hears("fay")) == ("ben cleo dora", "")
    e.say("ada", "circle")


def test_AG10_the_agenda_is_written_anew_while_it_runs() -> None:
    arrival, open_, closing = (
        stage("arrival", 60),
        stage("open", 90, title="Talk"),
        stage("closing"),
    )
    e = begun(arrival, open_)
    go_on(e)
    ends_at = e.now + 90
    e.advance(20)
    fresh = replace(open_, prompt="Anything.", floor=StageFloor.QUIET)
    e.ok("fay", c.AgendaEdit, stages=(arrival, stage("breath"), fresh, closing), at=2)
    agenda = e.see("ada")["agenda"]
    assert (agenda["at"], agenda["ends_at"], len(agenda["stages"])) == (2, ends_at, 4)
    assert agenda["stages"][2]["prompt"] == "Anything."
    assert e.hears("ada") == "ben cleo dora fay"  # what it names is set when a stage begins
    e.same("fay", c.AgendaEdit, stages=e.state.agenda.stages if e.state.agenda else ())
    longer = replace(fresh, seconds=100)
    e.ok("fay", c.AgendaEdit, stages=(longer,), at=0)
    assert (at(e), e.see("ada")["agenda"]["ends_at"]) == (0, ends_at + 10)
    e.ok("fay", c.AgendaEdit, stages=(replace(longer, seconds=5), closing))
    assert e.see("ada")["agenda"]["over"] is True
    e.ok("fay", c.AgendaEdit, stages=(replace(longer, seconds=5, auto=True), closing))
    e.tick()
    assert at(e) == 1


@pytest.mark.parametrize("place", [0, 1, 3, None])
def test_AG10_the_stage_under_way_has_to_be_in_it(place: int | None) -> None:
    e = begun(stage("arrival"), stage("open", title="Talk"))
    go_on(e)
    stages = (stage("open"), stage("topic", title="Talk"), stage("open", title="Talk"))
    before = e.state
    assert e.no("fay", c.AgendaEdit, stages=stages, at=place) == "stale"
    assert e.state is before
    e.ok("fay", c.AgendaEdit, stages=stages, at=2)


def test_AG10_before_the_start_there_is_nothing_to_keep() -> None:
    e = circle("Ada")
    assert e.no("fay", c.AgendaEdit, stages=(stage(),), at=0) == "stale"
    e.ok("fay", c.AgendaEdit, stages=(stage(),))
    e.ok("fay", c.AgendaEdit, stages=(stage("closing"),))
    assert e.see("ada")["agenda"]["stages"][0]["kind"] == "closing"


def test_AG11_without_a_facilitator_no_stage_begins_by_itself() -> None:
    e = begun(stage("arrival", 60, auto=True), stage("pairs", pairs=PAIRS))
    e.lose("fay")
    e.advance(100)
    agenda = e.see("ada")["agenda"]
    assert (agenda["at"], agenda["over"]) == (0, True)
    e.back("fay")
    assert next_deadline(e.state) == e.now - 40
    e.tick()
    assert (at(e), len(e.groups)) == (1, 2)


def test_AG12_time_in_which_nothing_could_be_committed_does_not_count() -> None:
    e = begun(stage("round", 60, auto=True, floor=StageFloor.ROUND, breathe=(4, 6)), stage())
    e.advance(20)
    since, ends_at, starts_at = e.now, e.now + 40, e.see("ada")["breathe"]["starts_at"]
    e.now += 500
    e.ok("", c.Thaw, since=since, until=e.now)
    assert e.see("ada")["agenda"]["ends_at"] == ends_at + 500
    assert e.see("ada")["breathe"] == {
        "pattern": [4, 6],
        "starts_at": starts_at,
        "ends_at": ends_at + 500,
    }
    e.ok("ben", c.Leave)
    e.advance(39.999)
    assert (at(e), e.holder) == (0, "dora")
    e.advance(0.001)
    assert at(e) == 1


def test_BR1_all_breathe_by_one_clock() -> None:
    e = circle("Ada")
    e.ok("fay", c.BreatheStart, pattern=(4, 7, 8), seconds=60)
    begun_at = e.now
    expected = {"pattern": [4, 7, 8], "starts_at": begun_at + 3, "ends_at": begun_at + 63}
    assert e.see("ada")["breathe"] == e.see("fay")["breathe"] == expected
    e.advance(62.9)
    assert e.see("ada")["breathe"] == expected
    e.ok("fay", c.BreatheStart, pattern=(5, 5), seconds=1)
    assert e.see("ada")["breathe"]["pattern"] == [5, 5]
    e.advance(4)
    assert e.see("ada")["breathe"] is None


def test_BR2_it_ends_by_hand_and_with_the_stage() -> None:
    e = circle("Ada")
    assert e.no("fay", c.BreatheStop) == "stale"
    e.ok("fay", c.BreatheStart, pattern=(4, 6), seconds=60)
    e.ok("fay", c.BreatheStop)
    assert e.see("ada")["breathe"] is None
    e = begun(stage("breath", 60, breathe=(4, 6)), stage())
    assert e.see("ada")["breathe"]["ends_at"] == e.now + 60
    e.advance(5)
    go_on(e)
    assert e.see("ada")["breathe"] is None
