"""What a worker can still reach of a room that has forgotten: nothing of its former life."""

from __future__ import annotations

import asyncio
import random

from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.room.care.values import Card, Level
from sitwith_server.room.materials.values import MaterialKind
from sitwith_server.room.model import FORGET_SECONDS, Settings
from sitwith_server.service.hosting.periodic import LATE, PeriodicWork
from sitwith_server.service.operator import Operator, RoomSpec
from sitwith_server.service.people.names import clean
from sitwith_server.service.people.seating import Seated, Seating
from sitwith_server.service.rooms.answers import Answer, Ok
from sitwith_server.service.rooms.store import read_record
from tests.protocol.test_limits_inside import everything_under
from tests.service.test_host import second, used
from tests.simulation.virtual import run
from tests.simulation.world import Client, World

CANARY = "kanarie"


def canaries(*roots: object, but: tuple[object, ...] = ()) -> list[str]:
    """What these objects hold of what people brought."""
    found = []
    for each in everything_under(*roots, but=but):
        text = each.decode("latin-1") if isinstance(each, bytes) else each
        if CANARY in text.lower():
            found.append(text)
    return found


class Circle:
    """People of whom everything bears the same mark, in a room at one worker, which another one
    follows."""

    async def open(self, kind: type[MemoryLog] = MemoryLog) -> None:
        self.log = kind(asyncio.get_running_loop().time)
        self.way, self.host = second(self.log)
        self.other_way, self.other = second(self.log)
        made = await Operator(self.host, room_ttl=86_400).create(
            RoomSpec("A circle", "Be kind.", 50, Settings(direct=True, cards=True))
        )
        self.made, self.seated, self.ids = made, list[Seated](), 0
        for token, name in ((made.facilitator, "Fay"), (made.member, "Ada"), (made.member, "Ben")):
            seated = await Seating(self.host).join(token, clean(f"{name} {CANARY}"))
            assert isinstance(seated, Seated)
            self.seated.append(seated)
            await self.ask(c.AgreementAccept(by=seated.seat, version=1))
        self.room = self.seated[0].room
        use = await used(self.other, made.room)
        self.there = use.room
        use.mark_seated()
        self.use = use

    async def ask(self, command: c.Command) -> Answer:
        self.ids += 1
        answer = await self.seated[0].room.submit(command, (command.by, self.ids), "x")
        assert isinstance(answer, Ok), answer
        return answer

    async def bring_everything(self) -> None:
        fay, ada, ben = (each.seat for each in self.seated)
        await self.ask(c.Say(by=ada, to="circle", body=f"a {CANARY}"))
        await self.ask(c.Say(by=ada, to="staff", body=f"a {CANARY}"))
        await self.ask(c.Say(by=ben, to=f"direct:{ada}", body=f"a {CANARY}"))
        await self.ask(c.Unsay(by=ada, to="circle", n=1))
        await self.ask(c.CareCard(by=ada, card=Card(CANARY, CANARY, CANARY)))
        await self.ask(c.CareFlag(by=ada, level=Level.URGENT))
        await self.ask(c.TopicsSet(by=ada, tags=(CANARY.encode(),)))
        await self.ask(c.MoodAsk(by=fay))
        await self.ask(c.MoodAnswer(by=ada, value=2))
        await self.ask(c.MilestoneShare(by=ben, text=f"a {CANARY}"))
        show = c.MaterialShow(by=fay, material="t1", what=MaterialKind.TEXT, body=f"a {CANARY}")
        await self.ask(show)
        await self.ask(c.PairsOpen(by=fay, groups=((ada, ben),)))
        await self.ask(c.Say(by=ben, to="pair", body=f"a {CANARY}"))

    async def leave(self) -> None:
        for each in self.seated:
            await Seating(self.host).disconnect(each)
        self.use.release()

    async def close(self) -> None:
        await self.host.close()
        await self.other.close()


def test_nothing_of_the_former_life_is_left_at_any_worker_or_in_the_log() -> None:
    async def main() -> None:
        e = Circle()
        await e.open()
        await e.bring_everything()
        await asyncio.sleep(0.1)
        assert e.there.state == e.room.state
        for host in (e.host, e.other):
            assert len(canaries(host, but=(e.log,))) > 5, "or nothing is looked for"
        await e.leave()
        seats = [each.seat for each in e.seated]
        kept = e.seated
        e.seated = []
        await asyncio.sleep(FORGET_SECONDS + 2)
        e.way.notifications.clear()
        e.other_way.notifications.clear()
        assert e.room.state.life == e.there.state.life == 1
        assert canaries(e.host, e.other, e.room, e.there, e.log) == []
        assert not e.room.conversations.index.streams() and not e.room.conversations.positions
        held = everything_under(e.host, e.other, e.log._rooms, but=(e.log._trails,))
        for seat in seats:
            assert seat not in held, "a seat's id, too, means nobody any more"
        # The links open an empty circle.
        again = await Seating(e.other).join(e.made.member, clean("Cleo"))
        assert isinstance(again, Seated)
        assert set(again.room.state.seats) == {again.seat}
        assert kept
        await e.close()

    run(main())


