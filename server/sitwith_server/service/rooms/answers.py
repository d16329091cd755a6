"""The answer to a command, as the log remembers it under the command's id and the sender gets
it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sitwith_protocol.codec import SERVER_LIMITS, decode, encode
from sitwith_protocol.errors import RefusalCode
from sitwith_server.log.values import Blob
from sitwith_server.room import commands as c
from sitwith_server.room.care.watch import card_of
from sitwith_server.room.model import RoomState
from sitwith_server.service.materials import tickets


@dataclass(frozen=True, slots=True)
class Ok:
    """The command was taken. fields: what the frame `ok` carries beyond its id."""

    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """The command was refused; nothing has changed."""

    code: RefusalCode
    message: str


Answer = Ok | Refused

_WITHOUT_OUTCOME: Final = (
    c.PairsPlan,
    c.Media,
    c.MaterialUpload,
    c.MaterialOpen,
    c.AgreementReading,
)
"""Commands whose answers are never remembered."""

PACED: Final = Refused(RefusalCode.TOO_FAST, RefusalCode.TOO_FAST.text)
"""The answer to a seat that sends faster than it may. Compared by identity: a rule's own refusal
`too_fast` is another object."""


def to_bytes(answer: Answer) -> bytes:
    """The outcome that the log remembers.

    Always bytes: outcomes are many, small and live for ten minutes, so as objects they would cost
    the garbage collector more than encoding them costs.
    """
    if isinstance(answer, Ok):
        return encode({"t": "ok", "f": answer.fields})
    return encode({"t": "no", "c": str(answer.code), "m": answer.message})


def from_blob(blob: Blob) -> Answer:
    """The inverse of `to_bytes`."""
    frame = decode(bytes(blob), SERVER_LIMITS)
    if frame["t"] == "ok":
        fields = frame["f"]
        assert isinstance(fields, dict)
        return Ok(fields)
    return Refused(RefusalCode(str(frame["c"])), str(frame["m"]))


def completed(state: RoomState, command: c.Command, answer: Answer) -> Answer:
    """The answer with what no outcome may hold: the contact card, read from the state each time
    (null once its reader may no longer have it), or a new ticket."""
    if isinstance(command, c.CareOpen) and isinstance(answer, Ok):
        return Ok({**answer.fields, "card": card_of(state, command.by, command.member)})
    if isinstance(command, c.MaterialUpload | c.MaterialOpen) and isinstance(answer, Ok):
        return Ok({**answer.fields, "ticket": tickets.mint(state, command, answer.fields)})
    return answer


def refusal(code: RefusalCode) -> Refused:
    """A refusal with the code's own text."""
    return Refused(code, code.text)


def may_have_outcome(command: c.Command) -> bool:
    """Whether answers to this kind of command are remembered at all."""
    return not isinstance(command, _WITHOUT_OUTCOME)


def is_outcome(command: c.Command, answer: Answer) -> bool:
    """Whether the answer is remembered under the command's id (AN4, AN5)."""
    if not may_have_outcome(command):
        return False
    return not (isinstance(answer, Refused) and not answer.code.is_outcome)
