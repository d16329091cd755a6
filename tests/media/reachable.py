"""What can still be reached from somewhere."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room.model import RoomState
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.rooms.room import HostedRoom

ELSEWHERE = (RoomState, HostedRoom, Host, MemoryLog, asyncio.AbstractEventLoop, asyncio.Future,
             type, ModuleType, FunctionType)  # fmt: skip
"""What others hold, and look after: not the media plane's."""


def texts(*roots: Any, elsewhere: tuple[type, ...] = ()) -> Iterator[str]:
    """All texts that can be reached from there."""
    seen: set[int] = set()
    todo: list[Any] = list(roots)
    while todo:
        each = todo.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            # The collector leaves out keys that are texts: no cycle goes through them.
            todo += [*each.keys(), *each.values()]
        elif not isinstance(each, (*ELSEWHERE, *elsewhere)):
            todo += gc.get_referents(each)
