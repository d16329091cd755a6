"""Keeps a media node in a process that has other work, too: where it fails, another is started."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from sitwith_server.media.loops import Loop
from sitwith_server.media.plane.node import Node

ENDS_WITHIN = 2.0
"""Seconds that a node may take to end; of one that has failed nothing is sure."""
AGAIN = 1.0
"""Seconds before another one is started."""

_log = structlog.get_logger(__name__)


async def ended(node: Node) -> bool:
    """Closes a node; whether it could be done in time and in order. What is left of one that
    couldn't is silent: its leases are over."""
    closing = asyncio.create_task(node.close())
    await asyncio.wait((closing,), timeout=ENDS_WITHIN)
    if not closing.done():
        closing.cancel()
        await asyncio.wait((closing,), timeout=ENDS_WITHIN)
    in_order = closing.done() and not closing.cancelled() and closing.exception() is None
    if not in_order:
        fault = closing.exception() if closing.done() and not closing.cancelled() else None
        _log.error("media_node_stuck", node=node.id, exc_info=fault)
    return in_order


class NodeKeeper:
    """make: starts a node; what it raises is logged, and it is called again."""

    def __init__(self, node: Node, make: Callable[[], Awaitable[Node]]) -> None:
        self._node: Node | None = node
        self._make = make
        self._loop = Loop("node", self._replace, self._failed)

    @classmethod
    async def start(cls, make: Callable[[], Awaitable[Node]]) -> NodeKeeper:
        """The first node is there once this returns. Raises what `make` raises."""
        made = cls(await make(), make)
        made._loop.start()
        return made

    async def _failed(self) -> None:
        if self._node is not None:
            await self._node.failed.wait()
        await asyncio.sleep(AGAIN)

    async def _replace(self) -> None:
        node, self._node = self._node, None
        if node is not None:
            await ended(node)
        self._node = await self._make()

    async def close(self) -> None:
        """The node ends, and none comes after it."""
        await self._loop.closed()
        if self._node is not None:
            await self._node.close()
