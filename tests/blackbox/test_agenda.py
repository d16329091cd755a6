"""An evening by its agenda, over the wire: what each stage lets people do (AG*, RD*, BR*)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from .house import Circle, Server, circle
from .rawclient import Client, Map

NAMES = ("Ada", "Ben", "Cleo", "Dora")


async def said(client: Client, to: str) -> str:
    """`ok`, or the code with which a word is refused."""
    answer = await client.command("chat.say", {"to": to, "body": "a word"})
    return str(answer.get("code", "ok"))


async def stage_of(c: Circle, number: int) -> Map:
    """Everybody sees that this stage is under way; the facilitator's view of it."""
    await c.everyone_sees(lambda v: v["agenda"]["at"] == number, f"stage {number}")
    agenda: Map = c.f.view["agenda"]
    stage: Map = agenda["stages"][number]
    return stage


async def test_AG2_AG3_every_stage_of_a_template_changes_what_people_can_do(
    server: Server,
) -> None:
    async with circle(server, NAMES, agenda={"template": "peer-support-60"}) as c:
        f, (ada, ben, cleo, dora) = c.f, c.members
        assert ada.view["agenda"]["at"] is None
        await ada.no("not_allowed", "agenda.start")
        kinds = [stage["kind"] for stage in ada.view["agenda"]["stages"]]

        async def on() -> str:
            number = f.view["agenda"]["at"]
            await f.ok("agenda.next", {"at": number})
            stage = await stage_of(c, number + 1)
            assert f.view["agenda"]["ends_at"] > 0
            return str(stage["kind"])

        await f.ok("agenda.start")
        assert (await stage_of(c, 0))["kind"] == kinds[0] == "arrival"
        assert (ada.view["floor"]["mode"], await said(ada, "circle")) == ("open", "ok")

        assert await on() == "agreement"
        assert ada.view["floor"]["mode"] == "quiet"
        assert (await said(ada, "circle"), await said(ada, "staff")) == ("not_allowed", "ok")

        assert await on() == "breath"
        assert ada.view["floor"]["mics"] == "muted"
        breaths = [client.view["breathe"] for client in c.all]
        assert breaths == [breaths[0]] * 5
        assert breaths[0]["ends_at"] == f.view["agenda"]["ends_at"]

        assert await on() == "round"
        floor = ada.view["floor"]
        assert (floor["mode"], floor["holder"], floor["mics"]) == ("stick", ada.me, "open")
        assert floor["round"]["order"] == [m.me for m in c.members]
        assert floor["round"]["seconds"] == pytest.approx(900 / 4)
        assert (ada.view["breathe"], ada.view["agenda"]["round"]) == (None, 0)
        await ada.ok("floor.pass")
        await ben.until(lambda: ben.view["floor"]["holder"] == ben.me, "Ben's turn")
        left = f.view["agenda"]["ends_at"] - ben.view["floor"]["ends_at"]
        assert left == pytest.approx(2 * ben.view["floor"]["round"]["seconds"], abs=0.01)
        assert ben.view["floor"]["round"]["seconds"] > 290
        await ben.no("not_allowed", "chat.say", {"to": "circle", "body": "x"})

        assert await on() == "pairs"
        await c.everyone_sees(lambda v: v["pairs"] is not None, "the pairs")
        groups = list(f.view["pairs"]["groups"].values())
        assert sorted(map(len, groups)) == [2, 2]
        assert f.me not in [m for group in groups for m in group]
        assert ada.view["floor"]["holder"] is None
        assert [await said(m, "pair") for m in c.members] == ["ok"] * 4
        assert await said(ada, "circle") == "not_allowed"

        assert await on() == "sharing"
        assert f.view["pairs"]["closing"] is True
        await c.everyone_sees(lambda v: v["pairs"] is None, "all are back")
        await cleo.ok("hand.raise")
        await cleo.until(lambda: cleo.view["floor"]["holder"] == cleo.me, "Cleo's turn")
        assert cleo.view["floor"]["ends_at"] is not None
        assert await said(cleo, "circle") == "not_allowed"

        assert await on() == "closing"
        floor = dora.view["floor"]
        assert floor["holder"] == ben.me  # another than the last round began with
        assert floor["round"]["order"] == [m.me for m in (ben, cleo, dora, ada)]

        assert await on() == "debrief"
        assert (dora.view["floor"]["mode"], await said(dora, "circle")) == ("quiet", "not_allowed")
        assert await said(f, "facilitators") == "ok"
        await f.no("stale", "agenda.next")
        assert [stage["kind"] for stage in f.view["agenda"]["stages"]] == kinds


