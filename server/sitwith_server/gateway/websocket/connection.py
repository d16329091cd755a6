"""Drives one peer's socket: performs the session's steps, and releases the seat at the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

import structlog

from sitwith_protocol import messages as m
from sitwith_protocol.errors import CloseCode, RefusalCode
from sitwith_server.gateway.websocket.hub import Hub
from sitwith_server.gateway.websocket.missed import missed_while_inside
from sitwith_server.gateway.websocket.outbox import Outbox
from sitwith_server.gateway.websocket.positions import PositionSealer, positions_well_formed
from sitwith_server.gateway.websocket.registry import ConnectionRegistry
from sitwith_server.gateway.websocket.seat_connection import SeatConnection
from sitwith_server.gateway.websocket.session import Close, Reply, Session, Submit, TakeSeat
from sitwith_server.gateway.websocket.translate import (
    Untranslatable,
    answer_frame,
    refused_frame,
    to_command,
    to_name,
)
from sitwith_server.log.base import LogDown
from sitwith_server.room import commands as c
from sitwith_server.service.people.seating import Seated
from sitwith_server.service.rooms.answers import PACED, Answer, Ok, Refused

_log = structlog.get_logger(__name__)

NOWHERE_SECONDS: Final = 0.15
"""Seconds from any `hello` with a wrong token to its refusal, so that the time doesn't tell which
rooms exist."""

SLOWED_SECONDS: Final = 0.02
"""Seconds between two commands of a peer that sends too fast."""

UNSEATED_FLOOD: Final = 20
"""Refusals for speed after which a connection without a seat closes."""

MEDIA_AT_ONCE: Final = 2
"""Most commands of one connection that wait for a media node."""

_SLOW_COMMANDS: Final = (m.PairsPlan, m.AgendaStart, m.AgendaNext, m.AgendaBack)
"""Commands that make groups, which may take longer than the ping timeout. The connection answers
pings meanwhile."""

Receive = Callable[[], Awaitable[bytes | str | None]]
"""Returns the next message; None once the socket is closed."""


class Connection:
    """One socket. `serve` returns when it is closed.

    clock: monotonic seconds. address: the peer's IP address.
    """

    def __init__(
        self,
        registry: ConnectionRegistry,
        outbox: Outbox,
        *,
        clock: Callable[[], float] = time.monotonic,
        address: str | None = None,
    ):
        self._registry = registry
        self._address = address
        self._outbox = outbox
        self._clock = clock
        self._session = Session(clock())
        self._seated: Seated | None = None
        self._hub: Hub | None = None
        self._connection: SeatConnection | None = None
        self._media: set[asyncio.Task[None]] = set()
        self._running: asyncio.Task[None] | None = None
        self._strained = 0

    async def serve(self, receive: Receive) -> None:
        try:
            await self._read_frames(receive)
        except LogDown:
            # The log can't be read. Another worker may still reach it.
            self._outbox.end(CloseCode.LOST)
        except Exception as fault:
            # The peer gets no details. The log gets the place, without values.
            _log.error("connection_fault", exc_info=fault)
            self._outbox.end(CloseCode.FAULT)
        finally:
            await self._release()

    async def _read_frames(self, receive: Receive) -> None:
        opened = self._clock()
        while self._outbox.ended is None:
            if self._seated is None:
                left = opened + self._registry.settings.hello_seconds - self._clock()
                try:
                    async with asyncio.timeout(max(0.0, left)):
                        data = await receive()
                except TimeoutError:
                    self._outbox.end(CloseCode.NO_HELLO)
                    return
            else:
                data = await receive()
            if data is None:
                break
            self._registry.metrics.frames_in(1, len(data))
            await self._step(data)
            if self._session.strained:
                # A refusal costs as much as a command. Further frames wait in the network.
                self._strained += 1
                if self._seated is None and self._strained > UNSEATED_FLOOD:
                    self._outbox.end(CloseCode.TOO_FAST)
                    return
                await asyncio.sleep(SLOWED_SECONDS)
            elif self._outbox.more():
                # Reading buffered frames never waits, and so would block the event loop.
                await self._registry.burst_turns.turn()
        await self._finish_running()

    async def _step(self, data: bytes | str) -> None:
        step = self._session.receive(data, self._clock())
        if isinstance(step, Reply):
            self._outbox.send(step.frame)
            self._registry.metrics.command("other", str(step.frame.get("code", "ok")))
            return
        await self._finish_running()
        if isinstance(step, Close):
            self._outbox.end(step.code)
        elif isinstance(step, TakeSeat):
            await self._take_seat(step.hello)
        elif isinstance(step.command, _SLOW_COMMANDS):
            self._running = asyncio.create_task(self._submit(step))
            self._running.add_done_callback(self._on_submitted)
        else:
            await self._submit(step)

    async def _finish_running(self) -> None:
        """Waits for the slow command, since commands run in order; raises its exception."""
        task, self._running = self._running, None
        if task is not None:
            await task

    def _on_submitted(self, task: asyncio.Task[None]) -> None:
        # Perhaps no further frame comes, and nothing else would raise the exception.
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._outbox.end(CloseCode.LOST if isinstance(fault, LogDown) else CloseCode.FAULT)

    # -- hello -----------------------------------------------------------------------------------

    async def _take_seat(self, hello: m.Hello) -> None:
        came = self._clock()
        seen = hello.seen if isinstance(hello, m.HelloResume) else {}
        name = to_name(hello.name) if isinstance(hello, m.HelloJoin) else None
        if not positions_well_formed(seen) or (isinstance(hello, m.HelloJoin) and name is None):
            self._outbox.end(CloseCode.BAD_FRAME)
            return
        if isinstance(hello, m.HelloResume):
            taken = await self._registry.seating.resume(
                hello.resume, self._outbox.alive, self._address
            )
        elif self._registry.draining:
            taken = CloseCode.DRAIN
        else:
            assert name is not None
            taken = await self._registry.seating.join(
                hello.token, name, hello.was, self._outbox.alive, self._address
            )
        if isinstance(taken, Seated):
            await self._enter(taken, seen)
            return
        if taken is CloseCode.NOWHERE:
            await asyncio.sleep(max(0.0, came + NOWHERE_SECONDS - self._clock()))
        if taken is not CloseCode.DRAIN:
            self._outbox.send(m.Closed(int(taken)).to_map())
        self._outbox.end(taken)

    async def _enter(self, seated: Seated, seen: Mapping[str, bytes]) -> None:
        self._seated = seated
        self._outbox.seated()
        flow = self._registry.seat_rates.of(seated.room.id, seated.seat, self._clock())
        self._session.seated(flow)
        if seated.resumed:
            self._registry.metrics.resumed()
            self._registry.on_resume()
        now = await self._registry.now(seated.room.id)
        positions = PositionSealer(seated.room.state.materials.key).seen(seen, seated.seat)
        missed = await missed_while_inside(seated.room, seated.seat, positions)
        self._connection = SeatConnection(seated.seat, seated.connection, self._outbox, missed)
        self._hub = self._registry.hub_for(seated.room)
        await self._hub.attach(self._connection, seated.resume, seated.resumed, seen, now)
        if seated.resumed:
            self._registry.media.seat_resumed(seated.room, seated.seat)

    # -- commands --------------------------------------------------------------------------------

    async def _submit(self, step: Submit) -> None:
        seated, connection = self._seated, self._connection
        assert seated is not None and connection is not None
        message = step.command
        try:
            command = to_command(message, seated.seat)
        except Untranslatable as bad:
            refusal = refused_frame(message.id, RefusalCode.BAD_REQUEST, str(bad))
            self._outbox.send(refusal)
            return
        if isinstance(message, m.AgreementAccept) and message.person is not None:
            assert isinstance(command, c.AgreementAccept)
            command = replace(command, handle=self._registry.handle(seated.room, message.person))
        began = self._clock()
        connection.command_running = True
        answer = await seated.room.submit(command, (seated.seat, message.id), message.t)
        self._registry.metrics.commit(self._clock() - began)
        if answer is PACED and (end := self._session.refused(self._clock())) is not None:
            self._outbox.end(end.code)
        if isinstance(answer, Ok):
            if isinstance(message, m.MediaOffer | m.MediaServers | m.MediaTake):
                self._submit_media(seated, message)
                connection.command_answered()
                return
            if not isinstance(command, c.Say | c.Unsay | c.React):
                await self._registry.media.wait_until_silent(seated.room)
        self._answer(message, answer)
        connection.command_answered()

    def _submit_media(
        self, seated: Seated, message: m.MediaOffer | m.MediaServers | m.MediaTake
    ) -> None:
        """Runs a command that a media node answers. Later commands don't wait for it."""
        offers = isinstance(message, m.MediaOffer)
        busy = len(self._media) >= MEDIA_AT_ONCE
        if busy or (offers and not self._session.takes_offer(self._clock())):
            self._answer(message, Refused(RefusalCode.TOO_FAST, RefusalCode.TOO_FAST.text))
            return

        async def work() -> None:
            asked = self._registry.media.answer_command(
                seated.room, seated.seat, seated.connection, message
            )
            self._answer(message, await asked)

        task = asyncio.create_task(work())
        self._media.add(task)
        task.add_done_callback(self._on_media_done)

    def _on_media_done(self, task: asyncio.Task[None]) -> None:
        self._media.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            _log.error("connection_fault", exc_info=fault)
            self._outbox.end(CloseCode.FAULT)

    def _answer(self, message: m.Command, answer: Answer) -> None:
        frame = answer_frame(message.id, answer)
        self._outbox.send(frame)
        to = getattr(message, "to", None) or "circle"
        self._registry.metrics.command(message.t, str(frame.get("code", "ok")), to)

    async def _release(self) -> None:
        for task in (*self._media, *filter(None, (self._running,))):
            task.cancel()
        if self._hub is not None and self._connection is not None:
            self._hub.detach(self._connection)
            self._registry.release_hub(self._hub)
        seated = self._seated
        if seated is None:
            return
        try:
            if seated.room.state.at(seated.seat) is None and not self._registry.draining:
                await self._registry.door_losses.turn(seated.room.id)
        finally:
            await self._registry.seating.disconnect(seated)
