"""A worker and a media node with the real engine in this process, over any log: its insides can be
looked at and broken."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sitwith_client.voice import Peer
from sitwith_protocol.commands.media import MediaOffer
from sitwith_server.log.base import Log
from sitwith_server.media.aiortc.engine import AiortcEngine
from sitwith_server.media.aiortc.room import Limits
from sitwith_server.media.plane.node import Node
from sitwith_server.media.plane.turn import Turn
from sitwith_server.media.plane.worker import WorkerMedia
from sitwith_server.room import commands as c
from sitwith_server.room.model import Settings
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.hosting.periodic import PeriodicWork
from sitwith_server.service.operator import Operator, RoomSpec
from sitwith_server.service.rooms.answers import Ok
from sitwith_server.service.rooms.audit import AuditTrail
from sitwith_server.service.rooms.results import Applied
from tests.waiting import until

LIMITS = Limits(offers=100, offers_burst=100)


async def started(host: Host, port: int = 0) -> tuple[Node, AiortcEngine]:
    """A node with an engine that runs."""
    engine = AiortcEngine("127.0.0.1", port, limits=LIMITS)
    await engine.start()
    node = Node(host, engine, counts=engine.counts)
    node.start()
    return node, engine


class Circle:
    """A room with everybody inside; the first is the facilitator. Who has connected talks."""

    def __init__(self, worker: Host, node: Host) -> None:
        self.worker, self.carrier = worker, node
        self.media = WorkerMedia(worker.log, Turn((), "", 600))
        self.peers: dict[str, Peer] = {}
        self.latest: dict[tuple[str, str], float] = {}
        """When what a listener heard last of a speaker was said."""
        self.gaps: dict[tuple[str, str], float] = {}
        """The longest that a listener heard nothing of a speaker."""
        self._heard_at: dict[tuple[str, str], float] = {}
        self._talking: asyncio.Task[None] | None = None

    async def open(self, *names: str) -> None:
        made = await Operator(self.worker, room_ttl=86_400).create(
            RoomSpec("A circle", "Be kind.", 50, Settings(lobby=False))
        )
        use = await self.worker.use(made.room)
        assert use is not None
        self.room = found = use.room
        self.media.start()
        self.media.watch(found)
        invites = {str(each.role): each.digest for each in found.state.invites.values()}
        for place, name in enumerate(names):
            seat = c.TakeSeat(
                by=name,
                invite_digest=invites["member" if place else "facilitator"],
                name=name,
                skeleton=name,
                connection=self.worker.presence.opened(),
                resume_digest=name.encode(),
            )
            await self.must(seat)
            await self.must(c.AgreementAccept(by=name, version=1))
        self._talking = asyncio.create_task(self._talk())

    async def must(self, command: c.Command) -> None:
        outcome = await self.room.execute(command, "test")
        assert isinstance(outcome, Applied), outcome

    async def connect(self, *names: str) -> None:
        await asyncio.gather(*map(self._connect, names))

    async def _connect(self, name: str) -> None:
        old = self.peers.pop(name, None)
        if old is not None:
            await old.close()

        def heard(mid: str, packet: bytes) -> None:
            start = 12 + 4 * (packet[0] & 15)
            if packet[0] & 16:
                start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4])
            speaker, _, moment = packet[start:].decode().partition("|")
            now = time.monotonic()
            gap = now - self._heard_at.get((name, speaker), now)
            self._heard_at[name, speaker] = now
            self.gaps[name, speaker] = max(gap, self.gaps.get((name, speaker), 0.0))
            self.latest[name, speaker] = float(moment)

        ends = time.monotonic() + 20
        while True:
            peer = Peer(("audio",), audio=4, on_rtp=heard)
            seat = self.room.state.seats[name]
            offer = MediaOffer(1, peer.offer())
            answer = await self.media.answer_command(self.room, name, seat.connection or "", offer)
            if isinstance(answer, Ok):
                await peer.connect(str(answer.fields["sdp"]))
                self.peers[name] = peer
                return
            assert time.monotonic() < ends, answer
            await asyncio.sleep(0.1)

    async def _talk(self) -> None:
        while True:
            for name, peer in list(self.peers.items()):
                with contextlib.suppress(Exception):
                    peer.speak(f"{name}|{time.monotonic()}".encode())
            await asyncio.sleep(0.02)

    async def hears(self, listener: str, speaker: str, since: float | None = None) -> None:
        began = time.monotonic() if since is None else since
        await until(
            lambda: self.latest.get((listener, speaker), 0.0) > began,
            lambda: f"{listener} hears {speaker}",
        )

    async def all_hear(self) -> None:
        began = time.monotonic()
        for listener in self.peers:
            for speaker in self.peers.keys() - {listener}:
                await self.hears(listener, speaker, began)

    async def quiet(self, since: float) -> None:
        """What is said after that moment is heard by nobody, while time passes."""
        await asyncio.sleep(max(0.0, since - time.monotonic()) + 1)
        latest = max(self.latest.values())
        assert latest <= since, f"{latest - since:.3f} s too late"

    async def close(self) -> None:
        if self._talking is not None:
            self._talking.cancel()
        for peer in self.peers.values():
            with contextlib.suppress(Exception):
                await peer.close()
        await self.media.close()


@asynccontextmanager
async def circle(*names: str, worker: Log, carrier: Log | None = None) -> AsyncIterator[Circle]:
    """worker, carrier: how each process sees the log; without the second one both are one process.
    They are closed at the end."""
    first = Host(worker, AuditTrail(worker, 60))
    second = first if carrier is None else Host(carrier, AuditTrail(carrier, 60))
    made = Circle(first, second)
    pulses = [PeriodicWork(host) for host in {first, second}]
    for pulse in pulses:
        pulse.start()
    try:
        await made.open(*names)
        yield made
    finally:
        await made.close()
        for pulse in pulses:
            pulse.stop()
        for host in {first, second}:
            await host.close()
            await host.log.close()
