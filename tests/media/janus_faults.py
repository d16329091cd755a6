"""What can break around a Janus gateway, and how long it goes on forwarding then.

A gateway under its guard, a media node as a process, and two members one of whom speaks. Packets
are counted where they come out of the gateway, by the kernel's time. As a program it prints
figures: `python -m tests.media.janus_faults 30`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sitwith_client.voice.sdp import OPUS
from tests.servers import ROOT
from tests.waiting import until

from .janus_member import Member
from .janus_net import Janus, freeze, janus

BOUND: Final = 1.0
_TIMESTAMPS: Final = 35
"""SO_TIMESTAMPNS of socket(7)."""
_BUFFER: Final = 33
"""SO_RCVBUFFORCE."""


class Tap:
    """Sees the packets of voices that leave a gateway for members, with the kernel's time."""

    def __init__(self, device: str, gateway: str) -> None:
        self._from = socket.inet_aton(gateway)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self._socket.setsockopt(socket.SOL_SOCKET, _BUFFER, 16 << 20)
        self._socket.setsockopt(socket.SOL_SOCKET, _TIMESTAMPS, 1)
        self._socket.bind((device, 0x0800))
        self._socket.setblocking(False)

    def times(self) -> list[float]:
        """When those passed that came since the last call: seconds of `time.time`."""
        found: list[float] = []
        while True:
            try:
                frame, words, _, _ = self._socket.recvmsg(2048, 256)
            except BlockingIOError:
                return found
            ((_, _, stamp),) = words
            seconds, nanos = struct.unpack("qq", stamp)
            if frame[26:30] == self._from and _is_voice(frame[42:]):
                found.append(seconds + nanos / 1e9)

    def close(self) -> None:
        self._socket.close()


def _is_voice(datagram: bytes) -> bool:
    return len(datagram) > 12 and datagram[0] >> 6 == 2 and datagram[1] & 0x7F == OPUS


