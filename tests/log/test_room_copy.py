"""What is held of a room is bounded, without gaps, and up to date."""

from __future__ import annotations

from sitwith_server.log.base import CONTROL, OUTCOME_SECONDS, Blank, Position, next_life
from sitwith_server.log.redis.notifications import VersionedRecord
from sitwith_server.log.redis.packing import StoredEntry, key_field, pack_meta, pack_tail
from sitwith_server.log.redis.reseed.holdings import TIDY_EVERY, Holdings
from sitwith_server.log.redis.reseed.room_copy import TAIL_SECONDS, RoomCopy
from sitwith_server.log.redis.watch.clock import RedisClock

START = 1_000_000.0


def entry(seq: int, at: float, *, event: bytes = b"e" * 8, key: int | None = None) -> StoredEntry:
    tail = pack_tail("s", None if key is None else (key, b"o%d" % key))
    return StoredEntry(seq, pack_meta(1, event, 0, int(at * 1_000_000), tail), b"%d" % seq)


def take(copy: RoomCopy, *entries: StoredEntry, at: float = START) -> None:
    copy.add(CONTROL, entries, at)


def seqs(copy: RoomCopy) -> list[int]:
    return [each.seq for each in copy.tail(CONTROL)]


def test_an_entry_is_packed_there_and_back() -> None:
    kept = entry(7, START, key=3)
    assert kept.position == Position(1, 7, b"e" * 8)
    assert kept.at == START
    assert kept.outcome() == ("s", 3, b"o3")
    assert entry(7, START).outcome() is None
    assert kept.entry("circle").origin == "s"


def test_entries_are_held_for_two_minutes_and_outcomes_for_ten() -> None:
    copy = RoomCopy()
    for n in range(1, 1_001):
        take(copy, entry(n, START + n, key=n), at=START + n)
    assert seqs(copy) == list(range(1_000 - int(TAIL_SECONDS), 1_001))
    assert len(copy.outcomes()) <= OUTCOME_SECONDS + 2
    assert len(copy.outcomes()) >= OUTCOME_SECONDS
    # Whoever loads a room late still learns what was answered in the last ten minutes.
    late = RoomCopy()
    late.add(CONTROL, [entry(n, START + n, key=n) for n in range(1, 1_001)], START + 1_000)
    assert len(late.outcomes()) >= OUTCOME_SECONDS - 1
    assert len(seqs(late)) <= TAIL_SECONDS


def test_a_tail_has_no_gap_and_all_that_is_held_may_have() -> None:
    copy = RoomCopy()
    take(copy, entry(1, START), entry(2, START), entry(5, START), entry(6, START))
    assert seqs(copy) == [5, 6]
    assert [each.seq for each in copy.entries(CONTROL)] == [1, 2, 5, 6]
    take(copy, entry(4, START), entry(3, START))
    assert seqs(copy) == [1, 2, 3, 4, 5, 6]
    # Of what others say there is, only the number is known.
    copy.update_heads(1, 0, {CONTROL: Position(1, 9, b"h" * 8)})
    assert seqs(copy) == [1, 2, 3, 4, 5, 6]
    assert [each.seq for each in copy.entries(CONTROL)] == [1, 2, 3, 4, 5, 6]


def test_rights_are_those_of_what_is_held() -> None:
    copy = RoomCopy()
    assert copy.rights_at(0) == 0
    for n, rights in ((1, 1), (2, 1), (3, 3)):
        meta = pack_meta(1, b"e" * 8, rights, int(START * 1_000_000), pack_tail("s"))
        take(copy, StoredEntry(n, meta, b""))
    copy.update_heads(1, 3, {})
    assert copy.rights_at(3) == 3
    copy.update_heads(1, 5, {CONTROL: Position(1, 5, b"h" * 8)})
    assert copy.rights_at(5) == 5
    assert copy.rights_at(3) == copy.rights_at(4) == 3


def test_what_was_committed_is_held_like_what_was_read() -> None:
    """A worker reads its own commits, too, and perhaps only once their bodies are blanked."""
    ours, theirs = RoomCopy(), RoomCopy()
    for n in range(1, 301):
        each = entry(n, START + n, key=n)
        ours.add_committed(CONTROL, each, each.position, START + n)
        ours.remember(key_field("s", n), b"o%d" % n, START + n)
        take(theirs, each, at=START + n)
    assert ours.tail(CONTROL) == theirs.tail(CONTROL) != []
    assert ours.outcomes() == theirs.outcomes()
    assert (ours.heads, ours.latest, ours.epoch) == (theirs.heads, theirs.latest, theirs.epoch)
    blanked = StoredEntry(300, ours.tail(CONTROL)[-1].meta, b"")
    take(ours, blanked, at=START + 300)
    assert ours.tail(CONTROL)[-1] == blanked
    assert len(ours.tail(CONTROL)) == len(theirs.tail(CONTROL))


