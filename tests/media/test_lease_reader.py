"""Reads of all rooms of a node in one: what they are worth, and that none delays another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import cast

from structlog.testing import capture_logs

from sitwith_server.log.base import Log, LogDown, Position, Progress
from sitwith_server.media.loops import MAX_FAULTS
from sitwith_server.media.plane.lease_reader import READ_EVERY, LeaseReader
from sitwith_server.media.plane.reconcile import covers
from sitwith_server.media.plane.route_planner import LEASE
from tests.simulation.machines import run


def at(seq: int, epoch: int = 1, event: bytes = bytes(8)) -> Position:
    return Position(epoch, seq, event)


class Heads:
    """A log of nothing but heads. `takes` is how long an answer takes that has this room in it."""

    def __init__(self) -> None:
        self.asked: list[frozenset[str]] = []
        self.takes: dict[str, float] = {}
        self.found: dict[str, Progress | None] = {}
        self.fault: Exception | None = None

    async def progress(self, rooms: Collection[str]) -> Mapping[str, Progress | None]:
        self.asked.append(frozenset(rooms))
        if self.fault is not None:
            raise self.fault
        found = {room: self.found[room] for room in rooms if room in self.found}
        await asyncio.sleep(max((self.takes.get(room, 0.01) for room in rooms), default=0))
        return found


class Reading:
    """`told` has by room when each read was sent and what it found."""

    def __init__(self, *rooms: str) -> None:
        self.heads = Heads()
        self.clock = asyncio.get_running_loop().time
        self.reader = LeaseReader(cast(Log, self.heads), self.clock)
        self.told: dict[str, list[tuple[float, Progress | None]]] = {}
        self.ends: dict[str, Callable[[], None]] = {}
        self.gaps: dict[str, float] = {}
        self._until: dict[str, float] = {}
        self.reader.start()
        for room in rooms:
            self.heads.found[room] = Progress(at(1), 1)
            self.add(room)

    def add(self, room: str) -> None:
        told = self.told.setdefault(room, [])

        def tell(sent: float, look: Progress | None) -> None:
            if room in self._until:
                late = self.clock() - self._until[room]
                self.gaps[room] = max(self.gaps.get(room, 0.0), late)
            self._until[room] = sent + LEASE
            told.append((sent, look))

        self.ends[room] = self.reader.add(room, tell)

    def lapsed(self, room: str) -> bool:
        """Whether the room's lease has ever run out, or is out now."""
        late = self.clock() - self._until[room]
        return max(self.gaps.get(room, 0.0), late) > 0


def test_MW5_all_rooms_are_read_in_one_call_and_worth_what_they_were_when_it_was_sent() -> None:
    async def main() -> None:
        r = Reading("a", "b", "c")
        await asyncio.sleep(0.1)
        r.heads.asked.clear()
        await asyncio.sleep(2)
        assert set(r.heads.asked) == {frozenset("abc")}
        assert 7 <= len(r.heads.asked) <= 9
        r.heads.takes["a"] = 0.2
        await asyncio.sleep(1)
        sent = r.told["a"][-1][0]
        assert 0.2 <= r.clock() - sent <= 0.2 + READ_EVERY + 0.01
        r.ends["b"]()
        await asyncio.sleep(0.5)
        assert r.heads.asked[-1] == frozenset("ac")
        before = len(r.told["b"])
        await asyncio.sleep(0.5)
        assert len(r.told["b"]) == before
        r.reader.close()
        await asyncio.sleep(0.5)
        count = len(r.heads.asked)
        await asyncio.sleep(1)
        assert len(r.heads.asked) == count

    run(main())


def test_a_room_whose_log_is_slow_or_mute_delays_no_other() -> None:
    async def main() -> None:
        r = Reading("a", "b", "slow", "mute")
        await asyncio.sleep(1)
        r.heads.takes |= {"slow": 0.45, "mute": 3600}
        await asyncio.sleep(10)
        assert not r.lapsed("a") and not r.lapsed("b")
        assert not r.lapsed("slow"), "slow is not too slow"
        assert r.lapsed("mute")
        r.heads.takes.clear()
        await asyncio.sleep(1.5)
        r.heads.asked.clear()
        await asyncio.sleep(1)
        assert set(r.heads.asked) == {frozenset(("a", "b", "slow", "mute"))}

    run(main())


def test_what_is_not_answered_is_not_told_and_no_room_is() -> None:
    async def main() -> None:
        r = Reading("a", "b")
        await asyncio.sleep(1)
        del r.heads.found["a"]
        r.heads.found["b"] = None
        await asyncio.sleep(0.5)
        for told in r.told.values():
            told.clear()
        await asyncio.sleep(1)
        assert r.told["a"] == []
        assert {look for _, look in r.told["b"]} == {None}
        r.heads.fault = LogDown("away")
        await asyncio.sleep(0.5)
        r.told["b"].clear()
        await asyncio.sleep(0.1 * MAX_FAULTS + 10)
        assert r.told["b"] == [] and r.reader.is_healthy()

    run(main())


def test_one_rooms_fault_is_its_own_and_a_reader_that_only_fails_is_not_well() -> None:
    async def main() -> None:
        r = Reading("a", "b")

        def fails(sent: float, look: Progress | None) -> None:
            raise ValueError

        with capture_logs() as lines:
            r.ends["a"] = r.reader.add("a", fails)
            await asyncio.sleep(3)
            assert not r.lapsed("b") and r.reader.is_healthy()
            assert {each["event"] for each in lines} == {"lease_told_fault"}
            lines.clear()
            r.heads.fault = KeyError("a defect")
            await asyncio.sleep(READ_EVERY * (MAX_FAULTS + 2))
            assert {each["event"] for each in lines} == {"lease_fault"}
            assert not r.reader.is_healthy()
            r.heads.fault = None
            await asyncio.sleep(1)
            assert r.reader.is_healthy()

    run(main())


def test_what_covers_a_head() -> None:
    here = at(5, epoch=2, event=b"an event")
    assert covers(here, here)
    assert covers(here, at(4, epoch=2)) and covers(here, at(9, epoch=1))
    assert not covers(here, at(6, epoch=2)) and not covers(here, at(1, epoch=3))
    assert not covers(here, at(5, epoch=2, event=b"another ")), "another event in its place"
