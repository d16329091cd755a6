"""Thousands of files with what should not be in them: none of it comes out (MT6, MT14).

What was written is read by qpdf, MuPDF, Poppler and ExifTool, and by how the parts of a file lie.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sitwith_server.materials import pdf, pictures
from sitwith_server.materials.kinds import Clean, Unfit
from tests.materials import generated, reading, stained_pictures
from tests.materials.pdf_file import FORMS, Name, Stream
from tests.materials.stains import STAINS

SMOKE, SOAK = 100, 5_000


def washed(data: bytes, *, by_lists_alone: bool = False) -> Clean | None:
    try:
        return pdf.rewritten(data) if by_lists_alone else pdf.clean(data)
    except Unfit:
        return None


def wash_papers(seeds: range, folder: Path, *, second_opinions: int) -> Counter[str]:
    """Washes one paper a seed, twice: as people's are, and with nothing refused for its deeds."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        sheet = generated.stained(seed, STAINS, count=1 + seed % 4)
        data = generated.written(sheet)
        about = (seed, sheet.notes)
        if seed % 4 == 0:
            assert reading.found(data, folder), (about, "nothing is wrong before, either")
        for alone in (False, True):
            made = washed(data, by_lists_alone=alone)
            counts[("written" if made else "refused") + " by lists alone" * alone] += 1
            if made is None:
                assert not alone or "encrypted" in sheet.notes, about
                continue
            assert reading.found(made.body, folder) == [], about
            assert made.pages == len(sheet.pages), about
            if seed % second_opinions == 0:
                assert reading.found_by_mupdf(made.body, folder) == [], about
                assert reading.found_by_poppler(made.body, folder) == [], about
    return counts


def test_MT14_nothing_of_what_should_not_be_there_is_left(tmp_path: Path) -> None:
    counts = wash_papers(range(SMOKE), tmp_path, second_opinions=10)
    assert counts["written by lists alone"] > SMOKE / 2 < counts["refused"]


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_MT14_nothing_is_left_of_thousands(tmp_path: Path) -> None:
    print(wash_papers(range(10_000, 10_000 + SOAK), tmp_path, second_opinions=10))


@pytest.mark.parametrize("form", FORMS)
def test_MT14_an_honest_paper_looks_the_same(form: str, tmp_path: Path) -> None:
    for seed in range(3):
        data = generated.written(generated.honest(seed), form)
        if form == "encrypted":
            assert washed(data) is None
            continue
        made = pdf.clean(data)
        before, after = (reading.drawn(each, tmp_path) for each in (data, made.body))
        assert before == after != []
        assert len(set(after[0])) > 20, "something was drawn"


def test_MT14_links_jumps_outline_and_structure_stay(tmp_path: Path) -> None:
    body = pdf.clean(generated.written(generated.honest(1), "packed")).body
    text = reading.objects(body, tmp_path)
    for kept in (
        '"/URI": "u:https://example.org/help?a=1&b=(2)"', '"/Title": "u:First"',
        '"/Dest"', '"/StructTreeRoot"', '"/Alt": "u:A square"', '"/PageLabels"',
        '"/TextAlign": "/Start"', '"/OCProperties"', '"/Lang": "u:en"',
    ):  # fmt: skip
        assert kept in text, kept


REFUSED = {
    "JavaScript": "scripts",
    "Launch": "actions",
    "SubmitForm": "actions",
    "GoToR": None,
    "Unheard": None,
}
"""Actions by what a paper with one is refused for; None: it is left out in silence."""


@pytest.mark.parametrize("deed", REFUSED)
@pytest.mark.parametrize("lies", ["name", "whole", "next"])
def test_MT7_MT14_actions_are_known_by_their_resolved_values(
    deed: str, lies: str, tmp_path: Path
) -> None:
    sheet = generated.honest(2)
    add = sheet.file.add
    about = {"JS": b"x", "F": b"x"} if deed == "JavaScript" else {"F": b"x"}
    action: object = {"S": add(Name(deed)) if lies == "name" else Name(deed), **about}
    if lies == "next":
        action = {"S": Name("URI"), "URI": b"https://example.org", "Next": [add(action)]}
    sheet.mark(Subtype=Name("Link"), A=add(action) if lies == "whole" else action)
    data = sheet.file.whole("packed")
    if (reason := REFUSED[deed]) is None:
        assert pdf.clean(data).pages == len(sheet.pages)
    else:
        with pytest.raises(Unfit, match=reason):
            pdf.clean(data)
    assert reading.found(pdf.rewritten(data).body, tmp_path) == []


@pytest.mark.parametrize("subtype", ["Widget", "FreeText", "Ink", "Stamp"])
def test_MT14_a_field_or_a_drawing_is_how_it_looks(subtype: str, tmp_path: Path) -> None:
    sheet = generated.honest(4)
    add = sheet.file.add
    look = {"Type": Name("XObject"), "Subtype": Name("Form"), "BBox": [0, 0, 80, 30]}
    on, off = (add(Stream(look, each)) for each in (b"1 0 0 rg 0 0 80 30 re f", b"0 0 9 9 re f"))
    mark = sheet.mark(
        Subtype=Name(subtype), Rect=[200, 90, 280, 120], F=4, AS=Name("On"), T=generated.MARK,
        AP={"N": {"On": on, "Off": off}}, Contents=generated.MARK, FT=Name("Btn"), V=Name("On"),
    )  # fmt: skip
    data = sheet.file.whole("plain")
    body = pdf.clean(data).body
    assert reading.found(body, tmp_path) == []
    mark.pop("AP")
    bare = pdf.clean(sheet.file.whole("plain")).body
    seen, unseen = (
        sum(each.count(b"\xff\0\0") for each in reading.drawn(paper, tmp_path))
        for paper in (body, bare)
    )
    assert seen > unseen + 100
    if subtype == "Stamp":
        assert reading.drawn(body, tmp_path) == reading.drawn(data, tmp_path)


# ------------------------------------------------------------------------------------- pictures


def wash_pictures(seeds: range, folder: Path) -> None:
    for seed in seeds:
        form, data = stained_pictures.stained(seed)
        made = pictures.clean(data)
        assert stained_pictures.left(made.body) == [], (seed, form)
        assert not stained_pictures.is_hidden_left(made.body), (seed, form)
        (folder / f"{seed}.{made.type.partition('/')[2]}").write_bytes(made.body)
    told = stained_pictures.told(folder)
    assert len(told) == len(seeds)
    assert {name: each for name, each in told.items() if each} == {}


def test_MT6_nothing_is_left_beside_the_pixels(tmp_path: Path) -> None:
    wash_pictures(range(100), tmp_path)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_MT6_nothing_is_left_beside_the_pixels_of_thousands(tmp_path: Path) -> None:
    wash_pictures(range(10_000, 10_000 + SOAK), tmp_path)


def test_MT6_the_readers_see_what_was_there(tmp_path: Path) -> None:
    """Else what is above would show nothing."""
    for seed in range(20):
        form, data = stained_pictures.stained(seed)
        if form in ("JPEG", "PNG"):
            assert stained_pictures.left(data)
            (tmp_path / f"{seed}.{form.lower()}").write_bytes(data)
    told = stained_pictures.told(tmp_path)
    assert len(told) > 5 and all(told.values())
