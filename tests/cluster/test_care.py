"""The care lane over several workers: whoever dies, it goes on, and nobody else gets a byte."""

from __future__ import annotations

import asyncio
import time

from tests.cluster.care_house import House, Words, house, keys_with
from tests.cluster.cluster import Cluster

BOUND = 30.0


async def until_gone(cluster: Cluster, word: str) -> None:
    """Until no key of Redis holds it: a snapshot that does is written anew within seconds."""
    ends = time.monotonic() + BOUND
    while found := keys_with(cluster, word):
        assert time.monotonic() < ends, f"still in {found}"
        await asyncio.sleep(0.2)


async def full(home: House) -> None:
    """Two facilitators and four members, at three workers: Ada and Finn share one."""
    doors = home.cluster.doors
    await home.come("Fay", doors[0], "facilitator")
    await home.come("Finn", doors[1], "facilitator")
    for name, place in (("Ada", 1), ("Ben", 2), ("Cleo", 0), ("Dan", 1)):
        await home.come(name, doors[place])
    await home.everybody_sees(6)


async def test_S4_CL1_CL4_CL6_CL7_CL11_the_care_lane_through_killed_workers(
    cluster: Cluster,
) -> None:
    async with house(cluster, settings={"cards": True}) as home:
        await full(home)
        fay, finn, ada, ben = (home[name] for name in ("Fay", "Finn", "Ada", "Ben"))
        words = Words(cluster)
        others = ("Ben", "Cleo", "Dan")
        await fay.ok("floor.round", {"seconds": 600, "starter": ben.me})

        # Flagged: both facilitators have it, at their workers.
        await ada.ok("care.card", words.card)
        assert (await ada.ok("care.flag", {"level": "urgent"}))["facilitators"] == 2
        for staff in (fay, finn):
            await staff.sees(
                lambda v: v["care"].get(ada.me, {}).get("level") == "urgent", "the flag"
            )
        assert keys_with(cluster, words.card["note"]) != [], "this looks where the card is kept"

        # Taken, and the worker dies that both of them and Ada are with.
        await fay.ok("care.take", {"member": ada.me})
        await home.kill(0, 1)
        for seat in (fay, finn):
            await seat.sees(lambda v: v["care"][ada.me]["taken_by"] == fay.me, "who has it")
        assert (await finn.ask("care.take", {"member": ada.me}))["code"] == "stale"
        assert (await finn.ask("care.open", {"member": ada.me}))["code"] == "not_allowed"

        # Moved aside, and the worker dies under both.
        await fay.ok("care.aside", {"member": ada.me})
        await ada.sees(lambda v: v.get("aside"), "the side room")
        side = ada.view["aside"]
        assert set(side["members"]) == {ada.me, fay.me}
        await ada.say(words.aside, "pair")
        await fay.client.hears(words.aside)
        await home.kill(0, 1)
        for seat in (ada, fay):
            await seat.sees(lambda v: v.get("aside") == side, "the same side room")
        await finn.sees(lambda v: v["care"][ada.me]["aside"] == [fay.me], "where they are")

        # The circle goes on meanwhile.
        await ben.sees(lambda v: v["floor"]["holder"] == ben.me, "the turn")
        await ben.ok("floor.pass")
        await ben.sees(lambda v: v["floor"]["holder"] == home["Cleo"].me, "the next turn")
        await home["Cleo"].say("canary-we-go-on")
        await ben.client.hears("canary-we-go-on")

        # The card is opened, and Ada is told.
        assert (await fay.ok("care.open", {"member": ada.me}))["card"] == words.card
        await ada.sees(lambda v: v.get("care_opened"), "who has read it")
        assert [each["by"] for each in ada.view["care_opened"]] == [fay.me]
        await home.kill(1)
        assert [each["by"] for each in ada.view["care_opened"]] == [fay.me]

        # Returned, and over.
        await fay.ok("care.back", {"member": ada.me})
        await ada.sees(lambda v: v.get("aside") is None, "the way back")
        await fay.ok("care.done", {"member": ada.me})
        for seat in (ada, fay, finn):
            await seat.sees(lambda v: not v.get("care"), "the end of it")
        await home.settle()

        # Not a byte of it at anybody else, on whatever connection.
        home.assert_nothing_of_care(others)
        finns = home.bytes_of("Finn")
        assert all(word not in finns for word in words.all), "the other facilitator"
        assert all(b"canary-card" not in home.bytes_of(name) for name in others)
        told = await home.told()
        assert "canary" not in told
        for door in cluster.doors:
            metrics = (await door.metrics()).text
            assert "care" not in metrics
        acts = [entry for entry in await home.trail() if entry[1].startswith("care.")]
        assert (fay.me, "care.open", ada.me, "ok") in acts
        assert (ada.me, "care.card", None, "ok") in acts

        # Taken back, the card is nowhere in Redis any more; nor is anything after the end.
        await ada.ok("care.card", {})
        for word in words.card.values():
            await until_gone(cluster, word)
        await fay.ok("room.end")
        for word in (words.aside, fay.name, ada.name):
            await until_gone(cluster, word)


async def test_CL12_a_killed_worker_keeps_no_card_alive(cluster: Cluster) -> None:
    """Who takes a card away may die right after; what others hold of the log must not bring it
    back into a Redis that was lost."""
    async with house(cluster, settings={"cards": True}) as home:
        await full(home)
        words = Words(cluster)
        fay, ada, ben = home["Fay"], home["Ada"], home["Ben"]
        await ada.ok("care.card", words.card)
        await ben.ok("care.flag", {"level": "quiet"})
        await fay.sees(lambda v: ben.me in v["care"], "the flag")
        await ada.ok("care.card", {})
        await home.kill(1)
        for word in words.card.values():
            await until_gone(cluster, word)
        await asyncio.to_thread(cluster.redis_kill)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(cluster.redis_start)
        await ben.say("canary-after-the-loss", "staff")
        for word in words.card.values():
            await until_gone(cluster, word)
        await fay.sees(lambda v: v["care"].get(ben.me, {}).get("level") == "quiet", "still up")
        # The end of the room is the end of whatever it held.
        await ada.ok("care.card", words.card)
        assert keys_with(cluster, words.card["phone"]) != []
        await cluster.http("DELETE", f"/api/rooms/{home.room}")
        for word in words.card.values():
            await until_gone(cluster, word)


