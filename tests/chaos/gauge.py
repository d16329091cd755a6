"""What the site's programs hold once every room is over: memory, open files, keys."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import Final

from tests.chaos.history import Sample
from tests.chaos.site import Site

MEGABYTE: Final = 1024 * 1024
MORE_MEMORY: Final = 64.0
"""MB by which a worker may grow after the first round that it has seen the end of."""
MORE_FILES: Final = 12
"""Files beside those that an idle worker has open: health checks, connections on their way out."""
OF_A_ROOM: Final = re.compile(r"sw:\{\d+\}:[^:]+:.")
"""A key of a room; a shard's own indexes and tombstones stay for a while, and have ids alone."""


class Gauges:
    """`begin` before the first room; `look` after each time that the last room has ended."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._memory: dict[int, float] = {}
        self._files = 0
        self._keys = 0

    async def begin(self) -> None:
        self._files = max(_files(pid) for pid in self._pids())
        self._keys = await self._count()

    async def look(self) -> list[Sample]:
        found = []
        for number, (pid, door) in enumerate(
            zip(self._pids(), self._site.cluster.doors, strict=True)
        ):
            memory, files = _memory(pid), _files(pid)
            before = self._memory.setdefault(pid, memory)
            most = self._files + MORE_FILES
            found += [
                Sample(f"connections of worker {number}", 0, await door.connections(), 0),
                Sample(f"MB of worker {number}", before, memory, before + MORE_MEMORY),
                Sample(f"files of worker {number}", self._files, files, most),
            ]
        keys = await self._count()
        return [*found, Sample("keys of rooms in Redis", self._keys, keys, self._keys)]

    def _pids(self) -> list[int]:
        return [worker.pid for worker in self._site.cluster.workers if worker is not None]

    async def _count(self) -> int:
        keys = await asyncio.to_thread(self._site.backing.admin, "KEYS", "*")
        return sum(OF_A_ROOM.match(key) is not None for key in keys.split("\n"))


def _memory(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def _files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
