"""A connection without its socket: takes a frame, returns the next step. Sans-IO; time is passed as
`now`.

Rules: a malformed frame closes the connection; an invalid command is refused by its id; no command
is submitted before `hello` is accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from sitwith_protocol import messages as m
from sitwith_protocol.codec import CodecError, FrameTooLarge, decode
from sitwith_protocol.errors import CloseCode, RefusalCode
from sitwith_server.gateway.rates import SeatRate
from sitwith_server.gateway.websocket.translate import Frame, refused_frame


class SessionState(Enum):
    AWAITS_HELLO = auto()
    HELLO_SEEN = auto()
    OVER = auto()


@dataclass(frozen=True, slots=True)
class TakeSeat:
    hello: m.Hello


@dataclass(frozen=True, slots=True)
class Submit:
    command: m.Command


@dataclass(frozen=True, slots=True)
class Reply:
    frame: Frame


@dataclass(frozen=True, slots=True)
class Close:
    code: CloseCode


Step = TakeSeat | Submit | Reply | Close


class Session:
    """Reads frames and returns steps, which the caller performs."""

    def __init__(self, now: float) -> None:
        self.state = SessionState.AWAITS_HELLO
        self._rate = SeatRate(now)

    def seated(self, rate: SeatRate) -> None:
        """Sets the rate of the seat, which may come from an earlier connection."""
        self._rate = rate

    def refused(self, now: float) -> Close | None:
        """Counts a command that the log refused for its speed."""
        return None if self._rate.refused(now) else self._close()

    def takes_offer(self, now: float) -> bool:
        """Whether one more media offer of this seat is within the limit."""
        return self._rate.takes_offer(now)

    @property
    def strained(self) -> bool:
        """Whether to read this peer slowly, since it sends faster than it may."""
        return self._rate.strained

    def receive(self, data: bytes | str, now: float) -> Step:
        """Returns the next step for one message of the socket."""
        if self.state is SessionState.OVER:
            return Close(CloseCode.BAD_FRAME)
        step = self._read(data, now)
        if isinstance(step, Close):
            self.state = SessionState.OVER
        elif isinstance(step, TakeSeat):
            self.state = SessionState.HELLO_SEEN
        return step

    def _read(self, data: bytes | str, now: float) -> Step:
        if isinstance(data, str):
            return Close(CloseCode.BAD_FRAME)
        try:
            message = m.parse_client(decode(data))
        except FrameTooLarge:
            return Close(CloseCode.TOO_LARGE)
        except CodecError:
            return Close(CloseCode.BAD_FRAME)
        except m.BadMessage as bad:
            if bad.id is None:
                return Close(CloseCode.BAD_FRAME)
            why = f"{RefusalCode.BAD_REQUEST.text[:-1]}: {bad.detail}."
            refused = refused_frame(bad.id, RefusalCode.BAD_REQUEST, why)
            return self._too_fast(bad.id, now) or Reply(refused)
        if isinstance(message, m.HelloJoin | m.HelloResume):
            if self.state is SessionState.AWAITS_HELLO:
                return TakeSeat(message)
            return Close(CloseCode.BAD_FRAME)
        slow = self._too_fast(message.id, now)
        if slow is not None:
            return slow
        if self.state is SessionState.AWAITS_HELLO:
            return Reply(refused_frame(message.id, RefusalCode.NOT_INSIDE))
        if isinstance(message, m.Ping):
            return Reply(m.Pong(message.id).to_map())
        return Submit(message)

    def _too_fast(self, command_id: int, now: float) -> Step | None:
        if self._rate.take(now):
            return None
        if not self._rate.refused(now):
            return self._close()
        return Reply(refused_frame(command_id, RefusalCode.TOO_FAST))

    def _close(self) -> Close:
        self.state = SessionState.OVER
        return Close(CloseCode.TOO_FAST)
