"""Somebody crowds the door: what a facilitator sees of it, and the one press that ends it."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.blackbox.house import Server, circle
from tests.blackbox.rawclient import Client
from tests.siege import Siege, addresses

from .conftest import Enter
from .guest import PHONE, WIDE
from .test_agenda import inside
from .test_keyboard import press
from .test_moments import link

pytestmark = pytest.mark.browser


@pytest.mark.soak
@pytest.mark.parametrize("size", [WIDE, PHONE])
async def test_DO9_DO12_a_facilitator_sees_the_flood_and_ends_it_by_one_press(
    page_server: Server, enter: Enter, size: dict[str, int]
) -> None:
    async with circle(page_server, host="", lobby=True) as room:
        mara = await inside(enter, "Mara", link(room, "facilitator"), size=size)
        await mara.show("Guide")
        waiting = mara.part("Waiting room")
        await expect(waiting).to_contain_text("Nobody is reading the agreement.")
        ada = await Client.connect(page_server.ws, label="Ada")
        room.sockets.append(ada)
        await ada.hello((await room.invite("member", uses=1))["token"], "Ada")
        await expect(waiting).to_contain_text("1 person is reading the agreement.")
        async with Siege(
            [page_server.ws], room.tokens["member"], sources=addresses(4), accepts=True
        ) as siege:
            await expect(waiting).to_contain_text("Many people at the door by one link")
            await room.accept(ada)
            await expect(waiting.get_by_role("listitem").first).to_contain_text("Ada")
            await asyncio.sleep(1)
            await mara.accessible()
            await press(mara, mara.button("Replace this link"))
            new = mara.dialog.get_by_label("The new link")
            await expect(new).to_have_value(re.compile(f"/r/{room.room}#t={room.room}\\."))
            await mara.accessible()
            made = await new.input_value()
            await mara.dialog.get_by_role("button", name="Close").click()
            await expect(waiting.get_by_role("listitem")).to_have_count(1)
            await expect(waiting).not_to_contain_text("Many people at the door by one link")
            await asyncio.sleep(1.2)
            assert not siege.holding
        ben = await enter("Ben", made, size=PHONE)
        await ben.join()
        await ben.agree()
        await expect(waiting.get_by_role("listitem")).to_have_count(2)


@pytest.mark.soak
async def test_DO5_CC7_who_had_to_give_up_the_place_comes_back_by_one_press(
    page_server: Server, enter: Enter
) -> None:
    """The door is filled by sockets from one address, then by somebody lighter."""
    async with circle(page_server, host="") as room:
        ada = await enter("Ada", link(room, "member"), size=PHONE)
        await ada.join()
        await expect(ada.button("I agree to this")).to_be_visible()
        others = [await Client.connect(page_server.ws) for _ in range(49)]
        room.sockets += others
        for n, other in enumerate(others):
            await other.hello(room.tokens["member"], f"x{n}")
        lighter = await Client.connect(page_server.ws, source="127.0.0.9")
        room.sockets.append(lighter)
        await lighter.hello(room.tokens["member"], "Zoe")
        again = ada.button("Come back in")
        await expect(ada.heading("Somebody else needed this place at the door")).to_be_visible()
        await asyncio.sleep(1)
        await ada.accessible()
        await again.click()
        await ada.agree()
        await expect(ada.page.get_by_text(re.compile(r"^1 here$"))).to_be_visible()
