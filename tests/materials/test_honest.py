"""Papers and pictures that people have made, from Debian's packages: they pass, and look the same.

Only `make soak` fetches them, once, into `.setup/honest`.
"""

from __future__ import annotations

import io
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat

from sitwith_server.materials import pdf, pictures
from sitwith_server.materials.child import CPU_SECONDS
from sitwith_server.materials.kinds import Clean, Unfit
from tests.materials import reading, stained_pictures

FOLDER: Final = Path(__file__).parents[2] / ".setup" / "honest"
PAPERS: Final = (
    "texlive-latex-recommended-doc", "texlive-humanities-doc", "texlive-fonts-recommended-doc",
    "r-doc-pdf", "gnuplot-doc", "asymptote-doc", "python-reportlab-doc", "ghostscript-doc",
)  # fmt: skip
PICTURES: Final = (
    "mate-backgrounds", "marble-data", "lxqt-themes", "gnome-backgrounds", "adwaita-icon-theme",
)  # fmt: skip
COUNT: Final = 200
PASS: Final = 0.98
SAME: Final = 0.0005
"""Share of a page that may have another colour."""
PAPER_BYTES, PICTURE_BYTES = 10 * 2**20, 5 * 2**20
"""What may be brought at all."""


class Drawn(Protocol):
    def __call__(self, paper: bytes, folder: Path) -> list[bytes]: ...


def fetched(packages: tuple[str, ...], *endings: str) -> list[Path]:
    for package in packages:
        place = FOLDER / package
        if not place.is_dir():
            new = FOLDER / f"{package}.new"
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            run = ["apt-get", "download", "-qq", package]
            subprocess.run(run, cwd=new, check=True, capture_output=True)
            (archive,) = new.glob("*.deb")
            subprocess.run(["dpkg-deb", "-x", str(archive), str(new)], check=True)
            archive.unlink()
            new.rename(place)
    found = (each for package in packages for each in (FOLDER / package).rglob("*"))
    return sorted(each for each in found if each.suffix in endings and each.is_file())


def some(files: list[Path], most: int) -> Iterator[tuple[Path, bytes]]:
    random.Random(11).shuffle(files)
    for each in files:
        if 0 < each.stat().st_size <= most:
            yield each, each.read_bytes()


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_MT14_honest_papers_pass_and_look_the_same(tmp_path: Path) -> None:
    looked, wrong, slowest = 0, [], 0.0
    for place, data in some(fetched(PAPERS, ".pdf"), PAPER_BYTES):
        began = time.process_time()
        try:
            made = pdf.clean(data)
        except Unfit as unfit:
            if unfit.reason == "too_many_pages":
                continue  # a book, whoever made it
            wrong.append(f"{place.name}: {unfit.reason}")
        else:
            slowest = max(slowest, time.process_time() - began)
            worst = _difference(data, made.body, tmp_path)
            if worst > SAME:
                # Poppler leaves out fields that MuPDF and browsers show: then MuPDF decides.
                worst = _difference(data, made.body, tmp_path, reading.drawn_by_mupdf)
            if worst > SAME:
                wrong.append(f"{place.name}: {worst:.2%} of a page is another")
        looked += 1
        if looked == COUNT:
            break
    print(f"{looked} papers, {len(wrong)} not the same: {wrong}; slowest {slowest:.2f} s")
    assert looked == COUNT and slowest < CPU_SECONDS
    assert len(wrong) <= COUNT * (1 - PASS)


def _difference(before: bytes, after: bytes, folder: Path, drawn: Drawn = reading.drawn) -> float:
    """Which share of the worst page has another colour."""
    one, other = (drawn(each, folder) for each in (before, after))
    if len(one) != len(other) or not one:
        return 1.0
    return max(_share(*pair) for pair in zip(one, other, strict=True))


def _share(one: bytes, other: bytes) -> float:
    left, right = (Image.open(io.BytesIO(each)).convert("RGB") for each in (one, other))
    if left.size != right.size:
        return 1.0
    seen = ImageChops.difference(left, right).convert("L").histogram()
    return sum(seen[8:]) / (left.width * left.height)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_MT6_honest_pictures_pass_and_look_the_same(tmp_path: Path) -> None:
    looked, wrong = 0, []
    files = fetched(PICTURES, ".jpg", ".jpeg", ".png", ".webp", ".gif")
    # As many photographs as there are; icons are the rest.
    photographs = [each for each in files if each.stat().st_size > 100_000]
    random.Random(11).shuffle(photographs)
    icons = [each for each in files if each.stat().st_size <= 100_000]
    chosen = [*some(photographs, PICTURE_BYTES)][: COUNT // 2]
    chosen += [*some(icons, PICTURE_BYTES)][: COUNT - len(chosen)]
    for place, data in chosen:
        looked += 1
        try:
            made = pictures.clean(data)
        except Unfit as unfit:
            wrong.append(f"{place.name}: {unfit.reason}")
            continue
        assert stained_pictures.left(made.body) == [], place
        if (off := _off(data, made, tmp_path)) > 3:
            wrong.append(f"{place.name}: {off:.1f} of 255 off")
    print(f"{looked} pictures, {len(wrong)} not the same: {wrong}")
    assert looked == COUNT
    assert len(wrong) <= COUNT * (1 - PASS)


def _off(before: bytes, made: Clean, folder: Path) -> float:
    """By how much a point differs on average. What was written is read by MuPDF."""
    place = folder / ("new.jpg" if made.type == "image/jpeg" else "new.png")
    place.write_bytes(made.body)
    out = folder / "new.ppm"
    size = ["-w", str(made.width), "-h", str(made.height), "-f"]
    subprocess.run(
        ["mutool", "draw", "-q", *size, "-o", str(out), str(place)], check=True, capture_output=True
    )
    was = ImageOps.exif_transpose(Image.open(io.BytesIO(before))).convert("RGBA")
    ground = Image.new("RGBA", was.size, "white")
    ground.alpha_composite(was)
    now = Image.open(out).convert("RGB")
    both = ImageChops.difference(ground.convert("RGB").resize(now.size), now)
    return sum(ImageStat.Stat(both).mean) / 3
