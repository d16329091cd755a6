"""What a command comes to, as it is remembered under its id and sent to its sender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sitwith_protocol.codec import SERVER_LIMITS, decode, encode
from sitwith_protocol.errors import RefusalCode
from sitwith_server.log.values import Blob


@dataclass(frozen=True, slots=True)
class Ok:
    """Committed; `fields` is what `ok` carries beyond its id."""

    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """Refused: nothing has changed."""

    code: RefusalCode
    message: str


Answer = Ok | Refused

PACED: Final = Refused(RefusalCode.TOO_FAST, RefusalCode.TOO_FAST.text)
"""The answer to a seat that asks faster than it may; by identity no rule's own `too_fast`."""


def to_bytes(answer: Answer) -> bytes:
    """Outcomes are many, small and live for ten minutes: as objects they would cost the collector
    more than their bytes cost to make."""
    if isinstance(answer, Ok):
        return encode({"t": "ok", "f": answer.fields})
    return encode({"t": "no", "c": str(answer.code), "m": answer.message})


def from_blob(blob: Blob) -> Answer:
    frame = decode(bytes(blob), SERVER_LIMITS)
    if frame["t"] == "ok":
        fields = frame["f"]
        assert isinstance(fields, dict)
        return Ok(fields)
    return Refused(RefusalCode(str(frame["c"])), str(frame["m"]))
