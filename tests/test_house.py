"""The laws of the house that no linter knows."""

from __future__ import annotations

import ast
import json
import os
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import sitwith_server
from deploy.dev import generate
from sitwith_protocol import fields
from sitwith_server.room.members import names

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("requirements.txt", "requirements-build.txt", "requirements-dev.txt")
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;]+)", re.MULTILINE)
NAME = re.compile(r"^[A-Za-z0-9._-]+")
PACKAGES = ("protocol/sitwith_protocol", "server/sitwith_server", "client/python/sitwith_client")
MOST_LINES = 400
MOST_MODULES = 20
# The aim is 25 methods; a few more are no reason to cut a thing in two.
MOST_METHODS = 28
WRITTEN = {".py", ".ts", ".tsx", ".lua", ".css", ".html"}
MADE = ("node_modules", "dist", "__pycache__", "sitwith_server/web")
MODULES = {".py", ".ts", ".tsx", ".lua"}

#: Files and folders that are larger than the house allows, as large as they are: the numbers may
#: only fall, and an exception that is not needed any more goes.
LONG_FILES: dict[str, int] = {}
LARGE_FOLDERS = {"client/python/sitwith_client": 21}

#: A path from the root as a document names it, and the target of a link.
PATH = re.compile(
    r"(?<![\w/.:-])((?:server|client|protocol|tests|deploy|docs|benchmarks)/[\w./-]*[\w/])"
)
LINK = re.compile(r"\]\(([^)#]+)\)")
OURS = {Path(package).name for package in PACKAGES}

#: All that the pure room may know of Python: values, and ways to put them together.
PURE = {
    "__future__",
    "abc",
    "bisect",
    "collections",
    "copy",
    "dataclasses",
    "enum",
    "functools",
    "hashlib",
    "heapq",
    "itertools",
    "math",
    "operator",
    "re",
    "string",
    "types",
    "typing",
    "unicodedata",
}


def pins(lock: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / lock).read_text(encoding="utf-8")))


def wanted(requirements: list[str]) -> set[str]:
    names = (match[0] for each in requirements if (match := NAME.match(each)))
    return {name.lower().replace("_", "-") for name in names}


def python_files() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (ROOT / package).rglob("*.py")


