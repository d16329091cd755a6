"""What a paper is refused for, by name.

This is a courtesy to whoever brought it. Links to other files and odd addresses, which honest
papers have as well, are left out in silence (`anew`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject

from sitwith_server.materials.kinds import Unfit
from sitwith_server.materials.papers.values import resolved, string

OBJECTS: Final = 150_000
"""More than that in one paper is no paper."""

SCRIPTS: Final = frozenset(("/JS", "/JavaScript"))
FILES: Final = frozenset(
    ("/EmbeddedFiles", "/EF", "/AF", "/RichMediaContent", "/RichMediaSettings")
)
FILE_MARKS: Final = frozenset(
    ("/FileAttachment", "/RichMedia", "/3D", "/Movie", "/Sound", "/Screen", "/EmbeddedFile")
)
"""Annotations and streams that are, or play, other files."""
DEEDS: Final = frozenset(
    ("/Launch", "/SubmitForm", "/ImportData", "/ResetForm", "/Rendition", "/Movie", "/Sound",
     "/RichMediaExecute", "/GoTo3DView", "/GoToE")
)  # fmt: skip
"""Actions that start, send or play something (ISO 32000-1, table 198)."""
TURNS: Final = frozenset(("/GoTo", "/Named", "/SetOCGState", "/Hide"))
"""Actions that change nothing but what is seen of the paper."""
SCHEMES: Final = frozenset(("javascript", "vbscript", "data", "blob"))


def inspect(reader: PdfReader) -> None:
    """Looks at every part of the paper that anything leads to.

    Raises:
        Unfit: one of them would do something.
    """
    found = {reason for part in _parts(reader) for reason in _wrong_with(part)}
    for reason in ("scripts", "forms", "attachments", "actions"):
        if reason in found:
            raise Unfit(reason)


def _wrong_with(part: DictionaryObject) -> Iterator[str]:
    names, deed = set(part), _name(part, "/S")
    if names & SCRIPTS or deed == "/JavaScript":
        yield "scripts"
    if "/XFA" in names:
        yield "forms"
    if names & FILES or _name(part, "/Subtype") in FILE_MARKS or _is_file(part):
        yield "attachments"
    if deed in DEEDS or (deed == "/URI" and _scheme(part) in SCHEMES):
        yield "actions"
    if "/AA" in names and not _all_turn(_value(part, "/AA")):
        yield "actions"
    if "/OpenAction" in names and not _only_turns(_value(part, "/OpenAction")):
        yield "actions"


def _parts(reader: PdfReader) -> Iterator[DictionaryObject]:
    seen: set[tuple[int, int]] = set()
    todo: list[Any] = [reader.trailer]
    count = 0
    while todo:
        each = todo.pop()
        if isinstance(each, IndirectObject):
            place = (each.idnum, each.generation)
            if place in seen:
                continue
            seen.add(place)
            each = resolved(each)
        count += 1
        if count > OBJECTS * 10 or len(seen) > OBJECTS:
            raise Unfit("too_complex")
        if isinstance(each, DictionaryObject):
            yield each
            todo += [each.raw_get(name) for name in each]
        elif isinstance(each, ArrayObject):
            todo += list(each)


def _value(part: DictionaryObject, key: str) -> Any:
    return resolved(part.raw_get(key)) if key in part else None


def _name(part: DictionaryObject, key: str) -> str:
    value = _value(part, key)
    return str(value) if isinstance(value, NameObject) else ""


def _is_file(part: DictionaryObject) -> bool:
    return _name(part, "/Type") in ("/EmbeddedFile", "/Filespec", "/F")


def _scheme(part: DictionaryObject) -> str:
    """As a browser reads it: without white space before it, and breaks within."""
    address = string(_value(part, "/URI")) or b""
    plain = bytes(each for each in address if each > 32).decode("latin-1")
    try:
        return urlsplit(plain).scheme.lower()
    except ValueError:
        return ""


def _all_turn(deeds: Any) -> bool:
    """Whether nothing that a page or a field does by itself does more than turn pages.

    Resources may have the name, too: what has no `/S` is no deed.
    """
    if not isinstance(deeds, DictionaryObject):
        return True
    each = [_value(deeds, key) for key in deeds]
    return all(
        _name(deed, "/S") in TURNS
        for deed in each
        if isinstance(deed, DictionaryObject) and "/S" in deed
    )


def _only_turns(action: Any) -> bool:
    """Whether opening the paper does no more than turn to one of its pages."""
    if isinstance(action, DictionaryObject):
        return _name(action, "/S") in TURNS
    return True
