"""Invite tokens and resume values: opaque and random. The server keeps only their digests.

A token is `<room>.<secret>`, a resume value `<room>.<seat>.<secret>`. Room and seat serve to find
the digest to compare with; they grant nothing.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import string
from dataclasses import dataclass

SECRET_BYTES = 32

_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Token:
    room: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Resume:
    room: str
    seat: str
    digest: bytes


def new_room_id() -> str:
    """128 random bits, in lower case so that it can be typed."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def new_id(prefix: str = "") -> str:
    """80 random bits: for invites, connections and the like."""
    return prefix + base64.b32encode(secrets.token_bytes(10)).decode().lower()


def new_seat_id() -> str:
    """8 characters, because some frames name many seats. Knowing one grants nothing. The room
    refuses an id that is in use (`id_taken`)."""
    return "m" + "".join(secrets.choice(_LETTERS) for _ in range(7))


def mint_token(room: str) -> tuple[str, bytes]:
    """A new invite token for a room, and its digest."""
    token = f"{room}.{secrets.token_urlsafe(SECRET_BYTES)}"
    return token, digest_of(token)


def mint_resume(room: str, seat: str) -> tuple[str, bytes]:
    """A new resume value for a seat, and its digest."""
    value = f"{room}.{seat}.{secrets.token_urlsafe(SECRET_BYTES)}"
    return value, digest_of(value)


def new_link_key() -> bytes:
    """What the members of a room blind their concerns with (rule LK2)."""
    return secrets.token_bytes(SECRET_BYTES)


def read_token(token: str) -> Token | None:
    """The parts of an invite token; None if the text is not one."""
    parts = token.split(".")
    return Token(parts[0], digest_of(token)) if len(parts) == 2 and all(parts) else None


def read_resume(value: str) -> Resume | None:
    """The parts of a resume value; None if the text is not one."""
    parts = value.split(".")
    if len(parts) != 3 or not all(parts):
        return None
    return Resume(parts[0], parts[1], digest_of(value))


def digest_of(secret: str) -> bytes:
    """SHA-256. A slow hash would gain nothing, because the secrets have 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
