"""Somebody is not well: the flag, who takes it on, the side room, the card; nobody else is told."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import expect

from .conftest import Enter, MakeRoom
from .guest import PHONE, Guest
from .test_agenda import inside

pytestmark = pytest.mark.browser

PHONE_NUMBER = "555 0100"


async def come_in(enter: Enter, name: str, link: str, **options: Any) -> Guest:
    """Into a room that asks how one can be reached."""
    one = await enter(name, link, **options)
    await one.join()
    await one.agree()
    await expect(one.dialog).to_be_visible()
    return one


async def test_somebody_is_looked_after(make_room: MakeRoom, enter: Enter) -> None:
    room = await make_room(settings={"cards": True})
    mara = await inside(enter, "Mara", room.facilitator)
    ben = await come_in(enter, "Ben", room.member, size=PHONE)
    await ben.dialog.get_by_label("A number to call").fill(PHONE_NUMBER)
    await ben.button("Save").click()
    aya = await come_in(enter, "Aya", room.member)
    await aya.button("Not now").click()
    await expect(aya.dialog).to_have_count(0)
    await ben.button(re.compile("^Care ")).click()
    await ben.accessible()
    await expect(ben.dialog.get_by_label("A number to call")).to_have_value(PHONE_NUMBER)
    await ben.button("I am not well. Please look after me when you can.").click()
    await expect(ben.dialog.get_by_text("One facilitator is connected")).to_be_visible()
    await expect(mara.page.get_by_text("Care: Ben")).to_be_visible()
    await mara.accessible()
    panel = mara.part("Care")
    await mara.button("I'll help Ben", within=panel).click()
    await expect(ben.dialog.get_by_text("Mara has seen it")).to_be_visible()
    await mara.button("Open the card Ben").click()
    await expect(mara.dialog.get_by_text(PHONE_NUMBER)).to_be_visible()
    await mara.page.keyboard.press("Escape")
    told = ben.dialog.get_by_role("paragraph").filter(has_text="Mara has opened your card.")
    await expect(told).to_be_visible()
    await ben.page.keyboard.press("Escape")
    await mara.button("Open a side room Ben").click()
    for one, other in ((mara, "Ben"), (ben, "Mara")):
        await expect(one.page.get_by_text(f"You are in a side room with {other}.")).to_be_visible()
    await ben.say("Side room", "Only for you.")
    await mara.reads("Side room", "Only for you.")
    await ben.show("Circle")
    await ben.accessible()
    await ben.button("To the circle").click()
    await expect(mara.seat("Aya")).to_be_visible()
    await mara.button("Done Ben").click()
    await expect(panel).to_have_count(0)
    seen = await aya.page.content()
    for words in (PHONE_NUMBER, "not well", "side room", "Only for you."):
        assert words not in seen


async def test_where_nobody_can_see_a_flag_the_lines_are_shown(
    make_room: MakeRoom, enter: Enter
) -> None:
    room = await make_room()
    ben = await inside(enter, "Ben", room.member, locale="de-AT")
    await ben.button(re.compile("^Care ")).click()
    await ben.button("I need somebody now.").click()
    await expect(ben.page.get_by_text("No facilitator can see it just now.")).to_be_visible()
    await expect(ben.dialog.get_by_text("In danger: 112")).to_be_visible()
    await ben.accessible()
