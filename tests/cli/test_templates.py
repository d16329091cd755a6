"""The shipped agendas, and agendas in files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitwith_protocol.agenda import read_agenda
from sitwith_server import templates
from sitwith_server.__main__ import main
from sitwith_server.templates.files import BadFile, parse, read

from .conftest import Operator
from .test_room import MADE

FIVE = {
    "peer-support-60": 60,
    "grief-circle-90": 90,
    "twelve-step-60": 60,
    "skills-group-75": 75,
    "restorative-circle-90": 90,
}


def test_the_five_are_there_and_as_long_as_they_say() -> None:
    assert {t["name"]: t["seconds"] / 60 for t in templates.listing()} == FIVE
    for each in templates.listing():
        assert each["title"] and each["about"]
        assert all((stage.get("title") and stage.get("prompt")) or stage.get("rounds")
                   for stage in each["stages"])  # fmt: skip
        assert each["stages"][-1]["kind"] == "debrief"


@pytest.mark.parametrize("name", FIVE)
def test_who_was_muted_is_heard_again(name: str) -> None:
    """Nobody stays muted by a stage that is over, and members can write to somebody always."""
    mics = "open"
    for stage in templates.load(name)["stages"]:
        mics = stage.get("mics", "open" if "floor" in stage else mics)
        assert mics == "open" or stage["kind"] == "breath"
        assert stage.get("chat") != "off"


@pytest.mark.parametrize("name", FIVE)
def test_a_template_is_a_file_that_can_be_given(
    name: str, tmp_path: Path, operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    operator.status, operator.answer = 201, MADE
    assert main(["templates", name]) == 0
    file = tmp_path / "mine.yaml"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["room", "create", "--agenda", str(file)]) == 0
    assert main(["room", "create", "--template", name]) == 0
    given, named = (each.body["agenda"] for each in operator.asked)
    assert read_agenda(given) == templates.load(name)
    assert named == {"template": name}


def test_they_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["templates"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["NAME", "MINUTES", "TITLE"]
    assert {line.split()[0]: int(line.split()[1]) for line in lines[1:]} == FIVE
    assert main(["templates", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["templates"]) == 5
    assert main(["templates", "grief-circle-90", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stages"][0]["kind"] == "arrival"
    assert main(["templates", "none-such"]) == 2
    assert "grief-circle-90" in capsys.readouterr().err


GOOD = "stages:\n- kind: open\n  seconds: 60\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (GOOD + "- kind: dance\n  seconds: 5\n", 4, "stages[1].kind must be one of"),
        (GOOD + "- kind: open\n  title: Talk\n", 4, "stages[1].seconds is missing"),
        (GOOD + "- kind: open\n\n  seconds: -1\n", 6, "stages[1].seconds must be a number"),
        (GOOD + "- kind: open\n  seconds: .inf\n", 5, "stages[1].seconds must be a number"),
        (GOOD + "  colour: red\n", 4, "stages[0].colour is not a known field"),
        (GOOD + "  seconds: 70\n", 4, "stages[0].seconds appears twice"),
        (GOOD + "  auto: yes\n", 4, "stages[0].auto must be true or false"),
        (GOOD + "  title: 2026-01-01\n  prompt: 5\n", 5, "stages[0].prompt must be text"),
        ('{"stages": [\n{"kind": "open",\n"seconds": 1e9}]}', 3, "stages[0].seconds must be"),
        (GOOD * 2, 4, "stages appears twice"),
        ("stages:\n" + "- {kind: open, seconds: 60}\n" * 51, 1, "stages must be a list of 1 to 50"),
        ("stages: [\n", 2, "is no YAML here"),
        ("stages:\n- ? [a]\n  : b\n", 2, "has a field whose name is no text"),
        ("stages: &s\n- *s\n", 1, "is nested too deep"),
        ("- x\n", 1, "the agenda must be an object"),
        ("", 1, "the agenda must be an object"),
        (GOOD + "  title: !!python/name:os.system\n", 4, "is of a kind that an agenda has not"),
    ],
)
def test_AG1_what_is_wrong_in_a_file_is_named_with_line_and_field(
    text: str, line: int, words: str
) -> None:
    with pytest.raises(BadFile) as bad:
        read(text)
    assert words in bad.value.problem
    assert bad.value.line == line
    assert "red" not in str(bad.value) and "os.system" not in str(bad.value)


def test_AG1_a_file_is_read_as_people_mean_it() -> None:
    agenda = read("stages:\n- {kind: open, seconds: 1:30, chat: off, auto: true}\n")
    assert agenda == {"stages": [{"kind": "open", "seconds": 90, "chat": "off", "auto": True}]}
    assert read('{"stages": [{"kind": "open", "seconds": 6e2}]}')["stages"][0]["seconds"] == 600
    twice = read("stages:\n- &one {kind: open, seconds: 60}\n- *one\n")
    assert twice["stages"][0] == twice["stages"][1]


@given(st.text(st.sampled_from("[]{}:-,&*!? \n\"'ab1e.|>#%\t"), max_size=40) | st.text(max_size=30))
def test_no_text_does_more_than_that(text: str) -> None:
    try:
        parse(text)
    except BadFile as bad:
        assert bad.problem


def test_a_text_that_explodes_is_refused() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for one, two in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{two}: &{two} [{', '.join([f'*{one}'] * 9)}]\n"
    with pytest.raises(BadFile):
        parse(bomb)
    with pytest.raises(BadFile):
        parse("x" * 300_000)
    with pytest.raises(BadFile):
        parse("[" * 5_000)
