"""When each encoded frame left one page and came to another, and when the pages spoke to the room.

A transform in every sender puts the page's number and the moment behind each encoded frame, and one
in every receiver takes that off again and notes when it came: by `RTCRtpScriptTransform`, in a
worker, so that nothing that the page itself does delays it. The server forwards frames unopened, so
none of this is known to it. The page's frames to the room are noted as they leave and come.

All times are unix seconds by the page's own clock; the pages of one machine share it but for what
`Clocks` finds.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import struct
import time
import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sitwith_protocol import codec

from .guest import Guest
from .voices import PATIENCE

_WORKER = r"""
const MAGIC = 0x51774721;
const TAIL = 13;
const now = () => performance.timeOrigin + performance.now();
let noted = [];
onrtctransform = async ({ transformer: { options, readable, writable } }) => {
  const { mine, place, kind } = options;
  const reader = readable.getReader();
  const writer = writable.getWriter();
  for (;;) {
    const { done, value: frame } = await reader.read();
    const at = now();
    if (done) return;
    const bytes = new Uint8Array(frame.data);
    if (mine !== null) {
      const longer = new Uint8Array(bytes.length + TAIL);
      longer.set(bytes);
      const tail = new DataView(longer.buffer, bytes.length);
      tail.setUint8(0, mine);
      tail.setFloat64(1, at);
      tail.setUint32(9, MAGIC);
      frame.data = longer.buffer;
    } else if (bytes.length >= TAIL) {
      const tail = new DataView(frame.data, bytes.length - TAIL);
      if (tail.getUint32(9) === MAGIC) {
        noted.push([kind, place, tail.getUint8(0), tail.getFloat64(1) / 1000, at / 1000]);
        frame.data = frame.data.slice(0, bytes.length - TAIL);
      } else noted.push([kind, place, null, 0, at / 1000]);
    }
    void writer.write(frame);
  }
};
onmessage = ({ data, ports: [port] }) => {
  port.postMessage(data === "clock" ? now() / 1000 : noted);
  if (data !== "clock") noted = [];
};
"""
_PAGE = r"""
{
  const mine = NUMBER;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(WORKER)}`);
  globalThis.askWorker = (what) => new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => done(data);
    worker.postMessage(what, [port2]);
  });
  const Watched = globalThis.RTCPeerConnection;
  globalThis.places = [];
  globalThis.RTCPeerConnection = class extends Watched {
    addTransceiver(kind, init) {
      const made = super.addTransceiver(kind, init);
      const place = places.push(made) - 1;
      const sends = init?.direction === "sendonly";
      const options = { kind, place, mine: sends ? mine : null };
      made[sends ? "sender" : "receiver"].transform = new RTCRtpScriptTransform(worker, options);
      return made;
    }
  };
  const now = () => (performance.timeOrigin + performance.now()) / 1000;
  const text = (data) => Array.from(
    new Uint8Array(data), (each) => each.toString(16).padStart(2, "0")).join("");
  globalThis.spoken = [];
  const Socket = globalThis.WebSocket;
  globalThis.WebSocket = class extends Socket {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => spoken.push([false, now(), text(data)]));
    }
    send(data) {
      const at = now();
      super.send(data);
      const bytes = ArrayBuffer.isView(data)
        ? data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) : data;
      spoken.push([true, at, text(bytes)]);
    }
  };
}
"""
STUBBORN = r"""
RTCRtpSender.prototype.setParameters = async () => undefined;
const put = RTCRtpSender.prototype.replaceTrack;
RTCRtpSender.prototype.replaceTrack = async function (track) {
  if (track !== null) return put.call(this, track);
};
Object.defineProperty(MediaStreamTrack.prototype, "enabled", { get: () => true, set() {} });
MediaStreamTrack.prototype.stop = () => undefined;
"""
"""A page that goes on sending, whatever it is told: what others get then is the server's doing."""

_DECODED = r"""async () => {
  const found = [];
  const mids = new Map(places.map((each, place) => [each.mid, place]));
  for (const connection of connections) {
    if (connection.connectionState !== "connected") continue;
    (await connection.getStats()).forEach((row) => {
      if (row.type === "inbound-rtp" && mids.has(row.mid))
        found.push([mids.get(row.mid), row.totalAudioEnergy ?? row.framesDecoded ?? 0]);
    });
  }
  return found;
}"""


def noting(number: int) -> str:
    """An init script for the page of that number (0 to 255); after `WATCH_MEDIA`.

    The page's own policy allows no such worker: open it with `bypass_csp=True`.
    """
    return _PAGE.replace("NUMBER", str(number)).replace("WORKER", json.dumps(_WORKER))


def speech(path: Path, seconds: int = 8) -> Path:
    """A WAV file of what no browser takes for noise or silence."""
    chance = random.Random(1)
    rate, samples, phase = 16_000, bytearray(), 0.0
    pitch, loud = 140.0, 0.5
    for i in range(seconds * rate):
        if i % 2_000 == 0:
            pitch, loud = chance.uniform(90, 220), chance.uniform(0.35, 0.8)
        phase += pitch / rate
        tone = sum(math.sin(2 * math.pi * phase * k) / k for k in (1, 2, 3, 5, 8, 13))
        samples += struct.pack("<h", int(9_000 * loud * tone))
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(bytes(samples))
    return path


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded frame that came to `listener`: of which page, when it left there, when it came.

    `place` is the receiving transceiver's; `speaker` is None for a frame that no page has marked.
    """

    listener: int
    kind: str
    place: int
    speaker: int | None
    sent: float
    at: float


@dataclass(frozen=True, slots=True)
class Said:
    """A frame between a page and the room."""

    out: bool
    at: float
    body: dict[str, Any]


@dataclass
class Ear:
    """What one page has got so far."""

    guest: Guest
    number: int
    frames: list[Frame] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)

    async def look(self) -> None:
        """Takes over all that has come since the last look."""
        noted = await self.guest.page.evaluate("() => askWorker('noted')")
        self.frames += [Frame(self.number, *each) for each in noted]
        spoken = await self.guest.page.evaluate("() => spoken.splice(0)")
        for out, at, text in spoken:
            limits = codec.CLIENT_LIMITS if out else codec.SERVER_LIMITS
            self.said.append(Said(out, at, codec.decode(bytes.fromhex(text), limits)))

    def heard(self, kind: str, *, since: float) -> set[int | None]:
        """Of whom something came that they sent after that moment."""
        return {each.speaker for each in self.frames if each.kind == kind and each.sent > since}

    def last(self, kind: str, speaker: int, *, before: float) -> Frame | None:
        """The latest to come of that speaker's, of what came before that moment."""
        found = [
            each
            for each in self.frames
            if each.kind == kind and each.speaker == speaker and each.at < before
        ]
        return max(found, key=lambda each: each.at, default=None)

    async def answered(self, t: str) -> tuple[float, float]:
        """Of the latest command of that type: when it was sent, and when its `ok` came."""
        ends = time.monotonic() + PATIENCE
        while True:
            await self.look()
            asked = next(each for each in reversed(self.said) if each.out and each.body["t"] == t)
            for each in reversed(self.said):
                if not each.out and each.body.get("id") == asked.body["id"]:
                    assert each.body["t"] == "ok", each.body
                    return asked.at, each.at
            assert time.monotonic() < ends, f"{t} was not answered"
            await asyncio.sleep(0.05)

    async def decoded(self) -> dict[str, set[int]]:
        """Whose sound was more than silence, and whose picture was seen, by kind."""
        rows: list[tuple[int, float]] = await self.guest.page.evaluate(_DECODED)
        whose = {each.place: each for each in self.frames}
        found: dict[str, set[int]] = {"audio": set(), "video": set()}
        for place, amount in rows:
            frame = whose.get(place)
            if amount > 0 and frame is not None and frame.speaker is not None:
                found[frame.kind].add(frame.speaker)
        return found


@dataclass(frozen=True, slots=True)
class Clock:
    """A page's clock against the test's: seconds ahead, and how unsure that is."""

    ahead: float
    unsure: float


async def clock(guest: Guest, expression: str = "askWorker('clock')") -> Clock:
    """The best of some looks: the one that took least time."""
    found = []
    for _ in range(10):
        before = time.time()
        there: float = await guest.page.evaluate(f"() => {expression}")
        after = time.time()
        found.append(Clock(there - (before + after) / 2, (after - before) / 2))
        await asyncio.sleep(0)
    return min(found, key=lambda each: each.unsure)
