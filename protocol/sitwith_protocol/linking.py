"""Blinds concerns, so that the server can match equal ones but not read them (rules LK1 to LK3).

A tag is HMAC-SHA-256 (RFC 2104, FIPS 180-4) over the normal form of a concern, in UTF-8, under the
room's `link_key`. Clients blind; the server gets only tags. `protocol/vectors/linking.json` has
examples.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable
from typing import Final

CONCERN_MAX: Final = 120
"""Characters of a concern."""
CONCERNS_MAX: Final = 40
"""Concerns that a room may offer."""
TAGS_MAX: Final = 20
"""Concerns that one person may tick."""
TAG_MAX: Final = 64
"""Bytes of a tag; ours have 32."""

# Listed, because languages differ in what is white space.
_SPACE: Final = re.compile(
    "[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+"
)


def normal_concern(concern: str) -> str:
    """The form in which concerns are compared: NFKC, with case and white space normalized.

    Browsers have no case folding. So case is removed by `lower` and then `upper`, in which Python
    and ECMAScript agree.

    Raises:
        ValueError: empty or longer than `CONCERN_MAX`, or not text that UTF-8 can carry.
    """
    if len(concern) > CONCERN_MAX:
        raise ValueError("a concern is too long")
    folded = unicodedata.normalize("NFKC", concern).lower().upper()
    normal = _SPACE.sub(" ", unicodedata.normalize("NFKC", folded)).strip(" ")
    if not normal:
        raise ValueError("a concern is empty")
    try:
        normal.encode()
    except UnicodeEncodeError:
        raise ValueError("a concern is not proper text") from None
    return normal


def blind(link_key: bytes, concern: str) -> bytes:
    """The tag of one concern: 32 bytes.

    Raises:
        ValueError: as `normal_concern`, or an empty key.
    """
    if not link_key:
        raise ValueError("the room has no key for concerns")
    return hmac.new(link_key, normal_concern(concern).encode(), hashlib.sha256).digest()


def blind_all(link_key: bytes, concerns: Iterable[str]) -> tuple[bytes, ...]:
    """The tags for `topics.set`, each once, sorted so that their order reveals nothing.

    Raises:
        ValueError: as `blind`, or more than `TAGS_MAX`.
    """
    tags = sorted({blind(link_key, concern) for concern in concerns})
    if len(tags) > TAGS_MAX:
        raise ValueError("too many concerns")
    return tuple(tags)
