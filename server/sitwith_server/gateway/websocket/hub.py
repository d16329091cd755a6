"""One room's connections on this worker. Sends each viewer the changes that they may see.

A frame is encoded once for all who get the same, and no write waits for a peer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from sitwith_protocol import messages as m
from sitwith_protocol.codec import encode
from sitwith_protocol.errors import CloseCode
from sitwith_server.gateway.rates import TokenBucket
from sitwith_server.gateway.sockets.queues import WorkQueue
from sitwith_server.gateway.websocket.change_frames import ChangeFrames
from sitwith_server.gateway.websocket.close_decision import why_closed, why_refused
from sitwith_server.gateway.websocket.missed import GapRange, entries_after, is_for
from sitwith_server.gateway.websocket.outbox import framed
from sitwith_server.gateway.websocket.positions import PositionSealer
from sitwith_server.gateway.websocket.room_frames import FrameNumbers, SharedPart
from sitwith_server.gateway.websocket.seat_connection import SeatConnection
from sitwith_server.gateway.websocket.translate import chat_payload
from sitwith_server.log.base import CONTROL, Position
from sitwith_server.room.changes import Changes, Sees, sees
from sitwith_server.room.chat.access import (
    CIRCLE,
    FACILITATORS,
    PAIR,
    STAFF,
    may_receive,
    shown_as,
    stream_from,
    stream_of,
)
from sitwith_server.room.model import Phase, RoomState, Seat
from sitwith_server.room.slices import Value
from sitwith_server.room.view import FREEZING, SLICES, slices, view, with_freeze
from sitwith_server.service.rooms.conversations import ChatEntry
from sitwith_server.service.rooms.observing import Change
from sitwith_server.service.rooms.room import HostedRoom

FROZEN_SECONDS: Final = 10.0
"""Seconds until the connections of a frozen room are closed: longer than Redis takes to restart."""

REPLAY_BATCH: Final = 12
"""Entries that a replay sends before others have their turn."""


class Hub:
    """Implements `service.rooms.observing.Observer` for the connections of one room.

    replays: the queue for the replays of all rooms of this worker.
    """

    def __init__(self, room: HostedRoom, replays: WorkQueue | None = None) -> None:
        self.room = room
        self._replays = WorkQueue() if replays is None else replays
        self.connections: dict[str, SeatConnection] = {}
        self._unobserve = room.observe(self)
        self._position_sealer = PositionSealer(room.state.materials.key)
        self._state = room.state
        """The latest state that was shown."""
        self._audiences: dict[Sees, Sees] = {}
        self._reaction_limits: dict[str, TokenBucket] = {}
        self._freeze_timer: asyncio.TimerHandle | None = None

    def close(self) -> None:
        if self._freeze_timer is not None:
            self._freeze_timer.cancel()
        self._unobserve()

    # -- connections -----------------------------------------------------------------------------

    async def attach(
        self,
        connection: SeatConnection,
        resume: str,
        resumed: bool,
        seen: Mapping[str, bytes],
        now: float,
    ) -> None:
        """Sends `welcome` and the missed entries, and makes the connection live.

        resume: the new resume value. seen: positions of its `hello`. now: the room's clock.
        """
        state = self.room.state
        seat = state.seats.get(connection.seat)
        if (code := why_refused(state, connection, seat)) is not None:
            connection.close(code, own=False)
            return
        assert seat is not None
        self.connections[connection.seat] = connection
        connection.numbers = FrameNumbers(seat, seen)
        inside = seat.is_inside
        welcome = m.Welcome(
            me=seat.id,
            role=str(seat.role),
            phase=str(seat.phase),
            resume=resume,
            room=self._view_of(seat),
            resumed=resumed,
            pos=self._positions(connection, seat) if inside else None,
            now=now,
        )
        connection.outbox.send(welcome.to_map())
        if inside and resumed:
            await self._replay(connection, seat, self._sealing.seen(seen, seat.id))
        pending, connection.pending = connection.pending or [], None
        for chat in pending:
            self._deliver(connection, chat)

    def detach(self, connection: SeatConnection) -> None:
        if self.connections.get(connection.seat) is connection:
            del self.connections[connection.seat]

    # -- Observer --------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        """Sends each viewer the changed slices; sends changes of phase; closes connections.

        Most viewers' seats are unchanged and many share the same audiences, so frames are computed
        once for each combination.
        """
        before, after = change.before, change.after
        changes = Changes(before, after)
        follows, self._state = self._state is before, after
        frames = ChangeFrames(change, changes)
        for connection in tuple(self.connections.values()):
            was, now = before.seats.get(connection.seat), after.seats.get(connection.seat)
            if was is not now or after.ended or now is None:
                own = change.by == connection.seat
                code = why_closed(change, connection, now)
                if code is not None or now is None:
                    self.detach(connection)
                    connection.close(code or CloseCode.BYE, own=own)
                    continue
                if was is None or was.phase is not now.phase:
                    connection.sees = None
                    self._send_phase_change(connection, now)
                    continue
            if was is None or not now.is_inside:
                continue
            old = (
                connection.sees
                if follows and connection.sees is not None
                else self._audience_of(before, was)
            )
            new = old if was is now and not changes.regroups else self._audience_of(after, now)
            connection.sees = new
            part = frames.part(old, new, now)
            if part is not None:
                connection.outbox.put(connection.numbers.frame(part))
        if len(self._audiences) > 2 * len(self.connections) + 16:
            self._audiences = {
                kind: kind for connection in self.connections.values() if (kind := connection.sees)
            }
        if len(self._reaction_limits) > len(after.seats):
            self._reaction_limits = {
                m: b for m, b in self._reaction_limits.items() if m in after.seats
            }

    def _audience_of(self, state: RoomState, seat: Seat) -> Sees:
        """The same object for all viewers with the same audiences."""
        kind = sees(state, seat)
        return self._audiences.setdefault(kind, kind)

    def said(self, chat: ChatEntry) -> None:
        """Sends a conversation's entry to its audience at that moment, and to its author."""
        state, entry = self.room.state, chat.entry
        frames: dict[str, bytes] = {}
        for connection in tuple(self.connections.values()):
            seat = state.seats.get(connection.seat)
            if seat is None or not is_for(seat, chat):
                continue
            if connection.pending is not None:
                connection.pending.append(chat)
                continue
            if not connection.first_delivery(chat):
                continue
            to = shown_as(entry.stream, seat.id)
            if to not in frames:
                frames[to] = framed(chat_payload(chat, seat.id, self._sealing))
            connection.outbox.put(frames[to])

    def reacted(self, stream: str, by: str, kind: str) -> None:
        # Other workers limit only what comes through them. This limit counts all of a seat.
        now = asyncio.get_running_loop().time()
        if not self._reaction_limits.setdefault(by, TokenBucket(now)).take(now):
            return
        state = self.room.state
        frame = framed(encode(m.Reaction(by, kind).to_map()))
        for connection in tuple(self.connections.values()):
            seat = state.seats.get(connection.seat)
            if seat is not None and may_receive(seat, stream, state.seq):
                connection.outbox.put(frame)

    def froze(self, frozen: bool) -> None:
        """Tells everybody inside that the room is frozen, or thawed. This is no event, since a
        frozen room can't commit one."""
        if self._freeze_timer is not None:
            self._freeze_timer.cancel()
        loop = asyncio.get_running_loop()
        self._freeze_timer = loop.call_later(FROZEN_SECONDS, self.close_all) if frozen else None
        state = self.room.state
        why = "freeze" if frozen else "thaw"
        parts: dict[object, SharedPart] = {}
        for connection in tuple(self.connections.values()):
            seat = state.at(connection.seat)
            if seat is None:
                continue
            kind = tuple([SLICES[name].audience(state, seat) for name in FREEZING])
            if kind not in parts:
                shown = slices(state, seat, FREEZING)
                shown = with_freeze(shown) if frozen else shown
                parts[kind] = SharedPart({"why": why, "set": shown})
            connection.outbox.put(connection.numbers.frame(parts[kind]))

    def close_all(self) -> None:
        """Closes all connections. Their clients reconnect: other workers may still serve."""
        for connection in tuple(self.connections.values()):
            self.detach(connection)
            connection.outbox.end(CloseCode.LOST)

    def lost(self, streams: frozenset[str]) -> None:
        """Sends a gap of unknown extent to everybody who may read these conversations."""
        state = self.room.state
        for connection in tuple(self.connections.values()):
            seat = state.seats.get(connection.seat)
            for stream in streams - {CONTROL}:
                if seat is not None and may_receive(seat, stream, state.seq):
                    connection.outbox.send(m.Gap(shown_as(stream, seat.id), None).to_map())

    # -- parts -----------------------------------------------------------------------------------

    def _send_phase_change(self, connection: SeatConnection, seat: Seat) -> None:
        if seat.phase is Phase.LOBBY:
            connection.outbox.send(m.Lobby().to_map())
        elif seat.is_inside:
            # The gaps come first: after `entered` a client believes that it has everything.
            for stream, gap in connection.gaps.items():
                connection.outbox.send(_gap_frame(shown_as(stream, seat.id), gap))
            connection.gaps = {}
            connection.outbox.send(
                m.Entered(self._view_of(seat), self._positions(connection, seat)).to_map()
            )

    @property
    def _sealing(self) -> PositionSealer:
        key = self.room.state.materials.key
        if self._position_sealer.key != key:
            self._position_sealer = PositionSealer(key)
        return self._position_sealer

    def _positions(self, connection: SeatConnection, seat: Seat) -> dict[str, bytes]:
        """Current positions of all streams of this seat. Later entries come as frames."""
        start = Position.START
        # Also conversations without entries, which may have had some before the person came.
        own = [CIRCLE, stream_of(STAFF, seat.id)]
        own += [stream_of(PAIR, group) for group, span in seat.groups if span.until is None]
        own += [FACILITATORS] if seat.facilitates else []
        found = dict.fromkeys(own, start)
        for stream, position in self.room.conversations.positions.items():
            if may_receive(seat, stream, self.room.state.seq):
                found[stream] = position
        sealed = ((s, self._sealing.seal(s, position)) for s, position in found.items())
        conversations = {shown_as(stream, seat.id): pos for stream, pos in sealed}
        return {CONTROL: connection.numbers.pos, **conversations}

    def _view_of(self, seat: Seat) -> dict[str, Value]:
        """The current view of a seat."""
        shown = view(self.room.state, seat.id)
        return with_freeze(shown) if self.room.frozen and seat.is_inside else shown

    def _deliver(self, connection: SeatConnection, chat: ChatEntry) -> None:
        if connection.first_delivery(chat):
            connection.outbox.put(framed(chat_payload(chat, connection.seat, self._sealing)))

    async def _replay(
        self, connection: SeatConnection, seat: Seat, seen: Mapping[str, Position]
    ) -> None:
        """Sends the missed entries in order.

        Only up to what this worker has folded: who may read later entries is not known yet. They
        come live.
        """
        missed: list[ChatEntry] = []
        now = self.room.state.seq
        # By stream: names on the wire are ambiguous, such as those of direct lines.
        had = {stream_from(shown, seat.id): last for shown, last in seen.items()}
        known = {stream for stream in had if may_receive(seat, stream, now)}
        for stream in sorted(known | {*self.room.conversations.positions}):
            shown = shown_as(stream, seat.id)
            last = had.get(stream)
            found, gap = await entries_after(self.room, stream, last)
            if last is not None and gap is None:
                connection.delivered[stream] = last.seq
            own = [chat for chat in found if is_for(seat, chat)]
            if gap is not None and (own or last is not None):
                connection.outbox.send(_gap_frame(shown, gap))
            folded = self.room.conversations.index.head(stream)
            missed += [chat for chat in own if chat.entry.position.seq <= folded]
        missed.sort(key=lambda w: (w.entry.at, w.entry.stream, w.entry.position.seq))
        for number, chat in enumerate(missed):
            if number and number % REPLAY_BATCH == 0:
                await self._replays.turn()
                if connection.outbox.ended is not None:
                    return
            # An entry may have been deleted since it was read (EV5).
            self._deliver(connection, self.room.conversations.current(chat))


def _gap_frame(shown: str, gap: GapRange) -> Mapping[str, object]:
    return m.Gap(shown, gap if gap[1] >= gap[0] else None).to_map()
