"""What a worker knows of the media nodes: which are alive, which one a room should go to, and which
of them this worker reports in its metrics.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from sitwith_server.media.plane import bus

DEAD_AFTER: Final = 2.0
"""Seconds without a heartbeat after which a node counts as gone. Twice the lease, so whatever the
node forwarded has stopped by then."""
HEARTBEAT_GAP: Final = 0.75
"""Seconds between two heartbeats above which a node no longer counts as steadily heard."""
STEADY_FOR: Final = 0.7
"""Seconds for which another node must have been heard steadily before a silent one is declared
dead."""


@dataclass(slots=True)
class _Known:
    """since: the start of the present run of heartbeats without a gap. last: the latest one."""

    here: bus.Here
    since: float
    last: float


class KnownNodes:
    """The media nodes whose heartbeats this worker receives. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def heartbeat(self, here: bus.Here, now: float) -> None:
        known = self._known.get(here.node)
        steady = known is not None and now - known.last <= HEARTBEAT_GAP
        since = known.since if known is not None and steady else now
        self._known[here.node] = _Known(here, since, now)

    def forget(self, node: str) -> None:
        """The node has published that it is gone."""
        self._known.pop(node, None)

    def alive(self, now: float) -> list[bus.Here]:
        """The last heartbeat of each node that sent one within `DEAD_AFTER`."""
        self._known = {n: each for n, each in self._known.items() if now - each.last <= DEAD_AFTER}
        return [each.here for each in self._known.values()]

    def is_dead(self, node: str, now: float) -> bool:
        """Whether a node is silent while another one is heard steadily. If none is, this worker
        itself may be cut off."""
        here = {each.node for each in self.alive(now)}
        return node not in here and any(
            now - each.since >= STEADY_FOR and now - each.last <= HEARTBEAT_GAP
            for each in self._known.values()
        )

    def is_draining(self, node: str | None) -> bool:
        known = self._known.get(node) if node is not None else None
        return known is not None and known.here.leaving

    def choose(self, room: str, now: float) -> str | None:
        """The node for a room, by load-aware rendezvous hashing, so that rooms spread by load and
        workers that choose at the same time mostly choose the same node. None: no node is fit."""
        alive = self.alive(now)
        fit = [n for n in alive if not n.leaving and n.load < 1] or [
            n for n in alive if not n.leaving
        ]
        return max(fit, key=lambda here: _score(room, here)).node if fit else None


class NodeReporters:
    """Which worker reports which node in its metrics. Exactly one does, so sums over all workers
    count each node once. Workers that hear the same announcements choose the same reporter."""

    def __init__(self, own: str) -> None:
        self.own = own
        self._heard: dict[str, float] = {}

    def announced(self, worker: str, now: float) -> None:
        self._heard[worker] = now

    def mine(self, nodes: Iterable[bus.Here], now: float) -> list[bus.Here]:
        """Those of the nodes that this worker reports."""
        self._heard = {w: at for w, at in self._heard.items() if now - at <= DEAD_AFTER}
        workers = {self.own, *self._heard}
        return [
            here
            for here in nodes
            if max(workers, key=lambda worker: _hash(here.node, worker)) == self.own
        ]


def _score(room: str, here: bus.Here) -> float:
    chance = (_hash(here.node, room) + 1) / (2**64 + 2)
    # Load is rounded, so that workers with slightly different heartbeats still choose the same.
    free = max(0.05, 1 - round(here.load * 5) / 5)
    return -free / math.log(chance)


def _hash(*names: str) -> int:
    return int.from_bytes(blake2b("\0".join(names).encode(), digest_size=8).digest())
