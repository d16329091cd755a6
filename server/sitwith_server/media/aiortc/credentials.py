"""ICE credentials, and the STUN messages that are signed with them (RFC 8489, RFC 8445)."""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from aioice import stun

from sitwith_server.media.aiortc.datagrams import unpack_sockaddr

ICE_CHARS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

_ROLE_CONFLICT: Final = (487, "Role Conflict")
_PRIORITY: Final = (110 << 24) + (65_535 << 8) + 255
"""Of the peer-reflexive candidate that our check would show (RFC 8445 §5.1.2)."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """ICE user name fragment and password (RFC 8445 §5.3)."""

    ufrag: str
    password: str = field(repr=False)

    @classmethod
    def make(cls) -> Credentials:
        """Fresh ones, with 60 and 192 random bits."""
        ufrag, password = (
            "".join(secrets.choice(ICE_CHARS) for _ in range(length)) for length in (10, 32)
        )
        return cls(ufrag, password)


@dataclass(frozen=True, slots=True)
class CredentialPair:
    """The credentials of one offer and its answer. local: the server's. remote: the member's."""

    local: Credentials
    remote: Credentials

    def read_check(self, datagram: bytes) -> stun.Message | None:
        """A connectivity check that the member signed; None: it is none."""
        return _parsed(datagram, self._is_check)

    def read_answer(self, datagram: bytes) -> stun.Message | None:
        """An answer to our check that the member signed; None: it is none."""
        return _parsed(datagram, self._is_answer)

    def check(self, tie_breaker: int) -> tuple[bytes, bytes]:
        """The transaction id and the bytes of a check of ours (RFC 8445 §7.2.2)."""
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{self.remote.ufrag}:{self.local.ufrag}"
        message.attributes["PRIORITY"] = _PRIORITY
        message.attributes["ICE-CONTROLLED"] = tie_breaker
        message.add_message_integrity(self.remote.password.encode())
        return message.transaction_id, bytes(message)

    def answer(self, check: stun.Message, source: bytes, conflict: bool) -> bytes:
        """Our answer to a member's check from that `sockaddr`. conflict: a role conflict."""
        answer = stun.Message(
            message_method=check.message_method,
            message_class=stun.Class.ERROR if conflict else stun.Class.RESPONSE,
            transaction_id=check.transaction_id,
        )
        if conflict:
            answer.attributes["ERROR-CODE"] = _ROLE_CONFLICT
        else:
            answer.attributes["XOR-MAPPED-ADDRESS"] = unpack_sockaddr(source)
        answer.add_message_integrity(self.local.password.encode())
        return bytes(answer)

    def _is_check(self, message: stun.Message) -> bool:
        return (
            message.message_class == stun.Class.REQUEST
            and message.attributes.get("USERNAME") == f"{self.local.ufrag}:{self.remote.ufrag}"
            and "FINGERPRINT" in message.attributes
            and message.check_message_integrity(self.local.password.encode())
        )

    def _is_answer(self, message: stun.Message) -> bool:
        return message.message_class == stun.Class.RESPONSE and message.check_message_integrity(
            self.remote.password.encode()
        )


def _parsed(datagram: bytes, accept: Callable[[stun.Message], bool]) -> stun.Message | None:
    try:
        message = stun.parse_message(datagram)
        return message if accept(message) else None
    except (ValueError, struct.error):
        return None
