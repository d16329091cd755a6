"""Reads the values of a PDF, and writes values. No other module formats values."""

from __future__ import annotations

import math
from typing import Any, Final

from pypdf.generic import (
    ByteStringObject,
    IndirectObject,
    NameObject,
    NullObject,
    TextStringObject,
)

# Names are bytes. As Latin-1 each byte is one character and can be written back unchanged.
NameObject.CHARSETS = ("latin-1",)  # type: ignore[assignment]

HOPS: Final = 8
"""Most references in a row; a longer chain counts as null."""
LARGEST: Final = 2**31 - 1
_REGULAR: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+*,:;=@!?&^~|$'\""
)
ObjectId = tuple[int, int]


def resolved(value: Any) -> Any:
    """Follows references; None for null."""
    for _ in range(HOPS):
        if not isinstance(value, IndirectObject):
            return None if isinstance(value, NullObject) else value
        value = value.pdf.get_object(value)
    return None


def object_id(value: Any) -> ObjectId | None:
    """Number and generation of the object that `value` refers to; None for a direct value."""
    found = None
    for _ in range(HOPS):
        if not isinstance(value, IndirectObject):
            return found
        found = (value.idnum, value.generation)
        value = value.pdf.get_object(value)
    return None


def string(value: Any) -> bytes | None:
    """The bytes of a resolved string; None for any other value."""
    if isinstance(value, TextStringObject | ByteStringObject):
        return value.original_bytes
    return None


# ------------------------------------------------------------------------------------- writing


def name(text: str) -> bytes:
    """Formats a name. text: the name with its slash, one character a byte.

    Raises:
        ValueError: `text` is not a valid name.
    """
    raw = text.encode("latin-1")
    if raw[:1] != b"/" or b"\0" in raw or len(raw) > 512:
        raise ValueError(raw)
    return b"/" + b"".join(
        bytes((each,)) if each in _REGULAR else b"#%02X" % each for each in raw[1:]
    )


def number(value: float) -> bytes | None:
    """Formats a number; None if viewers can't read it."""
    if not math.isfinite(value) or abs(value) > LARGEST:
        return None
    if isinstance(value, int):
        return b"%d" % value
    # 11 decimals: a font with 2,048 units an em has the matrix 0.00048828125.
    return f"{value:.11f}".rstrip("0").rstrip(".").encode() or b"0"


def text(raw: bytes) -> bytes:
    """Formats a string as hexadecimal, which needs no escapes."""
    return b"<" + raw.hex().encode() + b">"
