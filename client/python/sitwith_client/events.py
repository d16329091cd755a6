"""The events that a client gives to its program, in the order in which things happened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InLobby:
    """We wait in the lobby: a facilitator has to let us in, or has sent us back."""


@dataclass(frozen=True, slots=True)
class Inside:
    """We are in the room now; ``me.room`` has the whole view."""


@dataclass(frozen=True, slots=True)
class Change:
    """Slices of ``me.room`` have changed.

    ``why`` names what happened; ``by`` is the member who did it, or ``None``.
    """

    why: str
    by: str | None
    slices: frozenset[str]


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a conversation, our own included.

    ``to`` is the conversation, ``n`` the number there from 1, ``at`` in unix seconds. ``notice``
    marks a facilitator's notice to all groups. A deleted message has an empty ``body``.
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
    """Message ``n`` of the conversation ``to`` was deleted."""

    to: str
    n: int


@dataclass(frozen=True, slots=True)
class Reacted:
    """A member sent a reaction."""

    member: str
    kind: str


@dataclass(frozen=True, slots=True)
class Missed:
    """Messages of ``stream`` can't be sent any more: numbers ``(first, last)``, or ``None`` if the
    server doesn't know which."""

    stream: str
    places: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class MediaSlots:
    """Which member is on each receive slot (mid) of our media connection."""

    slots: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class MediaLost:
    """Our media connection is lost; offer again."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Whom we hear just now; includes us while others hear us."""

    members: frozenset[str]


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The socket closed with ``code``; the client connects again by itself."""

    code: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The room was empty for so long that it forgot everybody. The client joins again by its token;
    ``phase`` is then ``agreement``. Call ``enter()`` to go on."""


@dataclass(frozen=True, slots=True)
class ConnectionBack:
    """We have our seat again; missed messages follow."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The connection has ended for good; the close code says why. The last event."""

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
