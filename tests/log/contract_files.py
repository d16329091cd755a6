"""Files of rooms: the part of the contract that is neither about rooms nor about entries."""

from __future__ import annotations

from sitwith_server.log.base import LINGER, Log

from .harness import ROOM, Harness, LogTests, also, create, forget

LARGE = bytes(range(256)) * 4_000
"""More than a million bytes: several pieces, where files lie in pieces."""


class FileContract(LogTests):
    async def test_a_file_is_kept_whole(self, log: Log) -> None:
        for name, data in (("b1", b"x"), ("b2", LARGE), ("b3", bytes(262_144))):
            assert await log.files.put(ROOM, name, data)
            assert await log.files.get(ROOM, name) == data
        assert await log.files.names(ROOM) == {"b1", "b2", "b3"}
        assert await log.files.get(ROOM, "b4") is None

    async def test_a_file_is_replaced_and_dropped(self, log: Log) -> None:
        await log.files.put(ROOM, "b1", LARGE)
        await log.files.put(ROOM, "b1", b"short")
        await log.files.put(ROOM, "b11", b"other")
        assert await log.files.get(ROOM, "b1") == b"short"
        await log.files.drop(ROOM, "b1", "unknown")
        assert await log.files.get(ROOM, "b1") is None
        assert await log.files.names(ROOM) == {"b11"}
        assert await log.files.get(ROOM, "b11") == b"other"
        await log.files.drop(ROOM)

    async def test_a_room_that_is_not_there_has_no_files(self, log: Log) -> None:
        assert not await log.files.put("nobody", "b1", b"x")
        assert await log.files.get("nobody", "b1") is None
        assert await log.files.names("nobody") == frozenset()
        assert not await log.files.restore("nobody", "b1")
        await log.files.drop("nobody", "b1")

    async def test_files_go_with_their_room(self, harness: Harness) -> None:
        log = harness.log
        await log.files.put(ROOM, "b1", LARGE)
        await log.end(ROOM)
        log.files.evict_others(())
        assert await log.files.get(ROOM, "b1") is None
        assert await log.files.names(ROOM) == frozenset()
        assert not await log.files.put(ROOM, "b1", b"x"), "it has ended"
        assert await create(log, "short", seconds=0.05 - LINGER)
        await log.files.put("short", "b1", b"x")
        await harness.advance(0.06)
        log.files.evict_others(())
        assert await log.files.get("short", "b1") is None

    async def test_a_commit_drops_files_and_forgetting_drops_all(self, log: Log) -> None:
        for name in ("b1", "b2", "b3"):
            await log.files.put(ROOM, name, LARGE)
        await also(log, drop_files=("b1", "unknown"))
        assert await log.files.names(ROOM) == {"b2", "b3"}
        assert await log.files.get(ROOM, "b1") is None
        assert not await log.files.restore(ROOM, "b1")
        await forget(log)
        assert await log.files.names(ROOM) == frozenset()
        assert await log.files.get(ROOM, "b2") is None
        assert not await log.files.restore(ROOM, "b2")
        assert await log.files.put(ROOM, "b2", b"new")
        assert await log.files.get(ROOM, "b2") == b"new"

    async def test_letting_go_leaves_the_logs_own(self, log: Log) -> None:
        await log.files.put(ROOM, "b1", b"x")
        await log.files.put(ROOM, "b2", b"y")
        log.files.evict(ROOM, "b1", "unknown")
        log.files.evict(ROOM)
        log.files.evict("nobody")
        assert await log.files.get(ROOM, "b1") == b"x"
        assert await log.files.get(ROOM, "b2") == b"y"
