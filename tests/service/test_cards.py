"""A contact card is in no outcome, no record, and in no log once it is no more (CL11, CL12)."""

from __future__ import annotations

import pytest

from sitwith_server.log.base import CONTROL, Log
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.room.care.values import Card, Level
from sitwith_server.room.model import Settings
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.hosting.loading import load
from sitwith_server.service.operator import Operator, RoomSpec
from sitwith_server.service.people.names import clean
from sitwith_server.service.people.seating import Seated, Seating
from sitwith_server.service.rooms.answers import Answer, Ok
from sitwith_server.service.rooms.audit import AuditTrail
from sitwith_server.service.rooms.effects import SNAPSHOT_EVERY
from sitwith_server.service.rooms.room import HostedRoom

CARD = Card("canary-here", "canary-0131", "canary-ring")


class Seats:
    """A room on a log in memory, and its people by seat id."""

    def __init__(self, host: Host, room: HostedRoom, seats: list[Seated]) -> None:
        self.host, self.log, self.room, self.seated = host, host.log, room, seats
        self.seats, self.ids = [each.seat for each in seats], 10

    @property
    def memory(self) -> MemoryLog:
        assert isinstance(self.log, MemoryLog)
        return self.log

    async def ask(self, command: c.Command, number: int | None = None) -> Answer:
        self.ids += 1
        key = (command.by, number or self.ids)
        return await self.room.submit(command, key, "care")

    async def save(self) -> None:
        """Has the log keep a snapshot, as every so many entries do."""
        self.room._replica.snapshot_at = -SNAPSHOT_EVERY
        locked = c.RoomUnlock if self.room.state.locked else c.RoomLock
        assert isinstance(await self.ask(locked(by=self.seats[0])), Ok)

    async def kept(self) -> bytes:
        """All that the log holds of the room."""
        room = self.room.id
        blobs = [each.blob for each in await self.log.read(room, CONTROL, 0, 1000)]
        snapshot = await self.log.snapshot(room)
        blobs.append(snapshot.blob if snapshot else b"")
        blobs.append(await self.log.record(room) or b"")
        return b"\n".join(map(bytes, blobs))


async def people(log: Log) -> Seats:
    host = Host(log, AuditTrail(log, 3600))
    made = await Operator(host, room_ttl=3600).create(
        RoomSpec("", "Be kind.", 50, Settings(cards=True))
    )
    door, seats = Seating(host), list[Seated]()
    for name in ("Fay", "Ada", "Ben"):
        seated = await door.join(made.member if seats else made.facilitator, clean(name))
        assert isinstance(seated, Seated)
        await seated.room.submit(
            c.AgreementAccept(by=seated.seat, version=1), (seated.seat, 1), "x"
        )
        seats.append(seated)
    return Seats(host, seats[0].room, seats)


async def test_CL11_what_a_card_says_is_remembered_with_no_outcome() -> None:
    log = MemoryLog()
    e = await people(log)
    fay, ada, _ = e.seats
    await e.ask(c.CareCard(by=ada, card=CARD))
    await e.ask(c.CareFlag(by=ada, level=Level.URGENT))
    await e.ask(c.CareTake(by=fay, member=ada))
    opening = c.CareOpen(by=fay, member=ada)
    shown = {"card": {"location": CARD.location, "phone": CARD.phone, "note": CARD.note}}
    assert await e.ask(opening, 99) == Ok(shown)
    assert await e.ask(opening, 99) == Ok(shown)
    assert len(e.room.state.care.opened[ada]) == 1, "the same id opens it once"
    kept = await log.outcome(e.room.id, fay, 99)
    assert kept is not None and b"canary" not in bytes(kept)
    await e.ask(c.CareDone(by=fay, member=ada))
    assert await e.ask(opening, 99) == Ok({"card": None})
    await log.close()


@pytest.mark.parametrize("how", ["back", "other", "leave", "removed", "setting", "done"])
async def test_CL12_a_card_that_is_no_more_goes_from_the_log_too(how: str) -> None:
    log = MemoryLog()
    e = await people(log)
    fay, ada, ben = e.seats
    await e.ask(c.CareCard(by=ben, card=Card(phone="bens")))
    await e.ask(c.CareCard(by=ada, card=CARD))
    assert (await e.kept()).count(b"canary-ring") == 1
    await e.save()
    assert (await e.kept()).count(b"canary-ring") == 2
    commands: dict[str, list[c.Command]] = {
        "back": [c.CareCard(by=ada, card=None)],
        "other": [c.CareCard(by=ada, card=Card(phone="new"))],
        "leave": [c.Leave(by=ada)],
        "removed": [c.MemberRemove(by=fay, member=ada)],
        "setting": [c.RoomSettings(by=fay, changes={"cards": False})],
        "done": [
            c.CareFlag(by=ada, level=Level.QUIET),
            c.Leave(by=ada),
            c.CareDone(by=fay, member=ada),
        ],
    }
    for command in commands[how]:
        assert isinstance(await e.ask(command), Ok)
    left = await e.kept()
    assert b"canary" not in left
    assert (b"bens" in left) is (how != "setting")
    again = await load(log, e.host.trail, e.room.id)
    assert again is not None
    assert again.state == e.room.state
    await log.close()
