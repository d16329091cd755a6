"""The link's token is in no address, history, bookmark or shared screen (IN5)."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from .conftest import Enter, MakeRoom
from .guest import Guest

pytestmark = pytest.mark.browser

WHOLE = "This page needs the whole link"


async def history(page: Page) -> list[str]:
    """The addresses and titles of this tab, as its back button lists them. (`userTypedURL`, which
    no page can change and no browser shows, is a trace of how the test opened it.)"""
    session = await page.context.new_cdp_session(page)
    entries: Any = (await session.send("Page.getNavigationHistory"))["entries"]
    await session.detach()
    return [text for each in entries for text in (each["url"], each["title"])]


async def is_clean(page: Page, link: str) -> None:
    token = link.partition("#t=")[2]
    assert token
    shown = [page.url, *await history(page), await page.title()]
    shown += [await page.evaluate("JSON.stringify([history.state, document.referrer])")]
    assert not [each for each in shown if token in each or "#t=" in each]


async def kept(page: Page) -> str:
    return str(await page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])"))


async def pasted(page: Page, link: str) -> None:
    """As when a link is pasted into the address of the same room's page."""
    async with page.expect_navigation(wait_until="load"):
        await page.evaluate("(link) => { setTimeout(() => (location.href = link)); }", link)
    await page.wait_for_function("!location.hash")


@pytest.mark.parametrize("role", ["member", pytest.param("facilitator", marks=pytest.mark.soak)])
async def test_IN5_the_token_leaves_the_address_and_a_reload_comes_in_all_the_same(
    make_room: MakeRoom, enter: Enter, role: str
) -> None:
    room = await make_room(settings={"lobby": False})
    link: str = getattr(room, role)
    ben = await enter("Ben", link)
    field = ben.page.get_by_label("Your name in this circle")
    await expect(field).to_be_visible()
    await is_clean(ben.page, link)
    # Before one has a seat, a reload still knows the way.
    await ben.page.reload()
    await expect(field).to_be_visible()
    await is_clean(ben.page, link)
    await ben.join()
    await ben.agree()
    await expect(ben.seat("Ben")).to_be_visible()
    await is_clean(ben.page, link)
    await ben.page.reload()
    await expect(ben.seat("Ben")).to_be_visible()
    await is_clean(ben.page, link)
    # A bookmark, or the address that somebody copied.
    bookmark = await ben.context.new_page()
    await bookmark.goto(ben.page.url)
    await expect(bookmark.get_by_role("heading", name=WHOLE)).to_be_visible()
    await bookmark.close()
    # Away and back again, by the button of the browser.
    await ben.page.goto("about:blank")
    await ben.page.go_back()
    await ben.button("Take your seat again").click()
    await expect(ben.seat("Ben")).to_be_visible()
    await is_clean(ben.page, link)


@pytest.mark.soak
async def test_IN5_a_tab_that_is_duplicated_has_the_link_and_no_address_of_it(
    make_room: MakeRoom, enter: Enter
) -> None:
    room = await make_room(settings={"lobby": False})
    ben = await enter("Ben", room.member)
    await ben.join()
    await ben.agree()
    await expect(ben.seat("Ben")).to_be_visible()
    async with ben.context.expect_page() as opened:
        # A window that its opener made has a copy of the tab's storage, as a duplicate has.
        await ben.page.evaluate("() => { window.open(location.href); }")
    twin = await opened.value
    await expect(twin.get_by_role("heading", name="Already here before?")).to_be_visible()
    await expect(twin.get_by_label("Your name in this circle")).to_be_visible()
    await is_clean(twin, room.member)


@pytest.mark.soak
async def test_IN5_another_link_pasted_into_the_page_is_used_and_leaves_no_trace(
    make_room: MakeRoom, enter: Enter
) -> None:
    room = await make_room(settings={"lobby": False})
    mara = await enter("Mara", room.member)
    await expect(mara.page.get_by_label("Your name in this circle")).to_be_visible()
    await pasted(mara.page, room.facilitator)
    await is_clean(mara.page, room.member)
    await is_clean(mara.page, room.facilitator)
    await mara.join()
    await mara.agree()
    await expect(mara.seat("Mara")).to_be_visible()
    await expect(mara.button("End the circle…")).to_be_visible()
    # A fragment that is no link of this room's opens nothing anew.
    await mara.page.evaluate("() => { location.hash = 'stage'; }")
    await expect(mara.seat("Mara")).to_be_visible()


@pytest.mark.soak
async def test_IN5_leaving_puts_the_link_away_and_one_press_takes_it_again(
    make_room: MakeRoom, enter: Enter
) -> None:
    room = await make_room(settings={"lobby": False})
    token = room.member.partition("#t=")[2]
    ben = await enter("Ben", room.member)
    await ben.join()
    await ben.agree()
    await expect(ben.seat("Ben")).to_be_visible()
    assert token in await kept(ben.page)
    await leave(ben)
    assert token not in await kept(ben.page)
    await is_clean(ben.page, room.member)
    await ben.button("Come in with the link").click()
    await expect(ben.page.get_by_label("Your name in this circle")).to_be_visible()
    await is_clean(ben.page, room.member)


@pytest.mark.soak
@pytest.mark.parametrize("how", ["removed", "ended"])
async def test_IN5_nothing_of_the_link_is_kept_after_a_removal_or_the_end(
    make_room: MakeRoom, enter: Enter, how: str
) -> None:
    room = await make_room(settings={"lobby": False})
    token = room.member.partition("#t=")[2]
    mara = await enter("Mara", room.facilitator)
    ben = await enter("Ben", room.member)
    for one in (mara, ben):
        await one.join()
        await one.agree()
    await expect(ben.seat("Mara")).to_be_visible()
    if how == "removed":
        await mara.open_person("Ben")
        await mara.button("Remove from the circle").click()
        await mara.button("Remove").click()
    else:
        await mara.button("End the circle…").click()
        await mara.button("End for everyone").click()
    await expect(ben.page).to_have_title("Goodbye · Sitwith")
    assert token not in await kept(ben.page)
    await is_clean(ben.page, room.member)


@pytest.mark.soak
async def test_IN5_a_browser_that_keeps_nothing_has_a_clean_address_once_one_is_in(
    make_room: MakeRoom, enter: Enter
) -> None:
    refuse = (
        'Object.defineProperty(globalThis, "sessionStorage", { get() { throw Error("no"); } });'
    )
    room = await make_room(settings={"lobby": False})
    ben = await enter("Ben", room.member, script=refuse)
    await ben.join()
    await ben.agree()
    await expect(ben.seat("Ben")).to_be_visible()
    await is_clean(ben.page, room.member)


async def leave(guest: Guest) -> None:
    await guest.button("More").click()
    await guest.button("Leave the circle").click()
    await guest.button("Leave").click()
    await expect(guest.heading("You have left the circle")).to_be_visible()
