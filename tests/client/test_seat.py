"""The client's half of a seat: what it keeps, what it greets with, what it tells."""

from __future__ import annotations

from typing import Any

import pytest

from sitwith_client.events import Change, ConnectionBack, Inside, Message, MessageDeleted, Missed
from sitwith_client.seat import Answered, Seat, Welcomed
from sitwith_protocol.codec import CLIENT_LIMITS, CodecError, decode, encode
from sitwith_protocol.messages import HandRaise, Leave, Ok, parse_client
from sitwith_protocol.shapes import BadMessage
from tests.client.fakes import POS, chat, members, welcome


def seated() -> Seat:
    seat = Seat("r.secret", "Ada", first_id=1)
    seat.receive(encode(welcome()))
    return seat


def test_first_greeting_has_the_token_and_later_ones_the_resume_value() -> None:
    seat = Seat("r.secret", "Ada", first_id=1)
    assert decode(seat.hello()) == {"t": "hello", "token": "r.secret", "name": "Ada"}
    seat.receive(encode(welcome("agreement")))
    assert decode(seat.hello()) == {"t": "hello", "resume": "resume-1", "seen": {}}
    seat.receive(encode(welcome("agreement", resume="resume-2", resumed=True)))
    assert decode(seat.hello())["resume"] == "resume-2"


def test_RE2_seen_is_the_last_position_of_each_stream() -> None:
    seat = seated()
    assert seat.seen == {"room": POS, "circle": POS}
    seat.receive(encode({"t": "room", "seq": 4, "pos": b"r4", "why": "x", "set": {}}))
    seat.receive(encode(chat(1)))
    seat.receive(encode({"t": "chat.deleted", "to": "circle", "n": 1, "pos": b"d1"}))
    seat.receive(encode(chat(7, "staff:m1")))
    assert decode(seat.hello())["seen"] == {"room": b"r4", "circle": b"d1", "staff:m1": b"p7"}


def test_RE2_a_resumed_welcome_does_not_skip_messages_that_still_follow() -> None:
    seat = seated()
    seat.receive(encode(chat(1)))
    told = seat.receive(
        encode(welcome(resumed=True, pos={"room": b"r9", "circle": b"p9", "pair:g": b"x"}))
    )
    assert told == [Welcomed(), ConnectionBack()]
    assert seat.seen == {"room": b"r9", "circle": b"p1"}


def test_entering_anew_starts_from_the_positions_given() -> None:
    seat = seated()
    seat.receive(encode({"t": "lobby"}))
    assert seat.phase == "lobby"
    assert set(seat.room.slices) == {"title", "agreement"}
    told = seat.receive(
        encode({"t": "entered", "room": {"members": members(m1="member")}, "pos": {"room": b"e"}})
    )
    assert told == [Inside()]
    assert seat.seen == {"room": b"e"}


def test_RE3_a_message_that_comes_twice_is_told_once() -> None:
    seat = seated()
    (first,) = seat.receive(encode(chat(5)))
    assert isinstance(first, Message) and first.body == "line 5"
    assert seat.receive(encode(chat(5))) == []
    assert seat.receive(encode(chat(4))) == []
    assert seat.repeated == 2
    assert len(seat.receive(encode(chat(1, "staff:m1")))) == 1
    assert [each.n for each in seat.room.chats["circle"]] == [5]


def test_a_deleted_message_is_blank_in_the_view() -> None:
    seat = seated()
    seat.receive(encode(chat(1)))
    seat.receive(encode(chat(2)))
    told = seat.receive(encode({"t": "chat.deleted", "to": "circle", "n": 1, "pos": b"d"}))
    assert told == [MessageDeleted("circle", 1)]
    first, second = seat.room.chats["circle"]
    assert (first.body, first.deleted) == ("", True)
    assert (second.body, second.deleted) == ("line 2", False)


def test_EV2_slices_are_replaced_whole() -> None:
    seat = seated()
    frame = {
        "t": "room",
        "seq": 9,
        "pos": b"r",
        "why": "role",
        "by": "f1",
        "set": {"members": members(m1="facilitator"), "locked": True},
    }
    assert seat.receive(encode(frame)) == [Change("role", "f1", frozenset({"members", "locked"}))]
    assert set(seat.room.members) == {"m1"}
    assert seat.room.locked
    assert seat.role == "facilitator"
    assert seat.room.title == "Circle"


