"""What the media plane says reaches a member who is inside and connected here, and nobody else."""

from __future__ import annotations

import asyncio
import random

from sitwith_server.room import commands as c
from sitwith_server.service.rooms.results import APPLIED
from tests.simulation.virtual import run
from tests.simulation.world import Client, World

SPEAKING = {"t": "speaking", "members": []}


def test_MW8_words_of_the_media_plane_reach_those_inside_alone() -> None:
    async def main() -> None:
        world = World(random.Random(1))
        made = await world.room(lobby=True)
        fay = Client(world, made.facilitator, "Fay", random.Random(2))
        ada = Client(world, made.member, "Ada", random.Random(3))
        await fay.entered.wait()
        while ada.phase != "lobby":
            await arrived()
        got: dict[str, list[object]] = {"Fay": [], "Ada": []}
        fay._speaking = got["Fay"].append  # type: ignore[attr-defined]
        ada._speaking = got["Ada"].append  # type: ignore[attr-defined]
        for member in (fay.me, ada.me, "nobody"):
            world.registry.send_to_member(made.room, member, SPEAKING)
            world.registry.send_to_member("no such room", member, SPEAKING)
        await arrived()
        assert got == {"Fay": [SPEAKING], "Ada": []}
        use = await world.host.use(made.room)
        assert use is not None
        with use as room:
            admit = c.LobbyAdmit(by=fay.me, person=ada.me)
            assert await room.execute(admit, "lobby.admit") == APPLIED
        world.registry.send_to_member(made.room, ada.me, SPEAKING)
        await arrived()
        assert got["Ada"] == [SPEAKING]
        for each in (fay, ada):
            each.task.cancel()
        await world.close()

    run(main())


async def arrived() -> None:
    """Time for frames to arrive."""
    await asyncio.sleep(1)
