"""Who gets which slot."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sitwith_server.media.forward.assign import (
    HOLD,
    LOUDER_BY,
    Candidate,
    assign_slots,
    choose_layers,
    choose_members,
)

names = st.sampled_from([f"m{i}" for i in range(9)])
candidates = st.lists(
    st.builds(Candidate, names, st.floats(0, 127), st.floats(0, 100)),
    unique_by=lambda each: each.member,
)


def nobody() -> frozenset[str]:
    return frozenset()


@given(candidates, st.integers(0, 9), st.frozensets(names))
def test_ME24_places_are_used_and_never_more(
    who: list[Candidate], places: int, kept: frozenset[str]
) -> None:
    found = choose_members(who, places, kept, 100.0)
    assert found <= {each.member for each in who}
    assert len(found) == min(places, len(who))
    assert found == choose_members(who[::-1], places, kept, 100.0)


@given(candidates, st.integers(1, 9), st.frozensets(names))
def test_ME24_a_second_look_changes_nothing(
    who: list[Candidate], places: int, kept: frozenset[str]
) -> None:
    once = choose_members(who, places, kept, 100.0)
    assert choose_members(who, places, once, 100.0) == once


def test_ME24_a_place_is_kept_until_somebody_is_clearly_louder() -> None:
    kept = frozenset({"a"})
    a = Candidate("a", 80.0, 10.0)
    assert choose_members([a, Candidate("b", 80.0 + LOUDER_BY - 1, 10.0)], 1, kept, 10.0) == {"a"}
    assert choose_members([a, Candidate("b", 80.0 + LOUDER_BY + 1, 10.0)], 1, kept, 10.0) == {"b"}
    assert choose_members([a, Candidate("b", 127.0, 5.0)], 1, kept, 10.0) == {"a"}


def test_ME24_a_place_is_lost_after_a_silence_to_who_speaks() -> None:
    kept = frozenset({"a"})
    a, b = Candidate("a", 80.0, 10.0), Candidate("b", 40.0, 10.0 + HOLD)
    assert choose_members([a, b], 1, kept, 10.0 + HOLD) == {"b"}
    assert choose_members([a, Candidate("b", 40.0, 9.0)], 1, kept, 20.0) == {"a"}


def test_ME24_free_places_go_to_who_spoke_last() -> None:
    who = [Candidate("a", 90.0, 5.0), Candidate("b", 50.0, 8.0), Candidate("c", 70.0, 1.0)]
    assert choose_members(who, 2, nobody(), 100.0) == {"a", "b"}


slots = st.dictionaries(st.sampled_from([f"a{i}" for i in range(6)]), st.none() | names, min_size=1)


@given(slots, st.frozensets(names), st.dictionaries(names, st.sampled_from(["a0", "a1", "a2"])))
def test_ME23_all_get_one_slot_and_who_has_one_stays(
    on: dict[str, str | None], members: frozenset[str], near: dict[str, str]
) -> None:
    on = {mid: who for mid, who in on.items() if list(on.values()).count(who) == 1 or who is None}
    members = frozenset(sorted(members)[: len(on)])
    found = assign_slots(on, members, near)
    assert found.keys() == on.keys()
    assert sorted(who for who in found.values() if who) == sorted(members)
    for mid, who in on.items():
        if who in members:
            assert found[mid] == who
    for who, mid in near.items():
        claims = [each for each in near if near[each] == mid]
        if on.get(mid, who) is None and who in members and claims == [who]:
            assert found[mid] == who or who in on.values()


def test_ME19_layers_fit_the_line() -> None:
    rates = [[100.0, 300.0, 900.0], [100.0, 300.0, 900.0]]
    low = [0, 0]
    assert choose_layers(rates, low, True, None) == [2, 2]
    assert choose_layers(rates, low, False, None) == low
    assert choose_layers(rates, low, True, 10) == low
    assert choose_layers(rates, low, True, 1_300) == [2, 0]
    assert choose_layers(rates, low, True, 1_600) == [2, 1]
    assert choose_layers(rates, low, True, 2_000) == [2, 1]
    assert choose_layers(rates, low, True, 2_300) == [2, 2]
    assert choose_layers([], [], True, 100) == []
    assert choose_layers([[0.0]], [0], True, 0) == [0]


def test_ME19_a_layer_goes_up_only_with_room_to_spare() -> None:
    rates = [[100.0, 900.0]]
    assert choose_layers(rates, [0], True, 1_000) == [0]
    assert choose_layers(rates, [1], True, 1_000) == [1]
    assert choose_layers(rates, [1], True, 800) == [0]
    assert choose_layers(rates, [0], True, 1_200) == [1]
