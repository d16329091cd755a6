"""Groups: planning, opening, moving, visiting, closing, and nobody left alone."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import pytest

from .house import Circle, Server, circle
from .rawclient import Client, Map

NAMES = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Gus", "Hugo", "Ines")
Pair = frozenset[str]


def pairs_of(group: Iterable[str]) -> set[Pair]:
    people = list(group)
    return {frozenset((a, b)) for i, a in enumerate(people) for b in people[i + 1 :]}


def matchings(people: tuple[str, ...]) -> Iterator[set[Pair]]:
    """All ways to put these people, an even number, into pairs."""
    if not people:
        yield set()
        return
    first, rest = people[0], people[1:]
    for other in rest:
        for more in matchings(tuple(p for p in rest if p != other)):
            yield {frozenset((first, other)), *more}


def group_of(view: Map, member: str) -> str | None:
    """The group in which this view shows the member."""
    found = [key for key, people in view["pairs"]["groups"].items() if member in people]
    assert len(found) <= 1, "in two groups at once"
    return found[0] if found else None


async def all_in(c: Circle, count: int) -> None:
    """Everyone sees `count` open groups."""
    await c.everyone_sees(
        lambda v: v["pairs"] is not None and len(v["pairs"]["groups"]) == count, "the groups"
    )


async def open_groups(c: Circle, *groups: list[Client], **fields: object) -> list[str]:
    """Open these groups by hand; their ids, in the same order."""
    await c.f.ok("pairs.open", {"groups": [[m.me for m in g] for g in groups], **fields})
    await all_in(c, len(groups))
    found = [group_of(c.f.view, group[0].me) for group in groups]
    for group, key in zip(groups, found, strict=True):
        assert key is not None
        assert sorted(c.f.view["pairs"]["groups"][key]) == sorted(m.me for m in group)
        for member in group:
            assert member.view["pairs"]["mine"] == key
    return [key for key in found if key is not None]


@pytest.mark.parametrize("count", [4, 6, 8])
async def test_fresh_pairs_meet_nobody_twice_while_that_is_possible(
    server: Server, count: int
) -> None:
    async with circle(server, NAMES[:count]) as c:
        everyone = tuple(m.me for m in c.members)
        met: set[Pair] = set()
        rounds = 0
        while rounds < count - 1 and any(not (m & met) for m in matchings(everyone)):
            plan = await c.f.ok("pairs.plan", {"how": "fresh"})
            groups = plan["groups"]
            assert sorted(p for g in groups for p in g) == sorted(everyone)
            assert {len(g) for g in groups} == {2}
            assert not c.f.view["pairs"], "a plan opens nothing"
            now = set().union(*(pairs_of(g) for g in groups))
            assert not now & met, f"met again in round {rounds + 1}"
            met |= now
            await c.f.ok("pairs.open", {"groups": groups})
            shown = c.f.view["pairs"]["groups"].values()
            assert sorted(sorted(g) for g in shown) == sorted(sorted(g) for g in groups)
            await c.f.ok("pairs.close", {"grace": 0})
            assert not c.f.view["pairs"]
            rounds += 1
        assert rounds >= 3
        # when everybody has met, a plan is still found
        plan = await c.f.ok("pairs.plan", {"how": "fresh"})
        assert sorted(p for g in plan["groups"] for p in g) == sorted(everyone)


async def test_an_odd_number_makes_one_trio_and_facilitators_only_when_asked(
    server: Server,
) -> None:
    async with circle(server, NAMES[:5]) as c:
        for how in ("random", "fresh"):
            plan = await c.f.ok("pairs.plan", {"how": how})
            assert sorted(len(g) for g in plan["groups"]) == [2, 3]
            assert c.f.me not in [p for g in plan["groups"] for p in g]
        plan = await c.f.ok("pairs.plan", {"how": "random", "facilitators": True})
        assert sorted(len(g) for g in plan["groups"]) == [2, 2, 2]
        assert c.f.me in [p for g in plan["groups"] for p in g]
        plan = await c.f.ok("pairs.plan", {"how": "random", "size": 3})
        assert sorted(p for g in plan["groups"] for p in g) == sorted(m.me for m in c.members)
        await c.f.no("bad_request", "pairs.plan", {"how": "by-star-sign"})
        await c.join("Gus")
        for how in ("random", "fresh"):
            plan = await c.f.ok("pairs.plan", {"how": how, "size": 3})
            assert [len(g) for g in plan["groups"]] == [3, 3]


async def test_never_together_holds_in_every_plan_or_there_is_none(server: Server) -> None:
    async with circle(server, NAMES[:4]) as c:
        ada, ben, cleo, dora = (m.me for m in c.members)
        for how in ("random", "fresh", "random", "fresh"):
            plan = await c.f.ok("pairs.plan", {"how": how, "avoid": [[ada, ben], [cleo, ada]]})
            assert frozenset((ada, dora)) in {frozenset(g) for g in plan["groups"]}
        never = [[ada, ben], [ada, cleo], [dora, ada]]
        for how in ("random", "fresh"):
            await c.f.no("no_plan", "pairs.plan", {"how": how, "avoid": never})


async def test_what_is_said_in_a_group_stays_there_and_circle_reaches_all(
    server: Server,
) -> None:
    async with circle(server, NAMES[:5]) as c:
        ada, ben, cleo, dora, emil = c.members
        one, two = await open_groups(c, [ada, ben], [cleo, dora])
        assert emil.view["pairs"]["mine"] is None
        assert ada.view["pairs"]["ends_at"] is None
        said = await ada.ok("chat.say", {"to": "pair", "body": "only us one"})
        assert (said["to"], said["n"]) == (f"pair:{one}", 1)
        assert (await ben.hears("only us one"))["to"] == f"pair:{one}"
        said = await cleo.ok("chat.say", {"to": "pair", "body": "only us two"})
        assert (said["to"], said["n"]) == (f"pair:{two}", 1)
        await dora.hears("only us two")
        await ada.no("not_allowed", "chat.say", {"to": "circle", "body": "all?"})
        await ada.no("not_allowed", "chat.say", {"to": f"pair:{two}", "body": "you?"})
        await emil.no(
            {"not_allowed", "no_such_group", "stale"}, "chat.say", {"to": "pair", "body": "?"}
        )
        await emil.ok("chat.say", {"to": "circle", "body": "to every one"})
        await c.f.ok("pairs.say", {"body": "five more minutes"})
        for client in c.all:
            await client.hears("to every one", to="circle")
            notice = await client.hears("five more minutes", to="circle")
            assert notice["notice"] is True
            assert notice["from"] == c.f.me
        await ada.ok("react", {"kind": "sun"})
        await ben.gets(lambda m: m["t"] == "reaction", "the reaction of the group")
        await ada.no("not_allowed", "pairs.say", {"body": "me"})
        await c.f.ok("pairs.close", {"grace": 0})
        await ada.until(lambda: ada.view["pairs"] is None, "the circle again")
        await ada.ok("chat.say", {"to": "circle", "body": "back again"})
        await emil.hears("back again")
        assert emil.said(f"pair:{one}") == []
        for client, words in ((c.f, b"only us"), (emil, b"only us"), (cleo, b"only us one")):
            assert words not in client.everything
        assert not [f for f in cleo.frames if f.body["t"] == "reaction"]


async def test_groups_end_at_their_time_are_extended_and_closed_with_grace(
    server: Server,
) -> None:
    async with circle(server, NAMES[:4]) as c:
        ada, ben, cleo, dora = c.members
        await open_groups(c, [ada, ben], [cleo, dora], seconds=600)
        ends = c.f.view["pairs"]["ends_at"]
        assert abs(ends - time.time() - 600) < 20
        await c.f.ok("pairs.extend", {"seconds": 60})
        assert abs(c.f.view["pairs"]["ends_at"] - ends - 60) < 1.1
        await ada.no("not_allowed", "pairs.extend", {"seconds": 60})
        await ada.no("not_allowed", "pairs.close")
        await c.f.ok("pairs.close")
        assert c.f.view["pairs"] is not None
        assert abs(c.f.view["pairs"]["ends_at"] - time.time() - 30) < 10
        await ada.ok("chat.say", {"to": "pair", "body": "a last word"})
        await ben.hears("a last word")
        await c.f.ok("pairs.close", {"grace": 0})
        assert not c.f.view["pairs"]
        await open_groups(c, [ada, ben], [cleo, dora])
        await c.f.ok("pairs.close", {"grace": 1})
        assert c.f.view["pairs"] is not None
        await c.everyone_sees(lambda v: v["pairs"] is None, "the end of the grace")
        await open_groups(c, [ada, cleo], [ben, dora], seconds=1)
        await c.everyone_sees(lambda v: v["pairs"] is None, "the end of the time")
        await ada.no(
            {"not_allowed", "no_such_group", "stale"}, "chat.say", {"to": "pair", "body": "?"}
        )


async def test_somebody_moved_hears_the_new_group_from_then_on(server: Server) -> None:
    async with circle(server, NAMES[:5]) as c:
        ada, ben, cleo, dora, emil = c.members
        one, two = await open_groups(c, [ada, ben, emil], [cleo, dora])
        await cleo.ok("chat.say", {"to": "pair", "body": "before the move"})
        await dora.hears("before the move")
        await ada.no("not_allowed", "pairs.move", {"member": ada.me, "group": two})
        await c.f.no("no_such_group", "pairs.move", {"member": emil.me, "group": "nowhere"})
        await c.f.no("no_such_member", "pairs.move", {"member": "nobody", "group": two})
        await c.f.ok("pairs.move", {"member": emil.me, "group": two})
        assert group_of(c.f.view, emil.me) == two
        await emil.until(lambda: emil.view["pairs"]["mine"] == two, "the new group")
        await ada.until(lambda: group_of(ada.view, emil.me) == two, "Emil gone")
        await ada.ok("chat.say", {"to": "pair", "body": "he is gone"})
        await cleo.until(lambda: group_of(cleo.view, emil.me) == two, "Emil here")
        said = await cleo.ok("chat.say", {"to": "pair", "body": "welcome"})
        assert said["n"] == 2
        assert (await emil.hears("welcome"))["n"] == 2
        await emil.ok("chat.say", {"to": "pair", "body": "glad to be here"})
        await cleo.hears("glad to be here")
        await c.settle()
        assert b"before the move" not in emil.everything
        assert b"he is gone" not in emil.everything
        back = await c.back(emil, seen={})
        await back.hears("glad to be here")
        assert b"before the move" not in back.everything
        assert b"he is gone" not in back.everything
        assert ada.said(f"pair:{one}") == ["he is gone"]


async def test_help_is_asked_in_a_group_and_seen_by_facilitators_alone(server: Server) -> None:
    async with circle(server, NAMES[:4]) as c:
        ada, ben, cleo, dora = c.members
        answer = await ada.command("help.ask")
        assert answer["t"] == "refused", "help is asked in a group"
        await open_groups(c, [ada, ben], [cleo, dora])
        await ada.ok("help.ask")
        await c.f.until(lambda: c.f.view["help"] == [ada.me], "the call")
        await ben.no("not_allowed", "help.done", {"member": ada.me})
        await c.f.ok("help.done", {"member": ada.me})
        assert c.f.view["help"] == []
        await c.settle()
        for other in (ben, cleo, dora):
            assert not any(frame.view.get("help") for frame in other.frames)


async def test_a_visit_is_announced_and_hears_only_what_is_said_after(server: Server) -> None:
    async with circle(server, NAMES[:4]) as c:
        ada, ben, cleo, dora = c.members
        one, two = await open_groups(c, [ada, ben], [cleo, dora])
        await ada.ok("chat.say", {"to": "pair", "body": "word of before"})
        await ben.hears("word of before")
        await c.f.no("not_allowed", "chat.say", {"to": f"pair:{one}", "body": "knock"})
        await ada.no("not_allowed", "pairs.visit", {"group": two})
        await c.f.no("no_such_group", "pairs.visit", {"group": "nowhere"})
        await c.f.ok("pairs.visit", {"group": one})
        for member in (ada, ben):
            await member.until(
                lambda m=member: c.f.me in m.view["pairs"]["visitors"].get(one, []),  # type: ignore[misc]
                "the announcement",
            )
        spoken: list[str] = []
        while not c.f.said(f"pair:{one}"):
            spoken.append(f"word {len(spoken)} after")
            await ada.ok("chat.say", {"to": "pair", "body": spoken[-1]})
            await ben.hears(spoken[-1])
            await cleo.ok("self.away", {"away": len(spoken) % 2 == 1})
            assert len(spoken) < 40, "the visitor hears nothing"
        await c.f.hears(spoken[-1])
        heard = c.f.said(f"pair:{one}")
        assert heard == spoken[len(spoken) - len(heard) :]
        said = await c.f.ok("chat.say", {"to": f"pair:{one}", "body": "the visitor speaks"})
        assert said["to"] == f"pair:{one}"
        for member in (ada, ben):
            await member.hears("the visitor speaks", to=f"pair:{one}")
        await c.f.no("not_allowed", "chat.say", {"to": f"pair:{two}", "body": "and you"})
        await c.f.ok("pairs.return")
        await ada.until(
            lambda: c.f.me not in ada.view["pairs"]["visitors"].get(one, []), "the visitor gone"
        )
        await ada.ok("chat.say", {"to": "pair", "body": "alone again"})
        await ben.hears("alone again")
        await c.f.no("not_allowed", "chat.say", {"to": f"pair:{one}", "body": "one more"})
        await c.settle()
        back = await c.back(c.f, seen={})
        await c.settle()
        for client in (c.f, back):
            assert b"alone again" not in client.everything
            assert b"word of before" not in client.everything
        for other in (cleo, dora):
            assert b"visitor speaks" not in other.everything


async def test_a_late_joiner_is_placed_in_a_group_and_hears_nothing_of_before(
    server: Server,
) -> None:
    async with circle(server, NAMES[:4]) as c:
        ada, ben, cleo, dora = c.members
        await open_groups(c, [ada, ben], [cleo, dora])
        for member in (ada, cleo):
            await member.ok("chat.say", {"to": "pair", "body": f"secret of {member.label}"})
        emil = await c.join("Emil")
        await emil.until(lambda: emil.view["pairs"]["mine"] is not None, "a group")
        mine = emil.view["pairs"]["mine"]
        assert emil.me in emil.view["pairs"]["groups"][mine]
        await emil.ok("chat.say", {"to": "pair", "body": "am I late?"})
        partner = ada if mine == ada.view["pairs"]["mine"] else cleo
        await partner.hears("am I late?", to=f"pair:{mine}")
        assert b"secret of" not in emil.everything


async def test_a_lonely_partner_gets_new_company(server: Server) -> None:
    async with circle(server, NAMES[:6]) as c:
        ada, ben, cleo, dora, emil, gus = c.members
        # Emil must not meet Ada or Ben: only the group of Cleo and Dora is left for him
        await c.f.ok(
            "pairs.plan", {"how": "random", "avoid": [[emil.me, ada.me], [ben.me, emil.me]]}
        )
        _, two, _ = await open_groups(c, [ada, ben], [cleo, dora], [emil, gus])
        await dora.ok("chat.say", {"to": "pair", "body": "before he came"})
        await cleo.hears("before he came")
        await gus.ok("leave")
        await emil.until(lambda: emil.view["pairs"]["mine"] == two, "new company")
        assert sorted(emil.view["pairs"]["groups"][two]) == sorted([cleo.me, dora.me, emil.me])
        await emil.ok("chat.say", {"to": "pair", "body": "may I join?"})
        await cleo.hears("may I join?")
        assert b"before he came" not in emil.everything
        # and by removal: Ada is alone and joins the three
        await c.f.ok("pairs.plan", {"how": "random"})
        await c.f.ok("member.remove", {"member": ben.me})
        await ada.until(lambda: ada.view["pairs"]["mine"] == two, "new company")


async def test_who_can_be_placed_nowhere_is_in_the_circle(server: Server) -> None:
    async with circle(server, NAMES[:6]) as c:
        ada, ben, cleo, dora, emil, gus = c.members
        await c.f.ok(
            "pairs.plan", {"how": "random", "avoid": [[emil.me, ada.me], [emil.me, cleo.me]]}
        )
        await open_groups(c, [ada, ben], [cleo, dora], [emil, gus])
        await c.f.ok("member.remove", {"member": gus.me})
        await emil.until(lambda: emil.view["pairs"]["mine"] is None, "the circle")
        assert group_of(emil.view, emil.me) is None
        await emil.ok("chat.say", {"to": "circle", "body": "I am here"})
        await ada.hears("I am here")


async def test_a_lonely_partner_rather_meets_somebody_new(server: Server) -> None:
    async with circle(server, NAMES[:6]) as c:
        ada, ben, cleo, dora, emil, gus = c.members
        await open_groups(c, [emil, ada], [ben, cleo], [dora, gus])
        await c.f.ok("pairs.close", {"grace": 0})
        _, two, _ = await open_groups(c, [ada, ben], [cleo, dora], [emil, gus])
        await gus.ok("leave")
        await emil.until(lambda: emil.view["pairs"]["mine"] == two, "somebody not met before")
