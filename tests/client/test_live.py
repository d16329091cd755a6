"""The client and the rehearsal at a running server."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from sitwith_client import Change, Client, Message, Refused, RoomClosed
from sitwith_client.rehearse import host, rehearse
from sitwith_protocol.linking import blind
from tests.blackbox.house import Circle, Server, circle

SPEED = 25.0


def link(c: Circle, role: str = "member") -> str:
    made: str = c.made["links"][role]
    return made


async def test_a_member_enters_talks_and_leaves(server: Server) -> None:
    async with circle(server, lobby=True) as c:
        async with Client.join(link(c), "Ada") as ada:
            assert ada.phase == "agreement"
            entering = asyncio.create_task(ada.enter(20))
            await c.f.until(lambda: c.f.view["lobby"], "somebody waiting")
            await c.f.ok("lobby.admit_all")
            await entering
            events = ada.events()
            sent = await ada.say("circle", "hello")
            assert sent == ("circle", 1)
            message = await anext(events)
            assert isinstance(message, Message) and message.author == ada.id
            await ada.raise_hand()
            assert ada.room.members[ada.id]["hand"] == 1
            with pytest.raises(Refused) as caught:
                await ada.lock()
            assert caught.value.code == "not_allowed"
            assert abs(ada.now() - message.at) < 60
        await c.f.until(lambda: ada.id not in c.f.view["members"], "her going")
        assert ada.ended == 1000


async def test_DO12_a_facilitator_replaces_a_link(server: Server) -> None:
    async with circle(server, lobby=True) as c, Client.join(link(c, "facilitator"), "Fay") as fay:
        await fay.enter(20)
        async with Client.join(link(c), "Ada") as ada:
            await ada.accept_agreement()
            await fay.until(lambda: fay.room.lobby, SPEED)
            assert fay.room.door is not None
            (use,) = fay.room.door["links"]
            assert (use["waiting"], fay.room.lobby[0]["link"]) == (1, use["link"])
            new = await fay.replace_link(use["link"])
            with pytest.raises(RoomClosed) as caught:
                await ada.until(lambda: False, SPEED)
            assert caught.value.code == 4404
        with pytest.raises(RoomClosed):
            async with Client.join(link(c), "Ben"):
                pass
        async with Client.join(new, "Cleo") as cleo:
            entering = asyncio.create_task(cleo.enter(20))
            await fay.until(lambda: fay.room.lobby, SPEED)
            await fay.decline_all()
            with pytest.raises(RoomClosed) as caught:
                await entering
            assert caught.value.code == 4405


async def test_moods_and_milestones_by_the_command_methods(server: Server) -> None:
    names = ["Ben", "Cleo", "Dora", "Egon"]
    async with circle(server, names) as c:  # noqa: SIM117
        async with Client.join(link(c, "facilitator"), "Ada") as ada:
            await ada.enter(20)
            await ada.ask_mood()
            await ada.answer_mood(1)
            for member in c.members:
                await member.ok("mood.answer", {"value": 4})
            await ada.close_mood()
            counts = {"1": 1, "2": 0, "3": 0, "4": 4, "5": 0}
            assert ada.room.slices["mood"]["result"] == {"counts": counts}
            await ada.share_milestone("A year")
            (one,) = ada.room.slices["milestones"]
            assert (one["member"], one["text"]) == (ada.id, "A year")
            await ada.clear_milestone(one["n"])
            assert ada.room.slices["milestones"] == []


async def test_a_facilitator_leads_with_the_command_methods(server: Server) -> None:
    async with circle(server, ["Ben", "Cleo", "Dora", "Egon"]) as c:  # noqa: SIM117
        async with Client.join(link(c, "facilitator"), "Ada") as ada:
            await ada.enter(20)
            assert ada.role == "facilitator" and ada.id in ada.room.facilitators()
            ben = c.members[0].me
            await ada.start_round(order=[ben, ada.id], seconds=60)
            assert ada.room.holder == ben
            left = ada.room.turn_left(ada.now())
            assert left is not None and 50 < left <= 60.5
            await ada.pause_turn()
            await ada.resume_turn()
            await ada.extend_turn(30)
            await ada.pass_stick()
            assert ada.room.holder == ada.id
            await ada.open_floor()
            await ada.mute(ben, "audio", "chat")
            assert ada.room.members[ben]["held"] == ["audio", "chat"]
            await ada.unmute(ben, "audio", "chat")
            groups = await ada.plan_pairs("fresh", avoid=[(ben, c.members[1].me)])
            assert sorted(map(len, groups)) == [2, 2]
            await ada.open_pairs(groups, seconds=600)
            assert ada.room.pairs is not None
            group = next(iter(ada.room.pairs["groups"]))
            await ada.visit(group)
            assert (await ada.say(f"pair:{group}", "hello")).to == f"pair:{group}"
            await ada.end_visit()
            await ada.say_to_all("two minutes")
            await ada.close_pairs(0)
            await ada.until(lambda: ada.room.pairs is None, 20)
            await ada.change_settings(chat="staff", slow_seconds=2)
            assert ada.room.settings["chat"] == "staff"
            await ada.lock()
            assert ada.room.locked
            await ada.unlock()
            await ada.give_role(ben, "facilitator")
            await ada.remove(c.members[1].me)
            assert await c.members[1].closed() == 4403
            await ada.end_room()
            with pytest.raises(RoomClosed):
                await ada.until(lambda: False, 20)
            assert ada.ended == 4404


async def test_RE4_nothing_is_lost_or_doubled_however_often_the_line_is_cut(
    server: Server,
) -> None:
    async with circle(server, ["Ben"]) as c, Client.join(link(c), "Ada") as ada:
        await ada.enter(20)
        ben = c.members[0]
        for number in range(8):
            saying = asyncio.create_task(ada.say("circle", f"ada {number}"))
            await asyncio.sleep(0.002 * number)
            await ada.reconnect(rudely=number % 2 == 0)
            await ben.ok("chat.say", {"to": "circle", "body": f"ben {number}"})
            await saying
        assert ada.connections >= 4
        await ada.until(lambda: len(ada.room.chats.get("circle", ())) == 16, 20)
        await ben.until(lambda: len(ben.chats) == 16, "all words")
        assert [m.n for m in ada.room.chats["circle"]] == list(range(1, 17))
        assert [m.body for m in ada.room.chats["circle"]] == ben.said("circle")
        assert ada.repeated == 0


class Watcher:
    """A facilitator who only looks on, and notes what is seen."""

    def __init__(self, me: Client) -> None:
        self.changes: list[Change] = []
        self.holders: list[str] = []
        self.said: dict[str, list[Message]] = {}
        self.groups: list[dict[str, list[str]]] = []
        self._task = asyncio.create_task(self._watch(me))

    async def _watch(self, me: Client) -> None:
        async for event in me.events():
            if isinstance(event, Message):
                self.said.setdefault(event.to, []).append(event)
            elif isinstance(event, Change):
                self.changes.append(event)
                holder = me.room.holder
                if holder and self.holders[-1:] != [holder]:
                    self.holders.append(holder)
                pairs = me.room.pairs
                if pairs and self.groups[-1:] != [pairs["groups"]]:
                    self.groups.append(pairs["groups"])

    def whys(self) -> Iterator[str]:
        return (each.why for each in self.changes)


async def test_a_rehearsal_takes_turns_talks_and_goes_into_pairs(server: Server) -> None:
    async with circle(server, host="", lobby=True) as c:
        stop = asyncio.Event()
        async with Client.join(link(c, "facilitator"), "Olive") as me:
            await me.enter(20)
            seen = Watcher(me)
            running = [
                asyncio.create_task(host(link(c, "facilitator"), stop=stop, speed=SPEED)),
                asyncio.create_task(rehearse(link(c), 5, stop=stop, seed=3, speed=SPEED)),
            ]
            await me.until(lambda: len(me.room.members) == 7, 30)
            guests = {m for m, e in me.room.members.items() if e["role"] == "member"}
            assert len({me.room.members[m]["name"] for m in guests}) == 5
            await me.until(lambda: guests <= set(seen.holders), 60)
            await me.until(lambda: seen.groups, 60)
            await me.until(lambda: me.room.pairs is None and "floor.round" in seen.whys(), 60)
            assert {m for group in seen.groups[0].values() for m in group} <= guests
            await me.until(lambda: len(seen.said.get("circle", ())) > 12, 60)
            assert "floor.pass" in set(seen.whys())
            assert not me.room.lobby
            stop.set()
            await asyncio.wait_for(asyncio.gather(*running), 20)
            await me.until(lambda: set(me.room.members) == {me.id}, 20)
            for messages in seen.said.values():
                words = [m.body for m in messages]
                assert all(a != b for a, b in itertools.pairwise(words))


async def test_the_host_makes_way_for_a_person_who_facilitates(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"], lobby=True) as c:
        stop = asyncio.Event()
        running = asyncio.create_task(host(link(c, "facilitator"), stop=stop, speed=SPEED))
        await c.f.until(lambda: c.f.view["floor"]["round"], "a round")
        await c.f.ok("floor.quiet")
        mark = len(c.f.frames)
        waiting = await c.arrive("Cleo")
        await c.accept(waiting)
        await waiting.until(lambda: waiting.phase == "inside", "the host opening the door")
        await asyncio.sleep(1.5)
        new = [f.body for f in c.f.frames[mark:] if f.body["t"] == "room"]
        robin = next(
            m for m, e in c.f.view["members"].items()
            if e["role"] == "facilitator" and m != c.f.me
        )  # fmt: skip
        assert {f["why"] for f in new if f.get("by") == robin} == {"lobby.admit_all"}
        assert c.f.view["floor"]["mode"] == "quiet"
        stop.set()
        await asyncio.wait_for(running, 20)


async def test_a_rehearsal_ends_with_its_room(server: Server) -> None:
    async with circle(server) as c:
        running: list[asyncio.Task[Any]] = [
            asyncio.create_task(rehearse(link(c), 3, speed=SPEED)),
            asyncio.create_task(host(link(c, "facilitator"), speed=SPEED)),
        ]
        await c.f.until(lambda: len(c.f.view["members"]) == 5, "all of them")
        await c.f.ok("room.end")
        await asyncio.wait_for(asyncio.gather(*running), 20)


async def test_a_rehearsal_that_never_got_in_says_so(server: Server) -> None:
    with pytest.raises(RoomClosed) as caught:
        await rehearse(f"{server.url}/r/none#t=none.none", 2, speed=SPEED)
    assert caught.value.code == 4404


async def test_LK2_concerns_in_plain_words_are_blinded_and_linked(server: Server) -> None:
    async with circle(server, ["Ben", "Cleo", "Dora"]) as c:  # noqa: SIM117
        async with Client.join(link(c, "facilitator"), "Ada") as ada:
            await ada.enter(20)
            await ada.offer_concerns(["Grief", "Sleep"])
            assert ada.room.concerns == ["Grief", "Sleep"]
            await ada.set_concerns(ada.room.link_key, ["  grief"])
            ben = c.members[0]
            await ben.ok("topics.set", {"tags": [blind(ben.view["link_key"], "GRIEF")]})
            plan = await ada.plan_pairs_in_full(facilitators=True, avoid=[(ada.id, c.f.me)])
            assert {ada.id, ben.me} <= set(next(g for g in plan["groups"] if ada.id in g))
            assert plan["report"]["linked"] == 1
            cleo = c.members[1].me
            pinned = await ada.plan_pairs_in_full("fresh", facilitators=True, pins=[(ada.id, cleo)])
            assert {ada.id, cleo} <= set(next(g for g in pinned["groups"] if ada.id in g))
            await ada.set_concerns(ada.room.link_key, [])
            assert ada.room["topics"] == []
