"""One command id has one effect and one answer, on whatever socket and however often."""

from __future__ import annotations

import asyncio

from .house import Server, circle
from .rawclient import Gone, Map


async def test_the_same_id_has_one_effect_and_one_answer(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        message: Map = {"t": "chat.say", "id": 500, "to": "circle", "body": "once"}
        first = await ada.ask(message)
        assert first == {"t": "ok", "id": 500, "to": "circle", "n": 1}
        for _ in range(3):
            assert await ada.ask(message) == first
        # what the id stands for is the first command, whatever comes under it later
        assert await ada.ask({"t": "hand.raise", "id": 500}) == first
        assert ada.view["floor"]["queue"] == []
        # several at once, before any answer
        flock: Map = {"t": "chat.say", "id": 501, "to": "circle", "body": "flock"}
        for _ in range(4):
            await ada.send(flock)
        await ada.until(lambda: len(ada.answers.get(501, [])) == 4, "four answers")
        assert len({f.raw for f in ada.answers[501]}) == 1
        back = await c.back(ada)
        assert await back.ask(message) == first
        assert await back.ask(flock) == ada.answers[501][0].body
        said = await back.ok("chat.say", {"to": "circle", "body": "end"})
        assert said["n"] == 3
        await c.f.hears("end")
        assert c.f.said("circle") == ["once", "flock", "end"]


async def test_the_same_id_over_the_old_and_the_new_socket_at_once_has_one_effect(
    server: Server,
) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        current = ada
        for turn in range(8):
            message: Map = {
                "t": "chat.say",
                "id": 700 + turn,
                "to": "circle",
                "body": f"turn {turn}",
            }
            old = current
            new = await c.socket("Ada")
            new.ids, new.pace = old.ids, old.pace
            await asyncio.gather(
                old.send(message), new.resume(old.resume_value, old.seen), return_exceptions=True
            )
            answer = await new.ask(message)
            assert answer == {"t": "ok", "id": 700 + turn, "to": "circle", "n": turn + 1}
            assert await old.closed() == 4409
            for frame in old.answers.get(700 + turn, []):
                assert frame.body == answer
            current = new
            c.members[0] = new
        await ben.ok("chat.say", {"to": "circle", "body": "end"})
        await c.f.hears("end")
        assert c.f.said("circle") == [*(f"turn {n}" for n in range(8)), "end"]
        # and for a change of the room: a second `pass` must not skip a person
        await c.f.ok("floor.round")
        await current.until(lambda: current.view["floor"]["holder"] == current.me, "her turn")
        await current.send({"t": "floor.pass", "id": 900})
        new = await c.back(current)
        assert (await new.ask({"t": "floor.pass", "id": 900}))["t"] == "ok"
        await c.f.until(lambda: c.f.view["floor"]["holder"] == ben.me, "Ben's turn")
        await c.settle()
        assert c.f.view["floor"]["holder"] == ben.me


async def test_a_refusal_that_is_an_outcome_stays_one(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada = c.members[0]
        not_holder = await ada.ask({"t": "floor.pass", "id": 600})
        assert (not_holder["t"], not_holder["code"]) == ("refused", "not_holder")
        not_allowed = await ada.ask({"t": "room.lock", "id": 601})
        assert (not_allowed["t"], not_allowed["code"]) == ("refused", "not_allowed")
        await c.f.ok("role.give", {"member": ada.me, "role": "facilitator"})
        await c.f.ok("floor.stick", {"to": ada.me})
        await ada.until(
            lambda: ada.role == "facilitator" and ada.view["floor"]["holder"] == ada.me, "rights"
        )
        assert await ada.ask({"t": "floor.pass", "id": 600}) == not_holder
        assert await ada.ask({"t": "room.lock", "id": 601}) == not_allowed
        back = await c.back(ada)
        assert await back.ask({"t": "floor.pass", "id": 600}) == not_holder
        assert await back.ask({"t": "room.lock", "id": 601}) == not_allowed
        assert back.view["floor"]["holder"] == back.me
        assert back.view["locked"] is False
        # ids belong to a seat: another's 600 is another command
        assert (await c.f.ask({"t": "floor.pass", "id": 600}))["t"] == "ok"


async def test_a_refusal_that_is_no_outcome_may_be_tried_again(server: Server) -> None:
    async with circle(server, lobby=True) as c:
        ada = await c.arrive("Ada")
        await c.accept(ada)
        hand: Map = {"t": "hand.raise", "id": 800}
        assert (await ada.ask(hand))["code"] == "not_inside"
        await c.admit(ada)
        assert (await ada.ask(hand))["t"] == "ok"
        bad = await ada.ask({"t": "chat.say", "id": 801, "to": "circle", "body": 7})
        assert bad["code"] == "bad_request"
        good = await ada.ask({"t": "chat.say", "id": 801, "to": "circle", "body": "seven"})
        assert (good["t"], good["n"]) == ("ok", 1)


async def test_what_was_too_fast_is_said_once_when_sent_again(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        ada = c.members[0]
        hurry: dict[int, Map] = {
            n: {"t": "chat.say", "id": n, "to": "circle", "body": f"hurry {n}"}
            for n in range(2000, 2150)
        }
        try:
            for message in hurry.values():
                await ada.send(message)
        except Gone:
            pass
        await ada.until(lambda: ada.over or all(n in ada.answers for n in hurry), "the answers")
        refused = [n for n in hurry if n in ada.answers and "code" in ada.answers[n][0].body]
        assert {ada.answers[n][0].body["code"] for n in refused} <= {"too_fast"}
        if ada.over:
            assert ada.code == 4429
            ada = await c.back(ada)
        for number in refused[:2]:
            answer = await ada.ask(hurry[number])
            while answer.get("code") == "too_fast":
                await asyncio.sleep(0.5)
                answer = await ada.ask(hurry[number])
            assert answer["t"] == "ok"
            assert await ada.ask(hurry[number]) == answer
        await ada.ok("chat.say", {"to": "circle", "body": "done"})
        await c.f.hears("done")
        said = c.f.said("circle")
        assert len(said) == len(set(said))
        for number in refused[:2]:
            assert f"hurry {number}" in said
