"""Somebody who ignores every message is heard by nobody whom the room's state doesn't name."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from itertools import permutations

from sitwith_client.voice.peer import Peer
from tests.blackbox.conftest import server
from tests.blackbox.house import Server
from tests.blackbox.rawclient import Client, Gone
from tests.media.hostile import SLOTS, Route, crowd

__all__ = ["server"]

F = "Frida"


def ways(speakers: Iterable[str], people: Iterable[str]) -> set[Route]:
    """Each of these speakers to each other of these people."""
    return {(s, p) for s in speakers for p in people if s != p}


async def test_VO1_only_the_holder_is_heard_and_nothing_after_the_ok(server: Server) -> None:
    """Ten hand-overs: what the old holder says after the `ok` reaches nobody."""
    async with crowd(server, "Ada", "Ben") as c:
        everybody = [F, "Ada", "Ben"]
        await c.exactly(set(permutations(everybody, 2)), time.time())
        await c.f.ok("room.settings", {"facilitators_wait": True})
        holder, after = "Ada", await c.ok(c.f, "floor.stick", {"to": c["Ada"].id})
        await c.exactly(ways([holder], everybody), after)
        for _ in range(10):
            other = "Ben" if holder == "Ada" else "Ada"
            after = await c.ok(c[holder].client, "floor.pass", {"to": c[other].id})
            holder = other
            await c.exactly(ways([holder], everybody), after)
        after = await c.ok(c.f, "floor.quiet")
        await c.exactly(set(), after)


async def test_VO1_a_mute_and_a_quiet_floor_hold_whoever_asks(server: Server) -> None:
    async with crowd(server, "Ada", "Ben") as c:
        everybody = [F, "Ada", "Ben"]
        ada = c["Ada"].client
        after = await c.ok(c.f, "mute", {"member": ada.me, "kinds": ["audio"]})
        await c.exactly(ways([F, "Ben"], everybody), after)
        await ada.no("muted", "unmute", {"member": ada.me, "kinds": ["audio"]})
        await c.f.ok("floor.stick", {"to": ada.me})
        await c.exactly(ways([F], everybody), time.time())
        after = await c.ok(c.f, "floor.open")
        after = await c.ok(c.f, "mute.all", {"kinds": ["audio"]})
        await c.exactly(ways([F], everybody), after)
        await c.f.ok("unmute", {"member": ada.me, "kinds": ["audio"]})
        await c.exactly(ways([F, "Ada"], everybody), time.time())
        after = await c.ok(ada, "mute", {"member": ada.me, "kinds": ["audio"]})
        await c.exactly(ways([F], everybody), after)
        await ada.ok("unmute", {"member": ada.me, "kinds": ["audio"]})
        await c.exactly(ways([F, "Ada"], everybody), time.time())
        after = await c.ok(c.f, "floor.quiet")
        await c.exactly(ways([F], everybody), after)


async def test_VO1_a_new_connection_opens_no_way(server: Server) -> None:
    """Muted, the line cut, back again, offered anew, and sent on both connections."""
    async with crowd(server, "Ada", "Ben") as c:
        after = await c.ok(c.f, "mute", {"member": c["Ada"].id, "kinds": ["audio"]})
        routes = ways([F, "Ben"], [F, "Ada", "Ben"])
        await c.exactly(routes, after)
        for _ in range(3):
            ada = c["Ada"]
            ada.client.drop()
            await c.f.until(
                lambda id=ada.id: c.f.view["members"][id]["here"] == "reconnecting",  # type: ignore[misc]
                "the cut",
            )
            ada.client = await c.c.back(ada.client)
            assert (await ada.offer())["t"] == "ok"
            await c.exactly(routes, time.time())
        assert "Ada" not in c[F].voices(after) | c["Ben"].voices(after)
        await c.f.ok("unmute", {"member": c["Ada"].id, "kinds": ["audio"]})
        await c.exactly(set(permutations([F, "Ada", "Ben"], 2)), time.time())


async def test_VO3_a_cut_line_ends_the_voice_as_well(server: Server) -> None:
    async with crowd(server, "Ada", "Ben") as c:
        await c.exactly(set(permutations([F, "Ada", "Ben"], 2)), time.time())
        c["Ada"].client.drop()
        await c.f.until(
            lambda: c.f.view["members"][c["Ada"].id]["here"] == "reconnecting", "the cut"
        )
        # The answer to whatever comes next says that the node has heard of it.
        after = await c.ok(c.f, "mute", {"member": c.f.me, "kinds": ["video"]})
        await c.exactly(ways([F, "Ben"], [F, "Ben"]), after)


async def test_VO3_who_waits_at_the_door_or_was_removed_reaches_nobody(server: Server) -> None:
    async with crowd(server, "Ada", "Ben", "Cleo", lobby=True) as c:
        everybody = [F, "Ada", "Ben", "Cleo"]
        await c.exactly(set(permutations(everybody, 2)), time.time())
        waiting = await c.c.arrive("Dora")
        dora = c.add(waiting)
        assert (await dora.offer())["code"] == "not_inside"
        await c.c.accept(waiting)
        assert waiting.phase == "lobby"
        assert (await dora.offer())["code"] == "not_inside"

        after = await c.ok(c.f, "lobby.return", {"member": c["Ada"].id})
        inside = [F, "Ben", "Cleo"]
        await c.exactly(ways(inside, inside), after)
        ada = c["Ada"]
        await ada.client.until(lambda: ada.client.phase == "lobby", "the lobby")
        assert (await ada.offer())["code"] == "not_inside"

        after = await c.ok(c.f, "member.remove", {"member": c["Ben"].id})
        inside = [F, "Cleo"]
        await c.exactly(ways(inside, inside), after)
        assert await c["Ben"].client.closed() == 4403
        await c.exactly(ways(inside, inside), after)

        await c["Cleo"].client.ok("leave")
        await c.f.until(lambda: len(c.f.view["members"]) == 1, "her going")
        gone = await c.ok(c.f, "mute", {"member": c.f.me, "kinds": ["video"]})
        await c.exactly(set(), gone)


async def test_VO3_nothing_is_heard_once_the_room_has_ended(server: Server) -> None:
    async with crowd(server, "Ada", "Ben") as c:
        await c.exactly(set(permutations([F, "Ada", "Ben"], 2)), time.time())
        answer = await c.c.server.http("DELETE", f"/api/rooms/{c.c.room}")
        assert answer.status_code == 204
        after = time.time()
        await c["Ada"].client.closed()
        await c.exactly(set(), after)


async def announced(member: Client, visitor: str, since: int) -> float:
    """When this member was told of the visit."""
    frame = await member.sees(
        lambda view: any(
            visitor in v for v in ((view["pairs"] or {}).get("visitors") or {}).values()
        ),
        "the visit",
        since,
    )
    return frame.at


async def test_VO1_PA13_groups_never_mix_and_a_visit_is_heard_after_its_announcement(
    server: Server,
) -> None:
    async with crowd(server, "Ada", "Ben", "Cleo", "Dora", "Egon") as c:
        circle_ = [F, "Egon"]
        twos = [["Ada", "Ben"], ["Cleo", "Dora"]]
        after = await c.ok(c.f, "pairs.open", {"groups": [c.ids(two) for two in twos]})
        apart = ways(twos[0], twos[0]) | ways(twos[1], twos[1]) | ways(circle_, circle_)
        await c.exactly(apart, after)
        groups = {
            name: next(g for g, ids in c.f.view["pairs"]["groups"].items() if c[name].id in ids)
            for name in ("Ada", "Cleo")
        }
        for first in ("Ada", "Cleo"):
            group = groups[first]
            people = next(two for two in twos if first in two)
            since = {name: len(c[name].client.frames) for name in people}
            asked = time.time()
            await c.f.ok("pairs.visit", {"group": group})
            told = {name: await announced(c[name].client, c.f.me, since[name]) for name in people}
            visited = [*people, F]
            rest = next(two for two in twos if two != people)
            await asyncio.sleep(0.3)
            after = await c.ok(c.f, "mute", {"member": c.f.me, "kinds": ["video"]})
            await c.exactly(ways(visited, visited) | ways(rest, rest), after)
            for name in people:
                heard = [h for h in c[name].heard if h.speaker == F and h.said > asked]
                # The visitor sends all the time: nothing said in the first 0.2 s came through.
                assert min(h.said for h in heard) > asked + 0.2 - 0.005
                overheard = [h for h in c[F].heard if h.speaker == name and h.said > asked]
                assert min(h.said for h in overheard) > asked + 0.2 - 0.005
                assert told[name] < min(h.at for h in heard) + 0.15
            after = await c.ok(c.f, "pairs.return")
            await c.exactly(apart, after)
        after = await c.ok(c.f, "pairs.move", {"member": c["Ben"].id, "group": groups["Cleo"]})
        three = ["Ben", "Cleo", "Dora"]
        await c.exactly(ways(three, three) | ways(circle_, circle_), after)
        await c.f.ok("pairs.close", {"grace": 0})
        await c.f.until(lambda: c.f.view["pairs"] is None, "the end of the groups")
        await c.exactly(set(permutations(c.people, 2)), time.time())


async def test_a_flood_of_offers_changes_nothing_for_the_others(server: Server) -> None:
    """As fast as the socket takes them, bad ones and repeated good ones."""
    async with crowd(server, "Ada", "Ben", "Mallory") as c:
        await c.exactly(set(permutations(c.people, 2)), time.time())
        mallory = c["Mallory"].client
        good = Peer(audio=SLOTS).offer()
        with contextlib.suppress(Gone):
            for number in range(300):
                sdp = good if number % 3 else "v=0\r\n" * number
                await mallory.send({"t": "media.offer", "id": 10_000 + number, "sdp": sdp})
        others = [F, "Ada", "Ben"]
        after = time.time()
        await c.until(lambda: ways(others, others) <= c.taken(after), "each other, all the time")
