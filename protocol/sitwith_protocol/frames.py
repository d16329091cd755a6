"""The frames of the server. Readers ignore fields that they don't know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .checks import (
    Check,
    Invalid,
    any_of,
    anything,
    binary,
    boolean,
    integer,
    list_of,
    map_of,
    number,
    one_of,
    text,
)
from .commands.media import MediaLost, MediaMap, Speaking
from .shapes import Message, message, optional, required

_WORD = text(1, 256)
_POS = binary(0, 256)
_VIEW: Check[Mapping[str, object]] = map_of(anything)
_POSITIONS: Check[Mapping[str, bytes]] = map_of(_POS)
_COUNT = integer(0)


Patch = tuple[str, str] | tuple[str, str, object]
"""A change of one entry of a slice that is a map: slice, key, value. No value removes the entry."""


def _one_patch(value: object) -> Patch:
    parts = list_of(anything, 2, 3)(value)
    where, key = _WORD(parts[0]), text(0, 256)(parts[1])
    return (where, key) if len(parts) == 2 else (where, key, parts[2])


_PATCHES: Check[tuple[Patch, ...]] = list_of(_one_patch, high=4096)


def _missed(value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    first, last = list_of(integer(), 2, 2)(value)
    return first, last


@message("welcome")
class Welcome(Message):
    """The answer to a greeting. ``pos`` is there when ``phase`` is ``inside``.

    ``now`` is the room's clock in unix seconds, to compare with ``ends_at`` and other times.
    """

    me: str = required(_WORD)
    role: str = required(one_of("facilitator", "member", "guest"))
    phase: str = required(one_of("agreement", "lobby", "inside"))
    resume: str = required(text(1, 1024))
    room: Mapping[str, object] = required(_VIEW)
    resumed: bool = required(boolean)
    pos: Mapping[str, bytes] | None = optional(_POSITIONS, default=None)
    now: float | None = optional(number(0, 2**53), default=None)


@message("lobby")
class Lobby(Message):
    """The person waits in the lobby until a facilitator admits them."""


@message("entered")
class Entered(Message):
    """The person is inside: the whole view, and the position of each stream."""

    room: Mapping[str, object] = required(_VIEW)
    pos: Mapping[str, bytes] = required(_POSITIONS)


@message("room")
class RoomFrame(Message):
    """A change of this viewer's view.

    Each slice in ``set`` replaces the previous one. Then each of ``patch``, in order, sets or
    removes one entry of a slice that is a map.
    """

    seq: int = required(_COUNT)
    pos: bytes = required(_POS)
    why: str = required(_WORD)
    set: Mapping[str, object] | None = optional(_VIEW, default=None)
    by: str | None = optional(_WORD, default=None)
    patch: tuple[Patch, ...] = optional(_PATCHES, default=())


@message("chat")
class Chat(Message):
    """A message of a conversation; ``at`` in unix seconds, ``n`` its number from 1."""

    to: str = required(_WORD)
    n: int = required(integer(1))
    pos: bytes = required(_POS)
    from_: str = required(_WORD, name="from")
    at: float = required(number(0, 2**53))
    body: str | bytes = required(any_of(text(0, 2**18), binary(0, 2**18)))
    notice: bool = optional(boolean, default=False)
    deleted: bool = optional(boolean, default=False)


@message("chat.deleted")
class ChatDeleted(Message):
    """The message ``n`` of ``to`` was deleted; ``pos`` counts entries, ``n`` messages."""

    to: str = required(_WORD)
    n: int = required(integer(1))
    pos: bytes = required(_POS)


@dataclass(frozen=True, slots=True)
class Ok:
    """The answer to a command that was committed; ``fields`` is what it carries besides ``id``."""

    id: int
    fields: Mapping[str, object]
    t = "ok"

    def to_map(self) -> dict[str, object]:
        """The map for ``encode``."""
        return {"t": "ok", "id": self.id, **self.fields}


@message("refused")
class Refused(Message):
    """The answer to a command that changed nothing; ``code`` is one of ``RefusalCode``."""

    id: int = required(integer())
    code: str = required(_WORD)
    message: str = required(text(0, 1024))


@message("reaction")
class Reaction(Message):
    """A member's reaction; it is not kept."""

    from_: str = required(_WORD, name="from")
    kind: str = required(text(1, 24))


@message("pong")
class Pong(Message):
    """The answer to the ping with this id."""

    id: int = required(integer())


@message("reconnect")
class Reconnect(Message):
    """The client is to close within ``after_ms`` milliseconds and resume at another worker."""

    after_ms: int = required(_COUNT)


@message("gap")
class Gap(Message):
    """Part of ``stream`` can't be sent: the numbers ``missed``, or null if it is unknown which."""

    stream: str = required(_WORD)
    missed: tuple[int, int] | None = required(_missed)


@message("closed")
class Closed(Message):
    """The socket closes next, with this code."""

    code: int = required(integer(1000, 4999))


@dataclass(frozen=True, slots=True)
class Unknown:
    """A frame of an unknown type; readers ignore it."""

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
    """Reads an ``ok``, whose fields depend on its command. Raises ``Invalid``."""
    number_: Any = raw.get("id")
    if type(number_) is not int:
        raise Invalid("must be a whole number", "id")
    return Ok(number_, {key: value for key, value in raw.items() if key not in ("t", "id")})
