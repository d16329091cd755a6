"""The door: who has a place, who gives one up, what facilitators see and end (DO*)."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_server.room import Refusal, Verdict
from sitwith_server.room import commands as c
from sitwith_server.room.door import places as door
from sitwith_server.room.door.view import LINKS_SHOWN
from sitwith_server.room.entry.family import PRE_ENTRY_GRACE
from sitwith_server.room.model import OPERATOR, Phase, Role
from tests.room.evening import FACILITATOR, MEMBER, Evening, circle

HALF, SHARED, PLACES = 50, 75, 100
"""Of a small room's door: what one link may fill, what all shared links may, and all of it."""
TENTH = 10


def code(answer: Verdict | Refusal) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


def crowd(e: Evening, number: int, link: bytes = MEMBER, *, each: int = 1, name: str = "x") -> None:
    """So many at the agreement, `each` from one address."""
    for n in range(number):
        e.arrive(f"{name}{n}", link, address=f"{name}-{n // each}".encode())


def standing(e: Evening) -> set[str]:
    return {seat.id for seat in door.standing(e.state)}


def test_DO1_the_door_of_a_large_room_takes_its_whole_crowd_from_one_address() -> None:
    e = Evening(capacity=150)
    for n in range(150):
        e.arrive(f"P{n}", address=b"hospital")
    assert code(e.hello("One more", address=b"hospital")) == "full"
    e.arrive("Fay", FACILITATOR, address=b"hospital")


def test_DO1_both_phases_and_nobody_else_count() -> None:
    e = circle("Ada", lobby=True)
    e.ok("fay", c.LobbyReturn, member="ada")
    e.arrive("Finn", FACILITATOR)
    crowd(e, HALF - 1)
    for n in range(20):
        e.accept(f"x{n}")
    e.lose("x48")
    e.arrive("Ben", address=b"x-0")
    assert len(standing(e)) == HALF - 1
    e.arrive("Cleo", address=b"x-0")
    assert code(e.hello("Dora", address=b"x-0")) == "full"


def test_DO2_one_link_fills_half_of_the_door_and_leaves_the_rest_to_others() -> None:
    e = Evening()
    other, third = e.link(Role.MEMBER, uses=40), e.link(Role.GUEST)
    crowd(e, HALF)
    assert code(e.hello("One more", address=b"elsewhere")) == "full"
    crowd(e, SHARED - HALF, other, name="y")
    assert code(e.hello("One more", other, address=b"elsewhere")) == "full"
    assert code(e.hello("A guest", third, address=b"elsewhere")) == "full"
    for n in range(PLACES - SHARED):
        e.arrive(f"Own{n}", e.link(Role.MEMBER, uses=1), address=b"x-0")
    assert len(standing(e)) == PLACES


def test_DO2_one_address_has_a_tenth_by_a_link_once_the_door_is_half_full() -> None:
    e = Evening()
    other = e.link(Role.MEMBER)
    crowd(e, HALF)
    for n in range(TENTH):
        e.arrive(f"Y{n}", other, address=b"one")
    assert code(e.hello("Y", other, address=b"one")) == "full"
    e.arrive("Z", other, address=b"two")
    for n in range(12):
        e.arrive(f"N{n}", other)  # nobody knows from where: not taken for one


def test_DO3_a_place_without_a_sign_of_a_person_goes_to_a_newcomer_oldest_first() -> None:
    e = Evening(door_seconds=600)
    for n in range(HALF):
        e.advance(1)
        e.arrive(f"x{n}", address=f"x-{n}".encode())
    e.now += 600 - HALF
    assert code(e.hello("Ada", address=b"ada")) == "full"
    e.now += 1
    assert isinstance(e.hello("Ada", address=b"ada"), Verdict)
    assert "x0" not in standing(e)
    assert code(e.hello("Ben", address=b"ben")) == "full", "the next is not overdue yet"
    e.now += 1
    e.arrive("Ben", address=b"ben")
    assert standing(e) == {*(f"x{n}" for n in range(2, HALF)), "ada", "ben"}


