"""A lost line costs nothing: seat, turn, time, role and words wait."""

from __future__ import annotations

import asyncio
import time

import pytest

from .house import Server, circle
from .rawclient import Client, Gone


def numbers(client: Client, to: str = "circle") -> list[int]:
    return [chat["n"] for chat in client.chats if chat["to"] == to]


async def shown(viewer: Client, member: str, here: str) -> None:
    await viewer.until(lambda: viewer.view["members"][member]["here"] == here, f"{member} {here}")


async def test_a_holder_who_is_cut_off_finds_seat_turn_and_remaining_time_again(
    server: Server,
) -> None:
    async with circle(server, ["Ada", "Ben", "Cleo"]) as c:
        ada, ben, cleo = c.members
        await c.f.ok("floor.round", {"seconds": 60})
        await ada.until(lambda: ada.view["floor"]["holder"] == ada.me, "her turn")
        first = ada.view["floor"]
        seat = ada.view["members"][ada.me]["seat"]
        await ben.ok("chat.say", {"to": "circle", "body": "before"})
        await ada.hears("before")
        dropped = time.monotonic()
        ada.drop()
        for other in (c.f, ben, cleo):
            await shown(other, ada.me, "reconnecting")
            await other.until(lambda o=other: o.view["floor"]["paused"], "the pause")  # type: ignore[misc]
            assert other.view["floor"]["holder"] == ada.me
            assert other.view["floor"]["turn"] == first["turn"]
        noticed = time.monotonic()
        for number in range(3):
            await ben.ok("chat.say", {"to": "circle", "body": f"missed {number}"})
            await cleo.ok("chat.say", {"to": "circle", "body": f"missed too {number}"})
            await asyncio.sleep(0.7)
        returning = time.monotonic()
        back = await c.back(ada)
        assert back.me == ada.me
        assert back.frames[0].body["resumed"] is True
        assert back.phase == "inside"
        assert back.view["members"][back.me]["seat"] == seat
        await back.until(lambda: not back.view["floor"]["paused"], "the turn going on")
        returned = time.monotonic()
        floor = back.view["floor"]
        assert (floor["holder"], floor["turn"]) == (back.me, first["turn"])
        away = floor["ends_at"] - first["ends_at"]
        assert returning - noticed - 0.3 <= away <= returned - dropped + 0.3
        await ben.ok("chat.say", {"to": "circle", "body": "live again"})
        await back.hears("live again")
        missed = [f"missed{too} {n}" for n in range(3) for too in ("", " too")]
        assert back.said("circle") == [*missed, "live again"]
        assert numbers(back) == list(range(2, 9))
        for other in (c.f, ben, cleo):
            await shown(other, back.me, "here")
            await other.until(lambda o=other: not o.view["floor"]["paused"], "the turn")  # type: ignore[misc]
        await back.ok("floor.pass")
        assert back.view["floor"]["holder"] == ben.me


