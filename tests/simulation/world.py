"""A room with its real service and gateway, and clients behind a transport that loses and delays.

A transport is a stream: it keeps the order of each direction and may break at any moment, and
then everything that was under way is lost. Different connections reorder freely.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

from sitwith_protocol.codec import SERVER_LIMITS, decode, encode
from sitwith_server.config import Settings as WorkerSettings
from sitwith_server.gateway.telemetry.metrics import Metrics
from sitwith_server.gateway.websocket.connection import Connection
from sitwith_server.gateway.websocket.outbox import Outbox
from sitwith_server.gateway.websocket.registry import ConnectionRegistry
from sitwith_server.media.plane.turn import Turn
from sitwith_server.media.plane.worker import WorkerMedia
from sitwith_server.room.model import Settings
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.hosting.periodic import PeriodicWork
from sitwith_server.service.operator import Created, Operator, RoomSpec
from sitwith_server.service.people.seating import Seating
from sitwith_server.service.rooms.audit import AuditTrail
from tests.folding import folded, touched
from tests.plain_log import PlainLog

Frame = dict[str, Any]
LATENCY = 0.2
"""Longest one-way delay of a frame, in (virtual) seconds."""


def payload(frame: bytes) -> bytes:
    """What a server's WebSocket frame carries (RFC 6455 §5.2)."""
    head = {126: 4, 127: 10}.get(frame[1], 2)
    return frame[head:]


class Transport:
    """Two directions with delay, in order; implements `outbox.PeerSocket` for the server."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._loop = asyncio.get_running_loop()
        self._due = {"up": 0.0, "down": 0.0}
        self.up: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.down: asyncio.Queue[Frame | int | None] = asyncio.Queue()
        self.broken = False

    def _later(self, way: str, queue: asyncio.Queue[Any], item: Any) -> None:
        # A hair later than the one before: timers of the same moment have no order.
        at = max(self._due[way] + 1e-4, self._loop.time() + self._chance.random() * LATENCY)
        self._due[way] = at
        self._loop.call_at(at, lambda: None if self.broken else queue.put_nowait(item))

    def send(self, frame: Frame) -> None:
        self._later("up", self.up, encode(frame))

    def write(self, data: bytes) -> None:
        self._later("down", self.down, decode(payload(data), SERVER_LIMITS))

    def more(self) -> bool:
        return False

    def unsent(self) -> int:
        return 0

    def seated(self) -> None: ...

    def gone(self) -> bool:
        return self.broken

    def end(self, code: int) -> None:
        self._later("down", self.down, code)
        self._later("up", self.up, None)

    def cut(self) -> None:
        """Breaks both ways; what is under way is lost. The server notices a little later."""
        self.broken = True
        self.down.put_nowait(None)
        self._loop.call_later(self._chance.random() * LATENCY, self.up.put_nowait, None)


@dataclass
class World:
    """The server's side."""

    chance: random.Random
    log: PlainLog = field(init=False)
    host: Host = field(init=False)
    pulse: PeriodicWork = field(init=False)
    operator: Operator = field(init=False)
    registry: ConnectionRegistry = field(init=False)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.log = PlainLog(loop.time)
        self.host = Host(self.log, AuditTrail(self.log, 86_400))
        self.pulse = PeriodicWork(self.host)
        self.pulse.start()
        self.operator = Operator(self.host, room_ttl=86_400)
        settings = WorkerSettings()
        media = WorkerMedia(self.log, Turn((), "", 600), off=True)
        self.registry = ConnectionRegistry(
            Seating(self.host), settings, Metrics(), self.log.now, media
        )

    async def room(self, **settings: Any) -> Created:
        return await self.operator.create(
            RoomSpec("A circle", "Be kind.", 50, Settings(**settings))
        )

    def connect(self) -> Transport:
        transport = Transport(self.chance)
        loop = asyncio.get_running_loop()
        outbox = Outbox(transport, 1 << 20)
        connection = Connection(self.registry, outbox, clock=loop.time)
        self.tasks.append(asyncio.create_task(connection.serve(transport.up.get)))
        return transport

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.pulse.stop()
        await self.host.close()


