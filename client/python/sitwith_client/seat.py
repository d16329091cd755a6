"""A seat as its client knows it: frames in, events out, without I/O, clock or tasks.

Invariants: a seat uses each command id once. A command is sent again with its id until it is
answered. ``seen`` names only frames that were received. The program gets each message once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sitwith_protocol.codec import CLIENT_LIMITS, SERVER_LIMITS, decode, encode
from sitwith_protocol.messages import (
    Chat,
    ChatDeleted,
    Closed,
    Command,
    Entered,
    Gap,
    HelloJoin,
    HelloResume,
    Lobby,
    MediaMap,
    Ok,
    Pong,
    Reaction,
    Reconnect,
    Refused,
    RoomFrame,
    ServerFrame,
    Speaking,
    Unknown,
    Welcome,
    parse_server,
)
from sitwith_protocol.messages import MediaLost as MediaLostFrame

from .events import (
    Change,
    ConnectionBack,
    Event,
    Heard,
    InLobby,
    Inside,
    MediaLost,
    MediaSlots,
    Message,
    MessageDeleted,
    Missed,
    Reacted,
)
from .view import RoomView


@dataclass(frozen=True, slots=True)
class Answered:
    """A command's answer has come."""

    id: int
    answer: Ok | Refused


@dataclass(frozen=True, slots=True)
class MoveRequested:
    """The server asks us to close within this many milliseconds and resume elsewhere."""

    after_ms: int


@dataclass(frozen=True, slots=True)
class Closing:
    """The server will close the socket with this code."""

    code: int


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The server has welcomed us on this socket: unanswered commands may be sent."""


Outcome = Event | Answered | MoveRequested | Closing | Welcomed


class Seat:
    """The client's half of a seat.

    ``first_id`` is the first command id; it must be above every id that this seat has used.
    """

    def __init__(self, token: str, name: str, *, first_id: int) -> None:
        self._token = token
        self._name = name
        self._next_id = first_id
        self._pending: dict[int, bytes] = {}
        self._last_n: dict[str, int] = {}
        self._was: str | None = None
        self.resume: str | None = None
        self.seen: dict[str, bytes] = {}
        self.me = ""
        self.role = ""
        self.phase = ""
        self.room = RoomView()
        self.now: float | None = None
        """The room's clock at the latest welcome, in unix seconds."""
        self.repeated = 0
        """Messages that came twice and were dropped; a correct server sends none."""

    # ---- out

    def hello(self) -> bytes:
        """The greeting for a new socket: by token the first time, then by ``resume``."""
        if self.resume is None:
            return encode(HelloJoin(self._token, self._name, self._was).to_map())
        seen = dict(self.seen)
        while True:
            frame = encode(HelloResume(self.resume, seen).to_map())
            if len(frame) <= CLIENT_LIMITS.frame and len(seen) <= 1000:
                return frame
            # Drop the streams that were idle longest. The server replays those from our entry on,
            # and _last_n drops what we have.
            for stream in list(seen)[: max(1, len(seen) // 8)]:
                del seen[stream]

    def command(self, make: Callable[[int], Command]) -> tuple[int, bytes]:
        """Makes a command and notes it as unanswered; returns its id and frame."""
        number = self._next_id
        frame = encode(make(number).to_map())
        self._next_id += 1
        self._pending[number] = frame
        return number, frame

    def unanswered(self, after: int | None = None) -> list[tuple[int, bytes]]:
        """Ids and frames of the unanswered commands with an id above ``after``, oldest first."""
        return [each for each in self._pending.items() if after is None or each[0] > after]

    def drop(self, number: int) -> None:
        """Forgets a command: nobody waits for its answer, so it isn't sent again."""
        self._pending.pop(number, None)

    def begin_again(self) -> None:
        """Clears everything: the room has forgotten, and the next greeting is by token (RE14)."""
        self._was, self.resume = self.resume, None
        self._pending.clear()
        self._last_n.clear()
        self.seen.clear()
        self.room.replace({})
        self.room.chats.clear()
        self.phase = ""

    # ---- in

    def receive(self, frame: bytes) -> list[Outcome]:
        """Folds one frame. Raises ``CodecError`` or ``BadMessage``."""
        return self._fold(parse_server(decode(frame, SERVER_LIMITS)))

    def _fold(self, frame: ServerFrame | Unknown) -> list[Outcome]:
        match frame:
            case Chat():
                return self._chat(frame)
            case RoomFrame():
                self._saw("room", frame.pos)
                changed = self.room.fold(frame)
                mine = self.room.members.get(self.me)
                self.role = mine["role"] if mine else self.role
                return [Change(frame.why, frame.by, changed)]
            case Ok() | Refused():
                known = self._pending.pop(frame.id, None)
                return [] if known is None else [Answered(frame.id, frame)]
            case ChatDeleted():
                self._saw(frame.to, frame.pos)
                self.room.empty_message(frame.to, frame.n)
                return [MessageDeleted(frame.to, frame.n)]
            case Welcome():
                return self._welcome(frame)
            case Lobby():
                self.phase = "lobby"
                self.room.replace(
                    {k: v for k, v in self.room.slices.items() if k in ("title", "agreement")}
                )
                return [InLobby()]
            case Entered():
                self.phase = "inside"
                self.room.replace(frame.room)
                self.seen = dict(frame.pos)
                return [Inside()]
            case Reaction():
                return [Reacted(frame.from_, frame.kind)]
            case Gap():
                return [Missed(frame.stream, frame.missed)]
            case MediaMap():
                return [MediaSlots(dict(frame.slots))]
            case MediaLostFrame():
                return [MediaLost()]
            case Speaking():
                return [Heard(frozenset(frame.members))]
            case Reconnect():
                return [MoveRequested(frame.after_ms)]
            case Closed():
                return [Closing(frame.code)]
            case Pong() | Unknown():
                return []

    def _welcome(self, frame: Welcome) -> list[Outcome]:
        again = self.resume is not None
        before = self.phase
        self.me, self.role, self.phase = frame.me, frame.role, frame.phase
        self.resume, self._was = frame.resume, None
        self.now = frame.now
        self.room.replace(frame.room)
        if frame.pos is not None:
            if again and frame.resumed:
                # The view is complete but the missed messages follow: what ``seen`` says of a
                # conversation must not run ahead of them.
                self._saw("room", frame.pos.get("room", b""))
            else:
                self.seen = dict(frame.pos)
        outcomes: list[Outcome] = [Welcomed(), ConnectionBack()] if again else [Welcomed()]
        if frame.phase != before:
            if frame.phase == "inside":
                outcomes.append(Inside())
            elif frame.phase == "lobby":
                outcomes.append(InLobby())
        return outcomes

    def _chat(self, frame: Chat) -> list[Outcome]:
        self._saw(frame.to, frame.pos)
        if frame.n <= self._last_n.get(frame.to, 0):
            self.repeated += 1
            return []
        self._last_n[frame.to] = frame.n
        message = Message(
            to=frame.to,
            n=frame.n,
            author=frame.from_,
            at=frame.at,
            body=frame.body,
            notice=frame.notice,
            deleted=frame.deleted,
        )
        self.room.add_message(message)
        return [message]

    def _saw(self, stream: str, pos: bytes) -> None:
        # Removed first, so that the order is from the stream that was idle longest to the latest.
        self.seen.pop(stream, None)
        self.seen[stream] = pos
