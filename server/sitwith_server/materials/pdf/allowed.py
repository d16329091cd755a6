"""Everything that a rewritten PDF may contain: kinds of objects, their names and values.

Tables are those of ISO 32000-2:2020. What is not listed is never written, such as actions, files,
scripts, forms, private data of programs, and features of later versions.
"""

from __future__ import annotations

from typing import Any, Final

from pypdf.generic import ArrayObject, NameObject

from sitwith_server.materials.pdf.fonts import BOX, DATA, FONT, MATRIX
from sitwith_server.materials.pdf.rules import (
    DEEP,
    Rule,
    Target,
    a,
    array,
    boolean,
    by,
    each,
    either,
    name,
    number,
    numbers,
    shape,
    string,
)
from sitwith_server.materials.pdf.streams import Unpacker
from sitwith_server.materials.pdf.values import resolved

PAGE: Final = "page"
PAPER: Final = "paper"
SHARED: Final = "shared"
"""JBIG2's shared data."""

# --------------------------------------------------------------------------- functions, colours


def _function(target: Target, value: Any, depth: int) -> bytes | None:
    return _FUNCTION(target, value, depth)


_FUNCTION: Final = either(
    by("/FunctionType", {0: "samples", 2: "exponential", 3: "stitching", 4: "calculator"}),
    array(_function),
    name("/Identity", "/Default"),
)
_DOMAIN: Final[dict[str, Rule]] = {"/FunctionType": number, "/Domain": numbers, "/Range": numbers}
shape(
    "samples",
    {**_DOMAIN, "/Size": numbers, "/BitsPerSample": number, "/Order": number, "/Encode": numbers,
     "/Decode": numbers},
    DATA,
)  # fmt: skip
shape("exponential", {**_DOMAIN, "/C0": numbers, "/C1": numbers, "/N": number})
shape(
    "stitching",
    {**_DOMAIN, "/Functions": array(_function), "/Bounds": numbers, "/Encode": numbers},
)
shape("calculator", _DOMAIN, DATA)


def colours(target: Target, value: Any, depth: int) -> bytes | None:
    """A colour space: a name, or an array that begins with one (section 8.6)."""
    found = resolved(value)
    if isinstance(found, NameObject):
        return name()(target, found, depth)
    if not isinstance(found, ArrayObject) or not found or depth > DEEP:
        return None
    rule = _COLOURS.get(resolved(found[0]))
    target.spend()
    return None if rule is None else rule(target, found, depth + 1)


_COLOURS: Final[dict[Any, Rule]] = {
    **{
        family: array(name(family))
        for family in ("/DeviceGray", "/DeviceRGB", "/DeviceCMYK", "/G", "/RGB", "/CMYK")
    },
    "/CalGray": array(name("/CalGray"), a("calibrated"), exact=True),
    "/CalRGB": array(name("/CalRGB"), a("calibrated"), exact=True),
    "/Lab": array(name("/Lab"), a("calibrated"), exact=True),
    "/ICCBased": array(name("/ICCBased"), a("profile"), exact=True),
    "/Indexed": array(
        name("/Indexed"), colours, number, either(string, a("table")), exact=True
    ),
    "/I": array(name("/I"), colours, number, either(string, a("table")), exact=True),
    "/Pattern": array(name("/Pattern"), colours),
    "/Separation": array(name("/Separation"), name(), colours, _function, exact=True),
    "/DeviceN": array(name("/DeviceN"), array(name()), colours, _function, a("inks")),
}  # fmt: skip
shape(
    "calibrated",
    {"/WhitePoint": numbers, "/BlackPoint": numbers, "/Gamma": either(number, numbers),
     "/Matrix": numbers, "/Range": numbers},
)  # fmt: skip
shape("profile", {"/N": number, "/Alternate": colours, "/Range": numbers}, Unpacker.colours)
shape(
    "inks",
    {"/Subtype": name("/DeviceN", "/NChannel"), "/Colorants": each(colours),
     "/Process": a("process")},
)  # fmt: skip
shape("process", {"/ColorSpace": colours, "/Components": array(name())})

# ---------------------------------------------------------------------------- what draws a page

