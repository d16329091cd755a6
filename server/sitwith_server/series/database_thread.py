"""Runs blocking calls for an event loop: one thread with a bounded queue.

The thread is a daemon, so that a database that hangs can't keep the process from exiting.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from sitwith_server.series.model import StoreDown

T = TypeVar("T")

CALLS_WAITING: Final = 64
"""Calls that may wait; further ones fail at once."""
CALL_SECONDS: Final = 15.0
"""Seconds after which a caller gets `StoreDown`. The call itself goes on in the thread."""

_Call = tuple[asyncio.AbstractEventLoop, "asyncio.Future[object]", Callable[[], object]]


class DatabaseThread:
    """Makes calls, one after another."""

    def __init__(
        self, name: str, *, most_waiting: int = CALLS_WAITING, seconds: float = CALL_SECONDS
    ) -> None:
        self._calls: queue.Queue[_Call | None] = queue.Queue(most_waiting)
        self._name = name
        self._seconds = seconds
        self._thread: threading.Thread | None = None

    async def call(self, work: Callable[[], T]) -> T:
        """Runs `work` in the thread; returns its result or raises its exception.

        Raises:
            StoreDown: the queue is full, or `work` takes too long.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        try:
            self._calls.put_nowait((loop, done, work))  # type: ignore[arg-type]
        except queue.Full:
            raise StoreDown("too many calls wait") from None
        try:
            async with asyncio.timeout(self._seconds):
                return await done
        except TimeoutError:
            raise StoreDown("it takes too long") from None

    def close(self) -> None:
        """Ends the thread once the waiting calls are made."""
        with suppress(queue.Full):
            self._calls.put_nowait(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            loop, done, work = call
            if done.cancelled():
                continue
            try:
                result, fault = work(), None
            except BaseException as raised:
                result, fault = None, raised
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(_settle, done, result, fault)


def _settle(done: asyncio.Future[object], result: object, fault: BaseException | None) -> None:
    if done.done():
        return
    if fault is None:
        done.set_result(result)
    else:
        done.set_exception(fault)
