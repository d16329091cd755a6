"""What fuzzing has found, each by its name: none of it may come back."""

from __future__ import annotations

from typing import Any

import pytest

from sitwith_protocol.codec import encode
from sitwith_server.media import bus
from sitwith_server.service import tickets
from sitwith_server.service.talking import LETTER
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
    letter = LETTER + encode({"t": kind, "v": 2, "d": inside})
    assert bus.from_bytes(letter) is None
