"""What is shown of a file, and what is refused by which name (MT6, MT7)."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features
from pypdf import PdfReader

from sitwith_server.materials import pdf, pictures
from sitwith_server.materials.kinds import REASONS, Clean, Unfit
from sitwith_server.materials.sanitizer import Busy, Sanitizer
from tests.materials import samples as s


def reason(make: object, data: bytes) -> str:
    with pytest.raises(Unfit) as unfit:
        make(data)  # type: ignore[operator]
    return unfit.value.reason


def shown(made: Clean) -> Image.Image:
    found = Image.open(io.BytesIO(made.body))
    found.load()
    return found


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
def test_MT6_a_picture_is_made_anew(form: str) -> None:
    made = pictures.clean(s.picture(form))
    assert (made.width, made.height) == (60, 40) == shown(made).size
    assert made.type == {"JPEG": "image/jpeg", "PNG": "image/png"}[str(shown(made).format)]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "YCbCr"])
def test_MT6_a_picture_of_any_colours_is_shown(mode: str) -> None:
    form = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    made = pictures.clean(s.picture(form, mode=mode))
    assert shown(made).mode in ("RGB", "RGBA")


def test_MT6_nothing_but_the_picture_is_left() -> None:
    data = s.located()
    assert s.SECRET.encode() in data
    made = pictures.clean(data)
    assert s.SECRET.encode() not in made.body
    assert not shown(made).getexif()
    assert (made.width, made.height) == (40, 60), "turned the way it was held"
    both = s.picture("PNG") + b"<script>x()</script>" + s.paper()
    assert b"script" not in pictures.clean(both).body and b"%PDF" not in pictures.clean(both).body


def test_MT6_a_large_picture_is_made_smaller() -> None:
    made = pictures.clean(s.picture(size=(5_000, 1_000)))
    assert (made.width, made.height) == (pictures.SIDE, 512)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (s.SVG, "svg"),
        (s.HTML, "html"),
        (s.paper(), "not_a_picture"),
        (b"MZ" + bytes(200), "not_a_picture"),
        (s.moving(), "animated"),
        (s.vast, "too_many_pixels"),
        (s.picture(size=(300, 300))[:-200], "damaged"),
    ],
    ids=["svg", "html", "pdf", "exe", "moving", "vast", "cut"],
)
def test_MT6_what_is_no_still_picture_is_refused_by_name(
    data: bytes | Callable[[], bytes], name: str
) -> None:
    assert reason(pictures.clean, data if isinstance(data, bytes) else data()) == name


def test_MT6_the_decoders_have_their_known_faults_mended() -> None:
    """What the wheel carries, which no list of packages shows."""
    libwebp = tuple(map(int, str(features.version("webp")).split(".")))
    assert libwebp >= (1, 3, 2), "CVE-2023-4863: a picture writes past a table"
    turbo = tuple(map(int, str(features.version("libjpeg_turbo")).split(".")))
    assert turbo >= (2, 1, 4), "CVE-2021-46822 and those before"


@pytest.mark.parametrize("kind", s.BAD_PAPERS)
def test_MT7_a_paper_that_could_do_something_is_refused_by_name(kind: str) -> None:
    data, name = s.BAD_PAPERS[kind]
    assert reason(pdf.clean, data) == name


def test_MT7_a_paper_is_written_anew_without_its_makers() -> None:
    data = s.paper(s.metadata, pages=3)
    assert s.SECRET.encode() in data
    made = pdf.clean(data)
    again = PdfReader(io.BytesIO(made.body))
    assert (made.type, made.pages, len(again.pages)) == ("application/pdf", 3, 3)
    assert s.SECRET.encode() not in made.body
    assert again.metadata is None
    assert "/Metadata" not in again.trailer["/Root"].get_object()  # type: ignore[operator]


def test_MT7_links_to_the_web_stay_and_other_marks_go() -> None:
    made = PdfReader(io.BytesIO(pdf.clean(s.paper(s.with_mark("Link", A=s.LINK))).body))
    marks: Any = made.pages[0]["/Annots"]
    assert [mark.get_object()["/A"]["/URI"] for mark in marks] == ["https://example.org/help"]
    for change in (s.with_mark("Widget"), s.with_mark("Popup")):
        made = PdfReader(io.BytesIO(pdf.clean(s.paper(change)).body))
        assert not made.pages[0].get("/Annots")


GOOD = {
    "jpeg": s.picture(size=(30, 20)),
    "png": s.picture("PNG"),
    "gif": s.picture("GIF"),
    "webp": s.picture("WEBP"),
    "pdf": s.paper(s.with_mark("Link", A=s.LINK)),
}


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(GOOD)), st.integers(0, 2**32), st.integers(1, 30))
def test_MT6_MT7_no_bytes_do_more_than_be_refused(kind: str, seed: int, times: int) -> None:
    chance = random.Random(seed)
    data = bytearray(GOOD[kind])
    for _ in range(times):
        at = chance.randrange(len(data))
        change = chance.randrange(4)
        if change == 0:
            data[at] = chance.randrange(256)
        elif change == 1:
            del data[at : at + chance.randrange(1, 9)]
        elif change == 2:
            data[at:at] = chance.randbytes(chance.randrange(1, 9))
        else:
            other = GOOD[chance.choice(sorted(GOOD))]
            data[at:at] = other[: chance.randrange(len(other))]
        data = data or bytearray(b"x")
    for clean in (pictures.clean, pdf.clean):
        try:
            made = clean(bytes(data))
        except Unfit as unfit:
            assert unfit.reason in REASONS
        else:
            assert made.body and made.type in ("image/jpeg", "image/png", "application/pdf")


async def test_MT8_files_are_looked_into_by_a_process_of_their_own() -> None:
    sanitizer = Sanitizer()
    made = await sanitizer.sanitize("picture", s.picture())
    assert (made.type, made.width, made.height) == ("image/jpeg", 60, 40)
    assert shown(made).size == (60, 40)
    for kind, data, name in (
        ("picture", b"", "empty"),
        ("picture", s.SVG, "svg"),
        ("pdf", s.BAD_PAPERS["a script by name"][0], "scripts"),
    ):
        with pytest.raises(Unfit) as unfit:
            await sanitizer.sanitize(kind, data)
        assert unfit.value.reason == name


async def test_MT8_a_file_that_takes_too_long_ends_with_its_process() -> None:
    with pytest.raises(Unfit) as unfit:
        await Sanitizer(seconds=0.0).sanitize("picture", s.picture())
    assert unfit.value.reason == "too_complex"


async def test_MT8_of_too_many_at_once_more_are_turned_away() -> None:
    sanitizer = Sanitizer(at_once=0)
    sanitizer._waiting = 8
    with pytest.raises(Busy):
        await sanitizer.sanitize("picture", s.picture())
