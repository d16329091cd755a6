"""An evening by its agenda, breathing by one clock, and pairs by what people ticked."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import expect

from .conftest import Enter, MakeRoom
from .guest import PHONE, WIDE, Guest
from .test_keyboard import come_in, press

pytestmark = pytest.mark.browser

STAGES: list[dict[str, Any]] = [
    {"kind": "arrival", "title": "Arriving", "seconds": 300, "floor": "open"},
    {
        "kind": "breath",
        "title": "A breath",
        "seconds": 600,
        "floor": "quiet",
        "breathe": {"pattern": [4, 6]},
        "prompt": "In while it grows.",
    },
    {
        "kind": "round",
        "title": "Opening round",
        "seconds": 600,
        "floor": "round",
        "rounds": [{"prompt": "How are you here?"}],
    },
    {"kind": "closing", "title": "Closing", "seconds": 300, "floor": "open"},
]
#: Two share one concern in the facilitator's words, two another in their own.
TICKS = {
    "Ben": "Losing somebody",
    "Aya": "night shifts",
    "Jon": "Losing somebody",
    "Nia": "NIGHT  Shifts",
}
PHASE = "() => document.querySelector('[data-phase]')?.dataset.phase ?? null"


async def inside(enter: Enter, name: str, link: str, **options: Any) -> Guest:
    one = await enter(name, link, **options)
    await one.join()
    await one.agree()
    await expect(one.seat(name)).to_be_visible()
    return one


async def test_an_evening_goes_by_its_agenda(make_room: MakeRoom, enter: Enter) -> None:
    room = await make_room(agenda={"stages": STAGES})
    mara = await inside(enter, "Mara", room.facilitator)
    ben = await inside(enter, "Ben", room.member, size=PHONE)
    await expect(ben.part("This part of the evening")).to_contain_text("Begins with: Arriving")
    # A part that is to come gets other words, as somebody would change them.
    await mara.button("All parts of the evening").click()
    await mara.accessible()
    await mara.dialog.get_by_text("Change Closing").click()
    await mara.dialog.get_by_label("Title").locator("visible=true").fill("Going home")
    await mara.dialog.get_by_label("Minutes").locator("visible=true").fill("2.5")
    await mara.button("Save").click()
    await expect(mara.dialog).to_have_count(0)
    await mara.button("Begin: Arriving").click()
    for one in (mara, ben):
        await expect(one.part("This part of the evening")).to_contain_text("Arriving")
        await expect(one.part("This part of the evening")).to_contain_text(
            re.compile(r"[45]:\d\d left")
        )
    await mara.button("+5 min for this part").click()
    await expect(ben.part("This part of the evening")).to_contain_text(
        re.compile(r"(?:9|10):\d\d left")
    )
    await mara.button("Next: A breath").click()
    for one in (mara, ben):
        await expect(one.part("This part of the evening")).to_contain_text("In while it grows.")
        await expect(one.part("Breathing together")).to_contain_text("Breathe in", timeout=30_000)
    await ben.accessible()
    # Every page is in the same phase, but for the moment in which it changes.
    same = 0
    for _ in range(10):
        here, there = await asyncio.gather(mara.page.evaluate(PHASE), ben.page.evaluate(PHASE))
        same += here == there and here in ("in", "out")
        await asyncio.sleep(0.2)
    assert same >= 5
    await mara.button("Next: Opening round").click()
    await expect(ben.part("Breathing together")).to_have_count(0)
    await expect(ben.heading("It is your turn")).to_be_visible()
    await expect(ben.part("This part of the evening")).to_contain_text("How are you here?")
    # The only turn has the whole of the part's time.
    await expect(ben.part("It is your turn")).to_contain_text(re.compile(r"(?:9|10):\d\d"))
    await ben.button("Pass the stick").click()
    await expect(ben.heading("The stick is resting")).to_be_visible()
    await mara.button("Next: Going home").click()
    await expect(ben.part("This part of the evening")).to_contain_text(
        re.compile(r"Going home\s*2:\d\d left")
    )
    await mara.button("Back to: Opening round").click()
    await expect(ben.heading("It is your turn")).to_be_visible()
    await mara.accessible()


async def test_an_agenda_is_chosen_and_begun_by_keyboard(make_room: MakeRoom, enter: Enter) -> None:
    room = await make_room()
    mara = await enter("Mara", room.facilitator)
    await come_in(mara)
    await press(mara, mara.button("Choose an agenda…"))
    await expect(mara.dialog.get_by_role("heading", name="Choose an agenda")).to_be_focused()
    take = mara.button("Take this one Peer support, one hour")
    await expect(take).to_be_visible()
    await mara.accessible()
    await press(mara, take)
    await expect(mara.dialog).to_have_count(0)
    await press(mara, mara.button("Begin: Arriving"))
    await expect(mara.part("This part of the evening")).to_contain_text(
        re.compile(r"[45]:\d\d left")
    )
    await press(mara, mara.button("Next: What we agree on"))
    await expect(mara.part("This part of the evening")).to_contain_text(
        "What is said here stays here."
    )


async def tick(guest: Guest, concern: str, offered: str) -> None:
    await guest.button(re.compile("^Show…")).click()
    await expect(
        guest.dialog.get_by_text("the key to the codes comes from the server")
    ).to_be_visible()
    if concern == offered:
        await guest.dialog.get_by_label(offered).check()
    else:
        await guest.dialog.get_by_label("A topic of your own").fill(concern)
        await guest.button("Add").click()
    await expect(guest.dialog.get_by_text("1 ticked")).to_be_visible()
    await guest.accessible()
    await guest.button("Save my ticks").click()
    await expect(guest.dialog).to_have_count(0)


async def test_pairs_are_linked_by_what_people_ticked(make_room: MakeRoom, enter: Enter) -> None:
    room = await make_room()
    mara = await inside(enter, "Mara", room.facilitator)
    members = {
        name: await inside(enter, name, room.member, size=PHONE if name == "Aya" else WIDE)
        for name in TICKS
    }
    await mara.button(re.compile("^Topics for pairing…")).click()
    await mara.dialog.get_by_label("Topics, one on each line").fill(
        "Losing somebody\nSleeping badly"
    )
    await mara.accessible()
    await mara.button("Offer these").click()
    await expect(mara.dialog).to_have_count(0)
    for name, one in members.items():
        await tick(one, TICKS[name], "Losing somebody")
    # Ticks are known again, and no word of one's own is on anybody else's page.
    await members["Ben"].button("More").click()
    await members["Ben"].button(re.compile("^Topics for pairing")).click()
    await expect(members["Ben"].dialog.get_by_label("Losing somebody")).to_be_checked()
    await members["Ben"].page.keyboard.press("Escape")
    for one in (mara, members["Ben"], members["Jon"]):
        assert "shifts" not in (await one.page.content()).lower()
    await mara.button("Make pairs…").click()
    await mara.dialog.get_by_label("People who share a topic").check()
    await mara.button("Make a plan").click()
    await expect(mara.dialog.get_by_text("2 share a topic and 0 met before")).to_be_visible()
    await expect(mara.dialog.get_by_text("1 shared topic", exact=True)).to_have_count(2)
    await mara.accessible()
    await mara.button("Open the groups").click()
    for name, other in (("Ben", "Jon"), ("Jon", "Ben"), ("Aya", "Nia"), ("Nia", "Aya")):
        await expect(members[name].page.get_by_text(f"You sit with {other}.")).to_be_visible()
