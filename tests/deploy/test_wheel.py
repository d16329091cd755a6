"""The wheel that operators install."""

from __future__ import annotations

import subprocess
import sys
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
