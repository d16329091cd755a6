"""Coming in: links, the agreement, lock, capacity, the door (EN*)."""

from __future__ import annotations

from sitwith_server.room import Refusal, Verdict, next_deadline
from sitwith_server.room import commands as c
from sitwith_server.room.care.values import Level
from sitwith_server.room.entry.family import PRE_ENTRY_GRACE
from sitwith_server.room.model import OPERATOR, Phase, Role
from tests.room.evening import FACILITATOR, MEMBER, Evening, circle


def code(answer: Verdict | Refusal) -> str:
    assert isinstance(answer, Refusal)
    return answer.code


def test_EN1_link_agreement_inside() -> None:
    e = Evening()
    e.arrive("Ada")
    assert e.seat("ada").phase is Phase.AGREEMENT
    assert e.no("ada", c.AgreementAccept, version=2) == "stale"
    e.accept("ada")
    assert e.seat("ada").phase is Phase.INSIDE
    assert e.no("ada", c.AgreementAccept, version=1) == "stale"


def test_EN1_facilitators_accept_too() -> None:
    e = Evening()
    e.arrive("Fay", FACILITATOR)
    assert e.no("fay", c.FloorQuiet) == "not_inside"
    e.accept("fay")
    e.ok("fay", c.FloorQuiet)


def test_EN2_only_the_title_and_the_agreement_are_seen_before() -> None:
    e = circle("Ada", lobby=True)
    e.arrive("Ben")
    door = {"title": "Evening", "agreement": {"version": 1, "text": "Be kind."}}
    assert e.see("ben") == door
    e.accept("ben")
    assert e.see("ben") == door
    assert "ben" not in str(e.see("ada"))


def test_EN3_places_are_numbered_and_not_used_again() -> None:
    e = circle("Ada", "Ben")
    e.ok("ada", c.Leave)
    e.come("Cleo")
    places = {m: entry["seat"] for m, entry in e.see("fay")["members"].items()}
    assert places == {"fay": 1, "ben": 3, "cleo": 4}


def test_EN4_a_link_of_two_uses_gives_two_seats() -> None:
    e = Evening()
    twice = e.link(Role.MEMBER, uses=2)
    e.arrive("Ada", twice)
    e.arrive("Ben", twice)
    assert code(e.hello("Cleo", twice)) == "nowhere"


def test_EN4_expired_revoked_and_unknown_links_lead_nowhere() -> None:
    e = Evening()
    short, dead = e.link(Role.MEMBER, expires_in=60), e.link(Role.MEMBER)
    e.ok(OPERATOR, c.RevokeInvite, invite=dead.decode())
    e.advance(59)
    e.arrive("Ada", short)
    e.advance(1)
    assert [code(e.hello("Ben", link)) for link in (short, dead, b"?")] == ["nowhere"] * 3
    assert e.no(OPERATOR, c.RevokeInvite, invite="?") == "nowhere"
    e.same(OPERATOR, c.RevokeInvite, invite=dead.decode())


def test_EN5_a_locked_room_takes_no_member_by_any_door() -> None:
    e = circle("Ada", lobby=True)
    e.come("Ben")
    e.ok("fay", c.LobbyAdmit, person="ben")
    e.arrive("Finn", FACILITATOR)
    e.ok("fay", c.LobbyReturn, member="ben")
    e.ok("fay", c.RoomLock)
    e.same("fay", c.RoomLock)
    assert e.see("ada")["locked"] is True
    assert code(e.hello("Dora")) == "locked"
    assert e.no("fay", c.LobbyAdmit, person="ben") == "locked"
    assert e.no("fay", c.LobbyAdmitAll) == "locked"
    e.ok("fay", c.MemberRemove, member="ada")  # from now on facilitators' links wait, too
    assert e.no("finn", c.AgreementAccept, version=1) == "locked"
    e.ok("fay", c.RoomUnlock)
    e.accept("finn")
    e.ok("fay", c.LobbyAdmitAll)
    assert [s.id for s in e.state.inside()] == ["fay", "ben", "finn"]


def test_EN5_a_lock_keeps_out_no_facilitator_and_nobody_with_a_seat() -> None:
    e = circle("Ada")
    e.ok("fay", c.RoomLock)
    e.come("Finn", FACILITATOR)
    e.lose("ada")
    e.back("ada")
    assert [s.id for s in e.state.inside()] == ["fay", "ada", "finn"]


def test_EN6_a_full_room_takes_no_member_by_any_door() -> None:
    e = circle("Ada", lobby=True, capacity=3)
    e.come("Ben")
    e.come("Cleo")
    e.arrive("Dora")
    e.ok("fay", c.LobbyAdmitAll)
    assert [s.id for s in e.state.inside()] == ["fay", "ada", "ben"]
    assert e.no("fay", c.LobbyAdmit, person="cleo") == "full"
    assert e.no("fay", c.LobbyAdmitAll) == "full"
    assert code(e.hello("Emil")) == "full"
    e.accept("dora")  # she may wait
    e.come("Finn", FACILITATOR)
    assert len(e.state.inside()) == 4


