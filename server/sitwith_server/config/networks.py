"""Addresses and networks, each in one form."""

from __future__ import annotations

import ipaddress
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")


def plain_address(text: str) -> Address:
    """An address without its zone; an IPv4 address that is written as IPv6 (RFC 4291 §2.5.5.2), as
    sockets for both do, is the IPv4 address.

    Raises:
        ValueError: it is none.
    """
    found = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def plain_network(text: str) -> Network:
    """A network, or one address, in the same form.

    Raises:
        ValueError: it is none, or has bits set beyond its length.
    """
    found = ipaddress.ip_network(text)
    if isinstance(found, ipaddress.IPv6Network) and found.subnet_of(_MAPPED):
        mapped = int(found.network_address) & 0xFFFF_FFFF
        return ipaddress.IPv4Network((mapped, found.prefixlen - 96))
    return found
