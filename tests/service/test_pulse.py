"""What each worker looks after once a second."""

from __future__ import annotations

import pytest

from sitwith_server.log.memory_log import MemoryLog
from sitwith_server.service.presence import Presence
from sitwith_server.service.pulse import Pulse
from tests.service.test_cards import people


async def test_one_sick_room_takes_nothing_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    log = MemoryLog()
    sick, well = await people(log), await people(log)

    async def fails() -> None:
        raise LookupError("what nobody foresaw")

    monkeypatch.setattr(sick.room, "follow_up", fails)
    looked_after: list[str] = []
    rooms = [sick.room, well.room]
    pulse = Pulse(log, Presence(log.leases), lambda: rooms, lambda r: looked_after.append(r.id))
    await pulse._round()
    assert looked_after == [well.room.id]
    pulse.stop()
    await log.close()
