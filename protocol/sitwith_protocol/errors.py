"""Refusal codes and close codes, each with one line of text to show to people."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Self


class RefusalCode(StrEnum):
    """Why a command was refused. The value is the ``code`` of the wire.

    ``is_outcome``: the refusal is remembered for the command's id. The others (``frozen``,
    ``too_fast``, ``bad_request``, ``not_inside``) are not: a command that is sent again with the
    same id is decided again.
    """

    text: str
    is_outcome: bool

    def __new__(cls, code: str, text: str = "", is_outcome: bool = True) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.text = text
        member.is_outcome = is_outcome
        return member

    BAD_REQUEST = "bad_request", "This request was not understood.", False
    NOT_INSIDE = "not_inside", "You are not inside yet.", False
    NOT_ALLOWED = "not_allowed", "You may not do that here."
    NO_PLAN = "no_plan", "No plan keeps everybody apart who must be kept apart."
    NOT_HOLDER = "not_holder", "The talking stick is with somebody else."
    MUTED = "muted", "A facilitator has muted this."
    LOCKED = "locked", "The room is locked."
    FULL = "full", "There is no seat left."
    NO_SUCH_MEMBER = "no_such_member", "Nobody here has this id."
    NO_SUCH_GROUP = "no_such_group", "There is no such group."
    TOO_FAST = "too_fast", "That was too fast; wait a moment.", False
    TOO_LONG = "too_long", "That is too long."
    STALE = "stale", "The room has changed; this no longer applies."
    FROZEN = "frozen", "The room can't save anything just now; nothing was done.", False


class CloseCode(IntEnum):
    """Why the server closed the socket.

    4000-4399: reconnect with ``resume``. 4400-4799: don't.
    """

    text: str

    def __new__(cls, code: int, text: str = "") -> Self:
        member = int.__new__(cls, code)
        member._value_ = code
        member.text = text
        return member

    BYE = 1000, "You have left the room."
    SLOW = 4001, "The connection was too slow to keep up."
    DRAIN = 4002, "This server is stopping; another one takes over."
    FAULT = 4003, "Something went wrong on the server."
    LOST = 4004, "The server lost its connection to the room."
    PLACE_GIVEN = 4010, "Somebody else needed this place at the door. You can come in again."
    TOO_SOON = 4029, "You came back too often in a short time; wait a moment."
    BAD_FRAME = 4400, "A message could not be understood."
    REMOVED = 4403, "A facilitator has removed you from the room."
    NOWHERE = 4404, "This link leads nowhere, or the room has ended."
    DECLINED = 4405, "The facilitators can't let you in this time."
    NO_HELLO = 4408, "The client did not say hello in time."
    ELSEWHERE = 4409, "This seat is connected elsewhere."
    TOO_LARGE = 4413, "A message was too large."
    DOOR_CLOSED = 4423, "The room is locked or full."
    TOO_FAST = 4429, "Too many messages came too fast."


def should_reconnect(code: int) -> bool:
    """Whether a client whose socket closed with ``code`` should reconnect.

    Codes of WebSocket itself (RFC 6455, section 7.4.1) count too: not after 1000 (normal) and 1009
    (too large), but after all others (1001, 1006, 1011, 1012, ...).
    """
    return code not in (1000, 1009) and not 4400 <= code <= 4799
