"""Conversations: who says what to whom, who gets it, what is deleted (CO*)."""

from __future__ import annotations

import pytest

from sitwith_server.room import commands as c
from sitwith_server.room.chat.access import shown_as, stream_from, stream_of
from sitwith_server.room.model import Kind, Role
from tests.room.evening import FACILITATOR, Evening, circle, pairs_of

FOUR = ("Ada", "Ben", "Cleo", "Dora")


def test_CO1_the_circle_reaches_all_inside() -> None:
    e = circle("Ada", "Ben", lobby=True)
    e.come("Cleo")
    assert e.say("ada", "circle", "hello") == "circle 1"
    assert [e.got(who) for who in ("fay", "ada", "ben", "cleo")] == [["hello"]] * 3 + [[]]


def test_CO1_from_a_group_members_do_not_reach_the_circle() -> None:
    e = circle(*FOUR)
    pairs_of(e, "ada ben", "fay cleo")
    assert e.say_no("ada", "circle") == "not_allowed"
    assert e.react("ada", "circle") == "not_allowed"
    e.say("dora", "circle", "from the circle")
    e.say("fay", "circle", "to all")
    for who in ("ada", "cleo", "dora"):
        assert e.got(who) == ["from the circle", "to all"]


def test_CO2_a_group_keeps_its_words() -> None:
    e = circle(*FOUR)
    one, two = pairs_of(e, "ada ben", "cleo dora")
    assert e.say("ada", "pair", "ours") == f"pair:{one} 1"
    assert e.say("ben", f"pair:{one}", "ours too") == f"pair:{one} 2"
    assert e.say("cleo", "pair", "theirs") == f"pair:{two} 1"
    assert [e.got(who) for who in ("ben", "dora", "fay")] == [["ours", "ours too"], ["theirs"], []]
    assert e.say_no("ada", f"pair:{two}") == "not_allowed"
    assert e.say_no("fay", "pair") == "no_such_group"
    assert e.say_no("fay", f"pair:{two}") == "not_allowed"
    assert e.say_no("fay", "pair:nowhere") == "no_such_group"
    e.ok("fay", c.PairsClose, grace=0)
    assert e.say_no("ada", "pair") == "no_such_group"


def test_CO3_the_line_to_the_facilitators() -> None:
    e = circle("Ada", "Ben")
    e.come("Finn", FACILITATOR)
    assert e.say("ada", "staff", "help") == "staff:ada 1"
    assert e.say("finn", "staff:ada", "coming") == "staff:ada 2"
    assert [e.got(who) for who in ("ada", "fay", "finn")] == [["help", "coming"]] * 3
    assert e.got("ben") == []
    assert e.say_no("ben", "staff:ada") == "not_allowed"
    assert e.say_no("fay", "staff:nobody") == "no_such_member"
    pairs_of(e, "ada ben")
    assert e.say("ada", "staff", "from the group") == "staff:ada 3"


def test_CO4_facilitators_among_themselves() -> None:
    e = circle("Ada")
    e.come("Finn", FACILITATOR)
    assert e.say("fay", "facilitators", "quietly") == "facilitators 1"
    assert (e.got("finn"), e.got("ada")) == (["quietly"], [])
    assert e.say_no("ada", "facilitators") == "not_allowed"


def test_CO5_direct_lines_where_the_room_allows_them() -> None:
    e = circle("Ada", "Ben", "Cleo")
    assert e.say_no("ada", "direct:ben") == "not_allowed"
    e.ok("fay", c.RoomSettings, changes={"direct": True})
    assert e.say("ada", "direct:ben", "psst") == "direct:ben 1"
    assert e.say("ben", "direct:ada", "yes?") == "direct:ada 2"
    assert e.got("ada") == e.got("ben") == ["psst", "yes?"]
    assert e.got("cleo") == e.got("fay") == []
    assert e.say_no("ada", "direct:nobody") == "no_such_member"
    assert e.say_no("ada", "direct:ada") == "no_such_member"


def test_CO5_each_side_sees_the_others_name_of_one_stream() -> None:
    stream = stream_of("direct", "ben", "ada")
    assert stream == stream_of("direct", "ada", "ben")
    assert (shown_as(stream, "ada"), shown_as(stream, "ben")) == ("direct:ben", "direct:ada")
    assert stream_from("direct:ben", "ada") == stream_from("direct:ada", "ben") == stream