def test_a_frozen_worker_forgets_its_own_memory_on_time() -> None:
    """Nothing can be committed, and it has to forget all the same: the log is owed it."""

    async def main() -> None:
        e = Circle()
        await e.open()
        await e.bring_everything()
        await asyncio.sleep(0.1)
        await e.leave()
        e.seated = []
        at = e.room.state.emptied_at
        assert at is not None
        pulses = [PeriodicWork(e.host), PeriodicWork(e.other)]
        for pulse in pulses:
            pulse.start()
        await asyncio.sleep(FORGET_SECONDS - 20)
        for way in (e.way, e.other_way):
            way.is_frozen = True
            way.down = {"commit", "read", "heads", "snapshot", "progress", "due", "record"}
        await asyncio.sleep(at + FORGET_SECONDS - asyncio.get_running_loop().time() - 0.1)
        assert canaries(e.host, but=(e.log,)) and canaries(e.other, but=(e.log,))
        await asyncio.sleep(LATE + 1.5)
        e.way.notifications.clear()
        e.other_way.notifications.clear()
        for way, host, room in ((e.way, e.host, e.room), (e.other_way, e.other, e.there)):
            assert host.hosted() == [] and room.retired
            assert canaries(host, room, but=(e.log,)) == []
            ((told, blob),) = way.forgotten
            record = read_record(blob)
            assert (told, record.life) == (e.made.room, 1)
            assert CANARY.encode() not in bytes(blob)
        # Once the log is back it forgets, too, whoever comes first, and the links are good.
        for way in (e.way, e.other_way):
            way.is_frozen, way.down = False, set()
        await asyncio.sleep(3)
        assert canaries(e.log) == []
        again = await Seating(e.host).join(e.made.member, clean("Cleo"))
        assert isinstance(again, Seated) and again.room.state.life == 1
        for pulse in pulses:
            pulse.stop()
        await e.close()

    run(main())


def test_nothing_is_left_at_the_gate_and_in_its_hubs() -> None:
    async def main() -> None:
        world = World(random.Random(1))
        made = await world.room(direct=True)
        people = [
            Client(world, token, f"{name} {CANARY}", random.Random(2))
            for name, token in (("Fay", made.facilitator), ("Ada", made.member))
        ]
        for each in people:
            await each.entered.wait()
        await people[1].ask("chat.say", to="circle", body=f"a {CANARY}")
        await people[1].ask("chat.say", to="staff", body=f"a {CANARY}")
        assert canaries(world.registry, but=(world.log,))
        for each in people:
            each.task.cancel()
            each.break_off()
        await asyncio.sleep(FORGET_SECONDS + 5)
        assert world.registry.room_sizes() == []
        assert canaries(world.registry, world.host, world.operator, world.pulse, world.log) == []
        await world.close()

    run(main())


def test_who_waits_at_the_door_while_the_room_forgets_is_no_ghost_afterwards() -> None:
    """The hub that showed the former room here is gone: whoever comes is shown the room."""

    async def main() -> None:
        world = World(random.Random(1))
        made = await world.room(lobby=True)
        ada = Client(world, made.member, "Ada", random.Random(3))
        while ada.phase != "lobby":
            await asyncio.sleep(0.5)
        (old,) = world.host.hosted()
        # As if nothing could be committed at the moment of forgetting.
        world.host.forget_here(old)
        assert old.retired
        ben = Client(world, made.member, "Ben", random.Random(4))
        await asyncio.sleep(8)
        assert (ben.phase, ben.closed) == ("lobby", None)
        assert (ada.phase, ada.closed) == ("lobby", None), "sent away, and back by itself"
        (new,) = world.host.hosted()
        assert new is not old
        assert len(world.registry.room_sizes()) == 1 and world.registry.room_sizes() == [2]
        await asyncio.sleep(40)
        assert world.host.presence.unreported() == []
        for each in (ada, ben):
            each.task.cancel()
        await world.close()

    run(main())
