"""Invite links: ``<public url>/r/<room>#t=<token>``, with more after ``&`` where needed."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from .errors import BadLink

_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


@dataclass(frozen=True, slots=True, repr=False)
class Door:
    """Where to connect and what to say there. Its ``repr`` shows neither."""

    socket_url: str
    token: str

    def __repr__(self) -> str:
        return "Door(...)"

    def address_of(self, path: str) -> str:
        """A page of the same server: `http` or `https`, as its socket is."""
        base = self.socket_url.removesuffix("/ws").removeprefix("ws")
        return f"http{base}/{path}"


def read_link(link_or_token: str, url: str | None = None) -> Door:
    """The door that a link or a token leads to.

    ``url`` is the server's public address and is needed with a bare token; with a link it
    overrides the link's own. Raises ``BadLink``.
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
    return Door(f"{_SCHEMES[parts.scheme]}://{_ascii(parts.netloc)}{path}", token)


def _ascii(place: str) -> str:
    """Host and port as browsers write them. The network libraries here differ on letters like `ß`,
    and would carry a token to another host than a browser does."""
    if place.isascii():
        return place
    import idna  # its tables take a moment, and few hosts need them

    host, colon, port = place.partition(":")
    try:
        return f"{idna.encode(host, uts46=True, transitional=False).decode()}{colon}{port}"
    except idna.IDNAError:
        raise BadLink("the server's address has a host that is not valid") from None
