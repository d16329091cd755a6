"""Who is connected where, by leases. A connection's id names its worker.

A worker reports its own lost sockets at once. A worker that has died can't, so whoever notices
first that its lease has run out does it for each of its seats (DESIGN §5). A report that did not
get through is made again at the next look.
"""

from __future__ import annotations

from typing import Final

from sitwith_server.log.base import Leases
from sitwith_server.room import commands as c
from sitwith_server.service import tokens
from sitwith_server.service.rooms import Room

LEASE_SECONDS: Final = 5.0
"""How long a worker counts as alive after its last beat; it beats every second."""


class Presence:
    """The connections of this worker, and a look at those of the others."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self.worker = tokens.new_id("w")
        self._live: set[str] = set()

    def opened(self) -> str:
        """The id of a new connection."""
        connection = f"{self.worker}.{tokens.new_id()}"
        self._live.add(connection)
        return connection

    def closed(self, connection: str) -> None:
        self._live.discard(connection)

    async def beat(self) -> None:
        """Renews this worker's lease.

        Raises:
            LogDown: it could not.
        """
        await self._leases.beat(self.worker, LEASE_SECONDS)

    async def mind(self, room: Room) -> None:
        """Reports the lost connections of a room that nobody has reported.

        Raises:
            LogDown: the leases can't be read.
        """
        connections = {
            seat.id: seat.connection
            for seat in room.state.seats.values()
            if seat.connection is not None
        }
        workers = {_worker(connection) for connection in connections.values()}
        others = workers - {self.worker}
        living = await self._leases.living(others) if others else frozenset()
        for member, connection in connections.items():
            worker = _worker(connection)
            lost = connection not in self._live if worker == self.worker else worker not in living
            if lost:
                await room.order(
                    c.LoseConnection(by=member, connection=connection), "connection.lost"
                )


def _worker(connection: str) -> str:
    return connection.partition(".")[0]