@pytest.mark.parametrize(
    ("by", "to", "answer"),
    [
        ("ada", "ben", "taken"),  # of one group
        ("ada", "cleo", "not_allowed"),  # of two
        ("ada", "emil", "not_allowed"),  # group and circle
        ("emil", "ada", "not_allowed"),
        ("emil", "finn", "taken"),  # both in the circle
        ("fay", "ada", "taken"),  # a facilitator of the circle
        ("ada", "fay", "taken"),
        ("greta", "ada", "not_allowed"),  # a facilitator who is in a group
        ("fay", "greta", "taken"),
    ],
)
def test_CO5_nothing_goes_from_group_to_group(by: str, to: str, answer: str) -> None:
    e = circle(*FOUR, "Emil", "Finn", direct=True)
    e.come("Greta", FACILITATOR)
    pairs_of(e, "ada ben", "cleo dora greta")
    if answer == "taken":
        e.say(by, f"direct:{to}")
    else:
        assert e.say_no(by, f"direct:{to}") == answer


def test_CO6_each_conversation_is_numbered_from_one() -> None:
    e = circle("Ada", "Ben", direct=True)
    told = [e.say("ada", to) for to in ("circle", "staff", "circle", "direct:ben", "staff")]
    assert told == ["circle 1", "staff:ada 1", "circle 2", "direct:ben 1", "staff:ada 2"]
    assert e.say("ben", "staff") == "staff:ben 1"


def test_CO7_the_room_says_what_members_may_write() -> None:
    e = circle("Ada", "Ben", direct=True)
    for chat, open_to in (("staff", {"staff"}), ("off", set()), ("all", {"staff", "circle"})):
        e.ok("fay", c.RoomSettings, changes={"chat": chat})
        for to in ("circle", "staff"):
            if to in open_to:
                e.say("ada", to)
            else:
                assert e.say_no("ada", to) == "not_allowed"
        assert (e.say_no("ada", "direct:ben") if chat != "all" else "not_allowed") == "not_allowed"
        for to in ("circle", "staff:ada", "facilitators"):
            e.say("fay", to)
        assert e.react("ada") == "circle"


def test_CO8_slow_mode_spaces_members_words() -> None:
    e = circle("Ada", "Ben", direct=True, slow_seconds=10)
    e.say("ada", "circle")
    e.advance(9)
    assert e.say_no("ada", "circle") == "too_fast"
    assert e.say_no("ada", "direct:ben") == "too_fast"
    pairs_of(e, "ada ben")
    assert e.say_no("ada", "pair") == "too_fast"
    e.say("ada", "staff")
    e.say("ben", "pair")
    e.advance(1)
    e.say("ada", "pair")
    e.say("fay", "circle")
    e.say("fay", "circle")


def test_CO9_authors_and_facilitators_delete() -> None:
    e = circle("Ada", "Ben", direct=True)
    for body in ("one", "two"):
        e.say("ada", "circle", body)
    assert e.unsay("ben", "circle", 1) == "not_allowed"
    assert e.unsay("ada", "circle", 1) is None
    assert e.unsay("ada", "circle", 1) is None
    assert e.unsay("fay", "circle", 2) is None
    assert e.unsay("ada", "circle", 3) == "stale"
    e.say("ada", "direct:ben")
    assert e.unsay("ben", "direct:ada", 1) == "not_allowed"
    assert e.unsay("fay", "direct:ada", 1) == "stale"  # her own line with Ada: nothing there
    assert e.unsay("ada", "direct:ben", 1) is None


def test_CO9_of_what_one_never_got_nothing_is_said() -> None:
    e = circle(*FOUR)
    one, _ = pairs_of(e, "ada ben", "cleo dora")
    e.say("ada", "pair")
    for n in (1, 2):
        assert e.unsay("cleo", f"pair:{one}", n) == "not_allowed"
    assert e.unsay("fay", f"pair:{one}", 1) == "not_allowed"
    e.ok("fay", c.PairsVisit, group=one)
    e.advance(1)
    e.say("ada", "pair")
    e.say("ada", "pair")
    for n in (1, 4):
        assert e.unsay("fay", f"pair:{one}", n) == "stale"
    assert e.unsay("fay", f"pair:{one}", 2) is None
    e.ok("fay", c.PairsReturn)
    for n in (1, 3, 4):
        assert e.unsay("fay", f"pair:{one}", n) == "not_allowed"


def test_CO9_authors_delete_what_they_said_in_a_group_that_is_over() -> None:
    e = circle("Ada", "Ben")
    (one,) = pairs_of(e, "ada ben")
    e.say("ada", "pair")
    e.say("ada", "staff")
    e.ok("fay", c.PairsClose, grace=0)
    assert e.unsay("ada", "pair", 1) == "no_such_group"
    assert e.unsay("ada", f"pair:{one}", 1) is None
    assert e.unsay("ada", "staff", 1) is None
    e.ok("fay", c.Mute, member="ada", kinds=frozenset((Kind.CHAT,)))
    assert e.unsay("ada", f"pair:{one}", 1) is None


