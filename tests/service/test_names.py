"""What may be a name and which names look alike (NA*)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_server.room.members.names import number
from sitwith_server.service.people.names import Name, NameFault, NameRefused, clean, skeleton

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x10FFFF), max_size=45)
LIVELY = st.text(
    st.sampled_from("aAbIl1|0oOеаЕ漢김けケéñ'’-. (){}\u0301\u200b\u202e\ufe0f\u3164ﬁ①🌻ß\t\n\x00٣"),
    max_size=45,
)


def fault_of(name: str) -> NameFault:
    with pytest.raises(NameRefused) as refused:
        clean(name)
    return refused.value.fault


def alike(one: str, two: str) -> bool:
    return clean(one).skeleton == clean(two).skeleton


# --- what is shown -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "Ann",
        "Jean-Luc O’Neil",
        "J.",
        "Đỗ Thị Ánh",
        "Þórður",
        "Анна-Марія",
        "Νίκος",
        "מרים",
        "مريم",
        "मीरा",
        "ஸ்ரீ",
        "สมชาย",
        "李明",
        "山田 はなこ",
        "Kenji 健司 ケン",
        "김 Ann",
        "ㄅㄆ 王 Li",
        "Անի",
        "ანა",
        "Ann 2",
        "7",
        "🌻",
        "Bo 🌻",
        "a" * 40,
    ],
)
def test_NA1_ordinary_names_stay_as_they_are(name: str) -> None:
    assert clean(name).shown == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("  Ann ", "Ann"),
        ("Ann \u3000 Lee\u00a0", "Ann Lee"),
        ("Ａｎｎ", "Ann"),
        ("ﬁona", "fiona"),
        ("Jose\u0301", "José"),
        ("①", "1"),
        ("❤\ufe0f Bo", "❤ Bo"),
    ],
)
def test_NA1_a_name_is_normalised(name: str, shown: str) -> None:
    assert clean(name).shown == shown


@settings(deadline=None)
@given(PRINTABLE | LIVELY)
def test_NA1_NA2_whatever_is_taken_is_fit_to_be_shown(name: str) -> None:
    try:
        cleaned = clean(name)
    except NameRefused as refused:
        # Nothing of what was typed comes back in an error.
        assert str(refused) == str(NameRefused(refused.fault))
        return
    shown = cleaned.shown
    assert 1 <= len(shown) <= 40
    assert unicodedata.is_normalized("NFKC", shown)
    assert shown == shown.strip()
    assert "  " not in shown
    for char in shown:
        assert unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        assert unicodedata.bidirectional(char) not in {"LRE", "RLE", "LRO", "RLO", "PDF", "BN"}
    assert unicodedata.category(shown[0])[0] != "M"
    assert cleaned.skeleton
    assert clean(shown) == cleaned


# --- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", " ", "\u3000", "...", "-", "(!)", "\ufe0f"])
def test_a_name_says_something(name: str) -> None:
    assert fault_of(name) is NameFault.EMPTY


@pytest.mark.parametrize(
    "name",
    [
        "a" * 41,
        " " * 41,
        "a" + " " * 39 + "b",
        "\ufdfa" * 3,  # each becomes 18 characters
    ],
)
def test_a_name_is_short_before_and_after_cleaning(name: str) -> None:
    assert fault_of(name) is NameFault.TOO_LONG


@pytest.mark.parametrize("char", "\x00\x07\t\n\r\x1b\x7f\x85\u2028\u2029")
def test_NA2_no_control_characters(char: str) -> None:
    for name in (f"An{char}n", f"{char}Ann", f"Ann{char}"):
        assert fault_of(name) is NameFault.CONTROL


@pytest.mark.parametrize(
    "char",
    [
        *"\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e\u2800\u3164\uffa0\u115f\u17b4",
        *"\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c",
        "\U000e0041",
        "\U000e0100",
    ],
)
def test_NA2_nothing_invisible_and_nothing_that_turns_the_text(char: str) -> None:
    for name in (f"An{char}n", f"{char}Ann", f"Ann{char}", char):
        assert fault_of(name) is NameFault.INVISIBLE


@pytest.mark.parametrize("char", ["\ud800", "\udfff", "\ue000", "\U000f0000", "\u0378", "\uffff"])
def test_nothing_unassigned_or_private(char: str) -> None:
    assert fault_of(f"An{char}n") is NameFault.UNKNOWN


@pytest.mark.parametrize(
    "name",
    ["\u0301nn", "A \u0301nn", "Ae\u0301\u0301", "Z\u0337\u0322\u0327\u035d\u0316", "1\u20e3"],
)
def test_marks_are_few_and_on_something(name: str) -> None:
    assert fault_of(name) is NameFault.MARKS


@pytest.mark.parametrize(
    "name",
    ["Аnn", "Πaul", "Ann Анна", "山田 Анна", "김はな", "مRiam", "Ann 王 はな 김", "ㄅけ", "Անa"],
)
def test_NA2_a_name_is_in_one_script(name: str) -> None:
    assert fault_of(name) is NameFault.SCRIPTS


# --- what looks alike ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Alice", "AIice"),
        ("Alice", "ALICE"),
        ("Alice", "A1ice"),
        ("Bob", "B0b"),
        ("Marn", "Mam"),
        ("Ann", "Ann."),
        ("Ann Lee", "AnnLee"),
        ("Ann Lee", "Ann-Lee"),
        ("Ann", "ann!"),
        ("Анна", "АННА"),
        ("Галя", "галя"),
        ("Ωmega"[1:], "OMEGA"[1:]),
        ("Сара", "Capa"),
        ("Хуе", "Xye"),
        ("ΑΝΝΑ", "ANNA"),
        ("Νικος", "ΝΙΚΟΣ"),
        ("Òla", "Òla".lower()),
        ("José", "Jose\u0301"),
        ("Paul", "Ƿaul"),
        ("Ƅob", "bob"),
    ],
)
def test_NA3_lookalikes_have_one_skeleton(one: str, two: str) -> None:
    assert alike(one, two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Ann", "Anna"),
        ("Ann", "Ann 2"),
        ("Van", "Nan"),
        ("Yul", "Uul"),
        ("Rob", "Yob"),
        ("José", "Jose"),
        ("Dan", "Jan"),
        ("李明", "李朋"),
        ("はな", "ハナ"),
        ("Анна", "Инна"),
    ],
)
def test_different_names_have_different_skeletons(one: str, two: str) -> None:
    assert not alike(one, two)


def test_letters_and_digits_stay_apart_but_those_that_look_alike() -> None:
    skeletons: dict[str, str] = {}
    for char in "abcdefghijklmnopqrstuvwxyz0123456789":
        skeletons.setdefault(skeleton(char), "")
        skeletons[skeleton(char)] += char
        assert skeleton(char.upper()) == skeleton(char)
    assert sorted(seen for seen in skeletons.values() if len(seen) > 1) == ["il1", "o0"]


@settings(deadline=None)
@given(PRINTABLE | LIVELY)
def test_a_skeleton_is_its_own(name: str) -> None:
    assert skeleton(skeleton(name)) == skeleton(name)


def test_every_characters_skeleton_is_its_own() -> None:
    # The characters one by one: the data are closed, so that no chain of lookalikes is left.
    for code in range(0x110000):
        char = chr(code)
        assert skeleton(skeleton(char)) == skeleton(char), hex(code)


def taken(name: str) -> Name | None:
    try:
        return clean(name)
    except NameRefused:
        return None


@settings(deadline=None)
@given(st.text("aAiIlL01oOnN é漢", min_size=1, max_size=20), st.integers(1, 1_000))
def test_NA3_the_room_numbers_names_as_they_would_look(name: str, n: int) -> None:
    cleaned = taken(name)
    if cleaned is not None:
        assert number(cleaned.skeleton, n) == clean(f"{cleaned.shown} {n}").skeleton


def test_nothing_shows_a_name_by_accident() -> None:
    assert "Ann" not in repr(clean("Ann"))
    assert "ann" not in repr(clean("Ann"))
