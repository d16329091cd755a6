"""Words and mutes: conversations, deletes, slow mode, settings, who may say what."""

from __future__ import annotations

import asyncio
import time

from .house import Server, circle


async def test_conversations_reach_their_own_and_count_from_one(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        before = time.time()
        first = await ada.ok("chat.say", {"to": "circle", "body": "hello all"})
        second = await ben.ok("chat.say", {"to": "circle", "body": "hello Ada"})
        assert (first["to"], first["n"]) == ("circle", 1)
        assert (second["to"], second["n"]) == ("circle", 2)
        for client in c.all:
            got = await client.hears("hello all", to="circle")
            assert (got["n"], got["from"]) == (1, ada.me)
            assert before - 2 < got["at"] < time.time() + 2
            assert isinstance(got["pos"], bytes)
            assert (await client.hears("hello Ada"))["n"] == 2
        # the author's own frame comes before the answer
        order = [
            f.body["t"]
            for f in ada.frames
            if f.body.get("body") == "hello all" or f.body.get("id") == first["id"]
        ]
        assert order == ["chat", "ok"]

        line = f"staff:{ada.me}"
        asked = await ada.ok("chat.say", {"to": "staff", "body": "may I go earlier?"})
        assert (asked["to"], asked["n"]) == (line, 1)
        assert (await c.f.hears("may I go earlier?"))["to"] == line
        answer = await c.f.ok("chat.say", {"to": line, "body": "of course"})
        assert (answer["to"], answer["n"]) == (line, 2)
        assert (await ada.hears("of course"))["to"] == line
        await ben.no("not_allowed", "chat.say", {"to": line, "body": "me too"})
        await ben.no("not_allowed", "chat.say", {"to": "facilitators", "body": "let me in"})
        staff = await c.f.ok("chat.say", {"to": "facilitators", "body": "all calm"})
        assert (staff["to"], staff["n"]) == ("facilitators", 1)
        await c.f.no("no_such_member", "chat.say", {"to": "staff:nobody", "body": "hm"})
        for other in c.members:
            assert other.said("facilitators") == []
        assert ben.said(line) == []
        nowhere = {"not_allowed", "no_such_group", "stale"}
        await ben.no(nowhere, "chat.say", {"to": "pair", "body": "?"})


async def test_bodies_have_limits(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        most = "ä" * 2000
        await ada.ok("chat.say", {"to": "circle", "body": most})
        await ada.no("too_long", "chat.say", {"to": "circle", "body": "x" * 2001})
        for body in (7, None, ["x"]):
            await ada.no("bad_request", "chat.say", {"to": "circle", "body": body})
        await ada.no("bad_request", "chat.say", {"to": "nowhere", "body": "x"})
        said = await ada.ok("chat.say", {"to": "circle", "body": "the second"})
        assert said["n"] == 2


async def test_a_message_is_deleted_by_its_author_or_a_facilitator(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        for words in ("w-first", "w-second", "w-third"):
            await ada.ok("chat.say", {"to": "circle", "body": words})
        await ben.no("not_allowed", "chat.delete", {"to": "circle", "n": 1})
        await ada.ok("chat.delete", {"to": "circle", "n": 1})
        assert ada.deleted == [("circle", 1)]
        await c.f.ok("chat.delete", {"to": "circle", "n": 2})
        for client in c.all:
            await client.until(
                lambda v=client: v.deleted == [("circle", 1), ("circle", 2)],  # type: ignore[misc]
                "both tombstones",
            )
        answer = await ada.command("chat.delete", {"to": "circle", "n": 99})
        assert answer["t"] == "refused"
        said = await ben.ok("chat.say", {"to": "circle", "body": "four"})
        assert said["n"] == 4
        back = await c.back(ben, seen={})
        await back.hears("four")
        await back.hears("w-third")
        assert b"w-first" not in back.everything
        assert b"w-second" not in back.everything


async def test_slow_mode_spaces_a_members_messages(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        await c.f.ok("room.settings", {"slow_seconds": 3})
        assert c.f.view["settings"]["slow_seconds"] == 3
        await ada.until(lambda: ada.view["settings"]["slow_seconds"] == 3, "the setting")
        start = time.monotonic()
        await ada.ok("chat.say", {"to": "circle", "body": "first"})
        message = {"t": "chat.say", "id": next(ada.ids), "to": "circle", "body": "second"}
        answer = await ada.ask(message)
        if time.monotonic() - start < 2.9:
            assert (answer["t"], answer["code"]) == ("refused", "too_fast")
        while answer["t"] == "refused":
            assert answer["code"] == "too_fast"
            await asyncio.sleep(0.3)
            answer = await ada.ask(message)
        assert time.monotonic() - start >= 2.9
        assert answer["n"] == 2


async def test_direct_lines_are_off_until_the_room_allows_them(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        await ada.no("not_allowed", "chat.say", {"to": f"direct:{ben.me}", "body": "psst"})
        await ada.no("not_allowed", "room.settings", {"direct": True})
        await c.f.ok("room.settings", {"direct": True})
        await ada.until(lambda: ada.view["settings"]["direct"], "the setting")
        said = await ada.ok("chat.say", {"to": f"direct:{ben.me}", "body": "just you"})
        assert (said["to"], said["n"]) == (f"direct:{ben.me}", 1)
        assert (await ben.hears("just you"))["to"] == f"direct:{ada.me}"
        assert (await ada.hears("just you"))["to"] == f"direct:{ben.me}"
        reply = await ben.ok("chat.say", {"to": f"direct:{ada.me}", "body": "and you"})
        assert (reply["to"], reply["n"]) == (f"direct:{ada.me}", 2)
        assert (await ada.hears("and you"))["to"] == f"direct:{ben.me}"
        await ada.no("no_such_member", "chat.say", {"to": "direct:nobody", "body": "?"})
        await c.f.ok("chat.say", {"to": "circle", "body": "to all"})
        await c.f.hears("to all")
        assert b"just you" not in c.f.everything
        await c.f.ok("room.settings", {"direct": False})
        await ada.until(lambda: not ada.view["settings"]["direct"], "the setting")
        await ada.no("not_allowed", "chat.say", {"to": f"direct:{ben.me}", "body": "psst"})


async def test_settings_say_where_members_may_write(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        await c.f.ok("room.settings", {"chat": "staff"})
        await ada.until(lambda: ada.view["settings"]["chat"] == "staff", "the setting")
        await ada.no("not_allowed", "chat.say", {"to": "circle", "body": "all?"})
        await ada.ok("chat.say", {"to": "staff", "body": "staff"})
        await c.f.ok("room.settings", {"chat": "off"})
        await ada.until(lambda: ada.view["settings"]["chat"] == "off", "the setting")
        await ada.no("not_allowed", "chat.say", {"to": "circle", "body": "all?"})
        await c.f.ok("room.settings", {"chat": "all"})
        await ada.until(lambda: ada.view["settings"]["chat"] == "all", "the setting")
        await ada.ok("chat.say", {"to": "circle", "body": "all!"})
        before = c.f.view["settings"]
        for bad in ({"chat": "some"}, {"slow_seconds": -1}, {"colour": "red"}, {"direct": 1}):
            await c.f.no("bad_request", "room.settings", bad)
        assert c.f.view["settings"] == before


async def test_a_sealed_room_takes_bytes_and_no_text(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        await c.f.ok("room.settings", {"sealed": True})
        await ada.until(lambda: ada.view["settings"]["sealed"], "the setting")
        answer = await ada.command("chat.say", {"to": "circle", "body": "clear words"})
        assert answer["t"] == "refused"
        await ada.ok("chat.say", {"to": "circle", "body": b"\x01\x02sealed"})
        await c.f.until(lambda: c.f.chats and c.f.chats[-1]["body"] == b"\x01\x02sealed", "bytes")
        assert b"clear words" not in c.f.everything


async def test_a_facilitators_mute_holds_and_ones_own_does_not(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        await ada.ok("mute", {"member": ada.me, "kinds": ["audio", "video"]})
        assert sorted(ada.view["members"][ada.me]["muted"]) == ["audio", "video"]
        await ada.ok("unmute", {"member": ada.me, "kinds": ["audio", "video"]})
        assert ada.view["members"][ada.me]["muted"] == []
        await ada.no("not_allowed", "mute", {"member": ben.me, "kinds": ["audio"]})
        await ada.no("not_allowed", "unmute", {"member": ben.me, "kinds": ["audio"]})

        await c.f.ok("mute", {"member": ada.me, "kinds": ["audio", "chat"]})
        await ada.until(
            lambda: sorted(ada.view["members"][ada.me]["muted"]) == ["audio", "chat"], "the mute"
        )
        await ada.no("muted", "unmute", {"member": ada.me, "kinds": ["audio"]})
        await ada.no("muted", "chat.say", {"to": "circle", "body": "unheard"})
        # per kind: the camera is still one's own
        await ada.ok("mute", {"member": ada.me, "kinds": ["video"]})
        await ada.ok("unmute", {"member": ada.me, "kinds": ["video"]})
        assert sorted(ada.view["members"][ada.me]["muted"]) == ["audio", "chat"]
        await c.f.ok("unmute", {"member": ada.me, "kinds": ["chat"]})
        await ada.until(lambda: ada.view["members"][ada.me]["muted"] == ["audio"], "chat free")
        await ada.ok("chat.say", {"to": "circle", "body": "heard"})
        await ada.no("muted", "unmute", {"member": ada.me, "kinds": ["audio"]})
        await c.f.ok("unmute", {"member": ada.me, "kinds": ["audio"]})
        await ada.until(lambda: ada.view["members"][ada.me]["muted"] == [], "all free")
        await c.f.no("no_such_member", "mute", {"member": "nobody", "kinds": ["audio"]})
        await c.f.no("bad_request", "mute", {"member": ada.me, "kinds": ["smell"]})
        assert b"unheard" not in ben.everything


async def test_mute_all_spares_facilitators_and_exceptions(server: Server) -> None:
    async with circle(server, ["Ada", "Ben", "Cleo"]) as c:
        ada, ben, cleo = c.members
        await c.f.ok("mute.all", {"kinds": ["audio", "chat"], "except": [cleo.me]})
        view = c.f.view["members"]
        assert sorted(view[ada.me]["muted"]) == sorted(view[ben.me]["muted"]) == ["audio", "chat"]
        assert view[cleo.me]["muted"] == []
        assert view[c.f.me]["muted"] == []
        await ben.until(lambda: "chat" in ben.view["members"][ben.me]["muted"], "the mute")
        await ben.no("muted", "unmute", {"member": ben.me, "kinds": ["audio"]})
        await ben.no("muted", "chat.say", {"to": "circle", "body": "x"})
        await cleo.ok("chat.say", {"to": "circle", "body": "y"})
        for member in (ada, ben):
            await c.f.ok("unmute", {"member": member.me, "kinds": ["audio", "chat"]})
        await c.f.ok("mute.all", {"kinds": ["audio"], "hold": False})
        for member in c.members:
            await member.until(
                lambda m=member: m.view["members"][m.me]["muted"] == ["audio"],  # type: ignore[misc]
                "the soft mute",
            )
            await member.ok("unmute", {"member": member.me, "kinds": ["audio"]})
            assert member.view["members"][member.me]["muted"] == []


async def test_reactions_reach_those_around_and_are_not_kept(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        await ada.ok("react", {"kind": "heart"})
        got = await ben.gets(lambda m: m["t"] == "reaction", "the reaction")
        assert (got["from"], got["kind"]) == (ada.me, "heart")
        for bad in ("", "x" * 25, "two words", "<b>"):
            await ada.no("bad_request", "react", {"kind": bad})
        back = await c.back(ben, seen={})
        await ada.ok("chat.say", {"to": "circle", "body": "afterwards"})
        await back.hears("afterwards")
        assert not [f for f in back.frames if f.body["t"] == "reaction"]
