"""The process of one media node that shares a Redis with the workers."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import uvloop

from sitwith_server.config import Settings
from sitwith_server.gateway.telemetry import logs
from sitwith_server.media.plane.node_supervisor import close_node
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.hosting.periodic import PeriodicWork
from sitwith_server.service.rooms.audit import AuditTrail
from sitwith_server.wiring.log import make_log, start_log
from sitwith_server.wiring.media import start_node


@dataclass(slots=True)
class MediaProcess:
    """What the supervisor is told of this process."""

    draining: bool = False

    def ready(self) -> bool:
        return True


OnStarted = Callable[[MediaProcess], Awaitable[None]]


def run(settings: Settings, *, on_started: OnStarted | None = None) -> int:
    """Serves until SIGTERM, which moves the rooms to other nodes first, or SIGINT, which does not.

    Returns:
        The exit code.
    """
    logs.configure(settings)
    logs.catch_uncaught()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, on_started))


async def _serve(settings: Settings, on_started: OnStarted | None) -> int:
    log = make_log(settings)
    host = Host(log, AuditTrail(log, settings.audit_ttl))
    pulse = PeriodicWork(host)
    process, stop, seconds = MediaProcess(), asyncio.Event(), settings.drain_seconds

    def on_signal(within: float) -> None:
        nonlocal seconds
        seconds = within
        stop.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, on_signal, seconds)
    loop.add_signal_handler(signal.SIGINT, on_signal, 0.0)
    code = 0
    if await start_log(log, stop.is_set):
        pulse.start()
        node = await start_node(settings, host)
        if on_started is not None:
            await on_started(process)
        waited = [asyncio.create_task(each.wait()) for each in (stop, node.failed)]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        for each in waited:
            each.cancel()
        process.draining = True
        await node.drain(seconds)
        if node.failed.is_set():
            # Nobody can tell which part of it still works. The supervisor starts a new process.
            await close_node(node)
            code = 1
        else:
            await node.close()
    pulse.stop()
    await host.close()
    await log.close()
    return code
