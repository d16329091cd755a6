"""Events and coming back at a running server (SPEC, EV*, RE*)."""

from __future__ import annotations

import time

import pytest

from tests.blackbox.house import Server, circle
from tests.blackbox.rawclient import Client, Gone


async def test_EV2_folding_by_assignment_gives_the_view_of_a_newcomer(server: Server) -> None:
    async with circle(server, ["Ada", "Ben", "Cleo"]) as c:
        ada, ben, _ = c.members
        await ada.ok("hand.raise")
        await c.f.ok("floor.round", {"order": [ben.me, ada.me], "seconds": 600})
        await c.f.ok("mute", {"member": ada.me, "kinds": ["video"]})
        await c.f.ok("pairs.open", {"groups": [[ada.me, ben.me]], "seconds": 600})
        await c.f.ok("room.settings", {"slow_seconds": 3})
        await c.f.ok("room.lock")
        await ben.ok("self.rename", {"name": "Benno"})
        await c.settle()
        for client in c.all:
            folded = client.view
            back = await c.back(client)
            anew = back.frames[0].body["room"]
            assert {k for k in folded if folded[k] != anew.get(k)} <= {"members"}
            ids = folded["members"].keys()
            assert ids == anew["members"].keys()
            assert all(
                folded["members"][m] | {"here": ""} == anew["members"][m] | {"here": ""}
                for m in ids
            )
            await c.settle()


