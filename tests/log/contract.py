"""What every implementation of the log must do, whatever is behind it.

An implementation's test module gives a `Harness` and inherits `LogContract`; `machine_for` makes
the stateful comparison with a tiny model.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from sitwith_server.log.base import (
    CONTROL,
    Commit,
    Committed,
    Conflict,
    Duplicate,
    Entry,
    Gone,
    Log,
    Position,
    Result,
    TooEarly,
    Trimmed,
)

ROOM = "r1"
HOSTILE_IDS = ["a:b", "a", "b:room", "{x}", "room", "", "a\x00b", "staff:*", "../x", "ключ"]


@dataclass
class Harness:
    """A fresh log that keeps exactly `kept` entries of a stream, and a way to let its clock go
    on by some seconds."""

    log: Log
    kept: int
    advance: Callable[[float], Awaitable[None]]


async def control(log: Log, expect: int, *blobs: bytes, room: str = ROOM, **more: Any) -> Result:
    return await log.commit(Commit(room, CONTROL, blobs or (b"x",), expect, **more))


async def say(
    log: Log, expect: int, *blobs: bytes, room: str = ROOM, to: str = "circle", **more: Any
) -> Result:
    return await log.commit(Commit(room, to, blobs or (b"x",), expect, **more))


def taken(result: Result) -> Committed:
    assert isinstance(result, Committed)
    return result


async def everything(log: Log, stream: str = CONTROL, room: str = ROOM) -> list[bytes]:
    return [entry.blob for entry in await log.read(room, stream, 0)]


async def turns() -> None:
    """Let whatever the log has put off come to pass."""
    for _ in range(5):
        await asyncio.sleep(0.001)


class LogContract:
    @pytest.fixture
    async def harness(self) -> Harness:
        raise NotImplementedError

    @pytest.fixture
    async def log(self, harness: Harness) -> Log:
        assert await harness.log.create(ROOM, b"record", 3_600)
        return harness.log

    # --- rooms -----------------------------------------------------------------------------

    async def test_a_room_is_made_once(self, log: Log) -> None:
        assert not await log.create(ROOM, b"other", 3_600)
        assert await log.record(ROOM) == b"record"
        assert await log.rooms() == [ROOM]

    async def test_a_record_is_replaced(self, log: Log) -> None:
        await log.put_record(ROOM, b"new")
        assert await log.record(ROOM) == b"new"

    async def test_an_unknown_room_is_told_from_an_empty_one(self, log: Log) -> None:
        assert await log.heads("nobody") is None
        heads = await log.heads(ROOM)
        assert heads is not None
        assert heads.rights == 0
        assert list(heads.streams) == [CONTROL]
        assert heads.streams[CONTROL].seq == 0
        assert heads.streams[CONTROL].event == bytes(8)

    async def test_an_unknown_room_takes_nothing_and_has_nothing(self, log: Log) -> None:
        assert await control(log, 0, room="nobody") == Gone()
        assert await say(log, 0, room="nobody", key=("s", 1)) == Gone()
        await log.put_record("nobody", b"x")
        await log.blank("nobody", CONTROL, 1, b"")
        await log.drop_stream("nobody", "circle")
        await log.put_snapshot("nobody", Position(1, 1, bytes(8)), b"x")
        await log.whisper("nobody", b"x")
        assert await log.record("nobody") is None
        assert await log.snapshot("nobody") is None
        assert await log.outcome("nobody", "s", 1) is None
        assert await log.read("nobody", CONTROL, 0) == []
        assert not await log.ended("nobody")
        assert await log.rooms() == [ROOM]

    async def test_a_room_expires(self, harness: Harness) -> None:
        log = harness.log
        assert await log.create("short", b"r", 0.05)
        assert await log.create("long", b"r", 3_600)
        await control(log, 0, room="short", key=("s", 1), outcome=b"o")
        await harness.advance(0.06)
        assert await control(log, 1, room="short") == Gone()
        assert await log.record("short") is None
        assert await log.heads("short") is None
        assert await log.outcome("short", "s", 1) is None
        assert await log.read("short", CONTROL, 0) == []
        assert await log.rooms() == ["long"]
        assert not await log.ended("short")

    async def test_an_end_leaves_nothing_but_the_id(self, log: Log) -> None:
        taken(await control(log, 0, b"secret", key=("s", 1), outcome=b"o"))
        taken(await say(log, 0, b"words"))
        await log.put_snapshot(ROOM, Position(1, 1, bytes(8)), b"state")
        await log.end(ROOM)
        assert await log.ended(ROOM)
        assert await log.rooms() == []
        assert await log.record(ROOM) is None
        assert await log.heads(ROOM) is None
        assert await log.snapshot(ROOM) is None
        assert await log.outcome(ROOM, "s", 1) is None
        assert await log.read(ROOM, CONTROL, 0) == []
        assert await log.read(ROOM, "circle", 0) == []
        assert await control(log, 1) == Gone()
        assert not await log.create(ROOM, b"again", 3_600)

    async def test_a_tombstone_goes_too(self, harness: Harness) -> None:
        log = harness.log
        await log.end("never there", 0.05)
        assert await log.ended("never there")
        await harness.advance(0.06)
        assert not await log.ended("never there")
        assert await log.create("never there", b"r", 3_600)

    # --- numbers and positions -------------------------------------------------------------

    async def test_entries_are_numbered_without_gaps(self, log: Log) -> None:
        first = taken(await control(log, 0, b"a", b"b"))
        second = taken(await control(log, 2, b"c"))
        positions = first.positions + second.positions
        assert [position.seq for position in positions] == [1, 2, 3]
        assert len({position.event for position in positions}) == 3
        assert all(len(position.event) == 8 for position in positions)
        entries = await log.read(ROOM, CONTROL, 0)
        assert [entry.position for entry in entries] == list(positions)
        assert [entry.blob for entry in entries] == [b"a", b"b", b"c"]
        assert [entry.at for entry in entries] == [first.at, first.at, second.at]
        heads = await log.heads(ROOM)
        assert heads is not None
        assert heads.streams[CONTROL] == positions[-1]

    async def test_streams_have_numbers_of_their_own(self, log: Log) -> None:
        for stream in ("circle", "staff:a"):
            assert taken(await say(log, 0, to=stream)).positions[0].seq == 1
        assert taken(await say(log, 0)).positions[0].seq == 2
        heads = await log.heads(ROOM)
        assert heads is not None
        assert {name: head.seq for name, head in heads.streams.items()} == {
            CONTROL: 0,
            "circle": 2,
            "staff:a": 1,
        }

    async def test_reading_goes_on_after_a_number_and_up_to_a_limit(self, log: Log) -> None:
        taken(await control(log, 0, *[bytes([n]) for n in range(10)]))
        page = await log.read(ROOM, CONTROL, 3, limit=4)
        assert [entry.position.seq for entry in page] == [4, 5, 6, 7]
        assert await log.read(ROOM, CONTROL, 10) == []
        assert await log.read(ROOM, CONTROL, 99) == []
        assert await log.read(ROOM, "never", 0) == []

    async def test_the_origin_is_the_seat_of_the_key(self, log: Log) -> None:
        await control(log, 0, key=("seat", 7))
        await control(log, 1)
        assert [entry.origin for entry in await log.read(ROOM, CONTROL, 0)] == ["seat", ""]

    async def test_no_id_reaches_anothers_things(self, log: Log) -> None:
        for n, room in enumerate(HOSTILE_IDS):
            assert await log.create(room, b"record %d" % n, 3_600)
            for m, stream in enumerate(HOSTILE_IDS):
                if stream != CONTROL:
                    blob = b"%d/%d" % (n, m)
                    key = (stream, m)
                    taken(await say(log, 0, blob, room=room, to=stream, key=key, outcome=blob))
        await log.end(HOSTILE_IDS[0])
        await log.drop_stream(HOSTILE_IDS[1], HOSTILE_IDS[2])
        for n, room in enumerate(HOSTILE_IDS[2:], 2):
            assert await log.record(room) == b"record %d" % n
            for m, stream in enumerate(HOSTILE_IDS):
                if stream != CONTROL:
                    assert await everything(log, stream, room) == [b"%d/%d" % (n, m)]
                    assert await log.outcome(room, stream, m) == b"%d/%d" % (n, m)

    # --- compare and set -------------------------------------------------------------------

    async def test_a_control_commit_on_an_old_head_changes_nothing(self, log: Log) -> None:
        taken(await control(log, 0, b"first"))
        for stale in (0, 2):
            assert await control(log, stale, b"late", key=("s", 1), outcome=b"o") == Conflict()
        assert await everything(log) == [b"first"]
        assert await log.outcome(ROOM, "s", 1) is None
        taken(await control(log, 1, b"late", key=("s", 1), outcome=b"o"))

    async def test_a_message_loses_to_a_change_of_rights_only(self, log: Log) -> None:
        taken(await control(log, 0, b"hand"))
        taken(await say(log, 0, b"before"))
        taken(await control(log, 1, b"mute", rights=True))
        assert await say(log, 0, b"too late") == Conflict()
        taken(await control(log, 2, b"hand"))
        taken(await say(log, 2, b"after"))
        assert await everything(log, "circle") == [b"before", b"after"]
        assert [entry.rights for entry in await log.read(ROOM, "circle", 0)] == [0, 2]
        assert [entry.rights for entry in await log.read(ROOM, CONTROL, 0)] == [0, 2, 2]
        heads = await log.heads(ROOM)
        assert heads is not None
        assert heads.rights == 2

    async def test_several_entries_that_change_rights_count_to_the_last(self, log: Log) -> None:
        taken(await control(log, 0, b"a", b"b", rights=True))
        assert [entry.rights for entry in await log.read(ROOM, CONTROL, 0)] == [1, 2]
        assert await say(log, 1) == Conflict()
        taken(await say(log, 2))

    async def test_a_place_in_a_conversation_can_be_demanded(self, log: Log) -> None:
        taken(await say(log, 0, b"1", at_head=0))
        assert await say(log, 0, b"2", at_head=0) == Conflict()
        assert await say(log, 0, b"2", at_head=2) == Conflict()
        taken(await say(log, 0, b"2", at_head=1))
        assert await everything(log, "circle") == [b"1", b"2"]

    async def test_a_tick_waits_for_its_deadline(self, harness: Harness, log: Log) -> None:
        deadline = await log.now() + 0.05
        assert await control(log, 0, b"tick", not_before=deadline) == TooEarly()
        assert await control(log, 5, b"tick", not_before=deadline) == Conflict()
        assert await everything(log) == []
        await harness.advance(0.06)
        assert taken(await control(log, 0, b"tick", not_before=deadline)).at >= deadline

    async def test_of_racing_commits_one_wins(self, log: Log) -> None:
        results = await asyncio.gather(*(control(log, 0, bytes([n])) for n in range(20)))
        assert sum(isinstance(result, Committed) for result in results) == 1
        assert sum(result == Conflict() for result in results) == 19
        assert len(await everything(log)) == 1

    async def test_losers_that_decide_again_all_get_in(self, log: Log) -> None:
        async def insist(n: int) -> int:
            for _ in range(200):
                heads = await log.heads(ROOM)
                assert heads is not None
                seq = heads.streams[CONTROL].seq
                result = await control(log, seq, b"%d" % n, key=(f"s{n}", 1))
                if isinstance(result, Committed):
                    return result.positions[0].seq
                assert result == Conflict()
                await asyncio.sleep(0)
            raise AssertionError("never got in")

        places = await asyncio.gather(*(insist(n) for n in range(12)))
        assert sorted(places) == list(range(1, 13))
        blobs = await everything(log)
        assert [blobs[place - 1] for place in places] == [b"%d" % n for n in range(12)]

    # --- one outcome -----------------------------------------------------------------------

    async def test_a_key_has_one_outcome(self, log: Log) -> None:
        taken(await control(log, 0, b"x", key=("s", 1), outcome=b"first"))
        again = await control(log, 1, b"y", key=("s", 1), outcome=b"second")
        assert again == Duplicate(b"first")
        # Whoever repeats a command has often not seen yet that it went through.
        assert await control(log, 0, b"y", key=("s", 1)) == Duplicate(b"first")
        assert await say(log, 9, b"y", key=("s", 1)) == Duplicate(b"first")
        assert await log.outcome(ROOM, "s", 1) == b"first"
        assert await everything(log) == [b"x"]

    async def test_other_seats_ids_and_rooms_are_other_keys(self, log: Log) -> None:
        await log.create("r2", b"", 3_600)
        taken(await control(log, 0, key=("s", 1), outcome=b"1"))
        assert await log.outcome(ROOM, "s", 2) is None
        assert await log.outcome(ROOM, "t", 1) is None
        assert await log.outcome("r2", "s", 1) is None
        taken(await control(log, 1, key=("s", 11)))
        taken(await control(log, 2, key=("s1", 1)))

    async def test_a_refusal_is_remembered_without_an_entry(self, log: Log) -> None:
        refusal = Commit(ROOM, "circle", (), 0, key=("s", 1), outcome=b"no")
        assert taken(await log.commit(refusal)).positions == ()
        assert await log.commit(refusal) == Duplicate(b"no")
        assert await log.outcome(ROOM, "s", 1) == b"no"
        heads = await log.heads(ROOM)
        assert heads is not None
        assert list(heads.streams) == [CONTROL]

    async def test_a_refusal_decided_on_an_old_state_is_decided_again(self, log: Log) -> None:
        taken(await control(log, 0, rights=True))
        for stream, expect in ((CONTROL, 0), ("circle", 0)):
            refusal = Commit(ROOM, stream, (), expect, key=("s", 1), outcome=b"no")
            assert await log.commit(refusal) == Conflict()
        assert await log.outcome(ROOM, "s", 1) is None

    async def test_an_empty_outcome_is_one(self, log: Log) -> None:
        taken(await control(log, 0, key=("s", 1)))
        assert await log.outcome(ROOM, "s", 1) == b""
        assert await control(log, 1, key=("s", 1)) == Duplicate(b"")

    async def test_the_same_key_racing_is_one_effect(self, log: Log) -> None:
        results = await asyncio.gather(
            *(say(log, 0, b"x", key=("s", 1), outcome=b"o") for _ in range(10))
        )
        assert sum(isinstance(result, Committed) for result in results) == 1
        assert sum(result == Duplicate(b"o") for result in results) == 9
        assert await everything(log, "circle") == [b"x"]

    # --- what is taken away ----------------------------------------------------------------

    async def test_blanking_keeps_the_place(self, log: Log) -> None:
        taken(await say(log, 0, b"a", b"words", b"c", key=("s", 1)))
        before = await log.read(ROOM, "circle", 0)
        await log.blank(ROOM, "circle", 2, b"")
        after = await log.read(ROOM, "circle", 0)
        assert [entry.blob for entry in after] == [b"a", b"", b"c"]

        def rest(entry: Entry) -> tuple[object, ...]:
            return entry.stream, entry.position, entry.rights, entry.at, entry.origin

        assert [rest(entry) for entry in after] == [rest(entry) for entry in before]

    async def test_blanking_what_is_not_there_does_nothing(self, log: Log) -> None:
        taken(await say(log, 0, b"a"))
        for seq in (-1, 0, 2):
            await log.blank(ROOM, "circle", seq, b"!")
        await log.blank(ROOM, "other", 1, b"!")
        assert await everything(log, "circle") == [b"a"]
        heads = await log.heads(ROOM)
        assert heads is not None
        assert set(heads.streams) == {CONTROL, "circle"}

    async def test_a_dropped_stream_never_gives_a_number_twice(self, log: Log) -> None:
        last = taken(await say(log, 0, b"a", b"b", to="pair:1")).positions[-1]
        await log.drop_stream(ROOM, "pair:1")
        heads = await log.heads(ROOM)
        assert heads is not None
        assert heads.streams["pair:1"] == last
        with pytest.raises(Trimmed) as trimmed:
            await log.read(ROOM, "pair:1", 0)
        assert trimmed.value.first == 3
        assert await log.read(ROOM, "pair:1", 2) == []
        taken(await say(log, 0, b"c", to="pair:1", at_head=2))
        assert [entry.blob for entry in await log.read(ROOM, "pair:1", 2)] == [b"c"]
        with pytest.raises(Trimmed):
            await log.read(ROOM, "pair:1", 1)

    async def test_the_control_stream_is_not_dropped(self, log: Log) -> None:
        taken(await control(log, 0, b"a"))
        with pytest.raises(ValueError, match="control"):
            await log.drop_stream(ROOM, CONTROL)
        assert await everything(log) == [b"a"]

    async def test_old_entries_are_trimmed_and_said_to_be(self, harness: Harness, log: Log) -> None:
        for n in range(harness.kept + 3):
            taken(await say(log, 0, b"%d" % n, at_head=n))
        with pytest.raises(Trimmed) as trimmed:
            await log.read(ROOM, "circle", 0)
        first = trimmed.value.first
        assert 1 < first <= 4
        with pytest.raises(Trimmed):
            await log.read(ROOM, "circle", first - 2)
        entries = await log.read(ROOM, "circle", first - 1, limit=harness.kept + 10)
        assert len(entries) >= harness.kept
        assert entries[0].position.seq == first
        assert entries[-1].position.seq == harness.kept + 3
        await log.blank(ROOM, "circle", first - 1, b"!")
        await log.blank(ROOM, "circle", first, b"blanked")
        assert [e.blob for e in await log.read(ROOM, "circle", first - 1, limit=2)] == [
            b"blanked",
            b"%d" % first,
        ]

    async def test_the_latest_snapshot_is_kept(self, log: Log) -> None:
        assert await log.snapshot(ROOM) is None
        positions = taken(await control(log, 0, b"a", b"b")).positions
        await log.put_snapshot(ROOM, positions[1], b"second")
        await log.put_snapshot(ROOM, positions[0], b"late and older")
        kept = await log.snapshot(ROOM)
        assert kept is not None
        assert (kept.position, kept.blob) == (positions[1], b"second")

    # --- hints -----------------------------------------------------------------------------

    async def test_followers_hear_of_commits_and_whispers(self, log: Log) -> None:
        bells: list[tuple[str, int]] = []
        heard: list[bytes] = []
        unfollow = log.follow(ROOM, lambda stream, seq: bells.append((stream, seq)), heard.append)
        await turns()
        taken(await control(log, 0, b"a", b"b"))
        taken(await say(log, 0))
        await log.whisper(ROOM, b"psst")
        await turns()
        assert set(bells) == {(CONTROL, 2), ("circle", 1)}
        assert heard == [b"psst"]
        unfollow()
        unfollow()
        taken(await control(log, 2))
        await log.whisper(ROOM, b"more")
        await turns()
        assert set(bells) == {(CONTROL, 2), ("circle", 1)}
        assert heard == [b"psst"]
        assert await everything(log, "circle") == [b"x"]

    async def test_what_is_not_committed_rings_no_bell(self, log: Log) -> None:
        bells: list[tuple[str, int]] = []
        log.follow(ROOM, lambda stream, seq: bells.append((stream, seq)), lambda blob: None)
        await turns()
        await control(log, 3)
        await log.commit(Commit(ROOM, CONTROL, (), 0, key=("s", 1), outcome=b"no"))
        await control(log, 0, key=("s", 1))
        await control(log, 0, room="r2")
        await turns()
        assert bells == []

    async def test_no_call_comes_after_unfollow(self, log: Log) -> None:
        bells: list[int] = []
        unfollow = log.follow(ROOM, lambda _, seq: bells.append(seq), lambda blob: None)
        taken(await control(log, 0))
        unfollow()
        seen = list(bells)
        await turns()
        assert bells == seen

    async def test_a_follower_that_fails_harms_nobody(self, log: Log) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        bells: list[int] = []

        def fail(*_: object) -> None:
            raise RuntimeError("a broken follower")

        log.follow(ROOM, fail, fail)
        log.follow(ROOM, lambda _, seq: bells.append(seq), lambda blob: None)
        await turns()
        taken(await control(log, 0))
        await log.whisper(ROOM, b"x")
        await turns()
        assert bells == [1]

    # --- clock and audit -------------------------------------------------------------------

    async def test_the_clock_never_goes_backwards(self, harness: Harness) -> None:
        before = await harness.log.now()
        await harness.advance(0.02)
        after = await harness.log.now()
        assert after >= before + 0.02
        assert after < before + 60

    async def test_the_audit_trail_outlives_the_room(self, harness: Harness, log: Log) -> None:
        await log.audit(ROOM, b"1", 0.05)
        await log.audit(ROOM, b"2", 0.05)
        await log.audit("other", b"3", 3_600)
        await harness.advance(0.06)
        assert await log.read_audit(ROOM) == [b"1", b"2"]
        await log.end(ROOM)
        await log.audit(ROOM, b"end", 0.05)
        assert await log.read_audit(ROOM) == [b"1", b"2", b"end"]
        await harness.advance(0.06)
        assert await log.read_audit(ROOM) == []
        assert await log.read_audit("other") == [b"3"]
        await log.drop_audit("other")
        await log.drop_audit("other")
        assert await log.read_audit("other") == []

    async def test_an_expired_rooms_trail_goes_after_its_time(self, harness: Harness) -> None:
        log = harness.log
        await log.create("short", b"", 0.05)
        await log.audit("short", b"1", 0.05)
        await harness.advance(0.06)
        assert await log.rooms() == []
        assert await log.read_audit("short") == [b"1"]
        await harness.advance(0.06)
        assert await log.read_audit("short") == []


# --- the stateful comparison ---------------------------------------------------------------

ROOMS = st.sampled_from(["r1", "r2"])
STREAMS = st.sampled_from([CONTROL, "circle", "pair:1"])
KEYS = st.none() | st.tuples(st.sampled_from(["s", "t"]), st.integers(1, 3))
SLIPS = st.sampled_from([0, 0, 0, 0, -1, 1])


class _Model:
    """A room as lists and dictionaries."""

    def __init__(self) -> None:
        self.rights = 0
        self.heads: dict[str, int] = {CONTROL: 0}
        self.entries: dict[str, list[tuple[int, int, str, bytes]]] = {}
        self.outcomes: dict[tuple[str, int], bytes] = {}


def machine_for(make: Callable[[], Awaitable[Log]], kept: int) -> type[RuleBasedStateMachine]:
    """A state machine whose `.TestCase` compares a fresh log of `make`, which keeps at least
    `kept` entries, with the model, a few hundred random histories long."""

    class Machine(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.runner = asyncio.Runner()
            self.log = self.runner.run(make())
            self.rooms: dict[str, _Model] = {}
            self.tombs: set[str] = set()
            self.blobs = 0

        def teardown(self) -> None:
            if hasattr(self, "runner"):
                self.runner.run(self.log.close())
                self.runner.close()

        @rule(room=ROOMS)
        def create(self, room: str) -> None:
            made = self.runner.run(self.log.create(room, b"r", 3_600))
            assert made == (room not in self.rooms and room not in self.tombs)
            if made:
                self.rooms[room] = _Model()

        @rule(
            room=ROOMS,
            stream=STREAMS,
            count=st.integers(0, 3),
            rights=st.booleans(),
            key=KEYS,
            slip=SLIPS,
            head_slip=st.none() | SLIPS,
        )
        def commit(
            self,
            room: str,
            stream: str,
            count: int,
            rights: bool,
            key: tuple[str, int] | None,
            slip: int,
            head_slip: int | None,
        ) -> None:
            model = self.rooms.get(room) or _Model()
            self.blobs += 1
            blobs = tuple(b"%d.%d" % (self.blobs, n) for n in range(count))
            outcome = b"outcome %d" % self.blobs
            is_control = stream == CONTROL
            head = model.heads.get(stream, 0)
            at_head = None if head_slip is None or is_control else head + head_slip
            commit = Commit(
                room,
                stream,
                blobs,
                (head if is_control else model.rights) + slip,
                rights=rights and is_control,
                key=key,
                outcome=outcome,
                at_head=at_head,
            )
            result = self.runner.run(self.log.commit(commit))
            if room not in self.rooms:
                assert result == Gone()
            elif key in model.outcomes:
                assert key is not None
                assert result == Duplicate(model.outcomes[key])
            elif slip or at_head not in (None, head):
                assert result == Conflict()
            else:
                seqs = [position.seq for position in taken(result).positions]
                assert seqs == [head + 1 + n for n in range(count)]
                for seq, blob in zip(seqs, blobs, strict=True):
                    if commit.rights:
                        model.rights = seq
                    entry = (seq, model.rights, key[0] if key else "", blob)
                    model.entries.setdefault(stream, []).append(entry)
                    model.heads[stream] = seq
                if key is not None:
                    model.outcomes[key] = outcome

        @rule(room=ROOMS, stream=STREAMS, seq=st.integers(0, 12))
        def blank(self, room: str, stream: str, seq: int) -> None:
            self.runner.run(self.log.blank(room, stream, seq, b"blank"))
            if room in self.rooms:
                entries = self.rooms[room].entries.get(stream, [])
                for index, entry in enumerate(entries):
                    if entry[0] == seq:
                        entries[index] = (*entry[:3], b"blank")

        @rule(room=ROOMS, stream=STREAMS.filter(lambda stream: stream != CONTROL))
        def drop_stream(self, room: str, stream: str) -> None:
            self.runner.run(self.log.drop_stream(room, stream))
            if room in self.rooms:
                self.rooms[room].entries.pop(stream, None)

        @precondition(lambda self: self.rooms)
        @rule(room=ROOMS)
        def end(self, room: str) -> None:
            self.runner.run(self.log.end(room))
            self.rooms.pop(room, None)
            self.tombs.add(room)

        @rule(room=ROOMS, stream=STREAMS, after=st.integers(0, 12), limit=st.integers(1, 4))
        def read(self, room: str, stream: str, after: int, limit: int) -> None:
            model = self.rooms.get(room) or _Model()
            head = model.heads.get(stream, 0)
            wanted = [entry for entry in model.entries.get(stream, []) if entry[0] > after]
            try:
                entries = self.runner.run(self.log.read(room, stream, after, limit))
            except Trimmed as trimmed:
                assert after + 1 < trimmed.first <= head + 1
                assert len(wanted) > kept or len(wanted) < head - after
                return
            assert len(wanted) == max(0, head - after)
            assert [
                (entry.position.seq, entry.rights, entry.origin, entry.blob) for entry in entries
            ] == wanted[:limit]

        @invariant()
        def heads_and_outcomes_agree(self) -> None:
            for room in ("r1", "r2") if hasattr(self, "log") else ():
                heads = self.runner.run(self.log.heads(room))
                model = self.rooms.get(room)
                assert (heads is None) == (model is None)
                if heads is None or model is None:
                    continue
                assert heads.rights == model.rights
                assert {name: head.seq for name, head in heads.streams.items()} == model.heads
                for seat, number in (("s", 1), ("t", 3)):
                    known = self.runner.run(self.log.outcome(room, seat, number))
                    assert known == model.outcomes.get((seat, number))

    return Machine
