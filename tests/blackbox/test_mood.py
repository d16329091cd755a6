"""Moods, milestones and breathing on the wire: who is told what, and what nobody ever gets."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from tests.folding import touched

from .house import Circle, Server, circle

NAMES = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Gus")


async def test_MO1_MO2_MO3_counts_for_all_and_nobodys_answer(server: Server) -> None:
    async with circle(server, NAMES) as c:
        ada = c.members[0]
        await ada.no("stale", "mood.answer", {"value": 3})
        await c.f.no("stale", "mood.close")
        await ada.no("not_allowed", "mood.ask")
        for bad in (0, 6, -1, 2.5, "3", None, True, [3]):
            await ada.no("bad_request", "mood.answer", {"value": bad})
        await c.f.ok("mood.ask")
        await c.f.no("stale", "mood.ask")
        begun = {client.label: len(client.frames) for client in c.all}
        for place, member in enumerate(c.members):
            await member.ok("mood.answer", {"value": place % 5 + 1})
        await ada.ok("mood.answer", {"value": 5})
        await ada.ok("mood.answer", {"value": 5})
        await c.settle()
        for client in c.all:
            assert client.view["mood"] == {"open": True, "answers": 6, "result": None}
            told = [f.body for f in client.frames[begun[client.label] :] if f.body["t"] == "room"]
            told = [body for body in told if "mood" in touched(body)]
            assert [body["set"]["mood"]["answers"] for body in told] == [1, 2, 3, 4, 5, 6]
            assert all(body.get("by") is None for body in told)
            assert all(body["set"].keys() == {"mood"} for body in told)
            assert all(one["seq"] < other["seq"] for one, other in pairwise(told))
        await c.f.ok("mood.close")
        await c.settle()
        expected = {"1": 1, "2": 1, "3": 1, "4": 1, "5": 2}
        for client in c.all:
            assert client.view["mood"] == {
                "open": False,
                "answers": 6,
                "result": {"counts": expected},
            }
        await ada.no("stale", "mood.answer", {"value": 1})
        trail = (await server.http("GET", f"/api/audit/{c.room}")).json()
        actions = [each["action"] for each in trail["audit"] if "mood" in each["action"]]
        assert "mood.answer" not in actions
        assert actions.count("mood.ask") >= 1


async def results_of(c: Circle, *sizes: int) -> list[Any]:
    """What is shown of questions that so many answered, one after another."""
    results = []
    for count in sizes:
        await c.f.ok("mood.ask")
        for member in c.members[:count]:
            await member.ok("mood.answer", {"value": 2})
        await c.f.ok("mood.close")
        await c.settle()
        seen = {repr(client.view["mood"]) for client in c.all}
        assert len(seen) == 1
        assert c.f.view["mood"]["answers"] == count
        results.append(c.f.view["mood"]["result"])
    return results


def twos(count: int) -> dict[str, dict[str, int]]:
    return {"counts": {"1": 0, "2": count, "3": 0, "4": 0, "5": 0}}


async def test_MO4_five_answers_or_more_are_all_counted(server: Server) -> None:
    async with circle(server, NAMES) as c:
        assert c.f.view["settings"]["mood_strict"] is False
        results = await results_of(c, 4, 6, 5, 3, 6)
        assert results == [None, twos(6), twos(5), None, twos(6)]
        await c.f.no("bad_request", "room.settings", {"mood_strict": 1})
        await c.f.ok("room.settings", {"mood_strict": True})
        await c.settle()
        assert all(client.view["settings"]["mood_strict"] is True for client in c.all)
        assert await results_of(c, 6) == [None]


async def test_MO4_MO5_in_a_strict_room_four_answers_and_one_less_show_nothing(
    server: Server,
) -> None:
    async with circle(server, NAMES, settings={"mood_strict": True}) as c:
        assert await results_of(c, 4, 6, 5, 6) == [None, twos(6), None, twos(6)]


async def test_MS1_MS2_MS4_MS5_a_milestone_is_everybodys_for_a_moment(server: Server) -> None:
    async with circle(server, NAMES[:3]) as c:
        ada, ben, cleo = c.members
        await c.f.ok("pairs.open", {"groups": [[ben.me, cleo.me]]})
        for bad in ("", "  ", "two\nlines", "x" * 2001, 7, None, ["x"]):
            await ada.no("bad_request", "milestone.share", {"text": bad})
        await ada.no("too_long", "milestone.share", {"text": "x" * 81})
        await ada.no("not_allowed", "milestone.share", {"text": b"sealed"})
        await ben.no("not_allowed", "milestone.share", {"text": "from a group"})
        await ada.ok("milestone.share", {"text": "canary: a year today 🌱"})
        await c.settle()
        for client in c.all:
            (one,) = client.view["milestones"]
            assert one.keys() == {"n", "member", "text", "ends_at"}
            assert (one["member"], one["text"]) == (ada.me, "canary: a year today 🌱")
        more = await ada.ask({"t": "milestone.share", "id": next(ada.ids), "text": "another"})
        assert more["code"] == "too_fast"
        dora = await c.join("Dora")
        await c.settle()
        assert dora.view["milestones"] == []
        await ben.no("not_allowed", "milestone.clear", {"n": one["n"]})
        await c.f.ok("milestone.clear", {"n": one["n"]})
        await c.settle()
        assert all(client.view["milestones"] == [] for client in c.all)
        assert b"canary" not in dora.everything
        assert "canary" not in (await server.http("GET", f"/api/audit/{c.room}")).text
        assert "canary" not in server.log


async def test_MS6_support_reaches_all_and_takes_no_floor(server: Server) -> None:
    async with circle(server, NAMES[:2]) as c:
        ada, ben = c.members
        await c.f.ok("floor.stick", {"to": ada.me})
        await c.settle()
        floor = c.f.view["floor"]
        for kind in ("hear_you", "me_too", "thank_you"):
            await ben.ok("react", {"kind": kind})
            for client in c.all:
                expected = {"t": "reaction", "from": ben.me, "kind": kind}
                await client.gets(expected.__eq__, kind)
        assert c.f.view["floor"] == floor


async def test_BR1_BR2_all_are_given_the_same_beginning_before_it_comes(server: Server) -> None:
    async with circle(server, NAMES[:3]) as c:
        patterns: list[Any] = [[], [0, 0], [-1, 4], [601], ["4"], [1] * 17, 4]
        for bad in patterns:
            await c.f.no("bad_request", "breathe.start", {"pattern": bad, "seconds": 60})
        for long in (0, 7201, None):
            await c.f.no("bad_request", "breathe.start", {"pattern": [4, 6], "seconds": long})
        await c.f.no("stale", "breathe.stop")
        await c.members[0].no("not_allowed", "breathe.start", {"pattern": [4, 6], "seconds": 60})
        await c.f.ok("breathe.start", {"pattern": [4, 7, 8], "seconds": 60})
        # A message of that time says what the server's clock is.
        await c.f.ok("chat.say", {"to": "circle", "body": "breathe"})
        await c.settle()
        late = await c.join("Late")
        breaths = [client.view["breathe"] for client in (*c.all, late)]
        assert all(each == breaths[0] for each in breaths)
        assert breaths[0]["pattern"] == [4, 7, 8]
        assert breaths[0]["ends_at"] - breaths[0]["starts_at"] == 60
        heard = await c.f.hears("breathe")
        assert breaths[0]["starts_at"] <= heard["at"] + 3
        await c.f.ok("breathe.stop")
        await c.settle()
        assert all(client.view["breathe"] is None for client in c.all)
