"""Background work whose failures are always noticed.

* `Loop`: repeats a turn forever. A turn that raises is logged, and the next one follows. A loop
  that has ended, hangs in a turn, or fails in every turn is unhealthy; its owner checks that.
* `Tasks`: tasks that nobody awaits. What they raise is logged.
* `guarded`: a callback for an event loop, a library or the log. What it raises is logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, ParamSpec

import structlog

from sitwith_server.log.base import LogDown

MAX_CHECKS: Final = 8
"""Health checks within which a turn must end, by default. A node checks four times a second."""
MAX_FAULTS: Final = 20
"""Turns in a row that may fail, by default."""
LOG_EVERY: Final = 10.0
"""Seconds between two log lines about the same fault."""

P = ParamSpec("P")

_log = structlog.get_logger(__name__)


class FaultLog:
    """Logs a fault at once, and every `LOG_EVERY` seconds while it goes on."""

    def __init__(self, event: str, **fields: object) -> None:
        self._event, self._fields = event, fields
        self._next = float("-inf")
        self._times = 0

    def log(self, fault: BaseException) -> None:
        """To be called from within an event loop."""
        self._times += 1
        now = asyncio.get_running_loop().time()
        if now >= self._next:
            _log.error(self._event, **self._fields, times=self._times, exc_info=fault)
            self._next, self._times = now + LOG_EVERY, 0


class Loop:
    """Repeats `rest` and then `turn`, forever.

    name: a fixed word for its log lines (`media_loop_fault`, `media_loop_ended`).
    rest: waits for the time or the event that makes a turn due; may take any time.
    max_faults: turns in a row that may fail.
    max_checks: health checks within which a turn must end.
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
        """To be called from within the event loop. Begins with a rest."""
        self._task = asyncio.create_task(self._run(), name=f"sitwith-{self.name}")
        self._task.add_done_callback(self._ended)

    def close(self) -> None:
        """Ends the loop; a turn under way is cancelled."""
        self._closing = True
        if self._task is not None:
            self._task.cancel()

    async def wait_closed(self) -> None:
        """Closes, and returns once the last turn has ended."""
        self.close()
        if self._task is not None:
            await asyncio.wait((self._task,))

    def is_healthy(self) -> bool:
        """Whether it still makes turns that succeed. To be called at even intervals and from one
        place only: a hanging turn is known by how many checks have met it. So a process that was
        stopped as a whole does not take its loops for stuck."""
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
                # No fault of this loop, so it does not count.
                self._failed = 0
            except Exception as fault:
                self._fail(fault)
            except asyncio.CancelledError as fault:
                # Either the loop itself is cancelled, or something that a turn awaited.
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
    """Tasks that nobody awaits. What they raise is logged as `event`, except `LogDown`.

    known: exceptions that are no defect and not logged either.
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
        """Cancels what still runs; does not wait for it."""
        for task in list(self._running):
            task.cancel()

    async def finish(self, within: float) -> None:
        """Waits for at most `within` seconds, then cancels what still runs."""
        if running := list(self._running):
            await asyncio.wait(running, timeout=within)
        await self.end()

    async def end(self) -> None:
        """Cancels what still runs and waits for its end."""
        running = list(self._running)
        self.cancel()
        if running:
            await asyncio.wait(running)


def guarded(
    name: str, call: Callable[P, None], on_fault: Callable[[], None] | None = None
) -> Callable[P, None]:
    """Wraps `call` for a caller that can't handle exceptions: they are logged as
    `media_callback_fault` with this name, and then `on_fault` is called."""
    often = FaultLog("media_callback_fault", callback=name)

    def guard(*args: P.args, **fields: P.kwargs) -> None:
        try:
            call(*args, **fields)
        except Exception as fault:
            often.log(fault)
            if on_fault is not None:
                on_fault()

    return guard
