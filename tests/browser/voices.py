"""Guests with a fake microphone and camera, and what can be told of what they hear and see."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

from playwright.async_api import expect

from tests.waiting import until

from .guest import Guest

DEVICES = [
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]
PATIENCE = 30.0

#: Keeps hold of every connection and every track that the page takes.
WATCH_MEDIA = """
globalThis.connections = [];
globalThis.taken = [];
const Connection = RTCPeerConnection;
globalThis.RTCPeerConnection = class extends Connection {
  constructor(...given) { super(...given); connections.push(this); }
};
const take = MediaDevices.prototype.getUserMedia;
MediaDevices.prototype.getUserMedia = async function (wanted) {
  const stream = await take.call(this, wanted);
  taken.push(...stream.getTracks());
  return stream;
};
"""
#: As browsers do; Chromium's own policy takes the driver's looking at the page for a gesture.
NO_SOUND_UNASKED = """
let pressed = false;
addEventListener("pointerdown", () => { pressed = true; }, true);
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () {
  if (pressed) return play.call(this);
  return Promise.reject(new DOMException("nobody pressed anything", "NotAllowedError"));
};
"""
_IN = """async () => {
  const found = {};
  const connection = connections.at(-1);
  if (connection === undefined) return found;
  (await connection.getStats()).forEach((row) => {
    if (row.type !== "inbound-rtp" || !row.packetsReceived) return;
    found[row.mid] = {
      kind: row.kind, packets: row.packetsReceived, energy: row.totalAudioEnergy ?? 0,
      frames: row.framesDecoded ?? 0,
    };
  });
  return found;
}"""


class Asked(Protocol):
    """A page of whatever browser."""

    async def evaluate(self, expression: str) -> Any: ...


class Somebody(Protocol):
    """At whatever browser."""

    @property
    def name(self) -> str: ...

    @property
    def page(self) -> Asked: ...


@dataclass(frozen=True)
class Slot:
    """A receive slot on which something has ever come."""

    kind: str
    packets: int
    energy: float
    frames: int


async def slots(guest: Somebody, kind: str = "audio") -> dict[str, Slot]:
    found: dict[str, Any] = await guest.page.evaluate(_IN)
    return {mid: Slot(**each) for mid, each in found.items() if each["kind"] == kind}


async def heard(guest: Somebody, seconds: float = 1.0) -> set[str]:
    """The slots on which sound comes just now."""
    before = await slots(guest)
    await asyncio.sleep(seconds)
    after = await slots(guest)
    return {
        mid
        for mid, slot in after.items()
        if mid not in before or before[mid].packets < slot.packets
    }


async def number_taken(guest: Somebody) -> int:
    """How many devices the page has ever opened."""
    taken: int = await guest.page.evaluate("() => taken.length")
    return taken


async def lights(guest: Somebody) -> int:
    """How many devices are open, so that their lights are on."""
    lit: int = await guest.page.evaluate(
        "() => taken.filter((track) => track.readyState === 'live').length"
    )
    return lit


async def connected(guest: Somebody) -> None:
    async def up() -> bool:
        state = await guest.page.evaluate("() => connections.at(-1)?.connectionState")
        return bool(state == "connected")

    await until(up, f"the connection of {guest.name}")


async def come_in(guest: Guest) -> Guest:
    await guest.join()
    await guest.agree()
    await expect(guest.button("More")).to_be_visible()
    return guest


async def turn_on(guest: Guest, device: str = "Mic") -> None:
    await guest.button(f"{device} off Turn the {_LONG[device]} on").click()
    await expect(guest.page.get_by_role("button", name=f"{device} on")).to_be_visible()


async def turn_off(guest: Guest, device: str = "Mic") -> None:
    await guest.button(f"{device} on Turn the {_LONG[device]} off").click()
    await expect(guest.page.get_by_role("button", name=f"{device} off")).to_be_visible()


_LONG = {"Mic": "microphone", "Camera": "camera"}
