"""Roles stand where no name can reach (NA4): seats, chat, turns, dialogs, groups, care."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.blackbox.house import Server

from .conftest import Enter, MakeRoom
from .guest import PHONE, WIDE, Guest

pytestmark = pytest.mark.browser

FALSE = "Ben, you, has the stick"
ARABIC = "مريم"
#: Each name is a box of its own, and no badge is in one; who is beside which badge.
LOOK = """
() => {
  const seen = (one) => one.getClientRects().length > 0;
  const names = [...document.querySelectorAll(".who-name")].filter(seen);
  const wrong = names.filter((one) =>
    getComputedStyle(one).unicodeBidi !== "isolate" || one.children.length > 0 ||
    one.querySelector(".icon, [data-role]") !== null);
  const badges = [...document.querySelectorAll("[data-role]")].filter(seen);
  const inside = badges.filter((one) => one.closest(".who-name") !== null);
  const bare = badges.filter((one) => one.querySelector("svg") === null);
  const near = (one) => one.closest("li, article, .person-row, dialog");
  return {
    wrong: wrong.length + inside.length + bare.length,
    badged: [...new Set(badges.map((one) => near(one)?.textContent ?? "?"))],
    names: names.length,
  };
}
"""


async def looked_at(guest: Guest) -> None:
    found = await guest.page.evaluate(LOOK)
    assert found["wrong"] == 0
    assert found["names"] > 0
    assert found["badged"]
    for text in found["badged"]:
        assert "Mara" in text or "You" in text, text
        assert "Ben" not in text or "Mara" in text, text


@pytest.mark.parametrize("size", [WIDE, pytest.param(PHONE, marks=pytest.mark.soak)])
async def test_NA4_a_role_is_an_element_of_its_own(
    make_room: MakeRoom, enter: Enter, size: dict[str, int]
) -> None:
    room = await make_room(settings={"lobby": False})
    mara = await enter("Mara", room.facilitator)
    ben = await enter(FALSE, room.member)
    aya = await enter(ARABIC, room.member, size=size)
    for one in (mara, ben, aya):
        await one.join()
        await one.agree()
    for one in (mara, ben, aya):
        await one.say("Circle", f"Hello from {one.name}")
    await ben.button("Raise hand").click()
    seats = aya.page.get_by_role("list", name="Seats in the circle")
    await aya.show("Circle")
    await expect(seats.get_by_role("button", name="Mara, Facilitator")).to_be_visible()
    # What a name says is no sign: it stands before the first comma, in one piece.
    said = re.compile("^Ben you has the stick, hand raised")
    await expect(seats.get_by_role("button", name=said)).to_be_visible()
    await looked_at(aya)
    await aya.show("Chat")
    log = aya.page.get_by_role("log")
    await expect(
        log.get_by_role("article", name=re.compile("^Mara, Facilitator, "))
    ).to_be_visible()
    await expect(log.get_by_role("article", name=re.compile("^Ben you has"))).to_be_visible()
    await looked_at(aya)
    await aya.show("Turns")
    await looked_at(aya)
    await aya.show("Circle")
    await seats.get_by_role("button", name="Mara, Facilitator").click()
    await expect(aya.dialog.get_by_text("Facilitator", exact=True)).to_be_visible()
    await looked_at(aya)
    await aya.page.keyboard.press("Escape")
    if size is PHONE:
        await aya.accessible()


@pytest.mark.soak
async def test_EV13_signs_that_every_object_inherits_are_a_bit_of_light(
    page_server: Server, make_room: MakeRoom, enter: Enter
) -> None:
    room = await make_room(settings={"lobby": False})
    ben = await enter("Ben", room.member)
    await ben.join()
    await ben.agree()
    gus = await page_server.connect("Gus")
    await gus.hello(room.member.partition("#t=")[2], "Gus")
    await gus.ok("agreement.accept", {"version": gus.view["agreement"]["version"]})
    await expect(ben.seat("Gus")).to_be_visible()
    for kind in ("constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"):
        await gus.command("react", {"kind": kind})
        sign = ben.page.locator(".sign-sun").first
        await expect(sign).to_be_visible()
        said = await ben.page.evaluate("() => document.body.textContent")
        assert "native code" not in said
        assert "[object" not in said
        await expect(sign).to_have_count(0)
    gus.drop()


@pytest.mark.soak
async def test_NA2_a_name_that_is_none_is_explained_and_another_is_taken(
    make_room: MakeRoom, enter: Enter
) -> None:
    room = await make_room(settings={"lobby": False})
    gus = await enter("Gus (co-host)", room.member)
    await gus.join()
    await expect(gus.heading("Please choose another name")).to_be_visible()
    await gus.accessible()
    await gus.button("Try again").click()
    gus.name = "Gus"
    await gus.join()
    await gus.agree()
    await gus.button("More").click()
    await gus.page.get_by_label("Your name in this circle").fill("Gus ✔")
    await gus.button("Change name").click()
    await expect(gus.page.get_by_text("That can't be a name here")).to_be_visible()
    await expect(gus.dialog).to_be_visible()