async def test_a_short_turn_does_not_run_out_while_its_holder_is_cut_off(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        await c.f.ok("floor.round", {"seconds": 2})
        await ada.until(lambda: ada.view["floor"]["holder"] == ada.me, "her turn")
        ada.drop()
        await shown(ben, ada.me, "reconnecting")
        start = time.monotonic()
        while time.monotonic() < start + 3:
            await c.f.ok("self.away", {"away": True})
            await c.f.ok("self.away", {"away": False})
            await asyncio.sleep(0.5)
        assert c.f.view["floor"]["holder"] == ada.me
        await c.back(ada)
        since = len(ben.frames)
        await ben.until(lambda: ben.view["floor"]["holder"] == ben.me, "the turn's own end")
        assert not any(f.body["t"] == "closed" for f in ben.frames[since:])


async def test_a_turn_that_comes_to_somebody_cut_off_waits_for_them(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        await c.f.ok("floor.round", {"seconds": 600})
        ben.drop()
        await shown(ada, ben.me, "reconnecting")
        await ada.until(lambda: ada.view["floor"]["holder"] == ada.me, "her turn")
        assert not ada.view["floor"]["paused"]
        await ada.ok("floor.pass")
        assert ada.view["floor"]["holder"] == ben.me
        assert ada.view["floor"]["paused"]
        await c.back(ben)
        await ada.until(lambda: not ada.view["floor"]["paused"], "the turn beginning")
        assert ada.view["floor"]["holder"] == ben.me


async def test_the_facilitators_pause_outlasts_the_holders_return(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        await c.f.ok("floor.round", {"seconds": 600})
        await c.f.ok("floor.pause")
        ada.drop()
        await shown(ben, ada.me, "reconnecting")
        back = await c.back(ada)
        await shown(ben, ada.me, "here")
        await c.settle()
        for client in (back, ben, c.f):
            assert client.view["floor"]["paused"] is True
            assert client.view["floor"]["holder"] == ada.me
        await c.f.ok("floor.resume")
        assert c.f.view["floor"]["paused"] is False


async def test_what_is_sent_right_behind_the_hello_is_done_after_it(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        ada.drop()
        back = await c.socket("Ada")
        hello = {"t": "hello", "resume": ada.resume_value, "seen": ada.seen}
        await back.send(hello)
        await back.send({"t": "chat.say", "id": 3000, "to": "circle", "body": "no waiting"})
        await back.until(lambda: 3000 in back.answers, "the answer")
        assert back.answers[3000][0].body["t"] == "ok"
        assert back.frames[0].body["t"] == "welcome"
        await c.f.hears("no waiting")


async def test_of_two_who_resume_at_once_one_has_the_seat(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        ada.drop()
        both = [await c.socket("Ada"), await c.socket("Ada")]
        await asyncio.gather(
            *(s.resume(ada.resume_value, ada.seen) for s in both), return_exceptions=True
        )
        ends = [asyncio.create_task(each.closed()) for each in both]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in ends:
                each.cancel()
        lost, kept = both if both[0].over else (both[1], both[0])
        assert await lost.closed() == 4409
        kept.ids = ada.ids
        await kept.ok("hand.raise")
        await c.f.until(lambda: c.f.view["floor"]["queue"] == [ada.me], "the hand")


async def test_a_stream_left_out_of_seen_is_replayed_from_ones_entry(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        await ada.ok("chat.say", {"to": "circle", "body": "before Ben"})
        ben = await c.join("Ben")
        for number in range(4):
            await ada.ok("chat.say", {"to": "circle", "body": f"c{number}"})
        await ben.ok("chat.say", {"to": "staff", "body": "s0"})
        await c.f.ok("chat.say", {"to": f"staff:{ben.me}", "body": "s1"})
        await ben.hears("c3")
        await ben.hears("s1")
        line = f"staff:{ben.me}"
        only_circle = {key: pos for key, pos in ben.seen.items() if key != line}
        one = await c.back(ben, seen=only_circle)
        assert await ben.closed() == 4409
        await one.hears("s1")
        assert one.said(line) == ["s0", "s1"]
        assert one.said("circle") == []
        only_staff = {key: pos for key, pos in ben.seen.items() if key == line}
        two = await c.back(one, seen=only_staff)
        await two.hears("c3")
        assert two.said("circle") == ["c0", "c1", "c2", "c3"]
        assert two.said(line) == []
        three = await c.back(two, seen={})
        await three.hears("c3")
        await three.hears("s1")
        await ada.ok("chat.say", {"to": "circle", "body": "last"})
        await three.hears("last")
        assert three.said("circle") == ["c0", "c1", "c2", "c3", "last"]
        assert three.said(line) == ["s0", "s1"]
        assert b"before Ben" not in three.everything


async def test_an_older_resume_value_works_until_a_newer_one_was_used(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        first = ada.resume_value
        one = await c.back(ada, resume=first)
        assert await ada.closed() == 4409
        second = one.resume_value
        # the answer with `second` may have been lost on its way
        one.drop()
        two = await c.back(one, resume=first, seen=ada.seen)
        third = two.resume_value
        assert len({first, second, third}) == 3
        two.drop()
        three = await c.back(two, resume=third)
        for old in (first, second):
            again = await c.socket("Ada")
            with pytest.raises(Gone) as gone:
                await again.resume(old, {})
            assert gone.value.code == 4404
        assert not three.over
        await three.ok("hand.raise")


async def test_nothing_is_lost_or_doubled_over_many_cuts_under_talk(server: Server) -> None:
    async with circle(server, ["Ada", "Ben", "Cleo"]) as c:
        current, ben, cleo = c.members
        heard: dict[int, str] = {}
        talking = True

        async def talk(author: Client) -> None:
            number = 0
            while talking:
                await author.ok("chat.say", {"to": "circle", "body": f"{author.label} {number}"})
                number += 1

        def keep(client: Client, after: int) -> None:
            """What this socket got begins right after what was seen, without gap or repeat."""
            got = numbers(client)
            assert got == list(range(after + 1, after + 1 + len(got)))
            heard.update({chat["n"]: chat["body"] for chat in client.chats})

        speakers = [asyncio.create_task(talk(who)) for who in (ben, cleo, c.f)]
        after = 0
        try:
            for cut in range(6):
                old = current
                await old.until(lambda o=old: len(o.chats) > 2, "talk")  # type: ignore[misc]
                seen, last = dict(old.seen), numbers(old)[-1]
                if cut % 2:
                    old.drop()
                current = await c.back(old, seen=seen)
                await old.closed()
                keep(old, after)
                after = last
        finally:
            talking = False
            await asyncio.gather(*speakers)
        await ben.ok("chat.say", {"to": "circle", "body": "the very end"})
        await current.hears("the very end")
        keep(current, after)
        await c.f.hears("the very end")
        assert heard == {chat["n"]: chat["body"] for chat in c.f.chats}
        assert sorted(heard) == list(range(1, len(heard) + 1))


async def test_when_the_grace_is_over_the_stick_moves_on_and_the_turn_comes_later(
    server: Server,
) -> None:
    async with circle(server, ["Ada", "Ben", "Cleo"], settings={"grace_seconds": 1}) as c:
        ada, ben, cleo = c.members
        assert c.f.view["settings"]["grace_seconds"] == 1
        await c.f.ok("floor.round", {"order": [ada.me, ben.me, cleo.me], "seconds": 600})
        await ada.until(lambda: ada.view["floor"]["holder"] == ada.me, "her turn")
        since = len(ben.frames)
        ada.drop()
        await ben.sees(
            lambda v: (
                v["members"][ada.me]["here"] == "reconnecting" and v["floor"]["holder"] == ada.me
            ),
            "the wait",
            since,
        )
        await ben.until(lambda: ben.view["floor"]["holder"] == ben.me, "the stick moving on")
        await shown(ben, ada.me, "away")
        assert ada.me in ben.view["members"], "the seat lives on"
        back = await c.back(ada)
        assert back.me == ada.me
        await shown(ben, ada.me, "here")
        await ben.ok("floor.pass")
        turns = [ben.view["floor"]["holder"]]
        people = {client.me: client for client in c.all}
        while (holder := people[turns[-1]].view["floor"]["holder"]) is not None:
            sender = people[holder]
            await sender.until(lambda s=sender: s.view["floor"]["holder"] == s.me, "one's turn")  # type: ignore[misc]
            await sender.ok("floor.pass")
            following = sender.view["floor"]["holder"]
            if following is None:
                break
            await people[following].until(
                lambda p=people[following]: p.view["floor"]["holder"] == p.me,  # type: ignore[misc]
                "the next turn",
            )
            turns.append(following)
        assert sorted(turns) == sorted([ada.me, cleo.me])


async def test_a_member_who_is_gone_for_long_is_away_and_keeps_seat_and_mute(
    server: Server,
) -> None:
    async with circle(server, ["Ada", "Ben"], settings={"grace_seconds": 1}) as c:
        ada, ben = c.members
        seat = ada.view["members"][ada.me]["seat"]
        since = len(ben.frames)
        ada.drop()
        await ben.sees(lambda v: v["members"][ada.me]["here"] == "reconnecting", "lost", since)
        await c.f.ok("mute", {"member": ada.me, "kinds": ["chat", "audio"]})
        await shown(ben, ada.me, "away")
        back = await c.back(ada)
        assert back.view["members"][ada.me]["seat"] == seat
        await back.no("muted", "chat.say", {"to": "circle", "body": "x"})
        await back.no("muted", "unmute", {"member": ada.me, "kinds": ["audio"]})
        await shown(ben, ada.me, "here")


async def test_a_facilitators_role_stays_with_the_seat_and_nobody_inherits_it(
    server: Server,
) -> None:
    async with circle(server, ["Ada", "Ben"], settings={"grace_seconds": 1}) as c:
        ada, ben = c.members
        host = c.f
        host.drop()
        await shown(ada, host.me, "away")
        assert ada.role == ben.role == "member"
        await ada.no("not_allowed", "room.lock")
        assert ada.view["members"][host.me]["role"] == "facilitator"
        back = await c.back(host)
        assert (back.role, back.me) == ("facilitator", host.me)
        assert back.view["lobby"] == []
        await back.ok("room.lock")
        # a role taken while away is gone at the return
        await back.ok("room.unlock")
        await back.ok("role.give", {"member": ada.me, "role": "facilitator"})
        await ada.until(lambda: ada.role == "facilitator", "the role")
        back.drop()
        await shown(ada, host.me, "away")
        await ada.ok("role.give", {"member": host.me, "role": "member"})
        again = await c.back(back)
        assert again.role == "member"
        await again.no("not_allowed", "room.lock")
        assert not again.view.get("lobby")


async def test_the_removed_are_turned_away_at_the_resume_too(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        ada.drop()
        await shown(ben, ada.me, "reconnecting")
        await c.f.ok("member.remove", {"member": ada.me})
        again = await c.socket("Ada")
        with pytest.raises(Gone) as gone:
            await again.resume(ada.resume_value, ada.seen)
        assert gone.value.code == 4403
        assert not [f for f in again.frames if f.body["t"] != "closed"]


async def test_one_seat_has_one_socket(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        back = await c.back(ada)
        assert await ada.closed() == 4409
        with pytest.raises(Gone):
            await ada.send({"t": "hand.raise", "id": 900})
        await back.ok("hand.raise")
        await ben.until(lambda: ben.view["floor"]["queue"] == [back.me], "one hand")
        assert len(ben.view["members"]) == 3


async def test_before_entry_a_lost_line_leads_back_to_the_same_place(server: Server) -> None:
    async with circle(server, ["Ada"], lobby=True) as c:
        reading = await c.arrive("Rita")
        reading.drop()
        back = await c.back(reading)
        assert (back.phase, back.me) == ("agreement", reading.me)
        assert "members" not in back.view
        await c.accept(back)
        assert back.phase == "lobby"
        back.drop()
        waits = await c.back(back)
        assert (waits.phase, waits.me) == ("lobby", reading.me)
        await c.admit(waits)
        assert waits.view["members"][waits.me]["name"] == "Rita"


async def test_pairs_and_their_words_wait_too(server: Server) -> None:
    async with circle(server, ["Ada", "Ben", "Cleo", "Dora"]) as c:
        ada, ben, cleo, dora = c.members
        await c.f.ok("pairs.open", {"groups": [[ada.me, ben.me], [cleo.me, dora.me]]})
        await ada.until(lambda: ada.view["pairs"], "the pair")
        mine = ada.view["pairs"]["mine"]
        await ben.until(lambda: ben.view["pairs"], "the pair")
        await ben.ok("chat.say", {"to": "pair", "body": "p1"})
        await ada.hears("p1")
        ada.drop()
        await shown(ben, ada.me, "reconnecting")
        await ben.ok("chat.say", {"to": "pair", "body": "p2"})
        await c.f.ok("pairs.say", {"body": "soon over"})
        await ben.ok("chat.say", {"to": "pair", "body": "p3"})
        back = await c.back(ada)
        assert back.view["pairs"]["mine"] == mine
        await back.hears("p3")
        await back.hears("soon over")
        assert back.said(f"pair:{mine}") == ["p2", "p3"]
        # closed while away: the words of before are not lost, no group is left
        back.drop()
        await shown(ben, ada.me, "reconnecting")
        await c.f.ok("pairs.close", {"grace": 0})
        last = await c.back(back)
        assert last.view["pairs"] is None
        assert b"pair" not in b"".join(f.raw for f in last.frames if f.body["t"] == "chat")


async def test_a_message_deleted_while_one_was_away_does_not_come(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        ada.drop()
        await shown(ben, ada.me, "reconnecting")
        said = await ben.ok("chat.say", {"to": "circle", "body": "regretted words"})
        await ben.ok("chat.delete", {"to": "circle", "n": said["n"]})
        await ben.ok("chat.say", {"to": "circle", "body": "better words"})
        back = await c.back(ada)
        await back.hears("better words")
        assert b"regretted words" not in back.everything
        assert [n for n in numbers(back) if n != said["n"]] == [said["n"] + 1]
