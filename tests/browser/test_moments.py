"""How everybody is, milestones and quiet signs, as a facilitator and a member see them."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, expect

from tests.blackbox.house import Circle, Server, circle

from .conftest import Enter
from .guest import PHONE, Guest
from .test_agenda import inside
from .test_keyboard import press

pytestmark = pytest.mark.browser

OTHERS = ("Aya", "Jon", "Nia", "Lea")
#: Notes what is seen at the seats, for it is gone after a moment.
SEEN = """
globalThis.signs = [];
addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
  for (const each of document.querySelectorAll(".sign-spoken")) signs.push(each.textContent);
}).observe(document.body, {childList: true, subtree: true}));
"""


def link(room: Circle, role: str) -> str:
    return f"{room.server.url}/r/{room.room}#t={room.tokens[role]}"


async def two(room: Circle, enter: Enter) -> tuple[Guest, Guest]:
    """Mara leads at a desk, Ben is a member on a phone."""
    mara = await inside(enter, "Mara", link(room, "facilitator"), script=SEEN)
    ben = await inside(enter, "Ben", link(room, "member"), size=PHONE)
    return mara, ben


def folded(guest: Guest, title: str) -> Locator:
    return guest.part(title).locator("summary").first


async def test_moods_are_answered_by_keyboard_and_shown_together(
    page_server: Server, enter: Enter
) -> None:
    async with circle(page_server, OTHERS, host="") as room:
        mara, ben = await two(room, enter)
        await folded(mara, "Together").click()
        await mara.button("Ask how everybody is").click()
        note = ben.part("How everybody is")
        await expect(note).to_contain_text("How are you just now?")
        await ben.accessible()
        await press(ben, ben.button("Answer… How everybody is"))
        await expect(ben.dialog.get_by_role("heading")).to_be_focused()
        await press(ben, ben.button("2 hard"))
        await expect(ben.button("2 hard")).to_have_attribute("aria-pressed", "true")
        await press(ben, ben.button("4 all right"))
        await expect(ben.button("4 all right")).to_have_attribute("aria-pressed", "true")
        await expect(ben.dialog.get_by_text("Your answer is in.")).to_be_visible()
        await ben.accessible()
        await ben.page.keyboard.press("Escape")
        await expect(note).to_have_count(0)
        for one, value in zip(room.members, (4, 4, 3, 5), strict=True):
            await one.ok("mood.answer", {"value": value})
        together = mara.part("Together")
        await expect(together.get_by_text("5 answers so far.")).to_be_visible()
        await mara.accessible()
        await mara.button("Close and show").click()
        await expect(note).to_contain_text("This is how we are.")
        await ben.button("Show… How everybody is").click()
        rows = ben.dialog.get_by_role("row")
        await expect(rows.filter(has_text="all right")).to_contain_text("3")
        await expect(rows.filter(has_text="very hard")).to_contain_text("0")
        await ben.accessible()
        await ben.page.keyboard.press("Escape")
        # The same five, and too few of them: nothing is shown.
        await mara.button("Ask again").click()
        await expect(note).to_contain_text("How are you just now?")
        await ben.button("Not now How are you just now?").click()
        await expect(note).to_have_count(0)
        await room.members[0].ok("mood.answer", {"value": 1})
        await mara.button("Close", within=together).click()
        await expect(note).to_contain_text("Too few answers to show.")


async def test_a_milestone_is_shared_and_everybody_may_be_glad(
    page_server: Server, enter: Enter
) -> None:
    async with circle(page_server, OTHERS[:1], host="") as room:
        mara, ben = await two(room, enter)
        await ben.button("More").click()
        await press(ben, ben.button(re.compile("^Share a milestone…")))
        field = ben.dialog.get_by_label("Your milestone, in your own words")
        await field.fill("x" * 81)
        await expect(ben.dialog.get_by_text("1 letter too many.")).to_be_visible()
        await expect(ben.button("Share it")).to_have_attribute("aria-disabled", "true")
        await field.fill("Ninety days today.")
        await ben.accessible()
        await ben.page.keyboard.press("Enter")
        await expect(ben.dialog).to_have_count(0)
        shown = mara.part("Milestones")
        await expect(shown).to_contain_text("Ben shares a milestone")
        await expect(shown).to_contain_text("Ninety days today.")
        await mara.button("Be glad with them with Ben").click()
        aya = room.members[0]
        await aya.gets(lambda m: m["t"] == "reaction" and m["kind"] == "sun", "a sign of Mara's")
        await ben.button(re.compile("^Remove")).click()
        for one in (mara, ben):
            await expect(one.part("Milestones")).to_have_count(0)


async def test_signs_are_sent_by_keyboard_and_take_nothing_from_anybody(
    page_server: Server, enter: Enter
) -> None:
    async with circle(page_server, OTHERS[:1], host="") as room:
        mara, ben = await two(room, enter)
        aya = room.members[0]
        await mara.open_person("Aya")
        await mara.button("Give the stick").click()
        await expect(ben.heading("Aya has the stick")).to_be_visible()
        react = ben.button("React")
        await press(ben, react)
        signs = ben.page.get_by_role("group", name="Send a small sign")
        await expect(ben.button("I hear you", within=signs)).to_be_focused()
        await ben.accessible()
        await ben.page.keyboard.press("Escape")
        await expect(signs).to_have_count(0)
        await expect(react).to_be_focused()
        await ben.page.keyboard.press("Enter")
        await expect(signs).to_be_visible()
        await ben.page.keyboard.press("2")
        await expect(signs).to_have_count(0)
        await aya.gets(lambda m: m["t"] == "reaction" and m["kind"] == "me_too", "Ben's sign")
        await mara.page.wait_for_function("() => globalThis.signs.includes('me too')")
        for one in (mara, ben):
            await expect(one.heading("Aya has the stick")).to_be_visible()