class Client:
    """A client written from the contract: folds, resumes with `seen`, repeats what has no answer.

    `got` is what it was given of each conversation, as (n, body), in order of arrival.
    """

    def __init__(self, world: World, token: str, name: str, chance: random.Random) -> None:
        self._world = world
        self._chance = chance
        self._hello: Frame = {"t": "hello", "token": token, "name": name}
        self._transport: Transport | None = None
        self._next = 0
        self._waiting: dict[int, tuple[Frame, asyncio.Future[Frame]]] = {}
        self.seen: dict[str, bytes] = {}
        self.me = ""
        self.phase = ""
        self.view: dict[str, Any] = {}
        self.got: dict[str, list[tuple[int, str]]] = {}
        self.answers: dict[int, list[Frame]] = {}
        self.turns: list[int] = []
        self.closed: int | None = None
        self.entered = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    # -- doing -----------------------------------------------------------------------------------

    def ask(self, t: str, **fields: Any) -> asyncio.Future[Frame]:
        """Sends a command; its answer comes even if the connection breaks meanwhile."""
        self._next += 1
        frame = {"t": t, "id": self._next, **fields}
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting[self._next] = (frame, answer)
        self._send(frame)
        if self._chance.random() < 0.2:
            self._send(frame)  # a client that is not sure says it twice
        return answer

    def break_off(self) -> None:
        if self._transport is not None:
            self._transport.cut()

    def _send(self, frame: Frame) -> None:
        if self._transport is not None and not self._transport.broken:
            self._transport.send(frame)

    # -- hearing ---------------------------------------------------------------------------------

    async def _run(self) -> None:
        while self.closed is None:
            transport = self._transport = self._world.connect()
            transport.send(self._hello)
            while True:
                item = await transport.down.get()
                if item is None:
                    break
                if isinstance(item, int):
                    self.closed = item if item >= 4400 or item == 1000 else None
                    break
                self._take(item)
            self._transport = None
            await asyncio.sleep(self._chance.random() * 2)

    def _take(self, frame: Frame) -> None:
        getattr(self, "_" + frame["t"].replace(".", "_"), lambda _: None)(frame)

    def _welcome(self, frame: Frame) -> None:
        self.me, self.phase = frame["me"], frame["phase"]
        self._hello = {"t": "hello", "resume": frame["resume"], "seen": self.seen}
        self.view = dict(frame["room"])
        for waiting, _ in list(self._waiting.values()):
            self._send(waiting)
        if self.phase == "inside":
            self.entered.set()
        if self.phase == "agreement" and not self._waiting:
            self.ask("agreement.accept", version=frame["room"]["agreement"]["version"])

    def _lobby(self, frame: Frame) -> None:
        self.phase = "lobby"

    def _entered(self, frame: Frame) -> None:
        self.phase, self.view = "inside", dict(frame["room"])
        self.entered.set()

    def _room(self, frame: Frame) -> None:
        self.view = folded(self.view, frame)
        if "floor" in touched(frame):
            self.turns.append(self.view["floor"]["turn"])

    def _chat(self, frame: Frame) -> None:
        self.got.setdefault(frame["to"], []).append((frame["n"], frame["body"]))
        self.seen[frame["to"]] = frame["pos"]

    def _chat_deleted(self, frame: Frame) -> None:
        self.seen[frame["to"]] = frame["pos"]

    def _ok(self, frame: Frame) -> None:
        self._answered(frame)

    def _refused(self, frame: Frame) -> None:
        if frame["code"] in ("not_inside", "too_fast", "frozen") and frame["id"] in self._waiting:
            return  # no outcome: it goes again after the next welcome
        self._answered(frame)

    def _answered(self, frame: Frame) -> None:
        self.answers.setdefault(frame["id"], []).append(frame)
        waiting = self._waiting.pop(frame["id"], None)
        if waiting is not None and not waiting[1].done():
            waiting[1].set_result(frame)
