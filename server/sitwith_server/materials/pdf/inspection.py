"""Finds active content for which a PDF is refused.

This only tells the uploader why. Links to other files and unusual addresses, which harmless PDFs
have too, are not refused: `rewrite` leaves them out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject

from sitwith_server.materials.kinds import Unfit
from sitwith_server.materials.pdf.values import resolved, string

OBJECTS: Final = 150_000
"""Most objects of one PDF."""

SCRIPTS: Final = frozenset(("/JS", "/JavaScript"))
FILES: Final = frozenset(
    ("/EmbeddedFiles", "/EF", "/AF", "/RichMediaContent", "/RichMediaSettings")
)
FILE_ANNOTATIONS: Final = frozenset(
    ("/FileAttachment", "/RichMedia", "/3D", "/Movie", "/Sound", "/Screen", "/EmbeddedFile")
)
"""Annotations and streams that contain or play other files."""
ACTIONS: Final = frozenset(
    ("/Launch", "/SubmitForm", "/ImportData", "/ResetForm", "/Rendition", "/Movie", "/Sound",
     "/RichMediaExecute", "/GoTo3DView", "/GoToE")
)  # fmt: skip
"""Actions that launch, submit or play something (ISO 32000-1, table 198)."""
VIEW_ACTIONS: Final = frozenset(("/GoTo", "/Named", "/SetOCGState", "/Hide"))
"""Actions that only change the view of the PDF."""
SCHEMES: Final = frozenset(("javascript", "vbscript", "data", "blob"))


def inspect(reader: PdfReader) -> None:
    """Checks every reachable object of the PDF.

    Raises:
        Unfit: one of them has active content.
    """
    found = {reason for part in _parts(reader) for reason in _reasons(part)}
    for reason in ("scripts", "forms", "attachments", "actions"):
        if reason in found:
            raise Unfit(reason)


def _reasons(part: DictionaryObject) -> Iterator[str]:
    names, action = set(part), _name(part, "/S")
    if names & SCRIPTS or action == "/JavaScript":
        yield "scripts"
    if "/XFA" in names:
        yield "forms"
    if names & FILES or _name(part, "/Subtype") in FILE_ANNOTATIONS or _is_file(part):
        yield "attachments"
    if action in ACTIONS or (action == "/URI" and _scheme(part) in SCHEMES):
        yield "actions"
    if "/AA" in names and not _all_view(_value(part, "/AA")):
        yield "actions"
    if "/OpenAction" in names and not _only_view(_value(part, "/OpenAction")):
        yield "actions"


def _parts(reader: PdfReader) -> Iterator[DictionaryObject]:
    seen: set[tuple[int, int]] = set()
    todo: list[Any] = [reader.trailer]
    count = 0
    while todo:
        each = todo.pop()
        if isinstance(each, IndirectObject):
            object_id = (each.idnum, each.generation)
            if object_id in seen:
                continue
            seen.add(object_id)
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
    """The scheme as a browser reads it, without white space and line breaks."""
    address = string(_value(part, "/URI")) or b""
    plain = bytes(each for each in address if each > 32).decode("latin-1")
    try:
        return urlsplit(plain).scheme.lower()
    except ValueError:
        return ""


def _all_view(actions: Any) -> bool:
    """Whether the additional actions of a page or field only change the view.

    Resources may have the name `/AA`, too; a dictionary without `/S` is no action.
    """
    if not isinstance(actions, DictionaryObject):
        return True
    each = [_value(actions, key) for key in actions]
    return all(
        _name(action, "/S") in VIEW_ACTIONS
        for action in each
        if isinstance(action, DictionaryObject) and "/S" in action
    )


def _only_view(action: Any) -> bool:
    """Whether the open action only changes the view."""
    if isinstance(action, DictionaryObject):
        return _name(action, "/S") in VIEW_ACTIONS
    return True