def test_DO3_nobody_loses_a_place_while_there_are_others() -> None:
    e = Evening(door_seconds=60)
    crowd(e, HALF - 1)
    e.advance(100_000 / 2)
    e.arrive("Ada")
    assert len(standing(e)) == HALF
    for n in range(HALF - 1):
        e.accept(f"x{n}")


def test_DO3_DO6_a_sign_of_a_person_keeps_the_place() -> None:
    e = Evening(door_seconds=600)
    crowd(e, HALF)
    e.same("x0", c.AgreementReading)
    e.now += 599
    e.ok("x0", c.AgreementReading)
    e.same("x0", c.AgreementReading)
    e.now += 1
    e.arrive("Ada", address=b"ada")
    assert "x0" in standing(e)
    assert "x1" not in standing(e)
    e.accept("x0")
    assert e.no("x0", c.AgreementReading) == "stale"


def test_DO3_who_waits_in_the_lobby_waits_as_long_as_it_takes() -> None:
    e = circle(lobby=True, door_seconds=10)
    crowd(e, HALF)
    for n in range(HALF):
        e.accept(f"x{n}")
    e.now += 1_000
    assert code(e.hello("Ada", address=b"ada")) == "full"


def test_DO3_time_without_commits_is_nobodys() -> None:
    e = Evening(door_seconds=600)
    crowd(e, HALF)
    e.now += 600
    e.ok(OPERATOR, c.Thaw, since=e.now - 300, until=e.now)
    assert code(e.hello("Ada", address=b"ada")) == "full"
    e.now += 300
    e.arrive("Ada", address=b"ada")


def test_DO4_a_place_comes_from_the_address_with_most_people() -> None:
    e = circle(lobby=True)
    e.arrive("Zoe", address=b"zoe")
    crowd(e, HALF - 1, each=7)
    for n in range(5):
        e.accept(f"x{n}")
    for n, name in enumerate(("Ada", "Ben", "Cleo")):
        e.advance(1)
        e.arrive(name, address=b"home")
        assert len(standing(e)) == HALF, n
    assert {"zoe", "ada", "ben", "cleo"} <= standing(e)
    lost = {f"x{n}" for n in range(HALF - 1)} - standing(e)
    assert len({e.seat(who).address for who in lost}) == 3, "one from each of three addresses"


def test_DO4_a_refiller_gets_back_no_place_that_it_lost() -> None:
    e = Evening()
    crowd(e, HALF, each=5)
    e.arrive("Ada", address=b"ada")
    for address in range(10):
        assert code(e.hello("Again", address=f"x-{address}".encode())) == "full"
    assert "ada" in standing(e)


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 120), st.booleans(), st.booleans()),
        min_size=60,
        max_size=260,
    )
)
def test_DO2_DO4_whoever_comes_by_a_link_of_their_own_gets_in(
    tries: list[tuple[int, int, bool, bool]],
) -> None:
    """However many come by shared links, from however many addresses, accept, go and come back."""
    e = circle(lobby=True)
    shared = [MEMBER, *(e.link(Role.MEMBER) for _ in range(3))]
    for n, (link, address, accepts, returns) in enumerate(tries):
        name = f"X{n}"
        if isinstance(e.hello(name, shared[link], address=b"%d" % address), Refusal):
            continue
        if accepts:
            e.accept(name.lower())
        if returns:
            e.lose(name.lower())
            e.back(name.lower())
    for n in range(3):
        who = e.come(f"Own{n}", e.link(Role.MEMBER, uses=1))
        e.ok("fay", c.LobbyAdmit, person=who)
    assert len(standing(e)) <= PLACES


