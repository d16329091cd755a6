"""Rooms, hints, clock and audit: the part of the contract that isn't about entries."""

from __future__ import annotations

import asyncio

from sitwith_server.log.base import (
    CONTROL,
    LINGER,
    MAX_NOTIFICATION_BYTES,
    Commit,
    Effects,
    Gone,
    Health,
    HostedState,
    Leases,
    Log,
    Notification,
    Position,
)

from .harness import (
    ROOM,
    Harness,
    LogTests,
    Received,
    also,
    control,
    create,
    everything,
    say,
    taken,
    turns,
)


def _standing(leases: Leases) -> tuple[list[str], list[str]]:
    """Who is known to live, and who has lapsed."""
    return sorted(leases.living_at_beat()), sorted(leases.lapsed())


class RoomContract(LogTests):
    # --- rooms -----------------------------------------------------------------------------

    async def test_a_room_is_made_once(self, log: Log) -> None:
        assert not await create(log, ROOM, b"other")
        assert await log.record(ROOM) == b"record"
        assert await log.rooms() == [ROOM]

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
        everything_else = Effects(
            record=b"x", due=1.0, workers=frozenset({"w"}), snapshot=b"x", audit=(b"x", 3_600)
        )
        commit = Commit("nobody", CONTROL, (), 0, effects=everything_else)
        assert await log.commit(commit) == Gone()
        assert await log.read_audit("nobody") == []
        assert await log.progress(["nobody"]) == {"nobody": None}
        assert await log.due(0, 60) == []
        assert await log.orphans(["w"]) == []
        await log.publish("nobody", b"x")
        assert await log.record("nobody") is None
        assert await log.snapshot("nobody") is None
        assert await log.outcome("nobody", "s", 1) is None
        assert await log.read("nobody", CONTROL, 0) == []
        assert not await log.ended("nobody")
        assert await log.rooms() == [ROOM]

    async def test_a_room_expires(self, harness: Harness) -> None:
        log = harness.log
        assert await create(log, "short", seconds=0.05 - LINGER)
        assert await create(log, "long")
        await control(log, 0, room="short", key=("s", 1), outcome=b"o")
        await harness.advance(0.06)
        assert await control(log, 1, room="short") == Gone()
        assert await log.record("short") is None
        assert await log.heads("short") is None
        assert await log.outcome("short", "s", 1) is None
        assert await log.read("short", CONTROL, 0) == []
        assert await log.rooms() == ["long"]
        assert not await log.ended("short")

    async def test_what_is_over_already_is_over_at_once(self, harness: Harness, log: Log) -> None:
        assert await log.create("past", b"r", 1.0)
        taken(await control(log, 0, b"x", key=("s", 1)))
        await also(log, expires=1.0, record=b"new", due=5.0, audit=(b"a", 3_600))
        await harness.advance(0.02)
        assert await log.rooms() == []
        for room in ("past", ROOM):
            assert await log.record(room) is None
            assert await control(log, 1, room=room) == Gone()
        assert await log.due(0, 60) == []

    async def test_an_end_leaves_nothing_but_the_id(self, log: Log) -> None:
        taken(await control(log, 0, b"secret", key=("s", 1), outcome=b"o"))
        taken(await say(log, 0, b"words"))
        await also(log, snapshot=b"state", workers=frozenset({"w"}), due=1.0)
        await log.end(ROOM)
        assert await log.orphans(["w"]) == []
        assert await log.due(0, 60) == []
        assert await log.progress([ROOM]) == {ROOM: None}
        assert await log.ended(ROOM)
        assert await log.rooms() == []
        assert await log.record(ROOM) is None
        assert await log.heads(ROOM) is None
        assert await log.snapshot(ROOM) is None
        assert await log.outcome(ROOM, "s", 1) is None
        assert await log.read(ROOM, CONTROL, 0) == []
        assert await log.read(ROOM, "circle", 0) == []
        assert await control(log, 1) == Gone()
        assert not await create(log)

    async def test_a_room_that_never_was_can_be_ended(self, log: Log) -> None:
        assert not await log.ended("never there")
        await log.end("never there")
        assert await log.ended("never there")
        assert not await create(log, "never there")

    # --- hints -----------------------------------------------------------------------------

    async def test_followers_hear_of_commits_and_whispers(self, log: Log) -> None:
        received = Received(log)
        await turns()
        notified = len(received.notifications)
        first = taken(await control(log, 0, b"a", b"b"))
        second = taken(await say(log, 0))
        await log.publish(ROOM, b"psst")
        await turns()
        assert received.told(notified) == [(CONTROL, 2), ("circle", 1)]
        assert received.heard == [b"psst"]
        told = [entry for notification in received.notifications for entry in notification.entries]
        read = await log.read(ROOM, CONTROL, 0) + await log.read(ROOM, "circle", 0)
        assert told == read
        assert tuple(entry.position for entry in told) == first.positions + second.positions
        received.unsubscribe()
        received.unsubscribe()
        taken(await control(log, 2))
        await log.publish(ROOM, b"more")
        await turns()
        assert received.told(notified) == [(CONTROL, 2), ("circle", 1)]
        assert received.heard == [b"psst"]
        assert await everything(log, "circle") == [b"x"]

    async def test_a_bell_carries_who_said_it_and_when(self, log: Log) -> None:
        taken(await control(log, 0, b"mute", rights=True))
        received = Received(log)
        await turns()
        result = taken(await say(log, 1, b"a", b"b", key=("seat", 7), outcome=b"o"))
        await turns()
        entries = received.notifications[-1].entries
        assert [each.origin for each in entries] == ["seat", "seat"]
        assert [each.rights for each in entries] == [1, 1]
        assert [each.at for each in entries] == [result.at, result.at]
        assert await log.read(ROOM, "circle", 0) == list(entries)

    async def test_large_entries_ring_with_their_number(self, log: Log) -> None:
        received = Received(log)
        await turns()
        for blobs in (
            (b"x" * (MAX_NOTIFICATION_BYTES + 1),),
            (b"x" * MAX_NOTIFICATION_BYTES, b"y"),
        ):
            notified = len(received.notifications)
            seq = taken(await say(log, 0, *blobs)).positions[-1].seq
            await turns()
            assert received.notifications[notified:] == [Notification("circle", seq)]
        taken(await say(log, 0, b"x" * MAX_NOTIFICATION_BYTES))
        await turns()
        assert received.entries() == [("circle", b"x" * MAX_NOTIFICATION_BYTES)]

    async def test_what_is_not_committed_rings_no_bell(self, log: Log) -> None:
        received = Received(log)
        await turns()
        notified = len(received.notifications)
        await control(log, 3)
        await log.commit(Commit(ROOM, CONTROL, (), 0, key=("s", 1), outcome=b"no"))
        await control(log, 0, key=("s", 1))
        await control(log, 0, room="r2")
        await turns()
        assert received.notifications[notified:] == []

    async def test_no_call_comes_after_unfollow(self, log: Log) -> None:
        received = Received(log)
        taken(await control(log, 0))
        received.unsubscribe()
        seen = list(received.notifications)
        await turns()
        assert received.notifications == seen

    async def test_a_follower_that_fails_harms_nobody(self, log: Log) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)

        def fail(*_: object) -> None:
            raise RuntimeError("a broken follower")

        log.subscribe(ROOM, fail, fail)
        received = Received(log)
        await turns()
        taken(await control(log, 0))
        await log.publish(ROOM, b"x")
        await turns()
        assert received.told() == [(CONTROL, 1)]
        assert received.heard == [b"x"]

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

    async def test_who_lapsed_is_known_until_it_is_settled(self, harness: Harness) -> None:
        leases = harness.log.leases
        await leases.beat("w1", 0.5)
        await leases.beat("w2", 3_600)
        assert _standing(leases) == (["w1", "w2"], [])
        await leases.drop_lapsed("w1")
        assert await leases.living(["w1"]) == {"w1"}, "who lives is not settled"
        await harness.advance(0.6)
        for _ in range(2):
            await leases.beat("w2", 3_600)
            assert _standing(leases) == (["w2"], ["w1"])
        await leases.drop_lapsed("w1")
        await leases.drop_lapsed("w9")
        assert leases.lapsed() == set()
        await leases.beat("w2", 3_600)
        assert _standing(leases) == (["w2"], [])
        await leases.beat("w1", 3_600)
        assert leases.living_at_beat() == {"w1", "w2"}

    async def test_a_log_that_is_well_says_so(self, log: Log) -> None:
        assert set(log.health().values()) == {Health.LIVE}
        assert log.reasons() == {}
        assert not log.frozen(ROOM)
        release = log.hold(ROOM, lambda: HostedState(Position.START, b"", 0.0, frozenset()))
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
        await create(log, "short", seconds=0.05 - LINGER)
        await log.audit("short", b"1", 0.5)
        await harness.advance(0.06)
        assert await log.rooms() == []
        assert await log.read_audit("short") == [b"1"]
        await harness.advance(0.6)
        assert await log.read_audit("short") == []
