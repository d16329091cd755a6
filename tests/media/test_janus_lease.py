"""The lease of a gateway's sessions: its words and its ledger. No Janus is needed for these."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitwith_server.media.janus.lease import (
    BOUND,
    CONFIRM,
    FORGET,
    MAX_NODES,
    NOBODY,
    TAIL,
    GuardCodec,
    Ledger,
    Renewal,
    Round,
)

A, B = b"a" * 16, b"b" * 16
LIFE = b"firstrun"
TERM = int((BOUND - TAIL) * 1e3)
SEAL = GuardCodec("secret")


def word(
    count: int, began: float, terms: dict[int, int], node: bytes = A, life: bytes = LIFE
) -> Renewal:
    return Renewal(node, count, life, int(began * 1e6), False, terms)


def test_ME39_words_are_read_as_they_were_written() -> None:
    said = Renewal(A, 7, LIFE, 8_000_000, True, {1: 700, 2**53: 0})
    assert SEAL.read_renewal(SEAL.renewal(said)) == said
    heard = Round(A, LIFE, 9_000_000, 7, True, 1000, (1, 2**53))
    assert SEAL.read_round(SEAL.round(heard)) == heard
    assert SEAL.read_round(SEAL.renewal(said)) is None
    assert SEAL.read_renewal(SEAL.round(heard)) is None


@given(st.data())
def test_ME39_altered_and_foreign_words_are_none(data: st.DataObject) -> None:
    said = SEAL.renewal(word(1, 1.0, {5: 700}))
    place = data.draw(st.integers(0, len(said) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    altered = said[:place] + bytes([said[place] ^ bit]) + said[place + 1 :]
    assert SEAL.read_renewal(altered) is None
    assert GuardCodec("another").read_renewal(said) is None
    assert SEAL.read_renewal(data.draw(st.binary(max_size=80))) is None
    assert SEAL.read_renewal(said[:place]) is None


def test_ME39_a_term_counts_from_the_beginning_of_the_guards_round() -> None:
    ledger = Ledger(LIFE)
    assert ledger.take(word(1, 10.0, {5: TERM}), 10.4)
    assert ledger.due(10.69) == [] and ledger.due(10.71) == [5]
    assert not ledger.late(10.7 + CONFIRM - 0.01) and ledger.late(10.7 + CONFIRM + 0.01)


def test_ME39_nobody_gets_more_than_the_term() -> None:
    ledger = Ledger(LIFE)
    ledger.take(word(1, 10.0, {5: 2**32 - 1}), 10.0)
    assert ledger.due(10.0 + BOUND - TAIL + 0.01) == [5]


def test_ME39_old_repeated_and_strange_words_extend_nothing() -> None:
    ledger = Ledger(LIFE)
    first, second = word(1, 10.0, {5: TERM}), word(2, 10.1, {5: TERM})
    assert ledger.take(second, 10.2)
    assert not ledger.take(first, 10.3) and not ledger.take(second, 10.6)
    # Of a run of Janus that is over, of a round that is to come, and another node's.
    assert ledger.take(word(3, 10.5, {5: TERM}, life=b"otherrun"), 10.6)
    assert ledger.take(word(4, 99.0, {5: TERM}), 10.6)
    assert ledger.take(word(1, 10.6, {5: TERM}, node=B), 10.6)
    assert ledger.due(10.81) == [5]


def test_ME39_what_is_not_named_is_over_and_what_has_ended_stays_so() -> None:
    ledger = Ledger(LIFE)
    ledger.take(word(1, 10.0, {5: TERM, 6: TERM}), 10.0)
    ledger.take(word(2, 10.1, {6: TERM}), 10.1)
    assert ledger.due(10.1) == [5]
    ledger.take(word(3, 10.2, {5: TERM, 6: TERM}), 10.2)
    assert ledger.due(10.2) == [5] and ledger.over(A) == []
    ledger.ended([5])
    assert ledger.over(A) == [5]
    ledger.take(word(4, 10.3, {5: TERM, 6: TERM}), 10.3)
    assert ledger.due(10.3) == [] and ledger.over(A) == [5]
    ledger.take(word(5, 10.4, {6: TERM}), 10.4)
    assert ledger.over(A) == []
    # A term that has run out is not mended by a late word.
    ledger.take(word(6, 11.2, {6: TERM}), 11.2)
    assert ledger.due(11.2) == [6]
    ledger.restart(b"otherrun")
    assert ledger.due(99.0) == [] and not ledger.late(99.0)


def test_nodes_are_forgotten_and_bounded() -> None:
    ledger = Ledger(LIFE)
    for each in range(MAX_NODES + 1):
        known = ledger.take(word(1, 0.0, {}, node=each.to_bytes(16), life=NOBODY), 1.0)
        assert known is (each < MAX_NODES)
    assert len(ledger.nodes(1.0)) == MAX_NODES
    assert list(ledger.nodes(1.0 + FORGET)) == []


@pytest.mark.parametrize("seed", range(30))
def test_ME39_no_session_outlives_the_last_word_that_was_true_for_it(seed: int) -> None:
    """A node, a guard and a line that loses, delays, repeats and reorders both their words."""
    chance, ledger = random.Random(seed), Ledger(LIFE)
    now, count, good = 100.0, 0, 100.0
    rounds: list[tuple[float, float]] = []
    words: list[tuple[float, Renewal]] = []
    true_until: dict[int, float] = {}
    while now < 120:
        now += chance.uniform(0.01, 0.1)
        if chance.random() < 0.5:
            rounds.append((now + chance.choice([0, 0.01, 0.5]), now))
        if chance.random() < 0.3:
            good = now + chance.choice([0.0, 0.2, 0.6])
        for at, began in [each for each in rounds if each[0] <= now]:
            rounds.remove((at, began))
            count += 1
            left = int(1e3 * min(max(0.0, good - now), BOUND - TAIL))
            session = chance.randrange(3)
            true_until[session] = max(good, true_until.get(session, 0.0))
            said = word(count, began, {session: left})
            for _ in range(chance.choice([0, 1, 1, 2])):
                words.append((now + chance.choice([0, 0.02, 1.0]), said))
        for at, said in [each for each in words if each[0] <= now]:
            words.remove((at, said))
            ledger.take(said, now)
        due = ledger.due(now)
        for session, hold in ledger._holds.items():
            assert session in due or now < hold.end <= true_until[session] + 1e-3
        if chance.random() < 0.7:
            ledger.ended(due)
