"""Encodes events, states, records and messages for the log, and decodes them.

A value goes to the log as a `LazyBlob`, which is encoded, with a schema version, only if the log
asks for its bytes: the memory log gives the value itself back. The encoded fields are those of the
dataclasses; cattrs converts them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar, cast, get_args

import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.strategies import configure_union_passthrough

from sitwith_protocol.codec import SERVER_LIMITS, CodecError, Limits, decode, encode
from sitwith_server.log.values import Blob
from sitwith_server.room.chat.talk import Said, Saying, Unsaid
from sitwith_server.room.event import Event
from sitwith_server.room.families import EVENTS
from sitwith_server.room.lifetime.record import Record
from sitwith_server.room.model import Pair, RoomState

VERSION: Final = 3
"""The schema version of all data in the log. An instance that holds another one is not used."""
_LIMITS: Final = Limits(
    frame=2**26, text=2**20, binary=2**20, array=2**20, map=2**20, depth=SERVER_LIMITS.depth + 8
)
_CHAT: Final = bytes((VERSION,))
"""The first byte of a stored message; everything else begins with a map's first byte."""
_LATE_FIELDS: Final = 3
_TO: Final = b"\xa2to"
_POS: Final = b"\xa3pos\xc4\x20"
"""A field's name, and the head of a binary of 32 bytes (MessagePack)."""
_AT: Final = b"\xa2at\xcb"
_DOUBLE: Final = struct.Struct(">d")
_SAYINGS: Final[Mapping[str, type]] = {each.__name__: each for each in get_args(Saying)}


def _met_to_rows(met: Mapping[Pair, int]) -> list[list[object]]:
    """MessagePack maps here have text keys, so pairs of people become rows."""
    return [[*pair, count] for pair, count in met.items()]


def _met_from_rows(rows: list[list[Any]], _: object) -> dict[Pair, int]:
    return {frozenset(row[:2]): row[2] for row in rows}


def _converter() -> cattrs.Converter:
    made = cattrs.Converter(
        unstruct_collection_overrides={frozenset: list, tuple: list}, forbid_extra_keys=True
    )
    configure_union_passthrough(str | bytes, made)
    made.register_structure_hook(bytes, lambda value, _: value)
    made.register_unstructure_hook(bytes, lambda value: value)
    made.register_unstructure_hook(
        RoomState,
        make_dict_unstructure_fn(RoomState, made, met=override(unstruct_hook=_met_to_rows)),
    )
    made.register_structure_hook(
        RoomState,
        make_dict_structure_fn(RoomState, made, met=override(struct_hook=_met_from_rows)),
    )
    return made


_CONVERTER: Final = _converter()


class Unreadable(LookupError):
    """This version can't read something in the log. The exception's text holds none of it."""

    def __init__(self) -> None:
        super().__init__("this version can't read it")


T = TypeVar("T")


@dataclass(slots=True)
class LazyBlob(Generic[T]):
    """A value for the log (`log.values.Blob`). encode: makes its bytes, at most once."""

    value: T = field(repr=False)
    encode: Callable[[T], bytes] = field(repr=False, compare=False)
    _made: bytes | None = field(default=None, repr=False, compare=False)

    def __bytes__(self) -> bytes:
        if self._made is None:
            self._made = self.encode(self.value)
        return self._made


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event with its origin. why: the command's wire type. by: the seat that sent it."""

    event: Event
    why: str
    by: str


def keep_event(event: Event, why: str, by: str) -> LazyBlob[RecordedEvent]:
    """One event, for the control log."""
    return LazyBlob(RecordedEvent(event, why, by), _happened_to_bytes)


def _happened_to_bytes(happened: RecordedEvent) -> bytes:
    return event_to_bytes(happened.event, happened.why, happened.by)


def event_to_bytes(event: Event, why: str, by: str) -> bytes:
    """The bytes that `keep_event` stores."""
    return _pack(event, {"w": why, "b": by})


def read_event(blob: Blob) -> RecordedEvent:
    """The inverse of `keep_event`.

    Raises:
        Unreadable: this version can't read it.
    """
    if isinstance(blob, LazyBlob):
        return _value(blob, RecordedEvent)
    frame, event = _unpack(bytes(blob), EVENTS)
    return RecordedEvent(event, str(frame["w"]), str(frame["b"]))


def keep_state(state: RoomState) -> LazyBlob[RoomState]:
    """A room's whole state, for snapshots."""
    return LazyBlob(state, state_to_bytes)


def state_to_bytes(state: RoomState) -> bytes:
    """The bytes that `keep_state` stores."""
    body: dict[str, Any] = _CONVERTER.unstructure(state)
    return encode({"t": "RoomState", "v": VERSION, "d": body})


