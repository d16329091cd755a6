"""Who is at the other end, where trusted proxies stand between (SITWITH_TRUSTED_PROXIES).

An address that a peer says of itself is believed of a trusted proxy alone. Two things are read of
one: a PROXY protocol header of version 2 at the beginning of its connection, and `X-Forwarded-For`
in each of its requests. Nothing else is looked at.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

from sitwith_server.config.networks import Address, Network, plain_address

Headers = Iterable[tuple[bytes, bytes]]

SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
"""What a PROXY protocol header of version 2 begins with (HAProxy's proxy-protocol.txt §2.2). No
request begins so."""
_HEAD: Final = len(SIGNATURE) + 4
_MOST: Final = 2_048
"""Bytes of one, with all that a proxy may add to it."""
_LOCAL, _PROXIED = 0x20, 0x21
_ADDRESS_BYTES: Final = {0x11: 4, 0x21: 16}

NOBODY: Final = "?"
"""In place of the address of a peer that has none, such as one by a Unix socket."""


class BadProxyHeader(ValueError):
    """It begins as a PROXY protocol header does, and is none."""


class TrustedProxies:
    """Knows which proxies are trusted, and so who a request is from."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._trusted: tuple[Network, ...] = tuple(map(ipaddress.ip_network, networks))

    def trusts(self, address: str) -> bool:
        """Whether it is a trusted proxy's."""
        found = _address(address)
        return found is not None and self._is_trusted(found)

    def client(self, peer: str, headers: Headers) -> str:
        """The address that a request of this peer is from: the peer's own, or, of a trusted proxy,
        the rightmost in `X-Forwarded-For` that is no trusted proxy's.

        Each proxy adds whom it got a request from on the right; what is left of the first address
        that is not trusted was written by just anybody. Text that is no address ends the way, too.
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
    """From right to left: several headers are one list (RFC 9110 §5.3)."""
    lists = [value for name, value in headers if name == b"x-forwarded-for"]
    for hop in reversed(b",".join(lists).split(b",") if lists else ()):
        yield hop.strip().decode("latin-1")


def _address(text: str) -> Address | None:
    """An address, maybe with a port as some proxies write it."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return plain_address(text)
    except ValueError:
        return None


def peer_key(address: str) -> str:
    """What counts as one peer where peers are counted: an IPv4 address; of IPv6 the /64, since
    whoever has one address there has all of them (RFC 6177)."""
    found = _address(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((found, 64), strict=False))
    return NOBODY if found is None else str(found)


def proxy_header(begun: bytes) -> tuple[int, str | None] | None:
    """Reads the PROXY protocol header at the beginning of a connection.

    Returns its length and the address that it tells of, None where it tells of none; a length of 0
    where there is no such header; None where more bytes are needed to know.

    Raises:
        BadProxyHeader: it has the signature and nothing that can be read after it.
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
        # A proxy's own connection, or a family of which we know no address.
        return _HEAD + length, None
    if length < 2 * size + 4:
        raise BadProxyHeader
    source = ipaddress.ip_address(begun[_HEAD : _HEAD + size])
    return _HEAD + length, str(plain_address(str(source)))
