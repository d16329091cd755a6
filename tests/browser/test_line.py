"""When things go wrong: the line drops, a message is refused, a group closes, a link is dead."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import WebSocketRoute, expect

from .conftest import Enter, MakeRoom
from .guest import PHONE, Guest

pytestmark = pytest.mark.browser


class Line:
    """A page's way to the server, which a test may cut and mend."""

    def __init__(self) -> None:
        self.cut = False
        self._open: list[WebSocketRoute] = []

    async def lay(self, guest: Guest) -> None:
        await guest.page.route_web_socket(re.compile("/ws$"), self._connect)

    async def _connect(self, page_side: WebSocketRoute) -> None:
        if self.cut:
            await page_side.close(code=1012)
            return
        page_side.connect_to_server()
        self._open.append(page_side)

    async def drop(self) -> None:
        self.cut = True
        for side in self._open:
            await side.close(code=1012)
        self._open.clear()


async def test_a_dropped_line_keeps_everything_in_place(make_room: MakeRoom, enter: Enter) -> None:
    room = await make_room()
    mara = await enter("Mara", room.facilitator)
    await mara.join()
    await mara.agree()
    ben = await enter("Ben", room.member)
    line = Line()
    await line.lay(ben)
    await ben.page.reload()
    await ben.join()
    await ben.agree()
    await mara.open_person("Ben")
    await mara.dialog.get_by_label("Time for this turn").select_option("5 minutes")
    await mara.button("Give the stick").click()
    await expect(ben.heading("It is your turn")).to_be_visible()
    before = await ben.button("Pass the stick").bounding_box()
    await line.drop()
    banner = ben.page.get_by_text("Connection lost. Your seat is kept; reconnecting…")
    await expect(banner).to_be_visible()
    assert await ben.page.title() == "Reconnecting · Sitwith"
    await expect(ben.heading("It is your turn")).to_be_visible()
    await expect(ben.button("Pass the stick")).to_have_attribute("aria-disabled", "true")
    assert await ben.button("Pass the stick").bounding_box() == before
    await ben.accessible()
    await ben.button("Pass the stick").click(force=True)
    await expect(mara.seat("Ben")).to_have_accessible_name(re.compile("reconnecting"))
    await expect(
        mara.page.get_by_text("The connection has dropped. The turn waits.")
    ).to_be_visible()
    await mara.say("Circle", "Said while Ben was away.")
    line.cut = False
    await expect(banner).not_to_be_visible(timeout=30_000)
    await expect(ben.heading("It is your turn")).to_be_visible()
    await expect(ben.page.get_by_text("Said while Ben was away.")).to_have_count(1)
    await ben.button("Pass the stick").click()
    await expect(mara.heading("The stick is resting")).to_be_visible()


async def test_what_could_not_be_sent_stays_and_the_reason_is_said(
    make_room: MakeRoom, enter: Enter
) -> None:
    room = await make_room(settings={"slow_seconds": 600})
    ben = await enter("Ben", room.member, size=PHONE)
    await ben.join()
    await ben.agree()
    await ben.say("Circle", "The first.")
    field = ben.page.get_by_role("textbox", name="Write a message")
    await expect(ben.page.get_by_text(re.compile("You can write again in"))).to_be_visible()
    await field.fill("The second.")
    await field.press("Enter")
    await expect(field).to_have_value("The second.")
    await expect(ben.page.get_by_role("log").get_by_text("The second.")).to_have_count(0)
    await ben.tab("To the facilitators").click()
    await expect(field).to_have_value("")
    await ben.tab("Circle").click()
    await expect(field).to_have_value("The second.")
    await ben.accessible()


async def test_words_typed_for_a_group_reach_no_one_else_when_it_closes(
    make_room: MakeRoom, enter: Enter
) -> None:
    room = await make_room()
    mara = await enter("Mara", room.facilitator)
    guests = [mara]
    for name in ("Ben", "Aya"):
        guests.append(await enter(name, room.member))
    for one in guests:
        await one.join()
        await one.agree()
    ben = guests[1]
    await expect(mara.seat("Aya")).to_be_visible()
    await mara.button("Make pairs…").click()
    await mara.button("Make a plan").click()
    await mara.button("Open the groups").click()
    field = ben.page.get_by_role("textbox", name="Write a message")
    await expect(ben.page.get_by_text("Only Aya and you read this.")).to_be_visible()
    await field.fill("Only for Aya")
    await mara.button("Close now").click()
    await expect(ben.page.get_by_text("This group has closed.")).to_be_visible()
    await ben.page.keyboard.press("Enter")
    await expect(ben.page.get_by_text("Only for Aya")).to_be_visible()
    await expect(field).to_have_count(0)
    await ben.button("Go to the circle's conversation").click()
    await expect(field).to_have_value("")
    assert "Only for Aya" not in await mara.page.content()


async def test_a_seat_is_taken_again_after_a_reload(make_room: MakeRoom, enter: Enter) -> None:
    room = await make_room()
    ben = await enter("Ben", room.member)
    await ben.join()
    await ben.agree()
    await ben.say("Circle", "Before the reload.")
    await ben.page.reload()
    await expect(ben.seat("Ben")).to_be_visible()
    await expect(ben.page.get_by_text("Before the reload.")).to_have_count(1)
    await ben.page.goto("about:blank")
    await ben.page.goto(room.member)
    await expect(ben.heading("Already here before?")).to_be_visible()
    await ben.accessible()
    await ben.button("Take your seat again").click()
    await expect(ben.seat("Ben")).to_be_visible()
    await expect(ben.page.get_by_text("Before the reload.")).to_have_count(1)
    second = await ben.context.new_page()
    await second.goto(room.member)
    await expect(second.get_by_role("heading", name="Welcome. Take your time.")).to_be_visible()
    await ben.button("More").click()
    await ben.button("Leave the circle").click()
    await ben.button("Leave").click()
    await expect(ben.heading("You have left the circle")).to_be_visible()
    await ben.accessible()


async def test_a_dead_link_says_what_one_can_do(make_room: MakeRoom, enter: Enter) -> None:
    room = await make_room()
    stranger = await enter("Ben", room.member + "x")
    await stranger.join()
    await expect(stranger.heading("There is nothing here")).to_be_visible()
    await stranger.accessible()
    lost = await enter("Ben", room.member.partition("#")[0])
    await expect(lost.heading("This page needs the whole link")).to_be_visible()
    await lost.accessible()


async def test_an_unattended_circle_is_told_calmly(make_room: MakeRoom, enter: Enter) -> None:
    room = await make_room(settings={"grace_seconds": 1})
    mara = await enter("Mara", room.facilitator)
    await mara.join()
    await mara.agree()
    ben = await enter("Ben", room.member, size=PHONE)
    await ben.join()
    await ben.agree()
    await expect(ben.seat("Mara")).to_be_visible()
    await mara.page.goto("about:blank")
    await expect(ben.page.get_by_text("No facilitator is here just now")).to_be_visible()
    await ben.accessible()
