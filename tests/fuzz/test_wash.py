"""The wash, fuzzed: in a process confined as the one for each file is, and read again by another.

Wrong is: a process that ends; an exception that is no answer; more than the process for a file may
take; memory that grows; and what should not be there, in what was written.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import IO

import pytest

from sitwith_server.materials.child import CPU_SECONDS
from sitwith_server.materials.kinds import PAPER as A_PAPER
from sitwith_server.materials.kinds import PICTURE as A_PICTURE
from sitwith_server.materials.kinds import REASONS, Unfit
from sitwith_server.materials.sanitizer import Sanitizer
from tests.fuzz.wash_inputs import PAPER, Inputs, corpus
from tests.materials import reading, stained_pictures

SECONDS = float(os.environ.get("SITWITH_FUZZ_SECONDS", "600"))
SMOKE = 2.0
GROWTH = 24 << 20
"""Bytes by which the process may be larger at the end than after its first third."""
READ = 25
"""One in so many papers that were written is read again by qpdf."""


class Worker:
    """A process that washes one input after the other."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.wash_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def sanitize(self, kind: bytes, data: bytes) -> tuple[str, float, bytes]:
        """What it came to, in how many seconds of the processor, and what was written.

        Raises:
            EOFError: the process has ended.
        """
        given, got = self._process.stdin, self._process.stdout
        assert given is not None and got is not None
        given.write(kind + len(data).to_bytes(4, "big") + data)
        given.flush()
        line = got.readline()
        if not line:
            raise EOFError(f"ended by {self._process.wait()}")
        answer = json.loads(line)
        return answer["what"], answer["seconds"], _exactly(got, answer["size"])

    def memory(self) -> int:
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * 4_096


def _exactly(got: IO[bytes], size: int) -> bytes:
    body = got.read(size)
    assert len(body) == size
    return body


def hunt(seconds: float, seed: int, folder: Path) -> str:
    """Washes for so long. What went, in words; an assertion fails by what went wrong."""
    inputs, counts, slowest, third = Inputs(seed), Counter[str](), 0.0, None
    began = time.monotonic()
    with Worker() as worker:
        todo = corpus()
        while todo or time.monotonic() - began < seconds:
            kind, data = todo.pop() if todo else inputs.next()
            (folder / "last").write_bytes(data)
            what, took, body = worker.sanitize(kind, data)
            counts[what] += 1
            slowest = max(slowest, took)
            assert took < CPU_SECONDS and not what.startswith("raised"), _kept(what, data, folder)
            if what == "written":
                wrong = _wrong_in(kind, body, folder, counts[what])
                assert not wrong, (wrong, _kept("left", data, folder))
            if third is None and time.monotonic() - began > seconds / 3:
                third = worker.memory()
        grown = worker.memory() - (third or 0)
        assert third is None or grown < GROWTH, f"{grown >> 20} MiB more"
    return f"{counts.total():,} inputs, slowest {slowest:.2f} s, {grown >> 10} KiB more; {counts}"


def _wrong_in(kind: bytes, body: bytes, folder: Path, count: int) -> list[str]:
    if kind != PAPER:
        return stained_pictures.left(body)
    if count % READ:
        return []
    # Made wrong, a stain may have become a title; no action and no file can have become one.
    return [each for each in reading.found(body, folder) if "mark" not in each]


def _kept(why: str, data: bytes, folder: Path) -> str:
    place = folder / "wrong"
    place.write_bytes(data)
    return f"{why}: {place}"


def test_MT15_a_moment_of_odd_files_does_no_harm(tmp_path: Path) -> None:
    hunt(SMOKE, 0, tmp_path)


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 600)
def test_MT15_ten_minutes_of_odd_files_do_no_harm(tmp_path: Path) -> None:
    print(hunt(SECONDS, os.getpid(), tmp_path))


async def test_MT15_whatever_comes_is_answered_by_name() -> None:
    """Through processes as they really are."""
    sanitizer, inputs = Sanitizer(), Inputs(1)
    for _ in range(4):
        kind, data = inputs.next()
        try:
            made = await sanitizer.sanitize(A_PAPER if kind == PAPER else A_PICTURE, data)
        except Unfit as unfit:
            assert unfit.reason in REASONS
        else:
            assert made.body
