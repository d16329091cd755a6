"""Chromium speaks, films and listens by two connections with a real Janus gateway."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from sitwith_server.media.engine import PictureChoice
from sitwith_server.media.janus.engine import JanusEngine
from tests.waiting import until

from .janus_member import Watch, everybody, plan
from .janus_net import PATIENT, SECRETS, janus, why_not

_WHY_NOT = why_not()
FLAGS = [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]

JOIN = """async (name) => {
  const codecs = (kind, names) => RTCRtpReceiver.getCapabilities(kind).codecs
    .filter((codec) => names.includes(codec.mimeType.toLowerCase()));
  const audio = codecs("audio", ["audio/opus", "audio/red"]);
  const video = codecs("video", ["video/vp8", "video/rtx"]);
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  const [up, down] = [0, 1].map(() => new RTCPeerConnection({ bundlePolicy: "max-bundle" }));
  globalThis.legs = [up, down];
  up.addTransceiver(stream.getAudioTracks()[0], { direction: "sendonly" })
    .setCodecPreferences(audio);
  up.addTransceiver(stream.getVideoTracks()[0], { direction: "sendonly", sendEncodings: [
    { rid: "q", scaleResolutionDownBy: 4 }, { rid: "h", scaleResolutionDownBy: 2 }, { rid: "f" },
  ] }).setCodecPreferences(video);
  for (let i = 0; i < 2; i++) {
    down.addTransceiver("audio", { direction: "recvonly" }).setCodecPreferences(audio);
    down.addTransceiver("video", { direction: "recvonly" }).setCodecPreferences(video);
  }
  await negotiate(name);
}"""
NEGOTIATE = """globalThis.negotiate = async (name, restart) => {
  for (const leg of legs) {
    if (restart) leg.restartIce();
    await leg.setLocalDescription();
    const sdp = await answer(name, leg.localDescription.sdp);
    await leg.setRemoteDescription({ type: "answer", sdp });
  }
};"""
CAME = """async () => {
  const found = {};
  for (const [, row] of await legs[1].getStats())
    if (row.type === "inbound-rtp") found[row.mid] = [row.packetsReceived, row.frameWidth ?? 0];
  return found;
}"""


class Guest:
    def __init__(self, page: Page, name: str) -> None:
        self.page, self.name = page, name
        self.came: dict[str, tuple[int, int]] = {}

    async def look(self) -> None:
        found: dict[str, Any] = await self.page.evaluate(CAME)
        self.came = {mid: (row[0], row[1]) for mid, row in found.items()}

    def packets(self) -> int:
        return sum(count for count, _ in self.came.values())

    async def gets(self, mids: list[str], more: int = 10) -> None:
        """Returns once that much more has come on each of these slots."""
        await self.look()
        before = {mid: self.came.get(mid, (0, 0))[0] for mid in mids}
        ends = time.monotonic() + 30
        while not all(self.came.get(mid, (0, 0))[0] >= before[mid] + more for mid in mids):
            assert time.monotonic() < ends, f"{self.name} gets nothing on one of {mids}"
            await asyncio.sleep(0.1)
            await self.look()


@pytest.mark.browser
@pytest.mark.skipif(_WHY_NOT is not None, reason=str(_WHY_NOT))
async def test_chromium_hears_and_sees_by_two_connections(chromium: str, tmp_path: Path) -> None:
    with janus(tmp_path / "one") as one:
        engine = JanusEngine([one.address], SECRETS, patience=10.0, bound=PATIENT)
        watch = Watch()
        room = await engine.open("room", watch)

        async def answer(_: object, name: str, sdp: str) -> str:
            return await room.answer(name, sdp)

        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
                context = await browser.new_context(permissions=["microphone", "camera"])
                await context.expose_binding("answer", answer)
                await context.add_init_script(NEGOTIATE)
                await context.route(
                    "**/*", lambda route: route.fulfill(body="<p>", content_type="text/html")
                )
                guests = []
                for name in "ab":
                    page = await context.new_page()
                    await page.goto("https://localhost/")
                    await page.evaluate(JOIN, name)
                    guests.append(Guest(page, name))
                a, b = guests
                await until(lambda: all(watch.ups[name] for name in "ab"), "both are connected")
                await b.look()
                assert b.packets() == 0
                await room.apply(plan(1, everybody("a", "b"), everybody("a", "b")))
                await until(lambda: (watch.on("a"), watch.on("b")) == ({"b"}, {"a"}), "the maps")
                for guest, other in ((a, "b"), (b, "a")):
                    mids = watch.maps[guest.name]
                    await guest.gets([mid for mid, who in mids.items() if who == other])
                room.choose_pictures("b", PictureChoice.LOW)
                ends = time.monotonic() + 30
                while max(width for _, width in b.came.values()) > 160:
                    assert time.monotonic() < ends, "b is given the large picture"
                    await asyncio.sleep(0.1)
                    await b.look()
                await b.page.evaluate("(name) => negotiate(name, true)", "b")
                await b.gets([mid for mid, who in watch.maps["b"].items() if who == "a"])
                await room.apply(plan(2, {"a": ["b"]}))
                await asyncio.sleep(0.3)
                await a.look()
                before = a.packets()
                await b.gets([mid for mid, who in watch.maps["b"].items() if who == "a"], 30)
                await a.look()
                assert a.packets() == before and not watch.losses
                await browser.close()
        finally:
            await engine.close()
