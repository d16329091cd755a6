"""Processor time per forwarded packet and its latency: our engine, and Janus beside it.

Rooms of 12 in which all send at once, through a veth pair into a network namespace of the engine's
own (Janus has no media on loopback). Engine and load have one core each where there are two. The
engines take turns, and a ratio is of one round, of those in which neither lost much; beside each
median stands its spread. Our control of Janus is not counted as its own time.

Without root, or without Janus, ours alone is measured, on loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import structlog
import uvloop

from benchmarks.measure import Result
from benchmarks.media_load import MEMBERS, Figures, Load, Target, measure
from sitwith_server.media.engine import MediaRoom, Plan
from sitwith_server.media.janus.engine import JanusEngine
from sitwith_server.media.limits import AUDIO_SLOTS
from sitwith_server.room.media.routes import Routes
from tests.media import janus_net

LOADS = (
    Load("audio", 1),
    Load("audio", 4),
    Load("video", 1),
    Load("video", 4),
)
ALONE = (
    Load("audio", 40, speakers=1, stick=True),
    Load("audio", 12, speakers=3),
    Load("video", 5),
)
"""What one core should bear with a p99 of 10 ms; three voices at most are heard at a time where
fewer than all speak."""
ROUNDS = int(os.environ.get("ROUNDS", "3"))
MOST_LOST = 0.02
"""Share of lost packets above which a round's processor time says little."""
CORES = len(os.sched_getaffinity(0))


def run() -> Iterator[Result]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    why_not = janus_net.why_not()
    if why_not is not None:
        print(f"media      without Janus: {why_not}", file=sys.stderr)
    with _cores():
        for load in LOADS:
            ours: list[Figures] = []
            theirs: list[Figures] = []
            for turn in range(ROUNDS):
                both = [_ours, _janus] if why_not is None else [_ours]
                found: dict[object, Figures] = {}
                try:
                    for once in both if turn % 2 == 0 else reversed(both):
                        found[once] = once(load, why_not is None)
                except OSError as error:  # a gateway, or a handshake, that got no core in time
                    print(f"media      a round is left out: {error}", file=sys.stderr)
                    continue
                ours.append(found[_ours])
                theirs += [found[_janus]] if _janus in found else []
            yield from _table(load, ours, theirs)
        for load in ALONE:
            yield from _table(load, [_ours(load, why_not is None)], [])


def _table(load: Load, ours: list[Figures], theirs: list[Figures]) -> Iterator[Result]:
    what = load.name
    for name, found in (("Sitwith", ours), ("Janus", theirs)):
        if not found:
            continue
        for field, each, unit in (
            ("", [f.micros for f in found], "us a packet"),
            (" of a core", [f.core * 100 for f in found], "%"),
            (" p50", [f.median for f in found], "ms"),
            (" p99", [f.worst for f in found], "ms"),
            (" lost", [f.lost * 100 for f in found], "%"),
            (", the load's own core", [f.load * 100 for f in found], "%"),
        ):
            yield _result(f"{what}: {name}{field}", each, unit)
        yield _result(f"{what}: {name} packets out", [f.packets for f in found], "per s")
    if theirs:
        pairs = list(zip(ours, theirs, strict=True))
        # Who drops packets because something else had the core saves their cost.
        clean = [pair for pair in pairs if max(each.lost for each in pair) < MOST_LOST]
        ratios = [a.micros / b.micros * 100 for a, b in clean or pairs]
        word = f"{len(clean)} clean rounds" if clean else "no clean round"
        yield _result(f"{what}: Sitwith / Janus ({word})", ratios, "%")


def _result(what: str, values: list[float], unit: str) -> Result:
    return Result(what, statistics.median(values), f"{unit} [{min(values):.1f}..{max(values):.1f}]")


# ------------------------------------------------------------------------------------ targets


class _Ours(Target):
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    async def open(self, room: str) -> None:
        await self._ask(do="open", room=room)

    async def answer(self, room: str, member: str, sdp: str) -> str:
        answer = await self._ask(do="answer", room=room, member=member, sdp=sdp)
        return str(answer["sdp"])

    async def plan(self, room: str, rev: int, everybody: dict[str, list[str]], kind: str) -> None:
        heard, seen = (everybody, {}) if kind == "audio" else ({}, everybody)
        await self._ask(do="plan", room=room, rev=rev, heard=heard, seen=seen)

    async def _ask(self, **asked: object) -> dict[str, object]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        answer = json.loads(await self._process.stdout.readline())
        assert isinstance(answer, dict)
        return answer


class _Janus(Target):
    def __init__(self, gateway: janus_net.Janus) -> None:
        self.pid = gateway.pid
        self.engine = JanusEngine(
            [gateway.address], janus_net.SECRETS, patience=10, bound=janus_net.PATIENT
        )
        self._rooms: dict[str, MediaRoom] = {}

    async def open(self, room: str) -> None:
        self._rooms[room] = await self.engine.open(room, _Nobody())

    async def answer(self, room: str, member: str, sdp: str) -> str:
        return await self._rooms[room].answer(member, sdp)

    async def plan(self, room: str, rev: int, everybody: dict[str, list[str]], kind: str) -> None:
        routes = {name: frozenset(to) for name, to in everybody.items()}
        heard, seen = (routes, {}) if kind == "audio" else ({}, routes)
        await self._rooms[room].apply(Plan(rev, Routes(0, heard, seen)))


class _Nobody:
    def slots_changed(self, member: str, slots: object) -> None: ...

    def connected(self, member: str) -> None: ...

    def lost(self, member: str) -> None: ...


def _ours(load: Load, apart: bool) -> Figures:
    async def once(prefix: list[str], address: str) -> Figures:
        with _core(0):
            process = await asyncio.create_subprocess_exec(
                *prefix, sys.executable, "-m", "benchmarks.media_server", address,
                str(AUDIO_SLOTS if load.speakers == MEMBERS else 3),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=1 << 20,
            )  # fmt: skip
        try:
            return await measure(_Ours(process), load)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 10)
            if process.returncode is None:
                process.kill()
                await process.wait()

    if not apart:
        return uvloop.run(once([], "127.0.0.1"))
    with janus_net._net("bench") as net:
        return uvloop.run(once(["ip", "netns", "exec", net.name], net.there))


def _janus(load: Load, apart: bool) -> Figures:
    async def once(gateway: janus_net.Janus) -> Figures:
        target = _Janus(gateway)
        try:
            return await measure(target, load)
        finally:
            await target.engine.close()

    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        with _core(0):
            gateway = stack.enter_context(janus_net.janus(Path(folder) / "gateway"))
        return uvloop.run(once(gateway))


# -------------------------------------------------------------------------------------- cores


@contextlib.contextmanager
def _core(number: int) -> Iterator[None]:
    """What is started within has this core to itself, as far as we are concerned."""
    before = os.sched_getaffinity(0)
    if CORES > 1:
        os.sched_setaffinity(0, {sorted(_ALL)[number]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


_ALL = os.sched_getaffinity(0)


@contextlib.contextmanager
def _cores() -> Iterator[None]:
    with _core(1 if CORES > 1 else 0):
        yield
