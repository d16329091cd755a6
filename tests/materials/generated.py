"""Papers as people make them, and what should not be in one, in every place that takes it.

A seed makes a paper: pages with words and pictures, an outline, a structure; then a few stains. All
that a stain brings has its mark in it (`MARK`), so that one look at what is left finds any of it.
"""

from __future__ import annotations

import io
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image, ImageCms

from tests.materials.pdf_file import FORMS, File, Name, Ref, Stream

MARK: Final = b"StainOfX"
WORDS: Final = b"Breathe in for four"
"""Stands on every page."""

PAPER, PAGES = 1, 2
N = Name


@dataclass
class Sheet:
    """A paper under way."""

    file: File
    pages: list[Ref]
    chance: random.Random
    notes: list[str]

    @property
    def root(self) -> dict[str, Any]:
        found: dict[str, Any] = self.file.objects[PAPER]
        return found

    def page(self) -> dict[str, Any]:
        found: dict[str, Any] = self.file.at(self.chance.choice(self.pages))
        return found

    def maybe(self, value: Any) -> Any:
        """The value or a reference to it."""
        by_name = not isinstance(value, Ref) and self.chance.random() < 0.5
        return self.file.add(value) if by_name else value

    def mark(self, **about: Any) -> dict[str, Any]:
        """An annotation on one of the pages."""
        made = {"Type": N("Annot"), "Rect": [10, 10, 90, 40], **about}
        self.page()["Annots"].append(self.file.add(made))
        return made


# ------------------------------------------------------------------------------- honest papers


def honest(seed: int) -> Sheet:
    """A paper with something of all that papers draw."""
    chance = random.Random(seed)
    file = File(chance)
    file.objects = {PAPER: {}, PAGES: {}}
    file.trailer = {"Root": Ref(PAPER)}
    resources = _resources(file)
    sheet = Sheet(file, [], chance, [])
    for number in range(chance.randint(1, 3)):
        text = file.add(Stream({}, _drawn(number)))
        page = {
            "Type": N("Page"), "Parent": Ref(PAGES), "MediaBox": [0, 0, 300, 200],
            "Resources": resources, "Contents": chance.choice((text, [text])), "Annots": [],
            "StructParents": number,
        }  # fmt: skip
        sheet.pages.append(file.add(page))
    file.objects[PAGES] = {"Type": N("Pages"), "Kids": sheet.pages, "Count": len(sheet.pages)}
    first = sheet.pages[0]
    link = {"S": N("URI"), "URI": b"https://example.org/help?a=1&b=(2)"}
    file.at(first)["Annots"] += [
        file.add({"Type": N("Annot"), "Subtype": N("Link"), "Rect": [5, 5, 60, 20], "A": link}),
        file.add(
            {"Type": N("Annot"), "Subtype": N("Link"), "Rect": [70, 5, 99, 20],
             "Border": [0, 0, 1], "A": {"S": N("GoTo"), "D": b"chapter"}}
        ),
    ]  # fmt: skip
    sheet.root.update(Type=N("Catalog"), Pages=Ref(PAGES), Lang=b"en")
    sheet.root["Names"] = {"Dests": {"Names": [b"chapter", [sheet.pages[-1], N("Fit")]]}}
    _outline(sheet)
    _structure(sheet)
    return sheet


def _drawn(number: int) -> bytes:
    return (
        b"BT /F1 18 Tf 20 150 Td (%b %d) Tj ET /Span <</MCID 0>> BDC "
        b"q 60 0 0 40 20 80 cm /I1 Do Q q 60 0 0 40 100 80 cm /I2 Do Q EMC "
        b"q 1 0 0 1 180 80 cm /X1 Do Q /Sh1 sh "
        b"/Pattern cs /P1 scn 20 30 100 30 re f /G1 gs /Cs1 cs 0.4 scn 140 30 60 30 re f "
        b"BT /T3 20 Tf 220 40 Td (a) Tj ET /OC /L1 BDC 210 20 20 20 re f EMC" % (WORDS, number)
    )


def photograph(*, stained: bool = False) -> bytes:
    """A JPEG; stained, it says where it was taken and by whom, and has more behind its end."""
    made = io.BytesIO()
    picture = Image.linear_gradient("L").resize((24, 16)).convert("RGB")
    if not stained:
        picture.save(made, "JPEG")
        return made.getvalue()
    exif = Image.Exif()
    exif[0x010E] = MARK.decode()
    exif.get_ifd(0x8825)[1] = "N"
    picture.save(
        made, "JPEG", exif=exif, comment=MARK, xmp=b"<x:xmpmeta>" + MARK + b"</x:xmpmeta>",
        icc_profile=profile(stained=True),
    )  # fmt: skip
    return made.getvalue() + MARK


def profile(*, stained: bool = False) -> bytes:
    """An ICC profile; stained, its texts are ours."""
    plain: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if not stained:
        return plain
    at = plain.index(b"mluc") + 28
    while plain.find(b"mluc", at) > 0:
        at = plain.index(b"mluc", at) + 28
    return plain[:at] + MARK + plain[at + len(MARK) :]


