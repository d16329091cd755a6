"""Which connections are alive, by the workers' leases. A connection's id names its worker.

A worker beats in a task of its own, however many rooms it hosts. It reports its own lost
connections at once, and again until the report is committed. A worker that has died can't: whoever
finds its lease run out reports each of its seats.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from sitwith_server.log.base import Leases, LogDown
from sitwith_server.room import commands as c
from sitwith_server.service.people import tokens
from sitwith_server.service.rooms.effects import worker_of, workers_of
from sitwith_server.service.rooms.results import Unavailable
from sitwith_server.service.rooms.room import HostedRoom

LEASE_SECONDS: Final = 5.0
"""How long a worker counts as alive after its last beat."""
BEAT_EVERY: Final = 0.4
"""Seconds between two beats. An outage's length is known to this precision."""

_log = structlog.get_logger(__name__)


class Presence:
    """The connections of this worker, and checks on those of the others."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self.worker = tokens.new_id("w")
        self._live: set[str] = set()
        self._unreported: dict[str, tuple[HostedRoom, str]] = {}
        self._beating: asyncio.Task[None] | None = None

    # -- the lease -------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts to beat. Call it from within the event loop."""
        self._beating = asyncio.create_task(self._beat(), name="sitwith-beat")

    def stop(self) -> None:
        if self._beating is not None:
            self._beating.cancel()

    async def renew(self) -> None:
        """Beats now. Raises LogDown."""
        await self._leases.beat(self.worker, LEASE_SECONDS)

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self.renew()
            except LogDown:
                pass
            except Exception as fault:
                _log.error("heartbeat_fault", exc_info=fault)
            await asyncio.sleep(max(0.0, began + BEAT_EVERY - loop.time()))

    # -- connections of this worker --------------------------------------------------------------

    def opened(self) -> str:
        """Notes a new connection and returns its id."""
        connection = f"{self.worker}.{tokens.new_id()}"
        self._live.add(connection)
        return connection

    def closed(self, connection: str) -> None:
        """Notes that a connection of this worker has ended."""
        self._live.discard(connection)

    async def report(self, room: HostedRoom, seat: str, connection: str) -> None:
        """Commits that a connection is lost, now or as soon as possible."""
        self.closed(connection)
        # The worker that loads a retired room again reports its lost connections.
        if room.retired or await self._lose(room, seat, connection):
            self._unreported.pop(connection, None)
        else:
            self._unreported[connection] = (room, seat)

    def unreported(self) -> list[str]:
        """The connections whose loss is not reported yet."""
        return list(self._unreported)

    async def report_again(self, connection: str) -> None:
        """Tries to report one of the `unreported` connections."""
        if (found := self._unreported.get(connection)) is not None:
            await self.report(*found, connection)

    @staticmethod
    async def _lose(room: HostedRoom, seat: str, connection: str) -> bool:
        lose = c.LoseConnection(by=seat, connection=connection)
        return not isinstance(await room.execute(lose, "connection.lost"), Unavailable)

    # -- connections of others -------------------------------------------------------------------

    def living_at_beat(self) -> frozenset[str]:
        """The workers that were alive at this worker's last beat."""
        return self._leases.living_at_beat()

    async def report_lost(self, room: HostedRoom) -> None:
        """Reports the room's lost connections that nobody has reported.

        Raises:
            LogDown: the leases can't be read.
        """
        suspects = workers_of(room.state) - self.living_at_beat() - {self.worker}
        # A worker that started after the last beat is not known yet.
        living = await self._leases.living(suspects) if suspects else frozenset()
        dead = suspects - living
        for seat in tuple(room.state.seats.values()):
            connection = seat.connection
            if connection is None:
                continue
            worker = worker_of(connection)
            ours = worker == self.worker and connection not in self._live
            if ours or worker in dead:
                await self._lose(room, seat.id, connection)
