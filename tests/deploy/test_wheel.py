"""The wheel that operators install."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
PAGE = "server/sitwith_server/web"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (made,) = folder.glob("sitwith-*-py3-none-any.whl")
    return made


def test_the_page_travels_in_the_wheel(wheel: Path) -> None:
    built = ROOT / PAGE
    assert (built / "index.html").is_file(), "run `make setup`"
    page = {str(file.relative_to(ROOT / "server")) for file in built.rglob("*") if file.is_file()}
    assert page <= set(ZipFile(wheel).namelist())


def test_the_wheel_holds_three_packages_and_nothing_else(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    metadata = {top for top in tops if top.endswith(".dist-info")}
    assert tops - metadata == {"sitwith_protocol", "sitwith_server", "sitwith_client"}
    assert {top for top in tops - metadata if f"{top}/py.typed" not in names} == set()
    (info,) = metadata
    assert f"{info}/licenses/LICENSE" in names
    assert "sitwith = sitwith_server.__main__:main" in (
        ZipFile(wheel).read(f"{info}/entry_points.txt").decode()
    )


# --------------------------------------------------------------------------- without its page


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The source as it is before `make setup` has built the page."""
    there = tmp_path / "clone"
    made = shutil.ignore_patterns(
        ".*", "node_modules", "web", "__pycache__", "dist", "tests", "docs"
    )
    shutil.copytree(ROOT, there, ignore=made)
    assert not (there / PAGE).exists()
    return there


def build(source: Path, target: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    return subprocess.run(words, cwd=source, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("target", ["wheel", "sdist"])
def test_nothing_is_built_without_the_page(clone: Path, tmp_path: Path, target: str) -> None:
    done = build(clone, target, tmp_path / "dist")
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "The web page is not built" in said and "run `make setup`" in said
    assert "Traceback" not in said
    assert not list((tmp_path / "dist").glob("*"))


def test_nothing_is_built_of_half_a_page(clone: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / PAGE, clone / PAGE)
    (script,) = (clone / PAGE / "assets").glob("index-*.js")
    script.unlink()
    done = build(clone, "wheel", tmp_path / "dist")
    assert done.returncode != 0
    assert f"{PAGE}/assets/{script.name} is missing" in done.stdout + done.stderr


def test_an_editable_install_needs_no_page(clone: Path, tmp_path: Path) -> None:
    script = "import sys; from hatchling.build import build_editable; build_editable(sys.argv[1])"
    words = [sys.executable, "-c", script, str(tmp_path)]
    subprocess.run(words, cwd=clone, check=True, capture_output=True)
    assert list(tmp_path.glob("sitwith-*.whl"))


def test_a_wheel_made_of_the_source_archive_holds_the_page(tmp_path: Path) -> None:
    """As `python -m build` makes it."""
    assert build(ROOT, "sdist", tmp_path).returncode == 0
    (archive,) = tmp_path.glob("sitwith-*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    (source,) = (each for each in tmp_path.glob("sitwith-*") if each.is_dir())
    done = build(source, "wheel", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("sitwith-*.whl")
    names = ZipFile(wheel).namelist()
    assert "sitwith_server/web/index.html" in names
