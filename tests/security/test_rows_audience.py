"""Rows 11 to 17, 19, 21 and 23 of the table in README.md: who gets to see and hear what."""

from __future__ import annotations

import asyncio
import secrets
from itertools import pairwise

from tests.blackbox.house import Circle, Server, circle
from tests.blackbox.rawclient import Client, Gone


def canary(what: str) -> str:
    return f"canary-{what}-{secrets.token_hex(6)}"


async def paired(c: Circle, *pairs: tuple[Client, Client]) -> None:
    await c.f.ok("pairs.open", {"groups": [[one.me, other.me] for one, other in pairs]})
    await c.everyone_sees(lambda v: v["pairs"] is not None, "the pairs")


# ---------------------------------------------------------------------------------- other groups


async def test_row_11_knowing_a_groups_id_opens_nothing(server: Server) -> None:
    async with circle(server, ["Ada", "Ben", "Cleo", "Dora"]) as c:
        ada, ben, cleo, dora = c.members
        await paired(c, (ada, ben), (cleo, dora))
        word = canary("pair")
        await ada.ok("chat.say", {"to": "pair", "body": word})
        await ben.hears(word)
        theirs = ada.view["pairs"]["mine"]
        for command, fields in (
            ("chat.say", {"to": f"pair:{theirs}", "body": "let me in"}),
            ("chat.delete", {"to": f"pair:{theirs}", "n": 1}),
            ("pairs.visit", {"group": theirs}),
            ("pairs.move", {"member": cleo.me, "group": theirs}),
        ):
            await cleo.no("not_allowed", command, fields)
        back = await c.back(cleo, seen={f"pair:{theirs}": ada.seen[f"pair:{theirs}"]})
        await c.settle()
        for who in (cleo, back, dora, c.f):
            assert word.encode() not in who.everything


async def test_row_12_a_seat_is_of_one_room(server: Server) -> None:
    async with circle(server, ["Ada"]) as c, circle(server, ["Zora"], host="Gitta") as there:
        (ada,), (zora,) = c.members, there.members
        word = canary("here")
        await ada.ok("chat.say", {"to": "circle", "body": word})
        await c.f.hears(word)
        for to in ("circle:" + c.room, f"{c.room}:circle", f"direct:{ada.me}", f"staff:{ada.me}"):
            refused = {"bad_request", "no_such_member", "not_allowed"}
            await there.f.no(refused, "chat.say", {"to": to, "body": "x"})
        for field in ("room", "seat"):
            await zora.no("bad_request", "hand.raise", {field: c.room})
        # Positions of the one are no way into the other.
        back = await there.back(zora, seen=ada.seen)
        await there.settle()
        assert word.encode() not in back.everything + zora.everything + there.f.everything


