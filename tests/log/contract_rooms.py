"""Rooms, hints, clock and audit: the part of the contract that isn't about entries."""

from __future__ import annotations

import asyncio

from sitwith_server.log.base import CONTROL, Commit, Gone, Health, Log, Position

from .harness import ROOM, Harness, LogTests, control, everything, say, taken, turns


class RoomContract(LogTests):
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

    async def test_a_lease_lasts_its_time(self, harness: Harness) -> None:
        leases = harness.log.leases
        await leases.beat("w1", 0.2)
        await leases.beat("w2", 3_600)
        assert await leases.living(["w1", "w2", "w3"]) == {"w1", "w2"}
        assert await leases.living(["w2"]) == {"w2"}
        assert await leases.living([]) == frozenset()
        await harness.advance(0.21)
        assert await leases.living(["w1", "w2"]) == {"w2"}
        await leases.beat("w1", 3_600)
        assert await leases.living(["w1", "w2"]) == {"w1", "w2"}
        assert leases.outage(ROOM) is None

    async def test_a_log_that_is_well_says_so(self, log: Log) -> None:
        assert set(log.health().values()) == {Health.LIVE}
        assert not log.frozen(ROOM)
        release = log.hold(ROOM, lambda: (Position.START, b""))
        release()
        release()
        unwatch = log.watch(lambda name, health: None)
        unwatch()
        unwatch()

    async def test_the_audit_trail_outlives_the_room(self, harness: Harness, log: Log) -> None:
        await log.audit(ROOM, b"1", 0.05)
        await log.audit(ROOM, b"2", 0.05)
        await log.audit("other", b"3", 3_600)
        await harness.advance(0.06)
        assert await log.read_audit(ROOM) == [b"1", b"2"]
        await log.end(ROOM)
        await log.audit(ROOM, b"end", 0.5)
        assert await log.read_audit(ROOM) == [b"1", b"2", b"end"]
        await harness.advance(0.6)
        assert await log.read_audit(ROOM) == []
        assert await log.read_audit("other") == [b"3"]
        await log.drop_audit("other")
        await log.drop_audit("other")
        assert await log.read_audit("other") == []

    async def test_an_expired_rooms_trail_goes_after_its_time(self, harness: Harness) -> None:
        log = harness.log
        await log.create("short", b"", 0.05)
        await log.audit("short", b"1", 0.5)
        await harness.advance(0.06)
        assert await log.rooms() == []
        assert await log.read_audit("short") == [b"1"]
        await harness.advance(0.6)
        assert await log.read_audit("short") == []