_SHADED: Final = by(
    "/ShadingType",
    {**dict.fromkeys((1, 2, 3), "shading"), **dict.fromkeys((4, 5, 6, 7), "mesh")},
)
_OC: Final = by("/Type", {"/OCG": "layer", "/OCMD": "layers"})


def _soft(target: Target, value: Any, depth: int) -> bytes | None:
    return either(name("/None"), a("softness"))(target, value, depth)


shape(
    "resources",
    {
        "/ExtGState": each(a("state")),
        "/ColorSpace": each(colours),
        "/Pattern": each(by("/PatternType", {1: "tiling", 2: "shaded"})),
        "/Shading": each(_SHADED),
        "/XObject": each(by("/Subtype", {"/Image": "image", "/Form": "form"})),
        "/Font": each(FONT),
        "/Properties": each(
            by("/Type", {"/OCG": "layer", "/OCMD": "layers"}, otherwise="property")
        ),
    },
)
shape(
    "state",
    {
        **dict.fromkeys(("/LW", "/LC", "/LJ", "/ML", "/OPM", "/FL", "/SM", "/CA", "/ca"), number),
        **dict.fromkeys(("/OP", "/op", "/SA", "/AIS", "/TK"), boolean),
        "/D": array(numbers, number, exact=True),
        "/RI": name(),
        "/Font": array(FONT, number, exact=True),
        **dict.fromkeys(("/BG", "/BG2", "/UCR", "/UCR2", "/TR", "/TR2"), _function),
        "/BM": either(name(), array(name())),
        "/SMask": _soft,
        "/UseBlackPtComp": name("/ON", "/OFF", "/Default"),
    },
)
shape(
    "softness",
    {"/S": name("/Alpha", "/Luminosity"), "/G": a("form"), "/BC": numbers, "/TR": _function},
)
shape(
    "group",
    {"/S": name("/Transparency"), "/CS": colours, "/I": boolean, "/K": boolean},
)
shape(
    "form",
    {
        "/Type": name("/XObject"),
        "/Subtype": name("/Form"),
        "/FormType": number,
        "/BBox": BOX,
        "/Matrix": MATRIX,
        "/Resources": a("resources"),
        "/Group": a("group"),
        "/StructParent": number,
        "/StructParents": number,
        "/OC": _OC,
    },
    DATA,
)
_PICTURE: Final[dict[str, Rule]] = {
    "/Type": name("/XObject"),
    "/Subtype": name("/Image"),
    "/Width": number,
    "/Height": number,
    "/ColorSpace": colours,
    "/BitsPerComponent": number,
    "/Intent": name(),
    "/Decode": numbers,
    "/Interpolate": boolean,
    "/SMaskInData": number,
}
shape(
    "image",
    {
        **_PICTURE,
        "/ImageMask": boolean,
        "/Mask": either(numbers, a("mask")),
        "/SMask": a("mask"),
        "/StructParent": number,
        "/OC": _OC,
    },
    Unpacker.picture,
)
shape(
    "mask",
    {**_PICTURE, "/ImageMask": boolean, "/Matte": numbers},
    Unpacker.picture,
)
shape(SHARED, {}, DATA)
shape(
    "tiling",
    {
        **dict.fromkeys(("/PatternType", "/PaintType", "/TilingType", "/XStep", "/YStep"), number),
        "/BBox": BOX,
        "/Matrix": MATRIX,
        "/Resources": a("resources"),
    },
    DATA,
)
shape(
    "shaded",
    {"/PatternType": number, "/Shading": _SHADED, "/Matrix": MATRIX,
     "/ExtGState": a("state")},
)  # fmt: skip
_SHADING: Final[dict[str, Rule]] = {
    "/ShadingType": number,
    "/ColorSpace": colours,
    "/Background": numbers,
    "/BBox": BOX,
    "/AntiAlias": boolean,
    "/Function": _function,
}
shape(
    "shading",
    {**_SHADING, "/Domain": numbers, "/Matrix": MATRIX, "/Coords": numbers,
     "/Extend": array(boolean)},
)  # fmt: skip
shape(
    "mesh",
    {**_SHADING,
     **dict.fromkeys(("/BitsPerCoordinate", "/BitsPerComponent", "/BitsPerFlag"), number),
     "/VerticesPerRow": number, "/Decode": numbers},
    DATA,
)  # fmt: skip