def test_another_event_under_a_number_ends_what_came_after() -> None:
    copy = RoomCopy()
    take(copy, *(entry(n, START) for n in range(1, 6)))
    copy.replace_heads(2, 0, {CONTROL: Position(2, 3, b"x" * 8)}, [CONTROL])
    assert seqs(copy) == []
    take(copy, entry(3, START, event=b"x" * 8), entry(4, START, event=b"y" * 8))
    assert seqs(copy) == [3, 4]
    take(copy, entry(3, START, event=b"z" * 8))
    assert [each.event for each in copy.tail(CONTROL)] == [b"z" * 8]


def test_a_blank_reaches_what_is_held() -> None:
    copy = RoomCopy()
    take(copy, entry(1, START), entry(2, START))
    copy.blank([Blank(CONTROL, (1, 9), b""), Blank("circle", (1,), b"")])
    assert [each.blob for each in copy.tail(CONTROL)] == [b"", b"2"]
    take(copy, entry(1, START))
    assert [each.blob for each in copy.tail(CONTROL)] == [b"", b"2"], "it was on its way"


def test_records_that_expired_are_forgotten() -> None:
    holdings = Holdings()
    for n in range(5 * TIDY_EVERY):
        holdings.learn(f"r{n}", VersionedRecord(1, 1, 1_000, b""))
        holdings.add_tombstone(f"t{n}", 1_000)
    assert len(holdings.records) <= 2 * TIDY_EVERY
    assert len(holdings.tombstones) <= 2 * TIDY_EVERY


def test_an_older_record_and_one_of_an_ended_room_are_not_learned() -> None:
    holdings = Holdings()
    far = 10**16
    holdings.learn("r", VersionedRecord(1, 2, far, b"new"))
    holdings.learn("r", VersionedRecord(1, 1, far, b"old"))
    assert holdings.records["r"].record == b"new"
    holdings.add_tombstone("r", far)
    holdings.learn("r", VersionedRecord(1, 3, far, b"late"))
    assert "r" not in holdings.records


def test_a_higher_life_ends_what_is_held_whatever_it_comes_by() -> None:
    second, third = next_life(1), next_life(next_life(1))
    meta = pack_meta(second, b"n" * 8, 0, int(START * 1_000_000), pack_tail("s"))
    new = StoredEntry(9, meta, b"new")
    for met in (
        lambda holdings, copy: take(copy, new),
        lambda holdings, copy: copy.add_committed(CONTROL, new, new.position, START),
        lambda holdings, copy: copy.update_heads(second, 0, {}),
        lambda holdings, copy: copy.replace_heads(second, 0, {}, []),
        lambda holdings, copy: holdings.learn("r", VersionedRecord(second, 1, 10**16, b"")),
        lambda holdings, copy: holdings.forget_here("r", b""),
    ):
        holdings = Holdings()
        gone: list[str] = []
        holdings.evict = lambda room, *names, gone=gone: gone.append(room)
        copy = holdings.use("r")
        take(copy, entry(1, START, key=1), entry(2, START))
        copy.update_heads(1, 2, {"circle": Position(1, 7, b"h" * 8)})
        met(holdings, copy)
        assert copy.epoch == second
        assert seqs(copy) in ([], [9])
        assert set(copy.heads) <= {CONTROL}
        assert (copy.outcomes(), copy.rights_at(2)) == ([], 0)
        assert gone == ["r"]
        # Of the life before nothing is taken any more, and of the same one all.
        take(copy, entry(1, START, key=1))
        copy.update_heads(1, 2, {"circle": Position(1, 7, b"h" * 8)})
        take(copy, new)
        assert (seqs(copy), copy.outcomes(), set(copy.heads)) == ([9], [], {CONTROL})
        copy.update_heads(third - 1, 0, {})
        assert seqs(copy) == []
    # Who begins to follow such a room knows its life.
    holdings = Holdings()
    holdings.learn("r", VersionedRecord(second, 1, 10**16, b""))
    take(holdings.use("r"), entry(1, START))
    assert holdings.rooms["r"].heads == {}


def test_the_clock_runs_on_never_ahead_and_never_back() -> None:
    time = [100.0]
    clock = RedisClock(lambda: time[0])
    assert not clock.known
    clock.learn(START)
    time[0] += 5
    assert clock.now() == START + 5
    clock.learn(START + 4.9)  # a reply that took its time
    assert clock.now() == START + 5
    clock.learn(START + 5.1)
    assert clock.now() == START + 5.1
    clock.learn(START - 60)  # set back: it stands still
    assert clock.now() == START + 5.1
    time[0] += 66
    assert clock.now() == START + 6
    clock.saw(START + 7)
    assert clock.now() == START + 7
