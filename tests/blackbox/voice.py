"""Somebody with a voice, by the published surface alone: aiortc's own peer connection, which is no
client of ours. Each one speaks a tone of their own, so that who is heard is told by the sound."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from array import array
from fractions import Fraction
from itertools import pairwise

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from .rawclient import WAIT, Client, Map

RATE = 48_000
SAMPLES = 960
STEP = 500
"""Hz between two people's tones."""
LOUD = 1_000
LATELY = 1.0
"""Seconds after which somebody is not being heard any more; players keep some packets back."""


class Tone(MediaStreamTrack):
    """A sine of `frequency` Hz without end."""

    kind = "audio"

    def __init__(self, frequency: int) -> None:
        super().__init__()
        wave = [math.sin(math.tau * frequency * n / RATE) for n in range(SAMPLES)]
        self._samples = array("h", (int(10_000 * each) for each in wave)).tobytes()
        self._sent = 0
        self._began = time.monotonic()

    async def recv(self) -> AudioFrame:
        due = self._began + self._sent * SAMPLES / RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        frame = AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        frame.planes[0].update(self._samples)
        frame.sample_rate, frame.time_base = RATE, Fraction(1, RATE)
        frame.pts = self._sent * SAMPLES
        self._sent += 1
        return frame


class Voice:
    """One member's peer connection. `latest`: when a seat (by its number) was heard last, `mids`:
    on which section."""

    def __init__(
        self, client: Client, policy: RTCBundlePolicy = RTCBundlePolicy.MAX_BUNDLE
    ) -> None:
        self.client = client
        self.place: int = client.view["members"][client.me]["seat"]
        self.latest: dict[int, float] = {}
        self.mids: dict[int, str] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=policy))

    async def offer(self, slots: int = 3) -> str:
        peer = self._peer
        peer.addTransceiver(Tone(STEP * self.place), direction="sendonly")
        for _ in range(slots):
            peer.addTransceiver("audio", direction="recvonly")
        peer.on("track", self._on_track)
        await peer.setLocalDescription(await peer.createOffer())
        return peer.localDescription.sdp

    async def start(self) -> Map:
        """Offers and takes the answer; the `ok`."""
        answer = await self.client.ok("media.offer", {"sdp": await self.offer()})
        await self._peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        return answer

    def _on_track(self, track: MediaStreamTrack) -> None:
        for each in self._peer.getTransceivers():
            if each.receiver.track is track:
                self._tasks.append(asyncio.create_task(self._listen(track, each)))

    async def _listen(self, track: MediaStreamTrack, section: RTCRtpTransceiver) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, AudioFrame)
                channels = len(frame.layout.channels)
                heard = array("h", bytes(frame.planes[0])[: 2 * channels * frame.samples])
                heard = heard[::channels]
                if max(heard) < LOUD:
                    continue
                rises = sum(before < 0 <= after for before, after in pairwise(heard))
                frequency = rises * frame.sample_rate / len(heard)
                place = round(frequency / STEP)
                if abs(frequency - place * STEP) < STEP / 5:
                    self.latest[place] = time.monotonic()
                    self.mids[place] = str(section.mid)

    def hears(self) -> set[int]:
        since = time.monotonic() - LATELY
        return {place for place, at in self.latest.items() if at > since}

    @property
    def state(self) -> str:
        return self._peer.connectionState

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._peer.close()


async def expect(voices: list[Voice], heard: dict[int, set[int]], what: str) -> None:
    """Waits until each hears exactly those that `heard` names by their seats; nobody else a one."""
    ends = time.monotonic() + WAIT
    while wrong := [v.place for v in voices if v.hears() != heard.get(v.place, set())]:
        found = {v.place: v.hears() for v in voices}
        assert time.monotonic() < ends, f"{what}: {found}, not {heard} ({wrong})"
        await asyncio.sleep(0.05)
