"""Finds a peer's address behind trusted proxies (SITWITH_TRUSTED_PROXIES).

Only a trusted proxy may name another address: with a PROXY protocol header (version 2) at the
beginning of its connection, or with `X-Forwarded-For` in each request. Other headers are ignored.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

from sitwith_server.config.networks import Address, Network, plain_address

Headers = Iterable[tuple[bytes, bytes]]

SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
"""The first bytes of a PROXY protocol header of version 2 (HAProxy's proxy-protocol.txt §2.2). No
HTTP request begins like this."""
_HEAD: Final = len(SIGNATURE) + 4
_MOST: Final = 2_048
"""Most bytes of one, with all additions."""
_LOCAL, _PROXIED = 0x20, 0x21
_ADDRESS_BYTES: Final = {0x11: 4, 0x21: 16}

NOBODY: Final = "?"
"""The address of a peer that has none, such as at a Unix socket."""


class BadProxyHeader(ValueError):
    """The bytes begin like a PROXY protocol header and are malformed."""


class TrustedProxies:
    """The trusted proxies. networks: as the setting holds them."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._trusted: tuple[Network, ...] = tuple(map(ipaddress.ip_network, networks))

    def trusts(self, address: str) -> bool:
        """Whether this is the address of a trusted proxy."""
        found = _address(address)
        return found is not None and self._is_trusted(found)

    def client(self, peer: str, headers: Headers) -> str:
        """The address that a request is from: the peer's own or, if the peer is a trusted proxy,
        the rightmost address in `X-Forwarded-For` that is not a trusted proxy's.

        Each proxy appends on the right the address that it got the request from. Anything to the
        left of the first untrusted address may be forged. Text that is no address ends the search.
        """
        at = _address(peer)
        if at is None:
            return NOBODY
        if self._is_trusted(at):
            for hop in _hops(headers):
                said = _address(hop)
                if said is None:
                    break
                at = said
                if not self._is_trusted(said):
                    break
        return str(at)

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _hops(headers: Headers) -> Iterable[str]:
    """The entries from right to left. Several headers form one list (RFC 9110 §5.3)."""
    lists = [value for name, value in headers if name == b"x-forwarded-for"]
    for hop in reversed(b",".join(lists).split(b",") if lists else ()):
        yield hop.strip().decode("latin-1")


def _address(text: str) -> Address | None:
    """Parses an address with an optional port, which some proxies write."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return plain_address(text)
    except ValueError:
        return None


def peer_key(address: str) -> str:
    """The key under which a peer is counted: the IPv4 address, or the /64 of an IPv6 address, since
    one subscriber has all addresses of it (RFC 6177)."""
    found = _address(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((found, 64), strict=False))
    return NOBODY if found is None else str(found)


def proxy_header(begun: bytes) -> tuple[int, str | None] | None:
    """Reads the PROXY protocol header at the beginning of a connection.

    Returns:
        The header's length and address; the address is None if it has none. Length 0 if there is no
        header; None if more bytes are needed to decide.

    Raises:
        BadProxyHeader: the header is malformed.
    """
    if not begun.startswith(SIGNATURE):
        return None if SIGNATURE.startswith(begun) else (0, None)
    if len(begun) < _HEAD:
        return None
    command, family = begun[12], begun[13]
    length = int.from_bytes(begun[14:16], "big")
    if command not in (_LOCAL, _PROXIED) or length > _MOST:
        raise BadProxyHeader
    if len(begun) < _HEAD + length:
        return None
    size = _ADDRESS_BYTES.get(family)
    if command == _LOCAL or size is None:
        # A connection of the proxy itself, or an unknown address family.
        return _HEAD + length, None
    if length < 2 * size + 4:
        raise BadProxyHeader
    source = ipaddress.ip_address(begun[_HEAD : _HEAD + size])
    return _HEAD + length, str(plain_address(str(source)))
