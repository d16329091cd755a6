"""What should not be in a paper: every action, file, script and trace, and where they can hang."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Final

from tests.materials.generated import MARK, Sheet, photograph, profile
from tests.materials.pdf_file import Name, Ref, Stream

N = Name
Stain = Callable[[Sheet], None]

# --------------------------------------------------------------------------------------- actions


def _file(sheet: Sheet) -> Any:
    """A file of any kind: a name, one on another machine, one that is carried along."""
    inside = sheet.file.add(Stream({"Type": N("EmbeddedFile")}, b"MZ" + MARK))
    return sheet.chance.choice(
        (
            MARK + b".exe",
            b"\\\\example.org\\" + MARK,
            {"Type": N("Filespec"), "F": MARK, "UF": MARK},
            {"Type": N("Filespec"), "FS": N("URL"), "F": b"http://example.org/" + MARK},
            {"Type": N("Filespec"), "F": b"x", "EF": {"F": inside}},
        )
    )


def _script(sheet: Sheet) -> Any:
    words = b"app.alert('" + MARK + b"')"
    return sheet.chance.choice((words, sheet.file.add(Stream({}, words))))


ADDRESSES: Final = (
    b"javascript://example.org/%0a" + MARK,
    b"javascript:" + MARK, b"JaVaScRiPt:" + MARK, b" javascript:" + MARK, b"java\nscript:" + MARK,
    b"file:///" + MARK, b"\\\\example.org\\" + MARK, b"smb://example.org/" + MARK,
    b"data:text/html," + MARK, b"vbscript:" + MARK, MARK + b".html", b"//example.org/" + MARK,
    b"http:" + MARK, b"https:///" + MARK, b"http:\\\\example.org\\" + MARK, b"mailto:" + MARK,
    b"ms-word:ofe|u|" + MARK, b"https\x00://" + MARK,
    b"\xfe\xff" + MARK.decode().encode("utf-16-be"),
    b"ftp://example.org/" + MARK, b"view-source:http://" + MARK, b"http ://example.org/" + MARK,
    b"https://example.org/ " + MARK, b"https://example.org@" + MARK + b".example/",
)  # fmt: skip

DEEDS: Final[dict[str, Callable[[Sheet], dict[str, Any]]]] = {
    "URI": lambda s: {"URI": s.chance.choice(ADDRESSES)},
    "Launch": lambda s: {"F": _file(s), "Win": {"F": b"cmd", "P": MARK}},
    "GoToR": lambda s: {"F": _file(s), "D": [0, N("Fit")]},
    "GoToE": lambda s: {"F": _file(s), "T": {"R": N("C"), "N": MARK}},
    "GoToDp": lambda s: {"Dp": {"X": MARK}},
    "SubmitForm": lambda s: {"F": _file(s), "Fields": [MARK], "Flags": 4},
    "ResetForm": lambda s: {"Fields": [MARK]},
    "ImportData": lambda s: {"F": _file(s)},
    "JavaScript": lambda s: {"JS": _script(s)},
    "Rendition": lambda s: {"JS": _script(s), "OP": 0, "R": {"S": N("MR"), "N": MARK}},
    "RichMediaExecute": lambda s: {"CMD": {"C": MARK}},
    "Sound": lambda s: {"Sound": s.file.add(Stream({"Type": N("Sound"), "R": 8000}, MARK))},
    "Movie": lambda s: {"T": MARK, "Operation": N("Play")},
    "Thread": lambda s: {"F": _file(s), "D": MARK},
    "Hide": lambda s: {"T": MARK},
    "Named": lambda s: {"N": N(MARK.decode())},
    "SetOCGState": lambda s: {"State": [N("ON"), MARK]},
    "Trans": lambda s: {"Trans": {"S": N("Fly"), "X": MARK}},
    "GoTo3DView": lambda s: {"V": MARK},
    "Unheard": lambda s: {"X": MARK},
}
"""Each kind of action (ISO 32000-2, table 201), and one that nobody knows."""


def deed(sheet: Sheet, depth: int = 0) -> Any:
    """An action, perhaps behind a harmless one, perhaps with more behind it."""
    chance = sheet.chance
    kind = chance.choice(sorted(DEEDS))
    made = {"Type": N("Action"), "S": sheet.maybe(N(kind)), **DEEDS[kind](sheet)}
    if depth < 3 and chance.random() < 0.3:
        following = deed(sheet, depth + 1)
        made["Next"] = chance.choice((following, [following]))
    if depth < 3 and chance.random() < 0.25:
        front = {"S": N("GoTo"), "D": [sheet.pages[0], N("Fit")]}
        web = {"S": N("URI"), "URI": b"https://example.org/"}
        made = {**chance.choice((front, web)), "Next": sheet.maybe(made)}
    return sheet.maybe(made)


TRIGGERS: Final = ("E", "X", "D", "U", "Fo", "Bl", "PO", "PC", "PV", "PI", "O", "C", "K", "F", "V",
                   "WC", "WS", "DS", "WP", "DP")  # fmt: skip


def deeds(sheet: Sheet) -> dict[str, Any]:
    return {each: deed(sheet) for each in sheet.chance.sample(TRIGGERS, 2)}


# ----------------------------------------------------------------------------- where they hang


def _link(sheet: Sheet) -> None:
    key = sheet.chance.choice(("A", "A", "PA", "AA"))
    value = deeds(sheet) if key == "AA" else deed(sheet)
    sheet.mark(Subtype=sheet.maybe(N("Link")), **{key: value})


def _address(sheet: Sheet) -> None:
    address = sheet.maybe(sheet.chance.choice(ADDRESSES))
    sheet.mark(Subtype=N("Link"), A=sheet.maybe({"S": N("URI"), "URI": address}))


def _opens(sheet: Sheet) -> None:
    sheet.root["OpenAction"] = deed(sheet)


def _paper_deeds(sheet: Sheet) -> None:
    sheet.root["AA"] = sheet.maybe(deeds(sheet))


def _page_deeds(sheet: Sheet) -> None:
    sheet.page()["AA"] = sheet.maybe(deeds(sheet))


def _line(sheet: Sheet) -> None:
    top = sheet.file.at(sheet.root["Outlines"])
    line = sheet.file.at(top["First"])
    line.pop("Dest", None)
    line[sheet.chance.choice(("A", "AA", "SE"))] = deed(sheet)


def _field(sheet: Sheet) -> None:
    made = sheet.mark(Subtype=N("Widget"), FT=N("Tx"), T=MARK, A=deed(sheet), AA=deeds(sheet))
    made["MK"] = {"CA": MARK}
    form: dict[str, Any] = {"Fields": [sheet.file.add(made)], "DA": MARK}
    if sheet.chance.random() < 0.5:
        form["XFA"] = [b"template", sheet.file.add(Stream({}, b"<xdp>" + MARK))]
    sheet.root["AcroForm"] = sheet.maybe(form)


def _names(sheet: Sheet) -> None:
    tree = sheet.chance.choice(
        ("JavaScript", "EmbeddedFiles", "AP", "Pages", "Templates", "IDS", "URLS", "Renditions",
         "AlternatePresentations")
    )  # fmt: skip
    leaf: dict[str, Any] = {"Names": [MARK, sheet.maybe(deed(sheet))]}
    if sheet.chance.random() < 0.5:
        leaf = {"Kids": [sheet.file.add({**leaf, "Limits": [MARK, MARK]})]}
    names = sheet.file.at(sheet.root.get("Names", {}))
    sheet.root["Names"] = sheet.maybe({**names, tree: sheet.maybe(leaf)})


def _named_place(sheet: Sheet) -> None:
    """A place of a name that is an action, not a place."""
    names = sheet.file.at(sheet.root.get("Names", {}))
    at: Any = {"D": [sheet.pages[0], N("Fit")], "A": deed(sheet), **sheet.file.at(deed(sheet))}
    sheet.root["Names"] = {**names, "Dests": {"Names": [MARK, sheet.maybe(at)]}}
    sheet.mark(Subtype=N("Link"), Dest=MARK)


MARKS: Final = (
    "Text", "FreeText", "Line", "Square", "Circle", "Polygon", "PolyLine", "Stamp", "Caret", "Ink",
    "Popup", "FileAttachment", "Sound", "Movie", "Screen", "Widget", "PrinterMark", "TrapNet",
    "Watermark", "3D", "Redact", "Projection", "RichMedia", "Unheard",
)  # fmt: skip


def _annotation(sheet: Sheet) -> None:
    about = {"Type": N("XObject"), "Subtype": N("Form"), "BBox": [0, 0, 9, 9], "Metadata": MARK}
    look = sheet.file.add(Stream(about, b"0 0 9 9 re f"))
    sheet.mark(
        AP={"N": sheet.chance.choice((look, {"On": look})), "D": deed(sheet)}, AS=N("On"),
        Subtype=N(sheet.chance.choice(MARKS)), Contents=MARK, T=MARK, RC=MARK, FS=_file(sheet),
        A=deed(sheet), RichMediaContent={"X": MARK}, NM=MARK,
    )  # fmt: skip


def _noted(sheet: Sheet) -> None:
    """A highlight stays; who made it, what they wrote and what it does go."""
    sheet.mark(
        Subtype=N("Highlight"), QuadPoints=[0, 0, 9, 0, 0, 9, 9, 9], T=MARK, Contents=MARK,
        Subj=MARK, A=deed(sheet), Popup=sheet.file.add({"Contents": MARK}),
    )  # fmt: skip


# ---------------------------------------------------------------------------------- anywhere


def _disguised(sheet: Sheet) -> None:
    """Actions where a dictionary has names of its author's choice, or an `/S` of its own."""
    resources = sheet.file.at(sheet.page()["Resources"])
    where = sheet.chance.choice(("Font", "ExtGState", "Properties", "XObject", "ColorSpace"))
    resources[where]["Zz"] = deed(sheet)
    part = sheet.file.at(sheet.file.at(sheet.root["StructTreeRoot"])["K"])
    made = {"Type": N("StructElem"), **sheet.file.at(deed(sheet))}
    made.pop("T", None)  # which would be its title
    part["K"] = [0, sheet.maybe(made)]