async def test_AG7_RD2_RD3_stages_and_turns_go_on_by_themselves(server: Server) -> None:
    stages = [
        {"kind": "arrival", "seconds": 1, "auto": True, "floor": "quiet"},
        {"kind": "round", "seconds": 9, "auto": True, "floor": "round"},
        {"kind": "closing", "seconds": 1, "floor": "open"},
    ]
    async with circle(server, NAMES[:3], agenda={"stages": stages}) as c:
        f = c.f
        await f.ok("agenda.start")
        await stage_of(c, 2)
        await f.until(lambda: f.view["agenda"]["over"], "the end")
        views = [frame.view for frame in f.frames if frame.view.get("agenda")]
        ends_at = next(v["agenda"]["ends_at"] for v in views if v["agenda"]["at"] == 1)
        turns: list[Any] = []
        for view in views:
            floor = view["floor"]
            if view["agenda"]["at"] == 1 and floor["holder"] is not None:
                if not turns or turns[-1][0] != floor["turn"]:
                    turns.append((floor["turn"], floor["holder"], floor["ends_at"]))
        assert [holder for _, holder, _ in turns] == [m.me for m in c.members]
        ends = [ends_at - 9, *(end for _, _, end in turns)]
        assert ends[-1] == pytest.approx(ends_at, abs=0.01)
        assert all(later > before for before, later in pairwise(ends))
        assert f.view["floor"]["mode"] == "open"


async def test_AG1_AG10_an_agenda_is_written_over_the_wire_or_refused_whole(
    server: Server,
) -> None:
    async with circle(server, NAMES[:1]) as c:
        f, ada = c.f, c.members[0]
        good: Map = {"kind": "open", "seconds": 60}
        await ada.no("not_allowed", "agenda.edit", {"stages": [good]})
        bad: list[tuple[Any, str]] = [
            ({**good, "kind": "dance"}, "stages[1].kind"),
            ({**good, "seconds": -1}, "stages[1].seconds"),
            ({**good, "seconds": 10**9}, "stages[1].seconds"),
            ({**good, "rounds": [{"prompt": "canary"}]}, "stages[1].rounds"),
            ("canary", "stages[1]"),
        ]
        for stage, where in bad:
            answer = await f.no("bad_request", "agenda.edit", {"stages": [good, stage]})
            assert where in answer["message"]
            assert "canary" not in answer["message"]
        await f.no("bad_request", "agenda.edit", {"stages": []})
        await f.no("bad_request", "agenda.edit", {"stages": [good] * 51})
        await c.settle()
        assert ada.view["agenda"] is None
        await f.ok("agenda.edit", {"stages": [good]})
        await f.ok("agenda.start")
        await f.no("stale", "agenda.edit", {"stages": [{**good, "kind": "round"}]})
        await f.ok("agenda.edit", {"stages": [{**good, "kind": "arrival"}, good], "at": 1})
        await c.everyone_sees(lambda v: len(v["agenda"]["stages"]) == 2, "the new agenda")
        assert f.view["agenda"]["at"] == 1


async def test_RD6_a_signal_reaches_who_comes_back_later(server: Server) -> None:
    async with circle(server, NAMES[:2]) as c:
        f, ada, ben = c.f, *c.members
        await f.ok("floor.stick", {"to": ada.me, "seconds": 62})
        await c.everyone_sees(lambda v: v["floor"]["signal"] == 60, "a minute to go")
        ben.drop()
        again = await c.back(ben)
        assert again.view["floor"]["signal"] == 60
        await f.ok("floor.extend", {"seconds": 60})
        await c.everyone_sees(lambda v: v["floor"]["signal"] is None, "no signal any more")


async def test_BR1_BR2_breathing_over_the_wire(server: Server) -> None:
    async with circle(server, NAMES[:1]) as c:
        await c.f.ok("breathe.start", {"pattern": [4, 6], "seconds": 600})
        await c.everyone_sees(lambda v: v["breathe"] is not None, "the breath")
        assert c.members[0].view["breathe"]["pattern"] == [4, 6]
        await c.f.ok("breathe.stop")
        await c.everyone_sees(lambda v: v["breathe"] is None, "its end")
        await c.f.no("stale", "breathe.stop")