def test_EN6_the_last_place_goes_to_whoever_accepts_first() -> None:
    e = circle("Ada", capacity=3)
    e.arrive("Ben")
    e.arrive("Cleo")
    e.accept("cleo")
    assert e.no("ben", c.AgreementAccept, version=1) == "full"
    e.ok("ada", c.Leave)
    e.accept("ben")


def test_EN6_who_is_away_keeps_a_place() -> None:
    e = circle("Ada", capacity=2)
    e.lose("ada")
    e.advance(100)
    assert code(e.hello("Ben")) == "full"
    assert isinstance(e.back("ada"), Verdict)


def test_EN7_of_those_lost_at_the_door_a_hundred_find_their_place_again() -> None:
    e = circle("Ada")
    e.lose("ada")
    e.ok("fay", c.LobbyReturn, member="ada")  # keeps her seat all the same
    for n in range(150):
        e.advance(1)
        e.lose(e.arrive(f"P{n}"))
    assert code(e.back("p49", b"p49-0")) == "nowhere"
    assert isinstance(e.back("p50"), Verdict)
    assert isinstance(e.back("ada"), Verdict)


def test_EN8_a_name_that_looks_like_a_present_one_gets_a_number() -> None:
    e = circle("Ada")
    e.arrive("Ben")
    e.order(
        c.TakeSeat(
            by="ada2",
            invite_digest=MEMBER,
            name="ADA",
            skeleton="ada",
            connection="c",
            resume_digest=b"r",
        )
    )
    assert "ADA" not in str(e.see("fay"))
    e.accept("ada2")
    assert e.seat("ada2").name == "ADA 2"
    e.accept("ben")
    e.ok("ben", c.SelfRename, name="ada", skeleton="ada")
    assert e.seat("ben").name == "ada 3"
    e.same("ada", c.SelfRename, name="Ada", skeleton="ada")


def test_EN12_no_seat_gets_an_id_that_the_room_knows() -> None:
    e = circle("Ada", "Ben", "Cleo")
    e.ok("fay", c.MemberRemove, member="ben")
    e.ok("cleo", c.CareFlag, level=Level.QUIET)
    e.ok("cleo", c.Leave)
    for known in ("Fay", "Ada", "Ben", "Cleo"):
        before = e.state
        assert code(e.hello(known)) == "id_taken"
        assert e.state is before
    assert isinstance(e.hello("Dora"), Verdict)
    assert code(e.hello("Dora")) == "id_taken", "who is at the door, too"


def test_EN9_leaving_gives_everything_up() -> None:
    e = circle("Ada", "Ben", "Cleo")
    e.ok("fay", c.Mute, member="ada", kinds=frozenset(("audio",)))
    e.ok("fay", c.FloorRound)
    e.ok("ada", c.Leave)
    assert e.holder == "ben"
    assert e.to_come == ["cleo"]
    assert "ada" not in str(e.see("fay"))
    assert code(e.back("ada", b"ada-0")) == "nowhere"
    assert e.no("ada", c.HandRaise) == "not_inside"


def test_EN10_a_place_at_the_door_is_lost_after_ten_minutes() -> None:
    e = Evening(lobby=True)
    e.arrive("Ada")
    e.come("Ben")
    for who in ("ada", "ben"):
        e.lose(who)
    e.advance(PRE_ENTRY_GRACE - 1)
    e.back("ben")
    e.advance(1)
    assert set(e.state.seats) == {"ben"}
    assert code(e.back("ada", b"ada-0")) == "nowhere"


def test_EN11_an_ended_room_is_over_for_all() -> None:
    e = circle("Ada", "Ben")
    e.lose("ben")
    e.ok("fay", c.RoomEnd)
    assert next_deadline(e.state) is None
    assert [e.no(who, c.SelfAway, away=True) for who in ("fay", "ada")] == ["not_inside"] * 2
    assert e.say_no("ada", "circle") == "not_inside"
    assert e.hears("ada") == ""
    assert code(e.hello("Cleo")) == code(e.back("ben")) == "nowhere"
    e.now += 1e6
    assert e.tick().events == ()
    e.same("ada", c.LoseConnection, connection=e.seat("ada").connection)
    e.same(OPERATOR, c.AddInvite, invite="x", role=Role.MEMBER, digest=b"x")


def test_EN11_the_operator_ends_a_room_too() -> None:
    e = circle("Ada")
    e.ok(OPERATOR, c.RoomEnd)
    e.same(OPERATOR, c.RoomEnd)
    assert e.state.ended
