"""Numbers, compare-and-set, one outcome a key, and what is taken away."""

from __future__ import annotations

import asyncio

import pytest

from sitwith_server.log.base import (
    CONTROL,
    Blank,
    Commit,
    Committed,
    Conflict,
    Duplicate,
    Log,
    TooEarly,
    Trimmed,
)

from .harness import (
    ROOM,
    Harness,
    LogTests,
    also,
    blank,
    control,
    create,
    everything,
    forget,
    say,
    taken,
)

HOSTILE_IDS = ["a:b", "a", "b:room", "{x}", "room", "", "a\x00b", "staff:*", "../x", "ключ"]


class EntryContract(LogTests):
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
            assert await create(log, room, b"record %d" % n)
            for m, stream in enumerate(HOSTILE_IDS):
                if stream != CONTROL:
                    blob = b"%d/%d" % (n, m)
                    key = (stream, m)
                    taken(await say(log, 0, blob, room=room, to=stream, key=key, outcome=blob))
        await log.end(HOSTILE_IDS[0])
        await also(
            log,
            HOSTILE_IDS[1],
            record=b"changed",
            due=1.0,
            workers=frozenset(HOSTILE_IDS),
            blanks=[Blank(stream, (1,), b"") for stream in HOSTILE_IDS],
            drop_files=("a", "b"),
        )
        assert set(await log.rooms()) == {ROOM, *HOSTILE_IDS[1:]}
        assert await log.due(1, 60) == [HOSTILE_IDS[1]]
        assert await log.orphans(["{x}"]) == [HOSTILE_IDS[1]]
        assert set(await log.progress(HOSTILE_IDS)) == set(HOSTILE_IDS)
        assert await forget(log, room=HOSTILE_IDS[1])
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
        await create(log, "r2")
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


class TrimContract(LogTests):
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
        await blank(log, "circle", first - 1, blob=b"!")
        await blank(log, "circle", first, blob=b"blanked")
        assert [e.blob for e in await log.read(ROOM, "circle", first - 1, limit=2)] == [
            b"blanked",
            b"%d" % first,
        ]
