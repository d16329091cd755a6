"""A circle that meets again, in the page: asked, remembered, known, forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, expect

from sitwith_protocol.person import read_person
from sitwith_server.series.handles import Handles
from tests.blackbox.house import Server
from tests.series.evening import KEY, series, until_kept
from tests.series.test_series import started

from .conftest import Enter
from .guest import PHONE, Guest

pytestmark = pytest.mark.browser

AGREE = "I agree to this"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("series") / "series.db"


@pytest.fixture(scope="module")
def server(file: Path) -> Iterator[Server]:
    made = started(f"sqlite:///{file}")
    yield made
    made.stop()


async def link(server: Server, made: str) -> str:
    """A member's link to the next meeting."""
    answer = await server.http("POST", "/api/rooms", {"series": made})
    return str(answer.json()["links"]["member"])


def wish(one: Guest, words: str) -> Locator:
    return one.page.get_by_role("radio", name=re.compile(f"^{words}"))


async def test_SE1_SE2_SE8_one_is_asked_remembered_known_and_forgotten(
    server: Server, enter: Enter, file: Path
) -> None:
    made = await series(server, title="Tuesdays", starts_at="2026-11-24T19:00", every=7)
    ada = await enter("Ada", await link(server, made), size=PHONE, accept_downloads=True)
    await ada.join()
    await expect(ada.page.get_by_text("This circle meets again")).to_be_visible()
    await ada.accessible()
    # Nothing is chosen for one, and without a choice nobody comes in.
    await ada.button(AGREE).click()
    await expect(ada.page.get_by_text("Please choose one of the two.")).to_be_visible()
    await wish(ada, "Don't remember me").focus()
    await ada.page.keyboard.press("ArrowUp")
    await expect(
        ada.page.get_by_role("radio", name="Remember me", exact=False).first
    ).to_be_checked()
    await ada.button(AGREE).click()
    await until_kept(server, made, people=1)

    # The next meeting knows her by her browser.
    await ada.page.goto(await link(server, made))
    await ada.join()
    await expect(wish(ada, "Remember me, as before")).to_be_checked()
    await ada.button(AGREE).click()
    await ada.button("More").click()
    await ada.page.get_by_role("button", name="This circle meets again").click()
    await expect(ada.dialog.get_by_text("You are remembered in this circle.")).to_be_visible()
    await ada.accessible()
    await until_kept(server, made, people=1, meetings=2)
    code = await ada.dialog.locator("code").inner_text()
    handle = Handles(KEY).of(made, read_person(code))
    assert any(handle in each.read_bytes() for each in file.parent.glob("series.db*"))
    async with ada.page.expect_download() as coming:
        await ada.dialog.get_by_role("link", name="Meetings for my calendar").click()
    assert b"RRULE:FREQ=WEEKLY" in Path(await (await coming.value).path()).read_bytes()

    await ada.button("Forget me").click()
    await expect(ada.page.get_by_role("heading", name="Forget you?")).to_be_focused()
    await ada.button("Yes, forget me").click()
    await expect(ada.dialog.get_by_text("You are not remembered in this circle")).to_be_visible()
    await expect(ada.dialog.locator("code")).to_have_count(0)
    await until_kept(server, made, people=0)
    assert not any(handle in each.read_bytes() for each in file.parent.glob("series.db*"))
    assert await ada.page.evaluate("localStorage.length") == 0
    await ada.accessible()


async def test_SE2_a_code_makes_one_known_on_another_device(server: Server, enter: Enter) -> None:
    made = await series(server)
    code = "aaaq-eaye-auda-ocaj-bifq-ydio-b4ib-ceqt"
    for words in (code, code.upper()):
        one = await enter("Ben", await link(server, made))
        await one.join()
        await wish(one, "Remember me").check()
        await one.page.get_by_text("I have a code from another device").click()
        field = one.page.get_by_label("Your code")
        await field.fill("no code")
        await one.button(AGREE).click()
        await expect(one.page.get_by_text("This is not a code")).to_be_visible()
        await field.fill(words)
        await one.button(AGREE).click()
        await expect(one.button("More")).to_be_visible()
    await until_kept(server, made, people=1, meetings=2)


async def test_SE2_who_says_no_is_not_remembered(server: Server, enter: Enter) -> None:
    made = await series(server)
    shy = await enter("Shy", await link(server, made))
    await shy.join()
    await wish(shy, "Don't remember me").check()
    await shy.button(AGREE).click()
    await shy.button("More").click()
    await shy.page.get_by_role("button", name="This circle meets again").click()
    await expect(shy.dialog.get_by_text("You are not remembered in this circle")).to_be_visible()
    assert await shy.page.evaluate("localStorage.length") == 0
    await until_kept(server, made, people=0, meetings=1)