async def test_row_13_whoever_comes_late_gets_nothing_of_before(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        words = [canary(f"before-{n}") for n in range(3)]
        for word in words:
            await ada.ok("chat.say", {"to": "circle", "body": word})
        late = await c.join("Late")
        c.members.append(late)
        for seen in ({}, {"circle": b""}, {"circle": bytes(24)}, {"circle": b"\xff" * 24}):
            try:
                late = await c.back(late, seen=seen)
            except Gone as gone:
                assert gone.code == 4400
                late = await c.back(c.members[-1], seen={})
        await c.settle()
        for word in words:
            assert not any(word.encode() in s.everything for s in c.sockets if s.label == "Late")


async def test_row_14_what_a_pair_said_ends_with_the_pair(server: Server) -> None:
    async with circle(server, ["Ada", "Ben", "Cleo", "Dora"]) as c:
        ada, ben, cleo, dora = c.members
        await paired(c, (ada, ben), (cleo, dora))
        group = ada.view["pairs"]["mine"]
        before = canary("before")
        await ada.ok("chat.say", {"to": "pair", "body": before})
        await ben.hears(before)
        # Dora comes after it was said, Ben is gone before what is said next.
        await c.f.ok("pairs.move", {"member": dora.me, "group": group})
        other = cleo.view["pairs"]["mine"]
        await c.f.ok("pairs.move", {"member": ben.me, "group": other})
        await ben.until(lambda: (ben.view["pairs"] or {}).get("mine") == other, "the other pair")
        after = canary("after")
        await ada.ok("chat.say", {"to": "pair", "body": after})
        await dora.hears(after)
        await c.f.ok("pairs.close", {"grace": 0})
        await c.everyone_sees(lambda v: v["pairs"] is None, "the circle")
        await ada.no({"not_allowed", "bad_request", "no_such_group"}, "chat.say", {
            "to": f"pair:{group}", "body": "x",
        })  # fmt: skip
        for old in (ada, ben, dora):
            await c.back(old, seen={})
        late = await c.join("Late")
        c.members.append(late)
        await c.settle()
        who = {word: {s.label for s in c.sockets if word.encode() in s.everything}
               for word in (before, after)}  # fmt: skip
        assert who == {before: {"Ada", "Ben"}, after: {"Ada", "Dora"}}


# --------------------------------------------------------------------------------------- the lobby


async def test_row_16_the_lobby_hears_and_sees_nothing(server: Server) -> None:
    async with circle(server, ["Adalbertine"], lobby=True) as c:
        (ada,) = c.members
        waits = await c.arrive("Walpurga")
        await c.accept(waits)
        assert waits.phase == "lobby"
        for command, fields in (
            ("media.offer", {"sdp": "v=0"}),
            ("media.servers", {}),
            ("media.take", {"pictures": "high"}),
            ("material.open", {"material": "any"}),
            ("topics.set", {"tags": [b"x"]}),
        ):
            await waits.no("not_inside", command, fields)
        word = canary("inside")
        await ada.ok("chat.say", {"to": "circle", "body": word})
        await c.f.ok("concerns.offer", {"concerns": ["grief"]})
        await c.f.ok("material.text", {"text": canary("material")})
        await ada.ok("react", {"kind": "thank_you"})
        await c.f.ok("floor.round")
        await c.settle()
        back = await c.back(waits, seen={})
        for who in (waits, back):
            assert {f.body["t"] for f in who.frames} <= {
                "welcome",
                "lobby",
                "ok",
                "refused",
                "closed",
            }
            for secret in (word, "canary", "grief", "Adalbertine", "Frida", ada.me, c.f.me):
                assert secret.encode() not in who.everything, secret
            assert "link_key" not in str(who.frames[0].body)


async def test_row_17_who_waits_is_seen_by_facilitators_alone(server: Server) -> None:
    async with circle(server, ["Ada"], lobby=True) as c:
        (ada,) = c.members
        waits = await c.arrive("Walpurga")
        await c.accept(waits)
        await c.f.until(lambda: c.f.view["lobby"], "somebody at the door")
        person = c.f.view["lobby"][0]["id"]
        for command in ("lobby.admit", "lobby.decline"):
            await ada.no("not_allowed", command, {"person": person})
        await c.f.ok("lobby.decline", {"person": person})
        assert await waits.closed() == 4405
        back = await c.back(ada, seen={})
        await c.settle()
        for who in (ada, back):
            assert b"Walpurga" not in who.everything
            assert person.encode() not in who.everything
            assert not any(frame.view.get("lobby") for frame in who.frames)


# -------------------------------------------------------------------------------- at the same time


async def flood(who: Client, words: dict[int, str]) -> None:
    for number, body in words.items():
        await who.send({"t": "chat.say", "id": number, "to": "circle", "body": body})
        await asyncio.sleep(0)


async def test_row_19_what_is_taken_away_has_no_grace(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"], settings={"slow_seconds": 0}) as c:
        ada, ben = c.members
        for again in range(4):
            words = {next(ada.ids): f"{again}-{n}" for n in range(5)}
            mute = c.f.ok("mute", {"member": ada.me, "kinds": ["chat"]})
            _, muted = await asyncio.gather(flood(ada, words), mute)

            def answered(ids: frozenset[int] = frozenset(words)) -> bool:
                return ids <= ada.answers.keys()

            await ada.until(answered, "the answers")
            await c.settle()
            # At the facilitator's own socket nothing of hers comes after the `ok` of the mute.
            at = next(i for i, frame in enumerate(c.f.frames) if frame.body is muted)
            later = [f.body for f in c.f.frames[at:] if f.body["t"] == "chat"]
            assert [body for body in later if body["from"] == ada.me] == []
            heard = {chat["body"] for chat in ben.chats}
            for number, body in words.items():
                answer = ada.answers[number][0].body
                assert (answer["t"] == "ok") is (body in heard)
                assert answer["t"] == "ok" or answer["code"] in ("muted", "too_fast")
            await c.f.ok("unmute", {"member": ada.me, "kinds": ["chat"]})
            await asyncio.sleep(0.3)


async def test_row_21_a_turn_is_given_on_once(server: Server) -> None:
    async with circle(server, ["Ada", "Ben", "Cleo"]) as c:
        ada, ben, cleo = c.members
        await c.f.ok("floor.round", {"order": [ada.me, ben.me, cleo.me]})
        await ada.until(lambda: ada.view["floor"]["holder"] == ada.me, "the stick")
        turns = [ada.view["floor"]["turn"]]
        again = {"t": "floor.pass", "id": next(ada.ids)}
        assert (await ada.ask(again))["t"] == "ok"
        await ben.until(lambda: ben.view["floor"]["holder"] == ben.me, "the stick")
        turns.append(ben.view["floor"]["turn"])
        # What passed it on is said again, and by others: it stays where it is.
        assert (await ada.ask(again))["t"] == "ok"
        for thief in (ada, cleo):
            await thief.no("not_holder", "floor.pass", {"to": thief.me})
            await thief.no("bad_request", "floor.pass", {"turn": turns[0]})
            await thief.no("not_allowed", "floor.stick", {"to": thief.me})
        await c.settle()
        for who in c.all:
            assert who.view["floor"]["holder"] == ben.me
        turns.append(c.f.view["floor"]["turn"])
        assert all(one <= two for one, two in pairwise(turns)) and turns[1] == turns[2]


async def test_row_23_ids_say_nothing_and_are_of_one_room(server: Server) -> None:
    """The same person by the same browser in two rooms, and many people one after another."""
    names = [f"Guest {letter}" for letter in "abcdefgh"]
    async with circle(server, names) as one, circle(server, names) as two:
        seats = [[who.me for who in c.all] for c in (one, two)]
        assert len({*seats[0], *seats[1]}) == 2 * len(seats[0])
        for ids in seats:
            assert all(len(each) == 8 for each in ids)
            # No order of coming is in them: not in the whole, not in any letter.
            assert ids not in (sorted(ids), sorted(ids, reverse=True))
            assert all(len({each[at] for each in ids}) > 3 for at in range(1, 8))
        everything = {c.room: b"".join(s.everything for s in c.sockets) for c in (one, two)}
        for here, there, ids in ((one, two, seats[0]), (two, one, seats[1])):
            assert here.room.encode() not in everything[there.room]
            assert not any(each.encode() in everything[there.room] for each in ids)
        # An id of the other room is answered like one that never was.
        for command in ("mute", "unmute"):
            answers = [
                {k: v for k, v in answer.items() if k != "id"}
                for member in (seats[1][1], "nobodyxx", "x")
                for answer in [await one.f.no("no_such_member", command, {
                    "member": member, "kinds": ["audio"],
                })]
            ]  # fmt: skip
            assert answers[0] == answers[1] == answers[2]
        # Members are told of ids, names and places, and of nothing that outlives the room.
        keys = {key for m in one.members[0].view["members"].values() for key in m}
        assert keys <= {"name", "role", "seat", "here", "muted", "held", "hand", "aside", "known"}
