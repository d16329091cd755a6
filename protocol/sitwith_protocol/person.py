"""The person code: how a series knows a person again in its meetings (rules SE*).

The person's browser or program makes 20 random bytes for each series. To carry it to another
device, the code is written as 32 letters and digits of base32 (RFC 4648 §6), in groups of four.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Final

PERSON_BYTES: Final = 20
_LETTERS: Final = 32


def new_person() -> bytes:
    """A new random person code, as bytes."""
    return secrets.token_bytes(PERSON_BYTES)


def person_code(person: bytes) -> str:
    """The written form of a person code.

    >>> person_code(bytes(range(20)))
    'aaaq-eaye-auda-ocaj-bifq-ydio-b4ib-ceqt'

    Raises ValueError for anything but ``PERSON_BYTES`` bytes.
    """
    if len(person) != PERSON_BYTES:
        raise ValueError(f"a person has {PERSON_BYTES} bytes")
    letters = base64.b32encode(person).decode().lower()
    return "-".join(letters[at : at + 4] for at in range(0, _LETTERS, 4))


def read_person(code: str) -> bytes:
    """Reads a written person code; case, dashes and white space don't matter.

    Raises ValueError if it is none; the text doesn't repeat it.
    """
    letters = "".join(code.replace("-", " ").split()).upper()
    try:
        if len(letters) == _LETTERS:
            return base64.b32decode(letters.encode("ascii"))
    except (binascii.Error, UnicodeEncodeError):
        pass
    raise ValueError("not a person code: it has 32 letters and digits")
