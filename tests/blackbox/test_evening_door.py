"""Who comes in, who stays outside, who goes: agreement, lobby, lock, seats, roles, the end."""

from __future__ import annotations

import asyncio

import pytest

from .house import Server, circle, refused_at_door
from .rawclient import Client, Gone, Map

CYRILLIC_COCO = "\u0421\u043e\u0441\u043e"


def names(view: Map) -> list[str]:
    return sorted(entry["name"] for entry in view["members"].values())


async def waiting(host: Client, *expected: str) -> dict[str, str]:
    """The lobby as the host sees it, once these and no others are in it: name -> person."""
    wanted = sorted(expected)
    frame = await host.sees(
        lambda v: sorted(p["name"] for p in v.get("lobby", [])) == wanted, f"lobby {wanted}"
    )
    return {p["name"]: p["id"] for p in frame.view["lobby"]}


async def test_the_agreement_comes_first_and_only_its_present_version_counts(
    server: Server,
) -> None:
    async with circle(server, title="Tuesday", agreement="Speak kindly.", host="") as c:
        ada = await c.arrive("Ada")
        assert (ada.phase, ada.role) == ("agreement", "member")
        assert ada.view["title"] == "Tuesday"
        assert ada.view["agreement"]["text"] == "Speak kindly."
        assert "members" not in ada.view
        welcome = ada.frames[0].body
        assert welcome["resumed"] is False
        version = ada.view["agreement"]["version"]
        wrong = version + 1 if isinstance(version, int) else f"{version}x"
        await ada.no("stale", "agreement.accept", {"version": wrong})
        assert ada.phase == "agreement"
        await ada.no("not_inside", "hand.raise")
        await ada.ok("agreement.accept", {"version": version})
        entered = await ada.gets(lambda m: m["t"] == "entered", "entry")
        assert isinstance(entered["pos"], dict)
        assert isinstance(entered["pos"]["room"], bytes)
        assert entered["room"]["members"][ada.me]["name"] == "Ada"


async def test_facilitators_accept_the_agreement_too_and_walk_past_the_lobby(
    server: Server,
) -> None:
    async with circle(server, lobby=True, host="") as c:
        frida = await c.arrive("Frida", role="facilitator")
        assert (frida.phase, frida.role) == ("agreement", "facilitator")
        await frida.no("not_inside", "room.lock")
        await c.accept(frida)
        assert frida.phase == "inside"
        assert frida.view["lobby"] == []
        assert "lobby" not in [frame.body["t"] for frame in frida.frames]


