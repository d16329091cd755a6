"""A room comes back from whatever its log still has."""

from __future__ import annotations

import asyncio

import pytest

from sitwith_server.log.base import CONTROL, Trimmed
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.room.model import OPERATOR
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.hosting.loading import load
from sitwith_server.service.rooms.answers import Ok
from sitwith_server.service.rooms.audit import AuditTrail
from sitwith_server.service.rooms.results import APPLIED
from tests.service.test_cards import people


async def test_a_room_whose_beginning_is_gone_is_made_of_its_record() -> None:
    """No snapshot, and of the control log the end alone: links and settings stay good."""
    log = MemoryLog(kept=3)
    e = await people(log)
    fay, *_ = e.seats
    for direct in (True, False, True):
        assert isinstance(await e.ask(c.RoomSettings(by=fay, changes={"direct": direct})), Ok)
    assert await log.snapshot(e.room.id) is None
    with pytest.raises(Trimmed):
        await log.read(e.room.id, CONTROL, 0)
    room = await load(log, e.host.trail, e.room.id)
    assert room is not None
    links = {each.id: (each.role, each.digest) for each in e.room.state.invites.values()}
    assert {i.id: (i.role, i.digest) for i in room.state.invites.values()} == links
    # Whoever was inside comes in anew by them.
    assert [each.used for each in room.state.invites.values()] == [0, 0]
    assert room.state.settings == e.room.state.settings
    assert room.state.title == e.room.state.title
    assert room.state.seats == {}
    assert room.state.seq == e.room.state.seq
    assert (room.position, room.rights) == (e.room.position, e.room.rights)
    await log.close()


async def test_a_worker_that_slept_too_long_reads_the_room_anew() -> None:
    """While it slept more happened than the log keeps; a snapshot has it all."""
    log = MemoryLog(kept=30)
    e = await people(log)
    fay, *_ = e.seats
    host = Host(log, AuditTrail(log, 3600))
    use = await host.use(e.room.id)
    assert use is not None
    other = use.room
    async with e.room._lock:  # its sleep
        for number in range(40):
            if number == 35:
                other._replica.snapshot_at = -10_000
            command = c.RoomSettings(by=fay, changes={"direct": number % 2 == 0})
            assert await other.execute(command, "room.settings") == APPLIED
        assert e.room.state.seq < other.state.seq - 30
    async with asyncio.timeout(10):
        while e.room.state != other.state:
            await asyncio.sleep(0.01)
    assert isinstance(await e.ask(c.RoomSettings(by=fay, changes={"direct": True})), Ok)
    await other.catch_up()
    assert e.room.state == other.state
    await host.close()
    await log.close()


async def test_what_is_committed_to_a_room_of_its_record_alone_can_be_loaded_again() -> None:
    """As after a Redis that came back empty: nobody hosted the room, all workers had its record."""
    log = MemoryLog()
    e = await people(log)
    record = await log.record(e.room.id)
    assert record is not None
    emptied = MemoryLog()
    assert await emptied.create(e.room.id, record, e.room.state.expires_at)
    first = await load(emptied, AuditTrail(emptied, 3600), e.room.id)
    assert first is not None
    direct = c.RoomSettings(by=OPERATOR, changes={"direct": True})
    assert await first.execute(direct, "room.settings") == APPLIED
    again = await load(emptied, AuditTrail(emptied, 3600), e.room.id)
    assert again is not None
    assert again.state == first.state
    assert again.state.settings.direct
    await log.close()
    await emptied.close()
