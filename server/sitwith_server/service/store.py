"""Events and words as bytes, and back, with a schema version each.

The shapes follow the dataclasses of `room.events` and `room.talk`; cattrs does the walking.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

import cattrs
from cattrs.strategies import configure_union_passthrough
from sitwith_protocol.codec import SERVER_LIMITS, Limits, decode, encode

from sitwith_server.room.events import Event
from sitwith_server.room.talk import Saying

VERSION: Final = 1
_LIMITS: Final = Limits(
    frame=2**26, text=2**20, binary=2**20, array=2**20, map=2**20, depth=SERVER_LIMITS.depth + 8
)
_TYPES: Final[Mapping[str, type]] = {
    each.__name__: each for each in (*get_args(Event), *get_args(Saying))
}


def _converter() -> cattrs.Converter:
    made = cattrs.Converter(
        unstruct_collection_overrides={frozenset: list, tuple: list}, forbid_extra_keys=True
    )
    configure_union_passthrough(str | bytes, made)
    made.register_structure_hook(bytes, lambda value, _: value)
    made.register_unstructure_hook(bytes, lambda value: value)
    return made


_CONVERTER: Final = _converter()


def to_bytes(what: Event | Saying) -> bytes:
    """One event or saying as bytes."""
    body: dict[str, Any] = _CONVERTER.unstructure(what)
    return encode({"t": type(what).__name__, "v": VERSION, "d": body})


def from_bytes(blob: bytes) -> Event | Saying:
    """The inverse of `to_bytes`.

    Raises:
        LookupError: a type or version that this version does not know.
    """
    frame = decode(blob, _LIMITS)
    if frame["v"] != VERSION:
        raise LookupError("an event of another version")
    made: Event | Saying = _CONVERTER.structure(frame["d"], _TYPES[str(frame["t"])])
    return made
