"""Links, words, pictures and papers for all (MT*)."""

from __future__ import annotations

from typing import Any

import pytest

from sitwith_protocol.checks import Invalid
from sitwith_protocol.messages import BadMessage, parse_client
from sitwith_protocol.urls import web_url
from sitwith_server.room import commands as c
from sitwith_server.room.agenda.values import Stage, StageKind
from sitwith_server.room.materials.values import File, MaterialKind, Wish
from sitwith_server.room.model import Role
from tests.room.evening import Evening, circle, pairs_of

PICTURE = File("b1", "image/jpeg", 1_000, 40, 30)


def link(e: Evening, name: str = "t1", **named: Any) -> None:
    e.ok(
        "fay", c.MaterialShow, material=name, what=MaterialKind.LINK, body="https://a.example",
        **named,
    )  # fmt: skip


def bring(e: Evening, name: str = "f1", by: str = "fay") -> c.MaterialBring:
    return c.MaterialBring(by=by, material=name, what=MaterialKind.PICTURE, file=PICTURE)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org",
        "http://example.org:8080/a/b?c=d#e",
        "https://xn--bcher-kva.example/",
        "https://bücher.example/ä",
        "http://[2001:db8::1]:80/",
        "https://example.org/" + "x" * 1_979,
    ],
)
def test_MT1_places_of_the_web_are_links(url: str) -> None:
    assert web_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "", "example.org", "//example.org", "javascript:alert(1)", "JavaScript:alert(1)",
        "data:text/html,x", "file:///etc/passwd", "ftp://example.org", "blob:https://example.org/x",
        "https:example.org", "https:/example.org", "https:///example.org", "https://",
        "https://user@example.org", "https://user:word@example.org", "https://good.example@bad.example",
        "https://good.example\\@bad.example", "https://exa mple.org", "https://example.org/a b",
        "https://example.org/\n", "\thttps://example.org", "https://example.org\u202e",
        "https://example.org:port", "https://example.org:99999", "https://%65xample.org",
        "https://example.org/" + "x" * 1_981, "https://exa\u200bmple.org", "https://a;b.example",
        "HTTPS\u017f://example.org", 5, None,
    ],
)  # fmt: skip
def test_MT1_all_else_is_none(url: object) -> None:
    with pytest.raises(Invalid):
        web_url(url)
    with pytest.raises(BadMessage):
        parse_client({"t": "material.link", "id": 1, "url": url})


@pytest.mark.parametrize("words", ["", " ", "x" * 2_001, "a\x00b", "a\x1bb", 5])
def test_MT1_words_are_few_and_plain(words: object) -> None:
    with pytest.raises(BadMessage):
        parse_client({"t": "material.text", "id": 1, "text": words})
    with pytest.raises(BadMessage):
        parse_client({"t": "material.text", "id": 1, "text": "x", "title": "a\nb"})
    with pytest.raises(BadMessage):
        parse_client({"t": "material.text", "id": 1, "text": "x", "title": "x" * 121})


def test_MT1_a_facilitator_shows_a_link_or_words() -> None:
    e = circle("Ada")
    answer = e.ok(
        "fay", c.MaterialShow, material="t1", what=MaterialKind.LINK, body="https://a.example",
        title="Where to call",
    )  # fmt: skip
    assert answer.answer == {"material": "t1"}
    e.ok("fay", c.MaterialShow, material="t2", what=MaterialKind.TEXT, body="Breathe.")
    assert e.see("ada")["materials"] == [
        {
            "id": "t1",
            "kind": "link",
            "by": "fay",
            "at": e.now,
            "title": "Where to call",
            "url": "https://a.example",
        },
        {"id": "t2", "kind": "text", "by": "fay", "at": e.now, "text": "Breathe."},
    ]


def test_MT2_everybody_inside_sees_it_wherever_they_are() -> None:
    e = circle("Ada", "Ben", lobby=True)
    e.come("Gus", e.link(Role.GUEST))
    e.ok("fay", c.LobbyAdmit, person="gus")
    pairs_of(e, "ada ben")
    e.lose("ben")
    link(e)
    e.order(bring(e))
    e.come("Cleo")
    assert "materials" not in e.see("cleo")
    assert e.see("gus")["materials"] == []
    e.ok("fay", c.LobbyAdmit, person="cleo")
    e.back("ben")
    e.ok("fay", c.GuestBring)
    for who in ("fay", "ada", "ben", "cleo", "gus"):
        first, second = e.see(who)["materials"]
        assert (first["id"], second["id"]) == ("t1", "f1")
        assert (second["type"], second["bytes"], second["width"]) == ("image/jpeg", 1_000, 40)