def test_CO10_words_are_for_those_who_were_there() -> None:
    e = circle("Ada", "Ben")
    e.say("ada", "circle", "before")
    e.come("Cleo")
    e.say("ada", "circle", "with cleo")
    e.ok("fay", c.LobbyReturn, member="cleo")
    e.say("ada", "circle", "without")
    e.ok("fay", c.LobbyAdmit, person="cleo")
    e.say("ada", "circle", "again")
    e.ok("cleo", c.SelfAway, away=True)
    e.lose("cleo")
    e.advance(100)
    e.say("ada", "circle", "while away")
    assert e.got("cleo") == ["with cleo", "again", "while away"]


def test_CO10_group_words_end_with_the_move() -> None:
    e = circle(*FOUR)
    one, two = pairs_of(e, "ada ben", "cleo dora")
    e.say("ben", "pair", "with ada")
    e.ok("fay", c.PairsMove, member="ada", group=two)
    e.say("ben", "pair", "without ada")
    e.say("cleo", "pair", "with ada there")
    e.ok("fay", c.PairsMove, member="ada", group=one)
    e.say("ben", "pair", "with ada again")
    assert e.got("ada") == ["with ada", "with ada there", "with ada again"]


def test_CO10_staff_lines_are_for_the_facilitators_of_the_moment() -> None:
    e = circle("Ada", "Ben")
    e.say("ada", "staff", "one")
    e.ok("fay", c.RoleGive, member="ben", role=Role.FACILITATOR)
    e.say("ada", "staff", "two")
    e.ok("fay", c.RoleGive, member="ben", role=Role.MEMBER)
    e.say("ada", "staff", "three")
    assert e.got("ben") == ["two"]


@pytest.mark.parametrize(
    ("sealed", "body", "answer"),
    [
        (False, "x" * 2000, "taken"),
        (False, "x" * 2001, "too_long"),
        (False, b"x", "not_allowed"),
        (True, b"x" * 12_000, "taken"),
        (True, b"x" * 12_001, "too_long"),
        (True, "x", "not_allowed"),
    ],
)
def test_CO11_a_body_is_text_or_sealed(sealed: bool, body: str | bytes, answer: str) -> None:
    e = circle("Ada", sealed=sealed)
    if answer == "taken":
        e.say("ada", "circle", body)
    else:
        assert e.say_no("ada", "circle", body) == answer


def test_CO12_reactions_go_to_those_around() -> None:
    e = circle("Ada", "Ben", "Cleo")
    assert e.react("ada") == "circle"
    (one,) = pairs_of(e, "ada ben")
    assert e.react("ada") == e.react("ada", "pair") == f"pair:{one}"
    assert e.react("cleo") == e.react("fay") == "circle"
    assert e.react("cleo", "pair") == "no_such_group"
    e.ok("fay", c.PairsVisit, group=one)
    assert e.react("fay") == f"pair:{one}"
    assert e.book.messages == []


def test_CO13_a_notice_reaches_every_group() -> None:
    e = circle(*FOUR)
    pairs_of(e, "ada ben", "cleo dora")
    assert e.say("fay", "circle", "five minutes", notice=True) == "circle 1"
    assert all(e.got(who) == ["five minutes"] for who in ("ada", "ben", "cleo", "dora"))
    assert e.say_no("ada", "circle", notice=True) == "not_allowed"


def test_CO14_there_are_no_other_conversations() -> None:
    e = circle("Ada")
    for to in ("nowhere", "circle:ada", "direct", "facilitators:x"):
        assert e.say_no("fay", to) == "bad_request", to


def test_CO10_everyone_gets_what_was_for_them_and_nothing_else() -> None:
    e: Evening = circle(*FOUR, direct=True)
    e.come("Greta", FACILITATOR)
    pairs_of(e, "ada ben", "cleo dora")
    said = {
        e.say(by, to, body): (body, readers)
        for by, to, body, readers in (
            ("ada", "pair", "p", "ada ben"),
            ("ada", "staff", "s", "ada fay greta"),
            ("fay", "facilitators", "f", "fay greta"),
            ("fay", "circle", "c", "fay greta ada ben cleo dora"),
            ("ada", "direct:ben", "d", "ada ben"),
            ("greta", "direct:cleo", "g", "greta cleo"),
        )
    }
    for body, readers in said.values():
        got = {s.id for s in e.state.inside() if body in e.got(s.id)}
        assert got == set(readers.split()), body