def test_DO4_links_for_one_push_out_only_shared_ones() -> None:
    e = Evening()
    other = e.link(Role.MEMBER)
    crowd(e, HALF)
    crowd(e, SHARED - HALF, other, name="y")
    for n in range(PLACES):
        e.arrive(f"Own{n}", e.link(Role.MEMBER, uses=1))
    assert standing(e) == {f"own{n}" for n in range(PLACES)}
    assert code(e.hello("Own", e.link(Role.MEMBER, uses=1))) == "full"
    e.now += 600
    e.arrive("Own", e.link(Role.MEMBER, uses=1))
    assert "own0" not in standing(e)


def test_DO5_who_gave_up_the_place_comes_back_to_it() -> None:
    e = circle(lobby=True, door_seconds=60)
    crowd(e, HALF)
    e.now += 60
    e.arrive("Ada", address=b"ada")
    assert (e.seat("x0").connection, e.seat("x0").phase) == (None, Phase.AGREEMENT)
    assert isinstance(e.back("x0"), Verdict), "one of the places that are kept for those"
    e.accept("x0")
    assert len(standing(e)) == HALF + 1
    e.now += PRE_ENTRY_GRACE
    for n in range(1, 30):
        e.hello(f"New{n}", address=b"new-%d" % n)
    away = next(s.id for s in door.lost(e.state))
    e.advance(PRE_ENTRY_GRACE)
    assert code(e.back(away, f"{away}-0".encode())) == "nowhere"


def test_DO5_who_comes_back_to_a_crowded_door_may_find_no_place() -> None:
    e = Evening()
    crowd(e, HALF)
    for n in range(HALF):
        e.lose(f"x{n}")
    crowd(e, HALF, name="y")
    came = [isinstance(e.back(f"x{n}"), Verdict) for n in range(HALF)]
    assert sum(came) == PLACES - 12 - HALF, "half of what is kept is for links for one"
    e.arrive("Own", e.link(Role.MEMBER, uses=1))


def test_DO7_a_use_is_given_back_to_whoever_was_not_inside() -> None:
    e = circle(lobby=True)
    once = e.link(Role.MEMBER, uses=1)
    e.lose(e.arrive("Ada", once))
    assert code(e.hello("Ben", once)) == "nowhere"
    e.advance(PRE_ENTRY_GRACE)
    e.come("Ben", once)
    e.ok("fay", c.RoomLock)
    e.ok("fay", c.RoomUnlock)
    e.come("Cleo", once)
    e.ok("fay", c.LobbyDecline, person="cleo")
    assert code(e.hello("Dora", once)) == "nowhere", "who was declined has had it"
    assert all(i.used >= i.spent >= 0 for i in e.state.invites.values())


def test_DO7_a_crowd_that_comes_and_goes_costs_nobody_their_own_link() -> None:
    e = Evening()
    once = e.link(Role.MEMBER, uses=1)
    e.lose(e.arrive("Ada", once))
    for n in range(300):
        e.lose(e.arrive(f"x{n}"))
    assert isinstance(e.back("ada"), Verdict)


def test_DO8_nothing_is_kept_of_an_address_once_one_is_inside() -> None:
    e = circle(lobby=True)
    e.arrive("Ada", address=b"ada's home")
    e.accept("ada")
    e.lose("ada")
    e.back("ada")
    assert e.seat("ada").address == b"", "the address of the latest connection"
    e.arrive("Ben", address=b"ben's home")
    assert e.seat("ben").address
    e.accept("ben")
    e.ok("fay", c.LobbyAdmitAll)
    assert e.seat("ben").address == b""
    e.arrive("Finn", FACILITATOR, address=b"finn's home")
    e.ok("fay", c.LobbyReturn, member="ben")
    e.lose("ben")
    e.ok("ben", c.TakeBack, used_digest=b"ben-0", connection="c", resume_digest=b"r",
         address=b"ben's home")  # fmt: skip
    assert all(seat.address == b"" for seat in e.state.seats.values())


