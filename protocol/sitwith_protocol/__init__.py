"""The wire of Sitwith: messages, codec, refusals and close codes."""

from .codec import CLIENT_LIMITS, SERVER_LIMITS, CodecError, FrameTooLarge, Limits, decode, encode
from .errors import CloseCode, RefusalCode, should_reconnect
from .shapes import BadMessage
from .versions import SUBPROTOCOL

__all__ = [
    "CLIENT_LIMITS",
    "SERVER_LIMITS",
    "SUBPROTOCOL",
    "BadMessage",
    "CloseCode",
    "CodecError",
    "FrameTooLarge",
    "Limits",
    "RefusalCode",
    "decode",
    "encode",
    "should_reconnect",
]
