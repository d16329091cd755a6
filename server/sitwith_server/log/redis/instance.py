"""One Redis instance: connects to it, re-seeds it, watches it, and connects again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sitwith_server.log.base import (
    KEPT_ENTRIES,
    Commit,
    LogDown,
    Notification,
    Outage,
    Position,
    Result,
)
from sitwith_server.log.redis.commit import Committer
from sitwith_server.log.redis.connection.client import (
    Callback,
    ErrorReply,
    RedisConnection,
    Word,
    ignored,
    log_error_of,
    resolve_into,
)
from sitwith_server.log.redis.connection.fanout import FanOut
from sitwith_server.log.redis.connection.target import Target
from sitwith_server.log.redis.notifications import parse_notification
from sitwith_server.log.redis.packing import (
    BEAT,
    BEATING,
    GATE,
    LEASES,
    MICROSECONDS,
    ROOM,
    SCRIPTS,
    Script,
    ask_format,
    keys_of,
)
from sitwith_server.log.redis.reseed.holdings import Holdings
from sitwith_server.log.redis.reseed.reader import CatchUpReader
from sitwith_server.log.redis.reseed.seed import Seeder
from sitwith_server.log.redis.watch.beats import Beats
from sitwith_server.log.redis.watch.clock import RedisClock
from sitwith_server.log.redis.watch.health import Condition, View
from sitwith_server.log.redis.watch.monitor import HealthMonitor, Unusable, faults_of, parse_info

_RETRY: Final = (0.05, 0.5)
_ANSWERED: Final = 0.2
"""The longest pause while an instance answers but refuses, so that the end of that is found
soon."""
_GUARD: Final = 0.5


@dataclass(frozen=True, slots=True)
class Tuning:
    """Times in seconds.

    patience: how long a reply may take.
    probe_every: between two probes of the fan-out.
    dark_after: without an echo after which the fan-out is dark.
    frozen_after: how long no write may be taken, or the fan-out be dark, before rooms are frozen.
    refused_after: the same while writes are refused. A little less than the promised second.
    offer: how long workers may offer what they hold to an instance that has lost it.
    kept: not a time: how many entries of a stream are kept at least. The same for all processes
        that share an instance.
    """

    patience: float = 2.0
    probe_every: float = 1.0
    dark_after: float = 3.0
    frozen_after: float = 2.0
    refused_after: float = 0.95
    offer: float = 1.0
    kept: int = KEPT_ENTRIES


class Instance:
    """One instance. Connects by itself from `start` until `stop`.

    format_: number of the format that this process writes. It enters no instance that has another.
    """

    def __init__(
        self, target: Target, tuning: Tuning, format_: int, changed: Callable[[Instance], None]
    ) -> None:
        self.target = target
        self.name = target.name
        self.clock = RedisClock()
        self.fan = FanOut(self, every=tuning.probe_every, dark_after=tuning.dark_after)
        self.holdings = Holdings()
        condition = Condition(tuning.frozen_after, tuning.refused_after, tuning.dark_after)
        self.monitor = HealthMonitor(
            self.name, condition, lambda: changed(self), self.fan.send_probe
        )
        self.beats = Beats(self._beat, condition, self.holdings, self.clock, self.monitor.look)
        self.monitor.hurry = self.beats.hurry
        self._reader = CatchUpReader(partial(self.ask, ""), self.holdings, self._got_heads)
        self._seeder = Seeder(self.holdings, tuning.offer, tuning.kept, self.clock.now)
        self._tuning = tuning
        self._format = format_
        self._has_been_here = False
        self._connection: RedisConnection | None = None
        self._gate = b""
        self._committer = Committer(self.holdings, self.clock, tuning.kept)
        self._task: asyncio.Task[None] | None = None

    # --- how it is -------------------------------------------------------------------------

    def view(self) -> View:
        return self.monitor.view()

    def frozen(self) -> bool:
        return self.monitor.frozen()

    @property
    def other_format(self) -> int | None:
        return self.monitor.condition.other_format

    @property
    def outage(self) -> Outage | None:
        return self.beats.outage

    # --- asking ----------------------------------------------------------------------------

    def run(self, script: Script, words: Sequence[Word], got: Callback) -> None:
        """Run a script. Raises LogDown if it was not sent; else `got` gets the reply or LogDown."""
        connection = self._connection
        if connection is None:
            raise LogDown("not connected")
        whole = (b"EVALSHA", script.sha, *words)
        loaded = False

        def checked(reply: Any) -> None:
            nonlocal loaded
            if isinstance(reply, ErrorReply):
                if reply.word == "NOSCRIPT" and connection.open and not loaded:
                    loaded = True
                    connection.send((b"SCRIPT", b"LOAD", script.text), ignored)
                    connection.send(whole, checked)
                    return
                reply = log_error_of(reply, connection)
            got(reply)

        connection.send(whole, checked)

    def ask(self, room: str, operation: str, *words: Word) -> asyncio.Future[Any]:
        """Run an operation of room.lua. Raises LogDown, at once or later."""
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._ask(room, operation, words, resolve_into(reply))
        return reply

    def _ask(self, room: str, operation: str, words: Sequence[Word], got: Callback) -> None:
        keys = (3, GATE, keys_of(room).prefix, LEASES)
        self.run(ROOM, (*keys, self._gate, operation, self._tuning.kept, *words), got)

    def publish(self, channel: str, message: bytes) -> None:
        """Publish without waiting. Raises LogDown if it was not sent."""
        if self._connection is None:
            raise LogDown("not connected")
        self._connection.send((b"PUBLISH", channel, message), ignored)

    def probe(self, channel: str) -> None:
        """Publish a probe and ask for the time. Raises LogDown."""
        self.publish(channel, b"")
        if self._connection is not None:
            self._connection.send((b"TIME",), self._timed)

    def _timed(self, reply: Any) -> None:
        if isinstance(reply, list):
            self.clock.learn(int(reply[0]) + int(reply[1]) / MICROSECONDS)

    def commit(self, commit: Commit) -> asyncio.Future[Result]:
        """Send a commit. Raises LogDown, at once or later."""
        if self.frozen():
            raise self.monitor.why_frozen()
        if self._connection is None:
            raise LogDown("not connected")
        return self._committer.send(self._connection, commit)

    def _beat(self, words: Sequence[Word], got: Callback) -> None:
        self.run(BEATING, (3, GATE, LEASES, BEAT, self._gate, *words), got)

    # --- what the fan-out calls ---------------------------------------------------------------

    def notified(self, room: str, message: bytes) -> None:
        """Takes a notification as it came, and passes it on."""
        raw = parse_notification(message)
        copy = self.holdings.rooms.get(room)
        if copy is None or not copy.accepts_epoch(raw.epoch):
            return
        copy.add(raw.stream, raw.entries, self.clock.now())
        copy.blank(raw.blanks)
        entries = tuple(each.entry(raw.stream) for each in raw.entries)
        self.fan.notify(room, Notification(raw.stream, raw.seq, entries, raw.blanks))

    def notify_heads(self, room: str) -> None:
        """Notifies the room's subscribers of the present heads, soon."""
        self._reader.heads(room)

    def _got_heads(self, room: str, reply: Any) -> None:
        if reply is not None:
            for stream, head in self.learn_heads(room, reply)[1].items():
                if head.seq:
                    self.fan.notify(room, Notification(stream, head.seq))

    def learn_heads(self, room: str, reply: list[Any]) -> tuple[int, dict[str, Position]]:
        """Rights number and heads, from a reply of the operation `heads`; the holdings take
        them."""
        epoch, rights, flat = reply
        pairs = zip(flat[::2], flat[1::2], strict=True)
        heads = {name.decode(): Position.from_bytes(head) for name, head in pairs}
        self.holdings.confirm_epoch(room, epoch)
        if copy := self.holdings.rooms.get(room):
            copy.update_heads(epoch, rights, heads)
        return rights, heads

    def index_message(self, message: bytes) -> None:
        """Takes a message of an index's channel; empty: some may have been missed."""
        if message:
            self.holdings.apply_message(message)
        else:
            self._reader.index()

    def echoed(self) -> None:
        """A probe has come back."""
        self.monitor.echoed()

    def darkened(self) -> None:
        """No notifications come any more."""
        self.monitor.darkened()

    # --- the connection ----------------------------------------------------------------------

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="sitwith-redis")

    async def stop(self) -> None:
        self.fan.forget()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self.monitor.stop()

    async def _run(self) -> None:
        wait = _RETRY[0]
        while True:
            try:
                await self._session()
                wait = _RETRY[0]
            except (OSError, TimeoutError, ErrorReply) as fault:
                answered = isinstance(fault, ErrorReply | Unusable) and self.target.master is None
                wait = min(wait * 1.6, _ANSWERED if answered else _RETRY[1])
                self.monitor.failed(fault)
            except Exception as fault:
                # A defect must not end this task: the next connection may work.
                wait = _RETRY[1]
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "a session with Redis failed", "exception": fault}
                )
            await asyncio.sleep(wait * random.uniform(0.5, 1))

    async def _compare_format(self, connection: RedisConnection) -> None:
        how = "return" if self._has_been_here else "enter"
        other: bytes = await connection.call("EVALSHA", *ask_format(self._format, how))
        self._has_been_here = self._has_been_here and not other
        self.monitor.of_format(int(other) if other else None)

    async def _session(self) -> None:
        patience = self._tuning.patience
        where = await self.target.find(patience)
        lost = asyncio.Event()

        async def connect(make: Callable[[], RedisConnection]) -> RedisConnection:
            return await self.target.connect(make, where, patience)

        connection = await connect(
            lambda: RedisConnection(lost=lost.set, patience=patience, refused=self.monitor.refused)
        )
        tasks: list[asyncio.Task[None]] = []
        try:
            info = parse_info(await connection.call("INFO"))
            if fault := faults_of(info):
                raise Unusable(fault)
            await asyncio.gather(
                *(connection.call("SCRIPT", "LOAD", each.text) for each in SCRIPTS)
            )
            self._timed(await connection.call("TIME"))
            await self._compare_format(connection)
            self._gate = await self._seeder.enter(connection, info["run_id"], self.monitor.seeds)
            # Meanwhile a process of another format may have put its rooms there.
            await self._compare_format(connection)
            self._has_been_here = True
            self._committer.enter(self._gate)
            self._connection = connection
            self._seeder.tell_losses()
            self.beats.begin()
            self.monitor.entered()
            tasks.append(asyncio.create_task(self.fan.run(connect), name="sitwith-fanout"))
            if self.target.master is not None:
                tasks.append(asyncio.create_task(self._guard(where, connection)))
            await lost.wait()
        finally:
            self._connection = None
            self.beats.end()
            self._reader.stop()
            for task in tasks:
                task.cancel()
            connection.abort()
            self.monitor.left()

    async def _guard(self, where: tuple[str, int], connection: RedisConnection) -> None:
        """Leaves a master that the Sentinels have replaced; it may not know that yet."""
        while True:
            await asyncio.sleep(_GUARD)
            with suppress(LogDown):
                if await self.target.find(self._tuning.patience) != where:
                    connection.abort()
