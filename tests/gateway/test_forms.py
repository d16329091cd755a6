"""The bodies of the operator's API."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitwith_protocol.checks import Invalid
from sitwith_server import templates
from sitwith_server.config import Settings
from sitwith_server.gateway.http import forms
from sitwith_server.gateway.http.forms import (
    AGREEMENT_MAX,
    DEFAULT_AGREEMENT,
    DEFAULT_TITLE,
    TITLE_MAX,
    NotJson,
)
from sitwith_server.room.agenda.values import GroupsWish, Mics, Stage, StageFloor, StageKind
from sitwith_server.room.model import ChatPolicy, Role
from sitwith_server.room.model import Settings as RoomSettings

HERE = Settings()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)

settings_fields = {
    "chat": st.sampled_from(["all", "staff", "off"]),
    "direct": st.booleans(),
    "slow_seconds": st.integers(0, 3_600) | st.floats(0, 3_600),
    "grace_seconds": st.integers(1, 7_200) | st.floats(1, 7_200),
    "lobby": st.booleans(),
    "facilitators_wait": st.booleans(),
    "sealed": st.booleans(),
    "mood_strict": st.booleans(),
}
good_settings = st.fixed_dictionaries({}, optional=settings_fields)
good_titles = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=TITLE_MAX
)
good_rooms = st.fixed_dictionaries(
    {},
    optional={
        "title": good_titles,
        "agreement": st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(
            str.strip
        ),
        "capacity": st.integers(1, 1_000),
        "settings": good_settings,
    },
)


def refusal(body: object) -> Invalid:
    with pytest.raises(Invalid) as refused:
        forms.room_spec(body, HERE)
    return refused.value


# -------------------------------------------------------------------------------------- good


def test_HT2_a_room_has_defaults() -> None:
    spec = forms.room_spec({}, Settings(grace_seconds=45))
    assert (spec.title, spec.agreement, spec.capacity) == (DEFAULT_TITLE, DEFAULT_AGREEMENT, 50)
    assert spec.settings == RoomSettings(grace_seconds=45)
    assert spec.settings.direct is False


@given(good_rooms)
def test_HT2_a_good_room_is_taken_as_it_is(body: dict[str, Any]) -> None:
    spec = forms.room_spec(body, HERE)
    assert spec.title == (body.get("title", "").strip() or DEFAULT_TITLE)
    assert spec.agreement == body.get("agreement", DEFAULT_AGREEMENT).strip()
    assert spec.capacity == body.get("capacity", 50)
    for name, value in body.get("settings", {}).items():
        assert getattr(spec.settings, name) == value
    assert isinstance(spec.settings.chat, ChatPolicy)


@pytest.mark.parametrize("lobby", [True, False])
def test_HT2_lobby_is_short_for_the_setting(lobby: bool) -> None:
    for body in ({"lobby": lobby}, {"lobby": lobby, "settings": {"lobby": lobby}}):
        assert forms.room_spec(body, HERE).settings.lobby is lobby
    assert refusal({"lobby": lobby, "settings": {"lobby": not lobby}}).path == "lobby"


def test_HT2_an_agreement_may_have_lines() -> None:
    spec = forms.room_spec({"agreement": "One.\r\n\tTwo.\nThree.\n"}, HERE)
    assert spec.agreement == "One.\n\tTwo.\nThree."
    assert forms.room_spec({"agreement": "x" * AGREEMENT_MAX}, HERE).agreement
    assert len(DEFAULT_AGREEMENT) <= AGREEMENT_MAX


@given(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["member", "facilitator"])},
        optional={"uses": st.integers(1, 10_000), "expires_in": st.floats(1, 2_419_200)},
    )
)
def test_HT6_a_good_invite_is_taken_as_it_is(body: dict[str, Any]) -> None:
    form = forms.invite(body)
    assert isinstance(form.role, Role)
    assert (form.role, form.uses, form.expires_in) == (
        body["role"],
        body.get("uses"),
        body.get("expires_in"),
    )


# --------------------------------------------------------------------------------------- bad


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ([], ""),
        ("text", ""),
        (None, ""),
        ({"colour": "red"}, "colour"),
        ({"Title": "x"}, "Title"),
        ({"a.b": 1}, "?"),
        ({"x" * 41: 1}, "?"),
        ({"title": 7}, "title"),
        ({"title": None}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"title": " " * 121}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"title": "bell\x07"}, "title"),
        ({"title": "half\ud800"}, "title"),
        ({"title": "two\u2028lines"}, "title"),
        ({"agreement": 7}, "agreement"),
        ({"agreement": ""}, "agreement"),
        ({"agreement": " \n\t "}, "agreement"),
        ({"agreement": "x" * 10_001}, "agreement"),
        ({"agreement": "nul\0"}, "agreement"),
        ({"agreement": "half\udfff"}, "agreement"),
        ({"lobby": "yes"}, "lobby"),
        ({"lobby": 1}, "lobby"),
        ({"lobby": None}, "lobby"),
        ({"capacity": 0}, "capacity"),
        ({"capacity": 1_001}, "capacity"),
        ({"capacity": True}, "capacity"),
        ({"capacity": 5.0}, "capacity"),
        ({"capacity": "5"}, "capacity"),
        ({"capacity": 10**30}, "capacity"),
        ({"settings": []}, "settings"),
        ({"settings": None}, "settings"),
        ({"settings": {"colour": 1}}, "settings.colour"),
        ({"settings": {"chat": "some"}}, "settings.chat"),
        ({"settings": {"chat": ["all"]}}, "settings.chat"),
        ({"settings": {"direct": 0}}, "settings.direct"),
        ({"settings": {"slow_seconds": -1}}, "settings.slow_seconds"),
        ({"settings": {"slow_seconds": 3_601}}, "settings.slow_seconds"),
        ({"settings": {"slow_seconds": math.inf}}, "settings.slow_seconds"),
        ({"settings": {"slow_seconds": math.nan}}, "settings.slow_seconds"),
        ({"settings": {"slow_seconds": True}}, "settings.slow_seconds"),
        ({"settings": {"grace_seconds": 0}}, "settings.grace_seconds"),
        ({"settings": {"grace_seconds": 7_201}}, "settings.grace_seconds"),
        ({"settings": {"lobby": "no"}}, "settings.lobby"),
        ({"settings": {"facilitators_wait": 1}}, "settings.facilitators_wait"),
        ({"settings": {"sealed": "true"}}, "settings.sealed"),
    ],
)
def test_HT3_a_bad_field_is_named_by_its_path(body: object, path: str) -> None:
    assert refusal(body).path == path


STAGE = {"kind": "round", "seconds": 600}
TURNS = {**STAGE, "floor": "round"}


@pytest.mark.parametrize(
    ("agenda", "path"),
    [
        (None, "agenda"),
        ([], "agenda"),
        ({}, "stages"),
        ({"stages": {}}, "stages"),
        ({"stages": []}, "stages"),
        ({"stages": [STAGE] * 51}, "stages"),
        ({"stages": [STAGE] * 10_000}, "stages"),
        ({"stages": [STAGE], "title": 5}, "title"),
        ({"stages": [STAGE], "author": "x"}, "author"),
        ({"template": "none-such"}, "template"),
        ({"template": 5}, "template"),
        ({"template": "peer-support-60", "stages": [STAGE]}, "stages"),
        ({"stages": [STAGE, STAGE, STAGE, {"kind": "round"}]}, "stages[3].seconds"),
        ({"stages": [STAGE, {**STAGE, "seconds": "soon"}]}, "stages[1].seconds"),
        ({"stages": [{**STAGE, "seconds": 0}]}, "stages[0].seconds"),
        ({"stages": [{**STAGE, "seconds": 7_201}]}, "stages[0].seconds"),
        ({"stages": [{**STAGE, "seconds": -60}]}, "stages[0].seconds"),
        ({"stages": [{**STAGE, "seconds": math.inf}]}, "stages[0].seconds"),
        ({"stages": [{**STAGE, "seconds": True}]}, "stages[0].seconds"),
        ({"stages": [{**STAGE, "mics": "loud"}]}, "stages[0].mics"),
        ({"stages": [{**STAGE, "turn_seconds": 20}]}, "stages[0].turn_seconds"),
        ({"stages": [{**STAGE, "rounds": [{"prompt": "x"}]}]}, "stages[0].rounds"),
        ({"stages": [{**TURNS, "rounds": []}]}, "stages[0].rounds"),
        ({"stages": [{**TURNS, "rounds": [{}]}]}, "stages[0].rounds[0].prompt"),
        ({"stages": [{**TURNS, "turn_seconds": 0}]}, "stages[0].turn_seconds"),
        ({"stages": [{**STAGE, "breathe": {"pattern": []}}]}, "stages[0].breathe.pattern"),
        ({"stages": [{**STAGE, "breathe": {"pattern": [0]}}]}, "stages[0].breathe.pattern"),
        ({"stages": [{**STAGE, "breathe": {"pattern": [4, -1]}}]}, "stages[0].breathe.pattern[1]"),
        ({"stages": [{**STAGE, "title": "two\nlines"}]}, "stages[0].title"),
        ({"stages": [{**STAGE, "prompt": "x" * 2_000}] * 11}, "stages"),
        (
            {"stages": [{"kind": "debrief", "seconds": 5, "pairs": {"size": 2, "how": "fresh"}}]},
            "stages[0].pairs",
        ),
        ({"stages": [{"seconds": 5}]}, "stages[0].kind"),
        ({"stages": [{**STAGE, "kind": "dance"}]}, "stages[0].kind"),
        ({"stages": ["round"]}, "stages[0]"),
        ({"stages": [{**STAGE, "auto": 1}]}, "stages[0].auto"),
        ({"stages": [{**STAGE, "floor": "shut"}]}, "stages[0].floor"),
        ({"stages": [{**STAGE, "chat": "some"}]}, "stages[0].chat"),
        ({"stages": [{**STAGE, "prompt": 1}]}, "stages[0].prompt"),
        ({"stages": [{**STAGE, "title": "x" * 121}]}, "stages[0].title"),
        ({"stages": [{**STAGE, "pairs": {"size": 2}}]}, "stages[0].pairs.how"),
        ({"stages": [{**STAGE, "pairs": {"how": "fresh"}}]}, "stages[0].pairs.size"),
        ({"stages": [{**STAGE, "pairs": {"size": 1, "how": "fresh"}}]}, "stages[0].pairs.size"),
        ({"stages": [{**STAGE, "pairs": {"size": 2, "how": "x"}}]}, "stages[0].pairs.how"),
        ({"stages": [{**STAGE, "mood": True}]}, "stages[0].mood"),
    ],
)
def test_AG1_HT3_a_bad_agenda_is_named_by_its_path(agenda: object, path: str) -> None:
    assert refusal({"agenda": agenda}).path == path


def test_AG1_a_good_agenda_is_taken_whole() -> None:
    stages: list[dict[str, object]] = [{"kind": str(k), "seconds": 60} for k in StageKind]
    full = {"title": "Pairs", "auto": True, "floor": "round", "chat": "off", "prompt": "One.\nTwo."}
    more = {"mics": "muted", "turn_seconds": 20, "rounds": [{"prompt": "A?"}, {"prompt": "B?"}]}
    pairs = {"pairs": {"size": 2, "how": "linked"}, "breathe": {"pattern": [4, 0, 6.5]}}
    stages.append({**STAGE, **full, **more, **pairs})
    agenda = {"stages": stages, "title": "T", "about": "A"}
    taken = forms.room_spec({"agenda": agenda}, HERE).stages
    assert [str(stage.kind) for stage in taken] == [*map(str, StageKind), "round"]
    assert taken[-1] == Stage(
        StageKind.ROUND,
        600,
        title="Pairs",
        prompt="One.\nTwo.",
        auto=True,
        floor=StageFloor.ROUND,
        turn_seconds=20,
        rounds=("A?", "B?"),
        chat=ChatPolicy.OFF,
        mics=Mics.MUTED,
        pairs=GroupsWish(2, "linked"),
        breathe=(4, 0, 6.5),
    )


@pytest.mark.parametrize("name", templates.names())
def test_AG1_a_template_is_taken_by_its_name(name: str) -> None:
    taken = forms.room_spec({"agenda": {"template": name}}, HERE).stages
    assert len(taken) == len(templates.load(name)["stages"])


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "role"),
        ({"role": "owner"}, "role"),
        ({"role": None}, "role"),
        ({"role": "member", "uses": 0}, "uses"),
        ({"role": "member", "uses": 10_001}, "uses"),
        ({"role": "member", "uses": 1.0}, "uses"),
        ({"role": "member", "uses": None}, "uses"),
        ({"role": "member", "expires_in": 0}, "expires_in"),
        ({"role": "member", "expires_in": -1}, "expires_in"),
        ({"role": "member", "expires_in": 2_419_201}, "expires_in"),
        ({"role": "member", "expires_in": "1h"}, "expires_in"),
        ({"role": "member", "colour": 1}, "colour"),
        ([], ""),
    ],
)
def test_HT3_a_bad_invite_is_named_by_its_path(body: object, path: str) -> None:
    with pytest.raises(Invalid) as refused:
        forms.invite(body)
    assert refused.value.path == path


@given(json_values)
def test_HT3_whatever_comes_is_taken_or_refused_by_path(body: object) -> None:
    for form in (lambda: forms.room_spec(body, HERE), lambda: forms.invite(body)):
        try:
            form()
        except Invalid as refused:
            assert refused.problem


@given(good_rooms, st.sampled_from(sorted(settings_fields)), json_values)
def test_HT3_a_strange_setting_is_refused_unless_it_fits(
    body: dict[str, Any], name: str, value: object
) -> None:
    body = {**body, "settings": {**body.get("settings", {}), name: value}}
    try:
        spec = forms.room_spec(body, HERE)
    except Invalid as refused:
        assert refused.path == f"settings.{name}"
    else:
        assert getattr(spec.settings, name) == value
        # A truth is no number and a number no truth.
        assert isinstance(value, bool) == isinstance(getattr(RoomSettings(), name), bool)


# -------------------------------------------------------------------------------------- JSON


@given(json_values)
def test_what_json_can_say_is_read(value: object) -> None:
    """With NaN and the infinities, so that they are refused by the path of the field."""
    assert repr(forms.parse(json.dumps(value).encode())) == repr(value)


@given(st.binary(max_size=200))
def test_HT3_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        forms.parse(body)
    except NotJson as refused:
        assert refused.__context__ is None or refused.__suppress_context__


def test_no_body_is_an_empty_object() -> None:
    assert forms.parse(b"") == forms.parse(b" \n") == {}
