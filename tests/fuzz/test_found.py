"""What fuzzing has found, each by its name: none of it may come back."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sitwith_protocol.codec import encode
from sitwith_server.media.plane import bus
from sitwith_server.service.materials import tickets
from sitwith_server.service.rooms.conversations import MEDIA_MESSAGE
from sitwith_server.templates import files
from tests.fuzz.engine import HANG
from tests.fuzz.records import written
from tests.fuzz.targets_sockets import (
    FRAME,
    GET,
    PUT,
    RAW,
    UPGRADE,
    WAIT,
    answered,
)
from tests.fuzz.targets_wire import ROOM

TICKET: dict[str, Any] = {
    "t": tickets.BRING, "room": "r4kd", "seat": "m1", "material": "f1", "until": 9e9,
    "kind": "pdf", "title": "A paper",
}  # fmt: skip


def ticket(said: dict[str, Any]) -> tickets.Ticket | None:
    body = encode(said)
    text = f"{tickets._text(body)}.{tickets._text(tickets._sign(ROOM, body))}"
    return tickets.read(ROOM, text, "f1", tickets.BRING, 0.0)


def test_a_ticket_of_the_room_is_read() -> None:
    made = ticket(TICKET)
    assert made is not None and (made.seat, made.kind, made.title) == ("m1", "pdf", "A paper")


@pytest.mark.parametrize("field", ["room", "seat", "material", "until"])
def test_a_signed_ticket_without_a_field_is_none(field: str) -> None:
    assert ticket({key: value for key, value in TICKET.items() if key != field}) is None


@pytest.mark.parametrize("more", [{"kind": "film"}, {"kind": None}, {"seat": 7}, {"until": "x"}])
def test_a_signed_ticket_of_another_version_is_none(more: dict[str, Any]) -> None:
    assert ticket({**TICKET, **more}) is None


@pytest.mark.parametrize("inside", [0, "x", [], None, b""])
@pytest.mark.parametrize("kind", ["Offer", "Here", "Slots", "Speakers"])
def test_a_letter_without_fields_is_none(kind: str, inside: object) -> None:
    letter = MEDIA_MESSAGE + encode({"t": kind, "v": 2, "d": inside})
    assert bus.from_bytes(letter) is None


# ----------------------------------------------------------------------------------- sockets


A_WHILE = (WAIT, 10, b"")


def test_a_frame_that_is_none_right_behind_an_upgrade_is_no_error() -> None:
    """It came before the upgrade was answered, and its parser's fault was one of ours."""
    unmasked = b"\x82\x05hello"
    told = answered(written([(RAW, len(UPGRADE), UPGRADE + unmasked), A_WHILE]))
    assert told.startswith(b"HTTP/1.1 101 ")
    later = answered(written([(RAW, 0, UPGRADE), A_WHILE, (RAW, 0, unmasked), A_WHILE]))
    assert later.endswith(b"\x03\xeaincorrect masking")
    # The application refuses that upgrade, whose connection is over already.
    elsewhere = UPGRADE.replace(b"/ws", b"/s").replace(b"Host: 127.0.0.1:8000", b"Host:")
    assert b" 101 " not in answered(written([(RAW, len(elsewhere), elsewhere + unmasked), A_WHILE]))


def test_text_that_is_none_is_refused_as_text_is() -> None:
    """It went into the log, with where it was wrong."""
    for text in (b"hello", b"\x83"):
        told = answered(written([(RAW, 0, UPGRADE), (FRAME, 0x81, text)]))
        assert told.endswith(b"\x88\x02" + (4_400).to_bytes(2))


@pytest.mark.parametrize(
    "more", [b"X: y\r\n" * 200, b"X: " + b"y" * 9_000 + b"\r\n"], ids=["many", "long"]
)
def test_an_upgrade_with_headers_beyond_measure_is_answered(more: bytes) -> None:
    """It was left open for ever, without a word."""
    head, _, rest = UPGRADE.partition(b"\r\n")
    told = answered(written([(RAW, 0, head + b"\r\n" + more + rest), (FRAME, 0x82, b"x")]))
    assert told.startswith(b"HTTP/1.1 431 ")


def test_a_body_that_is_malformed_behind_a_good_head_has_one_answer() -> None:
    told = answered(written([(RAW, 0, PUT.replace(b"5\r\n", b"zz\r\n"))]))
    assert told.startswith(b"HTTP/1.1 400 ") and told.count(b"HTTP/1.1") == 1


def test_a_body_that_is_malformed_after_its_answer_ends_the_connection() -> None:
    """A second answer was begun, and the error went to the log."""
    head, _, _ = PUT.partition(b"\r\n\r\n")
    told = answered(
        written([(RAW, 0, head + b"\r\n\r\n5\r\nhello\r\n"), A_WHILE, (RAW, 0, b"zz\r\n")])
    )
    assert told.startswith(b"HTTP/1.1 404 ") and told.count(b"HTTP/1.1") == 1


def test_who_goes_before_an_upgrade_is_answered_leaves_no_error() -> None:
    """The application's answer met a socket that was gone, and that was told to the log as a
    fault of ours."""
    for path in (b"/ws", b"/s"):
        upgrade = UPGRADE.replace(b"/ws", path)
        # Behind two requests its turn comes when the connection is lost already.
        assert b" 101 " not in answered(written([(RAW, 7, GET + GET), (RAW, 0, upgrade)]))


# ------------------------------------------------------------------------------------ agendas


@pytest.mark.parametrize(
    "text",
    [
        "title: 1" + ":1" * 130_000,
        "title: !!int 1" + ":1" * 130_000,
        "title: !!float 1" + ":1" * 130_000 + ".5",
        "a: " + "{" * 200_000,
        "a: [" + "a," * 40_000,
    ],
    ids=["base 60", "tagged", "tagged with a fraction", "deep", "long"],
)
def test_a_long_agenda_takes_no_time(text: str) -> None:
    """Of the first three each took seconds: a number of base 60 was made digit by digit."""
    began = time.thread_time()
    with pytest.raises(files.BadFile):
        files.read(text)
    assert time.thread_time() - began < HANG


def test_a_time_of_minutes_is_still_a_number() -> None:
    assert files.parse("a: [1:30, 1:00:00]").value == {"a": [90, 3_600]}
