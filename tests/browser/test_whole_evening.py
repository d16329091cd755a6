"""An evening from a shipped template, end to end, as six pages with microphones have it.

Every stage is looked at from every page: what can be done there, and who is really heard, by the
notes that come out of the decoders. In the middle the workers that hold the pages' sockets are
killed, and nothing of it changes.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from sitwith_server import templates
from tests.blackbox.rawclient import Map
from tests.cluster.cluster import Cluster, opened
from tests.waiting import until

from .evening_model import Evening
from .household import HOST, MEMBERS, Household, One
from .tones import settles
from .voices import DEVICES

# Six pages and all their voices on whatever machine this is.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

HOUR = "peer-support-60"
OTHERS = [name for name in templates.names() if name != HOUR]
MUTED = "Lea"
#: What two tick, so that a stage with linked pairs puts them together.
CONCERN = "Losing somebody"
ALIKE = ("Ben", "Jon")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path, workers=2, nodes=1)
    with made:
        yield made
    made.assert_discreet()


@pytest.fixture
def flags() -> tuple[str, ...]:
    return tuple(DEVICES)


def room_of(site: Cluster, template: str) -> Map:
    """A room as an operator opens one by hand."""
    words = [sys.executable, "-P", "-m", "sitwith_server", "room", "create", "--json"]
    made = subprocess.run(
        [*words, "--url", site.url, "--template", template, "--no-lobby"],
        env=site.environ(site.doors[0]),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    room: Map = json.loads(made.stdout)
    site.canaries |= set(room["tokens"].values())
    return room


class Walk:
    """Goes through an agenda with a household, and looks at each stage from every page."""

    def __init__(self, home: Household, stages: list[Map]) -> None:
        self.home = home
        self.stages = stages
        self.model = Evening()
        self.site = home.site

    # -- the way on

    async def go_on(self) -> Map:
        stage = self.stages[self.model.at + 1]
        press = "Begin" if self.model.at < 0 else "Next"
        await self.home.mara.guest.button(f"{press}: {stage['title']}").click()
        was = self.model.groups
        self.model.begin(stage)
        for one in self.home.people:
            await until(
                lambda o=one: o.view["agenda"]["at"] == self.model.at,
                f"{stage['title']} at {one.name}'s",
            )
        if was and "pairs" not in stage:
            await self._close_groups()
        if "pairs" in stage:
            self._take_groups(stage["pairs"]["size"])
        return stage

    async def _close_groups(self) -> None:
        """They have ten seconds' grace, of which nobody needs to wait for the rest."""
        assert all(one.view["pairs"]["closing"] for one in self.home.people)
        await self.home.mara.guest.button("Close now").click()
        for one in self.home.people:
            await until(lambda o=one: o.view["pairs"] is None, f"the circle at {one.name}'s")

    def _take_groups(self, size: int) -> None:
        found = self.home.mara.groups()
        assert all(one.groups() == found for one in self.home.people)
        assert sorted(name for group in found for name in group) == sorted(MEMBERS)
        assert all(abs(len(group) - size) <= 1 for group in found)
        assert self.stages[self.model.at]["pairs"]["how"] != "linked" or any(
            group >= set(ALIKE) for group in found
        )
        self.model.groups = found

    # -- what is looked at

    async def look(self) -> None:
        """Everything of this stage, from all pages."""
        await asyncio.gather(*(self._look(one) for one in self.home.people))
        await self.hearing()
        await self.writing()

    async def _look(self, one: One) -> None:
        model, guest = self.model, one.guest
        line = guest.part("This part of the evening")
        await expect(line).to_contain_text(model.stage["title"])
        await expect(line).to_contain_text(model.prompt())
        heading = model.heading(one.name)
        breath = guest.part("Breathing together")
        if heading is None:
            words = re.compile("Breathe in|Hold|Breathe out|Rest")
            await expect(breath.first).to_contain_text(words)
        else:
            await expect(guest.heading(heading)).to_be_visible()
            await expect(breath).to_have_count(0)
        await expect(
            guest.page.get_by_role("button", name=re.compile(f"^{model.microphone(one.name)}"))
        ).to_be_visible()
        mine = one.name == model.holder
        await expect(guest.button("Pass the stick")).to_have_count(1 if mine else 0)
        await self._composer(one)

    async def _composer(self, one: One) -> None:
        model, guest = self.model, one.guest
        await guest.show("Chat")
        await guest.tab("Circle").click()
        field = guest.page.get_by_role("textbox", name="Write a message")
        if model.writes_to_circle(one.name):
            await expect(field).to_be_visible()
        else:
            await expect(guest.page.get_by_text(model.why_not(one.name))).to_be_visible()
            await expect(field).to_have_count(0)
        if model.in_group(one.name):
            await guest.tab("My group").click()
            await expect(field).to_be_visible()
        await guest.show("Circle")

    async def hearing(self) -> None:
        """Who is heard by whom: the notes on each page's slots, and the map that names them."""

        async def wrong() -> str | None:
            ears = await asyncio.gather(*(one.hears() for one in self.home.people))
            for one, ear in zip(self.home.people, ears, strict=True):
                meant = self.model.heard_by(one.name)
                if ear.people != meant:
                    return f"{one.name} hears {sorted(ear.people)}, not {sorted(meant)}"
                for mid, name in ear.slots.items():
                    on = one.tap.slots.get(mid)
                    if on is None or one.names([on]) != [name]:
                        return f"{one.name} hears {name} on a slot of {on}"
            return None

        await settles(f"{self.model.stage.get('title')}", wrong)

    async def writing(self) -> None:
        """Words go where they may, and nowhere else, past the page as well."""
        await asyncio.gather(*(self._writes(one) for one in self.home.people))

    async def _writes(self, one: One) -> None:
        words = f"canary-{secrets.token_hex(6)}"
        self.site.canaries.add(words)
        answer = await one.asks("chat.say", to="circle", body=words)
        assert answer == ("ok" if self.model.writes_to_circle(one.name) else "not_allowed")
        for other in self.home.people:
            if answer == "ok":
                await until(lambda o=other: words in o.tap.said(), f"{words} at {other.name}'s")
            else:
                assert words not in other.tap.said()

    # -- turns

    async def next_turn(self, then: str | None) -> None:
        """The holder passes by their own button, and all see who comes then."""
        holder = self.model.holder
        assert holder is not None
        await self.home[holder].guest.button("Pass the stick").click()
        self.model.holder = then
        for one in self.home.people:
            await until(lambda o=one: _holder(o) == then, f"{then} has it at {one.name}'s")
        for one in self.home.people:
            heading = self.model.heading(one.name)
            assert heading is not None
            await expect(one.guest.heading(heading)).to_be_visible()

    async def raise_and_speak(self, name: str) -> None:
        """The stick lies free; who raises a hand has it."""
        await self.home[name].guest.button("Raise hand").click()
        self.model.holder = name
        for one in self.home.people:
            await until(lambda o=one: _holder(o) == name, f"{name} has it at {one.name}'s")
        await self.hearing()

    async def hold(self, name: str) -> None:
        """A facilitator mutes somebody."""
        mara = self.home.mara.guest
        await mara.open_person(name)
        await mara.button("Mute Sound").click()
        await mara.page.keyboard.press("Escape")
        self.model.held.add(name)
        await self.hearing()

    async def allow(self, name: str) -> None:
        """They are allowed again, and turn it on themselves."""
        mara = self.home.mara.guest
        await mara.open_person(name)
        await mara.button("Allow again Sound").click()
        await mara.page.keyboard.press("Escape")
        self.model.held.discard(name)
        guest = self.home[name].guest
        await guest.page.get_by_role("button", name=re.compile("^Mic off")).click()
        label = re.compile(f"^{self.model.microphone(name)}")
        await expect(guest.page.get_by_role("button", name=label)).to_be_visible()
        await self.hearing()

    async def kill(self, conversation: str) -> None:
        """The worker with the most pages dies while all members write: nothing is another."""
        people = self.home.people
        before = [one.standing() for one in people]
        words = {name: f"canary-{secrets.token_hex(6)}" for name in MEMBERS}
        self.site.canaries |= set(words.values())
        counts = [await door.connections() for door in self.site.doors]
        worker = counts.index(max(counts))
        await asyncio.gather(
            self.home.lose(worker),
            *(one.guest.say(conversation, words[one.name]) for one in self.home.members),
        )
        for one, was in zip(people, before, strict=True):
            assert one.standing() == was
            await one.guest.show("Circle")
        for name, said in words.items():
            readers = {name, *(self.model.place(name) if conversation == "My group" else {HOST})}
            for one in people:
                got = 1 if one.name in readers else 0
                await until(
                    lambda o=one, n=got, w=said: o.tap.said().count(w) == n, f"{name}'s words"
                )
        # Everybody has the same voices as before.
        await self.hearing()


