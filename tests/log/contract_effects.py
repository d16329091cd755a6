"""What a commit does besides appending, in the same step."""

from __future__ import annotations

import asyncio
from typing import Any

from sitwith_server.log.base import (
    CONTROL,
    LINGER,
    MAX_NOTIFICATION_BYTES,
    Blank,
    Commit,
    Committed,
    Conflict,
    Duplicate,
    Effects,
    Entry,
    Gone,
    Log,
    TooEarly,
)

from .harness import (
    ROOM,
    Harness,
    LogTests,
    Received,
    also,
    blank,
    control,
    create,
    everything,
    say,
    taken,
    turns,
)

ALL = Effects(
    due=5.0,
    workers=frozenset({"w1"}),
    record=b"new",
    snapshot=b"state",
    blanks=(Blank("circle", (1,), b""),),
    drop_files=("b1",),
    audit=(b"did", 3_600),
)


class Lazy:
    """A blob that is no bytes yet."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __bytes__(self) -> bytes:
        return self._data


class EffectContract(LogTests):
    async def test_everything_happens_with_the_commit(self, log: Log) -> None:
        taken(await say(log, 0, b"words"))
        await log.files.put(ROOM, "b1", b"x")
        positions = taken(await control(log, 0, b"a", b"b", effects=ALL)).positions
        assert await everything(log) == [b"a", b"b"]
        assert await log.record(ROOM) == b"new"
        assert await everything(log, "circle") == [b""]
        assert await log.files.get(ROOM, "b1") is None
        assert await log.read_audit(ROOM) == [b"did"]
        assert await log.due(0, 60) == [ROOM]
        assert await log.orphans(["w1"]) == [ROOM]
        kept = await log.snapshot(ROOM)
        assert kept is not None
        assert (kept.position, kept.blob) == (positions[1], b"state")

    async def test_what_makes_its_bytes_when_asked_is_kept_as_bytes_are(self, log: Log) -> None:
        """Whether a log gives the very object back or its bytes, nobody can tell by its bytes."""
        received = Received(log)
        await turns()
        notified = len(received.notifications)
        taken(await say(log, 0, Lazy(b"words")))
        effects = Effects(
            record=Lazy(b"new"),
            snapshot=Lazy(b"state"),
            blanks=(Blank("circle", (1,), Lazy(b"none")),),
            audit=(Lazy(b"did"), 3_600),
        )
        many: dict[str, Any] = {"key": ("s", 1), "outcome": Lazy(b"o"), "effects": effects}
        taken(await control(log, 0, Lazy(b"a"), Lazy(b""), **many))
        known = await control(log, 0, b"x", key=("s", 1))
        assert isinstance(known, Duplicate)
        assert bytes(known.outcome) == b"o"
        await log.audit(ROOM, Lazy(b"more"), 3_600)
        assert await everything(log) == [b"a", b""]
        assert await everything(log, "circle") == [b"none"]
        kept = (await log.record(ROOM), await log.outcome(ROOM, "s", 1), await log.snapshot(ROOM))
        record, outcome, snapshot = kept
        assert record is not None and bytes(record) == b"new"
        assert outcome is not None and bytes(outcome) == b"o"
        assert snapshot is not None and bytes(snapshot.blob) == b"state"
        assert [bytes(each) for each in await log.read_audit(ROOM)] == [b"did", b"more"]
        assert await log.create("lazy", Lazy(b"born"), await log.now() + 60)
        born = await log.record("lazy")
        assert born is not None and bytes(born) == b"born"
        async with asyncio.timeout(5):
            while len(received.notifications) < notified + 2:
                await turns()
        assert received.entries() == [("circle", b"words"), (CONTROL, b"a"), (CONTROL, b"")]

    async def test_nothing_of_what_is_refused_happens(self, harness: Harness, log: Log) -> None:
        taken(await say(log, 0, b"words", key=("s", 1), outcome=b"o"))
        await log.files.put(ROOM, "b1", b"x")
        early = await log.now() + 3_600
        ends: dict[str, Any] = {"effects": Effects(end=True)}
        forgets: dict[str, Any] = {"effects": Effects(forget=True, record=b""), "rights": True}
        for more in ({"effects": ALL}, ends, forgets):
            assert await control(log, 1, **more) == Conflict()
            assert await control(log, 0, key=("s", 1), **more) == Duplicate(b"o")
            assert await control(log, 0, not_before=early, **more) == TooEarly()
            assert await control(log, 0, room="r2", **more) == Gone()
        assert await say(log, 0, at_head=7, effects=ALL, control_head=0) == Conflict()
        assert await say(log, 0, effects=ALL, control_head=7) == Conflict()
        assert await log.record(ROOM) == b"record"
        assert await everything(log) == []
        assert await everything(log, "circle") == [b"words"]
        assert await log.files.get(ROOM, "b1") == b"x"
        assert await log.files.names(ROOM) == {"b1"}
        assert await log.read_audit(ROOM) == []
        assert await log.snapshot(ROOM) is None
        assert await log.orphans(["w1"]) == []
        assert await log.due(0, 60) == []

    async def test_effects_need_no_entries(self, log: Log) -> None:
        await also(log, record=b"new", audit=(b"did", 3_600), snapshot=b"empty")
        assert await log.record(ROOM) == b"new"
        assert await log.read_audit(ROOM) == [b"did"]
        kept = await log.snapshot(ROOM)
        assert kept is not None
        assert (kept.position.seq, kept.blob) == (0, b"empty")
        refusal = Commit(
            ROOM,
            "circle",
            (),
            0,
            key=("s", 1),
            outcome=b"no",
            effects=Effects(audit=(b"refused", 3_600)),
        )
        assert taken(await log.commit(refusal)).positions == ()
        assert await log.commit(refusal) == Duplicate(b"no")
        assert await log.read_audit(ROOM) == [b"did", b"refused"]
        heads = await log.heads(ROOM)
        assert heads is not None
        assert {name: head.seq for name, head in heads.streams.items()} == {CONTROL: 0}

    async def test_empty_bytes_are_bytes(self, log: Log) -> None:
        await also(log, record=b"", snapshot=b"", audit=(b"", 3_600), workers=frozenset({""}))
        assert await log.record(ROOM) == b""
        kept = await log.snapshot(ROOM)
        assert kept is not None
        assert kept.blob == b""
        assert await log.read_audit(ROOM) == [b""]
        assert await log.orphans([""]) == [ROOM]

    # --- two streams -----------------------------------------------------------------------

    async def test_a_message_brings_its_control_entries(self, log: Log) -> None:
        taken(await control(log, 0, b"mute", rights=True))
        received = Received(log)
        await turns()
        notified = len(received.notifications)
        key: dict[str, Any] = {"key": ("s", 1), "outcome": b"o"}
        both = taken(await say(log, 1, b"x", b"y", control=(b"c", b"d"), control_head=1, **key))
        assert [each.seq for each in both.control] == [2, 3]
        assert [each.seq for each in both.positions] == [1, 2]
        assert len({each.event for each in (*both.control, *both.positions)}) == 4
        entries = await log.read(ROOM, CONTROL, 1)
        assert [(e.blob, e.rights, e.origin, e.at) for e in entries] == [
            (b"c", 1, "s", both.at),
            (b"d", 1, "s", both.at),
        ]
        assert tuple(entry.position for entry in entries) == both.control
        heads = await log.heads(ROOM)
        assert heads is not None
        assert (heads.rights, heads.streams[CONTROL]) == (1, both.control[-1])
        assert await log.outcome(ROOM, "s", 1) == b"o"
        await turns()
        assert received.told(notified) == [(CONTROL, 3), ("circle", 2)]
        told = [each for notification in received.notifications for each in notification.entries]
        assert told == entries + await log.read(ROOM, "circle", 0)

    async def test_control_entries_lose_to_any_other(self, log: Log) -> None:
        taken(await control(log, 0, b"hand"))
        assert await say(log, 0, control=(b"c",), control_head=0) == Conflict()
        assert await say(log, 0, control_head=0) == Conflict()
        assert await everything(log, "circle") == []
        taken(await say(log, 0))
        taken(await say(log, 0, control=(b"c",), control_head=1))
        assert await everything(log) == [b"hand", b"c"]

    async def test_control_entries_come_without_a_message_too(self, log: Log) -> None:
        commit = Commit(ROOM, "circle", (), 0, control=(b"c",), control_head=0, key=("s", 1))
        result = taken(await log.commit(commit))
        assert (len(result.control), result.positions) == (1, ())
        assert await everything(log) == [b"c"]
        assert await log.outcome(ROOM, "s", 1) == b""
        heads = await log.heads(ROOM)
        assert heads is not None
        assert list(heads.streams) == [CONTROL]

    # --- bodies ----------------------------------------------------------------------------

    async def test_blanking_keeps_the_place(self, log: Log) -> None:
        taken(await say(log, 0, b"a", b"words", b"c", key=("s", 1)))
        before = await log.read(ROOM, "circle", 0)
        await blank(log, "circle", 2)
        after = await log.read(ROOM, "circle", 0)
        assert [entry.blob for entry in after] == [b"a", b"", b"c"]

        def rest(entry: Entry) -> tuple[object, ...]:
            return entry.stream, entry.position, entry.rights, entry.at, entry.origin

        assert [rest(entry) for entry in after] == [rest(entry) for entry in before]

    async def test_several_are_blanked_at_once(self, log: Log) -> None:
        taken(await say(log, 0, b"a", b"b", b"c", b"d"))
        taken(await control(log, 0, b"k", b"l"))
        blanks = (Blank("circle", (1, 3, 0, -2, 99), b""), Blank(CONTROL, (2,), b"gone"))
        await also(log, blanks=blanks)
        assert await everything(log, "circle") == [b"", b"b", b"", b"d"]
        assert await everything(log) == [b"k", b"gone"]
        await also(log, blanks=(Blank("circle", (), b"!"), Blank("circle", (2,), b"")))
        assert await everything(log, "circle") == [b"", b"", b"", b"d"]

    async def test_blanking_what_is_not_there_does_nothing(self, log: Log) -> None:
        taken(await say(log, 0, b"a"))
        await blank(log, "circle", -1, 0, 2, blob=b"!")
        await blank(log, "other", 1, blob=b"!")
        assert await everything(log, "circle") == [b"a"]
        heads = await log.heads(ROOM)
        assert heads is not None
        assert set(heads.streams) == {CONTROL, "circle"}

    async def test_a_blank_rings(self, log: Log) -> None:
        taken(await say(log, 0, b"a", b"b"))
        received = Received(log)
        await turns()
        notified = len(received.notifications)
        blanks = (Blank("circle", (1, 2), b""), Blank("pair:1", (7,), b"x"))
        taken(await control(log, 0, b"deleted", effects=Effects(blanks=blanks)))
        await also(log, blanks=blanks[:1])
        await turns()
        told = received.notifications[notified:]
        assert [
            (notification.stream, notification.seq, len(notification.entries))
            for notification in told
        ] == [
            (CONTROL, 1, 1),
            (CONTROL, 1, 0),
        ]
        assert [notification.blanks for notification in told] == [blanks, blanks[:1]]
        large = (Blank("circle", (1,), b"x" * (MAX_NOTIFICATION_BYTES + 1)),)
        taken(await control(log, 1, b"c", effects=Effects(blanks=large)))
        await turns()
        assert (
            received.notifications[-1].seq,
            received.notifications[-1].entries,
            received.notifications[-1].blanks,
        ) == (2, (), ())
        log.blank_copies(ROOM, blanks)
        log.blank_copies("nobody", blanks)

    # --- the end ---------------------------------------------------------------------------

    async def test_an_end_says_its_last_word(self, log: Log) -> None:
        taken(await say(log, 0, b"words", key=("s", 1)))
        await log.files.put(ROOM, "b1", b"x")
        received = Received(log)
        await turns()
        last = b"the end" * MAX_NOTIFICATION_BYTES
        effects = Effects(
            end=True, record=b"r", snapshot=b"s", audit=(b"ended", 3_600), due=1.0, expires=1e10
        )
        result = await control(log, 0, last, key=("s", 2), effects=effects)
        assert isinstance(result, Committed)
        await turns()
        assert received.notifications[-1].entries[0].blob == last
        assert received.notifications[-1].entries[0].position == result.positions[0]
        assert await log.ended(ROOM)
        assert await log.rooms() == []
        assert await log.record(ROOM) is None
        assert await log.heads(ROOM) is None
        assert await log.snapshot(ROOM) is None
        assert await log.outcome(ROOM, "s", 2) is None
        assert await log.read(ROOM, CONTROL, 0) == []
        assert await log.read(ROOM, "circle", 0) == []
        assert await log.due(0, 60) == []
        assert await log.progress([ROOM]) == {ROOM: None}
        assert await log.read_audit(ROOM) == [b"ended"]
        assert await control(log, 1) == Gone()
        assert not await create(log)

    async def test_expiry_moves_both_ways(self, harness: Harness) -> None:
        log = harness.log
        for room, seconds in (("longer", 0.5 - LINGER), ("shorter", 3_600)):
            assert await create(log, room, seconds=seconds)
            taken(await control(log, 0, b"a", room=room, key=("s", 1), outcome=b"o"))
            taken(await say(log, 0, b"words", room=room))
            await log.files.put(room, "b1", b"x")
            await also(log, room, snapshot=b"state", workers=frozenset({"w"}))
        now = await log.now()
        await also(log, "longer", expires=now + 3_600)
        await also(log, "shorter", expires=now + 0.5 - LINGER)
        await harness.advance(0.6)
        assert await log.rooms() == ["longer"]
        assert await everything(log, CONTROL, "longer") == [b"a"]
        assert await everything(log, "circle", "longer") == [b"words"]
        assert await log.outcome("longer", "s", 1) == b"o"
        assert await log.files.get("longer", "b1") == b"x"
        assert await log.snapshot("longer") is not None
        assert await log.orphans(["w"]) == ["longer"]
        assert await control(log, 1, room="shorter") == Gone()
        assert await log.progress(["shorter"]) == {"shorter": None}
        assert not await log.ended("shorter")