def test_DO9_facilitators_alone_see_how_many_are_at_the_door() -> None:
    e = circle("Ada", lobby=True)
    nobody = {"reading": 0, "waiting": 0, "places": PLACES, "crowded": False, "links": []}
    assert e.see("fay")["door"] == nobody
    e.arrive("Ben")
    e.come("Cleo", e.link(Role.MEMBER, uses=1))
    e.arrive("Finn", FACILITATOR)
    seen = e.see("fay")["door"]
    assert (seen["reading"], seen["waiting"], seen["crowded"]) == (1, 1, False)
    assert seen["links"] == [
        {"link": "i-m", "role": "member", "reading": 1, "waiting": 0, "inside": 1, "floods": False}
    ]
    assert [(p["id"], p["link"]) for p in e.see("fay")["lobby"]] == [("cleo", None)]
    assert "door" not in e.see("ada")
    assert "door" not in e.see("ben")


def test_DO9_the_link_that_floods_is_named() -> None:
    e = circle(lobby=True)
    for n in range(8):
        e.arrive(f"Y{n}", e.link(Role.MEMBER))
    crowd(e, HALF)
    e.accept("x0")
    seen = e.see("fay")["door"]
    assert seen["crowded"] is True
    assert len(seen["links"]) == LINKS_SHOWN
    assert [one["link"] for one in seen["links"] if one["floods"]] == ["i-m"]
    assert seen["links"][0] | {"waiting": 1, "reading": HALF - 1} == seen["links"][0]


def test_DO9_in_a_full_room_facilitators_see_by_which_links_people_are_inside() -> None:
    e = circle("Ada", "Ben", capacity=3)
    assert e.see("fay")["door"]["links"] == [
        {"link": "i-m", "role": "member", "reading": 0, "waiting": 0, "inside": 2, "floods": False}
    ]


def test_DO10_all_who_wait_are_declined() -> None:
    e = circle("Ada", lobby=True)
    other = e.link(Role.MEMBER)
    e.ok("fay", c.LobbyReturn, member="ada")
    for n in range(40):
        e.come(f"x{n}", MEMBER if n % 2 else other)
    e.lose("x3")
    e.arrive("Reader")
    assert e.no("fay", c.LobbyDeclineAll, invite="?") == "stale"
    e.ok("fay", c.LobbyDeclineAll, invite=other.decode())
    left = {"ada", *(f"x{n}" for n in range(1, 40, 2) if n != 3)}
    assert {p["id"] for p in e.see("fay")["lobby"]} == left
    verdict = e.ok("fay", c.LobbyDeclineAll)
    assert len(verdict.events) == 20
    assert [p["id"] for p in e.see("fay")["lobby"]] == ["ada"], "who was sent back waits"
    assert code(e.back("x3", b"x3-0")) == "nowhere"
    assert e.seat("reader").phase is Phase.AGREEMENT
    e.same("fay", c.LobbyDeclineAll)


def test_DO11_lock_and_revocation_empty_the_door() -> None:
    e = circle("Ada", lobby=True)
    other = e.link(Role.MEMBER)
    e.ok("fay", c.LobbyReturn, member="ada")
    e.arrive("Finn", FACILITATOR)
    e.come("Ben")
    e.arrive("Cleo")
    e.lose("cleo")
    e.arrive("Dora", other)
    e.ok(OPERATOR, c.RevokeInvite, invite=other.decode())
    assert set(e.state.seats) == {"fay", "ada", "finn", "ben", "cleo"}
    e.ok("fay", c.RoomLock)
    assert set(e.state.seats) == {"fay", "ada", "finn"}
    for who in ("ben", "cleo"):
        assert code(e.back(who, f"{who}-0".encode())) == "nowhere"
    assert e.replay() == e.state


def replace(e: Evening, link: str = "i-m", new: str = "i-new", **fields: object) -> Verdict:
    return e.ok("fay", c.LinkReplace, invite=link, new=new, digest=new.encode(), **fields)


