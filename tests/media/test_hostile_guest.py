"""A guest who never stops sending reaches nobody, and hears nobody, before they are brought in."""

from __future__ import annotations

import time
from itertools import permutations

from tests.blackbox.conftest import server
from tests.blackbox.house import Server
from tests.media.hostile import Crowd, Loud, Route, crowd

__all__ = ["server"]

F = "Frida"


async def guest(c: Crowd, name: str = "Gus") -> Loud:
    token = (await c.c.invite("guest"))["token"]
    return await c.join(await c.c.join(name, token=token))


def ways(*names: str) -> set[Route]:
    return set(permutations(names, 2))


async def test_GU3_GU4_a_loud_guest_is_heard_where_they_are_brought_in_alone(
    server: Server,
) -> None:
    async with crowd(server, "Ada", "Ben") as c:
        circle = (F, "Ada", "Ben")
        gus, gil = await guest(c), await guest(c, "Gil")
        await c.exactly(ways(*circle), time.time())
        await c.exactly(ways(*circle, "Gus", "Gil"), await c.ok(c.f, "guest.bring"))
        after = await c.ok(c.f, "mute", {"member": gil.id, "kinds": ["audio"]})
        quiet = {way for way in ways(*circle, "Gus", "Gil") if way[0] != "Gil"}
        await c.exactly(quiet, after)
        await c.exactly(ways(*circle), await c.ok(c.f, "guest.rest"))

        after = await c.ok(c.f, "floor.stick", {"to": gus.id})
        speaking = {(one, other) for one in ("Gus", F) for other in (*circle, "Gus")}
        await c.exactly({way for way in speaking if way[0] != way[1]}, after)
        after = await c.ok(gus.client, "floor.pass")
        await c.exactly({way for way in ways(*circle) if way[0] == F}, after)

        await c.f.ok("floor.open")
        after = await c.ok(c.f, "role.give", {"member": c["Ada"].id, "role": "guest"})
        await c.exactly(ways(F, "Ben"), after)
        assert not gus.voices(after) | gil.voices(after) | c["Ada"].voices(after)


async def test_GU2_GU4_stages_bring_guests_in_and_send_them_out(server: Server) -> None:
    stages = [
        {"kind": "arrival", "seconds": 600},
        {"kind": "topic", "seconds": 600, "floor": "quiet", "guest": True},
        {"kind": "round", "seconds": 600, "floor": "open"},
    ]
    async with crowd(server, "Ada", agenda={"stages": stages}) as c:
        await guest(c)
        await c.exactly(ways(F, "Ada"), await c.ok(c.f, "agenda.start"))
        after = await c.ok(c.f, "agenda.next")
        heard = {(one, other) for one in ("Gus", F) for other in (F, "Ada", "Gus")}
        await c.exactly({way for way in heard if way[0] != way[1]}, after)
        await c.exactly(ways(F, "Ada"), await c.ok(c.f, "agenda.next"))


async def test_GU3_GU5_the_bytes_of_a_waiting_guest_hold_nobody(server: Server) -> None:
    async with crowd(server, "Ada", "Ben") as c:
        gus = await guest(c)
        count = len(gus.client.frames)
        ada = c["Ada"].client
        await ada.ok("chat.say", {"to": "circle", "body": "canary words"})
        await ada.ok("hand.raise")
        await ada.ok("milestone.share", {"text": "canary year"})
        await ada.ok("react", {"kind": "thank_you"})
        await c.f.ok("floor.stick", {"seconds": 60})
        await c.f.ok("pairs.open", {"groups": [[c["Ada"].id, c["Ben"].id]]})
        await c.c.settle(gus.client)
        told = str([frame.body for frame in gus.client.frames[count:]])
        whole = str(gus.client.view)
        for secret in ("canary", c["Ada"].id, c["Ben"].id, "Ada", "Ben"):
            assert secret not in whole
            assert secret not in told
