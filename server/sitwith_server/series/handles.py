"""Computes a person's handle in one series from their secret.

The secret has 160 random bits. The person's browser or program makes one for each series. The
handle is the HMAC-SHA-256 (RFC 2104) of series and secret under the operator's key, cut to 128
bits. Handles of two series can't be compared, and without the key nobody can test a secret
against a stolen store.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

HANDLE_BYTES: Final = 16
_PERSON: Final = b"sitwith series person 1\0"
_CHECK: Final = b"sitwith series key 1\0"


class Handles:
    """Computes handles with one key."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def of(self, series: str, secret: bytes) -> bytes:
        """The handle of the person who has this secret."""
        words = _PERSON + series.encode() + b"\0" + secret
        return hmac.digest(self._key, words, hashlib.sha256)[:HANDLE_BYTES]

    def check(self) -> str:
        """A hash of the key. The store keeps it and so detects another key."""
        return hmac.digest(self._key, _CHECK, hashlib.sha256).hex()
