"""Seen 10 of the table in README.md: a viewer's numbers rose with what was not for them."""

from __future__ import annotations

from itertools import pairwise

from tests.blackbox.house import Circle, Server, circle
from tests.blackbox.rawclient import Client
from tests.security.test_row_15 import whispers


def _seqs(who: Client) -> list[int]:
    return [f.body["seq"] for f in who.frames if f.body["t"] == "room"]


async def _hand(c: Circle, who: Client) -> None:
    """Up and down: two frames for everybody."""
    since = len(_seqs(who))
    await c.f.ok("hand.raise")
    await c.f.ok("hand.lower")
    await who.until(lambda: len(_seqs(who)) >= since + 2, "both")


async def test_seen_10_no_number_of_an_onlooker_moves_with_what_is_whispered(
    server: Server,
) -> None:
    """EV20, EV21, EV22"""
    settings = {"direct": True, "cards": True}
    async with circle(server, ["Ada", "Ben", "Cleo"], settings=settings) as c:
        cleo = c.members[-1]
        await _hand(c, cleo)
        await whispers(c)
        await _hand(c, cleo)
        first = _seqs(cleo)
        assert [b - a for a, b in pairwise(first)] == [1] * (len(first) - 1)
        # Over resumes it rises, and by how much is the same whatever was whispered meanwhile.
        begins = [first[0]]
        for quiet in (True, False, True):
            if not quiet:
                await c.members[1].ok("chat.say", {"to": "staff", "body": "a first line"})
                await c.members[1].ok("care.flag", {"level": "urgent"})
                await c.f.ok("care.take", {"member": c.members[1].me})
            last = _seqs(cleo)[-1]
            cleo = await c.back(cleo, seen=cleo.seen if quiet else {})
            await _hand(c, cleo)
            assert _seqs(cleo)[0] > last
            begins.append(_seqs(cleo)[0] - 1 >> 20)
        assert [b - a for a, b in pairwise(begins[1:])] == [1, 1]
        own = {f.body["pos"] for f in cleo.frames if f.body["t"] == "room"}
        assert len(own) == len(_seqs(cleo))


async def test_seen_10_a_position_tells_nothing_and_is_not_twice_the_same(server: Server) -> None:
    """EV21"""
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        await c.f.ok("chat.say", {"to": "circle", "body": "one"})
        await ada.hears("one")
        given = [ada.seen["circle"]]
        for _ in range(3):
            ada = await c.back(ada)
            given.append(ada.seen["circle"])
        assert len({pos[at : at + 4] for pos in given for at in range(0, 32, 4)}) >= 31
        # Of another conversation it is a place that nobody knows, and opens nothing.
        await ben.ok("chat.say", {"to": "staff", "body": "for you alone"})
        await c.f.hears("for you alone")
        line = f"staff:{ben.me}"
        back = await c.back(ada, seen={"circle": c.f.seen[line], line: c.f.seen[line]})
        await c.f.ok("chat.say", {"to": "circle", "body": "two"})
        await back.hears("two")
        gaps = [f.body for f in back.frames if f.body["t"] == "gap"]
        assert gaps == [{"t": "gap", "stream": "circle", "missed": None}]
        assert b"for you alone" not in back.everything
