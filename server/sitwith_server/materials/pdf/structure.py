"""The structure of a PDF, which screen readers use (ISO 32000-2, section 14.7)."""

from __future__ import annotations

from typing import Any, Final

from pypdf.generic import ArrayObject, DictionaryObject, NumberObject, StreamObject

from sitwith_server.materials.pdf import values
from sitwith_server.materials.pdf.rules import (
    Rule,
    Target,
    a,
    array,
    by,
    each,
    either,
    name,
    name_but,
    number,
    plain,
    shape,
    string,
)

ACTIONS: Final = frozenset(
    ("/GoTo", "/GoToR", "/GoToE", "/GoToDp", "/Launch", "/Thread", "/URI", "/Sound", "/Movie",
     "/Hide", "/Named", "/SubmitForm", "/ResetForm", "/ImportData", "/JavaScript", "/SetOCGState",
     "/Rendition", "/Trans", "/GoTo3DView", "/RichMediaExecute")
)  # fmt: skip
"""Names of actions, which are refused as names of elements."""


def _page(target: Target, value: Any, depth: int) -> bytes | None:
    return target.page(value)


def _mark(target: Target, value: Any, depth: int) -> bytes | None:
    """A reference to a link or picture that is in the new PDF already."""
    return target.known(value, "link", "highlight", "image", "form")


def _kid(target: Target, value: Any, depth: int) -> bytes | None:
    return _KID(target, value, depth)


def _parent(target: Target, value: Any, depth: int) -> bytes | None:
    return target.known(value, "structure") or a("element")(target, value, depth)


_KID: Final = either(
    number,
    by("/Type", {"/MCR": "content", "/OBJR": "object"}, otherwise="element"),
)
_ATTRIBUTES: Final = (
    "/O", "/Placement", "/WritingMode", "/BackgroundColor", "/BorderColor", "/BorderStyle",
    "/BorderThickness", "/Padding", "/Color", "/SpaceBefore", "/SpaceAfter", "/StartIndent",
    "/EndIndent", "/TextIndent", "/TextAlign", "/BBox", "/Width", "/Height", "/BlockAlign",
    "/InlineAlign", "/TBorderStyle", "/TPadding", "/BaselineShift", "/LineHeight",
    "/TextDecorationColor", "/TextDecorationThickness", "/TextDecorationType", "/RubyAlign",
    "/RubyPosition", "/GlyphOrientationVertical", "/ColumnCount", "/ColumnGap", "/ColumnWidths",
    "/ListNumbering", "/RowSpan", "/ColSpan", "/Headers", "/Scope", "/Summary", "/Short",
)  # fmt: skip
"""Attributes of layout, lists and tables (tables 377 to 384)."""
shape("attributes", dict.fromkeys(_ATTRIBUTES, either(plain, array(plain))))
shape(
    "element",
    {
        "/Type": name("/StructElem"),
        "/S": name_but(ACTIONS),
        "/P": _parent,
        "/ID": string,
        "/Pg": _page,
        "/K": either(_kid, array(_kid)),
        "/A": either(a("attributes"), array(either(a("attributes"), number))),
        "/R": number,
        **dict.fromkeys(
            ("/T", "/Lang", "/Alt", "/E", "/ActualText", "/Phoneme"), string
        ),
        "/PhoneticAlphabet": name(),
    },
)  # fmt: skip
shape(
    "content",
    {"/Type": name("/MCR"), "/Pg": _page, "/MCID": number,
     "/Stm": lambda target, value, depth: target.known(value, "form")},
)  # fmt: skip
shape("object", {"/Type": name("/OBJR"), "/Pg": _page, "/Obj": _mark})


def _no_element(target: Target, value: Any, depth: int) -> bytes:
    """Writes null, so that the other elements keep their index."""
    return b"null"


def _parents(target: Target, value: Any, depth: int) -> bytes | None:
    """The parent tree, from page content to elements, written as one flat list."""
    rule = either(a("element"), array(either(a("element"), _no_element)))
    parts = []
    for key, found in number_tree(value, target):
        written = rule(target, found, depth)
        if written is not None:
            parts.append(b"%d %s" % (key, written))
    return b"<</Nums[" + b" ".join(parts) + b"]>>"


ROOT: Final = "structure"
_ROLES: Final[Rule] = each(name())
shape(
    "structure",
    {
        "/Type": name("/StructTreeRoot"),
        "/K": either(_kid, array(_kid)),
        "/ParentTree": _parents,
        "/ParentTreeNextKey": number,
        "/RoleMap": _ROLES,
    },
)


def number_tree(value: Any, target: Target) -> list[tuple[int, Any]]:
    """The entries of a number tree, sorted by number (section 7.9.7)."""
    found: dict[int, Any] = {}
    seen: set[values.ObjectId] = set()
    todo = [value]
    while todo:
        one = todo.pop()
        object_id = values.object_id(one)
        if object_id is not None and object_id in seen:
            continue
        if object_id is not None:
            seen.add(object_id)
        target.spend()
        node = values.resolved(one)
        if not isinstance(node, DictionaryObject) or isinstance(node, StreamObject):
            continue
        kids = values.resolved(node.get("/Kids"))
        todo += list(kids) if isinstance(kids, ArrayObject) else []
        pairs = values.resolved(node.get("/Nums"))
        if not isinstance(pairs, ArrayObject):
            continue
        for key, held in zip(pairs[::2], pairs[1::2], strict=False):
            target.spend()
            number_ = values.resolved(key)
            if isinstance(number_, NumberObject) and 0 <= number_ <= values.LARGEST:
                found.setdefault(int(number_), held)
    return sorted(found.items(), key=lambda pair: pair[0])
