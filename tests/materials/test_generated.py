"""Thousands of files with what should not be in them: none of it comes out (MT6, MT14).

What was written is read by qpdf, MuPDF, Poppler and ExifTool, and by how the parts of a file lie.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sitwith_server.materials import papers, pictures
from sitwith_server.materials.kinds import Clean, Unfit
from tests.materials import generated, reading, stained_pictures
from tests.materials.pdf_file import FORMS
from tests.materials.stains import STAINS

SMOKE, SOAK = 100, 5_000


def washed(data: bytes, *, by_lists_alone: bool = False) -> Clean | None:
    try:
        return papers.rewritten(data) if by_lists_alone else papers.clean(data)
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
        made = papers.clean(data)
        before, after = (reading.drawn(each, tmp_path) for each in (data, made.body))
        assert before == after != []
        assert len(set(after[0])) > 20, "something was drawn"


def test_MT14_links_jumps_outline_and_structure_stay(tmp_path: Path) -> None:
    body = papers.clean(generated.written(generated.honest(1), "packed")).body
    text = reading.objects(body, tmp_path)
    for kept in (
        '"/URI": "u:https://example.org/help?a=1&b=(2)"', '"/Title": "u:First"',
        '"/Dest"', '"/StructTreeRoot"', '"/Alt": "u:A square"', '"/PageLabels"',
        '"/TextAlign": "/Start"', '"/OCProperties"', '"/Lang": "u:en"',
    ):  # fmt: skip
        assert kept in text, kept


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