def _holder(one: One) -> str | None:
    holder = one.view["floor"]["holder"]
    return None if holder is None else one.names([holder])[0]


async def tick(one: One, concern: str) -> None:
    """Ticks one of the concerns that the template offers."""
    guest = one.guest
    await guest.button(re.compile("^Show…")).click()
    await guest.dialog.get_by_label(concern).check()
    await guest.button("Save my ticks").click()
    await expect(guest.dialog).to_have_count(0)
    await until(lambda: one.view["topics"], f"the tags of {one.name}")


async def evening(site: Cluster, browser: Browser, template: str) -> None:
    """All stages of a shipped template, as it is, moved on by hand."""
    stages: list[Map] = templates.load(template)["stages"]
    home = await Household.arrive(site, browser, room_of(site, template)["links"])
    walk = Walk(home, stages)
    kills = 0
    for stage in stages:
        await walk.go_on()
        await walk.look()
        if stage["kind"] == "arrival" and home.mara.view["concerns"]:
            await asyncio.gather(*(tick(home[name], CONCERN) for name in ALIKE))
        floor = stage.get("floor")
        if floor == "round":
            await walk.next_turn(_from(str(walk.model.holder))[1])
        elif floor == "stick":
            await walk.raise_and_speak("Jon")
        if walk.model.holder is not None and kills == 0:
            kills += 1
            await walk.hold(MUTED)
            await walk.kill("To the facilitators")
        elif kills == 1 and ("pairs" in stage or (walk.model.holder and not _paired(stages))):
            kills += 1
            await walk.kill("My group" if "pairs" in stage else "To the facilitators")
            await walk.allow(MUTED)
        if floor == "round":
            await walk.hearing()
            for number in range(len(stage["rounds"])):
                await _round_to_its_end(walk, stage, number)
        elif floor == "stick":
            await walk.next_turn(None)
            await walk.hearing()
    assert kills == 2
    assert walk.model.at == len(stages) - 1
    await home.calm()


