"""Words and names stay with those they were meant for: every received byte is searched."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable

from tests.programs import KEY

from .house import Circle, Server, circle
from .rawclient import Client, Gone, pack


class Canaries:
    """Words that occur once in the world, each with the sockets that may ever get it."""

    def __init__(self) -> None:
        self.allowed: dict[str, set[int]] = {}

    def word(self, what: str, *ears: Client) -> str:
        """A new word that only these may get."""
        found = f"{what}-{secrets.token_hex(6)}"
        self.allowed[found] = {id(e) for e in ears}
        return found

    def also(self, word: str, *ears: Client) -> None:
        self.allowed[word] |= {id(e) for e in ears}

    def check(self, sockets: Iterable[Client], *, present: bool = True) -> None:
        """Nobody got a word that is not theirs; with `present`, all got what is."""
        assert self.allowed
        for client in sockets:
            everything = client.everything
            for word, ears in self.allowed.items():
                if id(client) not in ears:
                    assert word.encode() not in everything, f"{client.label} got {word}"
                elif present:
                    assert word.encode() in everything, f"{client.label} never got {word}"


async def say(author: Client, to: str, word: str, *ears: Client) -> None:
    """Say it and wait until all these have it."""
    await author.ok("chat.say", {"to": to, "body": word})
    for client in ears:
        await client.hears(word)


async def quiet(c: Circle, *also: Client) -> None:
    """Give what should not come a fair chance to come."""
    await c.settle(*also)
    await asyncio.sleep(0.3)


async def test_each_conversation_reaches_its_audience_and_nobody_else(server: Server) -> None:
    async with circle(
        server, ["Ada", "Ben", "Cleo", "Dora", "Emil"], settings={"direct": True}
    ) as c:
        second = await c.join("Gitta", role="facilitator")
        c.members.append(second)
        await c.everyone_sees(lambda v: len(v["members"]) == 7, "all")
        f = c.f
        ada, ben, cleo, dora, emil, _ = c.members
        words = Canaries()

        async def tell(author: Client, to: str, what: str, *ears: Client) -> None:
            await say(author, to, words.word(what, *ears), *ears)

        await tell(ada, "circle", "circle", *c.all)
        await tell(ada, "staff", "staff-ada", ada, f, second)
        await tell(ben, "staff", "staff-ben", ben, f, second)
        await tell(second, f"staff:{ada.me}", "staff-answer", ada, f, second)
        await tell(f, "facilitators", "among-us", f, second)
        await tell(ada, f"direct:{cleo.me}", "direct-a-c", ada, cleo)
        await tell(dora, f"direct:{f.me}", "direct-d-f", dora, f)
        await f.ok("pairs.open", {"groups": [[ada.me, ben.me], [cleo.me, dora.me]]})
        await c.everyone_sees(lambda v: v["pairs"] is not None, "the groups")
        await tell(ada, "pair", "group-1", ada, ben)
        await tell(dora, "pair", "group-2", cleo, dora)
        await tell(emil, "circle", "circle-in-pairs", *c.all)
        await tell(ben, "staff", "staff-in-pairs", ben, f, second)
        await tell(f, "facilitators", "among-us-in-pairs", f, second)
        await quiet(c)
        words.check(c.all)

        # all that again for sockets that come back and ask for everything
        before = list(c.all)
        for old in before:
            new = await c.back(old, seen={})
            for word, ears in words.allowed.items():
                if id(old) in ears:
                    words.also(word, new)
                    await new.hears(word)
        await quiet(c)
        words.check(c.all)
        words.check(c.sockets, present=False)

        # and for one who comes only now
        late = await c.join("Hugo")
        await quiet(c, late)
        words.check([late])
        assert not any(word in server.log for word in words.allowed)


async def test_nothing_of_the_room_before_one_is_inside_and_no_names_out_of_it(
    server: Server,
) -> None:
    async with circle(server, ["Adalbertine", "Benvenuto"], lobby=True) as c:
        ada, ben = c.members
        words = Canaries()
        reading = await c.arrive("Quirinus")
        waits = await c.arrive("Walpurga")
        await c.accept(waits)
        await c.f.until(lambda: c.f.view["lobby"], "the lobby")
        person = c.f.view["lobby"][0]["id"]
        await say(ada, "circle", words.word("inside", *c.all), *c.all)
        await c.f.ok("floor.round")
        await c.f.ok("pairs.open", {"groups": [[ada.me, ben.me]]})
        await ada.until(lambda: ada.view["pairs"], "the pair")
        await say(ada, "pair", words.word("pair", ada, ben), ada, ben)
        await c.f.ok("pairs.say", {"body": words.word("notice", *c.all)})
        await c.f.ok("pairs.close", {"grace": 0})
        await ben.until(lambda: not ben.view["pairs"], "the circle")
        await quiet(c)
        words.check([*c.all, reading, waits])
        for outside in (reading, waits):
            for name in ("Frida", "Adalbertine", "Benvenuto", ada.me, ben.me, c.f.me):
                assert name.encode() not in outside.everything, f"{outside.label} got {name}"
            for frame in outside.frames:
                assert frame.body["t"] in ("welcome", "ok", "lobby")
        assert b"Walpurga" not in reading.everything
        assert b"Quirinus" not in waits.everything
        # the lobby is the facilitators' alone; who only reads the agreement is nobody's
        assert b"Walpurga" in c.f.everything
        assert b"Quirinus" not in c.f.everything
        for inside in (ada, ben):
            assert b"Walpurga" not in inside.everything
            assert person.encode() not in inside.everything
            assert b"Quirinus" not in inside.everything
        waits_back = await c.back(waits, seen={})
        reading_back = await c.back(reading, seen={})
        await quiet(c)
        words.check([waits_back, reading_back])
        for outside in (waits_back, reading_back):
            assert b"Adalbertine" not in outside.everything
        # after entry: from now on, and not what was before
        await c.admit(waits_back)
        now = words.word("now", *c.all, waits_back)
        await say(ben, "circle", now, *c.all, waits_back)
        back = await c.back(waits_back, seen={})
        words.also(now, back)
        await back.hears(now)
        await quiet(c, back)
        words.check([back])
        assert b"Walpurga" in ada.everything


async def test_returned_to_the_lobby_one_gets_neither_the_meantime_nor_its_names(
    server: Server,
) -> None:
    async with circle(server, ["Ada", "Ben", "Cleo"], lobby=True) as c:
        ada, ben, cleo = c.members
        words = Canaries()
        await c.f.ok("lobby.return", {"member": cleo.me})
        await cleo.until(lambda: cleo.phase == "lobby", "the lobby")
        c.members = [ada, ben]
        await c.everyone_sees(lambda v: cleo.me not in v["members"], "Cleo gone")
        await say(ada, "circle", words.word("meantime", *c.all), *c.all)
        dora = await c.join("Dorothea")
        c.members.append(dora)
        await quiet(c)
        words.check([*c.all[:3], cleo])
        assert b"Dorothea" not in cleo.everything
        resumed = await c.back(cleo, seen=cleo.seen)
        assert resumed.phase == "lobby"
        await quiet(c)
        assert b"Dorothea" not in resumed.everything
        assert not resumed.view.get("members")
        await c.admit(resumed)
        again = words.word("again", *c.all, resumed)
        await say(ben, "circle", again, *c.all, resumed)
        last = await c.back(resumed, seen={})
        words.also(again, last)
        await last.hears(again)
        await quiet(c, last)
        words.check([ada, ben, cleo, resumed, last])


async def test_those_who_move_or_visit_get_only_the_words_of_their_time(server: Server) -> None:
    async with circle(server, ["Ada", "Ben", "Cleo", "Dora", "Emil"]) as c:
        ada, ben, cleo, dora, emil = c.members
        f = c.f
        words = Canaries()

        async def tell(author: Client, what: str, *ears: Client) -> None:
            await say(author, "pair", words.word(what, *ears), *ears)

        await f.ok("pairs.open", {"groups": [[ada.me, ben.me, emil.me], [cleo.me, dora.me]]})
        await c.everyone_sees(lambda v: v["pairs"] is not None, "the groups")
        one, two = ada.view["pairs"]["mine"], cleo.view["pairs"]["mine"]
        await tell(ada, "one-with-emil", ada, ben, emil)
        await tell(cleo, "two-before", cleo, dora)
        await f.ok("pairs.move", {"member": emil.me, "group": two})
        await c.everyone_sees(lambda v: emil.me in v["pairs"]["groups"][two], "the move")
        await tell(ada, "one-without-emil", ada, ben)
        await tell(dora, "two-with-emil", cleo, dora, emil)
        await f.ok("pairs.visit", {"group": two})
        heard = False
        for number in range(40):
            word = words.word(f"two-visit-{number}", cleo, dora, emil, f)
            await say(cleo, "pair", word, cleo, dora, emil)
            await ada.ok("self.away", {"away": number % 2 == 0})
            heard = bool(f.said(f"pair:{two}"))
            if heard:
                break
            words.allowed[word].discard(id(f))
        assert heard, "the visitor hears nothing"
        if word not in f.said(f"pair:{two}"):
            await f.hears(word)
        await f.ok("pairs.return")
        await c.everyone_sees(lambda v: not v["pairs"]["visitors"].get(two), "the return")
        await tell(cleo, "two-after-visit", cleo, dora, emil)
        await f.ok("pairs.move", {"member": emil.me, "group": one})
        await c.everyone_sees(lambda v: emil.me in v["pairs"]["groups"][one], "the way back")
        await tell(dora, "two-last", cleo, dora)
        await tell(emil, "one-last", ada, ben, emil)
        await f.ok("pairs.close", {"grace": 0})
        await c.everyone_sees(lambda v: v["pairs"] is None, "the circle")
        await quiet(c)
        words.check(c.all)
        for old in list(c.all):
            new = await c.back(old, seen={})
            for ears in words.allowed.values():
                if id(old) in ears:
                    ears.add(id(new))
        await quiet(c)
        words.check(c.all, present=False)
        # a group of the next opening is not the group of before
        await c.f.ok("pairs.open", {"groups": [[c.members[0].me, c.members[2].me]]})
        await c.everyone_sees(lambda v: v["pairs"] is not None, "the groups")
        await quiet(c)
        words.check(c.all, present=False)


async def test_a_new_facilitator_reads_staff_lines_from_now_on_and_a_former_one_no_more(
    server: Server,
) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        f = c.f
        words = Canaries()
        await say(ada, "staff", words.word("for-frida", ada, f), ada, f)
        await say(f, "facilitators", words.word("alone", f), f)
        await f.ok("role.give", {"member": ben.me, "role": "facilitator"})
        await ben.until(lambda: ben.role == "facilitator", "the role")
        await say(ada, "staff", words.word("for-both", ada, f, ben), ada, f, ben)
        await say(f, "facilitators", words.word("we-two", f, ben), f, ben)
        new = await c.back(ben, seen={})
        await quiet(c)
        for word, ears in words.allowed.items():
            if id(ben) in ears:
                await new.hears(word)
                words.also(word, new)
        ben = new
        await f.ok("role.give", {"member": ben.me, "role": "member"})
        await ben.until(lambda: ben.role == "member", "the role gone")
        await say(ada, "staff", words.word("frida-again", ada, f), ada, f)
        await say(f, "facilitators", words.word("alone-again", f), f)
        await quiet(c)
        words.check(c.all)
        again = await c.back(ben, seen={})
        await quiet(c)
        for word, ears in words.allowed.items():
            if id(ben) in ears:
                words.also(word, again)
        words.check([again], present=False)
        assert not again.view.get("lobby")
        assert not again.view.get("help")


async def test_asking_for_a_stream_gives_no_right_to_it(server: Server) -> None:
    async with circle(server, ["Ada", "Ben", "Cleo", "Dora"], settings={"direct": True}) as c:
        ada, ben, cleo, dora = c.members
        f = c.f
        words = Canaries()
        await say(f, "facilitators", words.word("among-us", f), f)
        await say(ada, "staff", words.word("staff-ada", ada, f), ada, f)
        await say(ada, f"direct:{ben.me}", words.word("direct", ada, ben), ada, ben)
        await f.ok("pairs.open", {"groups": [[ada.me, ben.me], [cleo.me, dora.me]]})
        await ada.until(lambda: ada.view["pairs"], "the pair")
        await say(ada, "pair", words.word("pair", ada, ben), ada, ben)
        group = ada.view["pairs"]["mine"]
        position = ada.seen[f"pair:{group}"]
        own = [f"direct:{ada.me}", f"direct:{ben.me}", f"direct:{ada.me}:{ben.me}"]
        names = ["facilitators", f"staff:{ada.me}", f"pair:{group}", *own, "control", "*", ""]
        for seen in (
            dict.fromkeys(names, position),
            dict.fromkeys(names, f.seen["facilitators"]),
            {"circle": b"", "room": b"\x00"},
            {"circle": b"\xff" * 64, "room": secrets.token_bytes(24)},
            {"room": f.seen["facilitators"]},
        ):
            attempt = await c.socket("Cleo")
            try:
                await attempt.resume(cleo.resume_value, seen)
            except Gone as gone:
                assert gone.code in (4400, 4404)
                continue
            attempt.ids, attempt.pace = cleo.ids, cleo.pace
            c.members[2] = cleo = attempt
            await cleo.ok("hand.raise")
            await cleo.ok("hand.lower")
            assert cleo.view["members"].keys() == f.view["members"].keys()
        await quiet(c)
        words.check(c.sockets)


async def test_newcomers_under_talk_get_all_from_their_entry_on_and_nothing_before(
    server: Server,
) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        talking = True

        async def talk(author: Client) -> None:
            number = 0
            while talking:
                await author.ok("chat.say", {"to": "circle", "body": f"{author.label} {number}"})
                number += 1

        speakers = [asyncio.create_task(talk(who)) for who in c.all]
        newcomers: list[tuple[Client, int, int]] = []
        try:
            for name in ("Cleo", "Dora", "Emil", "Gus"):
                one = await c.arrive(name)
                before = c.f.chats[-1]["n"] if c.f.chats else 0
                await c.accept(one)
                after = c.f.chats[-1]["n"] if c.f.chats else 0
                newcomers.append((one, before, after))
                await one.until(lambda o=one: len(o.chats) > 2, "talk")  # type: ignore[misc]
        finally:
            talking = False
            await asyncio.gather(*speakers)
        last = (await c.f.ok("chat.say", {"to": "circle", "body": "the end"}))["n"]
        for one, before, _ in newcomers:
            await one.hears("the end")
            got = [chat["n"] for chat in one.chats]
            assert got == list(range(got[0], last + 1))
            assert got[0] > before
        # whoever entered later begins later
        firsts = [one.chats[0]["n"] for one, _, _ in newcomers]
        assert firsts == sorted(firsts)


async def test_the_program_writes_no_names_words_or_keys(server: Server) -> None:
    async with circle(server, ["Adalbertine"], host="Friedegunde", title="Title-canary") as c:
        (ada,) = c.members
        await ada.ok("chat.say", {"to": "circle", "body": "word-canary"})
        await ada.no("bad_request", "chat.say", {"to": "circle", "body": ["field-canary"]})
        await ada.no("not_allowed", "chat.say", {"to": "facilitators", "body": "refused-canary"})
        back = await c.back(ada)
        await back.send_raw(pack({"t": "chat.say", "body": "broken-canary"}))
        assert await back.closed() == 4400
        await c.f.until(
            lambda: c.f.view["members"][back.me]["here"] == "reconnecting", "the end of it"
        )
        for secret in (
            "Adalbertine", "Friedegunde", "Title-canary", "word-canary", "field-canary",
            "refused-canary", "broken-canary", ada.resume_value, back.resume_value,
            *c.tokens.values(), KEY,
        ):  # fmt: skip
            assert secret not in server.log


async def test_one_room_is_silent_in_another(server: Server) -> None:
    async with (
        circle(server, ["Ada"], host="Frida") as here,
        circle(server, ["Zora"], host="Gitta", settings={"direct": True}) as there,
    ):
        (ada,), (zora,) = here.members, there.members
        words = Canaries()
        await say(ada, "circle", words.word("here", here.f, ada), here.f, ada)
        await say(zora, "circle", words.word("there", there.f, zora), there.f, zora)
        for command, fields in (
            ("mute", {"member": ada.me, "kinds": ["audio"]}),
            ("member.remove", {"member": ada.me}),
            ("role.give", {"member": ada.me, "role": "facilitator"}),
            ("chat.say", {"to": f"staff:{ada.me}", "body": "x"}),
            ("chat.say", {"to": f"direct:{ada.me}", "body": "x"}),
            ("floor.stick", {"to": ada.me}),
            ("pairs.open", {"groups": [[ada.me, zora.me]]}),
        ):
            await there.f.no("no_such_member", command, fields)
        await quiet(here)
        await quiet(there)
        words.check([here.f, ada, there.f, zora])
        for stranger, known in ((zora, ada), (there.f, ada), (ada, zora)):
            assert known.me.encode() not in stranger.everything
        assert here.room.encode() not in zora.everything
        # a position of another room is no key to this one
        again = await here.back(ada, seen=zora.seen)
        await quiet(here)
        assert b"there-" not in again.everything
