"""The one kit of checks: paths lead to the field, and no refusal repeats what was sent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_protocol import checks as k
from sitwith_protocol.checks import Check, Invalid
from sitwith_protocol.messages import RoomSettings
from sitwith_protocol.shapes import checks_of, optional, read, required, shape
from sitwith_server.config import Settings
from sitwith_server.gateway.http import forms

CANARY = "kanari"
ALL: dict[str, Check[Any]] = {
    "integer": k.integer(1, 5),
    "number": k.number(0.5, 5),
    "boolean": k.boolean,
    "binary": k.binary(1, 4),
    "one_of": k.one_of("a", "b"),
    "text": k.text(1, 4),
    "clean_text": k.clean_text(1, 4),
    "matching": k.matching(k.text(), r"[0-9]+", "must be digits"),
    "as_given": k.as_given(k.clean_text(1, 4)),
    "any_of": k.any_of(k.text(1, 4), k.binary(1, 4)),
    "nullable": k.nullable(k.integer(1, 5)),
    "list_of": k.list_of(k.text(1, 4), 1, 2, distinct=True),
    "map_of": k.map_of(k.integer(1, 5), 2, 4),
    "object_of": k.object_of({"a": k.integer(1, 5), "b": k.list_of(k.boolean)}, ("a",)),
}
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 7)
    | st.floats()
    | st.sampled_from(["a", "b", "12", " x ", "a\nb", "\ud800", CANARY, 10**400, b"12", b""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", CANARY]), inner, max_size=3)
    ),
    max_leaves=5,
)


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=40)
@given(value=values)
def test_HT3_EV13_whatever_comes_is_taken_or_refused_without_an_echo(
    name: str, value: object
) -> None:
    try:
        made = ALL[name](value)
    except Invalid as bad:
        assert CANARY not in bad.place + bad.problem
        assert bad.problem.startswith(("must ", "is "))
    else:
        assert ALL[name](made) == made


@shape
class Form:
    inner: dict[str, Any] = required(
        k.object_of({"list": k.list_of(k.object_of({"n": k.integer(1, 5)}))})
    )
    seconds: float = optional(k.number(1, 60), default=7, name="for")


@pytest.mark.parametrize(
    ("body", "path", "place"),
    [
        (None, "", ""),
        ({}, "inner", "inner"),
        ({"inner": {"list": [{"n": 1}, {"n": 6}]}}, "inner.list[1].n", "inner.list[1].n"),
        ({"inner": {"list": [{"m": 1}]}}, "inner.list[0].m", "inner.list[0].?"),
        ({"inner": {"list": [{"a.b": 1}]}}, "inner.list[0].?", "inner.list[0].?"),
        ({"inner": {}, "for": 61}, "for", "for"),
        ({"inner": {}, "for": None}, "for", "for"),
        ({"inner": {}, "seconds": 5}, "seconds", "?"),
        ({"inner": 5, "typo": 5}, "typo", "?"),
    ],
)
def test_HT3_a_path_leads_to_the_first_field_that_does_not_fit(
    body: object, path: str, place: str
) -> None:
    with pytest.raises(Invalid) as bad:
        read(Form, body)
    assert (bad.value.path, bad.value.place) == (path, place)
    assert str(bad.value) == f"{path} {bad.value.problem}".strip()


def test_HT2_a_form_has_its_defaults_and_an_open_reader_lets_the_unknown_be() -> None:
    assert read(Form, {"inner": {}}) == Form({}, 7)
    assert read(Form, {"inner": {}, "for": 8, "more": 1}, ignore_unknown=True) == Form({}, 8)


def test_HT2_what_a_room_can_be_set_to_it_can_be_made_with() -> None:
    """The settings of `POST /api/rooms` are those of `room.settings`."""
    for name in checks_of(RoomSettings, without="id"):
        good: object = {"chat": "staff", "queue_order": "least_heard"}.get(name)
        if good is None:
            good = 5 if name.endswith("_seconds") else True
        spec = forms.room_spec({"settings": {name: good}}, Settings())
        assert getattr(spec.settings, name) == good
