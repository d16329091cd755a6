"""Where a peer comes from, in the only form in which a room gets it (rule DO8)."""

from __future__ import annotations

import hashlib
import hmac
from ipaddress import IPv6Address, ip_address
from typing import Final

HASH_BYTES: Final = 3
"""Short on purpose: 256 IPv4 addresses share each value, so that it names nobody, and of a few
hundred people hardly two are taken for one."""
IPV6_NETWORK_BYTES: Final = 8
"""Of an IPv6 address the network: a site has a /64 at least and chooses the rest (RFC 6177)."""


def address_hash(key: bytes, address: str | None) -> bytes:
    """A keyed hash of an IP address; empty where there is none, as with a socket of this machine.

    key: of the room's record, so that the same address is another value in another room.
    """
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return b""
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    place = found.packed if found.version == 4 else found.packed[:IPV6_NETWORK_BYTES]
    return hmac.digest(key, b"door address\0" + place, hashlib.sha256)[:HASH_BYTES]
