"""Nothing but a keyboard: joining, agreeing, passing the stick, dialogs, conversations."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, expect

from .conftest import Enter, MakeRoom
from .guest import Guest

pytestmark = pytest.mark.browser

#: More presses than there are places to go on any page of three people.
MOST_STEPS = 60


async def tab_to(guest: Guest, target: Locator) -> None:
    """Presses Tab until `target` has the focus; everything on the way must show where it is."""
    for _ in range(MOST_STEPS):
        await guest.page.keyboard.press("Tab")
        if await target.evaluate("(element) => element === document.activeElement"):
            outline = await target.evaluate("(element) => getComputedStyle(element).outlineStyle")
            assert outline != "none", "the focus can't be seen"
            return
    raise AssertionError("the keyboard never came there")


async def press(guest: Guest, target: Locator, key: str = "Enter") -> None:
    await tab_to(guest, target)
    await guest.page.keyboard.press(key)


async def come_in(guest: Guest) -> None:
    field = guest.page.get_by_label("Your name in this circle")
    await tab_to(guest, field)
    await guest.page.keyboard.type(guest.name)
    await guest.page.keyboard.press("Enter")
    heading = guest.heading("Before we begin")
    await expect(heading).to_be_focused()
    await press(guest, guest.button("I agree to this"))
    await expect(guest.page.get_by_role("region", name="Circle", exact=True)).to_be_focused()


async def test_joining_and_passing_the_stick_by_keyboard_alone(
    make_room: MakeRoom, enter: Enter
) -> None:
    room = await make_room()
    mara = await enter("Mara", room.facilitator)
    await come_in(mara)
    ben = await enter("Ben", room.member)
    await come_in(ben)
    await press(mara, mara.button("Begin a round…"))
    await expect(mara.dialog.get_by_role("heading", name="Begin a round")).to_be_focused()
    await press(mara, mara.button("Begin the round"))
    await expect(mara.dialog).to_have_count(0)
    await expect(ben.heading("It is your turn")).to_be_visible()
    await press(ben, ben.button("Pass the stick"))
    await expect(ben.heading("The stick is resting")).to_be_visible()
    # The button that was pressed is gone; the focus stays by the controls that took its place.
    inside = await ben.button("Raise hand").evaluate(
        "(element) => document.activeElement !== document.body"
        " && document.activeElement.contains(element)"
    )
    assert inside
    await press(ben, ben.button("Raise hand"), "Space")
    await expect(ben.heading("It is your turn")).to_be_visible()


async def test_a_dialog_keeps_and_gives_back_the_focus(make_room: MakeRoom, enter: Enter) -> None:
    room = await make_room()
    ben = await enter("Ben", room.member)
    await come_in(ben)
    more = ben.button("More")
    await press(ben, more)
    await expect(ben.dialog.get_by_role("heading", name="You")).to_be_focused()
    for _ in range(MOST_STEPS):
        await ben.page.keyboard.press("Tab")
        outside = await ben.page.evaluate(
            "() => !document.querySelector('dialog').contains(document.activeElement)"
            " && document.activeElement !== document.body"
        )
        assert not outside
    await ben.page.keyboard.press("Escape")
    await expect(ben.dialog).to_have_count(0)
    await expect(more).to_be_focused()


async def test_skip_links_and_conversations_by_keyboard(make_room: MakeRoom, enter: Enter) -> None:
    room = await make_room()
    mara = await enter("Mara", room.facilitator)
    await come_in(mara)
    ben = await enter("Ben", room.member)
    await come_in(ben)
    address = ben.page.url
    await ben.page.evaluate("() => document.activeElement.blur()")
    await press(ben, ben.page.get_by_role("link", name="Skip to the conversations"))
    await expect(ben.page.get_by_role("region", name="Conversations", exact=True)).to_be_focused()
    assert ben.page.url == address
    await tab_to(ben, ben.tab("Circle"))
    await ben.page.keyboard.press("ArrowRight")
    await expect(ben.tab("To the facilitators")).to_be_focused()
    await expect(ben.tab("To the facilitators")).to_have_attribute("aria-selected", "true")
    field = ben.page.get_by_role("textbox", name="Write a message")
    await expect(field).to_have_accessible_description(re.compile("Only the facilitators read"))
    await tab_to(ben, field)
    await ben.page.keyboard.type("One line")
    await ben.page.keyboard.press("Shift+Enter")
    await ben.page.keyboard.type("and another")
    await ben.page.keyboard.press("Enter")
    await expect(ben.page.get_by_role("log").get_by_text("One line\nand another")).to_be_visible()
    await expect(field).to_be_focused()
    await expect(field).to_have_value("")
