"""The specification and the tests know the same rules.

A rule is a line `- **FL3** …` in SPEC.md, ROOM.md or MEDIA.md. A Python test carries the rules it
shows at the beginning of its name (`test_FL3_FL4_…`), a TypeScript test at the beginning of its
title (`[FL3]`).
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SPECIFICATIONS = ("protocol/SPEC.md", "protocol/ROOM.md", "protocol/MEDIA.md")
RULE = re.compile(r"^- \*\*([A-Z]{2}\d+)\*\* ", re.MULTILINE)
PYTHON_NAME = re.compile(r"^test_((?:[A-Z]{2}\d+_)+)")
TYPESCRIPT_TITLE = re.compile(r"""["'`]((?:\[[A-Z]{2}\d+\]\s*)+)""")
IDENTIFIER = re.compile(r"[A-Z]{2}\d+")


def rules_in(text: str) -> list[str]:
    return RULE.findall(text)


def ids_in_python(source: str) -> set[str]:
    functions = (
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    heads = (match[1] for name in functions if (match := PYTHON_NAME.match(name)))
    return {each for head in heads for each in IDENTIFIER.findall(head)}


def ids_in_typescript(source: str) -> set[str]:
    return {each for head in TYPESCRIPT_TITLE.findall(source) for each in IDENTIFIER.findall(head)}


def rules() -> list[str]:
    return [
        each
        for name in SPECIFICATIONS
        for each in rules_in((ROOT / name).read_text(encoding="utf-8"))
    ]


def named_by_tests() -> dict[str, set[str]]:
    """Each rule that a test names, with the files that do."""
    found: dict[str, set[str]] = {}
    for file in _test_files():
        source = file.read_text(encoding="utf-8")
        ids = ids_in_python(source) if file.suffix == ".py" else ids_in_typescript(source)
        for each in ids:
            found.setdefault(each, set()).add(str(file.relative_to(ROOT)))
    return found


def _test_files() -> Iterator[Path]:
    yield from (ROOT / "tests").rglob("*.py")
    for pattern in ("*.test.ts", "*.test.tsx"):
        yield from (ROOT / "client" / "web" / "tests").rglob(pattern)


def test_every_rule_has_one_place() -> None:
    assert rules(), "the specifications have no rules"
    assert [each for each, times in Counter(rules()).items() if times > 1] == []


def test_every_rule_has_a_test() -> None:
    assert sorted(set(rules()) - set(named_by_tests())) == []


def test_no_test_names_a_rule_that_is_not_there() -> None:
    known = set(rules())
    assert {each: files for each, files in named_by_tests().items() if each not in known} == {}


def test_rules_are_read_from_their_lines_alone() -> None:
    text = "- **FL3** The holder…\ntext **FL4** inside\n* **FL5** other\n- **FL6**no space\n"
    assert rules_in(text) == ["FL3"]


def test_ids_are_read_from_names_and_titles() -> None:
    source = "class T:\n    async def test_FL3_MU12_holds(self): ...\ndef test_UTF8_works(): ...\n"
    assert ids_in_python(source) == {"FL3", "MU12"}
    assert ids_in_typescript("it('[FL3] [MU1] holds', x); a['b'][XX1]") == {"FL3", "MU1"}