def _stream(sheet: Sheet) -> Ref:
    return sheet.file.add(Stream({"Type": N("Metadata"), "Subtype": N("XML")}, b"<x>" + MARK))


EXTRAS: Final[dict[str, Stain | Callable[[Sheet], Any]]] = {
    "A": deed, "AA": deeds, "PA": deed, "OpenAction": deed, "Next": deed, "SE": deed, "JS": _script,
    "Metadata": _stream, "PieceInfo": lambda s: {"App": {"Private": MARK}}, "AF": _file,
    "LastModified": lambda s: MARK, "EF": _file, "FS": _file, "Thumb": _stream, "OPI": _file,
    "Ref": lambda s: {"F": _file(s), "Page": 0}, "Collection": lambda s: {"Schema": {"X": MARK}},
    "Requirements": lambda s: [{"S": N("EnableJavaScripts"), "RH": [{"Script": MARK}]}],
    "Perms": lambda s: {"DocMDP": MARK}, "DSS": _stream, "Legal": lambda s: MARK,
    "Extensions": lambda s: {MARK.decode(): MARK}, "SpiderInfo": lambda s: {"C": MARK},
    "Threads": lambda s: [{"I": {"Title": MARK}}], "PresSteps": lambda s: {"NA": deed(s)},
    "URI": lambda s: {"Base": b"file://" + MARK}, "Private": lambda s: MARK, "Dur": lambda s: MARK,
    "Trans": lambda s: {"S": N("Fly"), "X": MARK}, "Encryptd": lambda s: MARK, "B": _stream,
    "SeparationInfo": lambda s: {"X": MARK}, "VP": lambda s: [{"Name": MARK}],
    "Measure": lambda s: {"R": MARK}, "Usage": lambda s: {"CreatorInfo": {"Creator": MARK}},
    "Alternates": lambda s: [{"Image": _stream(s), "OC": MARK}], "Contents": _stream,
    "PtData": lambda s: {"Names": MARK}, "NS": lambda s: {"NS": MARK, "Schema": _file(s)},
    "Author": lambda s: MARK, "Title": lambda s: MARK, "Resources": lambda s: {"Unheard": MARK},
    "MK": lambda s: {"CA": MARK}, "Sig": lambda s: {"Contents": MARK}, "XFA": _stream,
    "Unheard": lambda s: [MARK, {MARK.decode(): [MARK, _stream(s)]}],
}  # fmt: skip
"""Names with values that no list has, for any dictionary of a paper."""
_SAYS: Final = frozenset(("Contents", "Title"))
"""Of these a part is meant to be read in some places."""


