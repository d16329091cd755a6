"""Papers: a PDF is read whole, refused for whatever it could do, and written again without
the rest.

What is left is pages with their text, pictures and links to the web, the structure that screen
readers go by, and an outline. Names of authors and programs, dates and every older version of the
file are gone.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject

from sitwith_server.materials.kinds import Clean, Unfit, guise

TYPE: Final = "application/pdf"
PAGES: Final = 200
OBJECTS: Final = 150_000
"""More than that in one paper is no paper."""

KEPT: Final = frozenset(
    ("/Type", "/Pages", "/StructTreeRoot", "/MarkInfo", "/Lang", "/Outlines", "/PageLabels",
     "/PageLayout", "/OCProperties", "/Version")
)  # fmt: skip
"""What the root of the written paper may name (ISO 32000-1, table 28)."""

SCRIPTS: Final = frozenset(("/JS", "/JavaScript"))
FILES: Final = frozenset(
    ("/EmbeddedFiles", "/EF", "/AF", "/RichMediaContent", "/RichMediaSettings")
)
FILE_MARKS: Final = frozenset(
    ("/FileAttachment", "/RichMedia", "/3D", "/Movie", "/Sound", "/Screen", "/EmbeddedFile")
)
"""Annotations and streams that are, or play, other files."""
DEEDS: Final = frozenset(
    ("/Launch", "/GoToR", "/GoToE", "/SubmitForm", "/ImportData", "/ResetForm", "/Rendition",
     "/Movie", "/Sound", "/RichMediaExecute", "/GoTo3DView", "/Thread")
)  # fmt: skip
"""Actions that reach out of the paper or play something (ISO 32000-1, table 198)."""
MARKS: Final = frozenset(("/Link", "/Highlight", "/Underline", "/StrikeOut"))
"""Annotations that stay."""

logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def clean(data: bytes) -> Clean:
    """The paper in `data`, written anew.

    Raises:
        Unfit: it is none that is shown.
    """
    if (other := guise(data)) is not None:
        raise Unfit(other)
    if not data.startswith(b"%PDF-"):
        raise Unfit("not_a_pdf")
    try:
        made, pages = _written_anew(data)
        _inspect(PdfReader(io.BytesIO(made)))
    except Unfit:
        raise
    except (MemoryError, RecursionError):
        raise Unfit("too_complex") from None
    except Exception:
        # Whatever the reader stumbles over, the file is not what it should be.
        raise Unfit("damaged") from None
    return Clean(TYPE, made, pages=pages)


def _written_anew(data: bytes) -> tuple[bytes, int]:
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted:
        raise Unfit("encrypted")
    _inspect(reader)
    pages = len(reader.pages)
    if not pages:
        raise Unfit("damaged")
    if pages > PAGES:
        raise Unfit("too_many_pages")
    root: Any = reader.trailer["/Root"].get_object()
    for name in set(root) - KEPT:
        del root[name]
    for page in reader.pages:
        if page.indirect_reference is None:
            raise Unfit("damaged")
        # The reader hands out copies; what is written is what they were made from.
        _tidy(page.indirect_reference.get_object())
    writer = PdfWriter(clone_from=reader)
    writer.metadata = None
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue(), pages


def _tidy(page: Any) -> None:
    """Of a page's marks those stay that lead nowhere but to a place of the web, or another page."""
    for name in ("/Metadata", "/PieceInfo", "/LastModified"):
        if name in page:
            del page[name]
    if "/Annots" in page:
        marks = [each for each in page["/Annots"].get_object() or () if _may_stay(each)]
        page[NameObject("/Annots")] = ArrayObject(marks)


def _may_stay(mark: Any) -> bool:
    found = mark.get_object()
    if not isinstance(found, DictionaryObject) or found.get("/Subtype") not in MARKS:
        return False
    action = found.get("/A")
    if action is None:
        return True
    action = action.get_object()
    if action.get("/S") == "/GoTo":
        return True
    parts = urlsplit(str(action.get("/URI", "")))
    return action.get("/S") == "/URI" and parts.scheme in ("http", "https") and bool(parts.netloc)


def _inspect(reader: PdfReader) -> None:
    """Every part of the paper that anything leads to.

    Raises:
        Unfit: one of them could do something.
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
    if "/AA" in names or deed in DEEDS or _leads_astray(part):
        yield "actions"
    if "/OpenAction" in names and not _only_turns(part["/OpenAction"]):
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
            each = each.get_object()
        count += 1
        if count > OBJECTS * 10 or len(seen) > OBJECTS:
            raise Unfit("too_complex")
        if isinstance(each, DictionaryObject):
            yield each
            todo += [each.raw_get(name) for name in each]
        elif isinstance(each, ArrayObject):
            todo += list(each)


def _name(part: DictionaryObject, key: str) -> str:
    value = part.get(key)
    return str(value) if isinstance(value, NameObject) else ""


def _is_file(part: DictionaryObject) -> bool:
    return _name(part, "/Type") in ("/EmbeddedFile", "/Filespec", "/F")


def _leads_astray(part: DictionaryObject) -> bool:
    """Whether it is a link to anything but a place of the web, or an address to write to."""
    if _name(part, "/S") != "/URI":
        return False
    scheme = urlsplit(str(part.get("/URI", ""))).scheme.lower()
    return scheme not in ("", "http", "https", "mailto")


def _only_turns(action: Any) -> bool:
    """Whether opening the paper does no more than turn to one of its pages."""
    found = action.get_object()
    if isinstance(found, ArrayObject):
        return True
    return isinstance(found, DictionaryObject) and found.get("/S") == "/GoTo"
