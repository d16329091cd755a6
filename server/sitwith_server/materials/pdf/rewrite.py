"""Writes a new PDF with only what `allowed` lists, each object from its resolved value.

pypdf only reads the file into values. This module writes every byte of the result, in a form that
all viewers read alike: plain numbers and names, hexadecimal strings, streams that we compress with
their true lengths, and one table of objects. It uses no object streams, updates or encryption, with
which one file can show two contents.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, NumberObject, StreamObject

from sitwith_server.materials.kinds import Unfit
from sitwith_server.materials.pdf import allowed, structure, values
from sitwith_server.materials.pdf.destinations import Destinations
from sitwith_server.materials.pdf.outline import Outline, labels
from sitwith_server.materials.pdf.rules import SHAPES, Shape, reference_to
from sitwith_server.materials.pdf.streams import Packed, Unpacker

PAGES: Final = 200
OBJECTS: Final = 150_000
VALUES: Final = 2_000_000
BYTES: Final = 20 * 2**20
"""Most bytes of the result. An upload has at most ten million by default, and may be compressed
better."""
NODES: Final = 20_000
"""Most nodes of the page tree."""
PIXELS: Final = 150_000_000
"""Most pixels of one picture: an A2 sheet scanned at 600 dpi."""
ANNOTATIONS: Final = {
    "/Link": "link",
    "/Highlight": "highlight",
    "/Underline": "highlight",
    "/StrikeOut": "highlight",
    **dict.fromkeys(
        ("/Widget", "/FreeText", "/Line", "/Square", "/Circle", "/Polygon", "/PolyLine", "/Stamp",
         "/Ink", "/Caret", "/Watermark"),
        "drawing",
    ),
}  # fmt: skip
"""Annotations that are kept, by `/Subtype`. Form fields and drawings keep only their appearance."""

_HEAD: Final = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
_INHERITED: Final = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")
_LETTER: Final = b"/MediaBox[0 0 612 792]"


def rewrite(reader: PdfReader) -> tuple[bytes, int]:
    """Returns the new file and its number of pages.

    Raises:
        Unfit: the PDF has too many pages or objects, or no catalog.
    """
    root = values.resolved(reader.trailer.get("/Root"))
    if not isinstance(root, DictionaryObject):
        raise Unfit("damaged")
    writer = PdfWriter()
    pages = writer.write(root)
    return writer.bytes(), pages


class PdfWriter:
    """The new PDF. An object gets its number before it is written."""

    def __init__(self) -> None:
        self.unpacker = Unpacker()
        self._objects: list[bytes | None] = []
        self._numbers: dict[tuple[values.ObjectId, str], int] = {}
        self._todo: deque[tuple[int, Shape, Any]] = deque()
        self._pages: dict[values.ObjectId, bytes] = {}
        self._spent = 0
        self._bytes = 0

    # --------------------------------------------------------------------- what rules ask for

    def spend(self) -> None:
        self._spent += 1
        if self._spent > VALUES:
            raise Unfit("too_complex")

    def number_for(self, object_id: values.ObjectId, shape: Shape, value: Any) -> int:
        key = (object_id, shape.name)
        if key not in self._numbers:
            self._numbers[key] = self.reserve()
            self._todo.append((self._numbers[key], shape, value))
        return self._numbers[key]

    def page(self, value: Any) -> bytes | None:
        object_id = values.object_id(value)
        return None if object_id is None else self._pages.get(object_id)

    def known(self, value: Any, *shapes: str) -> bytes | None:
        object_id = values.object_id(value)
        if object_id is None:
            return None
        found = (self._numbers.get((object_id, each)) for each in shapes)
        return next((b"%d 0 R" % each for each in found if each is not None), None)

    # ------------------------------------------------------------------------------- objects

    def reserve(self) -> int:
        if len(self._objects) >= OBJECTS:
            raise Unfit("too_complex")
        self._objects.append(None)
        return len(self._objects)

    def put(self, number: int, body: bytes) -> None:
        self._bytes += len(body)
        if self._bytes > BYTES:
            raise Unfit("too_large")
        self._objects[number - 1] = body

    def drain(self) -> None:
        """Writes all objects that have a number, and those they refer to."""
        while self._todo:
            number, shape, value = self._todo.popleft()
            self.spend()
            self.put(number, self._body(shape, value))

    def _body(self, shape: Shape, value: Any) -> bytes:
        entries = shape.entries(self, value, 0)
        if shape.body is None:
            return b"<<" + entries + b">>"
        if shape.name in ("image", "mask") and not _is_fit(value):
            return b"null"
        packed = shape.body(self.unpacker, value)
        return b"null" if packed is None else _stream(entries, packed, self._common(packed))

    def _common(self, packed: Packed) -> bytes | None:
        if packed.globals is None:
            return None
        return reference_to(self, packed.globals, SHAPES[allowed.SHARED], 0)

    # ----------------------------------------------------------------------------- the parts

    def write(self, root: DictionaryObject) -> int:
        """Writes all objects. The catalog is object 1, the root of the page tree object 2.

        Returns:
            The number of pages.
        """
        catalog, parent = self.reserve(), self.reserve()
        found = _pages(root)
        if not found:
            raise Unfit("damaged")
        numbers = [self.reserve() for _ in found]
        references = [b"%d 0 R" % each for each in numbers]
        for (object_id, _), reference in zip(found, references, strict=True):
            if object_id is not None:
                self._pages.setdefault(object_id, reference)
        destinations = Destinations(root, references, self)
        for number, (_, page) in zip(numbers, found, strict=True):
            self.put(number, self._page(page, parent, destinations))
        self.drain()
        kids = b" ".join(references)
        self.put(parent, b"<</Type/Pages/Count %d/Kids[%b]>>" % (len(found), kids))
        entries = SHAPES[allowed.PAPER].entries(self, root, 0)
        entries += self._structure(root) + labels(root, self)
        entries += Outline(destinations, self).written(root)
        self.drain()
        self.put(catalog, b"<</Type/Catalog/Pages %d 0 R%b>>" % (parent, entries))
        return len(found)

    def _page(self, page: DictionaryObject, parent: int, destinations: Destinations) -> bytes:
        entries = SHAPES[allowed.PAGE].entries(self, page, 0)
        if b"/MediaBox" not in entries:
            entries += _LETTER
        annotations = b" ".join(self._annotations(page, destinations))
        annots = b"/Annots[" + annotations + b"]" if annotations else b""
        return b"<</Type/Page/Parent %d 0 R%b%b>>" % (parent, entries, annots)

    def _annotations(self, page: DictionaryObject, destinations: Destinations) -> list[bytes]:
        found = values.resolved(page.get("/Annots"))
        written = []
        for each in found if isinstance(found, ArrayObject) else ():
            self.spend()
            annotation = values.resolved(each)
            if not isinstance(annotation, DictionaryObject) or isinstance(annotation, StreamObject):
                continue
            subtype = values.resolved(annotation.get("/Subtype"))
            shape = ANNOTATIONS.get(subtype) if isinstance(subtype, str) else None
            if shape is None or self.known(each, shape):
                continue
            more = self._more_of(shape, annotation, destinations)
            if more is None:
                continue
            number, object_id = self.reserve(), values.object_id(each)
            if object_id is not None:
                self._numbers[(object_id, shape)] = number
            entries = SHAPES[shape].entries(self, annotation, 0)
            self.put(number, b"<</Type/Annot%b%b>>" % (entries, more))
            written.append(b"%d 0 R" % number)
        return written

    def _more_of(
        self, shape: str, annotation: DictionaryObject, destinations: Destinations
    ) -> bytes | None:
        """The annotation's entries besides those of its shape; None: leave it out."""
        if shape == "link":
            # A link without an allowed target stays, for the border that it draws.
            return b"/Subtype/Link" + (destinations.of(annotation) or b"")
        if shape == "drawing":
            appearance = reference_to(self, _appearance(annotation), SHAPES["form"], 0)
            return None if appearance is None else b"/Subtype/Stamp/AP<</N " + appearance + b">>"
        return b""

    def _structure(self, root: DictionaryObject) -> bytes:
        written = reference_to(self, root.get("/StructTreeRoot"), SHAPES[structure.ROOT], 0)
        return b"" if written is None else b"/StructTreeRoot " + written

    # ----------------------------------------------------------------------------- the bytes

    def bytes(self) -> bytes:
        """The file."""
        out, at, offsets = [_HEAD], len(_HEAD), []
        for number, body in enumerate(self._objects, 1):
            offsets.append(at)
            out.append(b"%d 0 obj\n%b\nendobj\n" % (number, body or b"null"))
            at += len(out[-1])
        count = len(offsets) + 1
        out.append(b"xref\n0 %d\n0000000000 65535 f \n" % count)
        out += [b"%010d 00000 n \n" % each for each in offsets]
        out.append(b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (count, at))
        return b"".join(out)