def test_EV10_entries_are_set_and_taken_out_after_whole_slices() -> None:
    seat = seated()
    before = seat.room.members
    frame = {
        "t": "room",
        "seq": 9,
        "pos": b"r",
        "why": "leave",
        "set": {"locked": True, "talk": {"m1": 1.0}},
        "patch": [
            ["members", "m9", members(m9="member")["m9"]],
            ["members", "m1"],
            ["talk", "m9", 2.0],
            ["unknown", "key", None],
        ],
    }
    changed = frozenset({"members", "talk", "locked", "unknown"})
    assert seat.receive(encode(frame)) == [Change("leave", None, changed)]
    assert set(seat.room.members) == {*before, "m9"} - {"m1"}
    assert seat.room.talk == {"m1": 1.0, "m9": 2.0}
    assert seat.room["unknown"] == {"key": None}
    assert "m1" in before, "what was read stays as it was"
    assert seat.seen["room"] == b"r"


def test_FL25_a_hand_is_where_it_is_in_the_queue() -> None:
    seat = seated()
    both: Any = members(m1="member", m2="member")
    up = {m: {**entry, "hand": 7} for m, entry in both.items()}
    floor = {"mode": "open", "holder": None, "queue": ["m2", "m1"]}
    whole = {"t": "room", "seq": 9, "pos": b"r", "why": "x", "set": {"members": up, "floor": floor}}
    seat.receive(encode(whole))
    assert {m: e["hand"] for m, e in seat.room.members.items()} == {"m1": 2, "m2": 1}
    down = [["members", "m2", {**up["m2"], "hand": None}], ["floor", "queue", ["m1"]]]
    seat.receive(encode({"t": "room", "seq": 10, "pos": b"r", "why": "x", "patch": down}))
    assert {m: e["hand"] for m, e in seat.room.members.items()} == {"m1": 1, "m2": None}


@pytest.mark.parametrize("patch", [{}, [["members"]], [["a", 1, 2]], [["a", "b", 1, 2]], ["ab"]])
def test_EV10_a_patch_of_another_form_is_no_frame(patch: object) -> None:
    with pytest.raises(BadMessage):
        frame = {"t": "room", "seq": 9, "pos": b"r", "why": "x", "patch": patch}
        seated().receive(encode(frame))


def test_ids_are_never_used_twice_and_unanswered_commands_keep_theirs() -> None:
    seat = seated()
    first, frame = seat.command(HandRaise)
    second, _ = seat.command(Leave)
    assert second > first
    assert parse_client(decode(frame)) == HandRaise(first)
    assert [number for number, _ in seat.unanswered()] == [first, second]
    assert seat.unanswered(first) == [(second, encode(Leave(second).to_map()))]
    assert seat.receive(encode({"t": "ok", "id": first})) == [Answered(first, Ok(first, {}))]
    assert [number for number, _ in seat.unanswered()] == [second]
    assert seat.receive(encode({"t": "ok", "id": first})) == []
    third, _ = seat.command(HandRaise)
    assert third > second


def test_a_gap_is_told() -> None:
    seat = seated()
    told = seat.receive(encode({"t": "gap", "stream": "circle", "missed": [3, 5]}))
    assert told == [Missed("circle", (3, 5))]


def test_EV1_unknown_frames_are_let_be() -> None:
    assert seated().receive(encode({"t": "something.new", "a": 1})) == []


def test_greeting_fits_a_frame_however_many_streams_were_seen() -> None:
    seat = seated()
    for number in range(1500):
        seat.receive(encode(chat(1, f"staff:{number:026d}")))
    seat.receive(encode(chat(1, "circle")))
    raw = seat.hello()
    assert len(raw) <= CLIENT_LIMITS.frame
    seen = decode(raw)["seen"]
    assert isinstance(seen, dict)
    assert "circle" in seen and f"staff:{1499:026d}" in seen
    assert parse_client(decode(raw))


@pytest.mark.parametrize("raw", [b"", b"\xc1", encode({"t": "welcome"}), encode({"t": "chat"})])
def test_what_is_no_frame_raises(raw: bytes) -> None:
    with pytest.raises((CodecError, BadMessage)):
        seated().receive(raw)
