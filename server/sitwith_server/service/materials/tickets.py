"""Tickets: with one a seat uploads or downloads one file of a material (MT5).

A ticket names its seat, file, purpose and end, and is signed with a key of the room that never
leaves the servers. It grants nothing by itself: whoever accepts one checks what its seat may do at
that moment.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sitwith_protocol.codec import CodecError, decode, encode
from sitwith_server.room import commands as c
from sitwith_server.room.materials.values import MaterialKind
from sitwith_server.room.model import RoomState

BRING: Final = "bring"
FETCH: Final = "fetch"
MOST: Final = 2_048
"""The most characters of a ticket."""

_PURPOSE: Final = b"sitwith material ticket 1\0"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A valid ticket. kind, title: of the material to upload."""

    seat: str
    kind: MaterialKind = MaterialKind.PICTURE
    title: str = field(default="", repr=False)


def mint(
    state: RoomState, command: c.MaterialUpload | c.MaterialOpen, answer: Mapping[str, object]
) -> str:
    """A new ticket for what the room has granted in this answer."""
    said: dict[str, object] = {
        "t": FETCH,
        "room": state.id,
        "seat": command.by,
        "material": command.material,
        "until": answer["until"],
    }
    if isinstance(command, c.MaterialUpload):
        said |= {"t": BRING, "kind": str(command.what), "title": command.title}
    body = encode(said)
    return f"{_text(body)}.{_text(_sign(state, body))}"


def read(state: RoomState, ticket: str, material: str, purpose: str, now: float) -> Ticket | None:
    """Checks a ticket; None unless it is one of this room for this file and purpose and has not
    expired. now: unix seconds."""
    body, mark = (_bytes(part) for part in (ticket[:MOST] + ".").split(".")[:2])
    if not state.materials.key or not hmac.compare_digest(_sign(state, body), mark):
        return None
    try:
        said = decode(body)
    except CodecError:
        return None
    until, seat = said.get("until"), said.get("seat")
    if (said["t"], said.get("room"), said.get("material")) != (purpose, state.id, material):
        return None
    if not isinstance(until, int | float) or now > until or not isinstance(seat, str):
        return None
    try:
        kind = MaterialKind(str(said.get("kind", "picture")))
    except ValueError:  # made by another version
        return None
    return Ticket(seat, kind, str(said.get("title", "")))


def _sign(state: RoomState, body: bytes) -> bytes:
    return hmac.digest(state.materials.key, _PURPOSE + body, hashlib.sha256)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(part: str) -> bytes:
    try:
        return base64.b64decode(part.encode() + b"=" * (-len(part) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError, UnicodeError):
        return b""
