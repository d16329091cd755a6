"""Loops, tasks and callbacks: none of them ends without a word."""

from __future__ import annotations

import asyncio
from functools import partial

from structlog.testing import capture_logs

from sitwith_server.log.base import LogDown
from sitwith_server.media.loops import LOG_EVERY, MAX_CHECKS, MAX_FAULTS, Loop, Tasks, guarded
from tests.simulation.machines import Machine, run


class Work:
    """Turns that do as they are told."""

    def __init__(self) -> None:
        self.turns = 0
        self.raises: BaseException | None = None
        self.hangs = asyncio.Event()
        self.hangs.set()
        self.loop = Loop("work", self.turn, partial(asyncio.sleep, 0.1))
        self.loop.start()

    async def turn(self) -> None:
        self.turns += 1
        if self.raises is not None:
            raise self.raises
        await self.hangs.wait()


async def looks(loop: Loop, times: int) -> list[bool]:
    found = []
    for _ in range(times):
        await asyncio.sleep(0.25)
        found.append(loop.is_healthy())
    return found


def test_a_turn_that_fails_is_said_and_the_next_one_comes() -> None:
    async def main() -> None:
        work = Work()
        with capture_logs() as lines:
            work.raises = ValueError("secret")
            await asyncio.sleep(0.55)
            assert work.turns == 5 and work.loop.is_healthy()
            work.raises = None
            await asyncio.sleep(0.5)
            assert work.turns == 10 and work.loop.is_healthy()
            # Said once, and again only after a while.
            assert [(each["event"], each["loop"]) for each in lines] == [
                ("media_loop_fault", "work")
            ]
            work.raises = ValueError("secret")
            await asyncio.sleep(LOG_EVERY)
            assert len(lines) == 2 and lines[0]["times"] == 1 and lines[1]["times"] > MAX_FAULTS
            assert not work.loop.is_healthy(), "it fails again and again"
            work.raises = None
            await asyncio.sleep(0.2)
            assert work.loop.is_healthy()
            work.raises = LogDown("away")
            await asyncio.sleep(0.1 * (MAX_FAULTS + 5))
            assert work.loop.is_healthy(), "that the log is away is no fault of a loop"
        work.loop.close()

    run(main())


def test_a_turn_that_hangs_is_found_by_looks_and_a_pause_is_none() -> None:
    async def main() -> None:
        machine = Machine("node")
        work = machine.call(Work)
        watching = machine.start(looks(work.loop, 100))
        await asyncio.sleep(2)
        machine.pause()
        await asyncio.sleep(60)
        machine.wake()
        assert all(await watching)
        work.hangs.clear()
        assert await looks(work.loop, MAX_CHECKS + 2) == [True] * (MAX_CHECKS - 1) + [False] * 3
        work.hangs.set()
        assert await looks(work.loop, 1) == [True]
        work.loop.close()

    run(main())


def test_what_ends_a_loop_from_outside_is_said() -> None:
    async def main() -> None:
        work, other = Work(), Work()
        with capture_logs() as lines:
            # Something that a turn waits for is cancelled: that is not its own end.
            other.raises = asyncio.CancelledError()
            await asyncio.sleep(0.15)
            other.raises = None
            await asyncio.sleep(0.2)
            assert other.turns == 3 and other.loop.is_healthy()
            assert [each["event"] for each in lines] == ["media_loop_fault"]
            lines.clear()
            next(t for t in asyncio.all_tasks() if t.get_name() == "sitwith-work").cancel()
            await asyncio.sleep(0.1)
            assert [each["event"] for each in lines] == ["media_loop_ended"]
        assert {work.loop.is_healthy(), other.loop.is_healthy()} == {True, False}
        with capture_logs() as lines:
            await work.loop.wait_closed()
            await other.loop.wait_closed()
        assert lines == []
        assert work.loop.is_healthy() and other.loop.is_healthy(), (
            "one that was closed is as it should be"
        )

    run(main())


def test_what_tasks_and_callbacks_raise_is_said() -> None:
    async def fails(fault: BaseException) -> None:
        raise fault

    def call(value: int) -> None:
        raise KeyError(value)

    async def main() -> None:
        tasks, after = Tasks("some_fault", known=(TimeoutError,)), []
        with capture_logs() as lines:
            for each in (LogDown("away"), TimeoutError(), ValueError("x")):
                tasks.spawn(fails(each))
            await asyncio.sleep(0.1)
            assert len(tasks) == 0
            guarded("call", call, lambda: after.append(1))(3)
        assert [each["event"] for each in lines] == ["some_fault", "media_callback_fault"]
        assert isinstance(lines[0]["exc_info"], ValueError) and lines[1]["callback"] == "call"
        assert after == [1]
        tasks.spawn(asyncio.sleep(1))
        tasks.spawn(asyncio.sleep(100))
        now = asyncio.get_running_loop().time
        ends = now() + 2
        await tasks.finish(2)
        assert len(tasks) == 0 and abs(now() - ends) < 0.1

    run(main())