# --------------------------------------------------------------------------------------- locks


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes_and_no_lock_names_a_host(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(PINNED.findall(text))  # one for each range of Pythons, at times
    assert [each.split()[0] for each in entries if "--hash=sha256:" not in each] == []
    assert "://" not in text
    assert "index" not in text


def test_the_locks_hold_what_the_project_asks_for() -> None:
    groups = PROJECT["dependency-groups"]
    runtime = wanted(PROJECT["project"]["dependencies"])
    assert runtime <= set(pins("requirements.txt"))
    assert wanted(groups["build"]) <= set(pins("requirements-build.txt"))
    assert runtime | wanted(groups["build"]) | wanted(groups["dev"]) <= set(
        pins("requirements-dev.txt")
    )


def test_what_is_imported_is_asked_for() -> None:
    """A package that happens to be in somebody's venv would be missing everywhere else."""
    owners = packages_distributions()
    asked = wanted(PROJECT["project"]["dependencies"])
    missing: dict[str, str] = {}
    for file in python_files():
        for name in {each.split(".")[0] for each in imports(file)} - OURS - sys.stdlib_module_names:
            if not asked & wanted(owners.get(name, [])):
                missing[name] = str(file.relative_to(ROOT))
    assert missing == {}


def test_the_locks_are_cuts_of_one_resolution() -> None:
    everything = pins("requirements-dev.txt").items()
    assert pins("requirements.txt").items() <= everything
    assert pins("requirements-build.txt").items() <= everything


def test_the_pages_lock_names_no_host() -> None:
    lock = json.loads((ROOT / "client/web/package-lock.json").read_text(encoding="utf-8"))
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert packages
    assert [name for name, each in packages.items() if "resolved" in each] == []
    assert [name for name, each in packages.items() if "integrity" not in each] == []


# ---------------------------------------------------------------------------------------- laws


def test_the_room_imports_values_alone() -> None:
    strange = {}
    for file in (ROOT / "server/sitwith_server/room").rglob("*.py"):
        for name in imports(file):
            if name.split(".")[0] not in PURE and not name.startswith("sitwith_server.room"):
                strange[str(file.relative_to(ROOT))] = name
    assert strange == {}


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


def written_files() -> Iterator[Path]:
    """What people have written by hand in the packages, the page and their tests."""
    generated = generate.files()
    for top in ("server", "client", "protocol"):
        for folder, folders, inside in os.walk(ROOT / top):
            # What a build has made lies beside it.
            folders[:] = [each for each in folders if not f"{folder}/{each}".endswith(MADE)]
            for name in inside:
                file = Path(folder, name)
                path = file.relative_to(ROOT).as_posix()
                if file.suffix in WRITTEN and path not in generated:
                    yield file


def too_large(sizes: Mapping[str, int], most: int, known: Mapping[str, int]) -> dict[str, int]:
    """What is larger than its bound, and exceptions for what is not so large any more."""
    over = {name: size for name, size in sizes.items() if size > known.get(name, most)}
    return over | {name: sizes.get(name, 0) for name in known if sizes.get(name, 0) <= most}


def test_no_file_is_long() -> None:
    sizes = {
        file.relative_to(ROOT).as_posix(): len(file.read_text(encoding="utf-8").splitlines())
        for file in written_files()
    }
    assert len(sizes) > 500
    assert too_large(sizes, MOST_LINES, LONG_FILES) == {}


def test_no_folder_has_many_modules() -> None:
    sizes = Counter(
        file.parent.relative_to(ROOT).as_posix()
        for file in written_files()
        if file.suffix in MODULES
    )
    assert len(sizes) > 80
    assert too_large(sizes, MOST_MODULES, LARGE_FOLDERS) == {}


def test_an_exception_holds_only_as_long_as_it_is_needed() -> None:
    assert too_large({"a": 5, "b": 3}, 4, {}) == {"a": 5}
    assert too_large({"a": 5, "b": 3}, 4, {"a": 5}) == {}
    assert too_large({"a": 6, "b": 3}, 4, {"a": 5}) == {"a": 6}
    assert too_large({"a": 4, "b": 3}, 4, {"a": 5}) == {"a": 4}
    assert too_large({"b": 3}, 4, {"a": 5}) == {"a": 0}


def test_no_class_has_many_methods() -> None:
    many = {}
    for file in python_files():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                methods = [
                    each
                    for each in node.body
                    if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
                    and not each.name.startswith("__")
                ]
                if len(methods) > MOST_METHODS:
                    many[f"{file.relative_to(ROOT)}:{node.name}"] = len(methods)
    assert many == {}


# --------------------------------------------------------------------------------------- words


def test_every_dependency_has_its_reason() -> None:
    records = "\n".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "docs/decisions").glob("*.md")
    )
    groups = PROJECT["dependency-groups"]
    asked = wanted([*PROJECT["project"]["dependencies"], *groups["build"], *groups["dev"]])
    page = json.loads((ROOT / "client/web/package.json").read_text(encoding="utf-8"))
    asked |= {*page["dependencies"], *page["devDependencies"]}
    assert sorted(name for name in asked if f"`{name}`" not in records) == []


def test_decisions_are_numbered_and_listed() -> None:
    files = sorted(file.name for file in (ROOT / "docs/decisions").glob("[0-9]*.md"))
    numbers = [name[:4] for name in files]
    assert numbers
    assert [number for number in numbers if numbers.count(number) > 1] == []
    listed = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    assert [name for name in files if f"({name})" not in listed] == []


def test_the_changelog_knows_this_version() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## (\d+\.\d+\.\d+)", changes, flags=re.MULTILINE)
    assert released[:1] == [sitwith_server.__version__]


@pytest.mark.parametrize("name", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_a_document_names_paths_that_are_there(name: str) -> None:
    document = ROOT / name
    text = document.read_text(encoding="utf-8")
    # The example in CONTRIBUTING.md makes the files of a candle.
    named = {each for each in PATH.findall(text) if "candle" not in each}
    assert len(named) > 25
    linked = {each for each in LINK.findall(text) if "://" not in each}
    assert len(linked) > 2
    missing = [each for each in named if not (ROOT / each).exists()]
    assert missing + [each for each in linked if not (document.parent / each).exists()] == []


def test_the_map_in_the_readme_names_folders_that_are_there() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = re.findall(r"^\| `([a-z_/]+/)` \|", readme, flags=re.MULTILINE)
    assert folders
    assert [name for name in folders if not (ROOT / name).is_dir()] == []


def test_the_room_and_the_page_have_the_protocols_longest_name() -> None:
    commands = (ROOT / "client/web/src/lib/wire/commands.ts").read_text(encoding="utf-8")
    page = re.search(r"^export const LIMITS = \{[^}]*?\bname: (\d+),", commands, flags=re.MULTILINE)
    assert page is not None
    assert names.NAME_MAX == int(page[1]) == fields.NAME_MAX