async def test_EV3_seq_rises(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        for _ in range(3):
            await c.f.ok("room.lock")
            await c.f.ok("room.unlock")
        for client in c.all:
            seen = [f.body["seq"] for f in client.frames if f.body["t"] == "room"]
            assert seen == sorted(set(seen)) and len(seen) >= 6


async def test_EV4_a_message_reaches_its_author_too_and_counts_without_a_gap(
    server: Server,
) -> None:
    async with circle(server, ["Ada"]) as c:
        ada = c.members[0]
        for number in range(1, 4):
            author = ada if number % 2 else c.f
            answer = await author.ok("chat.say", {"to": "circle", "body": f"m{number}"})
            assert answer == {"t": "ok", "id": answer["id"], "to": "circle", "n": number}
        for client in c.all:
            await client.hears("m3")
            assert [(m["n"], m["body"]) for m in client.chats] == [(1, "m1"), (2, "m2"), (3, "m3")]
            first = client.chats[0]
            assert set(first) == {"t", "to", "n", "pos", "from", "at", "body"}
            assert first["from"] == ada.me
            assert isinstance(first["pos"], bytes)
            assert abs(first["at"] - time.time()) < 60


async def test_EV5_a_deleted_message_is_told_and_its_words_are_never_sent_again(
    server: Server,
) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        ben.drop()
        await ada.until(lambda: ada.view["members"][ben.me]["here"] != "here", "the loss")
        said = await ada.ok("chat.say", {"to": "circle", "body": "regretted words"})
        await ada.ok("chat.delete", {"to": "circle", "n": said["n"]})
        gone = await c.f.gets(lambda m: m["t"] == "chat.deleted", "the deletion")
        assert (gone["to"], gone["n"]) == ("circle", said["n"])
        assert set(gone) == {"t", "to", "n", "pos"}
        await c.f.ok("chat.say", {"to": "circle", "body": "later words"})
        back = await c.back(ben)
        await back.hears("later words")
        assert b"regretted words" not in back.everything
        blank = next(m for m in back.chats if m["n"] == said["n"])
        assert (blank["body"], blank["deleted"]) == ("", True)
        assert ("circle", said["n"]) in back.deleted


async def test_EV6_a_reaction_is_not_kept(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        await ada.ok("react", {"kind": "nod"})
        told = await ben.gets(lambda m: m["t"] == "reaction", "the nod")
        assert told == {"t": "reaction", "from": ada.me, "kind": "nod"}
        back = await c.back(ben, seen={})
        await c.settle()
        assert [f.body["t"] for f in back.frames].count("reaction") == 0


async def test_EV7_each_side_sees_whom_the_line_leads_to(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"], settings={"direct": True}) as c:
        ada, ben = c.members
        answer = await ada.ok("chat.say", {"to": f"direct:{ben.me}", "body": "psst"})
        assert answer["to"] == f"direct:{ben.me}"
        assert (await ada.hears("psst"))["to"] == f"direct:{ben.me}"
        assert (await ben.hears("psst"))["to"] == f"direct:{ada.me}"
        answer = await ada.ok("chat.say", {"to": "staff", "body": "a word"})
        assert answer["to"] == f"staff:{ada.me}"
        for side in (ada, c.f):
            assert (await side.hears("a word"))["to"] == f"staff:{ada.me}"
        await c.settle()
        assert b"psst" not in c.f.everything and b"a word" not in ben.everything


async def test_EV8_a_notice_reaches_all_groups_as_a_marked_message_to_the_circle(
    server: Server,
) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        await c.f.ok("pairs.open", {"groups": [[ada.me], [ben.me]]})
        await c.f.ok("pairs.say", {"body": "two minutes"})
        for client in c.all:
            told = await client.hears("two minutes")
            assert (told["to"], told["notice"]) == ("circle", True)


async def test_EV9_the_slices_of_facilitators_are_theirs_alone(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"], lobby=True) as c:
        ada = c.members[0]
        assert {"lobby", "help", "care"} <= c.f.view.keys()
        await c.accept(await c.arrive("Walpurga"))
        await c.f.until(lambda: c.f.view["lobby"], "somebody waiting")
        await c.f.ok("pairs.open", {"groups": [[ada.me]]})
        await ada.ok("help.ask")
        await c.f.until(lambda: c.f.view["help"] == [ada.me], "the call")
        await c.settle()
        for member in c.members:
            assert not {"lobby", "help", "care"} & member.view.keys()
            assert b"Walpurga" not in member.everything


async def test_RE1_the_seat_is_taken_again(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada = c.members[0]
        await c.f.ok("mute", {"member": ada.me, "kinds": ["audio"]})
        await ada.ok("hand.raise")
        await c.settle()
        before = ada.view["members"][ada.me]
        ada.drop()
        back = await c.back(ada)
        welcome = back.frames[0].body
        assert (welcome["me"], welcome["role"], welcome["phase"]) == (ada.me, "member", "inside")
        assert welcome["resumed"] is True
        await back.until(lambda: back.view["members"][back.me] == before, "the same place")


async def test_RE2_RE3_what_was_missed_follows_in_order_and_once(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        await ben.ok("chat.say", {"to": "circle", "body": "heard"})
        await ada.hears("heard")
        ada.drop()
        for number in range(3):
            await ben.ok("chat.say", {"to": "circle", "body": f"c{number}"})
            await c.f.ok("chat.say", {"to": f"staff:{ada.me}", "body": f"s{number}"})
        back = await c.back(ada)
        await ben.ok("chat.say", {"to": "circle", "body": "live"})
        await back.hears("live")
        assert back.said("circle") == ["c0", "c1", "c2", "live"]
        assert back.said(f"staff:{ada.me}") == ["s0", "s1", "s2"]
        whole = await c.back(back, seen={})
        await whole.hears("live")
        assert whole.said("circle") == ["heard", "c0", "c1", "c2", "live"]


async def test_RE4_a_command_sent_again_after_the_resume_takes_effect_once(
    server: Server,
) -> None:
    async with circle(server, ["Ada"]) as c:
        ada = c.members[0]
        say = {"t": "chat.say", "id": next(ada.ids), "to": "circle", "body": "once"}
        await ada.send(say)
        ada.drop()
        back = await c.back(ada)
        assert (await back.ask(say))["n"] == 1
        await c.f.hears("once")
        await c.settle()
        assert c.f.said("circle") == ["once"]


async def test_RE6_an_older_value_works_until_a_newer_one_was_used(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        first = c.members[0]
        second = await c.back(first)
        third = await c.back(second, resume=first.resume_value)
        fourth = await c.back(third)
        for value in (first.resume_value, second.resume_value):
            late = await c.socket("late")
            with pytest.raises(Gone) as gone:
                await late.resume(value, {})
            assert gone.value.code == 4404
        await fourth.ok("hand.raise")


async def test_RE7_a_seat_has_one_live_connection(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        ada = c.members[0]
        back = await c.back(ada)
        assert await ada.closed() == 4409
        await back.ok("hand.raise")


async def test_RE8_the_removed_get_their_code_at_the_resume_too(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        ada = c.members[0]
        ada.drop()
        await c.f.ok("member.remove", {"member": ada.me})
        again = await c.socket("Ada")
        with pytest.raises(Gone) as gone:
            await again.resume(ada.resume_value, ada.seen)
        assert gone.value.code == 4403


async def test_RE9_before_entry_one_comes_back_to_the_same_phase(server: Server) -> None:
    async with circle(server, lobby=True) as c:
        for step, phase in ((False, "agreement"), (True, "lobby")):
            ada = await c.arrive("Ada")
            if step:
                await c.accept(ada)
            ada.drop()
            back: Client = await c.socket("Ada")
            welcome = await back.resume(ada.resume_value, {})
            assert (welcome["me"], welcome["phase"]) == (ada.me, phase)
            assert "pos" not in welcome
