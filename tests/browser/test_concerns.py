"""A template that is chosen in the page brings what it offers to tick, and takes nothing away."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from .conftest import Enter, MakeRoom
from .guest import Guest
from .test_agenda import inside

pytestmark = pytest.mark.browser

TAKE = "Take this one Peer support, one hour"


async def take(mara: Guest) -> None:
    await mara.button("Choose an agenda…").click()
    await mara.button(TAKE).click()
    await expect(mara.dialog).to_have_count(0)


async def test_LK3_a_template_offers_its_concerns(make_room: MakeRoom, enter: Enter) -> None:
    room = await make_room()
    mara = await inside(enter, "Mara", room.facilitator)
    ben = await inside(enter, "Ben", room.member)
    await take(mara)
    await ben.button(re.compile("^Show…")).click()
    await expect(ben.dialog.get_by_label("Losing somebody")).to_be_visible()


async def test_LK3_what_is_offered_already_stays(make_room: MakeRoom, enter: Enter) -> None:
    room = await make_room(concerns=["Night shifts"])
    mara = await inside(enter, "Mara", room.facilitator)
    ben = await inside(enter, "Ben", room.member)
    await take(mara)
    await expect(ben.part("This part of the evening")).to_contain_text("Begins with: Arriving")
    await ben.button(re.compile("^Show…")).click()
    await expect(ben.dialog.get_by_label("Night shifts")).to_be_visible()
    await expect(ben.dialog.get_by_label("Losing somebody")).to_have_count(0)
