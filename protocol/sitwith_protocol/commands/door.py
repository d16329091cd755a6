"""Commands about the agreement, the lobby and links (rules EN*, LO*, DO*)."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from ..checks import any_of, binary, boolean, integer, text
from ..fields import REF
from ..person import PERSON_BYTES
from ..shapes import message, optional, required
from .base import Command

DIGEST_BYTES: Final = 32


def new_token(room: str) -> tuple[str, bytes]:
    """A new token for a room, and its SHA-256 for ``link.replace``.

    Only the caller knows the token: the server gets the digest.
    """
    token = f"{room}.{secrets.token_urlsafe(32)}"
    return token, hashlib.sha256(token.encode()).digest()


@message("agreement.accept")
class AgreementAccept(Command):
    """``person`` is the person code by which the room's series knows the sender again."""

    version: int | str = required(any_of(integer(), text(1, 128)))
    person: bytes | None = optional(binary(PERSON_BYTES, PERSON_BYTES), default=None)

    def __repr__(self) -> str:
        return f"AgreementAccept(id={self.id}, version={self.version!r})"


@message("agreement.reading")
class AgreementReading(Command):
    """Says that a person is reading the agreement just now."""


@message("lobby.admit")
class LobbyAdmit(Command):
    person: str = required(REF)


@message("lobby.admit_all")
class LobbyAdmitAll(Command):
    pass


@message("lobby.decline")
class LobbyDecline(Command):
    person: str = required(REF)


@message("lobby.decline_all")
class LobbyDeclineAll(Command):
    """With ``link``, only those who came by it."""

    link: str | None = optional(REF, default=None)


@message("link.replace")
class LinkReplace(Command):
    """Ends a link and begins another. ``digest`` is the SHA-256 of the new token.

    ``inside`` sends those who came in by the old link back to the lobby.
    """

    link: str = required(REF)
    digest: bytes = required(binary(DIGEST_BYTES, DIGEST_BYTES))
    inside: bool = optional(boolean, default=False)


@message("lobby.return")
class LobbyReturn(Command):
    member: str = required(REF)
