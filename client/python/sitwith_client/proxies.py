"""Whether to use a proxy that the environment names.

Requests carry tokens and keys, and a proxy can read plain HTTP. So a proxy is used only for `https`
and `wss`, which it can't read, and never for loopback addresses.
"""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from .errors import CannotConnect

_VARIABLES: Final = {
    "http": ("http", "all"),
    "https": ("https", "all"),
    "ws": ("ws", "http", "all"),
    "wss": ("wss", "https", "all"),
}
"""Variables to look at for each scheme, in order: `http` stands for HTTP_PROXY, and so on."""


class PlainProxy(CannotConnect):
    """A proxy could read what is sent. The text says what to do."""


def is_loopback(host: str) -> bool:
    """Whether a URL's host is a loopback name or address (RFC 6761 §6.3)."""
    name = host.removesuffix(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback or address.is_unspecified


def proxy_for(url: str) -> str | None:
    """The proxy to use for `url`, or None.

    Raises:
        PlainProxy: `url` is `http` or `ws`, and the environment names a proxy for it.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None  # the request itself fails on a bad URL
    if is_loopback(host) or proxy_bypass(host if port is None else f"{host}:{port}"):
        return None
    named = getproxies()
    scheme = parts.scheme.lower()
    kind = next((kind for kind in _VARIABLES.get(scheme, ()) if named.get(kind)), None)
    if kind is None:
        return None
    if scheme in ("http", "ws"):
        raise PlainProxy(
            f"{kind.upper()}_PROXY names a proxy, which would read what is sent to {host} by plain "
            f"{scheme}: use {scheme}s, or add {host} to NO_PROXY to go without the proxy"
        )
    proxy = named[kind]
    return proxy if "://" in proxy else f"http://{proxy}"
