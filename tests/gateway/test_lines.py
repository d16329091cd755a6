"""Crisis lines: the shipped file, an operator's own, and what is refused of one (HT12)."""

from __future__ import annotations

import copy
import json
import re
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from sitwith_server.config import SettingError
from sitwith_server.gateway.http import crisis_lines
from tests.gateway.house import house

SHIPPED = resources.files("sitwith_server").joinpath("data", "crisis_lines.json").read_text("utf-8")


def shipped() -> Any:
    return json.loads(SHIPPED)


async def test_HT12_crisis_lines_are_for_everybody() -> None:
    async with house() as h:
        answer = await h.call("GET", "/crisis-lines", key=None)
        assert answer.status_code == 200
        found = answer.json()
        assert found == shipped()
        assert found["countries"]["US"]["lines"][0]["phone"] == "988"
        assert (await h.call("POST", "/crisis-lines", key=None)).status_code == 405


def test_HT12_every_line_has_its_source_and_its_days() -> None:
    found = shipped()
    assert "before you rely on them" in found["note"]
    assert {"US", "CA", "GB", "IE", "AU", "NZ", "DE", "FR", "JP"} <= found["countries"].keys()
    for code, country in found["countries"].items():
        assert re.fullmatch("[A-Z]{2}", code)
        for line in country["lines"]:
            assert line["source"] and line["url"].startswith("https://")
            assert date.fromisoformat(line["noted"])
            assert line["checked"] is None or date.fromisoformat(line["checked"])
            assert line.get("phone") or line.get("text")


async def test_HT12_an_operators_file_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    own = shipped()
    own["countries"] = {"GB": own["countries"]["GB"]}
    own["countries"]["GB"]["lines"][0]["checked"] = "2026-11-01"
    file = tmp_path / "lines.json"
    file.write_text(json.dumps(own), encoding="utf-8")
    async with house(crisis_lines=str(file)) as h:
        assert (await h.call("GET", "/crisis-lines", key=None)).json() == own


def changed(*path: str | int, to: object) -> str:
    own = copy.deepcopy(shipped())
    at = own
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = to
    return json.dumps(own)


def without_number(country: str, line: int) -> dict[str, object]:
    kept: dict[str, object] = shipped()["countries"][country]["lines"][line]
    return {name: each for name, each in kept.items() if name not in ("phone", "text")}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ("{", "JSON"),
        ("[]", "the file"),
        (changed("note", to=""), "note"),
        (changed("countries", to={}), "countries"),
        (changed("countries", "usa", to={}), "countries"),
        (changed("countries", "US", to={"emergency": "911", "lines": []}), "US.lines"),
        (changed("countries", "US", "lines", 0, "phone", to="call me"), "lines[0].phone"),
        (changed("countries", "US", "lines", 0, "url", to="javascript:alert(1)"), "lines[0].url"),
        (changed("countries", "US", "lines", 0, "checked", to="soon"), "lines[0].checked"),
        (changed("countries", "US", "lines", 0, "noted", to=None), "lines[0].noted"),
        (changed("countries", "US", "lines", 0, "source", to=""), "lines[0].source"),
        (changed("countries", "US", "lines", 0, "html", to="<b>"), "lines[0].html"),
        (
            changed("countries", "US", "lines", 0, to=without_number("US", 0)),
            "US.lines[0] needs phone or text",
        ),
    ],
)
def test_HT12_a_bad_file_is_refused_by_its_path(tmp_path: Path, body: str, where: str) -> None:
    file = tmp_path / "lines.json"
    file.write_text(body, encoding="utf-8")
    with pytest.raises(SettingError) as caught:
        crisis_lines.load(str(file))
    assert caught.value.name == "crisis_lines"
    assert where in caught.value.problem


def test_HT12_a_file_that_is_not_there_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="can't be read"):
        crisis_lines.load(str(tmp_path / "none.json"))
    large = tmp_path / "large.json"
    large.write_bytes(b" " * (crisis_lines.MOST_BYTES + 1))
    with pytest.raises(SettingError, match="more than"):
        crisis_lines.load(str(large))