async def test_CL9_CL12_who_vanished_is_followed_up_and_then_forgotten(cluster: Cluster) -> None:
    """Flagged, the line is lost and so is the worker: gone, with name and card, until done."""
    async with house(cluster, settings={"cards": True, "grace_seconds": 1}) as home:
        await full(home)
        fay, finn, ada = home["Fay"], home["Finn"], home["Ada"]
        words = Words(cluster)
        await ada.ok("care.card", words.card)
        await ada.ok("care.flag", {"level": "urgent"})
        await fay.ok("care.take", {"member": ada.me})
        await ada.go()
        for staff in (fay, finn):
            await staff.sees(lambda v: v["care"][ada.me].get("gone"), "somebody to follow up")
        del home.people["Ada"]
        await home.kill(1)
        for staff in (fay, finn):
            await staff.sees(lambda v: v["care"][ada.me].get("gone"), "still to follow up")
            assert staff.view["care"][ada.me]["name"] == ada.name
        assert (await fay.ok("care.open", {"member": ada.me}))["card"] == words.card
        await fay.ok("member.remove", {"member": ada.me})
        await fay.sees(lambda v: ada.me not in v["members"], "the seat is gone")
        assert fay.view["care"][ada.me]["name"] == ada.name
        assert (await fay.ok("care.open", {"member": ada.me}))["card"] == words.card
        await fay.ok("care.done", {"member": ada.me})
        for word in words.card.values():
            await until_gone(cluster, word)
        await home.settle()
        home.assert_nothing_of_care(("Ben", "Cleo", "Dan"))


async def test_CL3_worries_of_peers_reach_facilitators_alone(cluster: Cluster) -> None:
    async with house(cluster) as home:
        await full(home)
        fay, finn, ada, ben = (home[name] for name in ("Fay", "Finn", "Ada", "Ben"))
        await ben.ok("care.worry", {"member": ada.me, "level": "urgent"})
        for staff in (fay, finn):
            await staff.sees(
                lambda v: v["care"].get(ada.me, {}).get("worried") == {ben.me: "urgent"},
                "the worry",
            )
        assert fay.view["care"][ada.me]["own"] is False
        await home.kill(2)
        await ben.sees(lambda v: v.get("worries") == {ada.me: "urgent"}, "one's own worry")
        assert (await fay.ask("care.open", {"member": ada.me}))["code"] == "stale"
        await ada.ok("leave")
        for staff in (fay, finn):
            await staff.sees(lambda v: v["care"][ada.me].get("gone"), "somebody to follow up")
        await finn.ok("care.take", {"member": ada.me})
        await finn.ok("care.done", {"member": ada.me})
        await fay.sees(lambda v: v["care"] == {}, "nobody to follow up")
        await home.settle()
        home.assert_nothing_of_care(("Ada", "Cleo", "Dan"))


async def test_CL1_a_flag_while_redis_is_gone_says_so_and_then_comes_once(
    cluster: Cluster,
) -> None:
    async with house(cluster) as home:
        await full(home)
        fay, finn, ada = home["Fay"], home["Finn"], home["Ada"]
        await asyncio.to_thread(cluster.redis_kill)
        flag = {"t": "care.flag", "id": 700, "level": "urgent"}
        answer = await ada.client.ask(flag)
        assert answer["code"] == "frozen"
        # The lines need no room and no Redis.
        lines = await cluster.doors[1].http("GET", "/crisis-lines", key=None)
        assert lines.status_code == 200
        assert lines.json()["countries"]
        assert all(not staff.view["care"] for staff in (fay, finn))
        await asyncio.to_thread(cluster.redis_start)
        await ada.ok("care.flag", {"level": "urgent"})
        for staff in (fay, finn):
            await staff.sees(lambda v: ada.me in v["care"], "the flag")
        await home.settle()
        home.assert_nothing_of_care(("Ben", "Cleo", "Dan"))


async def test_CL1_a_flag_while_no_facilitator_is_there_waits_for_one(cluster: Cluster) -> None:
    async with house(cluster, settings={"grace_seconds": 1}) as home:
        await full(home)
        fay, finn, ada = home["Fay"], home["Finn"], home["Ada"]
        for staff in (fay, finn):
            await staff.go()
        await ada.sees(lambda v: v["notice"] == "no_facilitator", "nobody is there")
        assert (await ada.ok("care.flag", {"level": "urgent"}))["facilitators"] == 0
        assert ada.view["care"] == {ada.me: {"level": "urgent", "taken_by": None}}
        del home.people["Fay"], home.people["Finn"]
        await home.kill(1)
        await ada.sees(lambda v: v["care"][ada.me]["level"] == "urgent", "it stays up")
        # Whoever comes, by whichever worker, finds it.
        gina = await home.come("Gina", cluster.doors[2], "facilitator")
        await gina.sees(lambda v: ada.me in v["care"], "the flag")
        await gina.ok("care.take", {"member": ada.me})
        await ada.sees(lambda v: v["care"][ada.me]["taken_by"] == gina.me, "somebody is there")
        home.assert_nothing_of_care(("Ben", "Cleo", "Dan"))
