"""Concerns that a room offers from its beginning (HT2, LK3): taken whole, or refused by path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitwith_protocol.checks import Invalid
from sitwith_protocol.linking import CONCERN_MAX, CONCERNS_MAX
from sitwith_protocol.messages import BadMessage, ConcernsOffer, parse_client
from sitwith_server import templates
from sitwith_server.config import Settings
from sitwith_server.gateway.http import forms

HERE = Settings()
STAGES = [{"kind": "open", "seconds": 60}]

words = st.text(st.characters(codec="utf-8"), max_size=CONCERN_MAX + 2)
lists = st.lists(words | st.sampled_from(["Sleep", "SLEEP ", "\ufeff", "ﬁ", "fi"]), max_size=6)


def taken(body: object) -> tuple[str, ...]:
    return forms.room_spec(body, HERE).concerns


def test_HT2_concerns_of_the_room_or_else_of_its_agenda() -> None:
    agenda = {"stages": STAGES, "concerns": ["Sleep", " Grief "]}
    assert taken({}) == ()
    assert taken({"concerns": ["Sleep", "Grief"]}) == ("Sleep", "Grief")
    assert taken({"agenda": agenda}) == ("Sleep", "Grief")
    assert taken({"agenda": agenda, "concerns": ["Work"]}) == ("Work",)
    assert taken({"agenda": agenda, "concerns": []}) == ()


@pytest.mark.parametrize("name", templates.names())
def test_HT2_a_template_that_links_has_something_to_link_by(name: str) -> None:
    template = templates.load(name)
    links = any(s.get("pairs", {}).get("how") == "linked" for s in template["stages"])
    offered = taken({"agenda": {"template": name}})
    assert offered == template.get("concerns", ())
    assert bool(offered) >= links


@pytest.mark.parametrize(
    ("concerns", "path"),
    [
        ("Sleep", "concerns"),
        (None, "concerns"),
        ({}, "concerns"),
        ([f"c{n}" for n in range(CONCERNS_MAX + 1)], "concerns"),
        ([f"c{n}" for n in range(10_000)], "concerns"),
        (["Sleep", ""], "concerns[1]"),
        ([" "], "concerns[0]"),
        (["\ufeff"], "concerns[0]"),
        (["Sleep", 7], "concerns[1]"),
        (["Sleep", ["Grief"]], "concerns[1]"),
        (["a\nb"], "concerns[0]"),
        (["a\x00b"], "concerns[0]"),
        (["\ud800"], "concerns[0]"),
        (["x" * (CONCERN_MAX + 1)], "concerns[0]"),
        (["Sleep", "Grief", " sLEEP"], "concerns[2]"),
    ],
)
def test_HT3_LK3_what_is_no_concern_is_named_by_its_path(concerns: object, path: str) -> None:
    for body in ({"concerns": concerns}, {"agenda": {"stages": STAGES, "concerns": concerns}}):
        with pytest.raises(Invalid) as refused:
            forms.room_spec(body, HERE)
        assert refused.value.path == path
        assert "Sleep" not in refused.value.problem


@given(lists)
def test_LK3_what_a_room_begins_with_a_facilitator_may_offer_by_hand(concerns: list[str]) -> None:
    try:
        made = taken({"concerns": concerns})
    except Invalid:
        return
    offer = {"t": "concerns.offer", "id": 1, "concerns": list(made)}
    assert parse_client(offer) == ConcernsOffer(1, made)


def test_LK3_both_refuse_what_is_there_twice() -> None:
    with pytest.raises(BadMessage):
        parse_client({"t": "concerns.offer", "id": 1, "concerns": ["Sleep", "sleep "]})
