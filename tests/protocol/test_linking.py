"""Blinded concerns (LK2): examples that the browser's side reads too, and what always holds."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sitwith_protocol.linking import (
    CONCERN_MAX,
    TAGS_MAX,
    blind,
    blind_all,
    normal_concern,
)
from tests.protocol import make_linking

CONTENT = json.loads(make_linking.FILE.read_text(encoding="utf-8"))
KEYS = [bytes.fromhex(key) for key in CONTENT["keys"]]
WORDS = st.text(max_size=CONCERN_MAX)


def test_LK2_the_examples_are_what_the_generator_makes() -> None:
    assert make_linking.FILE.read_text(encoding="utf-8") == make_linking.written()


@pytest.mark.parametrize("entry", CONTENT["same"], ids=lambda entry: entry["normal"][:12])
def test_LK2_words_of_one_concern_have_one_tag(entry: dict[str, Any]) -> None:
    for word in entry["words"]:
        assert normal_concern(word) == entry["normal"]
        assert [blind(key, word).hex() for key in KEYS] == entry["tags"]


def test_LK2_a_tag_is_plain_hmac() -> None:
    expected = hmac.new(KEYS[0], b"SLEEP", hashlib.sha256).digest()
    assert blind(KEYS[0], " sleep") == expected


@pytest.mark.parametrize("word", [*CONTENT["refused"], "\ud800"])
def test_LK2_what_is_no_concern_is_refused_without_its_words(word: str) -> None:
    with pytest.raises(ValueError, match=r"^a concern is") as caught:
        normal_concern(word)
    assert not word.strip() or word not in str(caught.value)


@given(WORDS)
def test_LK2_a_normal_form_is_its_own_and_case_does_not_matter(word: str) -> None:
    try:
        normal = normal_concern(word)
    except ValueError:
        return
    assume(len(normal) <= CONCERN_MAX)
    assert normal_concern(normal) == normal
    assert "  " not in normal


def test_LK2_tags_of_several_have_no_order_and_no_doubles() -> None:
    tags = blind_all(KEYS[0], ["Sleep", "Grief", "sleep ", "Work"])
    assert tags == blind_all(KEYS[0], ["work", "grief", "SLEEP"])
    assert len(tags) == 3
    assert not set(tags) & set(blind_all(KEYS[1], ["Sleep", "Grief", "Work"]))
    assert len(blind_all(KEYS[0], map(str, range(TAGS_MAX)))) == TAGS_MAX
    with pytest.raises(ValueError, match="too many"):
        blind_all(KEYS[0], map(str, range(TAGS_MAX + 1)))
    with pytest.raises(ValueError, match="no key"):
        blind(b"", "sleep")
