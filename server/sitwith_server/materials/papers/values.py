"""The values of a paper: read as the reader has resolved them, written by this file alone."""

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

# A name is bytes. Read so, each byte is a character of its own and can be written as it was.
NameObject.CHARSETS = ("latin-1",)  # type: ignore[assignment]

HOPS: Final = 8
"""References that lead to references; what needs more leads nowhere."""
LARGEST: Final = 2**31 - 1
_REGULAR: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+*,:;=@!?&^~|$'\""
)
Place = tuple[int, int]


def resolved(value: Any) -> Any:
    """What a value is once no reference is left in its way; None for nothing and for null."""
    for _ in range(HOPS):
        if not isinstance(value, IndirectObject):
            return None if isinstance(value, NullObject) else value
        value = value.pdf.get_object(value)
    return None


def place(value: Any) -> Place | None:
    """Which object of the file a value is, if it is one of its own: where references end."""
    found = None
    for _ in range(HOPS):
        if not isinstance(value, IndirectObject):
            return found
        found = (value.idnum, value.generation)
        value = value.pdf.get_object(value)
    return None


def string(value: Any) -> bytes | None:
    """The bytes of a string (a resolved value), None for anything else."""
    if isinstance(value, TextStringObject | ByteStringObject):
        return value.original_bytes
    return None


# ------------------------------------------------------------------------------------- writing


def name(text: str) -> bytes:
    """A name, with its slash, as it is written. text: a character a byte.

    Raises:
        ValueError: it is no name that can be written.
    """
    raw = text.encode("latin-1")
    if raw[:1] != b"/" or b"\0" in raw or len(raw) > 512:
        raise ValueError(raw)
    return b"/" + b"".join(
        bytes((each,)) if each in _REGULAR else b"#%02X" % each for each in raw[1:]
    )


def number(value: float) -> bytes | None:
    """None for what no reader takes."""
    if not math.isfinite(value) or abs(value) > LARGEST:
        return None
    if isinstance(value, int):
        return b"%d" % value
    # 11 places: the matrix of a font of 2,048 units is 0.00048828125.
    return f"{value:.11f}".rstrip("0").rstrip(".").encode() or b"0"


def text(raw: bytes) -> bytes:
    """A string. As hexadecimal nothing of it can be taken for anything else."""
    return b"<" + raw.hex().encode() + b">"
