"""The client's voice: sounds are what they say they are, and the line is kept up."""

from __future__ import annotations

import asyncio
import math
import random
import wave as wave_file
from array import array
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sitwith_client import Client, Refused
from sitwith_client.voice import Clip, Frame, Synthesizer, Timbre, Voice, opus
from tests.blackbox.house import Circle, Server, circle
from tests.waiting import until

WITHIN = 25.0


@asynccontextmanager
async def voices(
    c: Circle, *names: str, **wanted: int
) -> AsyncIterator[list[tuple[Client, Voice]]]:
    """Members inside, each with a voice that is up."""
    async with AsyncExitStack() as stack:
        found = []
        for name in names:
            me = await stack.enter_async_context(Client.join(c.made["links"]["member"], name))
            await me.enter(WITHIN)
            voice = await stack.enter_async_context(Voice(me, **wanted))
            await voice.wait_connected(WITHIN)
            found.append((me, voice))
        yield found


# ---- sounds


def wave(seconds: float, loudness: float, hertz: float = 300.0) -> array[int]:
    peak = 32_768 * math.sqrt(2) * 10 ** (-loudness / 20)
    return array(
        "h",
        (
            round(peak * math.sin(2 * math.pi * hertz * i / 48_000))
            for i in range(round(48_000 * seconds))
        ),
    )


@pytest.mark.parametrize("loudness", [12, 30, 45])
def test_a_level_is_that_of_the_sound(loudness: int) -> None:
    clip = opus.encode(wave(0.4, loudness))
    assert {frame.level for frame in clip.frames if frame} == {loudness}
    assert all(frame is not None and frame.voice for frame in clip.frames)
    heard = opus.heard_level(frame.payload for frame in clip.frames if frame)
    assert abs(heard - loudness) <= 2


def test_silence_is_left_out_but_for_a_frame_now_and_then() -> None:
    clip = opus.encode(wave(0.4, 30) + array("h", bytes(2 * 48_000)) + wave(0.4, 30))
    assert clip.seconds == pytest.approx(1.8)
    spoken = [i for i, frame in enumerate(clip.frames) if frame and frame.voice]
    assert spoken == [*range(20), *range(70, 90)]
    quiet = [frame for frame in clip.frames[20:70] if frame]
    assert opus.LINGER < len(quiet) <= opus.LINGER + 50 // opus.COMFORT
    assert {frame.level for frame in quiet} == {opus.SILENCE}
    whole = opus.encode(wave(0.1, 30) + array("h", bytes(9_600)), dtx=False)
    assert None not in whole.frames


def test_a_file_is_read_as_one_voice(tmp_path: Path) -> None:
    """Two channels at another rate become one at 48 kHz, as loud as they were."""
    file = tmp_path / "sound.wav"
    samples = array("h")
    for each in wave(0.5, 30)[::3]:
        samples.extend((each, each))
    with wave_file.open(str(file), "wb") as made:
        made.setnchannels(2)
        made.setsampwidth(2)
        made.setframerate(16_000)
        made.writeframes(samples.tobytes())
    for source in (file, file.read_bytes()):
        clip = opus.read(source, dtx=False)
        assert clip.seconds == pytest.approx(0.5, abs=0.04)
        middle = [frame.level for frame in clip.frames[3:-3] if frame]
        assert all(abs(level - 30) <= 1 for level in middle)


def test_what_holds_no_sound_is_refused() -> None:
    for bad in (b"", b"RIFF....WAVE", bytes(1000)):
        with pytest.raises(ValueError):
            opus.read(bad)


async def test_speech_has_words_and_pauses_with_and_without_a_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timbre = Timbre.of(random.Random(1))
    for path in (None, "/nowhere"):
        if path:
            monkeypatch.setenv("PATH", path)
        synthesizer = Synthesizer()
        clip = await synthesizer.clip(timbre, "I went for a walk. It helped a bit.")
        assert clip is not await Synthesizer().clip(timbre, "Yes.")
        assert await synthesizer.clip(timbre, "I went for a walk. It helped a bit.") == clip
        assert 1 < clip.seconds < 10
        levels = [frame.level for frame in clip.frames if frame]
        assert min(levels) > 12 and None in clip.frames
        assert sum(frame.voice for frame in clip.frames if frame) > 20


