"""URLs and origins made from hosts and ports."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
from typing import Final
from urllib.parse import urlsplit

from sitwith_protocol.checks import Invalid

_FORBIDDEN: Final = re.compile(r"[\x00-\x20#%/:<>?@\[\\\]^`{|}\x7f]")
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


def browser_host(host: str) -> str:
    """Normalises a host as browsers do for URLs and `Origin` (WHATWG URL, host parsing): a name in
    lower case and ASCII, an IPv6 address in its shortest form, without brackets.

    Raises:
        Invalid: browsers refuse the host, or it is a form such as `127.1` that nobody means.
    """
    if ":" in host:
        return _ipv6(host)
    name = host.lower() if host.isascii() else _ascii(host)
    if not name or _FORBIDDEN.search(name):
        raise Invalid("has a host that is not valid")
    last = name.removesuffix(".").rpartition(".")[2]
    if _NUMBER.fullmatch(last):
        # Browsers read `127.1` and `010.0.0.1` as IPv4 addresses.
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            raise Invalid("has an IPv4 address that is not four plain numbers") from None
    return name


def _ascii(name: str) -> str:
    """UTS #46 as in browsers: non-transitional, so that `ß` is kept."""
    import idna  # slow to import, and few hosts need it

    try:
        return idna.encode(name, uts46=True, transitional=False).decode().lower()
    except idna.IDNAError:
        raise Invalid(
            "has a host that can't be converted to ASCII: write it as browsers do (xn--…)"
        ) from None


def _ipv6(host: str) -> str:
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        raise Invalid("has an IPv6 address that is not valid") from None
    if address.scope_id is not None:
        raise Invalid("has an IPv6 address with a zone, which browsers don't accept")
    if address.ipv4_mapped is not None:
        # Browsers write two hexadecimal groups here, newer Pythons the IPv4 address.
        high, low = divmod(int(address.ipv4_mapped), 1 << 16)
        return f"::ffff:{high:x}:{low:x}"
    return address.compressed


def authority(host: str, port: int | None, scheme: str) -> str:
    """A URL's host and port, without the scheme's default port (RFC 3986 §3.2)."""
    name = f"[{host}]" if ":" in host else host
    if port is None or port == {"http": 80, "https": 443}[scheme]:
        return name
    return f"{name}:{port}"


def http_url(host: str, port: int) -> str:
    """The URL of a server on its own machine, with the host as browsers write it if they accept
    it."""
    found = host
    with contextlib.suppress(ValueError):
        found = browser_host(host)
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(found, found)
    return f"http://{authority(reachable, port, 'http')}"


def derived_origins(public_url: str) -> tuple[str, ...]:
    """The page's own origin; for a loopback host also `localhost` and `127.0.0.1`."""
    parts = urlsplit(public_url)
    loopback = ("localhost", "127.0.0.1", "::1")
    if parts.hostname not in loopback:
        return (public_url,)
    names = (parts.hostname, *(name for name in loopback[:2] if name != parts.hostname))
    return tuple(f"{parts.scheme}://{authority(name, parts.port, parts.scheme)}" for name in names)


def socket_address(place: str) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """Address family and address to bind for an `address:port` of the setting `metrics`."""
    host, _, port = place.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    return family, (host.strip("[]"), int(port))


def next_place(place: str, number: int) -> str:
    """Adds `number` to the port of an `address:port`.

    Raises:
        Invalid: the port would be above 65535.
    """
    host, _, port = place.rpartition(":")
    if int(port) + number > 65_535:
        raise Invalid("leaves no port for each worker")
    return f"{host}:{int(port) + number}"
