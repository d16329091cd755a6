"""Feeds a parser bytes that nobody would send in good faith, and says what it did wrong.

A *target* is a function of bytes that raises nothing for any input, since it takes the refusals
that it is meant to make for what they are. Inputs come from seeds (kept in `corpus/`), from the
target's own maker of well-formed nonsense, and from mutations of those that reached lines which
none had reached before (`sys.settrace`, for the target's own files alone: the same on every
Python).

atheris would do the same faster, by a wheel of 35 MB for some platforms and Pythons; hypothesis
looks at no lines.

What is wrong: an exception; more than a second of the processor's time for one input; memory that
grows while the same inputs come again.
"""

from __future__ import annotations

import gc
import hashlib
import random
import signal
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

from tests.fuzz.mutate import mutated

CORPUS: Final = Path(__file__).with_name("corpus")
HANG: Final = 1.0
"""Seconds of the processor for one input. Not of the clock: others may have the core."""
LOOKED_AT: Final = 0.5
"""Share of the inputs whose lines are looked at: it costs them several times their time."""
MOST_KEPT: Final = 400
REPLAYED: Final = 0.15
"""Share of the time in which the same inputs come again, to see whether memory grows."""
GROWTH: Final = 16 << 20
"""Bytes that the whole process may grow by between the first and the last third."""

Make = Callable[[random.Random], bytes]
Mutate = Callable[[bytes, bytes, tuple[bytes, ...], random.Random], bytes]


@dataclass(frozen=True)
class Target:
    """run: raises only what is a defect. seeds: good inputs, beside those of the corpus.
    make: well-formed nonsense; files: parts of the paths of the files whose lines lead the way;
    words: bytes that mean something there; longest: bytes of an input."""

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]
    files: tuple[str, ...]
    make: Make | None = None
    words: tuple[bytes, ...] = ()
    longest: int = 4_096
    mutate: Mutate = mutated
    fresh: Callable[[], None] = lambda: None
    """Forgets what the inputs so far have left."""


@dataclass
class Finding:
    """What went wrong, in words, and by which bytes."""

    what: str
    data: bytes

    def __str__(self) -> str:
        shown = repr(self.data if len(self.data) < 600 else self.data[:600] + b"...")
        return f"{self.what}\n    by {len(self.data)} bytes: {shown}"


@dataclass
class Report:
    name: str
    runs: int = 0
    seconds: float = 0.0
    lines: int = 0
    kept: int = 0
    findings: list[Finding] = field(default_factory=list)

    def __str__(self) -> str:
        told = f"{self.name}: {self.runs:,} inputs in {self.seconds:.0f} s, "
        told += f"{self.lines} steps between lines, {self.kept} inputs kept"
        return "\n  ".join([told, *map(str, self.findings)])


class Hang(BaseException):
    """Too much time for one input; no `except Exception` takes it for something else."""


def _cut(number: int, frame: FrameType | None) -> None:
    raise Hang


@contextmanager
def _watched(hang: float) -> Iterator[None]:
    """Ends what takes longer; what can't be ended is told once it has come back."""
    before = signal.signal(signal.SIGVTALRM, _cut)
    began = time.thread_time()
    signal.setitimer(signal.ITIMER_VIRTUAL, hang)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    if time.thread_time() - began > hang:
        raise Hang


