"""IP addresses and networks in normal form."""

from __future__ import annotations

import ipaddress
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")


def plain_address(text: str) -> Address:
    """Parses an address and drops its zone. An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2), as
    dual-stack sockets report it, becomes the IPv4 address.

    Raises:
        ValueError: `text` is not an address.
    """
    found = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def plain_network(text: str) -> Network:
    """Parses a network or a single address, and normalises it like `plain_address`.

    Raises:
        ValueError: `text` is not a network, or has bits set after its prefix.
    """
    found = ipaddress.ip_network(text)
    if isinstance(found, ipaddress.IPv6Network) and found.subnet_of(_MAPPED):
        mapped = int(found.network_address) & 0xFFFF_FFFF
        return ipaddress.IPv4Network((mapped, found.prefixlen - 96))
    return found
