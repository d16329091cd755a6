"""Each invariant lets a good history pass and finds what it is there for."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.history import Call, Capture, Entitled, Forgotten, Sample, Standing
from tests.chaos.invariants import CHECKS, check
from tests.chaos.tale import Tale, canary, circle_of, member, pos

ALL = ("Fay", "Ann", "Bob")


def rules(tale: Tale) -> set[str]:
    return {violation.rule for violation in check(tale.history)}


def good() -> Tale:
    """A whole small evening with nothing wrong in it."""
    tale = circle_of("Ann", "Bob")
    for n in range(1, 4):
        tale.says("Ann", n, ALL)
    groups = {"groups": {"g1": ["Ann", "Bob"]}, "visitors": {"g1": []}}
    for seat in ALL:
        tale.sees(seat, 10, pairs=groups, floor={"holder": "Ann", "turn": 1})
    tale.says("Ann", 1, ("Ann", "Bob"), "pair:g1")
    tale.says("Bob", 1, ("Bob", "Fay"), "staff:Bob")
    tale.does("Fay", "mute", member="Ann", kinds=["chat"])
    tale.refused(tale.asks("Ann", "chat.say", to="circle", body=canary(900)))
    tale.connects("Bob")
    tale.welcomed("Bob")
    tale.says("Fay", 4, ALL)
    people = {"Fay": member("facilitator"), "Ann": member(), "Bob": member()}
    for seat in ALL:
        for how in ("before", "welcomed", "folded"):
            tale.shows(seat, how, members=people, locked=False)
    return tale


def test_a_good_evening_has_no_violations() -> None:
    assert check(good().history) == []


def test_N1_numbers_that_go_back() -> None:
    tale = circle_of("Ann")
    for n in (2, 1):
        tale.hears("Fay", "Ann", n, canary(n))
    assert "N1" in rules(tale)


def test_N1_one_number_with_two_texts() -> None:
    tale = circle_of("Ann")
    tale.hears("Fay", "Ann", 1, canary(1))
    tale.hears("Ann", "Ann", 1, canary(2))
    assert "N1" in rules(tale)


def test_N1_one_number_that_names_two_entries() -> None:
    tale = circle_of("Ann")
    tale.hears("Fay", "Ann", 1, "", event=1)
    tale.hears("Ann", "Ann", 1, "", event=2)
    assert rules(tale) == {"N1"}


def test_N1_a_number_that_nobody_ever_got() -> None:
    tale = circle_of("Ann")
    for n in (1, 3):
        tale.says("Ann", n, ("Fay", "Ann"))
    assert rules(tale) == {"N1"}


def test_N2_acknowledged_and_not_delivered() -> None:
    tale = circle_of("Ann", "Bob")
    tale.says("Ann", 1, ("Fay", "Ann"))
    assert rules(tale) == {"N2"}


def test_N2_acknowledged_and_delivered_to_nobody() -> None:
    tale = circle_of("Ann")
    tale.says("Ann", 1, ())
    assert "N2" in rules(tale)


def test_N2_a_gap_that_was_said_is_no_silent_loss() -> None:
    tale = circle_of("Ann", "Bob")
    tale.says("Ann", 1, ("Fay", "Ann"))
    tale.gets("Bob", {"t": "gap", "stream": "circle", "missed": [1, 1]})
    assert rules(tale) == set()
    tale.says("Ann", 2, ("Fay", "Ann"))
    assert rules(tale) == {"N2"}


def test_N2_what_one_has_seen_all_must_see() -> None:
    tale = circle_of("Ann", "Bob")
    op = tale.asks("Ann", "chat.say", to="circle", body=canary(7))
    for reader in ("Fay", "Ann"):
        tale.hears(reader, "Ann", 1, canary(7))
    assert op.answer is None
    assert rules(tale) == {"N2"}


def test_N2_before_ones_entry_nothing_is_missed() -> None:
    tale = circle_of("Ann")
    tale.says("Ann", 1, ("Fay", "Ann"))
    tale.enters("Bob", circle=1)
    assert rules(tale) == set()


def test_N2_by_the_log_acknowledged_and_not_there() -> None:
    tale = circle_of("Ann")
    tale.says("Ann", 1, ("Fay", "Ann"))
    tale.history.truth = []
    assert "N2" in rules(tale)


def test_N3_delivered_twice() -> None:
    tale = circle_of("Ann")
    op = tale.says("Ann", 1, ("Fay", "Ann"))
    tale.hears("Fay", "Ann", 1, str(op.canary))
    assert rules(tale) == {"N3"}


def test_N3_what_still_comes_on_a_replaced_connection_is_not_twice() -> None:
    tale = circle_of("Ann")
    op = tale.says("Ann", 1, ("Ann",))
    tale.connects("Fay")
    tale.welcomed("Fay", role="facilitator")
    tale.hears("Fay", "Ann", 1, str(op.canary))
    tale.hears("Fay", "Ann", 1, str(op.canary), connection=1)
    assert rules(tale) == set()


def test_N3_said_twice_by_one_command() -> None:
    tale = circle_of("Ann")
    op = tale.says("Ann", 1, ("Fay", "Ann"))
    for reader in ("Fay", "Ann"):
        tale.hears(reader, "Ann", 2, str(op.canary))
    assert "N3" in rules(tale)


def test_N3_one_command_with_two_outcomes() -> None:
    tale = circle_of("Ann")
    op = tale.does("Ann", "hand.raise")
    tale.refused(op)
    assert rules(tale) == {"N3"}


def test_N4_refused_and_seen() -> None:
    tale = circle_of("Ann")
    op = tale.refused(tale.asks("Ann", "chat.say", to="circle", body=canary(1)))
    tale.hears("Fay", "Ann", 1, str(op.canary))
    assert "N4" in rules(tale)


def test_N4_words_that_nobody_said() -> None:
    tale = circle_of("Ann")
    tale.hears("Fay", "Ann", 1, canary(5))
    tale.hears("Ann", "Ann", 1, canary(5))
    assert rules(tale) == {"N4"}


def test_N5_two_holders_of_one_turn() -> None:
    tale = circle_of("Ann", "Bob")
    tale.sees("Ann", 1, floor={"holder": "Ann", "turn": 1})
    tale.sees("Bob", 2, floor={"holder": "Bob", "turn": 1})
    assert rules(tale) == {"N5"}


def test_N5_a_turn_that_goes_back() -> None:
    tale = circle_of("Ann")
    tale.sees("Ann", 1, floor={"holder": "Ann", "turn": 2})
    tale.sees("Ann", 2, floor={"holder": None, "turn": 1})
    assert rules(tale) == {"N5"}


def test_N6_a_groups_words_outside_it() -> None:
    tale = circle_of("Ann", "Bob")
    tale.sees("Fay", 1, pairs={"groups": {"g1": ["Ann"]}, "visitors": {}})
    tale.says("Ann", 1, ("Ann", "Bob"), "pair:g1")
    assert rules(tale) == {"N6"}


def test_N6_words_hidden_in_another_frame() -> None:
    tale = circle_of("Ann", "Bob")
    op = tale.says("Ann", 1, ("Ann", "Fay"), "staff:Ann")
    tale.sees("Bob", 1, notice=op.canary)
    assert rules(tale) == {"N6"}


def test_N6_said_before_ones_entry() -> None:
    tale = circle_of("Ann")
    op = tale.says("Ann", 1, ("Fay", "Ann"))
    tale.enters("Bob", circle=1)
    tale.hears("Bob", "Ann", 1, str(op.canary))
    assert rules(tale) == {"N6"}


def test_N6_a_facilitators_slice() -> None:
    tale = circle_of("Ann")
    tale.sees("Ann", 1, lobby=[])
    assert rules(tale) == {"N6"}


def test_N6_people_shown_before_entry() -> None:
    tale = circle_of("Ann")
    tale.connects("Bob")
    tale.welcomed("Bob", phase="lobby", members={"Fay": member("facilitator")})
    assert rules(tale) == {"N6"}


def test_N6_a_name_from_the_lobby() -> None:
    tale = circle_of("Ann")
    tale.history.names["Wim"] = "Guest 0123456789"
    tale.sees("Ann", 1, notice="Guest 0123456789 waits")
    assert rules(tale) == {"N6"}


def test_N6_content_in_a_capture() -> None:
    tale = good()
    tale.history.captures.append(Capture("the log", b"nothing"))
    assert rules(tale) == set()
    tale.history.captures.append(Capture("Redis", b"..." + canary(900).encode()))
    assert rules(tale) == {"N6"}


def test_N6_not_for_them_by_the_log() -> None:
    tale = circle_of("Ann", "Bob")
    op = tale.says("Ann", 1, ALL)
    entry = Entitled("circle", 1, 1, str(op.canary), frozenset({"Fay", "Ann"}))
    tale.history.truth = [entry]
    assert rules(tale) == {"N6"}


def test_N7_spoken_after_the_mute() -> None:
    tale = circle_of("Ann")
    tale.does("Fay", "mute", member="Ann", kinds=["chat"])
    tale.says("Ann", 1, ("Fay", "Ann"))
    assert rules(tale) == {"N7"}


def test_N7_on_its_way_when_the_mute_came_is_no_violation() -> None:
    tale = circle_of("Ann")
    said = tale.asks("Ann", "chat.say", to="circle", body=canary(1))
    tale.does("Fay", "mute", member="Ann", kinds=["chat"])
    tale.ok(said, to="circle", n=1)
    for reader in ("Fay", "Ann"):
        tale.hears(reader, "Ann", 1, canary(1))
    assert rules(tale) == set()


def test_N7_a_mute_may_be_lifted() -> None:
    tale = circle_of("Ann")
    tale.does("Fay", "mute", member="Ann", kinds=["chat"])
    tale.asks("Fay", "unmute", member="Ann", kinds=["chat"])
    tale.says("Ann", 1, ("Fay", "Ann"))
    assert rules(tale) == set()


def _removed() -> Tale:
    tale = circle_of("Ann", "Bob")
    tale.does("Fay", "member.remove", member="Bob")
    tale.history.here["Bob"] = False
    return tale


def test_N8_words_reach_a_removed_seat() -> None:
    tale = _removed()
    tale.says("Ann", 1, ALL)
    assert rules(tale) == {"N8"}


def test_N8_a_removed_seat_is_welcomed() -> None:
    tale = _removed()
    tale.connects("Bob")
    tale.welcomed("Bob")
    assert rules(tale) == {"N8"}


def test_N8_a_removed_seat_is_obeyed() -> None:
    tale = _removed()
    tale.does("Bob", "hand.raise")
    assert rules(tale) == {"N8"}


def test_N9_the_gone_shown_as_here_and_the_present_as_gone() -> None:
    for here, is_here in (("here", False), ("reconnecting", True)):
        tale = circle_of("Ann")
        tale.history.here["Ann"] = is_here
        tale.shows("Fay", "folded", members={"Ann": member(here=here)})
        assert rules(tale) == {"N9"}


def test_N9_sent_away_without_a_cause() -> None:
    tale = circle_of("Ann")
    tale.history.link("ann", "Ann", 1, 4004)
    tale.history.quiet_from = tale.time
    tale.later()
    assert rules(tale) == set()
    tale.history.link("ann", "Ann", 1, 4004)
    assert rules(tale) == {"N9"}


def test_N10_a_role_that_rose_by_itself() -> None:
    tale = circle_of("Ann")
    tale.sees("Fay", 1, members={"Ann": member("facilitator")})
    assert rules(tale) == {"N10"}


def test_N10_a_role_that_was_given() -> None:
    tale = circle_of("Ann")
    tale.does("Fay", "role.give", member="Ann", role="facilitator")
    tale.sees("Fay", 1, members={"Ann": member("facilitator")})
    tale.does("Ann", "floor.quiet")
    assert rules(tale) == set()


def test_N10_a_member_who_commands() -> None:
    tale = circle_of("Ann")
    tale.does("Ann", "floor.quiet")
    assert rules(tale) == {"N10"}


def test_N11_folded_is_not_what_a_newcomer_is_shown() -> None:
    tale = circle_of("Ann")
    tale.shows("Ann", "folded", pairs=None)
    tale.shows("Ann", "welcomed", pairs={"groups": {}})
    assert rules(tale) == {"N11"}


def test_N11_two_views_of_one_room() -> None:
    tale = circle_of("Ann")
    tale.shows("Ann", "folded", locked=True)
    tale.shows("Fay", "folded", locked=False)
    assert rules(tale) == {"N11"}


def test_N12_what_is_not_given_back() -> None:
    tale = circle_of("Ann")
    tale.history.samples.append(Sample("connections", 0, 0, 0))
    assert rules(tale) == set()
    tale.history.samples.append(Sample("connections", 0, 2, 0))
    assert rules(tale) == {"N12"}


def test_N13_two_live_connections_of_a_seat() -> None:
    tale = circle_of("Ann", "Bob")
    tale.connects("Bob")
    tale.welcomed("Bob")
    op = tale.says("Ann", 1, ALL)
    tale.hears("Bob", "Ann", 1, str(op.canary), connection=1)
    assert rules(tale) == set()
    tale.later(60)
    op = tale.says("Ann", 2, ALL)
    tale.hears("Bob", "Ann", 2, str(op.canary), connection=1)
    assert rules(tale) == {"N13"}


@given(st.permutations([1, 2, 3, 4]), st.sets(st.integers(1, 4)))
def test_any_order_but_one_and_any_hole_is_found(order: list[int], lost: set[int]) -> None:
    """Bob gets four messages in some order, without some of them."""
    tale = circle_of("Ann", "Bob")
    said = {n: tale.says("Ann", n, ("Fay", "Ann")) for n in range(1, 5)}
    given_ = [n for n in order if n not in lost]
    for n in given_:
        tale.hears("Bob", "Ann", n, str(said[n].canary))
    expected = {"N2"} if lost else set()
    if given_ != sorted(given_):
        expected.add("N1")
    assert rules(tale) == expected


def test_every_invariant_has_its_tests() -> None:
    tested = {name.split("_")[1] for name in globals() if name.startswith("test_N")}
    assert tested == set(CHECKS)


def test_a_history_can_be_kept(tmp_path: Path) -> None:
    lines = good().history.dump(tmp_path / "kept.jsonl").read_text().splitlines()
    assert len(lines) > 30
    assert all(line.startswith("{") for line in lines)


def test_positions_are_read_as_they_are_sent() -> None:
    tale = circle_of("Ann")
    tale.hears("Fay", "Ann", 1, canary(1), seq=5)
    assert pos(5) == next(tale.history.of("chat")).frame["pos"]


def test_N14_a_forgotten_room_that_is_remembered() -> None:
    tale = circle_of("Ann")
    tale.history.forgotten.append(Forgotten("room-1", {b"Gone Ada", b"canary-of-ada"}))
    tale.history.captures.append(Capture("Redis", b"sw:{3}:room-1:meta ... nothing of them"))
    assert rules(tale) == set()
    tale.history.captures.append(Capture("Redis", b"hset name Gone Ada"))
    assert rules(tale) == {"N14"}


def told(*calls: Call, there: bool, admits: bool = True, noted: str = "") -> set[str]:
    """What is found of a room with one invite, from what an operator was answered."""
    tale = circle_of("Ann")
    tale.history.calls += [Call("create", "r", "", 0, 1, 201), *calls]
    entries: list[tuple[str, str | None]] = [(noted, None if noted == "room.end" else "i1")]
    tale.history.standing["r"] = Standing(there, {"i1": admits}, entries if noted else [])
    return {violation.text for violation in check(tale.history) if violation.rule == "N15"}


def test_N15_an_operator_is_told_what_is_so() -> None:
    invited = Call("invite", "r", "i1", 2, 3, 201)
    ended = Call("end", "r", "", 4, 5, 204)
    maybe = Call("end", "r", "", 4, 5, 503, "unavailable")
    revoked = Call("revoke", "r", "i1", 4, 5, 204)
    assert told(invited, there=True, noted="invite.add") == set()
    assert told(invited, ended, there=False, admits=False, noted="room.end") == set()
    assert told(invited, maybe, there=False, admits=False) == set()
    assert told(invited, maybe, there=True) == set()
    assert told(invited, revoked, there=True, admits=False, noted="invite.revoke") == set()
    assert told(ended, there=True, noted="room.end") == {
        "ended, and there",
        "ended by its trail, and there",
    }
    assert told(invited, there=False, admits=False) == {"gone, and nobody ended it"}
    assert told(invited, revoked, there=True) == {"revoked, and admits"}
    assert told(invited, there=True, admits=False) == {"given, and admits nobody"}
    assert told(invited, there=True, noted="invite.revoke") == {"revoked by its trail, and admits"}
    assert told(there=True, noted="invite.add") == {"invites that nobody was given"}
    denied = Call("invite", "r", "", 6, 7, 404, "no_such_room")
    assert told(invited, denied, there=True) == {"denied, and there"}
    assert told(Call("end", "r", "", 4, 5, 500), there=True) == {"a fault for an answer"}
    assert told(Call("end", "r", "", 4, 5, 503, "x"), there=True) == {"503 for another reason"}
