"""Sitwith for programs: a seat in a room, with its view, its events and its commands."""

from sitwith_protocol.errors import CloseCode, RefusalCode

from .care import Flagged
from .client import Client, come_again
from .commands import Sent
from .errors import (
    BadLink,
    CannotConnect,
    FileRefused,
    Refused,
    RoomClosed,
    SitwithError,
    TooSlow,
)
from .events import (
    Change,
    ConnectionBack,
    ConnectionLost,
    Ended,
    Event,
    Forgotten,
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

__all__ = [
    "BadLink",
    "CannotConnect",
    "Change",
    "Client",
    "CloseCode",
    "ConnectionBack",
    "ConnectionLost",
    "Ended",
    "Event",
    "FileRefused",
    "Flagged",
    "Forgotten",
    "Heard",
    "InLobby",
    "Inside",
    "MediaLost",
    "MediaSlots",
    "Message",
    "MessageDeleted",
    "Missed",
    "Reacted",
    "RefusalCode",
    "Refused",
    "RoomClosed",
    "RoomView",
    "Sent",
    "SitwithError",
    "TooSlow",
    "come_again",
]
