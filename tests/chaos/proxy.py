"""A TCP proxy that fails on demand: between a client and a balancer, a worker and Redis, a replica
and its master.

    async with Proxy(port) as proxy:
        ... connect to proxy.port ...
        proxy.hold(DOWN)        # a black hole, one way: no FIN, nothing lost, nothing comes
        proxy.heal()

A black hole keeps what it swallowed until it heals, as TCP would send it again.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final

UP: Final = "up"
"""From who connected to what is behind the proxy."""
DOWN: Final = "down"
BOTH: Final = (UP, DOWN)

_CHUNK: Final = 16_384
_QUEUED: Final = 64


@dataclass
class Lane:
    """One direction, for all connections.

    delay: seconds added to each byte. rate: bytes a second, None for no limit.
    """

    delay: float = 0.0
    rate: float | None = None
    passing: asyncio.Event = field(default_factory=asyncio.Event)
    carried: int = 0
    """Bytes let through so far."""

    def __post_init__(self) -> None:
        self.passing.set()


@dataclass(eq=False)
class Connection:
    """One that was passed on. Clearing `passing` makes a black hole of it alone, both ways."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    task: asyncio.Task[None] | None = None
    born: float = field(default_factory=time.monotonic)
    passing: asyncio.Event = field(default_factory=asyncio.Event)
    subscribed: bool = False
    """Whether it has asked a Redis to be told of something."""

    def __post_init__(self) -> None:
        self.passing.set()

    def close(self, *, reset: bool) -> None:
        for writer in (self.near, self.far):
            if writer is None:
                continue
            plug = writer.get_extra_info("socket")
            if reset and plug is not None:
                # Lingering for no time makes the kernel send RST.
                with suppress(OSError):
                    plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort() if reset else writer.close()
        if self.task is not None:
            self.task.cancel()


class Proxy:
    """Listens on a free loopback port, or the one given, and passes everything on."""

    def __init__(self, to_port: int, to_host: str = "127.0.0.1", *, port: int = 0) -> None:
        self._to = (to_host, to_port)
        self._wanted = port
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._refusing = False
        self.port = port
        self.lanes = {UP: Lane(), DOWN: Lane()}

    async def __aenter__(self) -> Proxy:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._came, "127.0.0.1", self._wanted)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._close(reset=True)
        await asyncio.sleep(0)

    @property
    def connections(self) -> list[Connection]:
        return list(self._connections)

    # --- faults ----------------------------------------------------------------------------

    def cut(self) -> None:
        """Ends all connections in good order and takes no new ones."""
        self._refusing = True
        self._close(reset=False)

    def reset(self) -> None:
        """Ends all connections by RST; new ones are taken."""
        self._close(reset=True)

    def hold(self, *lanes: str) -> None:
        """A black hole in these directions, in both if none is named."""
        for lane in lanes or BOTH:
            self.lanes[lane].passing.clear()

    def hold_subscriptions(self) -> None:
        """A black hole of those connections, to a Redis, that have subscribed to something."""
        for each in self._connections:
            if each.subscribed:
                each.passing.clear()

    def delay(self, seconds: float, *lanes: str) -> None:
        for lane in lanes or BOTH:
            self.lanes[lane].delay = seconds

    def throttle(self, bytes_a_second: float | None, *lanes: str) -> None:
        for lane in lanes or BOTH:
            self.lanes[lane].rate = bytes_a_second

    def half_close(self) -> None:
        """Says FIN to who connected, and goes on to take what they send."""
        for each in self._connections:
            with suppress(OSError, RuntimeError):
                each.near.write_eof()

    def heal(self) -> None:
        """No fault any more. Connections that were ended stay so."""
        self._refusing = False
        for lane in self.lanes.values():
            lane.delay, lane.rate = 0.0, None
            lane.passing.set()
        for each in self._connections:
            each.passing.set()

    def _close(self, *, reset: bool) -> None:
        for each in tuple(self._connections):
            each.close(reset=reset)
        self._connections.clear()

    # --- carrying --------------------------------------------------------------------------

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(writer, task=asyncio.current_task())
        if self._refusing:
            connection.task = None
            connection.close(reset=True)
            return
        self._connections.add(connection)
        try:
            far_reader, connection.far = await asyncio.open_connection(*self._to)
            async with asyncio.TaskGroup() as group:
                far = connection.far
                group.create_task(self._carry(connection, self.lanes[UP], reader, far))
                group.create_task(self._carry(connection, self.lanes[DOWN], far_reader, writer))
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(connection)
            for each in (writer, connection.far):
                if each is not None:
                    each.close()

    async def _carry(
        self,
        connection: Connection,
        lane: Lane,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """One direction of one connection, until it ends."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_QUEUED)

        async def read() -> None:
            while data := await reader.read(_CHUNK):
                await queue.put((loop.time(), data))
            await queue.put((loop.time(), b""))

        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            while True:
                came, data = await queue.get()
                connection.subscribed = connection.subscribed or b"SUBSCRIBE" in data
                await lane.passing.wait()
                if (wait := came + lane.delay - loop.time()) > 0:
                    await asyncio.sleep(wait)
                await lane.passing.wait()
                await connection.passing.wait()
                if not data:
                    break
                await self._write(lane, writer, data)
        with suppress(OSError, RuntimeError):
            writer.write_eof()

    async def _write(self, lane: Lane, writer: asyncio.StreamWriter, data: bytes) -> None:
        while data:
            # At a low rate in slices of a tenth of a second, so that it flows.
            size = len(data) if lane.rate is None else max(1, int(lane.rate / 10))
            piece, data = data[:size], data[size:]
            writer.write(piece)
            await writer.drain()
            lane.carried += len(piece)
            if lane.rate is not None:
                await asyncio.sleep(len(piece) / lane.rate)
                await lane.passing.wait()
