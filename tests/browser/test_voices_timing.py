"""Four pages with microphones and cameras: who reaches whom, and from when on no more.

`pytest -s -m soak tests/browser/test_voices_timing.py` prints the figures of `HANDOVERS` (60)
hand-overs, with cameras on as well unless `CAMERAS=0`.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from playwright.async_api import expect

from tests.waiting import until

from .conftest import Enter, MakeRoom
from .frames import STUBBORN, Ear, clock, noting, speech
from .voices import DEVICES, WATCH_MEDIA, come_in, connected, turn_on

pytestmark = pytest.mark.browser

NAMES = ("Mara", "Ben", "Aya", "Jon")
EVERYBODY = set(range(len(NAMES)))
SHORT = 6
HANDOVERS = int(os.environ.get("HANDOVERS", "60"))
CAMERAS = os.environ.get("CAMERAS", "1") == "1"
UNDER_WAY = 5.0
"""Seconds that a frame which the server has sent on may lie in a page's socket and queues on a busy
machine. What the server should not have sent on goes on for as long as its sender does, and these
send until the end."""
SKEW = 0.05
"""Seconds that two pages' clocks may differ by."""
HAIR = 0.01
"""The same of a page and its worker: less than from one frame to the next."""
SOON = 0.05
"""Seconds from the pass in which the old holder should be silent: printed, not asserted."""


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    sound = speech(tmp_path_factory.mktemp("speech") / "speech.wav")
    return (*DEVICES, f"--use-file-for-fake-audio-capture={sound}")


async def gather(
    make_room: MakeRoom, enter: Enter, *, stubborn: bool, cameras: bool = True
) -> list[Ear]:
    """All four inside, with everything on, each hearing (and seeing) each other."""
    room = await make_room(settings={"facilitators_wait": True})
    ears = []
    for number, name in enumerate(NAMES):
        link = room.member if number else room.facilitator
        script = WATCH_MEDIA + noting(number) + (STUBBORN if stubborn else "")
        ears.append(Ear(await enter(name, link, script=script, bypass_csp=True), number))
    for ear in ears:
        await come_in(ear.guest)
        await connected(ear.guest)
        await turn_on(ear.guest)
        if cameras:
            await turn_on(ear.guest, "Camera")
    for ear in ears:
        found = await clock(ear.guest)
        assert abs(found.ahead) <= SKEW + found.unsure, "the pages' clocks differ"

        async def takes_all(ear: Ear = ear) -> bool:
            await ear.look()
            others = EVERYBODY - {ear.number}
            return await ear.decoded() == {"audio": others, "video": others if cameras else set()}

        await until(takes_all, f"{ear.guest.name} hears and sees the others")
        assert all(each.speaker is not None for each in ear.frames), "a frame of nobody"
    return ears


@dataclass(frozen=True, slots=True)
class Handover:
    """asked, ok: when the old holder's page sent `floor.pass` and had its answer. last: of each
    listener, when the old holder's last frame came. first: when the new one's first came. said:
    when the latest of the old holder's frames that anybody heard had left their page. ways: how
    long the old holder's frames took from page to page (seconds)."""

    asked: float
    ok: float
    last: tuple[float, ...]
    first: tuple[float, ...]
    said: float
    ways: tuple[float, ...]


async def look(ears: Iterable[Ear]) -> None:
    await asyncio.gather(*(each.look() for each in ears))


async def hand_over(ears: list[Ear], old: int, new: int) -> Handover:
    """By the buttons that people have."""
    before = {each.number: len(each.frames) for each in ears}
    mine, next_ = ears[old].guest, ears[new].guest
    await next_.button("Raise hand").click()
    await expect(mine.button("Later")).to_be_enabled()
    await mine.button("Pass the stick", within=mine.part("Circle")).click()
    await expect(ears[new].guest.heading("It is your turn")).to_be_visible()
    asked, ok = await ears[old].answered("floor.pass")

    async def turned() -> bool:
        await look(ears)
        return all(new in each.heard("audio", since=ok) for each in ears if each.number != new)

    await until(turned, "the new holder's voice")
    # Long enough that a voice that went on would have been heard everywhere.
    await asyncio.sleep(0.3)
    await look(ears)
    last, first, said, ways = [], [], [], []
    for each in ears:
        frames = [f for f in each.frames[before[each.number] :] if f.kind == "audio"]
        if each.number != old:
            last.append(max((f.at for f in frames if f.speaker == old), default=asked))
            said.append(max((f.sent for f in frames if f.speaker == old), default=asked))
            ways += [f.at - f.sent for f in frames if f.speaker == old]
        if each.number != new:
            first.append(min(f.at for f in frames if f.speaker == new and f.at > asked))
    return Handover(asked, ok, tuple(last), tuple(first), max(said), tuple(ways))


