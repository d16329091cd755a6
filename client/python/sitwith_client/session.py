"""Keeps a ``Seat`` connected: opens sockets, resumes, sends commands and delivers events."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from sitwith_protocol import messages as m
from sitwith_protocol.codec import CodecError
from sitwith_protocol.errors import CloseCode, RefusalCode, should_reconnect
from sitwith_protocol.shapes import BadMessage

from .connection import ABNORMAL, Opener, Refusal, Socket, SocketClosed
from .errors import CannotConnect, Refused, RoomClosed
from .events import ConnectionLost, Ended, Event, Forgotten
from .links import InviteLink
from .reconnect import LATE_GREETING, STEADY, may_reconnect, retry_delay
from .seat import Answered, Closing, MoveRequested, Outcome, Seat, Welcomed
from .stream import EventStream

T = TypeVar("T")

WELCOME_TIMEOUT: Final = 10.0
"""Seconds within which the server must answer the greeting."""
GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
NORMAL: Final = 1000


class Session:
    """The sockets, one after another, that carry one seat.

    ``patience`` is how many seconds the first connection may take. ``failure`` is set when the
    session has ended for good, and says why.
    """

    def __init__(
        self, link: InviteLink, seat: Seat, opener: Opener, patience: float, chance: random.Random
    ) -> None:
        self.link = link
        self.seat = seat
        self.opener = opener
        self.patience = patience
        self.chance = chance
        self.failure: Exception | None = None
        self.connections = 0
        """Sockets on which the server has welcomed the seat."""
        self.clock_offset = 0.0
        """Seconds that the room's clock is ahead of this machine's."""
        self._socket: Socket | None = None
        self._answers: dict[int, asyncio.Future[m.Ok | m.Refused]] = {}
        self._streams: weakref.WeakSet[EventStream] = weakref.WeakSet()
        self._changed: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._move: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._left = False
        self._leaving = False
        self._welcomed = False
        self._announced_code = 0
        self._late_until = float("-inf")

    @property
    def connected(self) -> bool:
        """Whether the seat is on a socket just now."""
        return self._socket is not None

    # ---- for the client

    def start(self) -> None:
        """Begins to connect, in a task of its own."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Closes the socket and keeps the seat."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, *self._closing, return_exceptions=True)

    def events(self) -> EventStream:
        """A stream of all events from now on."""
        stream = EventStream()
        self._streams.add(stream)
        if self.failure is not None:
            stream.finish()
        return stream

    async def until(self, test: Callable[[], T], timeout: float | None = None) -> T:
        """Waits until ``test()`` is true and returns its value; tests after each frame.

        Raises ``TimeoutError`` after ``timeout`` seconds, ``RoomClosed`` when the session ends.
        """
        async with asyncio.timeout(timeout):
            while not (value := test()):
                if self.failure is not None:
                    raise self.failure
                if self._changed is None:
                    self._changed = asyncio.get_running_loop().create_future()
                await asyncio.shield(self._changed)
            return value

    async def ask(self, make: Callable[[int], m.Command]) -> Mapping[str, Any]:
        """Sends a command and returns the fields of its answer; see ``Client.ask``."""
        if self.failure is not None:
            raise self.failure
        number, frame = self.seat.command(make)
        future: asyncio.Future[m.Ok | m.Refused] = asyncio.get_running_loop().create_future()
        self._answers[number] = future
        try:
            if self._socket is not None:
                # The reader notices a closed socket, and the next socket sends this command again.
                with contextlib.suppress(SocketClosed):
                    await self._socket.send(frame)
            answer = await future
        finally:
            self._answers.pop(number, None)
            self.seat.drop(number)
        if isinstance(answer, m.Refused):
            raise Refused(answer.code, answer.message)
        return answer.fields

    async def leave(self) -> None:
        """Gives up the seat. Raises ``Refused`` or ``RoomClosed``."""
        self._leaving = True
        try:
            await self.ask(m.Leave)
        except Refused:
            self._leaving = False
            raise
        self._left = True

    async def reconnect(self, *, abort: bool) -> None:
        """Closes the present socket, or with ``abort`` drops it; a new one follows."""
        socket = self._socket
        if socket is None:
            return
        if abort:
            socket.abort()
        else:
            await socket.close(GOING_AWAY)

    # ---- connecting

    async def _run(self) -> None:
        try:
            await self._stay_connected()
        except asyncio.CancelledError:
            self._fail(RoomClosed(NORMAL))
            raise
        except Exception as unforeseen:
            self._fail(unforeseen)

    async def _stay_connected(self) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        attempt = 0
        while True:
            opened = clock()
            try:
                socket = await self.opener(self.link.socket_url)
            except CannotConnect as wrong:
                never = self.seat.resume is None
                if never and (isinstance(wrong, Refusal) or clock() - began > self.patience):
                    raise
            else:
                code = await self._use(socket)
                if self._join_again(code):
                    continue
                if not self._may_reconnect(code):
                    raise RoomClosed(code)
                if clock() - opened > STEADY:
                    attempt = 0
            await asyncio.sleep(retry_delay(attempt, self.chance))
            attempt += 1

    async def _use(self, socket: Socket) -> int:
        """Greets and reads until the socket closes; the code with which it closed."""
        self._announced_code = 0
        self._welcomed = False
        try:
            async with asyncio.timeout(WELCOME_TIMEOUT) as timeout:
                await socket.send(self.seat.hello())
                while True:
                    for outcome in self.seat.receive(await socket.receive()):
                        if isinstance(outcome, Welcomed):
                            timeout.reschedule(None)
                            self._welcomed = True
                            await self._open_for_commands(socket)
                        else:
                            self._handle(outcome, socket)
                    self._wake()
        except SocketClosed as closed:
            code = closed.code
        except (CodecError, BadMessage):
            await socket.close(PROTOCOL_ERROR)
            code = ABNORMAL
        except TimeoutError:
            socket.abort()
            code = ABNORMAL
        except asyncio.CancelledError:
            await socket.close(GOING_AWAY)
            raise
        finally:
            was_connected = self._socket is not None
            self._socket = None
            if self._move is not None:
                self._move.cancel()
                self._move = None
        if self._left:
            return NORMAL
        if should_reconnect(code):
            # The code that the server announced counts where the close itself got lost.
            code = self._announced_code or code
        if was_connected and self._may_reconnect(code):
            self._emit(ConnectionLost(code))
            self._wake()
        if not self._welcomed and should_reconnect(code):
            self._late_until = asyncio.get_running_loop().time() + LATE_GREETING
        return code

    def _may_reconnect(self, code: int) -> bool:
        now = asyncio.get_running_loop().time()
        return may_reconnect(code, late_greeting=now < self._late_until)

    def _join_again(self, code: int) -> bool:
        """Whether to greet by token next: the seat is gone, and not because we gave it up.

        The room may have forgotten; then the token leads to its next life (rule RE14).
        """
        resumed = self.seat.resume is not None and not self._welcomed
        if code != CloseCode.NOWHERE or not resumed or self._leaving:
            return False
        self.seat.begin_again()
        for future in self._answers.values():
            if not future.done():
                future.set_exception(Refused(RefusalCode.NOT_INSIDE, "The room has forgotten."))
        self._emit(Forgotten())
        self._wake()
        return True

    async def _open_for_commands(self, socket: Socket) -> None:
        """Sends the unanswered commands in their order; later ones go out at once."""
        self.connections += 1
        if self.seat.now is not None:
            self.clock_offset = self.seat.now - time.time()
        last: int | None = None
        while batch := self.seat.unanswered(last):
            for number, frame in batch:
                await socket.send(frame)
                last = number
        self._socket = socket

    # ---- what arrives

    def _handle(self, outcome: Outcome, socket: Socket) -> None:
        match outcome:
            case Answered(number, answer):
                future = self._answers.get(number)
                if future is not None and not future.done():
                    future.set_result(answer)
            case MoveRequested(after_ms):
                self._move_within(after_ms / 1000, socket)
            case Closing(code):
                self._announced_code = code
            case Welcomed():
                pass
            case _:
                self._emit(outcome)

    def _move_within(self, seconds: float, socket: Socket) -> None:
        """Closes the socket at a random moment, so that a full room doesn't move as one."""
        loop = asyncio.get_running_loop()

        def move() -> None:
            closing = loop.create_task(socket.close(GOING_AWAY))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

        self._move = loop.call_later(self.chance.uniform(0, seconds), move)

    def _emit(self, event: Event) -> None:
        for stream in self._streams:
            stream.push(event)

    def _wake(self) -> None:
        if self._changed is not None:
            self._changed.set_result(None)
            self._changed = None

    def _fail(self, failure: Exception) -> None:
        self.failure = failure
        if isinstance(failure, RoomClosed):
            self._emit(Ended(failure.code))
        for stream in self._streams:
            stream.finish()
        for future in self._answers.values():
            if not future.done():
                future.set_exception(failure)
        self._wake()
