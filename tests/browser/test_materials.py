"""What is shown to all, and a guest speaker, as a facilitator, a member and the guest see them."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Locator, expect

from tests.blackbox.house import Server, circle
from tests.materials import samples

from .conftest import Enter
from .guest import PHONE, Guest
from .test_agenda import inside
from .test_keyboard import press
from .test_moments import folded, link

pytestmark = pytest.mark.browser


def table(guest: Guest) -> Locator:
    return guest.part("Shown to everybody")


async def choose(mara: Guest, kind: str) -> None:
    await mara.button("Show something…").click()
    await mara.dialog.get_by_label(kind, exact=True).check()


async def refused(mara: Guest, why: str) -> None:
    alert = mara.dialog.get_by_role("alert").filter(has_text=why)
    await expect(alert).to_be_visible()


async def show_file(mara: Guest, kind: str, name: str, data: bytes, title: str) -> None:
    await choose(mara, kind)
    file = FilePayload(name=name, mimeType="application/octet-stream", buffer=data)
    await mara.dialog.get_by_label("File").set_input_files(files=[file])
    await mara.dialog.get_by_label("Title (optional)").fill(title)
    await mara.button("Show it").click()


async def test_MT1_MT2_a_link_leads_where_it_says_and_words_are_words(
    page_server: Server, enter: Enter
) -> None:
    async with circle(page_server, host="") as room:
        mara = await inside(enter, "Mara", link(room, "facilitator"))
        ben = await inside(enter, "Ben", link(room, "member"), size=PHONE)
        await folded(mara, "Show something").click()
        await choose(mara, "A link")
        await mara.accessible()
        await mara.dialog.get_by_label("Address").fill("javascript:alert(1)")
        await mara.button("Show it").click()
        await refused(mara, "Please enter a web address.")
        await mara.dialog.get_by_label("Address").fill("https://example.org/help")
        await mara.button("Show it").click()
        await expect(mara.dialog).to_have_count(0)
        await press(ben, ben.button("example.org Link", within=table(ben)))
        place = ben.dialog.get_by_role("link", name="Open the link")
        await expect(place).to_have_attribute("href", "https://example.org/help")
        await expect(place).to_have_attribute("rel", "noopener noreferrer")
        await expect(place).to_have_attribute("target", "_blank")
        await expect(ben.dialog).to_contain_text("Leads to example.org")
        await ben.accessible()
        await ben.page.keyboard.press("Escape")
        await choose(mara, "A text")
        await mara.dialog.get_by_label("Text").last.fill("<b>Breathe</b> in.\nBreathe out.")
        await mara.button("Show it").click()
        await ben.button("<b>Breathe</b> in. Text", within=table(ben)).click()
        await expect(ben.dialog.get_by_text("Breathe out.")).to_be_visible()
        panel = mara.page.get_by_role("list").filter(has_text="example.org")
        await expect(panel.first).to_be_visible()
        await press(mara, mara.button("Hide <b>Breathe</b> in."))
        await expect(ben.dialog).to_contain_text("It is no longer shown.")
        await mara.accessible()


async def test_MT6_MT7_MT11_a_picture_is_seen_a_paper_is_had_and_liars_are_refused(
    page_server: Server, enter: Enter, tmp_path: Path
) -> None:
    async with circle(page_server, host="") as room:
        mara = await inside(enter, "Mara", link(room, "facilitator"))
        ben = await inside(enter, "Ben", link(room, "member"), accept_downloads=True)
        await folded(mara, "Show something").click()
        await show_file(mara, "A picture", "garden.jpg", samples.located(), "Our garden")
        await expect(mara.dialog).to_have_count(0)
        await ben.button("Our garden Picture", within=table(ben)).click()
        picture = ben.dialog.get_by_role("img", name="Our garden")
        await expect(picture).to_be_visible()
        await ben.page.wait_for_function("() => document.querySelector('img').naturalWidth === 40")
        await ben.accessible()
        await ben.page.keyboard.press("Escape")

        paper = samples.paper(samples.metadata, pages=2)
        await show_file(mara, "A PDF", "sleep.pdf", paper, "Sleep well")
        await expect(mara.dialog).to_have_count(0)
        await ben.button("Sleep well PDF", within=table(ben)).click()
        await expect(ben.dialog).to_contain_text("2 pages")
        place = ben.dialog.get_by_role("link", name="Open the PDF in a new tab")
        await expect(place).to_have_attribute("rel", "noopener noreferrer")
        await ben.accessible()
        async with ben.page.expect_download() as saving:
            await ben.dialog.get_by_role("link", name="Save the PDF").click()
        saved = tmp_path / "paper.pdf"
        await (await saving.value).save_as(saved)
        assert saved.read_bytes().startswith(b"%PDF-")
        assert samples.SECRET.encode() not in saved.read_bytes()

        await show_file(mara, "A picture", "photo.png", samples.SVG, "")
        await refused(mara, "SVG may contain scripts. Please use a JPEG, PNG, WebP or GIF.")
        await mara.page.keyboard.press("Escape")
        script = samples.BAD_PAPERS["a script by name"][0]
        await show_file(mara, "A PDF", "letter.pdf", script, "")
        await refused(mara, "The PDF contains scripts.")
        await mara.page.keyboard.press("Escape")
        await expect(table(ben).get_by_role("button")).to_have_count(2)
        # The refused answers were seen by the browser, too.
        mara.trouble = [each for each in mara.trouble if "422" not in each]


async def test_GU3_GU4_a_guest_waits_in_calm_and_is_brought_in(
    page_server: Server, enter: Enter
) -> None:
    async with circle(page_server, ["Aya"], host="") as room:
        mara = await inside(enter, "Mara", link(room, "facilitator"))
        token = (await room.invite("guest"))["link"]
        gus = await enter("Gus", token, size=PHONE)
        await gus.join()
        await gus.agree()
        await expect(gus.heading("You are here, but not with the circle yet")).to_be_visible()
        assert "Aya" not in await gus.page.content()
        await gus.accessible()
        await press(gus, gus.button("Write to the facilitators"))
        await gus.page.get_by_role("textbox", name="Write a message").fill("I am ready")
        await gus.button("Send").click()
        await room.members[0].ok("chat.say", {"to": "circle", "body": "canary"})
        await press(mara, mara.button("Bring guests in"))
        await gus.show("Circle")
        await expect(gus.seat("Aya")).to_be_visible()
        await expect(gus.seat("Gus")).to_contain_text("Guest speaker")
        await gus.accessible()
        await mara.accessible()
        assert "canary" not in await gus.page.content()
        await mara.button("Send guests to wait").click()
        await expect(gus.heading("You are here, but not with the circle yet")).to_be_visible()
        assert "Aya" not in await gus.page.content()
        await mara.open_person("Gus")
        await mara.button("Make member").click()
        await expect(gus.seat("Aya")).to_be_visible()
        await mara.open_person("Gus")
        await mara.button("Make guest speaker…").click()
        await mara.button("Make guest speaker").click()
        await expect(gus.heading("You are here, but not with the circle yet")).to_be_visible()
