"""A connection without its socket: bytes in, the next step out. Sans-IO; time comes as `now`.

Laws: a frame that is no frame ends the connection; a frame that is no good command is refused by
its id; nothing is asked of a room before a hello has been taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from sitwith_protocol import messages as m
from sitwith_protocol.codec import CodecError, FrameTooLarge, decode
from sitwith_protocol.errors import CloseCode, RefusalCode
from sitwith_server.gateway.rates import SeatRate
from sitwith_server.gateway.websocket.translate import Frame, refused_frame


class Stage(Enum):
    AWAIT_HELLO = auto()
    GREETED = auto()
    OVER = auto()


@dataclass(frozen=True, slots=True)
class Greet:
    hello: m.Hello


@dataclass(frozen=True, slots=True)
class Ask:
    command: m.Command


@dataclass(frozen=True, slots=True)
class Reply:
    frame: Frame


@dataclass(frozen=True, slots=True)
class End:
    code: CloseCode


Step = Greet | Ask | Reply | End


class Session:
    """Reads frames and says what is to be done; the caller does it."""

    def __init__(self, now: float) -> None:
        self.stage = Stage.AWAIT_HELLO
        self._flow = SeatRate(now)

    def seated(self, flow: SeatRate) -> None:
        """From now on frames are of a seat, whose pace may have come from another connection."""
        self._flow = flow

    def refused(self, now: float) -> End | None:
        """The log has refused a command for its speed."""
        return None if self._flow.refused(now) else self._over()

    def takes_offer(self, now: float) -> bool:
        """Whether one more media offer of this seat is in time."""
        return self._flow.takes_offer(now)

    @property
    def strained(self) -> bool:
        """Whether this peer is to be read slowly: it sends faster than it may."""
        return self._flow.strained

    def receive(self, data: bytes | str, now: float) -> Step:
        """The next step for one message of the socket."""
        if self.stage is Stage.OVER:
            return End(CloseCode.BAD_FRAME)
        step = self._read(data, now)
        if isinstance(step, End):
            self.stage = Stage.OVER
        elif isinstance(step, Greet):
            self.stage = Stage.GREETED
        return step

    def _read(self, data: bytes | str, now: float) -> Step:
        if isinstance(data, str):
            return End(CloseCode.BAD_FRAME)
        try:
            message = m.parse_client(decode(data))
        except FrameTooLarge:
            return End(CloseCode.TOO_LARGE)
        except CodecError:
            return End(CloseCode.BAD_FRAME)
        except m.BadMessage as bad:
            if bad.id is None:
                return End(CloseCode.BAD_FRAME)
            why = f"{RefusalCode.BAD_REQUEST.text[:-1]}: {bad.detail}."
            refused = refused_frame(bad.id, RefusalCode.BAD_REQUEST, why)
            return self._paced(bad.id, now) or Reply(refused)
        if isinstance(message, m.HelloJoin | m.HelloResume):
            return Greet(message) if self.stage is Stage.AWAIT_HELLO else End(CloseCode.BAD_FRAME)
        slow = self._paced(message.id, now)
        if slow is not None:
            return slow
        if self.stage is Stage.AWAIT_HELLO:
            return Reply(refused_frame(message.id, RefusalCode.NOT_INSIDE))
        if isinstance(message, m.Ping):
            return Reply(m.Pong(message.id).to_map())
        return Ask(message)

    def _paced(self, command_id: int, now: float) -> Step | None:
        if self._flow.take(now):
            return None
        if not self._flow.refused(now):
            return self._over()
        return Reply(refused_frame(command_id, RefusalCode.TOO_FAST))

    def _over(self) -> End:
        self.stage = Stage.OVER
        return End(CloseCode.TOO_FAST)