async def hand_overs(ears: list[Ear], count: int) -> list[Handover]:
    mara = ears[0].guest
    await mara.open_person("Ben")
    await mara.button("Give the stick").click()
    holder, found = 1, []
    await expect(ears[1].guest.heading("It is your turn")).to_be_visible()
    for _ in range(count):
        new = (holder + 1) % len(ears)
        found.append(await hand_over(ears, holder, new))
        holder = new
    return found


def silent(found: Iterable[Handover]) -> None:
    """Nothing of an old holder's that was said after the `ok` was ever heard."""
    for each in found:
        # Both stamps are of one page.
        assert each.said <= each.ok + HAIR, (
            f"said {each.said - each.ok:.4f} s after the ok, and heard"
        )
        assert max(each.last) <= each.ok + UNDER_WAY


async def test_VO1_MW5_of_the_old_holder_no_frame_reaches_a_page_after_the_ok(
    make_room: MakeRoom, enter: Enter
) -> None:
    """Pages that never stop sending; hand-overs by the buttons, and a picture that is closed."""
    ears = await gather(make_room, enter, stubborn=True)
    silent(await hand_overs(ears, SHORT))
    began = time.time()

    async def all_seen(whose: set[int]) -> bool:
        await look(ears)
        return all(whose - {each.number} <= each.heard("video", since=began) for each in ears)

    # The stick takes nobody's picture away; a facilitator's hold does.
    await until(lambda: all_seen(EVERYBODY), "everybody's picture")
    mara = ears[0].guest
    await mara.open_person("Ben")
    await mara.button("Mute Picture").click()
    await expect(mara.button("Allow again Picture")).to_be_visible()
    _, ok = await ears[0].answered("mute")
    began = time.time()
    await until(lambda: all_seen(EVERYBODY - {1}), "the others' pictures")
    await asyncio.sleep(0.3)
    await look(ears)
    for each in ears:
        assert 1 not in each.heard("video", since=ok + SKEW)
        assert each.number == 1 or {1} & each.heard("video", since=0)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("stubborn", [True, False], ids=["deaf", "kind"])
async def test_how_soon_after_a_pass_the_old_holder_is_heard_no_more(
    make_room: MakeRoom, enter: Enter, stubborn: bool
) -> None:
    """`deaf` pages send on and are stopped by the server alone; `kind` ones are the product's."""
    ears = await gather(make_room, enter, stubborn=stubborn, cameras=CAMERAS)
    found = await hand_overs(ears, HANDOVERS)
    silent(found)
    kind = "send on" if stubborn else "stop by themselves"
    print(f"\n{len(found)} hand-overs in four Chromium pages that {kind}, milliseconds:")
    clocks = [await clock(each.guest) for each in ears]
    unsure = max(abs(each.ahead) + each.unsure for each in clocks)
    print(f"  clocks of pages differ by less than              {unsure * 1e3:7.1f}")
    show(
        "last frame at any listener, after the pass was sent",
        [max(h.last) - h.asked for h in found],
    )
    show(
        "last frame at each listener, after it was sent",
        [t - h.asked for h in found for t in h.last],
    )
    show("the same, when it had left its page", [h.said - h.asked for h in found])
    show("last frame at any listener, after the ok came", [max(h.last) - h.ok for h in found])
    show("ok after the pass was sent", [h.ok - h.asked for h in found])
    show(
        "new holder's first frame at each, after the ok", [t - h.ok for h in found for t in h.first]
    )
    show("a frame's way from page to page", [way for h in found for way in h.ways])
    soon = sum(max(h.last) - h.asked <= SOON for h in found)
    print(f"  hand-overs with no frame 50 ms after the pass     {soon:6} of {len(found)}")
    late = sum(t > h.ok for h in found for t in h.last)
    print(f"  listeners who got a frame after the ok            {late:6} of {3 * len(found)}")
    print(
        f"  frames that left their page after the ok          {sum(h.said > h.ok for h in found):6}"
    )


def show(what: str, seconds: list[float]) -> None:
    ms = sorted(each * 1e3 for each in seconds)
    cuts = statistics.quantiles(ms, n=100, method="inclusive")
    print(
        f"  {what:<48} p50 {cuts[49]:6.1f}  p95 {cuts[94]:6.1f}  p99 {cuts[98]:6.1f}  "
        f"max {ms[-1]:6.1f}"
    )
