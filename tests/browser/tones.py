"""Who is really heard: each microphone hums a note of its own, and every page listens for notes.

What is heard is what comes out of the decoder of each receive slot, so neither the page's nor the
server's word is taken for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .guest import Guest

LOWEST: Final = 400
APART: Final = 200
PLACES: Final = 6
"""Hz between two people's notes. All are whole in the 10 ms that a decoder gives at a time."""
QUIETEST: Final = -60.0
"""dB. A note is sent at -20; of silence there is less than -100."""
PATIENCE: Final = 90.0

_HUM = """
globalThis.connections = [];
const Connection = RTCPeerConnection;
globalThis.RTCPeerConnection = class extends Connection {
  constructor(...given) { super(...given); connections.push(this); }
};
// The browser's own fake microphone opens and closes as ever; in its place a note is sent.
const take = MediaDevices.prototype.getUserMedia;
MediaDevices.prototype.getUserMedia = async function (wanted) {
  const stream = await take.call(this, wanted);
  const [microphone] = stream.getAudioTracks();
  if (microphone === undefined) return stream;
  const context = new AudioContext({ sampleRate: 8000 });
  const note = new OscillatorNode(context, { frequency: NOTE });
  const out = new MediaStreamAudioDestinationNode(context);
  note.connect(new GainNode(context, { gain: 0.2 })).connect(out);
  note.start();
  const [hum] = out.stream.getAudioTracks();
  const stop = hum.stop.bind(hum);
  hum.stop = () => { stop(); microphone.stop(); void context.close(); };
  return new MediaStream([hum, ...stream.getVideoTracks()]);
};
// The dominant note of what a slot's decoder gives, as [Hz, dB]; null while it gives nothing.
async function heard(track) {
  const copy = track.clone();
  const reader = new MediaStreamTrackProcessor({ track: copy }).readable.getReader();
  const late = new Promise((done) => setTimeout(() => done({ done: true }), 2000));
  const powers = NOTES.map(() => 0);
  let count = 0;
  // The first frames may have waited since the last look.
  for (let frames = 0; frames < 20; frames++) {
    const { done, value } = await Promise.race([reader.read(), late]);
    if (done) break;
    const samples = new Float32Array(value.numberOfFrames);
    value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
    const rate = value.sampleRate;
    value.close();
    if (frames < 5) continue;
    count += 1;
    NOTES.forEach((hertz, i) => { powers[i] += power(samples, hertz, rate); });
  }
  void reader.cancel();
  copy.stop();
  if (count === 0) return null;
  const top = powers.indexOf(Math.max(...powers));
  return [top, 10 * Math.log10(powers[top] / count + 1e-12)];
}
// How much of one frequency is in it (Goertzel, as a plain sum).
function power(samples, hertz, rate) {
  let real = 0, imaginary = 0;
  for (let i = 0; i < samples.length; i++) {
    const angle = 2 * Math.PI * hertz * i / rate;
    real += samples[i] * Math.cos(angle);
    imaginary += samples[i] * Math.sin(angle);
  }
  return (real * real + imaginary * imaginary) / samples.length ** 2;
}
globalThis.listen = async () => {
  const slots = (connections.at(-1)?.getTransceivers() ?? []).filter(
    ({ mid, receiver, currentDirection }) =>
      mid !== null && currentDirection === "recvonly" &&
      receiver.track.kind === "audio" && !receiver.track.muted,
  );
  const found = await Promise.all(
    slots.map(async ({ mid, receiver }) => [mid, await heard(receiver.track)]),
  );
  return Object.fromEntries(found.filter(([, what]) => what !== null));
};
"""


def note(place: int) -> int:
    """Hz of the person at this place, from 0."""
    return LOWEST + APART * place


def humming(place: int) -> str:
    """A script by which a page's microphone hums the note of this place."""
    notes = [note(each) for each in range(PLACES)]
    return _HUM.replace("NOTES", str(notes)).replace("NOTE", str(note(place)))


@dataclass(frozen=True)
class Ear:
    """What one page hears: whose notes, by slot."""

    slots: Mapping[str, str]

    @property
    def people(self) -> set[str]:
        return set(self.slots.values())


async def listen(guest: Guest, names: Sequence[str]) -> Ear:
    """names: of everybody, by the places of their notes."""
    found: dict[str, Any] = await guest.page.evaluate("() => listen()")
    slots = {mid: names[place] for mid, (place, level) in found.items() if level > QUIETEST}
    return Ear(slots)


async def settles(what: str, found: Callable[[], Awaitable[str | None]]) -> None:
    """Waits until nothing is wrong, twice in a row; `found` says what is."""
    ends = time.monotonic() + PATIENCE
    right = 0
    while right < 2:
        wrong = await found()
        right = 0 if wrong else right + 1
        assert not wrong or time.monotonic() < ends, f"{what}: {wrong}"
        await asyncio.sleep(0.25)