def test_MT3_five_at_a_time() -> None:
    e = circle("Ada")
    for n in range(5):
        link(e, f"t{n}")
    for kind, fields in (
        (c.MaterialShow, {"material": "x", "what": MaterialKind.TEXT, "body": "x"}),
        (c.MaterialUpload, {"material": "x", "what": MaterialKind.PDF}),
        (c.MaterialBring, {"material": "x", "what": MaterialKind.PDF, "file": PICTURE}),
    ):
        assert e.no("fay", kind, **fields) == "full"
    e.ok("fay", c.MaterialHide, material="t2")
    link(e, "t5")


def test_MT4_what_is_hidden_is_gone() -> None:
    e = circle("Ada")
    link(e)
    e.order(bring(e))
    assert e.no("ada", c.MaterialHide, material="t1") == "not_allowed"
    e.ok("fay", c.MaterialHide, material="t1")
    e.ok("fay", c.MaterialHide, material="f1")
    assert e.see("ada")["materials"] == []
    assert e.no("fay", c.MaterialHide, material="t1") == "stale"
    link(e)
    e.ok("fay", c.RoomEnd)
    assert e.state.materials.shown == ()
    assert e.state.materials.key == b""


def test_MT5_a_ticket_is_asked_for_and_changes_nothing() -> None:
    e = circle("Ada")
    before = e.state
    answer = e.ok("fay", c.MaterialUpload, material="f1", what=MaterialKind.PICTURE)
    assert answer.answer == {"material": "f1", "until": e.now + 60}
    assert e.no("ada", c.MaterialUpload, material="f1", what=MaterialKind.PICTURE) == "not_allowed"
    for who in ("ada", "fay"):
        assert e.no(who, c.MaterialOpen, material="f1") == "stale"
    assert e.state == before
    e.order(bring(e))
    link(e)
    assert e.ok("ada", c.MaterialOpen, material="f1").answer == {
        "material": "f1",
        "until": e.now + 60,
    }
    assert e.no("ada", c.MaterialOpen, material="t1") == "stale", "it has no bytes"
    e.come("Gus", e.link(Role.GUEST))
    assert e.no("gus", c.MaterialOpen, material="f1") == "stale"
    assert Evening().state.materials.key, "or there would be no tickets"


def test_MT5_a_file_comes_once_and_from_a_facilitator() -> None:
    e = circle("Ada")
    e.ok("fay", c.RoleGive, member="ada", role=Role.FACILITATOR)
    assert e.order(bring(e)) and e.no("fay", c.MaterialBring, **_fields(bring(e))) == "stale"
    e.ok("ada", c.MaterialHide, material="f1")
    e.advance(59)
    assert e.no("fay", c.MaterialBring, **_fields(bring(e))) == "stale", "a ticket is for once"
    e.ok("fay", c.RoleGive, member="ada", role=Role.MEMBER)
    assert e.no("ada", c.MaterialBring, **_fields(bring(e, "f2"))) == "not_allowed"
    assert e.see("fay")["materials"] == []


def _fields(command: c.MaterialBring) -> dict[str, Any]:
    return {"material": command.material, "what": command.what, "file": command.file}


def test_MT9_a_stage_shows_what_it_names_as_long_as_it_lasts() -> None:
    e = circle("Ada")
    for n in range(5):
        link(e, f"t{n}")
    wish = Wish(MaterialKind.TEXT, "The three questions", "For tonight")
    stages = (
        Stage(StageKind.TOPIC, 60, material=wish),
        Stage(StageKind.TOPIC, 60, material=Wish(MaterialKind.LINK, "https://a.example")),
        Stage(StageKind.CLOSING, 60),
    )
    e.ok("fay", c.AgendaEdit, stages=stages)
    seen = e.see("ada")["agenda"]["stages"]
    assert seen[0]["material"] == {"text": "The three questions", "title": "For tonight"}
    assert seen[1]["material"] == {"url": "https://a.example"}
    assert "material" not in seen[2]
    e.ok("fay", c.AgendaStart, seed=1)
    shown = e.see("ada")["materials"]
    assert (len(shown), shown[5]["text"], shown[5]["by"]) == (6, "The three questions", None)
    e.ok("fay", c.AgendaNext, seed=1)
    shown = e.see("ada")["materials"]
    assert (len(shown), shown[5]["url"]) == (6, "https://a.example")
    e.ok("fay", c.AgendaNext, seed=1)
    assert len(e.see("ada")["materials"]) == 5
