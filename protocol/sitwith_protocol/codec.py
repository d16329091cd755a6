"""Encodes and decodes frames: one MessagePack map each. The only file that imports ``msgpack``.

The bytes may be hostile. For any bytes ``decode`` returns a map within the limits or raises
``CodecError``, with memory bounded by the limits. No error text contains anything of the frame.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn, cast

import msgpack


class CodecError(Exception):
    """The bytes are no frame of this wire (close code 4400)."""


class FrameTooLarge(CodecError):
    """The frame is larger than the limit (close code 4413)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a decoder: ``frame``, ``text`` and ``binary`` in bytes, the others in items."""

    frame: int
    text: int
    binary: int
    array: int
    map: int
    depth: int


CLIENT_LIMITS: Final = Limits(
    frame=32 * 1024, text=32 * 1024, binary=32 * 1024, array=1024, map=1024, depth=8
)
"""What the server takes from a client (rules WF3, LI1)."""

SERVER_LIMITS: Final = Limits(frame=2**20, text=2**18, binary=2**18, array=4096, map=4096, depth=8)
"""What a client takes from the server: a view of 1,000 members fits."""


def encode(message: Mapping[str, object]) -> bytes:
    """Encodes a map of ``None, bool, int, float, str, bytes, list, tuple, dict`` as one frame.

    Raises ``CodecError`` for any other value.
    """
    try:
        return msgpack.packb(message, use_bin_type=True)
    except (TypeError, ValueError, OverflowError) as wrong:
        raise CodecError(f"not encodable: {type(wrong).__name__}") from None


def decode(frame: bytes, limits: Limits = CLIENT_LIMITS) -> dict[str, object]:
    """Decodes the map in ``frame``, which has a text under ``t``.

    Raises ``FrameTooLarge``, or ``CodecError`` for anything that rules WF2 to WF9 forbid.
    """
    if len(frame) > limits.frame:
        raise FrameTooLarge(f"more than {limits.frame} bytes")
    try:
        value = msgpack.unpackb(
            frame,
            raw=False,
            use_list=True,
            strict_map_key=True,
            object_pairs_hook=_map_without_doubles,
            ext_hook=_refuse_extension,
            max_str_len=limits.text,
            max_bin_len=limits.binary,
            max_array_len=limits.array,
            max_map_len=limits.map,
            max_ext_len=0,
        )
    except CodecError:
        raise
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as wrong:
        # The message of the library may quote the frame, so only its class is named.
        raise CodecError(f"malformed: {type(wrong).__name__}") from None
    if not isinstance(value, dict):
        raise CodecError("not a map")
    _check(value, limits.depth)
    if not isinstance(value.get("t"), str):
        raise CodecError("no type under t")
    return value


def _map_without_doubles(pairs: list[tuple[object, object]]) -> dict[object, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise CodecError("a key comes twice")
    return made


def _refuse_extension(code: int, data: bytes) -> NoReturn:
    raise CodecError("extension type")


def _check(value: object, depth: int) -> None:
    """Refuses what MessagePack allows and this wire does not: depth, NaN, keys other than text."""
    kind = type(value)
    if kind is dict:
        if depth == 0:
            raise CodecError("nested too deep")
        for key, item in cast("dict[object, object]", value).items():
            if type(key) is not str:
                raise CodecError("a key is not text")
            _check(item, depth - 1)
    elif kind is list:
        if depth == 0:
            raise CodecError("nested too deep")
        for item in cast("list[object]", value):
            _check(item, depth - 1)
    elif kind is float:
        if not math.isfinite(cast(float, value)):
            raise CodecError("not a finite number")
    elif kind not in _SCALARS:
        raise CodecError("extension type")


_SCALARS: Final = frozenset({str, int, bytes, bool, type(None)})
