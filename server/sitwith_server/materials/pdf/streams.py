"""Decodes a PDF's streams within limits, and encodes them again.

Streams with several filters, hexadecimal text or old filters become plain Flate. Pictures in
formats that only viewers decode (JPEG, JPEG 2000, fax, JBIG2) keep their encoding and lose their
metadata. Data after the end of a stream is dropped.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, Final

from pypdf.errors import LimitReachedError, PyPdfError
from pypdf.filters import ASCII85Decode, ASCIIHexDecode, FlateDecode, LZWDecode, RunLengthDecode
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, StreamObject

from sitwith_server.materials import embedded
from sitwith_server.materials.kinds import Unfit
from sitwith_server.materials.pdf.values import resolved

LARGEST: Final = 128 * 2**20
"""Most decoded bytes of one stream."""
ALL: Final = 384 * 2**20
"""Most decoded bytes of all streams of a PDF."""
FILTERS: Final = 6
"""Most filters of one stream; real PDFs have two."""

_OF_OTHERS: Final = ("/F", "/FFilter", "/FDecodeParms")
"""Entries that take a stream's bytes from another file."""
_NAMES: Final = {
    "/Fl": "/FlateDecode", "/AHx": "/ASCIIHexDecode", "/A85": "/ASCII85Decode",
    "/LZW": "/LZWDecode", "/RL": "/RunLengthDecode", "/DCT": "/DCTDecode",
    "/CCF": "/CCITTFaxDecode",
}  # fmt: skip
_FAX: Final = {
    "/K": int, "/Columns": int, "/Rows": int, "/EndOfLine": bool, "/EncodedByteAlign": bool,
    "/EndOfBlock": bool, "/BlackIs1": bool, "/DamagedRowsBeforeError": int,
}  # fmt: skip
_PREDICTION: Final = ("/Predictor", "/Colors", "/BitsPerComponent", "/Columns")


@dataclass(slots=True)
class Packed:
    """An encoded stream: its bytes, its filter and the filter's parameters."""

    data: bytes
    filter: str
    numbers: dict[str, int | bool]
    globals: Any = None
    """JBIG2's stream of shared data, a value of the PDF that is read."""


class Unpacker:
    """Decodes the streams of one PDF, up to a limit in all."""

    def __init__(self) -> None:
        self._left = ALL

    def data(self, stream: StreamObject) -> Packed | None:
        """A stream that is no picture; None if it can't be decoded."""
        data, filters = self._unpacked(stream)
        if data is None or filters:
            return None
        return self._flate(data)

    def colours(self, stream: StreamObject) -> Packed | None:
        """An ICC profile."""
        data, filters = self._unpacked(stream)
        profile = None if data is None or filters else embedded.icc(data)
        return None if profile is None else self._flate(profile)

    def picture(self, stream: StreamObject) -> Packed | None:
        """A picture, which may keep its encoding."""
        data, left = self._unpacked(stream, picture=True)
        if data is None:
            return None
        if not left:
            return self._flate(data)
        (kind, about), rest = left[0], left[1:]
        if rest:
            return None
        if kind == "/FlateDecode":
            return self._flate(data, _integers(about, _PREDICTION))
        if kind == "/DCTDecode":
            transform = _integers(about, ("/ColorTransform",))
            jpeg = embedded.jpeg(data)
            return None if jpeg is None else Packed(jpeg, kind, dict(transform))
        if kind == "/JPXDecode":
            plain = embedded.jpeg2000(data)
            return None if plain is None else Packed(plain, kind, {})
        if kind == "/CCITTFaxDecode":
            return Packed(data, kind, _typed(about, _FAX))
        if kind == "/JBIG2Decode":
            common = about.raw_get("/JBIG2Globals") if "/JBIG2Globals" in about else None
            return Packed(data, kind, {}, common)
        return None

    # ------------------------------------------------------------------------------- unpacking

    def _unpacked(
        self, stream: StreamObject, *, picture: bool = False
    ) -> tuple[bytes | None, list[tuple[str, DictionaryObject]]]:
        """The decoded bytes, and the filters that are left."""
        filters = _filters(stream)
        if filters is None or len(filters) > FILTERS:
            return None, []
        data: bytes = stream._data
        try:
            while filters:
                kind, about = filters[0]
                if (found := self._one(kind, about, data)) is None:
                    break
                data = found
                if _is_predicted(about) and kind in ("/FlateDecode", "/LZWDecode"):
                    if picture and len(filters) == 1:
                        # Keeps the predictor: viewers undo it faster than Python.
                        return data, [("/FlateDecode", about)]
                    data = self._counted(FlateDecode.decode(zlib.compress(data, 1), _plain(about)))
                del filters[0]
        except LimitReachedError:
            raise Unfit("too_complex") from None
        except (PyPdfError, ValueError):
            return None, []
        return data, filters

    def _one(self, kind: str, about: DictionaryObject, data: bytes) -> bytes | None:
        """Undoes one filter; None for a filter that is kept."""
        if kind == "/FlateDecode":
            return self._inflated(data)
        if kind == "/LZWDecode":
            if _integers(about, ("/EarlyChange",)).get("/EarlyChange", 1) != 1:
                raise ValueError("a packing that pypdf does not know")
            return self._counted(LZWDecode.decode(data))
        if kind == "/ASCIIHexDecode":
            return self._counted(ASCIIHexDecode.decode(data))
        if kind == "/ASCII85Decode":
            return self._counted(ASCII85Decode.decode(data))
        if kind == "/RunLengthDecode":
            return self._counted(RunLengthDecode.decode(data))
        return None

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        if len(data) > LARGEST or self._left < 0:
            raise Unfit("too_complex")
        return data

    def _inflated(self, data: bytes) -> bytes:
        """Inflates as far as possible, as viewers do with a damaged end."""
        most = min(LARGEST, self._left) + 1
        unpacker = zlib.decompressobj()
        try:
            return self._counted(unpacker.decompress(data, most))
        except zlib.error:
            return self._counted(_saved(data, most))

    @staticmethod
    def _flate(data: bytes, numbers: dict[str, int] | None = None) -> Packed:
        packed = zlib.compress(data, 6 if len(data) < 2**22 else 1)
        return Packed(packed, "/FlateDecode", dict(numbers or {}))


