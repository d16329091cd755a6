"""What a client tells its program: one class an event, in the order in which things happened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InLobby:
    """Waiting: a facilitator has to let us in (or has sent us back to the lobby)."""


@dataclass(frozen=True, slots=True)
class Inside:
    """We are in the room now; ``me.room`` has the whole view."""


@dataclass(frozen=True, slots=True)
class Change:
    """Slices of ``me.room``, or entries of them, have new values.

    ``why`` names what happened, ``by`` is the member who did it, if somebody did.
    """

    why: str
    by: str | None
    slices: frozenset[str]


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a conversation; one of our own comes too.

    ``to`` is the conversation, ``n`` its place there from 1, ``at`` in unix seconds; ``notice``
    marks a facilitator's word to everybody in all groups. A deleted one has an empty ``body``.
    """

    to: str
    n: int
    author: str
    at: float
    body: str | bytes
    notice: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    """Message ``n`` of ``to`` is gone."""

    to: str
    n: int


@dataclass(frozen=True, slots=True)
class Reacted:
    """Somebody gave a short-lived sign."""

    member: str
    kind: str


@dataclass(frozen=True, slots=True)
class Missed:
    """Something of ``stream`` was or may have been missed: places ``first`` to ``last``."""

    stream: str
    places: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class MediaSlots:
    """Who is on which receive slot of our media connection just now."""

    slots: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class MediaLost:
    """Our media connection is gone; offer again."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Whom we hear just now, ourselves included while others hear us."""

    members: frozenset[str]


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The socket is gone; the client is on its way back by itself."""

    code: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The room was empty for so long that it has forgotten everybody: we come in anew, by our
    token. ``phase`` is ``agreement`` next; ``enter()`` goes on from there."""


@dataclass(frozen=True, slots=True)
class ConnectionBack:
    """We have our seat again; what was missed follows."""


@dataclass(frozen=True, slots=True)
class Ended:
    """It is over (left, removed, room ended, ...): ``code`` says why. The last event."""

    code: int


Event = (
    InLobby
    | Inside
    | Change
    | Message
    | MessageDeleted
    | Reacted
    | Missed
    | MediaSlots
    | MediaLost
    | Heard
    | ConnectionLost
    | ConnectionBack
    | Forgotten
    | Ended
)
