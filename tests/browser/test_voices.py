"""Voices and faces between real browsers with fake microphones and cameras."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.waiting import until

from .conftest import Enter, MakeRoom
from .guest import PHONE, Guest
from .test_keyboard import press
from .voices import (
    DEVICES,
    NO_SOUND_UNASKED,
    WATCH_MEDIA,
    come_in,
    connected,
    heard,
    lights,
    number_taken,
    slots,
    turn_off,
    turn_on,
)

pytestmark = pytest.mark.browser


@pytest.fixture
def flags() -> tuple[str, ...]:
    return tuple(DEVICES)


async def hears(count: int, *guests: Guest) -> None:
    """Each of them hears just so many people, sooner or later."""

    async def one(guest: Guest) -> None:
        async def so() -> bool:
            return len(await heard(guest)) == count

        await until(so, f"{guest.name} hears {count}")

    await asyncio.gather(*map(one, guests))


async def test_four_hear_each_other_and_with_the_stick_only_its_holder(
    make_room: MakeRoom, enter: Enter
) -> None:
    room = await make_room()
    mara = await come_in(await enter("Mara", room.facilitator, script=WATCH_MEDIA))
    members = [
        await come_in(await enter(name, room.member, size=PHONE, script=WATCH_MEDIA))
        for name in ("Ben", "Aya", "Jon")
    ]
    ben, aya, jon = members
    everybody = [mara, *members]
    for one in everybody:
        await connected(one)
        assert await number_taken(one) == 0
        await turn_on(one)
    await hears(3, *everybody)

    async def sounding() -> bool:
        found = [await slots(one) for one in everybody]
        return all(slot.energy > 0 for each in found for slot in each.values())

    await until(sounding, "more than silence from everybody")
    await expect(mara.page.get_by_text(re.compile("(is|are) speaking"))).to_be_visible()
    await turn_off(mara)
    await until(lambda: _dark(mara), "Mara's light is out")
    await mara.open_person("Ben")
    await mara.button("Give the stick").click()
    await expect(aya.page.get_by_role("button", name="Mic ready")).to_be_visible()
    await asyncio.gather(hears(0, ben), hears(1, mara, aya, jon))
    await aya.accessible()
    await ben.button("Pass the stick").click()
    await hears(0, *everybody)
    # All the while they were ready for their turn: nobody has to do anything for it.
    await mara.open_person("Jon")
    await mara.button("Give the stick").click()
    await hears(1, aya)
    await expect(jon.page.get_by_role("button", name="Mic on")).to_be_visible()


async def _dark(guest: Guest) -> bool:
    return await lights(guest) == 0


async def test_the_microphone_by_keyboard_from_off_to_off(
    make_room: MakeRoom, enter: Enter
) -> None:
    room = await make_room()
    mara = await come_in(await enter("Mara", room.facilitator, script=WATCH_MEDIA))
    ben = await come_in(await enter("Ben", room.member, script=WATCH_MEDIA))
    await expect(ben.page.get_by_text("Nothing is on yet.")).to_be_visible()
    await connected(ben)
    await press(ben, ben.button("Check my sound"))
    await expect(ben.dialog.get_by_role("heading", name="Sound and picture")).to_be_focused()
    await ben.accessible()
    assert await number_taken(ben) == 0
    await press(ben, ben.button("Try my microphone"))
    await expect(ben.dialog.get_by_role("meter")).to_be_visible()
    assert await lights(ben) == 1
    # Trying a microphone lets nobody hear it, and ends with the dialog.
    assert await heard(mara) == set()
    await ben.page.keyboard.press("Escape")
    await until(lambda: _dark(ben), "the light of the try is out")
    # Its name begins with how it stands and ends with what a press does.
    microphone = ben.page.get_by_role("button", name=re.compile(r"^Mic |microphone: only"))
    await press(ben, microphone)
    await expect(microphone).to_have_accessible_name(re.compile("Mic on"))
    await hears(1, mara)
    await ben.page.keyboard.press("Space")
    await expect(microphone).to_have_accessible_name(re.compile("Mic off"))
    await expect(mara.seat("Ben")).to_have_accessible_name(re.compile("sound off"))
    await until(lambda: _dark(ben), "the light is out")
    await hears(0, mara)
    await ben.page.keyboard.press("Enter")
    await expect(microphone).to_have_accessible_name(re.compile("Mic on"))
    await hears(1, mara)
    # A facilitator's mute lets the device go at once, and lifting it opens nothing.
    await mara.open_person("Ben")
    await mara.button("Mute Sound").click()
    await expect(microphone).to_have_accessible_name(re.compile("Muted by a facilitator"))
    await until(lambda: _dark(ben), "the light is out")
    await mara.button("Allow again Sound").click()
    await expect(microphone).to_have_accessible_name(re.compile("Mic off"))
    assert await lights(ben) == 0
    await ben.accessible()


async def test_faces_come_back_after_a_loss_and_another_network_without_a_click(
    make_room: MakeRoom, enter: Enter
) -> None:
    room = await make_room()
    mara = await come_in(await enter("Mara", room.facilitator, script=WATCH_MEDIA))
    ben = await come_in(await enter("Ben", room.member, script=WATCH_MEDIA))
    await turn_on(ben, "Camera")
    await turn_on(ben)
    await hears(1, mara)
    face = mara.page.get_by_role("listitem").filter(has_text="Ben").locator("video")

    async def seen() -> bool:
        before = await face.evaluate_all("(all) => all.map((each) => each.currentTime)")
        await mara.page.wait_for_timeout(500)
        after = await face.evaluate_all("(all) => all.map((each) => each.currentTime)")
        drawn = await face.evaluate_all(
            "(all) => all.some((each) => each.videoWidth > 0"
            " && getComputedStyle(each).opacity === '1')"
        )
        return bool(drawn and after and before < after)

    await until(seen, "Ben's face at Mara's")
    # As when the machine's network changes: the same connection, on new credentials.
    await ben.page.evaluate("() => dispatchEvent(new Event('online'))")

    async def restarted() -> bool:
        return bool(
            await ben.page.evaluate(
                "() => connections.at(-1).remoteDescription !== null"
                " && connections.at(-1).connectionState === 'connected'"
                " && connections.at(-1).signalingState === 'stable'"
            )
        )

    await until(restarted, "the restart")
    await hears(1, mara)
    assert await ben.page.evaluate("() => connections.length") == 1
    # The transport dies under the page's hands; it is told by the server alone.
    await ben.page.evaluate("() => connections.at(-1).close()")

    async def again() -> bool:
        return bool(await ben.page.evaluate("() => connections.length") > 1)

    await until(again, "another offer")
    await connected(ben)
    await hears(1, mara)
    await until(seen, "Ben's face again")
    assert await number_taken(ben) == 2
    await turn_off(ben, "Camera")
    await expect(face).to_have_count(0)


async def test_sound_that_the_browser_holds_back_comes_with_a_press(
    make_room: MakeRoom, enter: Enter
) -> None:
    room = await make_room()
    mara = await come_in(await enter("Mara", room.facilitator, script=WATCH_MEDIA))
    script = WATCH_MEDIA + NO_SOUND_UNASKED
    ben = await come_in(await enter("Ben", room.member, size=PHONE, script=script))
    await turn_on(mara)
    await hears(1, ben)
    # A page that was reloaded has its seat again without a press, and so no leave to sound.
    await ben.page.reload()
    await ben.button("Tap to hear the circle").click()
    await expect(ben.button("Tap to hear the circle")).to_have_count(0)
    await hears(1, ben)
    # Voices only while the space bar is down.
    await ben.button("More").click()
    await ben.button("Sound and picture…").click()
    await ben.dialog.get_by_label(re.compile("only while I hold the space bar")).check()
    await ben.page.keyboard.press("Escape")
    await ben.page.get_by_role("button", name="Mic off").click()
    await expect(ben.page.get_by_role("button", name="Hold to speak")).to_be_visible()
    await ben.page.keyboard.down("Space")
    await hears(1, mara)
    await ben.page.keyboard.up("Space")
    await hears(0, mara)
    await ben.accessible()
