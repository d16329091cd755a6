"""One room with people on this worker: what its media node reports, and what is not silent yet."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sitwith_protocol.commands import media as m
from sitwith_server.media.loops import guarded
from sitwith_server.media.plane import bus
from sitwith_server.media.plane.route_planner import LEASE
from sitwith_server.room.model import MemberId
from sitwith_server.service.rooms.observing import Change, Observer
from sitwith_server.service.rooms.room import HostedRoom


@dataclass(slots=True)
class _Unconfirmed:
    """A control event took routes away. position: its epoch and sequence number. at: when this
    worker learnt of it, in monotonic seconds."""

    position: tuple[int, int]
    at: float


class WatchedRoom(Observer):
    """Follows one room and the media messages of its node.

    clock: monotonic seconds.
    send_frame: sends a frame to a member's connection on this worker, if there is one.
    """

    def __init__(
        self,
        room: HostedRoom,
        messages: bus.Bus,
        clock: Callable[[], float],
        send_frame: Callable[[MemberId, Mapping[str, object]], None],
    ) -> None:
        self.room = room
        self.pending: dict[str, asyncio.Future[bus.Answer | bus.Declined]] = {}
        """Offers that wait for an answer, by their ids."""
        self.repinning = False
        self.confirmed_node: str | None = None
        """The node that has last answered an offer, so it is known to forward the room."""
        self._clock, self._send_frame = clock, send_frame
        self._unconfirmed: _Unconfirmed | None = None
        self._applied = (0, 0)
        self._moved_at = float("-inf")
        """When the room last moved from one node to another."""
        self._confirmed = asyncio.Event()
        self._learn = guarded("watched", self._changed)
        self._unobserve = room.observe(self)
        self._unsubscribe = messages.subscribe(room.id, self._on_message)

    def close(self) -> None:
        self._unobserve()
        self._unsubscribe()

    async def wait_until_silent(self) -> None:
        """Returns once nothing that was taken away before this call is forwarded any more: the node
        has reported it, or its lease has run out. If the room has just moved, the previous node may
        not know it yet, so its lease is waited for as well."""
        unconfirmed = self._unconfirmed
        if unconfirmed is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, unconfirmed.at + LEASE - self._clock())):
                await asyncio.sleep(max(0.0, self._moved_at + LEASE - self._clock()))
                while self._applied < unconfirmed.position:
                    self._confirmed.clear()
                    await self._confirmed.wait()

    def _on_message(self, message: bus.MediaMessage) -> None:
        match message:
            case bus.Answer() | bus.Declined():
                future = self.pending.get(message.letter)
                if future is not None and not future.done():
                    future.set_result(message)
            case bus.Applied():
                if message.node == self.room.state.media:
                    self._applied = max(self._applied, (message.epoch, message.seq))
                    self._confirmed.set()
            case bus.Slots():
                self._send_frame(message.member, m.MediaMap(message.slots).to_map())
            case bus.Lost():
                self._send_frame(message.member, m.MediaLost().to_map())
            case bus.Speakers():
                for member, speakers in message.to.items():
                    self._send_frame(member, m.Speaking(tuple(speakers)).to_map())
            case _:
                pass

    # -- Observer --------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        self._learn(change)

    def _changed(self, change: Change) -> None:
        before, after = change.before, change.after
        if before.media is None:
            return
        if before.media != after.media:
            self._moved_at = self._clock()
        if before.media != after.media and after.media is not None and not after.ended:
            for seat in after.inside():
                self._send_frame(seat.id, m.MediaLost().to_map())
        if change.takes_away():
            position = (change.position.epoch, change.position.seq)
            self._unconfirmed = _Unconfirmed(position, self._clock())
