"""Somebody is not well while nothing can be taken: the page says so, and shows the lines."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.cluster.cluster import Cluster, opened

from .conftest import Enter
from .guest import PHONE
from .test_agenda import inside

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path, workers=1)
    with made:
        yield made
    made.assert_discreet()


async def test_CL1_a_flag_while_the_room_is_frozen_shows_the_lines(
    cluster: Cluster, enter: Enter
) -> None:
    links = (await opened(cluster, cluster))["links"]
    mara = await inside(enter, "Mara", links["facilitator"])
    ben = await inside(enter, "Ben", links["member"], size=PHONE, locale="de-AT")
    await ben.button(re.compile("^Care ")).click()
    flag = ben.button("I need somebody now.")
    await expect(flag).to_be_visible()
    await asyncio.to_thread(cluster.redis_kill)
    await flag.click()
    await expect(ben.dialog.get_by_text("The room could not save it just now.")).to_be_visible()
    await expect(ben.dialog.get_by_text("In danger: 112")).to_be_visible()
    await asyncio.to_thread(cluster.redis_start)
    # Nothing of it was kept for later: who asked is asked again.
    await expect(flag).to_be_visible()
    async with asyncio.timeout(60):
        while not await mara.button("I'll help Ben").count():
            if await flag.count():
                await flag.click()
            await asyncio.sleep(1)
    await expect(ben.dialog.get_by_text("One facilitator is connected")).to_be_visible()
    for one in (mara, ben):
        one.trouble[:] = [each for each in one.trouble if "WebSocket connection" not in each]
