"""Work that goes on by itself, so that none of it ends without a word.

* `Loop`: turns without an end. A turn that raises is logged and the next one comes; a loop that has
  ended, that hangs in a turn or of which no turn succeeds is not well, which its watcher asks.
* `Tasks`: work that nobody waits for. What it raises is logged.
* `guarded`: a callback for an event loop, a library or the log. What it raises is logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, ParamSpec

import structlog

from sitwith_server.log.base import LogDown

MAX_CHECKS: Final = 8
"""Looks of its watcher in which a turn must end, where nothing else is said. A node looks four
times a second."""
MAX_FAULTS: Final = 20
"""Turns that may fail in a row."""
LOG_EVERY: Final = 10.0
"""Seconds between two lines about the same fault that comes again and again."""

P = ParamSpec("P")

_log = structlog.get_logger(__name__)


class FaultLog:
    """Says a fault at once, and while it goes on again every `LOG_EVERY` seconds."""

    def __init__(self, event: str, **fields: object) -> None:
        self._event, self._fields = event, fields
        self._next = float("-inf")
        self._times = 0

    def log(self, fault: BaseException) -> None:
        """From within an event loop."""
        self._times += 1
        now = asyncio.get_running_loop().time()
        if now >= self._next:
            _log.error(self._event, **self._fields, times=self._times, exc_info=fault)
            self._next, self._times = now + LOG_EVERY, 0


class Loop:
    """Turns with a rest before each.

    name: of its log lines (`media_loop_fault`, `media_loop_ended`), a fixed word.
    rest: what is waited for before a turn, as long as it takes: time, or something to do.
    max_faults: turns that may fail in a row. looks: of its watcher in which a turn must end.
    """

    def __init__(
        self,
        name: str,
        turn: Callable[[], Awaitable[object]],
        rest: Callable[[], Awaitable[object]],
        *,
        max_faults: int = MAX_FAULTS,
        max_checks: int = MAX_CHECKS,
    ) -> None:
        self.name = name
        self._turn, self._rest = turn, rest
        self._max_faults, self._max_checks = max_faults, max_checks
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._resting = True
        self._turns = self._seen = self._stuck = self._failed = 0
        self._fault_log = FaultLog("media_loop_fault", loop=name)

    def start(self) -> None:
        """From within the event loop. The first turn comes after a rest."""
        self._task = asyncio.create_task(self._run(), name=f"sitwith-{self.name}")
        self._task.add_done_callback(self._ended)

    def close(self) -> None:
        """No turn begins any more; one that is under way is cancelled."""
        self._closing = True
        if self._task is not None:
            self._task.cancel()

    async def wait_closed(self) -> None:
        """Closes, and returns once the last turn has ended."""
        self.close()
        if self._task is not None:
            await asyncio.wait((self._task,))

    def is_healthy(self) -> bool:
        """Whether it goes on as it should. To be asked at even intervals by one watcher alone: a
        turn that hangs is known by how often it was met, so that a process which stood still, its
        watcher with it, takes nothing for stuck."""
        if self._task is None or self._closing:
            return True
        moved, self._seen = self._turns != self._seen, self._turns
        self._stuck = 0 if moved or self._resting else self._stuck + 1
        return not (
            self._task.done() or self._stuck >= self._max_checks or self._failed >= self._max_faults
        )

    async def _run(self) -> None:
        while True:
            self._resting = True
            try:
                await self._rest()
                self._resting = False
                await self._turn()
            except LogDown:
                # Nothing is wrong here: it is tried again.
                self._failed = 0
            except Exception as fault:
                self._fail(fault)
            except asyncio.CancelledError as fault:
                # Of something that a turn waited for; or of this loop itself.
                if self._closing or _is_cancelled():
                    raise
                self._fail(fault)
            else:
                self._failed = 0
            self._turns += 1

    def _fail(self, fault: BaseException) -> None:
        self._failed += 1
        self._fault_log.log(fault)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not self._closing:
            fault = None if task.cancelled() else task.exception()
            _log.error("media_loop_ended", loop=self.name, exc_info=fault)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Tasks:
    """Work that nobody waits for. What it raises is logged as `event`, except that the log is away.

    known: what else may be raised that is no defect.
    """

    def __init__(
        self, event: str = "media_fault", known: tuple[type[BaseException], ...] = ()
    ) -> None:
        self._fault_log = FaultLog(event)
        self._known: tuple[type[BaseException], ...] = (LogDown, *known)
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)

    def __len__(self) -> int:
        return len(self._running)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if task.cancelled():
            return
        fault = task.exception()
        if fault is not None and not isinstance(fault, self._known):
            self._fault_log.log(fault)

    def cancel(self) -> None:
        """Ends what still runs, soon."""
        for task in list(self._running):
            task.cancel()

    async def finish(self, within: float) -> None:
        """Lets it run to its end for so many seconds; cancels what runs then."""
        if running := list(self._running):
            await asyncio.wait(running, timeout=within)
        await self.end()

    async def end(self) -> None:
        """Cancels what still runs, and returns once it has ended."""
        running = list(self._running)
        self.cancel()
        if running:
            await asyncio.wait(running)


def guarded(
    name: str, call: Callable[P, None], then: Callable[[], None] | None = None
) -> Callable[P, None]:
    """`call`, for somebody who can't do anything about what it raises: that is logged as
    `media_callback_fault` with this name, and `then` is called."""
    often = FaultLog("media_callback_fault", callback=name)

    def guard(*args: P.args, **fields: P.kwargs) -> None:
        try:
            call(*args, **fields)
        except Exception as fault:
            often.log(fault)
            if then is not None:
                then()

    return guard
