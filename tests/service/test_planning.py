"""Plans for many people are made beside the loop, and are the same plans."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.room.model import Settings
from sitwith_server.room.pairs.planning import pairing
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.operator import Operator, RoomSpec
from sitwith_server.service.people.names import clean
from sitwith_server.service.people.seating import Seated, Seating
from sitwith_server.service.rooms import room as rooms
from sitwith_server.service.rooms.answers import Ok
from sitwith_server.service.rooms.audit import AuditTrail

plan = pairing.plan
NAMES = ("Fay", "Ada", "Ben", "Cleo", "Dora", "Emil", "Finn")


@pytest.mark.parametrize("here", [True, False])
async def test_a_plan_for_many_does_not_hold_up_the_loop(
    monkeypatch: pytest.MonkeyPatch, here: bool
) -> None:
    log = MemoryLog()
    host = Host(log, AuditTrail(log, 3600))
    operator = Operator(host, room_ttl=3600)
    made = await operator.create(RoomSpec("", "Be kind.", 50, Settings()))
    door, seats = Seating(host), list[str]()
    for name in NAMES:
        seated = await door.join(made.member if seats else made.facilitator, clean(name))
        assert isinstance(seated, Seated)
        await seated.room.submit(
            c.AgreementAccept(by=seated.seat, version=1), (seated.seat, 1), "x"
        )
        seats.append(seated.seat)
    use = await host.use(made.room)
    assert use is not None
    room = use.room
    assert len(room.state.linking.key) == 32
    await room.submit(c.TopicsSet(by=seats[1], tags=(b"t",)), (seats[1], 2), "topics.set")
    await room.submit(c.TopicsSet(by=seats[4], tags=(b"t",)), (seats[4], 2), "topics.set")
    where: list[threading.Thread] = []

    def watched(*args: Any, **more: Any) -> Any:
        where.append(threading.current_thread())
        return plan(*args, **more)

    monkeypatch.setattr(pairing, "plan", watched)
    monkeypatch.setattr(rooms, "PLANNED_HERE", len(NAMES) if here else len(NAMES) - 1)
    command = c.PairsPlan(by=seats[0], seed=3, how="linked")
    answer, other = await asyncio.gather(
        room.submit(command, (seats[0], 2), "pairs.plan"),
        room.submit(c.HandRaise(by=seats[1]), (seats[1], 3), "hand.raise"),
    )
    assert isinstance(answer, Ok)
    assert isinstance(other, Ok)
    groups: Any = answer.fields["groups"]
    assert {seats[1], seats[4]} in map(set, groups)
    assert [each is threading.main_thread() for each in where] == [here]
    assert room.state.floor.queue == (seats[1],)
    await host.close()
    await log.close()
