"""Parsers from a setting's text to its value. Each raises `Invalid`, which says what is expected
and never repeats the text."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar
from urllib.parse import urlsplit

from sitwith_protocol import checks
from sitwith_protocol.checks import Check, Invalid
from sitwith_server.config.addresses import authority, browser_host
from sitwith_server.config.networks import plain_network

T = TypeVar("T")

KEY_BYTES: Final = 16
"""Least length of the operator's key, the only protection of the API."""

REDIS_SCHEMES: Final = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")


def words(value: str) -> str:
    if not value.isprintable() or any(character.isspace() for character in value):
        raise Invalid("must have no spaces or control characters")
    return value


def host(value: str) -> str:
    return words(value.removeprefix("[").removesuffix("]"))


def key(value: str) -> str:
    if not value.isascii():
        raise Invalid("must be ASCII: it travels in an HTTP header")
    if len(words(value)) < KEY_BYTES:
        raise Invalid(f"must have {KEY_BYTES} bytes or more: openssl rand -hex 32 makes one")
    return value


def whole(low: int, high: int) -> Callable[[str], int]:
    return _read(int, checks.integer(low, high))


def seconds(low: float, high: float) -> Callable[[str], float]:
    return _read(float, checks.number(low, high))


def one_of(*words: str) -> Callable[[str], str]:
    return _read(str.lower, checks.one_of(*words))


def yes_or_no(value: str) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    return checks.boolean(words.get(value.lower()))


def _read(read: Callable[[str], object], check: Check[T]) -> Callable[[str], T]:
    """Checks what `read` makes of the text, or the text itself where it makes nothing of it."""

    def parse(value: str) -> T:
        made: object = value
        with suppress(ValueError):
            made = read(value)
        return check(made)

    return parse


def origin(value: str) -> str:
    """`scheme://host[:port]`, normalised as browsers write `Origin` (RFC 6454 §6.2)."""
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        raise Invalid("has a host that is not valid") from None
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise Invalid("must look like https://example.org")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise Invalid("must be scheme, host and port only, without a path")
    try:
        port = parts.port
    except ValueError:
        raise Invalid("has an invalid port") from None
    scheme = parts.scheme.lower()
    return f"{scheme}://{authority(browser_host(parts.hostname), port, scheme)}"


def origins(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(origin(part) for part in _split(value)))


def address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise Invalid("must be one IP address") from None


def listening_place(value: str) -> str:
    """`address:port`, an IPv6 address in brackets."""
    host, colon, port = value.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        found = ipaddress.ip_address(bare)
        number = int(port) if port.isascii() and port.isdigit() else 0
        if not colon or not 0 < number < 65_536 or (found.version == 6) != (bare is not host):
            raise ValueError
    except ValueError:
        raise Invalid("must look like 127.0.0.1:9464 or [::1]:9464") from None
    return f"[{found}]:{number}" if found.version == 6 else f"{found}:{number}"


def networks(value: str) -> tuple[str, ...]:
    """Addresses and networks, such as `10.0.0.7, 192.0.2.0/24, 2001:db8::/64`."""
    found = []
    for part in _split(value):
        try:
            network = plain_network(part)
        except ValueError:
            raise Invalid("must each be an IP address or a network like 10.0.0.0/8") from None
        if network.prefixlen == 0:
            raise Invalid("must not include every address")
        found.append(str(network))
    return tuple(dict.fromkeys(found))


def public_address(value: str) -> str:
    """An address that members' browsers send to."""
    found = ipaddress.ip_address(address(value))
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id is not None:
            raise Invalid(
                "must be an address without a zone: a zone means nothing on members' machines"
            )
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
    return str(found)


def redis(value: str) -> str:
    """One URL, or several separated by commas. A Sentinel URL may contain commas itself."""
    for scheme in re.findall(r"(?:^|,)\s*([^,]*?)://", value) or [""]:
        if scheme not in REDIS_SCHEMES:
            schemes = ", ".join(f"{each}://" for each in REDIS_SCHEMES)
            raise Invalid(f"must begin with one of {schemes}")
    return words(value)


def database(value: str) -> str:
    """`sqlite:///file` or `postgresql://…`, with or without the driver's name."""
    words(value)
    if value.startswith("sqlite:///") and len(value) > len("sqlite:///"):
        return value
    if value.startswith(("postgresql://", "postgresql+psycopg://")):
        return value
    raise Invalid("must look like sqlite:////var/lib/sitwith/series.db or postgresql://…")


def series_key(value: str) -> str:
    if len(words(value)) < 32:
        raise Invalid("must have 32 characters or more")
    return value


def urls(*schemes: str) -> Callable[[str], tuple[str, ...]]:
    problem = f"must each look like {schemes[0]}://host:port, without a user"

    def parse(value: str) -> tuple[str, ...]:
        for url in (found := tuple(dict.fromkeys(_split(value)))):
            parts = None
            with suppress(ValueError):
                parts = urlsplit(url)
            if parts is None or parts.scheme not in schemes or not parts.hostname:
                raise Invalid(problem)
            if "@" in parts.netloc:
                raise Invalid(problem)
        return found

    return parse


def places(value: str) -> tuple[str, ...]:
    """`host` or `host:port` each; an IPv6 address stands in brackets."""
    found = tuple(dict.fromkeys(_split(value)))
    form = r"(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?"
    if not all(re.fullmatch(form, place) for place in found):
        raise Invalid("must each look like host:port")
    ports = (place.rpartition(":")[2] for place in found if not place.endswith("]"))
    if any(port.isdigit() and not 0 < int(port) < 65_536 for port in ports):
        raise Invalid("has an invalid port")
    return found


def turn_urls(value: str) -> tuple[str, ...]:
    """RFC 7065 §3.1: `turn:` or `turns:`, host, optional port, optional `?transport=udp|tcp`."""
    found = tuple(dict.fromkeys(_split(value)))
    form = r"turns?:(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?(?:\?transport=(?:udp|tcp))?"
    if not all(re.fullmatch(form, url) for url in found):
        raise Invalid("must each look like turn:host:3478?transport=udp or turns:host:5349")
    return found


def _split(value: str) -> list[str]:
    return [part for part in value.replace(",", " ").split() if part]
