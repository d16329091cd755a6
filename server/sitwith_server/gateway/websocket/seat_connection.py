"""A seat's connection as the hub sees it: what it has been sent, and how it closes."""

from __future__ import annotations

from sitwith_protocol import messages as m
from sitwith_protocol.errors import CloseCode
from sitwith_server.gateway.websocket.missed import NOTHING_MISSED, Missed
from sitwith_server.gateway.websocket.outbox import Outbox
from sitwith_server.gateway.websocket.room_frames import FrameNumbers
from sitwith_server.room.changes import Sees
from sitwith_server.service.rooms.conversations import ChatEntry


class SeatConnection:
    """A live connection of a seat.

    pending: conversation entries that arrive while the missed ones are still sent; None once the
    connection is live. delivered: the number of the last entry of each stream that the person has,
    by this or an earlier connection; another worker may have sent entries that this one has not
    read yet. gaps: gaps of an earlier time inside, to be sent when the seat is inside again.
    numbers: the numbers of its `room` frames.
    """

    def __init__(self, seat: str, id: str, outbox: Outbox, missed: Missed = NOTHING_MISSED) -> None:
        self.seat = seat
        self.id = id
        self.outbox = outbox
        self.numbers = FrameNumbers()
        self.pending: list[ChatEntry] | None = []
        self.delivered = dict(missed.delivered)
        self.gaps = missed.gaps
        self.command_running = False
        self.delayed_close: CloseCode | None = None
        self.sees: Sees | None = None
        """Its audiences in the latest state that it was shown; None: not computed yet."""

    def first_delivery(self, chat: ChatEntry) -> bool:
        """Marks this entry as delivered; False if it was already."""
        stream, seq = chat.entry.stream, chat.entry.position.seq
        if seq <= self.delivered.get(stream, 0):
            return False
        self.delivered[stream] = seq
        return True

    def close(self, code: CloseCode, *, own: bool) -> None:
        """Sends `closed` and closes. If the person's own running command is the cause (`own`), this
        waits until the command is answered."""
        if own and self.command_running:
            self.delayed_close = code
            return
        if code is not CloseCode.BYE:
            self.outbox.send(m.Closed(int(code)).to_map())
        self.outbox.end(code)

    def command_answered(self) -> None:
        """The running command has its answer; performs a delayed close."""
        self.command_running = False
        if self.delayed_close is not None:
            self.close(self.delayed_close, own=False)
