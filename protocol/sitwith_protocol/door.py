"""Commands about the agreement, the lobby and links (rules EN*, LO*, DO*)."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from .checks import any_of, binary, boolean, integer, text
from .fields import ID, REF
from .person import PERSON_BYTES
from .shapes import Message, message, optional, required

DIGEST_BYTES: Final = 32


def new_token(room: str) -> tuple[str, bytes]:
    """A new token for a room, and its SHA-256 for ``link.replace``.

    Only the caller knows the token: the server gets the digest.
    """
    token = f"{room}.{secrets.token_urlsafe(32)}"
    return token, hashlib.sha256(token.encode()).digest()


@message("agreement.accept")
class AgreementAccept(Message):
    """``person`` is the person code by which the room's series knows the sender again."""

    id: int = required(ID)
    version: int | str = required(any_of(integer(), text(1, 128)))
    person: bytes | None = optional(binary(PERSON_BYTES, PERSON_BYTES), default=None)

    def __repr__(self) -> str:
        return f"AgreementAccept(id={self.id}, version={self.version!r})"


@message("agreement.reading")
class AgreementReading(Message):
    """Says that a person is reading the agreement just now."""

    id: int = required(ID)


@message("lobby.admit")
class LobbyAdmit(Message):
    id: int = required(ID)
    person: str = required(REF)


@message("lobby.admit_all")
class LobbyAdmitAll(Message):
    id: int = required(ID)


@message("lobby.decline")
class LobbyDecline(Message):
    id: int = required(ID)
    person: str = required(REF)


@message("lobby.decline_all")
class LobbyDeclineAll(Message):
    """With ``link``, only those who came by it."""

    id: int = required(ID)
    link: str | None = optional(REF, default=None)


@message("link.replace")
class LinkReplace(Message):
    """Ends a link and begins another. ``digest`` is the SHA-256 of the new token.

    ``inside`` sends those who came in by the old link back to the lobby.
    """

    id: int = required(ID)
    link: str = required(REF)
    digest: bytes = required(binary(DIGEST_BYTES, DIGEST_BYTES))
    inside: bool = optional(boolean, default=False)


@message("lobby.return")
class LobbyReturn(Message):
    id: int = required(ID)
    member: str = required(REF)
