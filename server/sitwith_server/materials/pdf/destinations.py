"""Targets of links: destinations inside the PDF, and web addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urlsplit

from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    StreamObject,
)

from sitwith_server.materials.pdf import values
from sitwith_server.materials.pdf.rules import Target

ADDRESS: Final = 2_000
"""Longest web address, in bytes."""
_FITS: Final = {
    "/XYZ": 3, "/Fit": 0, "/FitH": 1, "/FitV": 1, "/FitR": 4, "/FitB": 0, "/FitBH": 1, "/FitBV": 1,
}  # fmt: skip
"""Ways to show a page, with their count of numbers (table 149)."""
_SCHEMES: Final = ("http", "https")
_PLAIN: Final = re.compile(rb"[!-\[\]-~\x80-\xff]+")
"""Printable characters without the backslash, which browsers read as a slash."""


def web(value: Any) -> bytes | None:
    """The web address of a `/URI` action; None for any other scheme. value: its resolved `/URI`."""
    raw = values.string(value)
    if raw is None or len(raw) > ADDRESS or not _PLAIN.fullmatch(raw):
        return None
    address = quote(raw, safe="!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~")
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme.lower() not in _SCHEMES or not parts.hostname or "@" in parts.netloc:
        return None
    return address.encode()


class Destinations:
    """The destinations of one PDF, named ones too."""

    def __init__(self, root: DictionaryObject, pages: list[bytes], target: Target) -> None:
        """pages: a reference to each page, in order."""
        self._pages = pages
        self._target = target
        self._named = dict(self._names(root))

    def of(self, mark: DictionaryObject) -> bytes | None:
        """The entry for the target of an annotation or outline item; None if it has none.

        Only two actions are kept: going to a page, written as `/Dest`, and opening a web address.
        """
        action = values.resolved(mark.get("/A"))
        if not isinstance(action, DictionaryObject):
            found = self.destination(mark.get("/Dest"))
            return None if found is None else b"/Dest " + found
        deed = values.resolved(action.get("/S"))
        if deed == "/GoTo" and isinstance(deed, NameObject):
            found = self.destination(action.get("/D"))
            return None if found is None else b"/Dest " + found
        if deed == "/URI" and isinstance(deed, NameObject):
            address = web(values.resolved(action.get("/URI")))
            return None if address is None else b"/A<</S/URI/URI " + values.text(address) + b">>"
        return None

    def destination(self, value: Any, *, named: bool = True) -> bytes | None:
        """The explicit destination for `value`. A name is looked up and not written."""
        found = values.resolved(value)
        if isinstance(found, DictionaryObject) and not isinstance(found, StreamObject):
            found = values.resolved(found.get("/D"))
        if isinstance(found, ArrayObject) and found:
            return self._explicit(found)
        key = _key(found)
        if not named or key is None:
            return None
        return self.destination(self._named.get(key), named=False)

    def _explicit(self, found: ArrayObject) -> bytes | None:
        page = self._target.page(found[0])
        first = values.resolved(found[0])
        if page is None and isinstance(first, NumberObject) and 0 <= first < len(self._pages):
            page = self._pages[first]
        fit = values.resolved(found[1]) if len(found) > 1 else NameObject("/Fit")
        if page is None or not isinstance(fit, NameObject) or fit not in _FITS:
            return None
        numbers = [_number(each) for each in found[2 : 2 + _FITS[fit]]]
        numbers += [b"null"] * (_FITS[fit] - len(numbers))
        if fit == "/FitR" and b"null" in numbers:
            fit, numbers = NameObject("/Fit"), []
        return b"[" + b" ".join([page, values.name(fit), *numbers]) + b"]"

    def _names(self, root: DictionaryObject) -> Iterator[tuple[bytes, Any]]:
        old = values.resolved(root.get("/Dests"))
        if isinstance(old, DictionaryObject):
            for name in old:
                self._target.spend()
                yield name.encode("latin-1", "replace")[1:], old.raw_get(name)
        names = values.resolved(root.get("/Names"))
        todo = [names.get("/Dests")] if isinstance(names, DictionaryObject) else []
        seen: set[values.ObjectId] = set()
        while todo:
            one = todo.pop()
            object_id = values.object_id(one)
            if object_id is not None and object_id in seen:
                continue
            if object_id is not None:
                seen.add(object_id)
            self._target.spend()
            node = values.resolved(one)
            if not isinstance(node, DictionaryObject):
                continue
            kids = values.resolved(node.get("/Kids"))
            todo += list(kids) if isinstance(kids, ArrayObject) else []
            pairs = values.resolved(node.get("/Names"))
            if not isinstance(pairs, ArrayObject):
                continue
            for key, held in zip(pairs[::2], pairs[1::2], strict=False):
                self._target.spend()
                if (name_ := _key(values.resolved(key))) is not None:
                    yield name_, held


def _key(value: Any) -> bytes | None:
    if isinstance(value, NameObject):
        return value.encode("latin-1", "replace")[1:]
    return values.string(value)


def _number(value: Any) -> bytes:
    found = values.resolved(value)
    written = None
    if isinstance(found, NumberObject | FloatObject):
        written = values.number(found)
    return written or b"null"
