"""Nobody writes a role or a mark of the page into a name, and honest names pass (NA2)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_server.service.people.name_roles import SPELLED, is_badge
from sitwith_server.service.people.names import NameFault, NameRefused, clean
from sitwith_server.service.people.role_words import APART, CLAIMS

NEAR = [
    name
    for line in Path(__file__).with_name("near_roles.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
    for name in line.split()
]
LATIN = [word for word in CLAIMS if word.isascii()]


def fault_of(name: str) -> NameFault | None:
    """Why a member may not be called so."""
    try:
        return NameFault.ROLE if clean(name).role else None
    except NameRefused as refused:
        return refused.fault


# --- every word, however it is dressed ---------------------------------------------------------

BEFORE = (
    "",
    "Gus ",
    "Gus (",
    "[",
    "【",
    "Gus - ",
    "Gus — ",
    "Gus | ",
    "Gus, ",
    "@",
    "Gus/",
    "The ",
)
AFTER = ("", " Gus", ")", "]", "】", ": Gus", " 2", "7", "!", ".", " 🌻", "_Gus")
dress = st.tuples(st.sampled_from(BEFORE), st.sampled_from(AFTER))
CASES = (str, str.upper, str.title, str.swapcase)
LEET = str.maketrans("oeaitsl", "03@17$I")
WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
CIRCLED = {ord("a") + n: 0x24D0 + n for n in range(26)}
SMALL = str.maketrans("abcdefghijklmnoprstuvwyz", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ")
FLAGS = {ord("a") + n: 0x1F1E6 + n for n in range(26)}
ACCENTS = str.maketrans("aeiouns", "àéïôüñš")
BARRED = str.maketrans("hdltoi", "ħđłŧøɨ")
TABLES: tuple[dict[int, int], ...] = ({}, LEET, WIDE, CIRCLED, SMALL, FLAGS, ACCENTS, BARRED)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(CLAIMS), dress, st.sampled_from(CASES))
def test_NA2_a_word_that_claims_a_role_is_in_no_name(word, dress, case) -> None:  # type: ignore[no-untyped-def]
    name = dress[0] + case(word) + dress[1]
    assert fault_of(name[:40]) is not None


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(LATIN), st.sampled_from(TABLES), st.sampled_from(("", "Gus ", "Gus (")))
def test_NA2_nor_is_one_that_reads_the_same(word: str, table: dict[int, int], before: str) -> None:
    name = before + word.translate(table)
    if len(name) <= 40:
        assert fault_of(name) is NameFault.ROLE, ascii(name)


@pytest.mark.parametrize("word", [each for each in LATIN if SPELLED <= len(each) <= 16])
@pytest.mark.parametrize("form", ["gus{}", "{}gus"])
def test_NA2_nor_beside_a_name_whose_letters_stand_singly_too(word: str, form: str) -> None:
    assert fault_of(" ".join(form.format(word))) is NameFault.ROLE


@pytest.mark.parametrize("name", ["J o h n", "M a r y", "A B C", "T o m", "S o p h i a"])
def test_NA2_letters_that_stand_singly_are_a_name(name: str) -> None:
    assert fault_of(name) is None


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(LATIN),
    st.sampled_from((" ", ".", "-", "_", "*", " . ", "~")),
    st.integers(1, 12),
    st.sampled_from(("co", "real", "the", "xX", "1")),
)
def test_NA2_nor_spaced_cut_stretched_or_glued(word: str, by: str, at: int, glued: str) -> None:
    spaced = by.join(word)
    cut = word[:at] + by + word[at:]
    stretched = word[:1] + word[1] * 3 + word[1:]
    for name in (spaced, cut, stretched, glued + word, f"Gus{word.title()}"):
        if glued == "xX" and name == glued + word and len(word) < 9:
            continue
        if len(name) <= 40 and "lili" not in name:
            assert fault_of(name) is not None, name


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(APART),
    st.sampled_from(("{} ({})", "[{1}] {0}", "{} | {}", "{} - {}", "{1}: {0}", "({1})", "*{1}*")),
)
def test_NA2_what_is_also_a_name_is_none_where_it_is_set_apart(word: str, way: str) -> None:
    person = "Kim" if word[0] < "\u0600" else "سلمى"
    assert fault_of(way.format(person, word)) is NameFault.ROLE


@pytest.mark.parametrize(
    "name",
    [
        "(co-host)",
        "[staff]",
        "(therapist)",
        "(facilitadora)",
        "Gus Facilitator",
        "Facilitator",
        "Dr. Ann (facilitators)",
        "Ann (FaciIitator)",
        "Ann (not host)",
        "Kim (your co-host)",
        "Kim (group leader)",
        "Kim (el facilitador del grupo)",
        "أحمد (ميسر)",
        "المضيف",
        "مُضِيف سلمى",
        "Ann★host",
        "H O S T Ann",
        "Ann Host🇩🇪",
    ],
)
def test_NA2_roles_as_they_were_tried(name: str) -> None:
    assert fault_of(name) in (NameFault.ROLE, NameFault.BADGE)


@pytest.mark.parametrize(
    "name", ["Facilitator", "Host 2", "co-host", "Facilitator A", "Anfitriona"]
)
def test_NA2_a_role_and_nothing_else_is_marked_as_one(name: str) -> None:
    assert clean(name).role


@pytest.mark.parametrize("name", ["Kim", "Mod", "Gus", "Hostetler", "Kim 2"])
def test_NA2_a_name_is_not(name: str) -> None:
    assert not clean(name).role


@pytest.mark.parametrize("name", ["Gus Host", "Host (Gus)", "(host)", "Host!", "Kim Anfitriona"])
def test_NA2_a_role_beside_a_name_is_nobodys(name: str) -> None:
    with pytest.raises(NameRefused):
        clean(name)


# --- badges --------------------------------------------------------------------------------------

MARKS = "✓✔✅☑🗸🗹√⍻🮱👑♔♕♚♛🜲🤴👸⚜★☆⭐🌟✪✯✩⍟🟊⛤🛡🔰📛🎖🏅🥇🏆🏵⚕🩺👮🔑🗝🔒🔐🎤🎙🔇🔈✋🖐🙋®©🅥🆅🆗🅐"


@pytest.mark.parametrize("mark", MARKS)
def test_NA2_no_mark_of_the_page_is_in_a_name(mark: str) -> None:
    for name in (f"Gus {mark}", f"{mark}Gus", f"Gus {mark}\ufe0f", mark, f"G{mark}us"):
        assert fault_of(name) is NameFault.BADGE, name


@pytest.mark.parametrize("mark", "❤🌻🌈🦊😀☀🌙✡☪✝☮♥♪🎗🎀✨🐢🍀♡⚽🎸")
def test_an_ornament_is_no_badge(mark: str) -> None:
    assert fault_of(f"Gus {mark}") is None
    assert not is_badge(mark)


def test_letters_figures_and_punctuation_are_no_badges() -> None:
    assert not any(is_badge(chr(code)) for code in range(0x20, 0x7F))


# --- honest names --------------------------------------------------------------------------------


def test_NA2_names_that_are_nearly_roles_pass() -> None:
    assert len(NEAR) > 300
    assert [name for name in NEAR if fault_of(name)] == []


HONEST = (
    """
