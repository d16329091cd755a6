"""A worker's lease does not know how many rooms there are, nor how long they take."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from sitwith_server.log.base import LogDown
from sitwith_server.log.memory.log import MemoryLeases, MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.room.model import Settings
from sitwith_server.service.hosting.periodic import PATIENCE, PeriodicWork
from sitwith_server.service.hosting.presence import BEAT_EVERY
from sitwith_server.service.operator import Operator, RoomSpec
from sitwith_server.service.rooms.results import APPLIED
from tests.service.test_cards import people
from tests.service.test_host import second, used
from tests.simulation.virtual import run

ROOMS = 300


class Watched(MemoryLeases):
    """Notes when each beat of a worker came; fails at times."""

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop().time)
        self.at: dict[str, list[float]] = {}
        self.fault: Exception | None = None

    async def beat(self, worker: str, ttl: float) -> None:
        self.at.setdefault(worker, []).append(asyncio.get_running_loop().time())
        if self.fault is not None:
            raise self.fault
        await super().beat(worker, ttl)

    def gaps(self, worker: str) -> list[float]:
        at = self.at[worker]
        return [after - before for before, after in pairwise(at)]


def test_beats_go_on_at_their_pace_while_hundreds_of_rooms_are_looked_after_slowly() -> None:
    async def main() -> None:
        log = MemoryLog(asyncio.get_running_loop().time)
        leases = Watched()
        log.leases = leases
        way, host = second(log)
        _, elsewhere = second(log)
        operator = Operator(elsewhere, room_ttl=86_400)
        rooms = []
        for number in range(ROOMS):
            made = await operator.create(RoomSpec(f"{number}", "Be kind.", 5, Settings()))
            rooms.append((await used(elsewhere, made.room)).room)
            await used(host, made.room)
        way.silent = True
        for room in rooms:  # all of them are behind
            assert await room.execute(c.RoomLock(by=""), "operator") == APPLIED
        way.slow = 0.5
        pulse = PeriodicWork(host)
        pulse.start()
        await asyncio.sleep(60)
        gaps = leases.gaps(host.presence.worker)
        assert len(gaps) > 100
        assert max(gaps) < BEAT_EVERY + 0.01
        assert all(room.state.locked for room in host.hosted()), "and each was looked after"
        pulse.stop()
        await host.close()
        await elsewhere.close()

    run(main())


def test_a_loss_that_hangs_holds_up_no_beat_and_no_other_rooms_losses() -> None:
    async def main() -> None:
        log = MemoryLog(asyncio.get_running_loop().time)
        leases = Watched()
        log.leases = leases
        sick, well = await people(log), await people(log)
        pulse = PeriodicWork(sick.host)
        host = sick.host

        async def hangs(*_: object, **__: object) -> object:
            await asyncio.sleep(3_600)
            return None

        sick.room.execute = hangs  # type: ignore[method-assign, assignment]
        for each in (*sick.seated, *well.seated):
            host.presence._unreported[each.connection] = (each.room, each.seat)
        pulse.start()
        await asyncio.sleep(2 * PATIENCE)
        assert all(seat.connection is None for seat in well.room.state.seats.values())
        assert max(leases.gaps(host.presence.worker)) < BEAT_EVERY + 0.01
        pulse.stop()
        await host.close()
        await well.host.close()

    run(main())


def test_a_beat_that_fails_is_followed_by_the_next() -> None:
    async def main() -> None:
        log = MemoryLog(asyncio.get_running_loop().time)
        leases = Watched()
        log.leases = leases
        _, host = second(log)
        host.presence.start()
        for fault in (LogDown("away"), LookupError("what nobody foresaw")):
            leases.fault = fault
            await asyncio.sleep(2)
        leases.fault = None
        await asyncio.sleep(1)
        assert host.presence.worker in leases.living_at_beat()
        assert max(leases.gaps(host.presence.worker)) < BEAT_EVERY + 0.01
        host.presence.stop()
        await host.close()

    run(main())
