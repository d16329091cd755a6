"""The client: a ``Seat`` kept on a socket, however often the socket has to be a new one."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import weakref
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from sitwith_protocol import messages as m
from sitwith_protocol.codec import CodecError
from sitwith_protocol.errors import CloseCode, RefusalCode, comes_back
from sitwith_protocol.shapes import BadMessage

from .care import CareCommands
from .commands import FloorCommands, HouseCommands, PairsCommands, SelfCommands, TalkCommands
from .connection import ABNORMAL, Opener, Refusal, Socket, SocketClosed, open_socket
from .door import DoorCommands
from .errors import CannotConnect, Refused, RoomClosed
from .events import ConnectionLost, Ended, Event, Forgotten
from .links import Door, read_link
from .materials import MaterialCommands
from .seat import Answered, Closing, Greeted, MoveOn, Outcome, Seat
from .stream import EventStream
from .view import RoomView

T = TypeVar("T")

FIRST_RETRY: Final = 0.25
"""At most so many seconds until the first attempt to come back."""
LONGEST_RETRY: Final = 20.0
"""At most so many seconds between later ones."""
STEADY: Final = 5.0
"""Seconds that a connection must have lasted for the next retry to be a first one again."""
LATE_GREETING: Final = 30.0
"""Seconds for which a greeting that was given up may still be taken, by a server that stood still:
within them "connected elsewhere" may be our own doing."""
GREETING: Final = 10.0
"""Seconds within which the server must answer the greeting."""
GOING_AWAY: Final = 1001


def retry_delay(attempt: int, chance: random.Random) -> float:
    """Seconds to wait before attempt ``attempt`` (from 0): at once, then growing, never in step."""
    if attempt == 0:
        return chance.uniform(0, FIRST_RETRY)
    longest: float = min(LONGEST_RETRY, 0.5 * 2 ** min(attempt, 10))
    return chance.uniform(longest / 2, longest)


class Client(
    TalkCommands,
    SelfCommands,
    FloorCommands,
    PairsCommands,
    HouseCommands,
    DoorCommands,
    CareCommands,
    MaterialCommands,
):
    """One seat in one room::

        async with Client.join(link, "Ada") as me:
            await me.enter()
            await me.say("circle", "hello")

    The methods of the command classes are the commands; ``room`` is the view, ``events()`` what
    happens. Leaving the ``async with`` leaves the room.
    """

    def __init__(
        self,
        door: Door,
        name: str,
        *,
        opener: Opener = open_socket,
        patience: float = 15,
        chance: random.Random | None = None,
        person: bytes | None = None,
    ) -> None:
        self._door = door
        self._person = person
        self._opener = opener
        self._patience = patience
        self._chance = chance or random.Random()
        # Milliseconds since 1970: a program that starts again never falls behind its old ids.
        self._seat = Seat(door.token, name, first_id=int(time.time() * 1000))
        self._socket: Socket | None = None
        self._answers: dict[int, asyncio.Future[m.Ok | m.Refused]] = {}
        self._streams: weakref.WeakSet[EventStream] = weakref.WeakSet()
        self._tick: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._mover: asyncio.TimerHandle | None = None
        self._closers: set[asyncio.Task[None]] = set()
        self._failure: Exception | None = None
        self._left = False
        self._leaving = False
        self._welcomed = False
        self._farewell = 0
        self._late_until = float("-inf")
        self._ahead = 0.0
        self.connections = 0
        """Sockets on which the server has welcomed us."""

    @classmethod
    def join(
        cls,
        link_or_token: str,
        name: str,
        *,
        url: str | None = None,
        opener: Opener = open_socket,
        patience: float = 15,
        chance: random.Random | None = None,
        person: bytes | None = None,
    ) -> Self:
        """A client for an invite link, or for a bare token and the server's address ``url``.

        ``person`` is by what the room's series knows us again (``sitwith_protocol.person``): one
        for each series, kept by the caller. It is sent with the agreement, where the room is of a
        series; ``None``: nothing is kept of us.

        ``async with`` connects it and returns once the server has welcomed it; it gives up after
        ``patience`` seconds. Raises ``BadLink`` here, ``CannotConnect`` or ``RoomClosed`` there.
        """
        door = read_link(link_or_token, url)
        return cls(door, name, opener=opener, patience=patience, chance=chance, person=person)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._live())
        try:
            await self.until(lambda: self.phase)
        except BaseException:
            await self._shut()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._failure is None and self.phase == "inside" and kind is not asyncio.CancelledError:
            with contextlib.suppress(Refused, RoomClosed, CannotConnect, TimeoutError):
                async with asyncio.timeout(2):
                    await self.leave()
        await self._shut()

    # ---- what there is to see

    @property
    def id(self) -> str:
        """Our own member id."""
        return self._seat.me

    @property
    def role(self) -> str:
        """``facilitator``, ``member`` or ``guest``."""
        return self._seat.role

    @property
    def phase(self) -> str:
        """``agreement``, ``lobby`` or ``inside``; empty before the first welcome."""
        return self._seat.phase

    @property
    def room(self) -> RoomView:
        """Our view of the room."""
        return self._seat.room

    @property
    def connected(self) -> bool:
        """Whether the seat is on a socket just now."""
        return self._socket is not None

    @property
    def ended(self) -> int | None:
        """The close code with which it all ended, or ``None`` while it goes on."""
        return self._failure.code if isinstance(self._failure, RoomClosed) else None

    @property
    def repeated(self) -> int:
        """Messages that the server sent twice; they were dropped."""
        return self._seat.repeated

    def room_address(self, path: str = "") -> str:
        return self._door.address_of(f"r/{self.room['room']}{path}")

    def now(self) -> float:
        """The room's clock in unix seconds, by which ``ends_at`` and ``at`` are to be read."""
        return time.time() + self._ahead

    def events(self) -> EventStream:
        """Everything that happens from now on, for one ``async for``."""
        stream = EventStream()
        self._streams.add(stream)
        if self._failure is not None:
            stream.finish()
        return stream

    async def until(self, test: Callable[[], T], timeout: float | None = None) -> T:
        """Waits until ``test()`` is true, looking after every frame; what it returned.

        Raises ``TimeoutError`` after ``timeout`` seconds and ``RoomClosed`` when all is over.
        """
        async with asyncio.timeout(timeout):
            while not (value := test()):
                if self._failure is not None:
                    raise self._failure
                if self._tick is None:
                    self._tick = asyncio.get_running_loop().create_future()
                await asyncio.shield(self._tick)
            return value

    # ---- what one does with the connection itself

    async def enter(self, timeout: float | None = None) -> None:
        """Accepts the agreement and waits, in the lobby if need be, until we are inside."""
        if self.phase == "agreement":
            await self.accept_agreement()
        await self.until(lambda: self.phase == "inside", timeout)

    async def accept_agreement(self, version: int | str | None = None) -> None:
        """Accepts the agreement that the room shows, or the named version of it."""
        wanted = self.room.agreement["version"] if version is None else version
        person = self._person if self.room.slices.get("series") else None
        await self.ask(lambda id: m.AgreementAccept(id, wanted, person))

    async def leave(self) -> None:
        """Leaves the room for good."""
        self._leaving = True
        try:
            await self.ask(m.Leave)
        except Refused:
            self._leaving = False
            raise
        self._left = True

    async def reconnect(self, *, rudely: bool = False) -> None:
        """Gives up the present socket and comes back on a new one, say in another network.

        ``rudely`` drops it without a word, as a dying network would.
        """
        socket = self._socket
        if socket is None:
            return
        if rudely:
            socket.abort()
        else:
            await socket.close(GOING_AWAY)

    async def ask(self, make: Callable[[int], m.Command]) -> Mapping[str, Any]:
        """Sends one command and waits for its answer; the fields that the answer carries.

        ``make`` gets the command's id. Whatever happens to the connection meanwhile, the command
        takes effect at most once. Raises ``Refused`` or ``RoomClosed``.
        """
        if self._failure is not None:
            raise self._failure
        number, frame = self._seat.command(make)
        future: asyncio.Future[m.Ok | m.Refused] = asyncio.get_running_loop().create_future()
        self._answers[number] = future
        try:
            if self._socket is not None:
                # A socket that is gone is the reader's business; the command is sent again.
                with contextlib.suppress(SocketClosed):
                    await self._socket.send(frame)
            answer = await future
        finally:
            self._answers.pop(number, None)
            self._seat.forget(number)
        if isinstance(answer, m.Refused):
            raise Refused(answer.code, answer.message)
        return answer.fields

    # ---- the life of the connection

    async def _live(self) -> None:
        try:
            await self._connect_again_and_again()
        except asyncio.CancelledError:
            self._fail(RoomClosed(1000))
            raise
        except Exception as unforeseen:
            self._fail(unforeseen)

    async def _connect_again_and_again(self) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        attempt = 0
        while True:
            opened = clock()
            try:
                socket = await self._opener(self._door.socket_url)
            except CannotConnect as wrong:
                never = self._seat.resume is None
                if never and (isinstance(wrong, Refusal) or clock() - began > self._patience):
                    raise
            else:
                code = await self._converse(socket)
                if self._begins_again(code):
                    continue
                if not self._comes_back(code):
                    raise RoomClosed(code)
                if clock() - opened > STEADY:
                    attempt = 0
            await asyncio.sleep(retry_delay(attempt, self._chance))
            attempt += 1

    async def _converse(self, socket: Socket) -> int:
        """Speaks on one socket to its end; the code with which it closed."""
        self._farewell = 0
        self._welcomed = False
        try:
            async with asyncio.timeout(GREETING) as patience:
                await socket.send(self._seat.hello())
                while True:
                    for outcome in self._seat.receive(await socket.receive()):
                        if isinstance(outcome, Greeted):
                            patience.reschedule(None)
                            self._welcomed = True
                            await self._take_up(socket)
                        else:
                            self._handle(outcome, socket)
                    self._wake()
        except SocketClosed as closed:
            code = closed.code
        except (CodecError, BadMessage):
            await socket.close(1002)
            code = ABNORMAL
        except TimeoutError:
            socket.abort()
            code = ABNORMAL
        except asyncio.CancelledError:
            await socket.close(GOING_AWAY)
            raise
        finally:
            was_on = self._socket is not None
            self._socket = None
            if self._mover is not None:
                self._mover.cancel()
                self._mover = None
        if self._left:
            return 1000
        if comes_back(code):
            # What the server said before closing counts where the close itself got lost.
            code = self._farewell or code
        if was_on and self._comes_back(code):
            self._tell(ConnectionLost(code))
            self._wake()
        if not self._welcomed and comes_back(code):
            self._late_until = asyncio.get_running_loop().time() + LATE_GREETING
        return code

    def _comes_back(self, code: int) -> bool:
        late = asyncio.get_running_loop().time() < self._late_until
        if code == CloseCode.PLACE_GIVEN:
            return False  # a person asks for it: `again`
        return comes_back(code) or (code == CloseCode.ELSEWHERE and late)

    def _begins_again(self, code: int) -> bool:
        """Whether our seat led nowhere, and not because we gave it up: then our token may lead to
        the room's next life."""
        by_resume = self._seat.resume is not None and not self._welcomed
        if code != CloseCode.NOWHERE or not by_resume or self._leaving:
            return False
        self._seat.begin_again()
        for future in self._answers.values():
            if not future.done():
                future.set_exception(Refused(RefusalCode.NOT_INSIDE, "The room has forgotten."))
        self._tell(Forgotten())
        self._wake()
        return True

    async def _take_up(self, socket: Socket) -> None:
        """The seat is ours: sends what is unanswered, in its order, and opens the way for more."""
        self.connections += 1
        if self._seat.now is not None:
            self._ahead = self._seat.now - time.time()
        last: int | None = None
        while batch := self._seat.unanswered(last):
            for number, frame in batch:
                await socket.send(frame)
                last = number
        self._socket = socket

    def _handle(self, outcome: Outcome, socket: Socket) -> None:
        match outcome:
            case Answered(number, answer):
                future = self._answers.get(number)
                if future is not None and not future.done():
                    future.set_result(answer)
            case MoveOn(after_ms):
                # Anywhere within the time given, so that a full house doesn't move as one.
                wait = self._chance.uniform(0, after_ms / 1000)
                loop = asyncio.get_running_loop()

                def move_on() -> None:
                    closer = loop.create_task(socket.close(GOING_AWAY))
                    self._closers.add(closer)
                    closer.add_done_callback(self._closers.discard)

                self._mover = loop.call_later(wait, move_on)
            case Closing(code):
                self._farewell = code
            case Greeted():
                pass
            case _:
                self._tell(outcome)

    def _tell(self, event: Event) -> None:
        for stream in self._streams:
            stream.push(event)

    def _wake(self) -> None:
        if self._tick is not None:
            self._tick.set_result(None)
            self._tick = None

    def _fail(self, failure: Exception) -> None:
        self._failure = failure
        if isinstance(failure, RoomClosed):
            self._tell(Ended(failure.code))
        for stream in self._streams:
            stream.finish()
        for future in self._answers.values():
            if not future.done():
                future.set_exception(failure)
        self._wake()

    async def _shut(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, *self._closers, return_exceptions=True)


def come_again(me: Client) -> Client:
    """A client for the seat of one that has ended with 4010, because a newcomer needed its place at
    the door, once whoever it is for asks to come in again."""
    made = Client(
        me._door,
        "",
        opener=me._opener,
        patience=me._patience,
        chance=me._chance,
        person=me._person,
    )
    made._seat = me._seat
    made._seat.phase = ""
    return made
