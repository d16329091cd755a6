"""Framing: what bytes are a frame (SPEC, WF*)."""

from __future__ import annotations

import struct
import tracemalloc
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitwith_protocol.codec import (
    CLIENT_LIMITS,
    SERVER_LIMITS,
    CodecError,
    FrameTooLarge,
    decode,
    encode,
)
from sitwith_protocol.messages import parse_client
from sitwith_protocol.shapes import BadMessage


def padded(size: int) -> bytes:
    """A good frame of exactly ``size`` bytes (from 300 to 65,000)."""
    empty = encode({"t": "x", "b": b"." * 256})
    return encode({"t": "x", "b": b"." * (size - len(empty) + 256)})


def test_WF3_frame_of_32_KiB_is_read_and_one_byte_more_is_too_large() -> None:
    assert len(padded(32 * 1024)) == 32 * 1024
    assert decode(padded(32 * 1024))["t"] == "x"
    with pytest.raises(FrameTooLarge):
        decode(padded(32 * 1024 + 1))


def test_WF3_frame_too_large_is_judged_before_it_is_read() -> None:
    with pytest.raises(FrameTooLarge):
        decode(b"\xc1" * (32 * 1024 + 1))


def test_WF3_server_frames_may_be_larger() -> None:
    assert decode(padded(60_000), SERVER_LIMITS)["t"] == "x"
    with pytest.raises(FrameTooLarge):
        decode(b"\xc1" * (SERVER_LIMITS.frame + 1), SERVER_LIMITS)


def test_WF3_view_of_a_thousand_members_fits_a_server_frame() -> None:
    member = {
        "name": "𝔴" * 40,
        "role": "facilitator",
        "seat": 1000,
        "here": "reconnecting",
        "muted": ["audio", "video", "chat"],
        "held": ["audio", "video", "chat"],
        "hand": 1000,
    }
    ids = [f"{n:026d}" for n in range(1000)]
    frame = encode({"t": "entered", "room": {"members": {each: member for each in ids}}, "pos": {}})
    assert decode(frame, SERVER_LIMITS)["t"] == "entered"


@pytest.mark.parametrize("twice", ["a", "t"])
def test_WF4_duplicate_keys_are_refused(twice: str) -> None:
    key = encode({twice: 0})[1:-1]
    with pytest.raises(CodecError):
        decode(b"\x83\xa1t\xa1x" + (key + b"\x01") * 2)


def test_WF5_only_text_is_a_key() -> None:
    for key in (b"\x01", b"\xc4\x01a", b"\xc0", b"\xc3", b"\xcb" + bytes(8)):
        with pytest.raises(CodecError):
            decode(b"\x82\xa1t\xa1x" + key + b"\x01")


@pytest.mark.parametrize("code", [-128, -1, 0, 5, 127])
@pytest.mark.parametrize("size", [0, 1, 2, 4, 8, 12, 16])
def test_WF6_extension_types_are_refused(code: int, size: int) -> None:
    head = {1: b"\xd4", 2: b"\xd5", 4: b"\xd6", 8: b"\xd7", 16: b"\xd8"}.get(
        size, b"\xc7" + bytes([size])
    )
    with pytest.raises(CodecError):
        decode(b"\x82\xa1t\xa1x\xa1v" + head + struct.pack("b", code) + bytes(size))


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("form", [">d", ">f"])
def test_WF7_only_finite_numbers(value: str, form: str) -> None:
    head = b"\xcb" if form == ">d" else b"\xca"
    with pytest.raises(CodecError):
        decode(b"\x82\xa1t\xa1x\xa1v" + head + struct.pack(form, float(value)))


def test_WF8_eight_levels_are_read_and_nine_are_not() -> None:
    value: object = []
    for _ in range(6):
        value = [value]
    assert decode(encode({"t": "x", "v": value}))["v"] == value
    with pytest.raises(CodecError):
        decode(encode({"t": "x", "v": [value]}))
    deep: object = {}
    for _ in range(6):
        deep = {"a": deep}
    assert decode(encode({"t": "x", "v": deep}))["v"] == deep
    with pytest.raises(CodecError):
        decode(encode({"t": "x", "v": {"a": deep}}))


def test_WF9_lists_and_maps_have_a_greatest_length() -> None:
    most = CLIENT_LIMITS.array
    assert decode(encode({"t": "x", "v": [None] * most}))["t"] == "x"
    with pytest.raises(CodecError):
        decode(encode({"t": "x", "v": [None] * (most + 1)}))
    keys = {f"{n}": None for n in range(CLIENT_LIMITS.map)}
    assert decode(encode({"t": "x", "v": keys}))["t"] == "x"
    with pytest.raises(CodecError):
        decode(encode({"t": "x", "v": {**keys, "one more": None}}))


def test_WF10_no_error_quotes_the_frame() -> None:
    secret = "a very private sentence"
    for raw in (
        encode({"t": "chat.say", "id": 1, "to": "circle", "body": secret})[:-1],
        encode({"t": "chat.say", "id": 1, "to": secret, "body": "x"}),
        encode({"t": "chat.say", "id": 1, "to": "circle", "body": "x", secret: 1}),
        encode({"t": secret, "id": 1}),
        b"\x82\xa1t\xa1x\xb7" + secret.encode() + b"\xc1",
    ):
        with pytest.raises((CodecError, BadMessage)) as caught:
            parse_client(decode(raw))
        whole: BaseException | None = caught.value
        assert secret not in repr(whole) and whole is not None and whole.__cause__ is None
        assert whole.__suppress_context__ or whole.__context__ is None


def test_WF2_values_without_a_form_are_not_encoded() -> None:
    for value in (object(), 2**64, datetime(2024, 1, 1), {1, 2}, "\ud800"):
        with pytest.raises(CodecError):
            encode({"t": "x", "v": value})


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
    | st.binary(max_size=40)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def levels(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(levels, value.values()), default=0)
    return 1 + max(map(levels, value), default=0) if isinstance(value, list) else 0


@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=6), st.text(max_size=10))
def test_WF2_any_map_within_the_limits_comes_back_as_it_was(
    fields: dict[str, object], t: str
) -> None:
    message = {**fields, "t": t}
    if levels(message) > 8:
        with pytest.raises(CodecError):
            decode(encode(message))
    else:
        back = decode(encode(message))
        assert back == message
        assert encode(back) == encode(message)


@given(st.binary(max_size=200))
def test_WF10_any_bytes_are_a_map_or_a_codec_error(raw: bytes) -> None:
    try:
        made = decode(raw)
    except CodecError:
        return
    assert type(made["t"]) is str
    assert encode(made)


def test_WF10_hostile_headers_take_no_memory() -> None:
    bombs = [
        b"\x81\xa1t" + b"\xdc\x04\x00" * 10_000,  # lists that promise lists
        b"\xdd\xff\xff\xff\xff" * 6_000,
        b"\xdf\xff\xff\xff\xff" * 6_000,
        b"\x82\xa1t\xa1x\xa1v\xc6\xff\xff\xff\xff",
        b"\x82\xa1t\xa1x\xa1v\xdb\x7f\xff\xff\xff",
        b"\x82\xa1t\xa1x\xa1v" + b"\x91" * 30_000,
        b"\x82\xa1t\xa1x\xa1v" + b"\x81\xa1a" * 10_000,
    ]
    tracemalloc.start()
    try:
        for _ in range(3):
            for bomb in bombs:
                with pytest.raises(CodecError):
                    decode(bomb)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * 2**20
    assert kept < 2**20
