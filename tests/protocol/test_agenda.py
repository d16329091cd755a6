"""What an agenda looks like: the check and the published schema are of one mind (AG1)."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from sitwith_protocol.agenda import KINDS, read_agenda, read_stages, schema
from sitwith_protocol.checks import Invalid
from sitwith_protocol.messages import AgendaEdit, BadMessage, parse_client

VALIDATOR = Draft202012Validator(schema())

text = st.text(st.characters(codec="utf-8"), max_size=6)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 8_000) | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=4,
)
seconds = st.sampled_from([1, 1.5, 60, 7_200, 0, 0.99, -5, 7_201, 10**400, True, "60"])
long = st.sampled_from(["", "Talk", "x" * 120, "x" * 121, "x" * 2_000, "x" * 2_001, "a\nb", "a\tb",
                        "a\n", "\r\n", "\x0b", "\x85", " \u2028", "🌿"])  # fmt: skip
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "kind": st.sampled_from((*KINDS, "dance")),
    "seconds": seconds,
    "title": long | text,
    "prompt": long | text,
    "auto": st.booleans() | st.just("yes"),
    "floor": st.sampled_from(("open", "quiet", "stick", "round", "round", "shut")),
    "turn_seconds": seconds,
    "rounds": st.lists(st.fixed_dictionaries({"prompt": long}), max_size=13),
    "chat": st.sampled_from(("all", "staff", "off", False)),
    "mics": st.sampled_from(("open", "muted", "on")),
    "guest": st.booleans() | st.just("yes"),
    "material": st.fixed_dictionaries(
        {},
        optional={
            "url": st.sampled_from(
                [
                    "https://example.org/a?b",
                    "http://x",
                    "javascript:x",
                    "https://",
                    "https://a@b",
                    "https://a b",
                    "https://a\\b",
                    "ftp://x",
                    "https:/x",
                    5,
                ]
            ),
            "text": long,
            "title": long,
        },
    ),
    "pairs": st.fixed_dictionaries(
        {
            "size": st.sampled_from([2, 2.0, 50, 1, 51, 2.5, True]),
            "how": st.sampled_from(("linked", "x")),
        }
    ),
    "breathe": st.fixed_dictionaries(
        {"pattern": st.lists(st.sampled_from([0, 4, 6.5, 600, 601, -1]), max_size=17)}
    ),
}


@st.composite
def stages(draw: st.DrawFn) -> dict[str, Any]:
    """Mostly a good stage, with one or another field that may be anything."""
    made = {"kind": draw(st.sampled_from(KINDS)), "seconds": 60}
    for name in draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=4, unique=True)):
        made[name] = draw(FIELDS[name])
    if draw(st.integers(0, 5)) == 0:
        made[draw(text | st.sampled_from(sorted(FIELDS)))] = draw(anything)
    if draw(st.integers(0, 9)) == 0:
        made.pop(draw(st.sampled_from(sorted(made))))
    return made


# Those that are the same but for case and white space the schema can't tell apart.
concerns = st.lists(
    st.sampled_from(["Sleep", "Grief", "", " ", "\ufeff", "x" * 120, "y" * 121, "a\nb", "🌿", 3]),
    max_size=4,
) | st.integers(39, 41).map(lambda count: [f"concern {n}" for n in range(count)])
agendas = st.fixed_dictionaries(
    {"stages": st.lists(stages(), max_size=3)},
    optional={"title": long, "about": long, "author": text, "concerns": concerns},
)


def takes(value: object) -> bool:
    try:
        read_agenda(value)
    except Invalid:
        return False
    return True


@settings(max_examples=800, deadline=None)
@given(agendas | anything)
def test_AG1_the_check_and_the_schema_agree(value: Any) -> None:
    assert takes(value) is VALIDATOR.is_valid(value)


def test_AG1_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema())
    assert schema()["$defs"]["stage"]["properties"].keys() == FIELDS.keys()


@given(agendas)
def test_AG1_what_was_taken_is_taken_again_as_it_is(value: Any) -> None:
    if takes(value):
        once = read_agenda(value)
        assert read_agenda(once) == once
        assert takes(json.loads(json.dumps(once)))


def test_AG1_there_are_fifty_stages_and_so_much_text() -> None:
    one = {"kind": "open", "seconds": 60}
    assert len(read_stages([one] * 50)) == 50
    for many in (51, 10_000):
        with pytest.raises(Invalid) as bad:
            read_stages([one] * many)
        assert bad.value.path == "stages"
    with pytest.raises(Invalid) as bad:
        read_stages([{**one, "prompt": "x" * 2_000}] * 11)
    assert bad.value.path == "stages"


@pytest.mark.parametrize("endless", [math.inf, -math.inf, math.nan])
def test_AG1_no_stage_is_endless(endless: float) -> None:
    with pytest.raises(Invalid) as bad:
        read_stages([{"kind": "open", "seconds": endless}])
    assert bad.value.path == "stages[0].seconds"


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ({"kind": "dance", "seconds": 60}, "stages[1].kind must be one of"),
        ({"kind": "open", "seconds": -1}, "stages[1].seconds must be a number from 1 to 7200"),
        ({"kind": "open", "seconds": 60, "canary": 1}, "stages[1].? is not a known field"),
    ],
)
def test_AG1_on_the_wire_it_is_refused_by_its_path(stage: dict[str, Any], words: str) -> None:
    good = {"kind": "open", "seconds": 60}
    with pytest.raises(BadMessage) as bad:
        parse_client({"t": "agenda.edit", "id": 7, "stages": [good, stage]})
    assert bad.value.id == 7
    assert words in bad.value.detail
    assert "canary" not in bad.value.detail and "dance" not in bad.value.detail
    made = parse_client({"t": "agenda.edit", "id": 7, "stages": [good]})
    assert made == AgendaEdit(7, (good,))