def read_state(blob: Blob) -> RoomState:
    """The inverse of `keep_state`. Raises as `read_event` does."""
    if isinstance(blob, LazyBlob):
        return _value(blob, RoomState)
    state: RoomState = _unpack(bytes(blob), {"RoomState": RoomState})[1]
    return state


def keep_record(record: Record) -> LazyBlob[Record]:
    """A room's record."""
    return LazyBlob(record, record_to_bytes)


def record_to_bytes(record: Record) -> bytes:
    """The bytes that `keep_record` stores."""
    body: dict[str, Any] = _CONVERTER.unstructure(record)
    return encode({"t": "Record", "v": VERSION, "d": body})


def read_record(blob: Blob) -> Record:
    """The inverse of `keep_record`. Raises as `read_event` does."""
    if isinstance(blob, LazyBlob):
        return _value(blob, Record)
    record: Record = _unpack(bytes(blob), {"Record": Record})[1]
    return record


def keep_saying(saying: Saying) -> Blob:
    """One entry of a conversation. A message is encoded only once: what is stored is the wire's
    `chat` frame without the fields that are not known yet, see `chat_frame`."""
    if isinstance(saying, Said):
        return saying_to_bytes(saying)
    return LazyBlob(saying, saying_to_bytes)


def saying_to_bytes(saying: Saying) -> bytes:
    """The bytes that `keep_saying` stores."""
    if isinstance(saying, Said):
        said = {"t": "chat", "n": saying.n, "from": saying.author, "body": saying.body}
        marks = {"notice": saying.notice, "deleted": saying.deleted}
        return _CHAT + encode(said | {name: True for name, holds in marks.items() if holds})
    return _pack(saying, {})


def chat_frame(blob: Blob, to: str, position: bytes, at: float) -> bytes:
    """The wire's `chat` frame of a message stored by `keep_saying`: its map with three more fields.

    to: the conversation's name for this viewer.
    position: sealed, 32 bytes.
    at: unix seconds.
    """
    kept = bytes(blob)
    return b"".join(
        (
            bytes((kept[1] + _LATE_FIELDS,)),
            kept[2:],
            _TO,
            _packed_text(to),
            _POS,
            position,
            _AT,
            _DOUBLE.pack(at),
        )
    )


def read_saying(blob: Blob) -> Saying:
    """The inverse of `keep_saying`. Raises as `read_event` does."""
    if isinstance(blob, LazyBlob):
        unsaid: Saying = _value(blob, Unsaid)
        return unsaid
    kept = bytes(blob)
    if kept[:1] == _CHAT:
        try:
            said = decode(kept[1:], _LIMITS)
            return Said(
                n=cast(int, said["n"]),
                author=cast(str, said["from"]),
                body=cast("str | bytes", said["body"]),
                notice=bool(said.get("notice")),
                deleted=bool(said.get("deleted")),
            )
        except (CodecError, LookupError):
            raise Unreadable from None
    saying: Saying = _unpack(kept, _SAYINGS)[1]
    return saying


class DataclassCodec:
    """Encodes frozen dataclasses of plain fields, tagged with their class's name."""

    def __init__(self, kinds: Iterable[type]) -> None:
        self._kinds = {each.__name__: each for each in kinds}

    def to_bytes(self, what: Any) -> bytes:
        return _pack(what, {})

    def from_bytes(self, blob: bytes) -> Any:
        """The inverse of `to_bytes`; None for what this version can't read."""
        try:
            return _unpack(blob, self._kinds)[1]
        except Unreadable:
            return None


def _value(kept: LazyBlob[Any], kind: type[T]) -> T:
    if not isinstance(kept.value, kind):
        raise Unreadable
    return kept.value


def _packed_text(text: str) -> bytes:
    """A conversation's name: text of fewer than 256 bytes (MessagePack's str 8)."""
    data = text.encode()
    return b"\xd9" + bytes((len(data),)) + data


def _pack(what: Any, extra: Mapping[str, object]) -> bytes:
    body: dict[str, Any] = _CONVERTER.unstructure(what)
    return encode({"t": type(what).__name__, "v": VERSION, "d": body, **extra})


_NOT_SO: Final = (AttributeError, LookupError, TypeError, ValueError)
"""What decoding raises for values of the wrong type."""


def _unpack(blob: bytes, types: Mapping[str, type]) -> tuple[Mapping[str, object], Any]:
    try:
        frame = decode(blob, _LIMITS)
        if frame["v"] != VERSION:
            raise Unreadable
        return frame, _CONVERTER.structure(frame["d"], types[str(frame["t"])])
    except (CodecError, cattrs.BaseValidationError, *_NOT_SO):
        # Without the cause, whose text holds what was read.
        raise Unreadable from None
