"""How many rooms of 12 one core carries: the engine on one core, the load on the other.

    python -m benchmarks rooms

Added latency is from the moment before a member's packet is sealed to the moment after a listener's
is opened. The load is one process in Python as well: beside the engine's latency stands the load's
own, of datagrams that it sends to itself in the same loop. SECONDS, ROUNDS and ONLY (a word of a
scenario's name) may be set.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import uvloop

from benchmarks.bench_media import _core, _cores, _Ours, _result
from benchmarks.measure import Result
from benchmarks.media_load import MEMBERS, SETTLE, _Member, _pace, _sent, processor

SECONDS: Final = float(os.environ.get("SECONDS", "8"))
ROUNDS: Final = int(os.environ.get("ROUNDS", "1"))
ONLY: Final = os.environ.get("ONLY", "")
COMFORT: Final = 0.4
"""Seconds between the packets of somebody who is silent (DTX)."""

_STAMP = struct.Struct("!d")


@dataclass(frozen=True, slots=True)
class Scenario:
    """So many equal rooms.

    talkers: of each room, who send without a pause; with `silent`, the others send their silence.
    slots: receive slots of each member.
    """

    what: str
    rooms: int
    kind: str
    talkers: int
    slots: int
    silent: bool = False
    stick: bool = False


SCENARIOS: Final = (
    Scenario("open floor, all 12 send", 4, "audio", 12, 11),
    Scenario("open floor, 3 speak, 9 silent (DTX), 3 slots", 12, "audio", 3, 3, silent=True),
    Scenario("talking stick, 1 sends", 40, "audio", 1, 11, stick=True),
    Scenario("12 cameras of 300 kbit/s, 6 slots", 5, "video", 12, 6),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares are of a core, latencies in ms, `own` those of the load with itself."""

    core: float
    load: float
    packets: float
    lost: float
    median: float
    worst: float
    own_median: float
    own_worst: float


class _One(_Member):
    """A member with as many slots as the scenario says."""

    def __init__(self, name: str, scenario: Scenario, delays: list[float]) -> None:
        super().__init__(name, scenario.kind, delays)
        audio = scenario.kind == "audio"
        self._slots = (scenario.slots, 0) if audio else (0, scenario.slots)
        self.sender = self.receiver = self._peer((scenario.kind,), *self._slots)

    def be_silent(self) -> None:
        self.sender.send("audio", b"\x78", 19_200, level=127, voice=False)


class _Echo(asyncio.DatagramProtocol):
    """Sends datagrams to itself, to tell how late the load hears anything."""

    def __init__(self) -> None:
        self.delays: list[float] = []

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.delays.append(time.time() - _STAMP.unpack(data)[0])

    async def run(self) -> None:
        made = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        transport = made[0]
        try:
            own = transport.get_extra_info("sockname")
            while True:
                transport.sendto(_STAMP.pack(time.time()), own)
                await asyncio.sleep(0.01)
        finally:
            transport.close()


def run() -> Iterator[Result]:
    with _cores():
        for scenario in SCENARIOS:
            if ONLY in scenario.what:
                yield from _rows(scenario, [uvloop.run(_once(scenario)) for _ in range(ROUNDS)])


def _rows(scenario: Scenario, found: list[Figures]) -> Iterator[Result]:
    rows = (
        ("engine", [f.core * 100 for f in found], "% of a core"),
        ("packets out", [f.packets for f in found], "per s"),
        ("lost", [f.lost * 100 for f in found], "%"),
        ("p50", [f.median for f in found], "ms"),
        ("p99", [f.worst for f in found], "ms"),
        ("p50 of the load alone", [f.own_median for f in found], "ms"),
        ("p99 of the load alone", [f.own_worst for f in found], "ms"),
        ("load", [f.load * 100 for f in found], "% of a core"),
    )
    print(f"\n{scenario.rooms} rooms: {scenario.what}", flush=True)
    for what, values, unit in rows:
        yield _result(what, values, unit)


async def _once(scenario: Scenario) -> Figures:
    with _core(0):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.media_server", "127.0.0.1"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=1 << 20,
        )  # fmt: skip
    try:
        return await _measure(_Ours(process), scenario)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 10)
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _measure(target: _Ours, scenario: Scenario) -> Figures:
    delays: list[float] = []
    rooms = []
    for number in range(scenario.rooms):
        room = f"bench {number}"
        await target.open(room)
        members = [_One(f"m{place}", scenario, delays) for place in range(MEMBERS)]
        for member in members:
            await member.join(target, room)
        names = [member.name for member in members]
        heard = names[:1] if scenario.stick else names
        everybody = {name: [other for other in names if other != name] for name in heard}
        await target.plan(room, 1, everybody, scenario.kind)
        rooms.append(members)
    talkers = [member for members in rooms for member in members[: scenario.talkers]]
    interval = 0.02 if scenario.kind == "audio" else 1 / 35
    echo = _Echo()
    tasks = [asyncio.create_task(_pace(talkers, interval)), asyncio.create_task(echo.run())]
    if scenario.silent:
        quiet = [member for members in rooms for member in members[scenario.talkers :]]
        tasks.append(asyncio.create_task(_hush(quiet)))
    await asyncio.sleep(SETTLE)
    delays.clear()
    echo.delays.clear()
    everyone = [member for members in rooms for member in members]
    received, sent = sum(each.received() for each in everyone), _sent(talkers)
    used, own, began = processor(target.pid), time.process_time(), time.monotonic()
    await asyncio.sleep(SECONDS)
    used, took = processor(target.pid) - used, time.monotonic() - began
    own = time.process_time() - own
    received = sum(each.received() for each in everyone) - received
    sent = _sent(talkers) - sent
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for member in everyone:
        await member.close()
    listeners = MEMBERS - 1 if scenario.kind == "audio" else scenario.slots
    return Figures(
        used / took,
        own / took,
        received / took,
        max(0.0, 1 - received / (sent * listeners)),
        *_tail(delays),
        *_tail(echo.delays),
    )


def _tail(delays: list[float]) -> tuple[float, float]:
    """Median and p99, in ms."""
    ordered = sorted(delays) or [0.0]
    return statistics.median(ordered) * 1e3, ordered[int(len(ordered) * 0.99)] * 1e3


async def _hush(members: list[_One]) -> None:
    while True:
        for number, member in enumerate(members):
            member.be_silent()
            if number % 10 == 9:
                await asyncio.sleep(COMFORT * 10 / len(members))
