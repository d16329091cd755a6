"""Answers and limits at a running server (SPEC, AN*, LI*)."""

from __future__ import annotations

import itertools

import pytest

from sitwith_protocol.codec import encode
from sitwith_protocol.errors import RefusalCode
from tests.blackbox.house import Server, circle
from tests.blackbox.rawclient import Gone
from tests.folding import touched
from tests.protocol.bad_messages import BAD_MESSAGES


async def test_AN1_null_counts_as_absent(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        await c.f.ok("floor.round", {"order": None, "seconds": None, "starter": None})
        assert c.f.view["floor"]["holder"] == c.members[0].me


async def test_AN2_what_is_no_command_is_refused_by_its_id(server: Server) -> None:
    bad = [m for _, m in BAD_MESSAGES if m["t"] != "hello" and type(m.get("id")) is int]
    async with circle(server, ["Ada", "Ben", "Cleo", "Dora"]) as c:
        # Each seat has a pace of its own.
        for message, sender in zip(bad, itertools.cycle(c.members), strict=False):
            answer = await sender.ask({**message, "id": next(sender.ids)})
            assert (answer["t"], answer["code"]) == ("refused", "bad_request"), message
        for sender in c.members:
            await sender.ok("hand.raise")


@pytest.mark.parametrize("number", [None, True, 1.0, "1", b"1", [1]])
async def test_AN2_without_a_usable_id_it_closes_with_4400(server: Server, number: object) -> None:
    async with circle(server, ["Ada"]) as c:
        ada = c.members[0]
        await ada.send_raw(encode({"t": "hand.raise", "id": number}))
        assert await ada.closed() == 4400
        await c.f.until(lambda: c.f.view["members"][ada.me]["here"] != "here", "the loss")
        assert c.f.view["floor"]["queue"] == []


async def test_AN3_a_refusal_has_a_known_code_and_changes_nothing(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        ada = c.members[0]
        before = len(c.f.frames)
        answer = await ada.no("not_allowed", "room.lock")
        assert set(answer) == {"t", "id", "code", "message"}
        assert answer["code"] in set(RefusalCode)
        await ada.no("not_holder", "floor.pass", {"to": "nobody"})
        await c.settle()
        new = [f.body for f in c.f.frames[before:] if f.body["t"] == "room"]
        assert [touched(body) for body in new] == [{"members"}]


async def test_AN4_the_same_id_has_one_effect_and_one_answer(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        ada = c.members[0]
        say = {"t": "chat.say", "id": next(ada.ids), "to": "circle", "body": "once"}
        first = await ada.ask(say)
        assert await ada.ask(say) == first
        assert await ada.ask({**say, "body": "twice"}) == first
        back = await c.back(ada)
        assert await back.ask(say) == first
        lock = {"t": "room.lock", "id": next(back.ids)}
        refused = await back.ask(lock)
        await c.f.ok("role.give", {"member": back.me, "role": "facilitator"})
        assert await back.ask(lock) == refused
        await c.settle()
        assert c.f.said("circle") == ["once"]
        assert not c.f.view["locked"]


async def test_AN5_what_is_no_outcome_may_be_tried_again(server: Server) -> None:
    async with circle(server, lobby=False) as c:
        ada = await c.arrive("Ada")
        early = {"t": "hand.raise", "id": next(ada.ids)}
        assert (await ada.ask(early))["code"] == "not_inside"
        await c.accept(ada)
        bad = {"t": "hand.lower", "id": next(ada.ids), "member": 5}
        assert (await ada.ask(bad))["code"] == "bad_request"
        assert (await ada.ask(early))["t"] == "ok"
        assert ada.view["floor"]["queue"] == [ada.me]
        del bad["member"]
        assert (await ada.ask(bad))["t"] == "ok"
        assert ada.view["floor"]["queue"] == []
        react = {"t": "react", "id": next(ada.ids), "kind": "nod"}
        for _ in range(2):
            assert (await ada.ask(react))["t"] == "ok"
        await c.settle(ada)
        assert [f.body["t"] for f in c.f.frames].count("reaction") == 2


async def test_AN6_what_a_command_changes_is_seen_before_its_ok(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        ada = c.members[0]
        for client, t, fields in (
            (ada, "hand.raise", {}),
            (c.f, "room.lock", {}),
            (ada, "chat.say", {"to": "circle", "body": "hello"}),
            (c.f, "floor.round", {}),
            (ada, "floor.pass", {}),
        ):
            before = len(client.frames)
            answer = await client.ok(t, fields)
            order = [f.body["t"] for f in client.frames[before:]]
            place = [f.body for f in client.frames[before:]].index(answer)
            assert {"room", "chat"} & set(order[:place]), t


async def test_AN7_shape_then_phase_then_rights_then_target(server: Server) -> None:
    async with circle(server, ["Ada"], lobby=True) as c:
        ada = c.members[0]
        ben = await c.arrive("Ben")
        await ben.no("bad_request", "member.remove", {"member": 5})
        await ben.no("not_inside", "member.remove", {"member": "nobody"})
        await ada.no("bad_request", "member.remove", {"member": 5})
        await ada.no("not_allowed", "member.remove", {"member": "nobody"})
        await c.f.no("bad_request", "member.remove", {"member": 5})
        await c.f.no("no_such_member", "member.remove", {"member": "nobody"})


async def test_AN8_what_is_so_already_is_ok_and_changes_nothing(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        ada = c.members[0]
        mute = {"member": ada.me, "kinds": ["audio"]}
        for client, t, fields in (
            (ada, "hand.raise", {}),
            (c.f, "room.lock", {}),
            (c.f, "mute", mute),
        ):
            await client.ok(t, fields)
            before, view = len(client.frames), client.view
            await client.ok(t, fields)
            assert [f.body["t"] for f in client.frames[before:]] == ["ok"], t
            assert client.view == view


async def test_LI1_a_burst_of_twenty_is_taken(server: Server) -> None:
    async with circle(server) as c:
        ada = await c.join("Ada")
        ids = [next(ada.ids) for _ in range(18)]  # accepting the agreement was one, and one spare
        for number in ids:
            await ada.send({"t": "self.away", "id": number, "away": number % 2 == 0})
        await ada.until(lambda: all(n in ada.answers for n in ids), "all answers")
        assert all(ada.answers[n][0].body["t"] == "ok" for n in ids)


async def test_LI1_LI4_a_flood_is_refused_and_then_closed_with_4429(server: Server) -> None:
    async with circle(server) as c:
        ada = await c.join("Ada")
        with pytest.raises(Gone) as gone:
            for number in range(1000, 6000):
                await ada.send({"t": "react", "id": number, "kind": "nod"})
            await ada.closed()
            raise Gone(ada.code)
        assert gone.value.code == 4429
        refusals = {f.body["code"] for f in ada.frames if f.body["t"] == "refused"}
        assert refusals == {"too_fast"}
        await c.f.ok("hand.raise")


async def test_LI2_text_of_2000_characters_is_taken_and_one_more_is_too_long(
    server: Server,
) -> None:
    async with circle(server) as c:
        await c.f.ok("chat.say", {"to": "circle", "body": "ä" * 2000})
        await c.f.no("too_long", "chat.say", {"to": "circle", "body": "ä" * 2001})
        await c.f.no("too_long", "pairs.say", {"body": "x" * 2001})
        await c.f.no("bad_request", "chat.say", {"to": "circle", "body": ""})


async def test_AN9_a_ping_is_answered_in_any_phase(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        newcomer = await c.arrive("Bea")
        for number, client in enumerate((newcomer, c.members[0], c.f)):
            before = len(client.frames)
            await client.send({"t": "ping", "id": number})
            await client.gets(lambda f: f["t"] == "pong", "pong", before)
            assert client.frames[-1].body == {"t": "pong", "id": number}
        assert newcomer.phase == "agreement"