# -------------------------------------------------------------------------- layers, properties

shape("layer", {"/Type": name("/OCG"), "/Name": string})


def _visible(target: Target, value: Any, depth: int) -> bytes | None:
    """When layers are visible: an array of `/And`, `/Or`, `/Not`, layers and such arrays."""
    return array(either(name("/And", "/Or", "/Not"), a("layer"), _visible))(target, value, depth)


def _order(target: Target, value: Any, depth: int) -> bytes | None:
    return array(either(string, a("layer"), _order))(target, value, depth)


_LAYERS: Final = array(a("layer"))
shape(
    "layers",
    {
        "/Type": name("/OCMD"),
        "/OCGs": either(a("layer"), _LAYERS),
        "/P": name("/AllOn", "/AnyOn", "/AnyOff", "/AllOff"),
        "/VE": _visible,
    },
)
shape("all_layers", {"/OCGs": _LAYERS, "/D": a("layers_shown")})
shape(
    "layers_shown",
    {
        "/BaseState": name("/ON", "/OFF", "/Unchanged"),
        "/ON": _LAYERS,
        "/OFF": _LAYERS,
        "/Order": _order,
        "/ListMode": name("/AllPages", "/VisiblePages"),
        "/RBGroups": array(_LAYERS),
        "/Locked": _LAYERS,
    },
)
shape(
    "property",
    {
        "/MCID": number,
        "/Type": name("/Pagination", "/Layout", "/Page", "/Background"),
        "/Subtype": name("/Header", "/Footer", "/Watermark"),
        "/BBox": BOX,
        "/Attached": array(name("/Top", "/Bottom", "/Left", "/Right")),
        "/ActualText": string,
        "/Alt": string,
        "/E": string,
        "/Lang": string,
    },
)

# ------------------------------------------------------------------------- pages, marks, papers

shape(
    PAGE,
    {
        "/Resources": a("resources"),
        **dict.fromkeys(("/MediaBox", "/CropBox", "/BleedBox", "/TrimBox", "/ArtBox"), BOX),
        "/Rotate": number,
        "/UserUnit": number,
        "/Contents": either(a("drawn"), array(a("drawn"))),
        "/Group": a("group"),
        "/StructParents": number,
        "/Tabs": name("/R", "/C", "/S"),
    },
)
"""`rewrite` adds the parent and the annotations."""
_MARK: Final[dict[str, Rule]] = {
    "/Rect": BOX,
    "/F": number,
    "/C": numbers,
    "/StructParent": number,
    "/OC": _OC,
    "/QuadPoints": numbers,
}
shape("link", {
    **_MARK,
    "/H": name("/N", "/I", "/O", "/P"),
    "/Border": array(number, number, number, numbers),
    "/BS": a("border"),
    "/Contents": string,
})  # fmt: skip
"""`rewrite` adds the target."""
shape("highlight", {
    **_MARK,
    "/Subtype": name("/Highlight", "/Underline", "/StrikeOut"),
    "/CA": number,
    "/AP": a("appearance"),
})  # fmt: skip
shape("appearance", {"/N": a("form")})
shape("drawing", {"/Rect": BOX, "/F": number, "/OC": _OC})
"""A drawing, or the appearance of a form field. `rewrite` adds the appearance and nothing else."""
shape("border", {"/W": number, "/S": name("/S", "/D", "/B", "/I", "/U"), "/D": numbers})
shape(
    PAPER,
    {
        "/PageLayout": name(
            "/SinglePage", "/OneColumn", "/TwoColumnLeft", "/TwoColumnRight", "/TwoPageLeft",
            "/TwoPageRight",
        ),
        "/PageMode": name("/UseNone", "/UseOutlines"),
        "/Lang": string,
        "/MarkInfo": a("marked"),
        "/ViewerPreferences": a("preferences"),
        "/OCProperties": a("all_layers"),
    },
)  # fmt: skip
"""`rewrite` adds pages, page labels, the outline and the structure."""
shape("marked", {"/Marked": boolean, "/Suspects": boolean})
shape("preferences", {"/Direction": name("/L2R", "/R2L")})