def _anywhere(sheet: Sheet) -> None:
    """Something extra in some dictionary that a paper needs."""
    found = [each for each in _dictionaries(list(sheet.file.objects.values()))]
    where = sheet.chance.choice(found)
    key = sheet.chance.choice([each for each in EXTRAS if each not in where])
    if key in _SAYS and ("Subtype" in where or "Title" in where or "MediaBox" in where):
        key = "Unheard"
    if where.get("Type") == "OCG" or key in _SAYS:
        key = "Usage"
    where[key] = sheet.maybe(EXTRAS[key](sheet))


_CHOSEN: Final = frozenset(
    ("square", "Chapter", "F1", "I1", "Sh1", "P1", "G1", "Cs1", "L1", "X1")
)  # fmt: skip


def _dictionaries(values: list[Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while values:
        each = values.pop()
        inner = each.about if isinstance(each, Stream) else each
        if isinstance(inner, dict):
            # What has names of its own choice (characters, roles) is no place for more.
            if (inner or isinstance(each, Stream)) and not _CHOSEN & set(inner):
                found.append(inner)
            values += list(inner.values())
        elif isinstance(inner, list):
            values += inner
    return found


# ------------------------------------------------------------------------------------- streams


def _streams(sheet: Sheet) -> list[Stream]:
    return [each for each in sheet.file.objects.values() if isinstance(each, Stream)]


def _elsewhere(sheet: Sheet) -> None:
    """The bytes of a stream are those of another file."""
    where = sheet.chance.choice(_streams(sheet))
    where.about["F"] = sheet.maybe(_file(sheet))
    where.about["FFilter"] = N("FlateDecode")


def _reference(sheet: Sheet) -> None:
    page = sheet.file.at(sheet.page()["Resources"])
    about = {
        "Type": N("XObject"), "Subtype": N("Form"), "BBox": [0, 0, 9, 9],
        "Ref": sheet.maybe({"F": _file(sheet), "Page": 0}), "OPI": {"2.0": {"F": MARK}},
    }  # fmt: skip
    page["XObject"]["R1"] = sheet.file.add(Stream(about, b"0 g"))


def _postscript(sheet: Sheet) -> None:
    about = {"Type": N("XObject"), "Subtype": sheet.maybe(N("PS"))}
    page = sheet.file.at(sheet.page()["Resources"])
    page["XObject"]["R2"] = sheet.file.add(Stream(about, MARK))


def _picture(sheet: Sheet) -> None:
    """A photograph that knows where it was taken."""
    for each in _streams(sheet):
        if each.about.get("Filter") == "DCTDecode":
            each.data = photograph(stained=True)


def _profile(sheet: Sheet) -> None:
    for each in _streams(sheet):
        if "N" in each.about and "FunctionType" not in each.about and b"acsp" in each.data[:64]:
            each.data = profile(stained=True)


def _behind(sheet: Sheet) -> None:
    """More behind the end of what was packed."""
    where = sheet.chance.choice([each for each in _streams(sheet) if each.packed])
    if "Filter" not in where.about:
        where.about["Filter"], where.data = N("FlateDecode"), zlib.compress(where.data)
    where.data += MARK


# --------------------------------------------------------------------------------- the file


def _unused(sheet: Sheet) -> None:
    sheet.file.add({"S": N("JavaScript"), "JS": MARK})
    sheet.file.add(Stream({}, MARK))


def _info(sheet: Sheet) -> None:
    sheet.file.trailer["Info"] = sheet.file.add({"Author": MARK, "Producer": MARK, "X": MARK})
    sheet.file.trailer["Unheard"] = {"A": deed(sheet)}


STAINS: Final[dict[str, Stain]] = {
    "a link": _link, "an address": _address, "at opening": _opens,
    "deeds of the paper": _paper_deeds,
    "deeds of a page": _page_deeds, "a line of the outline": _line, "a field": _field,
    "a tree of names": _names, "a place with a name": _named_place, "a mark": _annotation,
    "a note": _noted, "anything anywhere": _anywhere, "something anywhere": _anywhere,
    "disguised": _disguised,
    "another file's bytes": _elsewhere, "another file's page": _reference,
    "PostScript": _postscript, "a photograph": _picture, "a profile": _profile,
    "behind a stream": _behind, "what nothing leads to": _unused, "who made it": _info,
}  # fmt: skip
