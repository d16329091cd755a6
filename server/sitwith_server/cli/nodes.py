"""Starts the media processes of a supervisor, restarts those that die, and drains them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from sitwith_server.cli.child import ChildProcess, exit_name
from sitwith_server.cli.supervisor import (
    LEAVES_WITHIN,
    PAUSES,
    READY_WITHIN,
    SILENT_FOR,
    STEADY_AFTER,
)
from sitwith_server.cli.worker import Inheritance
from sitwith_server.gateway.telemetry import logs

Command = Callable[[int, Inheritance], Sequence[str]]
"""Makes the command line of the media process in a place, from 0."""

_LOOK_EVERY: Final = 1.0

_log = logs.logger(__name__)


class MediaNodes:
    """Runs `count` media processes. If one dies, the others or its successor take its rooms."""

    def __init__(self, count: int, command: Command, *, drain_seconds: float) -> None:
        self._count, self._command, self._drain_seconds = count, command, drain_seconds
        self._alive: set[ChildProcess] = set()
        self._places: dict[int, ChildProcess] = {}
        self._asked: set[ChildProcess] = set()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Needs the running event loop."""
        self._tasks = [asyncio.create_task(self._keep(place)) for place in range(self._count)]
        self._tasks.append(asyncio.create_task(self._watch()))

    async def rolling_restart(self) -> None:
        """Replaces one process after another. Each moves its rooms away first. Its successor starts
        only once it has exited, since both may need the same port."""
        for node in sorted(self._alive, key=lambda each: each.place):
            self._asked.add(node)
            node.signal(signal.SIGTERM)
            limit = self._drain_seconds + LEAVES_WITHIN
            await asyncio.wait((node.ended,), timeout=limit)
            if not node.ended.done():
                _log.error("media_node_late", place=node.place, pid=node.pid)
                node.kill()
            await node.ended
            while (new := self._places.get(node.place)) is node or new is None:
                await asyncio.sleep(0.05)
            if not await new.is_ready(READY_WITHIN):
                _log.error("restart_given_up", media_node=node.place)
                return

    async def stop(self, number: int) -> bool:
        """Sends all processes a signal and waits for them.

        number: SIGTERM, which drains, or SIGINT, which does not.

        Returns:
            Whether all exited as they should.
        """
        for task in self._tasks:
            task.cancel()
        leaving = list(self._alive)
        for node in leaving:
            node.signal(number)
        if leaving:
            limit = self._drain_seconds + LEAVES_WITHIN
            await asyncio.wait([node.ended for node in leaving], timeout=limit)
        for node in leaving:
            if not node.ended.done():
                _log.error("media_node_late", place=node.place, pid=node.pid)
                node.kill()
        codes = [await node.ended for node in leaving]
        # Of processes that end at the same time, the callbacks of some may not have run yet.
        self._alive.difference_update(leaving)
        return all(code in (0, -number) for code in codes)

    async def _keep(self, place: int) -> None:
        deaths = 0
        loop = asyncio.get_running_loop()
        while True:
            node = ChildProcess(place, partial(self._command, place), ())
            self._alive.add(node)
            self._places[place] = node
            _log.info("media_node_started", place=place, pid=node.pid)
            node.ended.add_done_callback(partial(self._gone, node))
            code = await asyncio.shield(node.ended)
            if node in self._asked:
                self._asked.discard(node)
                deaths = 0
                continue
            deaths = 1 if loop.time() - node.began > STEADY_AFTER else deaths + 1
            pause = PAUSES[min(deaths, len(PAUSES)) - 1]
            _log.error(
                "media_node_ended", place=place, pid=node.pid, ended=exit_name(code), pause=pause
            )
            await asyncio.sleep(pause)

    def _gone(self, node: ChildProcess, _: asyncio.Future[int]) -> None:
        self._alive.discard(node)

    async def _watch(self) -> None:
        """Kills processes that have stopped beating, as the supervisor does with workers."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            for node in list(self._alive):
                node.missed += node.ready.is_set()
                if node.missed > SILENT_FOR:
                    _log.error("media_node_silent", place=node.place, pid=node.pid)
                    node.kill()