class _Lines:
    """Which steps from line to line an input takes, within some files."""

    def __init__(self, parts: tuple[str, ...]) -> None:
        self._parts = parts
        self._known: dict[int, bool] = {}
        self._codes: list[CodeType] = []
        """Kept, so that no other gets the number of one: a code object's own hash is slow."""
        self._last = 0
        self.steps: set[tuple[int, int, int]] = set()

    def __enter__(self) -> _Lines:
        self.steps = set()
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _call(self, frame: FrameType, event: str, arg: Any) -> Any:
        code = frame.f_code
        wanted = self._known.get(id(code))
        if wanted is None:
            name = code.co_filename
            wanted = self._known[id(code)] = any(part in name for part in self._parts)
            self._codes.append(code)
        return self._line if wanted else None

    def _line(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            self.steps.add((id(frame.f_code), self._last, frame.f_lineno))
            self._last = frame.f_lineno
        return self._line


def corpus(name: str) -> list[bytes]:
    """The inputs that are kept for a target, always in the same order."""
    return [each.read_bytes() for each in sorted((CORPUS / name).glob("*"))]


class Fuzzer:
    """One target's inputs for some time. The same seed makes the same inputs."""

    def __init__(
        self, target: Target, seed: int = 0, hang: float = HANG, shrink: float = 2.0
    ) -> None:
        self._target, self._hang, self._shrink = target, hang, shrink
        self._chance = random.Random(f"{target.name} {seed}")
        self._lines = _Lines(target.files)
        self._seen: set[tuple[int, int, int]] = set()
        self._seeds = [*target.seeds(), *corpus(target.name)]
        self._kept: list[bytes] = []
        self.new: list[bytes] = []
        """Inputs that reached what the corpus does not."""
        self.report = Report(target.name)
        self._kinds: set[str] = set()

    def go(self, seconds: float, *, most: int = 5, replay: bool = True) -> Report:
        """At most `most` findings, each of another kind. replay: whether it is seen what inputs
        leave behind."""
        began, report, target = time.monotonic(), self.report, self._target
        hunting = seconds * (1 - REPLAYED) if replay else seconds
        for each in self._seeds:
            self._try(each)
        self.new.clear()
        third = None
        while (gone := time.monotonic() - began) < hunting and len(report.findings) < most:
            self._try(self._next(), self._chance.random() < LOOKED_AT)
            if third is None and gone > hunting / 3:
                third = resident()
        target.fresh()
        if third is not None and resident() - third > GROWTH:
            report.findings.append(Finding(f"{(resident() - third) >> 20} MiB more memory", b""))
        if replay and not report.findings:
            self._replay(seconds * REPLAYED)
        report.seconds, report.lines = time.monotonic() - began, len(self._seen)
        report.kept = len(self._kept)
        return report

    def cover(self, most: int = 24, size: int = 1_500) -> list[bytes]:
        """Few and short inputs, of the corpus and new ones, that reach most of what was reached."""
        reached = {}
        for each in sorted({*corpus(self._target.name), *self.new}, key=len):
            if len(each) <= size and self._wrong(each, traced=True) is None:
                reached[each] = self._lines.steps
        found: list[bytes] = []
        seen: set[tuple[int, int, int]] = set()
        while reached and len(found) < most:
            best = max(reached, key=lambda each: len(reached[each] - seen))
            if not (more := reached.pop(best) - seen):
                break
            seen |= more
            found.append(best)
        self._target.fresh()
        return found

    def _next(self) -> bytes:
        chance, target = self._chance, self._target
        roll = chance.random()
        if target.make is not None and roll < 0.4:
            made = target.make(chance)
            if roll < 0.2:
                return made[: target.longest]
        else:
            # The newest are what the way leads on from.
            recent = self._kept[-20:] if roll > 0.8 else self._kept
            made = chance.choice((roll < 0.5 and self._seeds) or recent or [b""])
        other = chance.choice(self._kept or [b""])
        return target.mutate(made, other, target.words, chance)[: target.longest]

    def _try(self, data: bytes, traced: bool = True) -> None:
        self.report.runs += 1
        wrong = self._wrong(data, traced=traced)
        if wrong is not None and wrong.startswith("hangs"):
            wrong = self._wrong(data, traced=False)  # without what looking costs
        if wrong is not None:
            if wrong not in self._kinds:
                self._kinds.add(wrong)
                self.report.findings.append(Finding(wrong, self._smallest(data, wrong)))
            return
        if traced and not self._lines.steps <= self._seen:
            self._seen |= self._lines.steps
            if len(self._kept) >= MOST_KEPT:
                del self._kept[self._chance.randrange(MOST_KEPT // 2)]
            self._kept.append(data)
            self.new.append(data)

    def _wrong(self, data: bytes, *, traced: bool) -> str | None:
        """What is wrong, by kind and place; None: nothing."""
        try:
            with _watched(self._hang):
                if traced:
                    with self._lines:
                        self._target.run(data)
                else:
                    self._target.run(data)
        except Hang:
            return f"hangs for more than {self._hang:g} s"
        except Exception as error:
            return f"{type(error).__name__}: {error} at {_place(error)}"
        return None

    def _smallest(self, data: bytes, wrong: str) -> bytes:
        """As much of it as can be left out without another outcome, within some seconds."""
        ends = time.monotonic() + self._shrink
        kind = wrong.partition(":")[0], wrong.rpartition(" at ")[2]
        size = len(data) // 2
        while size and time.monotonic() < ends and not wrong.startswith("hangs"):
            at = 0
            while at < len(data) and time.monotonic() < ends:
                less = data[:at] + data[at + size :]
                got = self._wrong(less, traced=False)
                if got is not None and (got.partition(":")[0], got.rpartition(" at ")[2]) == kind:
                    data = less
                else:
                    at += size
            size //= 2
        return data

    def _replay(self, seconds: float) -> None:
        """The same inputs round after round: after a third of the time nothing more is kept."""
        inputs = self._chance.sample(self._kept, min(len(self._kept), 60)) or [b""]
        began, rounds = time.monotonic(), 0
        marks: list[tuple[int, int]] = []
        """Rounds and memory after a third, two thirds, and all of it."""
        tracemalloc.start()
        try:
            while len(marks) < 3:
                for place, each in enumerate(inputs):
                    if self._wrong(each, traced=False) is not None:
                        return  # told before, or by what looking costs
                    if not rounds and place and time.monotonic() - began > seconds / 6:
                        del inputs[place:]  # so that there are rounds enough
                rounds += 1
                if rounds > 1 and time.monotonic() - began > seconds / 3:
                    marks.append((rounds, self._memory()))
                    began = time.monotonic()
        finally:
            tracemalloc.stop()
        # What Python itself keeps for later (free lists, interned names) goes up and down a little,
        # and by as much as a table of its own once in a while.
        (first, low), (second, middle), (third, high) = marks
        for grown, of in ((middle - low, second - first), (high - middle, third - second)):
            if grown <= 8_192 + 24 * len(inputs) * of:
                return
        what = f"keeps memory: {high - low:,} bytes more after {third - first} rounds of the same"
        self.report.findings.append(Finding(what, b""))

    def _memory(self) -> int:
        self._target.fresh()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]


def keep(name: str, inputs: Sequence[bytes]) -> int:
    """Makes these a target's corpus; how many they are. Files are named by what they hold."""
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    for each in folder.iterdir():
        each.unlink()
    for data in inputs:
        (folder / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)
    return len(inputs)


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4_096


def _place(error: Exception) -> str:
    """The innermost line that is ours."""
    trace, found = error.__traceback__, "nowhere"
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "site-packages" not in name and "/lib/python" not in name:
            found = f"{name.rpartition('/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found
