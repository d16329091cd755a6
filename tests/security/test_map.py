"""The tables of README.md are whole, and every test that they name is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
README = (HERE / "README.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \|(?: (.+?))? \|$", re.MULTILINE)
PLACE = re.compile(r"`([^`]+)`")
#: Rows that are shown with packets, in tests/media alone.
ELSEWHERE = {"row_20", "row_34"}


def below(text: str, title: str) -> str:
    """What stands below a heading, up to the next one."""
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def table(title: str) -> dict[int, tuple[str, str, str]]:
    """The rows below the heading `title`: what is done, the right answer, the tests."""
    found = [(int(number), rest) for number, *rest in ROW.findall(below(README, title))]
    assert len(found) == len(dict(found)), "a number twice"
    return {number: (rest[0], rest[1], rest[2]) for number, rest in found}


ROWS = table("The forty rows")
SEEN = table("The thirteen that were seen here")
MODEL = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")


@cache
def functions(file: Path) -> frozenset[str]:
    """Every test in a Python file, or every title in a page's test file."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".ts":
        return frozenset(re.findall(r"""\b(?:it|test)\(\s*["'`](.+?)["'`],""", text))
    nodes = ast.walk(ast.parse(text))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return frozenset(n.name for n in nodes if isinstance(n, kinds) and n.name.startswith("test_"))


def is_there(place: str) -> bool:
    """Whether a named test is: `file.py::test_name` below tests/, or `file.test.ts: a title`."""
    name, colons, test = place.partition("::")
    if colons:
        file = ROOT / "tests" / name
        return file.is_file() and test in functions(file)
    name, _, title = place.partition(": ")
    file = ROOT / name
    return file.is_file() and any(each.startswith(title) for each in functions(file))


def own(kind: str) -> dict[int, set[str]]:
    """The tests of this folder by the number in their names."""
    found: dict[int, set[str]] = {}
    for file in HERE.glob("test_*.py"):
        for name in functions(file):
            if match := re.match(rf"test_{kind}_(\d\d)_", name):
                found.setdefault(int(match[1]), set()).add(name)
    return found


def test_there_are_forty_rows_with_a_right_answer_each() -> None:
    assert sorted(ROWS) == list(range(1, 41))


@pytest.mark.parametrize("number", sorted(ROWS))
def test_the_tests_of_a_row_are_there(number: int) -> None:
    places = PLACE.findall(ROWS[number][2])
    assert [each for each in places if not is_there(each)] == []
    assert len(set(places)) == len(places)
    if f"row_{number:02}" in ELSEWHERE:
        assert places, "a row without a test"
    else:
        assert own("row").get(number), "no test of this folder is named after it"


def test_the_thirteen_are_there_with_what_must_be() -> None:
    assert sorted(SEEN) == list(range(1, 14))


@pytest.mark.parametrize("number", sorted(SEEN))
def test_the_tests_of_what_was_seen_are_there(number: int) -> None:
    places = PLACE.findall(SEEN[number][2])
    assert [each for each in places if not is_there(each)] == []
    assert places or own("seen").get(number), "no test"


def test_no_test_is_named_after_a_row_that_is_not() -> None:
    assert set(own("row")) <= set(ROWS)
    assert set(own("seen")) <= set(SEEN)


def test_the_threat_model_names_rows_and_tests_that_are_there() -> None:
    places = [each for each in PLACE.findall(MODEL) if "::" in each or ".test.ts: " in each]
    assert len(places) > 10
    assert [each for each in places if not is_there(each)] == []
    for kind, known in (("rows?", ROWS), ("seen", SEEN)):
        said = " ".join(re.findall(rf"\b{kind} ([\d, toand]+)", MODEL, re.IGNORECASE))
        assert {int(number) for number in re.findall(r"\d+", said)} <= set(known)
    argued = re.findall(r"^\| (\d+) \|", below(MODEL, "What can only be argued"), re.MULTILINE)
    assert argued
    assert {int(number) for number in argued} <= set(ROWS)


def test_what_is_not_there_is_noticed() -> None:
    assert is_there("security/test_map.py::test_what_is_not_there_is_noticed")
    assert not is_there("security/test_map.py::test_that_nobody_wrote")
    assert not is_there("security/nowhere.py::test_what_is_not_there_is_noticed")
    assert not is_there("client/web/tests/layers.test.ts: nothing of that name")
    assert not is_there("client/web/tests/nowhere.test.ts: nothing shipped")