def _saved(data: bytes, most: int) -> bytes:
    """The data before the damage in a damaged stream."""
    for bits in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
        unpacker, out, size = zlib.decompressobj(bits), [], 0
        body = data if bits > 0 else data[2:]
        try:
            for at in range(len(body)):
                out.append(unpacker.decompress(body[at : at + 1], most - size))
                size += len(out[-1])
                if size >= most or unpacker.eof:
                    break
        except zlib.error:
            pass
        if size:
            return b"".join(out)
    return b""


# --------------------------------------------------------------------------------- the entries


def _filters(stream: StreamObject) -> list[tuple[str, DictionaryObject]] | None:
    """Each filter with its parameters; None if the bytes are in another file."""
    if any(resolved(stream.get(key)) is not None for key in _OF_OTHERS):
        return None
    names, abouts = _list(stream, "/Filter"), _list(stream, "/DecodeParms")
    found: list[tuple[str, DictionaryObject]] = []
    for at, each in enumerate(names):
        if not isinstance(each, NameObject):
            return None
        about = abouts[at] if at < len(abouts) else None
        plain = about if isinstance(about, DictionaryObject) else DictionaryObject()
        found.append((_NAMES.get(each, str(each)), plain))
    return found


def _list(stream: StreamObject, key: str) -> list[Any]:
    value = resolved(stream.get(key))
    if value is None:
        return []
    return [resolved(each) for each in value] if isinstance(value, ArrayObject) else [value]


def _integers(about: DictionaryObject, keys: tuple[str, ...]) -> dict[str, int]:
    found = {key: resolved(about.get(key)) for key in keys}
    return {
        key: int(value)
        for key, value in found.items()
        if isinstance(value, NumberObject) and 0 <= value < 2**24
    }


def _typed(about: DictionaryObject, keys: dict[str, type]) -> dict[str, int | bool]:
    kept: dict[str, int | bool] = {}
    for key, kind in keys.items():
        value = resolved(about.get(key))
        if kind is int and isinstance(value, NumberObject) and abs(value) < 2**24:
            kept[key] = int(value)
        elif kind is bool and type(value).__name__ == "BooleanObject":
            kept[key] = bool(value.value)
    return kept


def _is_predicted(about: DictionaryObject) -> bool:
    return _integers(about, _PREDICTION).get("/Predictor", 1) > 1


def _plain(about: DictionaryObject) -> DictionaryObject:
    """The parameters with references resolved."""
    return DictionaryObject(
        {NameObject(key): NumberObject(each) for key, each in _integers(about, _PREDICTION).items()}
    )
