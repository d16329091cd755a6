"""What one member asks for or is given does not come before what others say a moment later."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from sitwith_protocol import messages as m
from sitwith_protocol.codec import SERVER_LIMITS, decode, encode
from sitwith_server.gateway.rates import OFFERS, OFFERS_BURST, SeatRate
from sitwith_server.gateway.sockets.queues import WorkQueue
from sitwith_server.gateway.websocket.connection import Connection
from sitwith_server.gateway.websocket.hub import REPLAY_BATCH, Hub
from sitwith_server.gateway.websocket.outbox import Outbox
from sitwith_server.gateway.websocket.seat_connection import SeatConnection
from sitwith_server.room import commands as c
from tests.service.test_forgetting_here import Circle
from tests.simulation.virtual import run
from tests.simulation.world import World


class Wire:
    """A socket's other end; `sent` is what came of its peer and is not read yet."""

    def __init__(self, sent: list[bytes] | None = None) -> None:
        self.sent = [] if sent is None else sent
        self.frames: list[dict[str, Any]] = []

    def write(self, data: bytes) -> None:
        self.frames.append(decode(data[{126: 4, 127: 10}.get(data[1], 2) :], SERVER_LIMITS))

    def more(self) -> bool:
        return bool(self.sent)

    def unsent(self) -> int:
        return 0

    def gone(self) -> bool:
        return False

    def seated(self) -> None: ...

    def end(self, code: int) -> None: ...

    async def receive(self) -> bytes | None:
        return self.sent.pop(0) if self.sent else None


class Counted(WorkQueue):
    """Counts turns, and does `meanwhile` before each of them."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = 0

    async def meanwhile(self) -> None: ...

    async def turn(self) -> None:
        self.turns += 1
        await self.meanwhile()
        await super().turn()


def test_LI13_what_has_come_at_once_is_taken_in_turn_with_others() -> None:
    async def main() -> None:
        world = World(random.Random(1))
        made = await world.room()
        hello = m.HelloJoin(token=made.facilitator, name="Fay").to_map()
        accept = m.AgreementAccept(1, 1).to_map()
        pings = [m.Ping(number).to_map() for number in range(2, 12)]
        wire = Wire([encode(each) for each in (hello, accept, *pings)])
        world.registry.burst_turns = turns = Counted()
        loop = asyncio.get_running_loop()
        await Connection(world.registry, Outbox(wire, 1 << 20), clock=loop.time).serve(wire.receive)
        assert [f["id"] for f in wire.frames if f["t"] == "pong"] == list(range(2, 12))
        assert turns.turns == len(pings) + 1, "one before each that was there already"
        await world.close()

    run(main())


def test_EV5_what_is_deleted_while_others_have_their_turn_is_not_sent_any_more() -> None:
    async def main() -> None:
        e = Circle()
        await e.open()
        ada, ben = e.seated[1].seat, e.seated[2].seat
        many = 3 * REPLAY_BATCH
        for number in range(many):
            await e.ask(c.Say(by=ada, to="circle", body=f"word {number + 1}"))
            await asyncio.sleep(1.0)
        wire, turns = Wire(), Counted()
        hub = Hub(e.room, turns)
        seat = e.room.state.seats[ben]
        assert seat.connection is not None
        link = SeatConnection(ben, seat.connection, Outbox(wire, 1 << 20))

        async def meanwhile() -> None:
            if turns.turns == 1:
                await e.ask(c.Unsay(by=ada, to="circle", n=many))
                await e.ask(c.Unsay(by=ada, to="circle", n=1))
                await e.ask(c.Say(by=ada, to="circle", body="one more"))

        turns.meanwhile = meanwhile  # type: ignore[method-assign]
        await hub.attach(link, "", True, {}, 0.0)
        told = [f for f in wire.frames if f["t"] in ("chat", "chat.deleted")]
        words = [f for f in told if f["t"] == "chat"]
        assert [f["n"] for f in words] == list(range(1, many + 2)), "in order, each once"
        assert words[0]["body"] == "word 1", "which had been sent"
        assert words[many - 1]["body"] == "" and words[many - 1]["deleted"] is True
        assert [f["n"] for f in told if f["t"] == "chat.deleted"] == [many, 1]
        assert turns.turns == 2
        hub.close()
        await e.close()

    run(main())


def test_a_replay_ends_with_its_connection() -> None:
    async def main() -> None:
        e = Circle()
        await e.open()
        ada, ben = e.seated[1].seat, e.seated[2].seat
        for _ in range(5 * REPLAY_BATCH):
            await e.ask(c.Say(by=ada, to="circle", body="word"))
            await asyncio.sleep(1.0)
        wire, turns = Wire(), Counted()
        hub = Hub(e.room, turns)
        seat = e.room.state.seats[ben]
        assert seat.connection is not None
        link = SeatConnection(ben, seat.connection, Outbox(wire, 1 << 20))

        async def meanwhile() -> None:
            if turns.turns == 2:
                await e.ask(c.MemberRemove(by=e.seated[0].seat, member=ben))

        turns.meanwhile = meanwhile  # type: ignore[method-assign]
        await hub.attach(link, "", True, {}, 0.0)
        assert turns.turns == 2
        assert sum(f["t"] == "chat" for f in wire.frames) == 2 * REPLAY_BATCH
        hub.close()
        await e.close()

    run(main())


def test_LI21_a_seat_has_a_pace_of_media_offers() -> None:
    flow, now = SeatRate(0.0), 0.0
    assert sum(flow.takes_offer(now) for _ in range(100)) == OFFERS_BURST
    taken = 0
    for _ in range(1_000):
        now += 0.01
        taken += flow.takes_offer(now)
    assert abs(taken - 10 * OFFERS) <= 1
