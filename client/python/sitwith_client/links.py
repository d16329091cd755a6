"""Invite links: ``<public url>/r/<room>#t=<token>``; more fields may follow after ``&``."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from .errors import BadLink

_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


@dataclass(frozen=True, slots=True, repr=False)
class InviteLink:
    """The address to connect to and the token to show there. Its ``repr`` hides both."""

    socket_url: str
    token: str

    def __repr__(self) -> str:
        return "InviteLink(...)"

    def address_of(self, path: str) -> str:
        """The URL of ``path`` on the same server, ``https`` if the socket is ``wss``."""
        base = self.socket_url.removesuffix("/ws").removeprefix("ws")
        return f"http{base}/{path}"


def parse_link(link_or_token: str, url: str | None = None) -> InviteLink:
    """Parses an invite link, or a bare token with the server's public address ``url``.

    With a link, ``url`` replaces the address in the link. Raises ``BadLink``.
    """
    token, base = link_or_token, url
    if "#" in link_or_token:
        whole = urlsplit(link_or_token)
        token = parse_qs(whole.fragment).get("t", [""])[0]
        before, marker, _ = whole.path.rpartition("/r/")
        if not marker:
            raise BadLink("the link has no /r/<room> in it")
        base = url or f"{whole.scheme}://{whole.netloc}{before}"
    if not token:
        raise BadLink("the link has no token after #t=")
    if base is None:
        raise BadLink("a bare token needs the server's address: url=...")
    parts = urlsplit(base)
    if parts.scheme not in _SCHEMES or not parts.netloc:
        raise BadLink("the server's address is not an http(s) or ws(s) URL")
    path = parts.path.rstrip("/")
    if not path.endswith("/ws"):
        path += "/ws"
    return InviteLink(f"{_SCHEMES[parts.scheme]}://{_ascii(parts.netloc)}{path}", token)


def _ascii(netloc: str) -> str:
    """Host and port in the ASCII form of browsers (UTS #46).

    The network libraries here treat letters like `ß` otherwise and would send the token to a
    different host than a browser does.
    """
    if netloc.isascii():
        return netloc
    import idna  # only here: its tables load slowly, and few hosts need them

    host, colon, port = netloc.partition(":")
    try:
        return f"{idna.encode(host, uts46=True, transitional=False).decode()}{colon}{port}"
    except idna.IDNAError:
        raise BadLink("the server's address has a host that is not valid") from None
