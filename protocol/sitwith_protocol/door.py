"""Who stands at the door, and the links by which they came (LO*, DO*)."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from .checks import binary, boolean
from .command import Command
from .fields import REF
from .shapes import may, message, need

DIGEST_BYTES: Final = 32


def new_token(room: str) -> tuple[str, bytes]:
    """A new token for a room, which its maker alone knows, and the digest for ``link.replace``:
    SHA-256 of the token as text."""
    token = f"{room}.{secrets.token_urlsafe(32)}"
    return token, hashlib.sha256(token.encode()).digest()


@message("agreement.reading")
class AgreementReading(Command):
    """Somebody is reading the agreement just now."""


@message("lobby.admit")
class LobbyAdmit(Command):
    person: str = need(REF)


@message("lobby.admit_all")
class LobbyAdmitAll(Command):
    pass


@message("lobby.decline")
class LobbyDecline(Command):
    person: str = need(REF)


@message("lobby.decline_all")
class LobbyDeclineAll(Command):
    """``link``: only those who came by it."""

    link: str | None = may(REF, default=None)


@message("link.replace")
class LinkReplace(Command):
    """Ends a link and begins another. ``digest`` is the SHA-256 of the new token, which its maker
    alone knows; with ``inside`` who came in by the old one goes back to the lobby."""

    link: str = need(REF)
    digest: bytes = need(binary(DIGEST_BYTES, DIGEST_BYTES))
    inside: bool = may(boolean, default=False)


@message("lobby.return")
class LobbyReturn(Command):
    member: str = need(REF)
