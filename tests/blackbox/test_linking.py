"""Linked pairs on the wire: concerns blinded by the Python client, and who gets to see what."""

from __future__ import annotations

import pytest

from sitwith_protocol.linking import TAGS_MAX, blind, blind_all

from .house import Server, circle

NAMES = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Gus")


async def test_LK1_LK4_LK7_shared_concerns_make_pairs_and_nobody_sees_a_tag(
    server: Server,
) -> None:
    async with circle(server, NAMES) as c:
        ada, ben, cleo, dora, emil, gus = c.members
        await c.f.ok("concerns.offer", {"concerns": ["Sleep", "My father’s death"]})
        await ada.until(lambda: ada.view["concerns"] == ["Sleep", "My father’s death"], "concerns")
        key = ada.view["link_key"]
        assert len(key) == 32
        assert {client.view["link_key"] for client in c.all} == {key}
        await ada.ok("topics.set", {"tags": list(blind_all(key, ["sleep", "my father’s  death"]))})
        await dora.ok("topics.set", {"tags": [blind(key, "My Father’s Death")]})
        await ben.ok("topics.set", {"tags": [blind(key, "Schlaf"), blind(key, "own words")]})
        await gus.ok("topics.set", {"tags": [blind(key, "OWN WORDS")]})
        plan = await c.f.ok("pairs.plan", {"how": "linked"})
        groups = {frozenset(group) for group in plan["groups"]}
        assert groups == {
            frozenset((ada.me, dora.me)),
            frozenset((ben.me, gus.me)),
            frozenset((cleo.me, emil.me)),
        }
        assert sorted(why["shared"] for why in plan["why"]) == [0, 1, 1]
        assert plan["report"] == {
            "pairs": 3,
            "linked": 2,
            "repeats": 0,
            "random": {"linked": 0.4, "repeats": 0.0},
        }
        # The facilitator moves people: they open what they like.
        await c.f.ok("pairs.open", {"groups": [[ada.me, dora.me], [ben.me, cleo.me]]})
        await c.f.ok("pairs.close", {"grace": 0})
        again = await c.f.ok("pairs.plan", {"how": "linked", "pins": [[emil.me, c.f.me]]})
        assert {emil.me, c.f.me} in [set(group) for group in again["groups"]]
        assert {ada.me, dora.me} not in [set(group) for group in again["groups"]]
        await c.settle()
        mine = {client.label: client.view["topics"] for client in c.all}
        assert {label: len(tags) for label, tags in mine.items() if tags} == {
            ada.label: 2,
            ben.label: 2,
            dora.label: 1,
            gus.label: 1,
        }
        for client in c.all:
            for label, tags in mine.items():
                for tag in tags:
                    seen = tag in client.everything
                    assert seen == (tag in client.view["topics"]), f"{client.label}: {label}"
                    assert seen or tag.hex().encode() not in client.everything


async def test_LK1_LK3_tags_by_the_thousand_are_refused_and_change_nothing(server: Server) -> None:
    async with circle(server, NAMES[:2]) as c:
        ada, ben = c.members
        tag = b"t" * 32
        await ada.ok("topics.set", {"tags": [tag]})
        for bad in (
            [bytes([n // 256, n % 256]) for n in range(1000)],
            [bytes([n]) for n in range(TAGS_MAX + 1)],
            [tag, tag],
            [b""],
            [b"x" * 65],
            ["sleep"],
            [tag, None],
            {"a": tag},
        ):
            await ada.no("bad_request", "topics.set", {"tags": bad})
        for offered in ([str(n) for n in range(41)], ["x" * 121], [""], ["A", "a "], ["a\x00"]):
            await c.f.no("bad_request", "concerns.offer", {"concerns": offered})
        await ben.no("not_allowed", "concerns.offer", {"concerns": ["Sleep"]})
        await c.settle()
        assert ada.view["topics"] == [tag]
        assert c.f.view["concerns"] == []


@pytest.mark.parametrize("how", ["random", "fresh", "linked"])
async def test_LK6_pins_that_cannot_be_are_refused(server: Server, how: str) -> None:
    async with circle(server, NAMES[:4]) as c:
        ada, ben, cleo, _ = (member.me for member in c.members)
        plan = {"how": how, "pins": [[ada, ben]]}
        assert [ada, ben] in (await c.f.ok("pairs.plan", plan))["groups"]
        await c.f.no("no_plan", "pairs.plan", {**plan, "avoid": [[ben, ada]]})
        await c.f.no("no_plan", "pairs.plan", {"how": how, "pins": [[ada, ben], [ben, cleo]]})
        await c.f.no("no_such_member", "pairs.plan", {"how": how, "pins": [[ada, "nobody"]]})
        await c.f.no("bad_request", "pairs.plan", {"how": how, "pins": [[ada, ada]]})
        await c.members[0].no("not_allowed", "pairs.plan", plan)