def test_DO12_one_press_replaces_a_link() -> None:
    e = circle("Ada", lobby=True)
    crowd(e, HALF)
    for n in range(20):
        e.accept(f"x{n}")
    e.come("Zoe", e.link(Role.MEMBER, uses=1))
    assert replace(e).answer == {"link": "i-new"}
    assert standing(e) == {"zoe"}
    assert e.seat("ada").is_inside
    assert code(e.hello("Again")) == "nowhere"
    e.come("Ben", b"i-new")
    assert e.see("fay")["door"]["links"][0]["link"] == "i-new"
    new = e.state.invites["i-new"]
    assert (new.role, new.uses, new.revoked) == (Role.MEMBER, None, False)


def test_DO12_a_new_link_is_for_as_much_as_the_old_one() -> None:
    e = circle()
    old = e.link(Role.GUEST, uses=7, expires_in=60)
    e.come("Gus", old)
    replace(e, old.decode())
    new = e.state.invites["i-new"]
    assert (new.role, new.uses, new.used, new.expires_at) == (Role.GUEST, 7, 0, e.now + 60)


def test_DO12_what_can_not_be_replaced() -> None:
    e = circle("Ada")
    ask = {"new": "i-new", "digest": b"i-new"}
    assert e.no("fay", c.LinkReplace, invite="?", **ask) == "stale"
    assert e.no("fay", c.LinkReplace, invite="i-f", **ask) == "not_allowed"
    assert e.no("ada", c.LinkReplace, invite="i-m", **ask) == "not_allowed"
    assert e.no("fay", c.LinkReplace, invite="i-m", new="i-new", digest=FACILITATOR) == "stale"
    replace(e)
    assert e.no("fay", c.LinkReplace, invite="i-m", new="i-3", digest=b"3") == "stale"
    for n in range(2_000):
        done = e.order(c.LinkReplace(by="fay", invite=_last(e), new=f"n{n}", digest=b"%d" % n))
        if isinstance(done, Refusal):
            assert done.code == "full"
            break
    assert len(e.state.invites) == 1_000


def _last(e: Evening) -> str:
    return next(i.id for i in reversed(list(e.state.invites.values())) if not i.revoked)


def test_DO12_who_came_in_by_it_may_be_asked_to_wait() -> None:
    """A crowd that has filled the circle is sent out of it together, and declined together."""
    e = circle("Ada", capacity=30)
    e.come("Zoe", e.link(Role.MEMBER, uses=1))
    for n in range(27):
        e.come(f"x{n}")
    e.ok("fay", c.FloorStick, to="x0")
    assert code(e.hello("One more")) == "full"
    replace(e, inside=True)
    assert [s.id for s in e.state.inside()] == ["fay", "zoe"]
    assert e.holder is None
    e.ok("fay", c.LobbyAdmit, person="ada")
    e.ok("fay", c.LobbyDeclineAll, invite="i-m")
    assert [s.id for s in e.state.inside()] == ["fay", "ada", "zoe"]
    assert e.see("fay")["lobby"] == []


def test_DO13_who_has_a_link_of_their_own_is_not_kept_out_by_a_full_circle() -> None:
    e = circle(*(f"x{n}" for n in range(11)), capacity=12)
    own = [e.link(Role.MEMBER, uses=1) for _ in range(5)]
    assert code(e.hello("One more")) == "full"
    for n, link in enumerate(own[:3]):
        e.come(f"Own{n}", link)
    assert code(e.hello("Own3", own[3])) == "full", "a quarter more, three at least"
    assert len(e.state.inside()) == 15


def test_DO13_links_for_one_alone_fill_a_room_to_its_capacity() -> None:
    e = Evening(capacity=3, lobby=True)
    e.come("Fay", FACILITATOR)
    for n in range(4):
        e.come(f"Own{n}", e.link(Role.MEMBER, uses=1))
    e.ok("fay", c.LobbyAdmitAll)
    assert [s.id for s in e.state.inside()] == ["fay", "own0", "own1", "own2"]
    assert e.no("fay", c.LobbyAdmit, person="own3") == "full"
