"""Checks the headers `Origin` and `Host`.

A browser sends the page's origin with every WebSocket upgrade, and a page can't change it
(RFC 6455 §10.2). A program may send any origin, so the check protects people from foreign pages and
authorises nobody. The server never uses `Host`. It refuses a malformed one, so that no proxy in
front reads a path or a credential out of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sitwith_server.config import Settings

Headers = Iterable[tuple[bytes, bytes]]
"""Raw headers as ASGI has them: names in lower case."""

_HOST = re.compile(rb"(?:[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def allowed(origin: str | None, settings: Settings) -> bool:
    """Whether a page of this origin may connect.

    Compares exactly with `public_url` and `allowed_origins`, which are normalised as browsers write
    origins (RFC 6454 §6.2). None, without a header, is a program and allowed. `null`, which
    sandboxed frames and local files send, is refused.
    """
    return origin is None or origin == settings.public_url or origin in settings.allowed_origins


def request_allowed(headers: Headers, settings: Settings) -> bool:
    """Like `allowed`, for raw headers. More than one `Origin` is refused."""
    origins = [value for name, value in headers if name == b"origin"]
    if not origins:
        return True
    return len(origins) == 1 and allowed(origins[0].decode("latin-1"), settings)


def host_well_formed(headers: Headers) -> bool:
    """Whether there is at most one `Host`, a name or address with an optional port."""
    hosts = [value for name, value in headers if name == b"host"]
    return len(hosts) <= 1 and all(_HOST.fullmatch(host) is not None for host in hosts)
