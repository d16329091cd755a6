"""The golden frames, read by this codec; ``client/web/tests`` reads the same files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sitwith_protocol.codec import (
    CLIENT_LIMITS,
    SERVER_LIMITS,
    CodecError,
    FrameTooLarge,
    decode,
    encode,
)
from sitwith_protocol.messages import (
    COMMANDS,
    SERVER_FRAMES,
    Unknown,
    parse_client,
    parse_server,
)
from sitwith_protocol.shapes import BadMessage
from tests.protocol import make_vectors


def load(key: str) -> list[Any]:
    made: list[Any] = []
    for file in ("client.json", "server.json"):
        content = json.loads((make_vectors.FOLDER / file).read_text(encoding="utf-8"))
        made += [pytest.param(entry, id=entry["name"]) for entry in content[key]]
    return made


@pytest.mark.parametrize("file", ["client.json", "server.json"])
def test_WF11_vectors_are_what_the_generator_makes(file: str) -> None:
    stored = (make_vectors.FOLDER / file).read_text(encoding="utf-8")
    assert stored == make_vectors.written(make_vectors.make()[file])


def test_WF11_vectors_cover_every_type() -> None:
    files = make_vectors.make()
    types = {entry["map"]["t"] for content in files.values() for entry in content["good"]}
    assert types == {"hello", "ping", *COMMANDS, *SERVER_FRAMES}


@pytest.mark.parametrize("entry", load("good"))
def test_WF2_good_frame_decodes_and_encodes_to_the_same_bytes(entry: dict[str, Any]) -> None:
    raw = bytes.fromhex(entry["hex"])
    expected = make_vectors.from_json(entry["map"])
    assert decode(raw, SERVER_LIMITS) == expected
    assert encode(expected) == raw


@pytest.mark.parametrize("entry", load("good"))
def test_WF2_good_frame_is_one_message_and_back(entry: dict[str, Any]) -> None:
    raw = bytes.fromhex(entry["hex"])
    if entry["from"] == "client":
        message: Any = parse_client(decode(raw, CLIENT_LIMITS))
    else:
        message = parse_server(decode(raw, SERVER_LIMITS))
        assert not isinstance(message, Unknown)
    assert encode(message.to_map()) == raw


@pytest.mark.parametrize("entry", load("lenient"))
def test_WF2_longer_forms_are_read(entry: dict[str, Any]) -> None:
    raw = bytes.fromhex(entry["hex"])
    assert decode(raw, CLIENT_LIMITS) == make_vectors.from_json(entry["map"])


ERRORS = {"CodecError": CodecError, "FrameTooLarge": FrameTooLarge, "BadMessage": BadMessage}


@pytest.mark.parametrize("entry", load("bad"))
def test_WF2_bad_frame_is_refused_with_its_error(entry: dict[str, Any]) -> None:
    raw = bytes.fromhex(entry["hex"])
    with pytest.raises((CodecError, BadMessage)) as caught:
        parse_client(decode(raw, CLIENT_LIMITS))
    assert type(caught.value) is ERRORS[entry["why"]]
    if entry["reader"] == "both":
        with pytest.raises(CodecError):
            decode(raw, SERVER_LIMITS)
    elif entry["why"] != "BadMessage":
        decode(raw, SERVER_LIMITS)
