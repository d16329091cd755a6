"""What nobody does by itself: rooms that are due, or whose workers died, or that moved on."""

from __future__ import annotations

from sitwith_server.log.base import CONTROL, LINGER, Commit, Log

from .harness import ROOM, Harness, LogTests, also, control, create, forget, say, taken


async def _due_at(log: Log, room: str, seconds: float) -> None:
    await also(log, room, due=await log.now(room) + seconds)


class DueContract(LogTests):
    # --- due -------------------------------------------------------------------------------

    async def test_a_room_is_due_at_its_end(self, harness: Harness, log: Log) -> None:
        assert await create(log, "ends", seconds=0.5)
        assert await log.due(0, 60) == []
        await harness.advance(0.6)
        assert await log.due(0, 60) == ["ends"]
        assert await log.heads("ends") is not None, "it is for the service to end it"

    async def test_who_is_late_is_told_once(self, harness: Harness, log: Log) -> None:
        await _due_at(log, ROOM, -0.5)
        assert await log.due(5, 60) == []
        assert await log.due(0.4, 0.5) == [ROOM]
        assert await log.due(0, 60) == []
        await harness.advance(0.6)
        assert await log.due(0, 60) == [ROOM], "who was told has done nothing"
        assert await log.due(0, 60) == []

    async def test_a_commit_moves_what_is_due(self, harness: Harness, log: Log) -> None:
        await _due_at(log, ROOM, 0)
        assert await log.due(0, 60) == [ROOM]
        await _due_at(log, ROOM, 0.5)
        assert await log.due(0, 60) == []
        await harness.advance(0.6)
        assert await log.due(0, 60) == [ROOM], "a new deadline ends the claim"
        await _due_at(log, ROOM, 0)
        taken(await control(log, 0))
        assert await log.due(0, 60) == [ROOM], "a commit without one leaves it as it was"

    async def test_the_due_are_told_in_parts(self, log: Log) -> None:
        rooms = [f"due {n}" for n in range(30)]
        for room in rooms:
            assert await create(log, room, seconds=-1)
        found: list[str] = []
        while some := await log.due(0, 60, 8):
            assert len(some) <= 8
            found += some
        assert sorted(found) == sorted(rooms)

    async def test_an_ended_or_expired_room_is_not_due(self, harness: Harness, log: Log) -> None:
        assert await create(log, "short", seconds=0.05 - LINGER)
        await _due_at(log, ROOM, -1)
        await log.end(ROOM)
        await harness.advance(0.06)
        assert await log.due(0, 60) == []

    # --- orphans ---------------------------------------------------------------------------

    async def test_rooms_are_found_by_whose_connections_they_have(self, log: Log) -> None:
        await create(log, "r2")
        await create(log, "r3")
        assert await log.orphans(["w1", "w2"]) == []
        await also(log, ROOM, workers=frozenset({"w1", "w2"}))
        await also(log, "r2", workers=frozenset({"w2", "w11", "ключ"}))
        await also(log, "r3", workers=frozenset({"w3"}))
        taken(await control(log, 0, room="r2"))
        assert await log.orphans(["w1"]) == [ROOM]
        assert sorted(await log.orphans(["w2"])) == [ROOM, "r2"]
        assert sorted(await log.orphans(["w1", "ключ", "nobody"])) == [ROOM, "r2"]
        assert len(await log.orphans(["w1", "w2", "w3"], limit=2)) == 2
        assert await log.orphans([]) == []
        await also(log, "r2", workers=frozenset())
        await forget(log, workers=frozenset({"w1"}))
        assert await log.orphans(["w2"]) == []
        assert await log.orphans(["w1"]) == [ROOM]

    # --- looks -----------------------------------------------------------------------------

    async def test_a_look_tells_whether_anything_was_missed(self, log: Log) -> None:
        await create(log, "r2")
        seen = [await log.progress([ROOM, "r2", "nobody"])]
        assert seen[0]["nobody"] is None
        assert await log.progress([ROOM, "r2"]) == {name: seen[0][name] for name in (ROOM, "r2")}
        position = taken(await control(log, 0)).positions[0]
        seen.append(await log.progress([ROOM, "r2"]))
        look = seen[1][ROOM]
        assert look is not None
        assert look.position == position
        taken(await say(log, 0))
        seen.append(await log.progress([ROOM, "r2"]))
        taken(await say(log, 0, control=(b"c",), control_head=1))
        seen.append(await log.progress([ROOM, "r2"]))
        await forget(log)
        seen.append(await log.progress([ROOM, "r2"]))
        looks = [each[ROOM] for each in seen]
        assert len(set(looks)) == len(looks) == 5
        counts = [each.count for each in looks[:4] if each]
        assert counts == sorted(set(counts))
        assert len({each["r2"] for each in seen}) == 1

    async def test_what_appends_nothing_leaves_a_look_as_it_was(self, log: Log) -> None:
        taken(await control(log, 0, b"a", key=("s", 1)))
        before = await log.progress([ROOM])
        await control(log, 7)
        await control(log, 1, key=("s", 1))
        await log.commit(Commit(ROOM, CONTROL, (), 1, key=("s", 2), outcome=b"no"))
        await also(log, due=5.0, snapshot=b"s", record=b"new")
        await log.outcome(ROOM, "s", 2)
        await log.publish(ROOM, b"x")
        assert await log.progress([ROOM]) == before

    async def test_many_rooms_are_looked_at_at_once(self, log: Log) -> None:
        rooms = [f"r {n}" for n in range(600)]
        for room in rooms[::2]:
            assert await create(log, room)
        looks = await log.progress([*rooms, *rooms])
        assert [name for name in rooms if looks[name]] == rooms[::2]
        assert len(looks) == 600
        assert await log.progress([]) == {}