class NodeProcess:
    """`janus_node` as a child."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._lock = asyncio.Lock()
        self.pid = process.pid

    @classmethod
    async def start(cls, gateway: Janus, bound: float) -> NodeProcess:
        words = ["-m", "tests.media.janus_node", gateway.address.api, str(bound)]
        process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL", sys.executable, *words, cwd=ROOT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL, limit=1 << 20,
        )  # fmt: skip
        return cls(process)

    async def ask(self, **words: object) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        async with self._lock, asyncio.timeout(60):
            self._process.stdin.write(json.dumps(words).encode() + b"\n")
            while line := await self._process.stdout.readline():
                # What it logs goes there, too.
                if not line.startswith(b"2"):
                    return json.loads(line)
        raise AssertionError("the node ended")

    async def join(self, member: Member) -> None:
        for peer in (member.up, member.down):
            said = await self.ask(member=member.name, sdp=peer.offer())
            assert isinstance(said, str), "the node gave no answer"
            await peer.connect(said)

    @property
    def runs(self) -> bool:
        return self._process.returncode is None

    def wake(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)

    async def end(self) -> None:
        if self.runs:
            self._process.kill()
        await self._process.wait()


class Stage:
    """`a` speaks, and `b` hears it by the gateway."""

    def __init__(self, gateway: Janus, tap: Tap, bound: float) -> None:
        self.gateway, self._tap, self._bound = gateway, tap, bound
        self._node: NodeProcess | None = None
        self._people: list[Member] = []
        self._rev = 0

    @property
    def node(self) -> NodeProcess:
        assert self._node is not None
        return self._node

    async def silence(self, fault: Fault, quiet: float = 2 * BOUND) -> float:
        """Lets it happen; seconds from then to the last packet, after which `quiet` are awaited."""
        await self.speak()
        happened = await fault(self)
        last, seen = happened, time.monotonic()
        while time.monotonic() - seen < quiet:
            await asyncio.sleep(0.1)
            if found := self._tap.times():
                last, seen = max(last, *found), time.monotonic()
            assert last - happened < 20, "it never ends"
        return last - happened

    async def speak(self) -> None:
        """Returns while packets pass. (A machine that had no time for the node, so that it was not
        vouched in time, is given more of it.)"""
        ends = time.monotonic() + 120
        while time.monotonic() < ends:
            with suppress(AssertionError, ConnectionError, TimeoutError):
                await self._begin()
                await self.hears(2)
                return
        raise AssertionError("nobody is heard")

    async def hears(self, within: float) -> None:
        """Returns while packets pass."""
        self._tap.times()
        await until(lambda: bool(self._tap.times()), "packets pass", within)

    async def _begin(self) -> None:
        await self._leave()
        if self._node is None or not self._node.runs:
            self._node, self._rev = await NodeProcess.start(self.gateway, self._bound), 0
        a, b = self._people = [Member("a"), Member("b")]
        for each in (a, b):
            await self._node.join(each)
        a.speak()
        ends = time.monotonic() + 10
        while True:
            self._rev += 1
            if await self._node.ask(rev=self._rev, heard={"a": ["b"]}):
                break
            assert time.monotonic() < ends, "no plan could be applied"
            await asyncio.sleep(0.1)
        await until(lambda: b.count("a") > 10, "b hears a", 5)

    async def mend(self) -> None:
        """Undoes whatever had happened."""
        self.gateway.net.restore()
        self.gateway.mend()
        if self._node is not None and self._node.runs:
            self._node.wake()
            await self._node.ask(log=True)

    async def _leave(self) -> None:
        for each in self._people:
            await each.close()
        self._people = []

    async def close(self) -> None:
        await self._leave()
        if self._node is not None:
            await self._node.end()


Fault = Callable[[Stage], Coroutine[Any, Any, float]]
"""Answers when it had happened (`time.time`)."""


@asynccontextmanager
async def staged(bound: float = BOUND) -> AsyncIterator[Stage]:
    with (
        tempfile.TemporaryDirectory() as folder,
        janus(Path(folder) / "one", bound=bound) as gateway,
    ):
        tap = Tap(gateway.net.outer, gateway.net.there)
        stage = Stage(gateway, tap, bound)
        try:
            yield stage
        finally:
            await stage.mend()
            await stage.close()
            tap.close()


# ------------------------------------------------------------------------------------------ faults


async def node_stopped(stage: Stage) -> float:
    freeze(stage.node.pid)
    return time.time()


async def node_killed(stage: Stage) -> float:
    os.kill(stage.node.pid, signal.SIGKILL)
    return time.time()


async def log_away(stage: Stage) -> float:
    """The node runs and hears nothing of its room any more."""
    await stage.node.ask(log=False)
    return time.time()


async def no_way_to_the_gateway(stage: Stage) -> float:
    stage.gateway.net.swallow(from_node=True)
    return time.time()


async def no_way_to_the_node(stage: Stage) -> float:
    stage.gateway.net.swallow(to_node=True)
    return time.time()


async def no_way_at_all(stage: Stage) -> float:
    stage.gateway.net.swallow(from_node=True, to_node=True)
    return time.time()


async def janus_stopped_and_woken(stage: Stage) -> float:
    """It wakes when the bound is over, and would forward what had come meanwhile."""
    pid = stage.gateway.pid
    freeze(pid)
    happened = time.time()
    await asyncio.sleep(BOUND + 0.2)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
    return happened


async def guard_killed(stage: Stage) -> float:
    stage.gateway.kill()
    return time.time()


async def guard_stopped(stage: Stage) -> float:
    freeze(stage.gateway.guard)
    return time.time()


def both(one: Fault, other: Fault) -> Fault:
    async def happen(stage: Stage) -> float:
        first = asyncio.create_task(one(stage))
        await asyncio.sleep(0)
        return max(await other(stage), await first)

    return happen


MAX_FAULTS: Final[dict[str, Fault]] = {
    "node stopped": node_stopped,
    "node killed": node_killed,
    "no log": log_away,
    "no way to the gateway": no_way_to_the_gateway,
    "no way to the node": no_way_to_the_node,
    "no way at all": no_way_at_all,
    "Janus stopped and woken": janus_stopped_and_woken,
    "guard killed": guard_killed,
    "guard stopped": guard_stopped,
}
PAIRS: Final[dict[str, Fault]] = {
    "node stopped, no way": both(node_stopped, no_way_at_all),
    "node and Janus stopped": both(janus_stopped_and_woken, node_stopped),
    "Janus stopped, no way": both(janus_stopped_and_woken, no_way_at_all),
    "node stopped, guard killed": both(node_stopped, guard_killed),
}


async def rounds(fault: Fault, count: int, bound: float = BOUND) -> list[float]:
    """Seconds from the fault to the last packet, each time."""
    took = []
    async with staged(bound) as stage:
        for _ in range(count):
            took.append(await stage.silence(fault))
            await stage.mend()
    return took


def main(count: int) -> None:
    for name, fault in {**MAX_FAULTS, **PAIRS}.items():
        took = sorted(asyncio.run(rounds(fault, count)))
        p95 = took[min(count - 1, int(count * 0.95))]
        print(
            f"{name:30} p50 {statistics.median(took):.3f}  p95 {p95:.3f}  max {took[-1]:.3f} s"
            f"  n {count}",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]))
