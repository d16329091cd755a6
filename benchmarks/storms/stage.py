"""One server, its good members, and what a storm does to them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.server import serving
from benchmarks.storms import generator
from benchmarks.storms.generator import Size, Told
from benchmarks.storms.programs import Place, Storm
from sitwith_client import Client
from sitwith_protocol import messages as m
from tests.blackbox.house import Server

GOOD: Final = 8
"""Members who talk all the while."""
OFFER: Final = Path(__file__).parents[2] / "tests" / "media" / "offers" / "aiortc.sdp"
NEWCOMER_WITHIN: Final = 10.0


@dataclass(slots=True)
class Seen:
    """What one storm did. Memory in bytes, p99 and times in milliseconds and seconds.

    cpu: seconds of the server's processor time a second, before and during.
    delayed: seconds in which other programs had the server's core, during.
    """

    storm: Storm
    told: Told
    before: int
    peak: int
    after: int
    quiet: list[float]
    sink: list[float]
    during: list[float]
    entered: list[float]
    said: int
    heard: int
    lost: int
    cpu: tuple[float, float]
    delayed: float


@dataclass(frozen=True, slots=True)
class Gale:
    """What several storms at once did; as in `Seen`."""

    told: list[Told]
    grown: int
    entered: float
    said: int
    heard: int


def p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98] if len(times) > 1 else float("nan")


class Good:
    """The process of the good members."""

    def __init__(self, url: str, tokens: list[str], core: int | None) -> None:
        words = [sys.executable, "-m", "benchmarks.storms.good", url, json.dumps(tokens)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True)
        pin(self._process.pid, core, ahead=True)
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("the good members did not come in")

    def phase(self, name: str) -> None:
        self._tell(f"phase {name}\n")

    def _tell(self, order: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(order)
        self._process.stdin.flush()

    def end(self) -> dict[str, object]:
        assert self._process.stdout is not None
        self._tell("end\n")
        said: dict[str, object] = json.loads(self._process.stdout.readline())
        self._process.wait()
        return said

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def pin(pid: int, core: int | None, *, ahead: bool = False) -> None:
    """Binds a process, and its threads to come, to one core; None: to none.

    ahead: it goes before what else this machine does, where this user may say so: others' work is
        no storm.
    """
    if core is None:
        return
    os.sched_setaffinity(pid, {core})
    if ahead:
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(1))


class Stage:
    """A running server with its room. cores: the server's, and everybody else's."""

    def __init__(self, server: Server, cores: tuple[int, int] | None) -> None:
        self.server = server
        self._core = None if cores is None else cores[1]
        if cores is not None:
            for task in os.listdir(f"/proc/{server.process.pid}/task"):
                pin(int(task), cores[0], ahead=True)
        settings = {"sealed": False}
        self._links = server.open_room(capacity=60, lobby=False, settings=settings)
        self._lobby = server.open_room(capacity=60, lobby=True, settings=settings)
        self._sdp = OFFER.read_text()

    def invite(self) -> str:
        """A one-use link's token."""
        made = self.server.call(
            "POST", f"/api/rooms/{self._links['room']}/invites", {"role": "member", "uses": 1}
        )
        return str(made["link"])

    async def place(self) -> Place:
        """Where a storm goes. A ticket is good for a minute: one a storm."""
        async with Client.join(self._links["facilitator"], "Fay") as leader:
            await leader.enter(timeout=30)
            said = await leader.ask(lambda id: m.MaterialUpload(id, "picture", ""))
            path = f"/r/{self._links['room']}/materials/{said['material']}"
        return Place(
            int(self.server.url.rpartition(":")[2]),
            self._links["room"],
            _token(self._links["member"]),
            _token(self._lobby["member"]),
            (path, str(said["ticket"])),
            self._sdp,
        )

    def run(self, storm: Storm, size: Size, rest: float, *, newcomers: int = 3) -> Seen:
        """One storm: good members at rest, beside the generator alone, and during it."""
        good = Good(self.server.url, self._good_tokens(), self._core)
        try:
            return self._run(good, storm, size, rest, newcomers)
        finally:
            good.kill()

    def _run(self, good: Good, storm: Storm, size: Size, rest: float, newcomers: int) -> Seen:
        links = [self.invite() for _ in range(newcomers)]
        place = asyncio.run(self.place())
        program = storm.program(place)
        time.sleep(1.0)
        before = self.server.process.resident
        good.phase("quiet")
        used, at = self.server.process.seconds, time.monotonic()
        time.sleep(size.seconds / 2)
        calm = (self.server.process.seconds - used) / (time.monotonic() - at)
        with generator.drain() as port, self._blowing(port, program, storm, size, True) as sink:
            good.phase("sink")
            generator.told(sink)
        good.phase("between")
        time.sleep(0.5)
        used, at, entered = self.server.process.seconds, time.monotonic(), list[float]()
        delayed = self.server.process.delayed
        good.phase("during")
        with self._blowing(place.port, program, storm, size, False) as process:
            peak = before
            for link in links:
                peak = max(peak, self._wait(process, size.seconds / (newcomers + 2)))
                entered.append(asyncio.run(_enter(link)))
            while process.poll() is None:
                peak = max(peak, self._wait(process, 0.2))
            told = generator.told(process)
        busy = (self.server.process.seconds - used) / (time.monotonic() - at)
        delayed = self.server.process.delayed - delayed
        good.phase("after")
        time.sleep(rest)
        said = good.end()
        phases: dict[str, list[float]] = said["phases"]  # type: ignore[assignment]
        time.sleep(1.0)
        return Seen(
            storm, told, before, peak, self.server.process.resident,
            phases["quiet"], phases["sink"], phases["during"], entered,
            int(str(said["said"])), int(str(said["heard"])), int(str(said["lost"])),
            (calm, busy), delayed,
        )  # fmt: skip

    def at_once(self, storms: Sequence[Storm], size: Size) -> Gale:
        """All these storms together, for a test: no time is taken but the newcomer's."""
        good = Good(self.server.url, self._good_tokens(), self._core)
        try:
            place, link, before = (
                asyncio.run(self.place()),
                self.invite(),
                self.server.process.resident,
            )
            with contextlib.ExitStack() as stack:
                good.phase("during")
                processes = [
                    stack.enter_context(
                        self._blowing(place.port, storm.program(place), storm, size, False)
                    )
                    for storm in storms
                ]
                time.sleep(size.seconds / 3)
                entered = asyncio.run(_enter(link))
                told = [generator.told(process) for process in processes]
            said = good.end()
        finally:
            good.kill()
        grown = self.server.process.resident - before
        return Gale(told, grown, entered, int(str(said["said"])), int(str(said["heard"])))

    def _good_tokens(self) -> list[str]:
        """The facilitator's first: where none is, nobody enters."""
        links = [self._links["facilitator"], *(self.invite() for _ in range(GOOD - 1))]
        return [_token(link) for link in links]

    def _wait(self, process: subprocess.Popen[str], seconds: float) -> int:
        """The most memory seen meanwhile."""
        most, end = 0, time.monotonic() + seconds
        while time.monotonic() < end and process.poll() is None:
            most = max(most, self.server.process.resident)
            time.sleep(0.05)
        return most

    @contextlib.contextmanager
    def _blowing(
        self, port: int, program: str, storm: Storm, size: Size, sink: bool
    ) -> Iterator[subprocess.Popen[str]]:
        process = generator.started(
            port, program, storm.connections, storm.addresses, size, sink=sink
        )
        pin(process.pid, self._core)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


async def _enter(link: str) -> float:
    """Seconds until a newcomer is inside; infinite where they never are."""
    begin = time.monotonic()
    try:
        async with asyncio.timeout(NEWCOMER_WITHIN), Client.join(link, "New") as person:
            await person.enter(timeout=NEWCOMER_WITHIN)
            took = time.monotonic() - begin
            await person.leave()
    except Exception:
        return float("inf")
    return took


def _token(link: str) -> str:
    return link.partition("#t=")[2].partition("&")[0]


@contextlib.contextmanager
def staged(cores: tuple[int, int] | None = None, **settings: str) -> Iterator[Stage]:
    """A server of its own, pinned where two cores are given."""
    with serving(**settings) as server:
        yield Stage(server, cores)
