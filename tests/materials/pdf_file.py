"""Writes PDFs in all the ways in which one may be written, honest and odd, by chance from a seed.

Own code, so that no library's habits limit what is tried: any value may lie behind references,
names and strings are spelled in several ways, objects lie in streams of objects, files are updated
upon themselves and encrypted with an empty password.
"""

from __future__ import annotations

import hashlib
import random
import zlib
from dataclasses import dataclass, field
from typing import Any, Final

FORMS: Final = ("plain", "packed", "updated", "hybrid", "encrypted")
_PAD: Final = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")


class Name(str):
    """A name, without its slash."""


@dataclass(frozen=True)
class Ref:
    number: int


@dataclass
class Stream:
    about: dict[str, Any]
    data: bytes
    packed: bool = True
    """Whether it may be packed when it is written."""


@dataclass
class File:
    """Objects by their numbers, from 1."""

    chance: random.Random
    objects: dict[int, Any] = field(default_factory=dict)
    trailer: dict[str, Any] = field(default_factory=dict)
    odd: float = 0.0
    """How often a value lies behind a reference, or a name is spelled oddly."""

    def add(self, value: Any) -> Ref:
        number = len(self.objects) + 1
        self.objects[number] = value
        return Ref(number)

    def at(self, value: Any) -> Any:
        while isinstance(value, Ref):
            value = self.objects[value.number]
        return value

    # --------------------------------------------------------------------------------- oddities

    def hide(self) -> None:
        """Puts values behind references, wherever a value may be."""
        for value in list(self.objects.values()):
            self._hide_in(value)

    def _hide_in(self, value: Any) -> None:
        inner = value.about if isinstance(value, Stream) else value
        if isinstance(inner, dict):
            places: list[Any] = list(inner)
        elif isinstance(inner, list):
            places = list(range(len(inner)))
        else:
            return
        for place in places:
            if place == "Length":
                continue
            self._hide_in(inner[place])
            if not isinstance(inner[place], Ref) and self.chance.random() < self.odd:
                inner[place] = self.add(inner[place])

    # ---------------------------------------------------------------------------------- values

    def written(self, value: Any, key: bytes | None = None) -> bytes:
        """key: of the object that it lies in, where the file is encrypted."""
        if isinstance(value, Name):
            return b"/" + self._name(value)
        if isinstance(value, Ref):
            return b"%d 0 R" % value.number
        if value is None or isinstance(value, bool):
            return {None: b"null", True: b"true", False: b"false"}[value]
        if isinstance(value, int | float):
            return str(value).encode()
        if isinstance(value, bytes):
            return self._string(value if key is None else _rc4(key, value))
        if isinstance(value, list):
            return b"[" + b" ".join(self.written(each, key) for each in value) + b"]"
        if isinstance(value, dict):
            return b"<<" + self._space().join(self._entries(value, key)) + b">>"
        raise TypeError(value)

    def _entries(self, value: dict[str, Any], key: bytes | None) -> list[bytes]:
        return [
            b"/" + self._name(name) + b" " + self.written(each, key) for name, each in value.items()
        ]

    def _name(self, name: str) -> bytes:
        raw = name.encode("latin-1")
        return b"".join(
            b"#%02x" % each
            if not chr(each).isalnum() or (self.odd and self.chance.random() < self.odd / 6)
            else bytes((each,))
            for each in raw
        )

    def _string(self, raw: bytes) -> bytes:
        if self.chance.random() < 0.4:
            return b"<" + raw.hex().encode() + b">"
        special = {0x28: b"\\(", 0x29: b"\\)", 0x5C: b"\\\\", 0x0D: b"\\r"}
        return b"(" + b"".join(special.get(each, bytes((each,))) for each in raw) + b")"

    def _space(self) -> bytes:
        return self.chance.choice((b" ", b"\n", b"\r\n", b" \t", b"%<</S/X>>\n"))

    def stream(self, value: Stream, key: bytes | None = None) -> bytes:
        data, about = value.data, dict(value.about)
        if value.packed and "Filter" not in about:
            way = self.chance.randrange(4)
            if way == 1:
                data, about["Filter"] = zlib.compress(data), Name("FlateDecode")
            elif way == 2:
                data, about["Filter"] = data.hex().encode() + b">", [Name("ASCIIHexDecode")]
            elif way == 3 and about.get("Type") != "ObjStm":
                data = zlib.compress(data).hex().encode() + b">"
                about["Filter"] = [Name("AHx"), Name("Fl")]
        if key is not None:
            data = _rc4(key, data)
        about["Length"] = len(data)
        return self.written(about, key) + b"\nstream\n" + data + b"\nendstream"

    def _object(self, number: int, secret: bytes | None = None) -> bytes:
        key = None if secret is None else _object_key(secret, number)
        value = self.objects[number]
        body = self.stream(value, key) if isinstance(value, Stream) else self.written(value, key)
        return b"%d 0 obj" % number + self._space() + body + b"\nendobj\n"

    # --------------------------------------------------------------------------- whole files

    def whole(self, form: str, *, update: dict[int, Any] | None = None) -> bytes:
        """update: objects as they are once the file was updated upon itself."""
        out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        if form == "packed":
            return self._packed(out)
        secret, trailer = None, dict(self.trailer)
        if form == "encrypted":
            secret = self._encrypt(trailer)
        self._table(out, list(self.objects), trailer, secret)
        if form in ("updated", "hybrid") or update:
            self._update(out, update or {}, hybrid=form == "hybrid")
        return bytes(out)

    def _table(
        self, out: bytearray, numbers: list[int], trailer: dict[str, Any], secret: bytes | None
    ) -> None:
        self._end(out, self._bodies(out, numbers, secret), trailer)

    def _bodies(self, out: bytearray, numbers: list[int], secret: bytes | None) -> dict[int, int]:
        places = {}
        for number in numbers:
            places[number] = len(out)
            out += self._object(number, secret)
        return places

    def _end(self, out: bytearray, places: dict[int, int], trailer: dict[str, Any]) -> None:
        start = len(out)
        out += b"xref\n0 1\n0000000000 65535 f \n"
        for number, place in sorted(places.items()):
            out += b"%d 1\n%010d 00000 n \n" % (number, place)
        trailer = {"Size": max(self.objects) + 1, **trailer}
        out += b"trailer\n" + self.written(trailer) + b"\nstartxref\n%d\n%%%%EOF\n" % start

    def _update(self, out: bytearray, update: dict[int, Any], *, hybrid: bool) -> None:
        last = int(bytes(out).rsplit(b"startxref\n", 1)[1].split()[0])
        self.objects.update(update)
        trailer = {**self.trailer, "Prev": last}
        places = self._bodies(out, list(update), None)
        if hybrid:
            # An old reader takes the table, a new one the stream that the table names.
            trailer.update(XRefStm=len(out), Size=max(self.objects) + 3)
            rows = {number: (1, place, 0) for number, place in places.items()}
            out += self._index(list(rows), rows, len(out), extra={})
            places = {}
        self._end(out, places, trailer)

    def _packed(self, out: bytearray) -> bytes:
        """Objects in a stream of objects, and a stream that says where everything is."""
        loose = {n for n, each in self.objects.items() if isinstance(each, Stream)}
        inside = [number for number in self.objects if number not in loose]
        heads, bodies = [], b""
        for number in inside:
            heads.append(b"%d %d" % (number, len(bodies)))
            bodies += self.written(self.objects[number]) + b"\n"
        head = b" ".join(heads) + b"\n"
        holder = max(self.objects) + 1
        about = {"Type": Name("ObjStm"), "N": len(inside), "First": len(head)}
        places: dict[int, tuple[int, int, int]] = {}
        for number in loose:
            places[number] = (1, len(out), 0)
            out += self._object(number)
        places[holder] = (1, len(out), 0)
        packed = Stream(about, head + bodies)
        out += b"%d 0 obj\n" % holder + self.stream(packed) + b"\nendobj\n"
        for at, number in enumerate(inside):
            places[number] = (2, holder, at)
        start = len(out)
        out += self._index(list(places), places, start, extra=self.trailer)
        return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % start

    def _index(
        self,
        numbers: list[int],
        places: dict[int, tuple[int, int, int]],
        start: int,
        extra: dict[str, Any],
    ) -> bytes:
        own = max((*numbers, *self.objects)) + 2
        rows = {number: places[number] for number in numbers if number in places}
        rows[own] = (1, start, 0)
        data = b"".join(
            kind.to_bytes(1, "big") + place.to_bytes(4, "big") + at.to_bytes(2, "big")
            for _, (kind, place, at) in sorted(rows.items())
        )
        index = [each for number in sorted(rows) for each in (number, 1)]
        about = {
            "Type": Name("XRef"), "W": [1, 4, 2], "Index": index, "Size": own + 1, **extra,
            "Filter": Name("FlateDecode"),
        }  # fmt: skip
        odd, self.odd = self.odd, 0.0
        written = b"%d 0 obj\n" % own + self.stream(Stream(about, zlib.compress(data)))
        self.odd = odd
        return written + b"\nendobj\n"

    def _encrypt(self, trailer: dict[str, Any]) -> bytes:
        """RC4 with 40 bits and no password for whoever opens it (revision 2)."""
        mark = hashlib.md5(b"%d" % self.chance.getrandbits(60)).digest()
        owner = _rc4(hashlib.md5(_PAD).digest()[:5], _PAD)
        rights = (-44).to_bytes(4, "little", signed=True)
        secret = hashlib.md5(_PAD + owner + rights + mark).digest()[:5]
        trailer["ID"] = [mark, mark]
        trailer["Encrypt"] = {
            "Filter": Name("Standard"), "V": 1, "R": 2, "P": -44, "O": owner,
            "U": _rc4(secret, _PAD),
        }  # fmt: skip
        return secret


def _object_key(secret: bytes, number: int) -> bytes:
    return hashlib.md5(secret + number.to_bytes(3, "little") + b"\0\0").digest()[:10]


def _rc4(key: bytes, data: bytes) -> bytes:
    box, j = list(range(256)), 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    out, i, j = bytearray(), 0, 0
    for each in data:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        out.append(each ^ box[(box[i] + box[j]) % 256])
    return bytes(out)