def _pages(root: DictionaryObject) -> list[tuple[values.ObjectId | None, DictionaryObject]]:
    """All pages in order, with inherited entries.

    Raises:
        Unfit: there are too many pages.
    """
    found: list[tuple[values.ObjectId | None, DictionaryObject]] = []
    todo: list[tuple[Any, dict[str, Any]]] = [(root.get("/Pages"), {})]
    seen: set[values.ObjectId] = set()
    nodes = 0
    while todo:
        one, above = todo.pop()
        nodes += 1
        if nodes > NODES:
            raise Unfit("too_complex")
        node, object_id = values.resolved(one), values.object_id(one)
        if not isinstance(node, DictionaryObject) or isinstance(node, StreamObject):
            continue
        own = {**above, **{key: node.raw_get(key) for key in _INHERITED if key in node}}
        kids = values.resolved(node.get("/Kids"))
        if isinstance(kids, ArrayObject):
            if object_id is not None and object_id in seen:
                continue
            if object_id is not None:
                seen.add(object_id)
            todo += [(each, own) for each in reversed(kids)]
            continue
        if len(found) >= PAGES:
            raise Unfit("too_many_pages")
        page = DictionaryObject(node)
        page.update(own)
        found.append((object_id, page))
    return found


def _appearance(annotation: DictionaryObject) -> Any:
    """The normal appearance of an annotation (section 12.5.5)."""
    appearance = values.resolved(annotation.get("/AP"))
    if not isinstance(appearance, DictionaryObject):
        return None
    normal = appearance.get("/N")
    states = values.resolved(normal)
    if isinstance(states, StreamObject) or not isinstance(states, DictionaryObject):
        return normal
    state = values.resolved(annotation.get("/AS"))
    return states.get(state) if isinstance(state, str) else None


def _is_fit(picture: StreamObject) -> bool:
    """Whether a picture is small enough for viewers to decode."""
    sides = [values.resolved(picture.get(key)) for key in ("/Width", "/Height")]
    whole = [int(each) for each in sides if isinstance(each, NumberObject) and each > 0]
    return len(whole) == 2 and whole[0] * whole[1] <= PIXELS


def _stream(entries: bytes, packed: Packed, common: bytes | None) -> bytes:
    about = b"".join(values.name(key) + b" " + _plain(each) for key, each in packed.numbers.items())
    if common is not None:
        about += b"/JBIG2Globals " + common
    parameters = b"/DecodeParms<<" + about + b">>" if about else b""
    head = b"<<%b/Length %d/Filter%b%b>>" % (
        entries, len(packed.data), values.name(packed.filter), parameters,
    )  # fmt: skip
    return head + b"\nstream\n" + packed.data + b"\nendstream"


def _plain(value: int | bool) -> bytes:
    return str(value).lower().encode()
