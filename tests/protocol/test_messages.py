"""Shapes: what maps are messages (SPEC, AN2, AN3, LI*, EV1)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitwith_client.errors import Refused
from sitwith_protocol import frames
from sitwith_protocol import messages as m
from sitwith_protocol.codec import SERVER_LIMITS, CodecError, decode, encode
from sitwith_protocol.errors import CloseCode, RefusalCode, should_reconnect
from sitwith_protocol.shapes import BadMessage, Message, fields_of
from sitwith_protocol.versions import SUBPROTOCOL, choose
from tests.protocol import golden_messages, make_tables


def refused(raw: dict[str, object]) -> BadMessage:
    with pytest.raises(BadMessage) as caught:
        m.parse_client(raw)
    return caught.value


def test_OP1_the_subprotocol_has_a_version() -> None:
    assert SUBPROTOCOL == "sitwith.v1"
    assert choose(["other", "sitwith.v1"]) == "sitwith.v1"
    assert choose(["sitwith.v2"]) is None
    assert choose([]) is None


def test_AN2_a_bad_command_with_a_usable_id_names_it() -> None:
    for usable in (0, -1, 5, 2**64 - 1, -(2**63)):
        assert refused({"t": "nonsense", "id": usable}).id == usable
        assert refused({"t": "chat.say", "id": usable}).id == usable


@pytest.mark.parametrize("value", [None, True, False, 1.0, "1", b"1", [], {}, 2**64, -(2**63) - 1])
def test_AN2_an_id_that_is_no_integer_is_not_usable(value: object) -> None:
    assert refused({"t": "leave", "id": value}).id is None
    assert refused({"t": "leave"}).id is None


def test_OP3_a_bad_hello_never_has_a_usable_id() -> None:
    assert refused({"t": "hello", "id": 3, "token": "x", "name": "Ada"}).id is None
    assert refused({"t": "hello", "id": 3}).id is None


@pytest.mark.parametrize("name", ["A", " A ", "x" * 40, " " + "x" * 40, "名" * 40])
def test_OP3_names_of_1_to_40_characters_are_greeted(name: str) -> None:
    hello = m.parse_client({"t": "hello", "token": "r.s", "name": name})
    assert hello == m.HelloJoin("r.s", name)
    assert m.parse_client({"t": "self.rename", "id": 1, "name": name}) == m.SelfRename(1, name)


@pytest.mark.parametrize("name", ["", " ", "\u2003", "x" * 41, None, 5, b"Ada", " " * 400 + "A"])
def test_OP3_names_of_another_shape_are_not(name: object) -> None:
    assert refused({"t": "hello", "token": "r.s", "name": name}).id is None
    assert refused({"t": "self.rename", "id": 1, "name": name}).id == 1


COMMAND_CASES = [
    pytest.param(each, id=f"{each.t} {number}")
    for number, each in enumerate(golden_messages.CLIENT)
    if each.t != "hello"
]


@pytest.mark.parametrize("command", COMMAND_CASES)
def test_AN2_an_unknown_field_is_refused(command: Message) -> None:
    for value in (None, 0, "x"):
        assert refused({**command.to_map(), "surprise": value}).id == command.to_map()["id"]


@pytest.mark.parametrize("command", COMMAND_CASES)
def test_AN2_every_field_refuses_every_wrong_type(command: Any) -> None:
    strangers: list[object] = [None, True, -1, 2.5, "", b"", [], {}, [[]], {"a": 1}]
    whole = command.to_map()
    for field in fields_of(command):
        if field.name == "id":
            continue
        accepted = 0
        for stranger in strangers:
            try:
                made = m.parse_client({**whole, field.name: stranger})
            except BadMessage as wrong:
                assert wrong.id == whole["id"]
            else:
                accepted += 1
                assert encode(made.to_map())
        assert accepted <= 3, field.name


@pytest.mark.parametrize("command", COMMAND_CASES)
def test_AN2_a_missing_field_is_refused_and_an_optional_one_may_be_null(command: Any) -> None:
    whole = command.to_map()
    for field in fields_of(command):
        rest = {key: value for key, value in whole.items() if key != field.name}
        if field.required:
            assert refused(rest).id == (None if field.name == "id" else whole["id"])
        elif isinstance(command, m.RoomSettings):
            continue
        else:
            assert m.parse_client(rest) == m.parse_client({**rest, field.name: None})


@pytest.mark.parametrize("seconds", [1, 1.0, 7200, 7199.5])
def test_LI3_durations_of_1_to_7200_seconds(seconds: float) -> None:
    assert m.parse_client({"t": "floor.extend", "id": 1, "seconds": seconds})
    assert m.parse_client({"t": "pairs.open", "id": 1, "groups": [["a"]], "seconds": seconds})


@pytest.mark.parametrize("seconds", [0, 0.999, 7200.5, -1, 10**12, True, "60", b"1", [1]])
def test_LI3_other_durations_are_refused(seconds: object) -> None:
    for t in ("floor.extend", "pairs.extend", "agenda.extend"):
        assert refused({"t": t, "id": 1, "seconds": seconds}).id == 1
    assert refused({"t": "floor.round", "id": 1, "seconds": seconds}).id == 1


def test_LI3_a_grace_may_be_nought_and_is_30_unless_given() -> None:
    assert m.parse_client({"t": "pairs.close", "id": 1, "grace": 0}) == m.PairsClose(1, 0)
    assert m.parse_client({"t": "pairs.close", "id": 1}) == m.PairsClose(1, 30)


def test_LI2_a_long_body_is_the_rooms_to_refuse() -> None:
    made = m.parse_client({"t": "chat.say", "id": 1, "to": "circle", "body": "x" * 2001})
    assert isinstance(made, m.ChatSay) and len(made.body) == 2001


def test_AN3_every_refusal_code_has_a_text_and_says_if_it_is_an_outcome() -> None:
    assert {str(code) for code in RefusalCode} == {
        "bad_request", "not_allowed", "no_plan", "not_holder", "not_inside", "muted", "locked",
        "full", "no_such_member", "no_such_group", "too_fast", "too_long", "stale", "frozen",
    }  # fmt: skip
    assert all(code.text.endswith(".") for code in RefusalCode)
    assert {str(code) for code in RefusalCode if not code.is_outcome} == {
        "frozen",
        "too_fast",
        "bad_request",
        "not_inside",
    }
    assert {code for code in RefusalCode if Refused(code, "").temporary} == {
        RefusalCode.FROZEN,
        RefusalCode.TOO_FAST,
    }


def test_CC1_the_range_of_a_close_code_says_whether_to_come_back() -> None:
    assert {int(code) for code in CloseCode if should_reconnect(code)} == {
        4001,
        4002,
        4003,
        4004,
        4010,
        4029,
    }
    assert all(not should_reconnect(code) for code in range(4400, 4800))
    assert all(should_reconnect(code) for code in range(4000, 4400))
    assert should_reconnect(1006) and should_reconnect(1001) and should_reconnect(1011)
    assert not should_reconnect(1000) and not should_reconnect(1009)
    assert all(code.text for code in CloseCode)


def test_EV1_readers_let_unknown_fields_and_types_be() -> None:
    for frame in golden_messages.SERVER:
        if isinstance(frame, frames.Ok):
            continue
        assert m.parse_server({**frame.to_map(), "later": [1, 2]}) == frame
    assert m.parse_server({"t": "later", "a": 1}) == m.Unknown("later", {"a": 1})


def test_EV1_known_frames_without_their_fields_are_bad() -> None:
    for frame in golden_messages.SERVER:
        whole = frame.to_map()
        if isinstance(frame, frames.Ok):
            with pytest.raises(BadMessage):
                m.parse_server({"t": "ok"})
            continue
        for field in fields_of(type(frame)):
            rest = {key: value for key, value in whole.items() if key != field.name}
            if field.required:
                with pytest.raises(BadMessage):
                    m.parse_server(rest)
            else:
                assert not isinstance(m.parse_server(rest), m.Unknown)


def test_AN1_every_command_has_an_id_and_a_type_of_its_own() -> None:
    # The decorator makes a class of a class; the one that is thrown away has no type.
    classes = [each for each in m.Command.__subclasses__() if each.t]
    assert len({each.t for each in classes}) == len(classes)
    assert set(classes) == set(m.COMMANDS.values())
    assert all(fields_of(each)[0].name == "id" and fields_of(each)[0].required for each in classes)


def test_the_tables_of_the_specification_are_those_of_the_code() -> None:
    spec = make_tables.SPEC.read_text(encoding="utf-8")
    assert make_tables.filled(spec) == spec
    assert "| `pairs.move` | `member` `group` |" in spec


GOOD = st.sampled_from([encode(each.to_map()) for each in golden_messages.CLIENT])
GOOD_SERVER = st.sampled_from([encode(each.to_map()) for each in golden_messages.SERVER])


@st.composite
def spoiled(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """A good frame with some bytes changed, put in or taken out."""
    raw = bytearray(draw(whole))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(raw)))
        kind = draw(st.integers(0, 2))
        if kind == 0:
            raw[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
        elif kind == 1:
            raw[at:at] = draw(st.binary(min_size=1, max_size=3))
        else:
            del raw[at : at + draw(st.integers(1, 3))]
    return bytes(raw)


@given(spoiled(GOOD))
def test_WF10_a_spoiled_command_is_a_message_or_a_named_error(raw: bytes) -> None:
    try:
        made = m.parse_client(decode(raw))
    except (CodecError, BadMessage):
        return
    assert m.parse_client(decode(encode(made.to_map()))) == made


@given(spoiled(GOOD_SERVER))
def test_WF10_a_spoiled_server_frame_is_a_message_or_a_named_error(raw: bytes) -> None:
    try:
        made = m.parse_server(decode(raw, SERVER_LIMITS))
    except (CodecError, BadMessage):
        return
    assert isinstance(made, m.Unknown) or encode(made.to_map())


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
FIELD_NAMES = sorted({field.name for each in m.COMMANDS.values() for field in fields_of(each)})


@given(
    st.sampled_from(sorted(m.COMMANDS)),
    st.dictionaries(st.sampled_from(FIELD_NAMES), JUNK, max_size=5),
)
def test_AN2_junk_in_any_field_is_a_message_or_bad_message(
    t: str, fields: dict[str, object]
) -> None:
    try:
        made = m.parse_client({**fields, "t": t})
    except BadMessage:
        return
    assert isinstance(made, m.COMMANDS[t])