async def test_a_full_view_has_every_slice(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        for view in (ada.view, c.f.view):
            for slice_name in ("members", "floor", "pairs", "locked", "settings"):
                assert slice_name in view
            floor = view["floor"]
            assert floor["mode"] in ("open", "stick", "quiet")
            assert floor["holder"] is None
            assert floor["queue"] == []
            assert floor["round"] is None
            assert floor["paused"] is False
            assert view["pairs"] is None
            assert view["locked"] is False
            settings = view["settings"]
            assert settings["direct"] is False
            assert settings["facilitators_wait"] is False
            assert settings["grace_seconds"] == 30
            assert settings["chat"] == "all"
            entry = view["members"][ada.me]
            assert entry["name"] == "Ada"
            assert entry["role"] == "member"
            assert entry["here"] == "here"
            assert entry["muted"] == []
            assert entry["hand"] is None
            assert isinstance(entry["seat"], int)
        assert c.f.view["lobby"] == []
        assert c.f.view["help"] == []
        assert not ada.view.get("lobby")
        assert not ada.view.get("help")


async def test_the_lobby_admits_one_then_all_and_declines(server: Server) -> None:
    async with circle(server, lobby=True) as c:
        people = {}
        for name in ("Ada", "Ben", "Cleo", "Dora"):
            people[name] = await c.arrive(name)
            await c.accept(people[name])
            assert people[name].phase == "lobby"
            await people[name].no("not_inside", "chat.say", {"to": "circle", "body": "early"})
        ids = await waiting(c.f, *people)
        assert len(set(ids.values())) == 4
        await c.f.ok("lobby.admit", {"person": ids["Ben"]})
        assert [p["name"] for p in c.f.view["lobby"]] == ["Ada", "Cleo", "Dora"]
        await people["Ben"].until(lambda: people["Ben"].phase == "inside", "entry")
        await c.f.ok("lobby.decline", {"person": ids["Cleo"]})
        assert await people["Cleo"].closed() == 4405
        await c.f.no("no_such_member", "lobby.admit", {"person": ids["Cleo"]})
        await c.f.ok("lobby.admit_all")
        for name in ("Ada", "Dora"):
            await people[name].until(lambda p=people[name]: p.phase == "inside", "entry")  # type: ignore[misc]
        assert c.f.view["lobby"] == []
        await c.f.until(lambda: names(c.f.view) == ["Ada", "Ben", "Dora", "Frida"], "everybody")


async def test_somebody_sent_back_to_the_lobby_hears_nothing_until_admitted_again(
    server: Server,
) -> None:
    async with circle(server, ["Ada", "Ben"], lobby=True) as c:
        ada, ben = c.members
        await ben.no("not_allowed", "lobby.return", {"member": ada.me})
        await c.f.ok("lobby.return", {"member": ada.me})
        await ada.until(lambda: ada.phase == "lobby", "the lobby")
        await ben.until(lambda: ada.me not in ben.view["members"], "Ada gone")
        await waiting(c.f, "Ada")
        await ben.ok("chat.say", {"to": "circle", "body": "while she is out"})
        await ada.no("not_inside", "hand.raise")
        await c.admit(ada)
        await ben.ok("chat.say", {"to": "circle", "body": "she is back"})
        await ada.hears("she is back")
        assert "while she is out" not in ada.said("circle")
        assert b"while she is out" not in ada.everything


async def test_a_locked_room_lets_nobody_new_in_but_its_own_back(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        await c.f.ok("room.lock")
        assert c.f.view["locked"] is True
        await ada.until(lambda: ada.view["locked"], "the lock")
        assert await refused_at_door(server, c.tokens["member"]) == 4423
        ada.drop()
        ada = await c.back(ada)
        assert ada.phase == "inside"
        await c.f.ok("room.unlock")
        ben = await c.join("Ben")
        assert ben.phase == "inside"


async def test_no_more_people_than_the_capacity(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"], capacity=3) as c:
        with pytest.raises(Gone) as gone:
            await c.join("Cleo")
        assert gone.value.code == 4423
        await c.members[0].ok("leave")
        await c.f.until(lambda: names(c.f.view) == ["Ben", "Frida"], "Ada gone")
        cleo = await c.join("Cleo")
        assert cleo.phase == "inside"


async def test_the_lobby_lets_nobody_into_a_full_room(server: Server) -> None:
    async with circle(server, lobby=True, capacity=2) as c:
        people = [await c.arrive(name) for name in ("Ada", "Ben")]
        for one in people:
            await c.accept(one)
        ids = await waiting(c.f, "Ada", "Ben")
        await c.f.ok("lobby.admit", {"person": ids["Ada"]})
        await c.f.no("full", "lobby.admit", {"person": ids["Ben"]})
        assert people[1].phase == "lobby"
        await people[0].until(lambda: people[0].phase == "inside", "entry")
        await people[0].ok("leave")
        await c.f.until(lambda: len(c.f.view["members"]) == 1, "Ada gone")
        await c.f.ok("lobby.admit", {"person": ids["Ben"]})


async def test_settings_are_given_at_the_making_and_changed_later(server: Server) -> None:
    given = {
        "chat": "staff",
        "direct": True,
        "slow_seconds": 7,
        "grace_seconds": 9,
        "facilitators_wait": True,
        "lobby": True,
    }
    async with circle(server, settings=given) as c:
        assert {key: c.f.view["settings"][key] for key in given} == given
        assert c.f.view["settings"]["sealed"] is False
        ada = await c.arrive("Ada")
        await c.accept(ada)
        assert ada.phase == "lobby"
        new = {"lobby": False, "chat": "all", "slow_seconds": 0, "grace_seconds": 30}
        await c.f.ok("room.settings", new)
        assert {key: c.f.view["settings"][key] for key in given} == {**given, **new}
        ben = await c.arrive("Ben")
        await c.accept(ben)
        assert ben.phase == "inside"


async def test_the_removed_come_back_by_no_way_of_their_own(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        once = await c.invite("member", uses=1)
        ben = await c.join("Ben", token=once["token"])
        resume = ben.resume_value
        await c.f.ok("member.remove", {"member": ben.me})
        assert await ben.closed() == 4403
        assert ben.frames[-1].body == {"t": "closed", "code": 4403}
        for client in c.all:
            await client.until(lambda v=client: ben.me not in v.view["members"], "Ben gone")  # type: ignore[misc]
        again = await c.socket("Ben")
        with pytest.raises(Gone) as gone:
            await again.resume(resume, ben.seen)
        assert gone.value.code == 4403
        assert await refused_at_door(server, once["token"], "Benno") == 4404

        # from here on, links of more than one use lead to the lobby, as a member
        late = await c.arrive("Dora")
        await c.accept(late)
        assert late.phase == "lobby"
        other = await c.arrive("Gus", role="facilitator")
        await c.accept(other)
        assert (other.phase, other.role) == ("lobby", "member")
        await other.no("not_inside", "room.lock")
        ids = await waiting(c.f, "Dora", "Gus")
        await c.f.ok("lobby.admit", {"person": ids["Dora"]})
        await c.f.ok("lobby.admit", {"person": ids["Gus"]})
        await other.until(lambda: other.phase == "inside", "entry")
        # an invite for one person still leads inside
        single = await c.invite("member", uses=1)
        cleo = await c.arrive("Cleo", token=single["token"])
        await c.accept(cleo)
        assert cleo.phase == "inside"


async def test_somebody_removed_from_the_agreement_or_lobby_links_of_others_still_work(
    server: Server,
) -> None:
    async with circle(server, ["Ada"], lobby=True) as c:
        ben = await c.arrive("Ben")
        await c.accept(ben)
        ids = await waiting(c.f, "Ben")
        resume = ben.resume_value
        await c.f.ok("lobby.decline", {"person": ids["Ben"]})
        assert await ben.closed() == 4405
        again = await c.socket("Ben")
        with pytest.raises(Gone) as gone:
            await again.resume(resume, {})
        assert gone.value.code is not None
        assert 4400 <= gone.value.code < 4800
        cleo = await c.join("Cleo")
        assert cleo.phase == "inside"


async def test_roles_are_given_and_taken_but_somebody_always_leads(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        await c.f.no({"not_allowed", "stale"}, "role.give", {"member": c.f.me, "role": "member"})
        assert c.f.role == "facilitator"
        await ada.no("not_allowed", "role.give", {"member": ada.me, "role": "facilitator"})
        await c.f.ok("role.give", {"member": ada.me, "role": "facilitator"})
        await ada.until(lambda: ada.role == "facilitator", "the role")
        assert ada.view["lobby"] == []
        await ada.ok("room.lock")
        await ada.ok("room.unlock")
        await ada.ok("role.give", {"member": c.f.me, "role": "member"})
        await c.f.until(lambda: c.f.role == "member", "the role gone")
        await c.f.no("not_allowed", "room.lock")
        assert not c.f.view.get("lobby")
        await ben.until(
            lambda: (
                ben.view["members"][ada.me]["role"] == "facilitator"
                and ben.view["members"][c.f.me]["role"] == "member"
            ),
            "both roles",
        )
        # a facilitator was made a member: the facilitators' link no longer walks past the lobby
        gus = await c.arrive("Gus", role="facilitator")
        await c.accept(gus)
        assert (gus.phase, gus.role) == ("lobby", "member")
        await ada.no("no_such_member", "role.give", {"member": "nobody", "role": "member"})


async def test_names_are_kept_apart_and_can_be_changed(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        twin = await c.arrive("Ada")
        agreement = twin.frames[0].raw
        assert b"Ada 2" not in agreement and b"Ada2" not in agreement
        await c.accept(twin)
        shown = twin.view["members"][twin.me]["name"]
        assert shown != "Ada"
        assert shown.startswith("Ada")
        assert twin.view["members"][ada.me]["name"] == "Ada"
        coco = await c.join("Coco")
        lookalike = await c.join(CYRILLIC_COCO)
        assert lookalike.view["members"][coco.me]["name"] == "Coco"
        assert lookalike.view["members"][lookalike.me]["name"] not in ("Coco", CYRILLIC_COCO)
        await ben.ok("self.rename", {"name": "Benjamin"})
        assert ben.view["members"][ben.me]["name"] == "Benjamin"
        await ada.until(lambda: ada.view["members"][ben.me]["name"] == "Benjamin", "new name")
        for bad in ("", "x" * 41):
            await ben.no("bad_request", "self.rename", {"name": bad})
        assert ben.view["members"][ben.me]["name"] == "Benjamin"


async def test_a_name_in_other_letters_is_the_same_name(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        wide = await c.join("\uff21\uff44\uff41")
        shown = wide.view["members"][wide.me]["name"]
        assert shown not in ("Ada", "\uff21\uff44\uff41")
        assert shown.startswith("Ada")


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "x" * 41,
        "Ada\u202e",
        "A\u200bda",
        "Ada\n",
        "A\x00da",
        "\u2066Ada\u2069",
        "\ufeffAda",
    ],
)
async def test_a_name_of_wrong_shape_ends_the_socket(server: Server, name: str) -> None:
    async with circle(server) as c:
        assert await refused_at_door(server, c.tokens["member"], name) == 4400
        fine = await c.join("x" * 40)
        assert fine.phase == "inside"


async def test_away_is_shown_and_leaving_frees_the_seat(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        await ada.ok("self.away", {"away": True})
        assert ada.view["members"][ada.me]["here"] == "away"
        await ben.until(lambda: ben.view["members"][ada.me]["here"] == "away", "away")
        await ada.ok("self.away", {"away": False})
        await ben.until(lambda: ben.view["members"][ada.me]["here"] == "here", "here")
        resume = ada.resume_value
        await ada.ok("leave")
        assert await ada.closed() == 1000
        await ben.until(lambda: ada.me not in ben.view["members"], "Ada gone")
        again = await c.socket("Ada")
        with pytest.raises(Gone) as gone:
            await again.resume(resume, ada.seen)
        assert gone.value.code is not None
        assert 4400 <= gone.value.code < 4800


async def test_the_end_is_told_to_everybody_and_leads_nowhere_afterwards(server: Server) -> None:
    async with circle(server, ["Ada"], lobby=True) as c:
        (ada,) = c.members
        reading = await c.arrive("Ben")
        waits = await c.arrive("Cleo")
        await c.accept(waits)
        away = await c.join("Dora")
        away.drop()
        await ada.no("not_allowed", "room.end")
        try:
            await c.f.ok("room.end")
        except Gone as gone:
            raise AssertionError("room.end was not answered") from gone
        for client in (c.f, ada, reading, waits):
            assert await client.closed() == 4404
            assert client.frames[-1].body == {"t": "closed", "code": 4404}
        for token in c.tokens.values():
            assert await refused_at_door(server, token) == 4404
        for client in (c.f, ada, waits, away):
            again = await c.socket(client.label)
            with pytest.raises(Gone) as ended:
                await again.resume(client.resume_value, client.seen)
            assert ended.value.code == 4404
        found = await server.http("GET", f"/api/rooms/{c.room}")
        assert found.status_code == 404 or found.json().get("state") == "ended", found.text


async def test_a_one_use_invite_makes_one_seat_even_when_used_twice_at_once(
    server: Server,
) -> None:
    async with circle(server) as c:
        once = await c.invite("member", uses=1)
        sockets = [await c.socket(f"Twin {letter}") for letter in "ABCD"]
        results = await asyncio.gather(
            *(s.hello(once["token"], s.label) for s in sockets), return_exceptions=True
        )
        let_in = [r for r in results if isinstance(r, dict)]
        turned = [r.code for r in results if isinstance(r, Gone)]
        assert len(let_in) == 1
        assert turned == [4404] * 3
