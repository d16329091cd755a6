"""The limits for all connections of a worker."""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sitwith_server.config import Settings
from sitwith_server.gateway.sockets.proxies import TrustedProxies
from sitwith_server.gateway.sockets.queues import FairQueue, WorkQueue
from sitwith_server.gateway.sockets.table import SocketTable
from sitwith_server.gateway.telemetry.metrics import Metrics

HEAD_SECONDS: Final = 5.0
"""Longest time for a request's head, from the opening of the connection or the head's first byte;
and for the rest of a body after its answer."""

SPARE_FILES: Final = 64
"""Open files that a worker keeps free for Redis, files and child processes."""

REQUESTS: Final = 300.0
"""Requests a second that are answered at once; more wait, so that members are not slowed down."""


def _ignore(reason: str) -> None: ...


@dataclass(frozen=True, slots=True)
class SocketPolicy:
    """Trusted proxies, limits, queues, and callbacks for refusals."""

    proxies: TrustedProxies = field(default_factory=TrustedProxies)
    sockets: SocketTable = field(default_factory=lambda: SocketTable(2_500, 5_000))
    upgrades: FairQueue = field(default_factory=FairQueue)
    """WebSocket upgrades."""
    requests: FairQueue = field(default_factory=lambda: FairQueue(REQUESTS, 2 * REQUESTS, 0.001))
    """Other requests. A page makes about twenty at once."""
    head_pieces: WorkQueue = field(default_factory=WorkQueue)
    """Further pieces of heads that come in pieces."""
    unseated: WorkQueue = field(default_factory=WorkQueue)
    """Frames of WebSockets without a seat."""
    outbox_bytes: int = 1_048_576
    """Most bytes that may wait for a WebSocket with a seat."""
    newcomer_bytes: int = 65_536
    """Most bytes that may wait for a WebSocket without a seat."""
    head_seconds: float = HEAD_SECONDS
    refused: Callable[[str], None] = _ignore
    """Called with the reason when a socket is refused: `address`, `all` or `turns`."""
    cut: Callable[[str], None] = _ignore
    """Called with the reason when a socket is cut: `head`, `body`, `unread`, `idle`, `proxy`,
    `frames`, `message`."""


def most_sockets(wanted: int, files: int) -> int:
    """Most sockets of a worker. wanted: the setting; 0: as many as the open files allow. files: the
    limit of open files."""
    possible = max(8, files - min(SPARE_FILES, files // 4))
    return min(wanted, possible) if wanted else possible


def make_policy(settings: Settings, metrics: Metrics) -> SocketPolicy:
    """Makes the policy from the settings and this process' limit of open files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    sockets = SocketTable(settings.sockets_per_address, most_sockets(settings.sockets, files))
    metrics.sockets(lambda: len(sockets))
    return SocketPolicy(
        TrustedProxies(settings.trusted_proxies),
        sockets,
        outbox_bytes=settings.outbox_bytes,
        refused=metrics.socket_refused,
        cut=metrics.socket_cut,
    )