Ann|Jean-Luc O’Neil|Đỗ Thị Ánh|Þórður|Ann (Berlin)|Ann - Berlin|Ann & Ben|Mod 🌻|Mod|Dr. Ann|Ann!
Guest 3|Member 2|Visitor|Newcomer|Listener|Somebody|Just listening|New here|Kim, Berlin|Ann 🇩🇪
Mentor|Pastor|Server|Captain|Doctor|Ghost|Guide|Coach|ميسر|ميسرة|مشرف|مرشد|قائد|رسمي|عبد الرحمن
Sunflower|quiet_one|night-owl|Mom of 3|J. R.|A. B.|R2D2|4ever|Kim_1990|Ho|Ad Min-Jun|Hugo St. John
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


@pytest.mark.parametrize("name", HONEST)
def test_NA2_honest_names_pass(name: str) -> None:
    assert fault_of(name) is None


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(NEAR), st.sampled_from(NEAR), st.sampled_from(("{} {}", "{}-{}", "{}. {}")))
def test_NA2_two_honest_names_are_one(one: str, two: str, way: str) -> None:
    name = way.format(one, two)
    if len(name) <= 40:
        assert fault_of(name) in (None, NameFault.SCRIPTS)


@settings(deadline=None, max_examples=300)
@given(st.text("bcfgjkmnpqrvwxyz", min_size=1, max_size=12), st.integers(0, 99))
def test_NA2_what_has_no_vowel_of_a_role_passes(name: str, n: int) -> None:
    assert fault_of(f"{name} {n}") is None
