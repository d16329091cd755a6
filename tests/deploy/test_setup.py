"""The set-up: what it remembers, what it looks at, and how it fails."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "dev" / "setup.py"


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, at work on an empty folder."""
    spec = importlib.util.spec_from_file_location("sitwith_setup", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    web, venv = tmp_path / "client" / "web", tmp_path / ".venv"
    places = {"ROOT": tmp_path, "VENV": venv, "PYTHON": venv / "bin" / "python", "WEB": web}
    for name, place in (
        places | {"PAGE": tmp_path / "page", "MEMORY": tmp_path / ".setup"}
    ).items():
        monkeypatch.setattr(module, name, place)
    return module


def test_a_fingerprint_knows_names_contents_and_the_rest(setup: ModuleType) -> None:
    one, two = setup.ROOT / "one", setup.ROOT / "two"
    one.write_text("x")
    two.write_text("y")
    first = setup.fingerprint([one, two], "3.11")
    assert setup.fingerprint([two, one], "3.11") == first
    assert setup.fingerprint([one, two], "3.12") != first
    assert setup.fingerprint([one], "3.11") != first
    two.write_text("z")
    assert setup.fingerprint([one, two], "3.11") != first


def test_what_was_remembered_is_found_again(setup: ModuleType) -> None:
    stamp = setup.MEMORY / "deep" / "stamp"
    assert not setup.remembered(stamp, "a")
    setup.remember(stamp, "a")
    assert setup.remembered(stamp, "a")
    assert not setup.remembered(stamp, "b")


def test_the_page_is_made_of_its_sources_alone(setup: ModuleType) -> None:
    for name in ("index.html", "src/main.tsx", "node_modules/x/a.js", "tests/a.test.ts"):
        file = setup.WEB / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    found = sorted(str(file.relative_to(setup.WEB)) for file in setup.sources(setup.WEB))
    assert found == ["index.html", "src/main.tsx"]


def test_a_failing_command_shows_its_output_and_says_what_to_do(
    setup: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        setup.run(
            [sys.executable, "-c", "print('why'); raise SystemExit(3)"], "it broke", "mend it"
        )
    assert ended.value.code == 1
    said = capfd.readouterr()
    assert said.out == ""
    assert "why" in said.err
    assert "it broke" in said.err
    assert "exit code 3" in said.err
    assert said.err.splitlines()[-1].endswith("mend it")


def test_a_command_that_succeeds_says_nothing(
    setup: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    setup.run([sys.executable, "-c", "print('chatter')"], "it broke")
    assert capfd.readouterr() == ("", "")


def test_an_archive_that_brings_its_page_builds_none(setup: ModuleType) -> None:
    with pytest.raises(SystemExit):
        setup.build_page()
    setup.PAGE.mkdir()
    (setup.PAGE / "index.html").write_text("x")
    setup.build_page()
    assert not setup.MEMORY.exists()


def test_a_venv_that_does_not_run_is_none(setup: ModuleType) -> None:
    assert not setup.works(setup.PYTHON)
    setup.PYTHON.parent.mkdir(parents=True)
    setup.PYTHON.write_text("#!/nowhere\n")
    setup.PYTHON.chmod(0o755)
    assert not setup.works(setup.PYTHON)
    assert not setup.works(Path("/bin/false"))


def test_without_venv_and_pip_it_says_what_to_install(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup, "has", lambda *_: False)
    monkeypatch.setattr(setup, "apt", lambda *_: False)
    with pytest.raises(SystemExit):
        setup.make_venv()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"apt-get install python{version}-venv" in capsys.readouterr().err


def test_without_chromium_it_says_what_to_install(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup, "apt", lambda *_: False)
    monkeypatch.setenv("SITWITH_CHROMIUM", "/nowhere/chromium")
    setup.have_browser()
    assert "apt-get install chromium" in capsys.readouterr().err
    monkeypatch.setenv("SITWITH_CHROMIUM", sys.executable)
    setup.have_browser()
    assert capsys.readouterr().err == ""


def test_only_root_installs_packages_of_the_system(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(setup, "run", lambda *_, **__: pytest.fail("it tried to"))
    assert setup.apt("chromium") is False


def test_a_set_up_that_is_not_there_is_refused(
    setup: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        setup.main(["everything"])
    assert "no such set-up" in capsys.readouterr().err
