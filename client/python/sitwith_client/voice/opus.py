"""Sound as Opus frames of 20 ms, encoded once and sent any number of times.

Only this file of the client uses PyAV and its codec.
"""

from __future__ import annotations

import io
import math
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

RATE: Final = 48_000
"""Samples a second; also the RTP clock rate of Opus (RFC 7587 §4.1)."""
FRAME: Final = 960
"""Samples of 20 ms."""
SECONDS: Final = FRAME / RATE
BITRATE: Final = 24_000
SILENCE: Final = 127
"""The level of digital silence (RFC 6464 §3)."""
SPEECH: Final = 50
"""Frames of this level or louder (a lower number) are marked as voice."""
LINGER: Final = 10
"""Quiet frames that are still sent after a loud one, so that a sound fades out."""
COMFORT: Final = 20
"""One of this many quiet frames is sent: every 400 ms, like the DTX of Opus."""


@dataclass(frozen=True, slots=True)
class Frame:
    """20 ms of Opus.

    level: of the sound, in -dBov from 0 (loudest) to 127 (RFC 6464).
    voice: whether it counts as speech.
    """

    payload: bytes
    level: int
    voice: bool


@dataclass(frozen=True, slots=True)
class Clip:
    """A sound of any length; `None` stands for 20 ms in which nothing is sent (DTX)."""

    frames: tuple[Frame | None, ...]

    @property
    def seconds(self) -> float:
        return len(self.frames) * SECONDS

    def cut(self, seconds: float) -> Clip:
        """The first ``seconds`` of it."""
        return Clip(self.frames[: max(0, round(seconds / SECONDS))])


def level(samples: array[int]) -> int:
    """The level of 16-bit samples in -dBov: 0 is a square wave at full scale (RFC 6464 §3)."""
    if not samples:
        return SILENCE
    mean = sum(each * each for each in samples) / len(samples)
    if mean == 0:
        return SILENCE
    return max(0, min(SILENCE, round(-10 * math.log10(mean / 32_768**2))))


def encode(samples: array[int], *, dtx: bool = True) -> Clip:
    """Mono 16-bit samples at 48 kHz as Opus; the last frame is filled up with silence.

    dtx: leaves out quiet frames, except one every 400 ms.
    """
    import av
    from av.audio.codeccontext import AudioCodecContext

    coder = av.CodecContext.create("libopus", "w")
    assert isinstance(coder, AudioCodecContext)
    coder.sample_rate, coder.bit_rate = RATE, BITRATE
    coder.layout, coder.format = "mono", "s16"
    coder.options = {"application": "voip", "frame_duration": "20"}
    levels: list[int] = []
    payloads: list[bytes] = []
    for start in range(0, len(samples), FRAME):
        part = samples[start : start + FRAME]
        levels.append(level(part))
        raw = part.tobytes().ljust(2 * FRAME, b"\0")
        frame = av.AudioFrame(format="s16", layout="mono", samples=FRAME)
        frame.planes[0].update(raw)
        frame.sample_rate, frame.pts = RATE, start
        payloads += [bytes(packet) for packet in coder.encode(frame)]
    payloads += [bytes(packet) for packet in coder.encode(None)]
    made = [
        Frame(payload, loud, loud <= SPEECH)
        for payload, loud in zip(payloads, levels, strict=False)
    ]
    return Clip(tuple(_thinned(made) if dtx else made))


def _thinned(frames: Iterable[Frame]) -> Iterator[Frame | None]:
    quiet = LINGER
    for frame in frames:
        quiet = 0 if frame.voice else quiet + 1
        yield frame if quiet <= LINGER or (quiet - LINGER) % COMFORT == 0 else None


def read(source: bytes | Path, *, dtx: bool = True) -> Clip:
    """Reads a sound file, or its bytes, as mono Opus: WAV, Ogg Opus and whatever FFmpeg reads.

    Raises:
        ValueError: it holds no sound.
    """
    import av

    samples = array("h")
    mono = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    try:
        file = io.BytesIO(source) if isinstance(source, bytes) else str(source)
        with av.open(file, "r") as opened:
            for frame in opened.decode(audio=0):
                for each in mono.resample(frame):
                    samples.frombytes(bytes(each.planes[0])[: 2 * each.samples])
        for each in mono.resample(None):
            samples.frombytes(bytes(each.planes[0])[: 2 * each.samples])
    except (av.FFmpegError, IndexError):
        raise ValueError("no sound that can be read") from None
    return encode(samples, dtx=dtx)


def tone(seconds: float, hertz: float = 220.0, loudness: int = 30) -> Clip:
    """A steady tone of `loudness` -dBov."""
    peak = _peak(loudness)
    step = 2 * math.pi * hertz / RATE
    count = round(seconds * RATE)
    return encode(array("h", (round(peak * math.sin(step * i)) for i in range(count))), dtx=False)


def hum(text: str, hertz: float = 140.0, loudness: int = 34) -> Clip:
    """Soft notes in the rhythm of words, in place of speech."""
    samples = array("h")
    peak = _peak(loudness)
    for number, word in enumerate(text.split()):
        note = hertz * (1 + 0.12 * math.sin(number * 1.7 + len(word)))
        step = 2 * math.pi * note / RATE
        count = FRAME * (4 + 2 * min(9, len(word)))
        samples.extend(
            round(peak * math.sin(math.pi * i / count) ** 2 * math.sin(step * i))
            for i in range(count)
        )
        samples.extend([0] * FRAME * (20 if word[-1] in ".,;:?!" else 5))
    return encode(samples)


def _peak(loudness: int) -> float:
    return float(min(32_767.0, 32_768 * math.sqrt(2) * 10 ** (-loudness / 20)))


def heard_level(payloads: Iterable[bytes]) -> int:
    """The level of consecutive Opus frames in -dBov, by decoding them; `SILENCE` for none.

    Payloads that are not Opus are left out.
    """
    import av

    decoder = av.CodecContext.create("libopus", "r")
    samples = array("h")
    for payload in payloads:
        try:
            frames = decoder.decode(av.Packet(payload))
        except av.FFmpegError:
            continue
        for frame in frames:
            assert isinstance(frame, av.AudioFrame)
            mono = av.AudioResampler(format="s16", layout="mono", rate=RATE)
            for each in mono.resample(frame):
                samples.frombytes(bytes(each.planes[0])[: 2 * each.samples])
    # The first frames are left out: a decoder that starts within a sound needs them to settle.
    return level(samples[2 * FRAME :] or samples)
