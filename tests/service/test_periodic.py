"""What each worker looks after once a second."""

from __future__ import annotations

import pytest

from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.hosting.periodic import PeriodicWork
from sitwith_server.service.rooms.answers import Ok
from sitwith_server.service.rooms.audit import AuditTrail
from tests.service.test_cards import people


async def test_one_sick_room_takes_nothing_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    log = MemoryLog()
    elsewhere = [await people(log), await people(log)]
    host = Host(log, AuditTrail(log, 60))
    uses = [await host.use(each.room.id) for each in elsewhere]
    sick, well = [use.room for use in uses if use is not None]
    sick.on_notification = well.on_notification = lambda notification: True  # type: ignore[method-assign]

    asked: list[str] = []

    async def fails() -> None:
        asked.append("for the sick one")
        raise LookupError("what nobody foresaw")

    monkeypatch.setattr(sick, "catch_up", fails)
    for each in elsewhere:
        assert isinstance(await each.ask(c.RoomLock(by=each.seats[0])), Ok)
    await PeriodicWork(host)._round()
    assert asked
    assert well.state.locked
    await host.close()
    await log.close()
