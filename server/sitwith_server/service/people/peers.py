"""The address of a peer, in the only form in which a room gets it (rule DO8)."""

from __future__ import annotations

import hashlib
import hmac
from ipaddress import IPv6Address, ip_address
from typing import Final

HASH_BYTES: Final = 3
"""Short on purpose: 256 IPv4 addresses share each value, so it identifies nobody, while two of a
few hundred people will hardly share one."""
IPV6_NETWORK_BYTES: Final = 8
"""Only the network part of an IPv6 address counts: a site has at least a /64 and chooses the rest
(RFC 6177)."""


def address_hash(key: bytes, address: str | None) -> bytes:
    """A keyed hash of an IP address; empty without one, as for a Unix socket.

    key: from the room's record, so that an address has another value in another room.
    """
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return b""
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    place = found.packed if found.version == 4 else found.packed[:IPV6_NETWORK_BYTES]
    return hmac.digest(key, b"door address\0" + place, hashlib.sha256)[:HASH_BYTES]
