"""From a person's secret to their handle in one series.

The secret has 160 random bits and is made for one series by the person's own browser or program.
The handle is HMAC-SHA-256 (RFC 2104) under the operator's key over the series and the secret, cut
to 128 bits: handles of two series have nothing in common, and who has the store without the key
can't even try a secret out.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

HANDLE_BYTES: Final = 16
_PERSON: Final = b"sitwith series person 1\0"
_CHECK: Final = b"sitwith series key 1\0"


class Handles:
    """Makes handles with one key."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def of(self, series: str, secret: bytes) -> bytes:
        """The handle of whoever has this secret."""
        words = _PERSON + series.encode() + b"\0" + secret
        return hmac.digest(self._key, words, hashlib.sha256)[:HANDLE_BYTES]

    def check(self) -> str:
        """What a store remembers of the key, so that another key is noticed."""
        return hmac.digest(self._key, _CHECK, hashlib.sha256).hex()