def _paired(stages: list[Map]) -> bool:
    return any("pairs" in stage for stage in stages)


def _from(name: str) -> list[str]:
    at = MEMBERS.index(name)
    return [*MEMBERS[at:], *MEMBERS[:at]]


async def _round_to_its_end(walk: Walk, stage: Map, number: int) -> None:
    """The rest of a round, and the beginning of the next one where there is one."""
    rounds, members = len(stage["rounds"]), list(MEMBERS)
    first = members[(walk.model.rounds - 1) % len(members)]
    order = _from(first)
    at = order.index(str(walk.model.holder))
    for name in order[at + 1 :]:
        await walk.next_turn(name)
    last = number + 1 == rounds
    await walk.next_turn(None if last else walk.model.starter())
    if last:
        return
    line = "This part of the evening"
    for one in walk.home.people:
        await expect(one.guest.part(line)).to_contain_text(walk.model.prompt(number + 1))
        await expect(one.guest.part(line)).to_contain_text(f"Round {number + 2} of {rounds}")
    await walk.hearing()


async def test_S1_an_evening_of_peer_support_and_two_killed_workers(
    site: Cluster, browser: Browser
) -> None:
    await evening(site, browser, HOUR)


@pytest.mark.soak
async def test_S1_AG7_RD3_an_hour_in_minutes_goes_by_itself(
    site: Cluster, browser: Browser
) -> None:
    """An edited copy: short stages, each of which ends by itself; nobody presses anything."""
    stages = [
        {**stage, "seconds": 20.0, "auto": True} | ({"turn_seconds": 8} if _by_hand(stage) else {})
        for stage in templates.load(HOUR)["stages"]
    ]
    made = await opened(site.doors[0], site, agenda={"stages": stages})
    home = await Household.arrive(site, browser, made["links"])
    await home.mara.guest.button(f"Begin: {stages[0]['title']}").click()
    for number, stage in enumerate(stages):
        for one in home.people:
            await until(
                lambda o=one, n=number: o.view["agenda"]["at"] == n,
                f"{stage['title']} at {one.name}'s",
            )
        if stage.get("floor") == "round":
            await _goes_round(home)
    assert home.mara.view["agenda"]["at"] == len(stages) - 1
    await home.calm()


def _by_hand(stage: Map) -> bool:
    return bool(stage.get("floor") == "stick")


async def _goes_round(home: Household) -> None:
    """Everybody has a turn, and the last one ends with the stage."""
    mara, held = home.mara, list[str]()
    ends_at = mara.view["agenda"]["ends_at"]
    at = mara.view["agenda"]["at"]
    while mara.view["agenda"]["at"] == at:
        holder = _holder(mara)
        if holder is not None and holder not in held:
            held.append(holder)
            last = mara.view["floor"]["ends_at"]
        await asyncio.sleep(0.02)
    assert sorted(held) == sorted(MEMBERS)
    assert last == pytest.approx(ends_at, abs=0.1)


@pytest.mark.soak
@pytest.mark.parametrize("template", OTHERS)
async def test_S1_an_evening_by_each_other_template(
    site: Cluster, browser: Browser, template: str
) -> None:
    await evening(site, browser, template)
