"""Chromium on the media engine itself, without a room around it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from sitwith_server.media.aiortc.engine import AiortcEngine
from sitwith_server.media.engine import Plan
from sitwith_server.room.media.routes import Routes
from tests import waiting
from tests.media.company import Recorder

pytestmark = pytest.mark.browser

MICROPHONES = [
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]
PLACE = "http://localhost/transport"
PAGE = """<!doctype html><title>transport</title><script>
let pc;
async function join(slots) {
  pc = new RTCPeerConnection({iceServers: []});
  pc.ontrack = (e) => {
    const sound = new Audio();
    sound.srcObject = new MediaStream([e.track]);
    sound.play();
  };
  const stream = await navigator.mediaDevices.getUserMedia({audio: true});
  pc.addTransceiver(stream.getAudioTracks()[0], {direction: "sendonly"});
  for (let i = 0; i < slots; i++) pc.addTransceiver("audio", {direction: "recvonly"});
  await offer();
}
async function offer() {
  await pc.setLocalDescription(await pc.createOffer());
  const sdp = await window.answer(pc.localDescription.sdp);
  await pc.setRemoteDescription({type: "answer", sdp});
}
async function again() { pc.restartIce(); await offer(); }
async function read() {
  const out = {state: pc.connectionState, packets: 0, lost: 0, energy: 0, sent: 0, cipher: "", mids: []};
  for (const s of (await pc.getStats()).values()) {
    if (s.type === "inbound-rtp") {
      out.packets += s.packetsReceived; out.lost += s.packetsLost;
      out.energy += s.totalAudioEnergy || 0;
      if (s.packetsReceived > 0) out.mids.push(s.mid);
    }
    if (s.type === "outbound-rtp") out.sent += s.packetsSent;
    if (s.type === "transport") out.cipher = s.srtpCipher;
  }
  return out;
}
</script>"""  # noqa: E501

Read = dict[str, Any]


async def until(page: Page, true: Callable[[Read], bool], what: str) -> Read:
    """What the page reads once it is so."""
    read: Read = {}

    async def so() -> bool:
        nonlocal read
        read = await page.evaluate("read()")
        return true(read)

    await waiting.until(so, lambda: f"{what}: {read}")
    return read


@pytest.fixture
def flags() -> tuple[str, ...]:
    return tuple(MICROPHONES)


async def open_page(browser: Browser, answer: Callable[[str], Awaitable[str]]) -> Page:
    page = await browser.new_page()
    await page.route(PLACE, lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    await page.expose_function("answer", answer)
    await page.goto(PLACE)
    return page


async def test_two_pages_hear_each_other_until_the_engine_is_silent(browser: Browser) -> None:
    engine = AiortcEngine("127.0.0.1", 0)
    await engine.start()
    watcher = Recorder()
    room = await engine.open("room", watcher)
    try:
        pages = {
            name: await open_page(browser, lambda sdp, name=name: room.answer(name, sdp))  # type: ignore[misc]
            for name in "ab"
        }
        for page in pages.values():
            await page.evaluate("join(2)")
        for page in pages.values():
            await until(page, lambda read: read["state"] == "connected", "a connection")
        assert sorted(watcher.up) == ["a", "b"]
        # Each has answered a check of the engine's, as a full agent does.
        assert engine.counters.answers >= 2
        for page in pages.values():
            assert (await until(page, lambda read: read["sent"] > 20, "sending"))["packets"] == 0

        both = Routes(1, {"a": frozenset("b"), "b": frozenset("a")}, {})
        await room.apply(Plan(1, both))
        for page in pages.values():
            read = await until(
                page, lambda read: read["packets"] > 50 and read["energy"] > 0, "hearing"
            )
            # A page that gets no core for a while loses some itself; numbers that don't go on where
            # a route opens would look like thousands.
            assert read["lost"] < read["packets"] / 2
            assert len(read["mids"]) == 1
            # Where both can, the cheaper protection.
            assert "GCM" in read["cipher"]
        assert {name: {*slots.values()} - {None} for name, slots in watcher.maps.items()} == {
            "a": {"b"},
            "b": {"a"},
        }

        room.silence()
        await asyncio.sleep(0.5)
        silent = {name: await page.evaluate("read()") for name, page in pages.items()}
        await asyncio.sleep(1)
        for name, page in pages.items():
            read = await page.evaluate("read()")
            assert read["packets"] == silent[name]["packets"]
            assert read["sent"] > silent[name]["sent"]

        await room.apply(Plan(2, both))
        await pages["a"].evaluate("again()")
        before = await pages["a"].evaluate("read()")
        await until(
            pages["a"], lambda read: read["packets"] > before["packets"] + 50, "hearing again"
        )
        assert engine.counters.restarted == 1
        answers, end = engine.counters.answers, time.monotonic() + 20
        while engine.counters.answers < answers + 2:
            assert time.monotonic() < end, "no consent"
            await asyncio.sleep(0.1)
        assert watcher.gone == []

        await pages["b"].evaluate("pc.close()")
        end = time.monotonic() + 20
        while watcher.gone != ["b"]:
            assert time.monotonic() < end, "b is not missed"
            await asyncio.sleep(0.05)
    finally:
        await engine.close()
