"""Speech of rehearsal members: by espeak-ng if it is installed, else soft notes."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ..client import Client
from . import opus
from .opus import Clip
from .voice import Voice

PROGRAM: Final = "espeak-ng"
LONGEST: Final = 20.0
"""Longest clip in seconds."""
KEPT: Final = 100
"""Clips in the cache, about 25 kB each."""
WITHIN: Final = 10.0
"""Seconds that espeak-ng may take."""
VARIANTS: Final = ("f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m6", "m7")


@dataclass(frozen=True, slots=True)
class Timbre:
    """How one member's voice sounds.

    variant: a voice of espeak-ng. pitch: 0 to 99. pace: words a minute.
    """

    variant: str
    pitch: int
    pace: int

    @classmethod
    def of(cls, chance: random.Random) -> Timbre:
        return cls(chance.choice(VARIANTS), chance.randint(35, 60), chance.randint(135, 160))

    @property
    def hertz(self) -> float:
        """The frequency of soft notes that match it."""
        return (180.0 if self.variant.startswith("f") else 105.0) * (0.75 + self.pitch / 200)


class Synthesizer:
    """Makes clips of sentences, one at a time and off the event loop, and keeps them.

    speed: divides the longest length of a clip.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self._haste = speed
        self._clips: OrderedDict[tuple[Timbre, str], Clip] = OrderedDict()
        self._one = asyncio.Lock()
        self._program = shutil.which(PROGRAM)

    async def clip(self, timbre: Timbre, text: str) -> Clip:
        key = (timbre, text)
        async with self._one:
            if key not in self._clips:
                self._clips[key] = await self._make(timbre, text)
                while len(self._clips) > KEPT:
                    self._clips.popitem(last=False)
            self._clips.move_to_end(key)
            return self._clips[key].cut(LONGEST / self._haste)

    async def _make(self, timbre: Timbre, text: str) -> Clip:
        if self._program is not None:
            with contextlib.suppress(OSError, ValueError, TimeoutError):
                wave = await self._speak(self._program, timbre, text)
                return await asyncio.to_thread(opus.read, wave)
        return await asyncio.to_thread(opus.hum, text, timbre.hertz)

    async def _speak(self, program: str, timbre: Timbre, text: str) -> bytes:
        """The bytes of a WAV file."""
        process = await asyncio.create_subprocess_exec(
            program,
            *("-v", f"en-gb+{timbre.variant}", "-p", str(timbre.pitch), "-s", str(timbre.pace)),
            *("-a", "35", "--stdin", "--stdout"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(WITHIN):
                wave, _ = await process.communicate(text.encode())
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        return wave


class Speaker:
    """One rehearsal member's voice: speaks one sentence at a time."""

    def __init__(self, me: Client, synthesizer: Synthesizer, timbre: Timbre) -> None:
        self._synthesizer, self._timbre = synthesizer, timbre
        self._saying: asyncio.Task[None] | None = None
        # Few slots, and few packets decrypted, so that a rehearsal costs little.
        self.voice = Voice(me, audio=3, open_every=50)

    async def __aenter__(self) -> Speaker:
        await self.voice.__aenter__()
        return self

    async def __aexit__(self, *wrong: object) -> None:
        self.stop()
        await self.voice.__aexit__(None, None, None)

    @property
    def busy(self) -> bool:
        """Whether it speaks just now."""
        return self._saying is not None and not self._saying.done()

    def say(self, text: str, still_wanted: Callable[[], bool] = lambda: True) -> None:
        """Starts to speak ``text``, unless it speaks already or there is no connection.

        ``still_wanted`` is asked once the clip is made; if it returns False, nothing is sent.
        """
        if self.voice.connected and not self.busy:
            self._saying = asyncio.create_task(self._say(text, still_wanted))

    def stop(self) -> None:
        """Stops at once."""
        if self._saying is not None:
            self._saying.cancel()

    async def _say(self, text: str, still_wanted: Callable[[], bool]) -> None:
        clip = await self._synthesizer.clip(self._timbre, text)
        if still_wanted():
            await self.voice.play(clip)