def _resources(file: File) -> Ref:
    grey = {"FunctionType": 2, "Domain": [0, 1], "C0": [0.9, 0.9, 1], "C1": [0, 0, 0.5], "N": 1}
    shading = {
        "ShadingType": 2, "ColorSpace": N("DeviceRGB"), "Coords": [0, 0, 1, 0],
        "Function": file.add(grey), "BBox": [250, 150, 299, 199],
    }  # fmt: skip
    layer = file.add({"Type": N("OCG"), "Name": b"Layer"})
    mask = file.add(
        Stream(
            {"Type": N("XObject"), "Subtype": N("Image"), "Width": 4, "Height": 2,
             "ColorSpace": N("DeviceGray"), "BitsPerComponent": 8},
            bytes(range(0, 240, 30)),
        )
    )  # fmt: skip
    colours = [N("ICCBased"), file.add(Stream({"N": 3}, profile()))]
    pixels = b"".join(b"\2" + bytes((at, 0, 200 - at)) * 4 for at in (90, 10))
    picture = Stream(
        {"Type": N("XObject"), "Subtype": N("Image"), "Width": 4, "Height": 2,
         "ColorSpace": colours, "BitsPerComponent": 8, "SMask": mask,
         "Filter": N("FlateDecode"), "DecodeParms": {"Predictor": 15, "Colors": 3, "Columns": 4}},
        zlib.compress(pixels),
    )  # fmt: skip
    photo = Stream(
        {"Type": N("XObject"), "Subtype": N("Image"), "Width": 24, "Height": 16,
         "ColorSpace": N("DeviceRGB"), "BitsPerComponent": 8, "Filter": N("DCTDecode")},
        photograph(),
    )  # fmt: skip
    form = Stream(
        {"Type": N("XObject"), "Subtype": N("Form"), "BBox": [0, 0, 50, 50],
         "Group": {"S": N("Transparency"), "CS": N("DeviceRGB")}, "Resources": {}},
        b"1 0 0 RG 2 w 5 5 40 40 re S",
    )  # fmt: skip
    tiles = Stream(
        {"PatternType": 1, "PaintType": 1, "TilingType": 1, "BBox": [0, 0, 8, 8], "XStep": 8,
         "YStep": 8, "Resources": {}},
        b"0 0.5 0 rg 0 0 4 4 re f",
    )  # fmt: skip
    letter = file.add(Stream({}, b"600 0 0 0 600 600 d1 0 0 600 600 re f"))
    drawn = {
        "Type": N("Font"), "Subtype": N("Type3"), "FontBBox": [0, 0, 600, 600],
        "FontMatrix": [0.001, 0, 0, 0.001, 0, 0], "FirstChar": 97, "LastChar": 97,
        "Widths": [600], "Encoding": {"Type": N("Encoding"), "Differences": [97, N("square")]},
        "CharProcs": {"square": letter}, "Resources": {},
    }  # fmt: skip
    plain = {
        "Type": N("Font"), "Subtype": N("Type1"), "BaseFont": N("Helvetica"),
        "Encoding": N("WinAnsiEncoding"),
    }  # fmt: skip
    inked = [N("Separation"), N("Ink"), N("DeviceRGB"), file.add(grey)]
    file.objects[PAPER]["OCProperties"] = {"OCGs": [layer], "D": {"ON": [layer]}}
    return file.add(
        {
            "Font": {"F1": file.add(plain), "T3": file.add(drawn)},
            "XObject": {"I1": file.add(picture), "I2": file.add(photo), "X1": file.add(form)},
            "Shading": {"Sh1": file.add(shading)},
            "Pattern": {"P1": file.add(tiles)},
            "ExtGState": {"G1": {"Type": N("ExtGState"), "ca": 0.8, "BM": N("Normal")}},
            "ColorSpace": {"Cs1": inked},
            "Properties": {"L1": layer},
        }
    )


def _outline(sheet: Sheet) -> None:
    top = sheet.file.add({"Type": N("Outlines"), "Count": 1})
    line = sheet.file.add(
        {"Title": b"First", "Parent": top, "Dest": [sheet.pages[0], N("XYZ"), 0, 200, None]}
    )
    sheet.file.at(top).update(First=line, Last=line)
    sheet.root["Outlines"] = top
    sheet.root["PageLabels"] = {"Nums": [0, {"S": N("D"), "St": 1}]}


def _structure(sheet: Sheet) -> None:
    top = sheet.file.add({"Type": N("StructTreeRoot"), "RoleMap": {"Chapter": N("Sect")}})
    part = sheet.file.add(
        {"Type": N("StructElem"), "S": N("P"), "P": top, "Pg": sheet.pages[0], "K": [0],
         "Alt": b"A square", "A": {"O": N("Layout"), "TextAlign": N("Start")}}
    )  # fmt: skip
    sheet.file.at(top).update(K=part, ParentTree={"Nums": [0, [part]]})
    sheet.root.update(StructTreeRoot=top, MarkInfo={"Marked": True})


# --------------------------------------------------------------------------------- stained ones


def stained(seed: int, kinds: dict[str, Callable[[Sheet], None]], count: int = 2) -> Sheet:
    """A paper with some of what `kinds` can put in."""
    sheet = honest(seed)
    for name in sheet.chance.sample(sorted(kinds), min(count, len(kinds))):
        sheet.notes.append(name)
        kinds[name](sheet)
    return sheet


def written(sheet: Sheet, form: str | None = None) -> bytes:
    """The file, in one of the forms that a file may have."""
    chance = sheet.chance
    form = form or chance.choice(FORMS)
    sheet.notes.append(form)
    sheet.file.odd = chance.choice((0.0, 0.1, 0.4))
    update = {}
    if form in ("updated", "hybrid"):
        # What is at fault comes with the update, or is what the update covers.
        at = chance.choice([PAPER, *(each.number for each in sheet.pages)])
        clean = {key: each for key, each in sheet.file.objects[at].items() if key in _OWN}
        update[at] = sheet.file.objects[at]
        if chance.random() < 0.7:
            sheet.file.objects[at] = clean
        else:
            update = {at: clean}
    sheet.file.hide()
    return sheet.file.whole(form, update=update)


_OWN: Final = frozenset(
    ("Type", "Pages", "Parent", "MediaBox", "Resources", "Contents", "Kids", "Count")
)
