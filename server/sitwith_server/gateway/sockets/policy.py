"""What all connections of a worker are held to."""

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
"""A request's head that takes longer is refused, from the connection's beginning or its own first
byte; so is a body that nobody waits for any more."""

SPARE_FILES: Final = 64
"""Of the files that a worker may open, kept for all but its peers: Redis, files, children."""


REQUESTS: Final = 300.0
"""Requests a second that are answered while good members talk; more of them wait."""


def _untold(reason: str) -> None: ...


@dataclass(frozen=True, slots=True)
class SocketPolicy:
    """Who is believed, how many sockets there may be, and how long they may take."""

    proxies: TrustedProxies = field(default_factory=TrustedProxies)
    sockets: SocketTable = field(default_factory=lambda: SocketTable(2_500, 5_000))
    upgrades: FairQueue = field(default_factory=FairQueue)
    """Newcomers' sockets, one after another."""
    requests: FairQueue = field(default_factory=lambda: FairQueue(REQUESTS, 2 * REQUESTS, 0.001))
    """And other requests: a page asks for some twenty things at once."""
    head_pieces: WorkQueue = field(default_factory=WorkQueue)
    """What more of a head comes of those who send theirs in pieces."""
    unseated: WorkQueue = field(default_factory=WorkQueue)
    """What comes of sockets that have no seat."""
    outbox_bytes: int = 1_048_576
    """What may wait for a seat."""
    newcomer_bytes: int = 65_536
    """What may wait for a socket that has no seat yet."""
    head_seconds: float = HEAD_SECONDS
    refused: Callable[[str], None] = _untold
    """Is told why a newcomer was refused: `address`, `all` or `turns`."""
    cut: Callable[[str], None] = _untold
    """Is told why a socket was ended: `head`, `body`, `unread`, `idle`, `proxy`, `frames`,
    `message`."""


def most_sockets(wanted: int, files: int) -> int:
    """How many sockets a worker may have, by its setting (0: as many as there are files for) and
    by its limit of open files."""
    possible = max(8, files - min(SPARE_FILES, files // 4))
    return min(wanted, possible) if wanted else possible


def make_policy(settings: Settings, metrics: Metrics) -> SocketPolicy:
    """What the settings and this process' own limits ask for."""
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
