"""Of talk times nothing is left once a room has ended (EQ8)."""

from __future__ import annotations

import asyncio
import struct

from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.room.model import OPERATOR
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.operator import Operator
from sitwith_server.service.rooms.answers import Ok
from sitwith_server.service.rooms.audit import AuditTrail
from sitwith_server.service.rooms.results import APPLIED
from tests.service.test_cards import people

FIGURE = 4242.5
BYTES = struct.pack(">d", FIGURE)
"""As MessagePack writes it."""


async def test_EQ8_no_figure_outlives_the_room() -> None:
    log = MemoryLog()
    e = await people(log)
    fay, ada, _ = e.seats
    pin = c.PinMedia(by=OPERATOR, node="n1", was=None)
    assert await e.room.execute(pin, "media") == APPLIED
    heard = c.AddTalk(by=OPERATOR, node="n1", heard={ada: FIGURE})
    assert await e.room.execute(heard, "talk") == APPLIED
    assert isinstance(await e.ask(c.VoiceNudge(by=fay, member=ada)), Ok)
    await e.save()
    assert BYTES in await e.kept()
    trail = b"".join(map(bytes, await log.read_audit(e.room.id)))
    assert BYTES not in trail
    assert ada.encode() in trail
    assert await Operator(Host(log, AuditTrail(log, 3600)), room_ttl=3600).end(e.room.id)
    async with asyncio.timeout(30):
        while e.room.id in await log.rooms():
            await asyncio.sleep(0.01)
    assert BYTES not in await e.kept()
    assert BYTES not in b"".join(map(bytes, await log.read_audit(e.room.id)))
    await log.close()
