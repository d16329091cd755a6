"""All parts of one worker, and the order in which they start and stop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.types import ASGIApp

from sitwith_server.gateway.sockets.policy import SocketPolicy
from sitwith_server.gateway.websocket.registry import ConnectionRegistry
from sitwith_server.log.base import Log
from sitwith_server.media.plane.node import Node
from sitwith_server.media.plane.node_supervisor import NodeSupervisor
from sitwith_server.media.plane.worker import WorkerMedia
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.hosting.periodic import PeriodicWork
from sitwith_server.service.materials.files import MaterialFiles
from sitwith_server.service.meetings import Meetings
from sitwith_server.service.operator import Operator


@dataclass(frozen=True, slots=True)
class App:
    """One worker. `root.build` makes it."""

    asgi: ASGIApp
    operator: Operator
    host: Host
    periodic: PeriodicWork
    registry: ConnectionRegistry
    policy: SocketPolicy
    log: Log
    media: WorkerMedia
    files: MaterialFiles
    meetings: Meetings | None
    """None where series are off."""
    start_node: Callable[[], Awaitable[Node]] | None
    """Starts the media node of this process; None where other processes have it, or none."""
    nodes: list[NodeSupervisor] = field(default_factory=list)

    @property
    def draining(self) -> bool:
        """Whether this worker sends its clients elsewhere."""
        return self.operator.draining

    def ready(self) -> bool:
        """Whether this worker can serve."""
        return self.operator.ready()

    async def start(self) -> None:
        """Starts the background tasks and the media plane. Needs the running event loop, and a
        log that answers."""
        self.periodic.start()
        self.media.start()
        self.files.start()
        if self.start_node is not None:
            self.nodes.append(await NodeSupervisor.start(self.start_node))

    async def drain(self, seconds: float) -> None:
        """Refuses new rooms and joins, and sends all clients elsewhere over `seconds`."""
        self.operator.draining = True
        await self.registry.drain(seconds)

    async def close(self) -> None:
        self.files.stop()
        await self.media.close()
        for node in self.nodes:
            await node.close()
        if self.meetings is not None:
            await self.meetings.close()
        self.periodic.stop()
        await self.host.close()
        await self.log.close()
