"""Runs a media node in a process that has other work too. If the node fails, starts another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from sitwith_server.media.loops import Loop
from sitwith_server.media.plane.node import Node

CLOSE_TIMEOUT = 2.0
"""Seconds that a node may take to close; a failed one may hang."""
RESTART_DELAY = 1.0
"""Seconds before another one is started."""

_log = structlog.get_logger(__name__)


async def close_node(node: Node) -> bool:
    """Closes a node; whether that worked, and in time. A node that could not be closed is silent
    all the same, because its leases run out."""
    closing = asyncio.create_task(node.close())
    await asyncio.wait((closing,), timeout=CLOSE_TIMEOUT)
    if not closing.done():
        closing.cancel()
        await asyncio.wait((closing,), timeout=CLOSE_TIMEOUT)
    in_order = closing.done() and not closing.cancelled() and closing.exception() is None
    if not in_order:
        fault = closing.exception() if closing.done() and not closing.cancelled() else None
        _log.error("media_node_stuck", node=node.id, exc_info=fault)
    return in_order


class NodeSupervisor:
    """make: starts a node. What it raises is logged, and it is called again."""

    def __init__(self, node: Node, make: Callable[[], Awaitable[Node]]) -> None:
        self._node: Node | None = node
        self._make = make
        self._loop = Loop("node", self._replace, self._failed)

    @classmethod
    async def start(cls, make: Callable[[], Awaitable[Node]]) -> NodeSupervisor:
        """Returns once the first node runs. Raises what `make` raises."""
        made = cls(await make(), make)
        made._loop.start()
        return made

    async def _failed(self) -> None:
        if self._node is not None:
            await self._node.failed.wait()
        await asyncio.sleep(RESTART_DELAY)

    async def _replace(self) -> None:
        node, self._node = self._node, None
        if node is not None:
            await close_node(node)
        self._node = await self._make()

    async def close(self) -> None:
        """Ends the node and starts no other."""
        await self._loop.wait_closed()
        if self._node is not None:
            await self._node.close()
