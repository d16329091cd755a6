"""All that the server may say, one class a frame. Readers ignore fields that they don't know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .checks import (
    Check,
    Invalid,
    anything,
    binary,
    boolean,
    either,
    integer,
    many,
    mapping,
    number,
    one_of,
    text,
)
from .media import MediaLost, MediaMap, Speaking
from .shapes import Message, may, message, need

_WORD = text(1, 256)
_POS = binary(0, 256)
_VIEW: Check[Mapping[str, object]] = mapping(anything)
_POSITIONS: Check[Mapping[str, bytes]] = mapping(_POS)
_COUNT = integer(0)


Patch = tuple[str, str] | tuple[str, str, object]
"""One entry of a slice that is a map: slice, key and value; without a value it is gone."""


def _one_patch(value: object) -> Patch:
    parts = many(anything, 2, 3)(value)
    where, key = _WORD(parts[0]), text(0, 256)(parts[1])
    return (where, key) if len(parts) == 2 else (where, key, parts[2])


_PATCHES: Check[tuple[Patch, ...]] = many(_one_patch, high=4096)


def _missed(value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    first, last = many(integer(), 2, 2)(value)
    return first, last


@message("welcome")
class Welcome(Message):
    """The answer to a greeting. ``pos`` is there when ``phase`` is ``inside``.

    ``now`` is the room's clock in unix seconds, to read ``ends_at`` and the like by.
    """

    me: str = need(_WORD)
    role: str = need(one_of("facilitator", "member", "guest"))
    phase: str = need(one_of("agreement", "lobby", "inside"))
    resume: str = need(text(1, 1024))
    room: Mapping[str, object] = need(_VIEW)
    resumed: bool = need(boolean)
    pos: Mapping[str, bytes] | None = may(_POSITIONS, default=None)
    now: float | None = may(number(0, 2**53), default=None)


@message("lobby")
class Lobby(Message):
    """The agreement is accepted; a facilitator has to let this person in."""


@message("entered")
class Entered(Message):
    """Inside now: the whole view, and where each stream stands."""

    room: Mapping[str, object] = need(_VIEW)
    pos: Mapping[str, bytes] = need(_POSITIONS)


@message("room")
class RoomFrame(Message):
    """Something changed in this viewer's view.

    Each slice in ``set`` replaces the one before; then each of ``patch``, in order, puts one entry
    into a slice that is a map, or takes it out.
    """

    seq: int = need(_COUNT)
    pos: bytes = need(_POS)
    why: str = need(_WORD)
    set: Mapping[str, object] | None = may(_VIEW, default=None)
    by: str | None = may(_WORD, default=None)
    patch: tuple[Patch, ...] = may(_PATCHES, default=())


@message("chat")
class Chat(Message):
    """One message of a conversation; ``at`` in unix seconds, ``n`` its place from 1."""

    to: str = need(_WORD)
    n: int = need(integer(1))
    pos: bytes = need(_POS)
    from_: str = need(_WORD, name="from")
    at: float = need(number(0, 2**53))
    body: str | bytes = need(either(text(0, 2**18), binary(0, 2**18)))
    notice: bool = may(boolean, default=False)
    deleted: bool = may(boolean, default=False)


@message("chat.deleted")
class ChatDeleted(Message):
    """The message ``n`` of ``to`` is gone; ``pos`` counts entries, ``n`` messages."""

    to: str = need(_WORD)
    n: int = need(integer(1))
    pos: bytes = need(_POS)


@dataclass(frozen=True, slots=True)
class Ok:
    """A command is committed; ``fields`` is what its answer carries besides ``id``."""

    id: int
    fields: Mapping[str, object]
    t = "ok"

    def to_map(self) -> dict[str, object]:
        """The map for ``encode``."""
        return {"t": "ok", "id": self.id, **self.fields}


@message("refused")
class Refused(Message):
    """A command changed nothing; ``code`` is one of ``RefusalCode``."""

    id: int = need(integer())
    code: str = need(_WORD)
    message: str = need(text(0, 1024))


@message("reaction")
class Reaction(Message):
    """A short-lived sign of somebody; not kept."""

    from_: str = need(_WORD, name="from")
    kind: str = need(text(1, 24))


@message("pong")
class Pong(Message):
    """The answer to the ping with this id."""

    id: int = need(integer())


@message("reconnect")
class Reconnect(Message):
    """Close within ``after_ms`` milliseconds and resume; another worker takes over."""

    after_ms: int = need(_COUNT)


@message("gap")
class Gap(Message):
    """Something of ``stream`` may have been missed: the places ``missed``, or unknown which."""

    stream: str = need(_WORD)
    missed: tuple[int, int] | None = need(_missed)


@message("closed")
class Closed(Message):
    """The socket closes next with this code, and this is why."""

    code: int = need(integer(1000, 4999))


@dataclass(frozen=True, slots=True)
class Unknown:
    """A frame of a type that this reader doesn't know; to be ignored."""

    t: str
    fields: Mapping[str, object]


ServerFrame = (
    Welcome
    | Lobby
    | Entered
    | RoomFrame
    | Chat
    | ChatDeleted
    | Ok
    | Refused
    | Reaction
    | MediaMap
    | MediaLost
    | Speaking
    | Pong
    | Reconnect
    | Gap
    | Closed
)


def read_ok(raw: Mapping[str, object]) -> Ok:
    """The answer ``ok``, with whatever its command's answer carries. Raises ``Invalid``."""
    number_: Any = raw.get("id")
    if type(number_) is not int:
        raise Invalid("must be a whole number", "id")
    return Ok(number_, {key: value for key, value in raw.items() if key not in ("t", "id")})
