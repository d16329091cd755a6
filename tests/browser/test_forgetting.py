"""The page of a room that has forgotten, and of one whose time is over soon (RE14, TI8, FG9)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from playwright.async_api import expect

from tests.blackbox.house import Server

from .conftest import Enter

REMEMBERS = 10


@pytest.fixture
def brief() -> Iterator[Server]:
    made = Server({"SITWITH_ROOM_TTL": "75", "SITWITH_FORGET_SECONDS": f"{REMEMBERS}"})
    yield made
    made.stop()


async def links(server: Server) -> dict[str, str]:
    answer = await server.http("POST", "/api/rooms", {"settings": {"sealed": False}})
    assert answer.status_code == httpx.codes.CREATED, answer.text
    found: dict[str, str] = answer.json()["links"]
    return found


async def test_TI8_FG9_the_end_is_told_calmly_and_a_facilitator_moves_it(
    brief: Server, enter: Enter
) -> None:
    way = await links(brief)
    fay = await enter("Fay", way["facilitator"])
    ada = await enter("Ada", way["member"])
    for one in (fay, ada):
        await one.join()
        await one.agree()
    for one in (fay, ada):
        note = one.page.get_by_label("The end of the circle's time").filter(has_text="is over in")
        await expect(note).to_contain_text("less than a minute")
    await expect(ada.page.get_by_role("button", name="30 min")).to_have_count(0)
    await expect(ada.page.get_by_text("Nobody is sent away").first).to_be_visible()
    await ada.page.get_by_role("button", name="All right").click()
    await expect(ada.page.get_by_text("Under a minute")).to_be_visible()
    # Half an hour is more than this room has as it was made.
    await fay.page.get_by_role("button", name="30 min").first.click()
    await expect(fay.page.get_by_text("too much time at once")).to_be_visible()


async def test_RE14_the_page_comes_in_anew_where_the_room_has_forgotten(
    brief: Server, enter: Enter
) -> None:
    way = await links(brief)
    ada = await enter("Ada", way["member"])
    await ada.join()
    await ada.agree()
    await expect(ada.heading("The floor is open")).to_be_visible()
    # The same tab comes back after a quarter of an hour, which is ten seconds here.
    await ada.page.goto("about:blank")
    await asyncio.sleep(REMEMBERS + 4)
    await ada.page.goto(way["member"])
    await ada.button("Take your seat again").click()
    await expect(ada.page.get_by_text("the circle begins again")).to_be_visible()
    await ada.agree()
    await expect(ada.heading("The floor is open")).to_be_visible()
    await expect(ada.page.get_by_text("1 here")).to_be_visible()
