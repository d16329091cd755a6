"""A Firefox and a Chromium in one room: voices and faces go both ways between them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.blackbox.house import Server
from tests.waiting import until

from .conftest import Enter, MakeRoom
from .firefox import Fox, firefox, own_address, why_not
from .guest import Guest
from .test_voices import flags
from .voices import WATCH_MEDIA, come_in, connected, heard, lights, number_taken, slots, turn_on

__all__ = ["flags"]

_WHY_NOT = why_not()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(_WHY_NOT is not None, reason=str(_WHY_NOT)),
]


@pytest.fixture(scope="module")
def page_server() -> Iterator[Server]:
    made = Server({"SITWITH_MEDIA_ADDRESS": own_address() or ""})
    yield made
    made.stop()


async def takes_one(*everybody: Guest | Fox) -> None:
    """Each gets one voice that is more than silence, and one picture that moves."""

    async def so(one: Guest | Fox) -> bool:
        sounds, before = await slots(one), await slots(one, "video")
        await asyncio.sleep(1)
        after = await slots(one, "video")
        drawn = [mid for mid, slot in after.items() if slot.frames > before.get(mid, slot).frames]
        return len([each for each in sounds.values() if each.energy > 0]) == 1 == len(drawn)

    for one in everybody:
        await until(lambda one=one: so(one), f"voice and face at {one.name}'s")


async def hears(count: int, one: Guest | Fox) -> None:
    async def so() -> bool:
        return len(await heard(one)) == count

    await until(so, f"{one.name} hears {count}")


async def test_a_firefox_and_a_chromium_hear_and_see_each_other(
    make_room: MakeRoom, enter: Enter, tmp_path: Path
) -> None:
    room = await make_room(settings={"facilitators_wait": True})
    mara = await come_in(await enter("Mara", room.facilitator, script=WATCH_MEDIA))
    async with firefox(tmp_path, "Ben", room.member, WATCH_MEDIA) as ben:
        await ben.join()
        for one in (mara, ben):
            await connected(one)
            assert await number_taken(one) == 0
        await turn_on(mara)
        await turn_on(mara, "Camera")
        for device in ("Mic", "Camera"):
            await ben.press(f"{device} off")
            await ben.see(f"{device} on")
        await takes_one(mara, ben)
        # With the stick the holder alone is heard, whichever browser that is.
        await mara.open_person("Ben")
        await mara.button("Give the stick").click()
        await ben.see("It is your turn", "h2")
        await expect(mara.page.get_by_role("button", name="Mic ready")).to_be_visible()
        await asyncio.gather(hears(0, ben), hears(1, mara))
        await mara.button("Raise hand").click()
        await ben.press("Pass the stick")
        await asyncio.gather(hears(1, ben), hears(0, mara))
        # Back after a reload by itself; what it takes of sound and picture is said anew.
        await ben.reload()
        await ben.see("Mic off")
        await connected(ben)
        assert await number_taken(ben) == 0
        await hears(1, ben)
        await ben.press("Camera off")
        await ben.see("Camera on")
        await ben.press("Mic off")
        await mara.button("Open", within=mara.part("The floor")).click()
        await ben.see("Mic on")
        await takes_one(mara, ben)
        await ben.press("Mic on")
        await ben.see("Mic off")
        await hears(0, mara)
        await ben.press("Camera on")
        await until(lambda: _dark(ben), "Ben's lights are out")
        assert ben.trouble == []


async def _dark(one: Fox) -> bool:
    return await lights(one) == 0