class Ear:
    """Stands where a peer stands, and keeps the steps of RTP time."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    def send(self, medium: str, payload: bytes, step: int, **rest: Any) -> None:
        self.steps.append(step)


async def test_what_is_not_sent_passes_in_rtp_time() -> None:
    voice = Voice(None)  # type: ignore[arg-type]
    ear = Ear()
    voice._peers = (ear,)  # type: ignore[assignment]
    voice._up.set()
    frame = Frame(b"\x78", 30, True)
    await voice.play(Clip((frame, frame, None, None, None, frame, frame)))
    assert ear.steps == [960, 960, 4 * 960, 960]
    await asyncio.sleep(0.2)
    await voice.play(Clip((frame,)))
    assert ear.steps[-1] >= 10 * 960


# ---- the line


async def test_two_hear_each_other_with_their_true_levels(server: Server) -> None:
    async with circle(server) as c, voices(c, "Ada", "Ben", keep=10) as found:
        (ada, hers), (ben, his) = found
        both = asyncio.gather(hers.play(opus.tone(2, 250, 20)), his.play(opus.tone(2, 350, 40)))
        await until(lambda: his.heard[ada.id] > 30 and hers.heard[ben.id] > 30, "each other")
        assert ada.id in his.slots.values() and ben.id in hers.slots.values()
        assert abs(his.levels()[ada.id] - 20) <= 3
        assert abs(hers.levels()[ben.id] - 40) <= 3
        await until(lambda: {ada.id, ben.id} <= his.speakers | hers.speakers, "who speaks")
        await both
        await asyncio.sleep(1.5)
        assert hers.offers == his.offers == 1, "silence is no reason for another offer"
        assert sum(each.missing for each in his.received.values()) == 0


async def test_who_was_sent_to_the_lobby_offers_again_when_back(server: Server) -> None:
    async with circle(server) as c, voices(c, "Ada", "Ben") as found:
        (ada, hers), (_, his) = found
        await c.f.ok("lobby.return", {"member": ada.id})
        await until(lambda: ada.phase == "lobby", "the lobby")
        await c.f.ok("lobby.admit_all")
        await until(lambda: hers.offers >= 2 and hers.connected, "another offer")
        playing = asyncio.create_task(hers.play(opus.tone(5)))
        await until(lambda: his.heard[ada.id] > 5, "her")
        playing.cancel()


async def test_a_line_that_went_dark_is_made_anew_while_somebody_speaks(server: Server) -> None:
    async with circle(server) as c, voices(c, "Ada", "Ben") as found:
        (_, hers), (ben, his) = found
        speaking = asyncio.create_task(his.play(opus.tone(20)))
        await until(lambda: hers.heard[ben.id] > 5, "him")
        hers._peers[-1]._ice._on_media = lambda data: None
        before, offers = hers.heard[ben.id], hers.offers
        await until(lambda: hers.offers > offers, "another offer")
        await until(lambda: hers.heard[ben.id] > before + 5, "him again")
        speaking.cancel()


async def test_voices_end_with_their_owner(server: Server) -> None:
    before = len(asyncio.all_tasks())
    async with circle(server) as c:
        async with voices(c, "Ada", "Ben"):
            pass
        async with Client.join(c.made["links"]["member"], "Cleo") as me:
            await me.enter(WITHIN)
            for delay in (0.0, 0.01, 0.05):
                async with Voice(me):
                    await asyncio.sleep(delay)
    await until(lambda: len(asyncio.all_tasks()) <= before, "an end of all tasks")


async def test_where_there_are_no_voices_it_says_so() -> None:
    server = Server({"SITWITH_MEDIA": "off"})
    try:
        async with circle(server) as c, Client.join(c.made["links"]["member"], "Ada") as me:
            await me.enter(WITHIN)
            async with Voice(me) as voice:
                with pytest.raises(Refused) as caught:
                    await voice.wait_connected(WITHIN)
                assert caught.value.code == "not_allowed" and voice.off
    finally:
        server.stop()
