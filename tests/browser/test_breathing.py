"""Breathing together: pages whose clocks are wrong and whose lines are slow draw the same breath.

`pytest -s tests/browser/test_breathing.py` prints how far apart the pages were.
"""

from __future__ import annotations

import asyncio
import math
import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from playwright.async_api import expect

from tests.blackbox.house import Server
from tests.waiting import until

from .conftest import Enter, MakeRoom
from .guest import PHONE, WIDE, Guest
from .voices import come_in

pytestmark = pytest.mark.browser

IN, OUT = 4.0, 6.0
WHOLE = IN + OUT
TOGETHER = 0.1
"""Seconds that the breaths of two pages may lie apart."""
SAMPLES = 12
CHANGES = 2

PAGES = (
    # Who, seconds that their clock is ahead, seconds that their line takes more.
    ("Ann", 0.0, 0.0),
    ("Ben", 3_600.25, 0.0),
    ("Aya", -86_400.7, 0.03),
    ("Jon", 41.3, 0.06),
)
_CLOCK = """
const ahead = AHEAD, slow = SLOW;
const origin = performance.timeOrigin;
globalThis.truth = () => (origin + performance.now()) / 1000;
Object.defineProperty(Performance.prototype, "timeOrigin", { get: () => origin + ahead });
const TrueDate = Date;
globalThis.Date = class extends TrueDate {
  constructor(...given) { given.length ? super(...given) : super(TrueDate.now() + ahead); }
  static now() { return TrueDate.now() + ahead; }
};
const Socket = globalThis.WebSocket;
globalThis.WebSocket = class extends Socket {
  set onmessage(act) {
    super.onmessage = (event) => setTimeout(() => act?.call(this, event), slow);
  }
};
"""
_WATCH = """() => {
  globalThis.drawn = [];
  globalThis.changes = [];
  let phase = null;
  // A mutation is told right after what has made it: how late a frame is drawn doesn't matter.
  new MutationObserver(() => {
    const at = truth();
    const breath = document.querySelector("section.breath");
    const scale = breath?.querySelector(".breath-disc")?.style.transform.match(/[.0-9]+/);
    if (!scale) return;
    drawn.push([at, Number(scale[0])]);
    if (breath.dataset.phase !== phase) changes.push([at, phase = breath.dataset.phase]);
  }).observe(document.body, { subtree: true, attributes: true, childList: true });
}"""
_LEAST = 0.42
"""The disc's size when all is breathed out; 1 when all is in."""


def lag(drawn: Sequence[tuple[float, float]]) -> float:
    """Where in the breath the page was at the unix second 0, if it had run on backwards.

    drawn: true seconds, and the size that was drawn then.
    """
    found = []
    for (_, before), (at, scale) in pairwise(drawn):
        size = (scale - _LEAST) / (1 - _LEAST)
        # Near both ends the size says little of the time.
        if 0.15 < size < 0.85 and scale != before:
            share = math.acos(1 - 2 * size) / math.pi
            within = IN * share if scale > before else IN + OUT * (1 - share)
            found.append((within - at) % WHOLE)
    assert len(found) >= SAMPLES
    return statistics.median(circle_from(found[0], each) for each in found)


def circle_from(start: float, place: float) -> float:
    """The place on the circle of one breath that is nearest to `start`."""
    return start + (place - start + WHOLE / 2) % WHOLE - WHOLE / 2


async def test_BR1_pages_with_wrong_clocks_and_slow_lines_breathe_together(
    page_server: Server, make_room: MakeRoom, enter: Enter
) -> None:
    room = await make_room()
    guests: list[Guest] = []
    for name, ahead, slow in PAGES:
        script = _CLOCK.replace("AHEAD", str(ahead * 1000)).replace("SLOW", str(slow * 1000))
        size = PHONE if name == "Aya" else WIDE
        guest = await come_in(await enter(name, room.member, size=size, script=f"{{{script}}}"))
        await guest.page.emulate_media(reduced_motion="no-preference")
        await guest.page.evaluate(_WATCH)
        guests.append(guest)
    leads = await page_server.connect("Fay")
    await leads.hello(room.facilitator.partition("#t=")[2], "Fay")
    await leads.ok("agreement.accept", {"version": leads.view["agreement"]["version"]})
    await leads.until(lambda: leads.phase == "inside", "entry")
    await leads.ok("breathe.start", {"pattern": [IN, OUT], "seconds": 300})
    for guest in guests:
        await expect(guest.part("Breathing together")).to_contain_text("Breathe", timeout=30_000)

    async def enough() -> bool:
        counts = await asyncio.gather(
            *(each.page.evaluate("() => [drawn.length, changes.length]") for each in guests)
        )
        return all(drawn > 4 * SAMPLES and changes > CHANGES for drawn, changes in counts)

    await until(enough, "some breaths on every page")
    leads.drop()
    found: list[Any] = [await each.page.evaluate("() => [drawn, changes]") for each in guests]
    places = [lag(drawn) for drawn, _ in found]
    apart = [circle_from(places[0], each) - places[0] for each in places]
    print(f"\nbreaths against {guests[0].name}'s, milliseconds:", end="")
    for guest, each in zip(guests, apart, strict=True):
        print(f" {guest.name} {each * 1e3:+.1f}", end=";")
    print(f" spread {(max(apart) - min(apart)) * 1e3:.1f}")
    spreads = drawn_apart([changes for _, changes in found])
    for phase, spread in spreads:
        print(f"  change to {phase!r}, as drawn: spread {spread * 1e3:.1f} ms")
    assert max(apart) - min(apart) < TOGETHER


def drawn_apart(changes: Sequence[Sequence[tuple[float, str]]]) -> list[tuple[str, float]]:
    """Of each change of phase that all pages drew: the seconds from the first page to the last."""
    found = []
    for at, phase in changes[0]:
        near = [
            min((abs(other - at), other) for other, name in each if name == phase)
            if any(name == phase for _, name in each)
            else (WHOLE, at)
            for each in changes
        ]
        if max(gap for gap, _ in near) < WHOLE / 2:
            moments = [moment for _, moment in near]
            found.append((phase, max(moments) - min(moments)))
    return found
