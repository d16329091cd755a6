"""What waits for the store: bounded, retried, and never in anybody's way."""

from __future__ import annotations

import asyncio
import threading

import pytest

from sitwith_server.series.database_thread import DatabaseThread
from sitwith_server.series.model import MeetingSummary, StoreDown
from sitwith_server.series.writer import MeetingWriter

ADA = b"a" * 16


class Database:
    """A store that can be taken away."""

    def __init__(self) -> None:
        self.down = False
        self.written: dict[str, int] = {}
        self.gate = asyncio.Event()
        self.gate.set()

    async def keep(self, summary: MeetingSummary) -> None:
        await self.gate.wait()
        if self.down:
            raise StoreDown("OperationalError")
        self.written[summary.room] = summary.number


async def test_SE10_what_could_not_be_written_is_written_once_it_can() -> None:
    database = Database()
    database.down = True
    writer = MeetingWriter(database.keep, retry=0.01)
    for number in range(1, 4):
        writer.put(MeetingSummary("r1", number, {ADA: 0}))
    writer.put(MeetingSummary("r2", 1))
    assert not await writer.flush(0.1)
    database.down = False
    assert await writer.flush(20)
    assert database.written == {"r1": 3, "r2": 1}
    assert writer.waiting == 0
    await writer.close(1)


async def test_SE10_an_earlier_evening_never_takes_the_place_of_a_later() -> None:
    database = Database()
    database.gate.clear()
    writer = MeetingWriter(database.keep)
    writer.put(MeetingSummary("r1", 5))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    writer.put(MeetingSummary("r1", 9))
    writer.put(MeetingSummary("r1", 7))
    database.gate.set()
    assert await writer.flush(20)
    assert database.written == {"r1": 9}
    await writer.close(1)


async def test_SE10_what_waits_is_bounded_and_what_is_given_up_is_counted() -> None:
    database = Database()
    given_up: list[int] = []
    database.down = True
    writer = MeetingWriter(database.keep, most=3, retry=0.01, on_given_up=given_up.append)
    for n in range(5):
        writer.put(MeetingSummary(f"r{n}", 1))
    assert (writer.waiting, given_up) == (3, [1, 1])
    await writer.close(0.05)
    assert sum(given_up) == 5
    assert database.written == {}


async def test_SE10_a_fault_of_one_evening_stops_no_other() -> None:
    written: list[str] = []

    async def keep(summary: MeetingSummary) -> None:
        if summary.room == "r1":
            raise RuntimeError("nobody foresaw this")
        written.append(summary.room)

    writer = MeetingWriter(keep)
    writer.put(MeetingSummary("r1", 1))
    writer.put(MeetingSummary("r2", 1))
    assert await writer.flush(20)
    assert written == ["r2"]
    await writer.close(1)


async def test_SE10_a_call_that_hangs_is_given_up_and_the_line_is_bounded() -> None:
    thread, gate = DatabaseThread("test", most_waiting=1, seconds=0.05), threading.Event()
    with pytest.raises(StoreDown, match="too long"):
        await thread.call(gate.wait)
    waits = asyncio.ensure_future(thread.call(lambda: 7))
    await asyncio.sleep(0)
    with pytest.raises(StoreDown, match="wait"):
        await thread.call(lambda: 8)
    gate.set()
    with_luck = await asyncio.gather(waits, return_exceptions=True)
    assert with_luck[0] == 7 or isinstance(with_luck[0], StoreDown)
    thread.close()


async def test_a_lane_gives_back_what_was_raised() -> None:
    thread = DatabaseThread("test")

    def work() -> None:
        raise ValueError("what it was")

    with pytest.raises(ValueError, match="what it was"):
        await thread.call(work)
    assert await thread.call(lambda: 3) == 3
    thread.close()
