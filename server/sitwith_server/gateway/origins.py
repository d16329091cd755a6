"""Whose pages may connect, and which `Host` headers are well formed.

A browser names the page's origin on every WebSocket upgrade and can't be made to lie about it
(RFC 6455 §10.2); a program may say what it likes, so the check protects people from foreign pages
and is no authorisation. `Host` is never used for anything; it only has to be one host and nothing
else, so that no layer in front can be talked into reading a path or a credential out of it.
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

    Exact comparison with the public address and the allow-list, which have the form in which
    browsers write an origin (RFC 6454 §6.2). None is a program and allowed. `null`, which sandboxed
    frames and local files send, is on no list.
    """
    return origin is None or origin == settings.public_url or origin in settings.allowed_origins


def request_allowed(headers: Headers, settings: Settings) -> bool:
    """The same for a request's raw headers; more than one `Origin` is refused."""
    origins = [value for name, value in headers if name == b"origin"]
    if not origins:
        return True
    return len(origins) == 1 and allowed(origins[0].decode("latin-1"), settings)


def host_well_formed(headers: Headers) -> bool:
    """Whether there is at most one `Host` and it is a name or address with perhaps a port."""
    hosts = [value for name, value in headers if name == b"host"]
    return len(hosts) <= 1 and all(_HOST.fullmatch(host) is not None for host in hosts)
