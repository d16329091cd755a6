"""Allowed objects of fonts (ISO 32000-2, section 9), and rules that all lists share."""

from __future__ import annotations

from typing import Final

from sitwith_server.materials.pdf.rules import (
    a,
    array,
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

_KINDS: Final = ("/Type0", "/Type1", "/MMType1", "/Type3", "/TrueType")
FONT: Final = by("/Subtype", dict.fromkeys(_KINDS, "font"))
DATA: Final = Unpacker.data
BOX: Final = array(number, number, number, number, exact=True)
MATRIX: Final = array(*([number] * 6), exact=True)

shape("table", {}, DATA)
"""A stream without entries: colours, codes, glyphs."""
shape(
    "font",
    {
        "/Type": name("/Font"),
        "/Subtype": name(*_KINDS),
        "/Name": name(),
        "/BaseFont": name(),
        "/FirstChar": number,
        "/LastChar": number,
        "/Widths": numbers,
        "/FontDescriptor": a("font_about"),
        "/Encoding": either(name(), a("encoding"), a("code_map")),
        "/ToUnicode": either(a("code_map"), name("/Identity-H", "/Identity-V")),
        "/DescendantFonts": array(a("font_part")),
        "/FontBBox": BOX,
        "/FontMatrix": MATRIX,
        "/CharProcs": each(a("drawn")),
        "/Resources": a("resources"),
    },
)
_WIDTHS: Final = array(either(number, numbers))
shape(
    "font_part",
    {
        "/Type": name("/Font"),
        "/Subtype": name("/CIDFontType0", "/CIDFontType2"),
        "/BaseFont": name(),
        "/CIDSystemInfo": a("characters"),
        "/FontDescriptor": a("font_about"),
        "/DW": number,
        "/W": _WIDTHS,
        "/DW2": numbers,
        "/W2": _WIDTHS,
        "/CIDToGIDMap": either(name("/Identity"), a("table")),
    },
)
shape("characters", {"/Registry": string, "/Ordering": string, "/Supplement": number})
shape(
    "font_about",
    {
        "/Type": name("/FontDescriptor"),
        "/FontName": name(),
        "/FontFamily": string,
        "/FontStretch": name(),
        **dict.fromkeys(
            ("/FontWeight", "/Flags", "/ItalicAngle", "/Ascent", "/Descent", "/Leading",
             "/CapHeight", "/XHeight", "/StemV", "/StemH", "/AvgWidth", "/MaxWidth",
             "/MissingWidth"),
            number,
        ),
        "/FontBBox": BOX,
        "/CharSet": string,
        "/Lang": name(),
        "/CIDSet": a("table"),
        "/FontFile": a("font_file"),
        "/FontFile2": a("font_file"),
        "/FontFile3": a("font_file"),
    },
)  # fmt: skip
shape(
    "font_file",
    {
        "/Subtype": name("/Type1C", "/CIDFontType0C", "/OpenType"),
        "/Length1": number,
        "/Length2": number,
        "/Length3": number,
    },
    DATA,
)
shape(
    "encoding",
    {
        "/Type": name("/Encoding"),
        "/BaseEncoding": name(),
        "/Differences": array(either(number, name())),
    },
)
shape(
    "code_map",
    {
        "/Type": name("/CMap"),
        "/CMapName": name(),
        "/CIDSystemInfo": a("characters"),
        "/WMode": number,
        "/UseCMap": either(name(), a("code_map")),
    },
    DATA,
)
shape("drawn", {}, DATA)
