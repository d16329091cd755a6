"""Nobody does what is not theirs: every facilitator's command, from everybody else."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import pytest

from tests.servers import ROOT

from .house import Circle, Server, circle
from .rawclient import Client, Gone, Map, pack


def facilitator_commands(member: str, group: str, person: str) -> list[tuple[str, Map]]:
    """Every command that only a facilitator may send, in a valid shape, at these targets."""
    return [
        ("chat.say", {"to": "facilitators", "body": "usurped"}),
        ("chat.say", {"to": f"staff:{member}", "body": "usurped"}),
        ("chat.say", {"to": f"pair:{group}", "body": "usurped"}),
        ("hand.lower", {"member": member}),
        ("floor.open", {}),
        ("floor.quiet", {}),
        ("floor.round", {}),
        ("floor.round", {"order": [member], "seconds": 5}),
        ("floor.stick", {}),
        ("floor.stick", {"to": member, "seconds": 5}),
        ("floor.extend", {"seconds": 5}),
        ("floor.pause", {}),
        ("floor.resume", {}),
        ("mute", {"member": member, "kinds": ["audio"]}),
        ("unmute", {"member": member, "kinds": ["audio"]}),
        ("mute.all", {"kinds": ["audio", "video", "chat"]}),
        ("pairs.plan", {"how": "random"}),
        ("pairs.plan", {"how": "linked", "size": 2}),
        ("pairs.open", {"groups": [[member, member + "x"]]}),
        ("pairs.move", {"member": member, "group": group}),
        ("pairs.extend", {"seconds": 5}),
        ("pairs.say", {"body": "usurped"}),
        ("pairs.close", {}),
        ("pairs.visit", {"group": group}),
        ("pairs.return", {}),
        ("help.done", {"member": member}),
        ("lobby.admit", {"person": person}),
        ("lobby.admit_all", {}),
        ("lobby.decline", {"person": person}),
        ("lobby.decline_all", {}),
        ("link.replace", {"link": "nowhere", "digest": bytes(32)}),
        ("lobby.return", {"member": member}),
        ("room.lock", {}),
        ("room.unlock", {}),
        ("room.end", {}),
        ("room.settings", {"direct": True}),
        ("room.extend", {"seconds": 60}),
        ("member.remove", {"member": member}),
        ("role.give", {"member": member, "role": "facilitator"}),
        ("care.take", {"member": member}),
        ("care.done", {"member": member}),
        ("care.aside", {"member": member}),
        ("care.open", {"member": member}),
        ("care.back", {"member": member}),
        ("staff.claim", {"member": member}),
        ("staff.release", {"member": member}),
        ("concerns.offer", {"concerns": ["usurped"]}),
        ("guest.bring", {}),
        ("guest.rest", {}),
        ("material.link", {"url": "https://usurped.example"}),
        ("material.text", {"text": "usurped"}),
        ("material.upload", {"kind": "pdf"}),
        ("material.hide", {"material": "nowhere"}),
        ("agenda.start", {}),
        ("agenda.next", {}),
        ("agenda.back", {}),
        ("agenda.extend", {"seconds": 5}),
        ("agenda.edit", {"stages": [{"kind": "open", "seconds": 60}]}),
        ("voice.nudge", {"member": member}),
        ("mood.ask", {}),
        ("mood.close", {}),
        ("milestone.clear", {"n": 1}),
        ("breathe.start", {"pattern": [4, 4], "seconds": 60}),
        ("breathe.stop", {}),
    ]


OWN_COMMANDS: list[tuple[str, Map]] = [
    ("chat.say", {"to": "circle", "body": "too early"}),
    ("chat.say", {"to": "staff", "body": "too early"}),
    ("chat.delete", {"to": "circle", "n": 1}),
    ("react", {"kind": "heart"}),
    ("hand.raise", {}),
    ("hand.lower", {}),
    ("floor.pass", {}),
    ("floor.later", {}),
    ("help.ask", {}),
    ("self.away", {"away": True}),
    ("care.flag", {"level": "quiet"}),
    ("care.withdraw", {}),
    ("care.worry", {"member": "nobody", "level": "quiet"}),
    ("care.card", {"phone": "usurped"}),
    ("material.open", {"material": "nowhere"}),
    ("self.rename", {"name": "Usurped"}),
    ("leave", {}),
    ("mood.answer", {"value": 3}),
    ("milestone.share", {"text": "too early"}),
    ("voice.dismiss", {}),
    ("topics.set", {"tags": [b"x"]}),
    ("media.offer", {"sdp": "v=0"}),
    ("media.servers", {}),
    ("media.take", {"pictures": "low"}),
]


def sight(client: Client) -> Map:
    """What this person sees, without what the waiting itself changes (the host's own video)."""
    view = {**client.view}
    view["members"] = {
        key: {**m, "muted": [k for k in m["muted"] if k != "video"], "held": None}
        for key, m in view["members"].items()
    }
    return view


async def full_house(c: Circle) -> tuple[str, str]:
    """A round, a hand, a pair, somebody at the door; ids of that group and that person."""
    ada, ben, cleo = c.members
    waits = await c.arrive("Walter")
    await c.accept(waits)
    await c.f.until(lambda: c.f.view["lobby"], "the lobby")
    await c.f.ok("pairs.open", {"groups": [[ada.me, ben.me]]})
    await c.f.ok("floor.round", {"order": [ben.me, ada.me]})
    await cleo.ok("hand.raise")
    await ada.ok("chat.say", {"to": "staff", "body": "hello"})
    await c.settle()
    return c.f.view["pairs"]["groups"].popitem()[0], c.f.view["lobby"][0]["id"]


async def unchanged(c: Circle, before: list[Map], *also: Client) -> None:
    await c.settle(*also)
    await asyncio.sleep(0.2)
    for client, seen in zip(c.all, before, strict=True):
        now = sight(client)
        assert now.keys() == seen.keys()
        for name, value in seen.items():
            assert now[name] == value, f"{client.label} sees another {name}"
        assert b"usurped" not in client.everything
        assert not client.over


async def test_a_members_facilitator_commands_are_refused_without_effect(server: Server) -> None:
    async with circle(server, ["Ada", "Ben", "Cleo"], lobby=True) as c:
        ada, ben, cleo = c.members
        _, person = await full_house(c)
        group = ada.view["pairs"]["mine"]
        before = [sight(client) for client in c.all]

        async def try_all(sender: Client, commands: Sequence[tuple[str, Map]]) -> None:
            for command, fields in commands:
                codes = {"not_allowed"}
                if fields.get("to") == "pair:nowhere":
                    codes.add("no_such_group")
                await sender.no(codes, command, fields)

        # two people share the sending: each seat has its own pace
        await asyncio.gather(
            try_all(cleo, facilitator_commands(ben.me, group, person)),
            try_all(ada, facilitator_commands("nobody", "nowhere", "nobody")),
        )
        await unchanged(c, before)


async def test_before_one_is_inside_every_command_is_refused_without_effect(
    server: Server,
) -> None:
    async with circle(server, ["Ada", "Ben", "Cleo"], lobby=True) as c:
        ada, ben, _ = c.members
        _, person = await full_house(c)
        group = ada.view["pairs"]["mine"]
        reading = await c.arrive("Rita")
        facilitator_reading = await c.arrive("Gitta", role="facilitator")
        waits = await c.arrive("Wilma")
        await c.accept(waits)
        await c.f.until(lambda: len(c.f.view["lobby"]) == 2, "the lobby")
        before = [sight(client) for client in c.all]
        commands = [*facilitator_commands(ben.me, group, person), *OWN_COMMANDS]

        async def try_all(sender: Client) -> None:
            for command, fields in commands:
                await sender.no("not_inside", command, fields)

        await asyncio.gather(*(try_all(s) for s in (reading, waits, facilitator_reading)))
        assert (reading.phase, waits.phase) == ("agreement", "lobby")
        await unchanged(c, before)


def test_every_command_is_tried_here() -> None:
    text = (ROOT / "protocol" / "ROOM.md").read_text()
    table = text.partition("<!-- rules:begin -->")[2].partition("<!-- rules:end -->")[0]
    named = set(re.findall(r"^\| `([a-z._]+)` \|", table, re.MULTILINE))
    tried = {each for each, _ in [*facilitator_commands("", "", ""), *OWN_COMMANDS]}
    assert len(named) > 70
    assert named - tried == {"agreement.accept", "agreement.reading"}


async def test_before_hello_nothing_is_done(server: Server) -> None:
    async with circle(server, ["Ada", "Ben", "Cleo"], lobby=True) as c:
        ada, ben, _ = c.members
        _, person = await full_house(c)
        group = ada.view["pairs"]["mine"]
        before = [sight(client) for client in c.all]
        commands = [*facilitator_commands(ben.me, group, person), *OWN_COMMANDS]
        for start in range(0, len(commands), 15):
            stranger = await c.socket("stranger")
            for command, fields in commands[start : start + 15]:
                if stranger.over:
                    stranger = await c.socket("stranger")
                try:
                    await stranger.no("not_inside", command, fields)
                except Gone as gone:
                    assert gone.code == 4400
            assert b"Ada" not in stranger.everything
        await unchanged(c, before)


async def test_a_role_is_never_taken_from_what_a_client_sends(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        await ada.no("bad_request", "hand.raise", {"role": "facilitator"})
        await ada.no("bad_request", "room.lock", {"as": c.f.me})
        for extra in ({"role": "facilitator"}, {"member": c.f.me}):
            pretender = await c.socket("Ben")
            hello = {"t": "hello", "token": c.tokens["member"], "name": "Ben", **extra}
            await pretender.send(hello)
            assert await pretender.closed() == 4400
        assert c.f.view["members"].keys() == {c.f.me, ada.me}
        await ada.send_raw(b"\x83\xa1t\xa9room.lock\xa2id\x07\xa2id\x08")
        assert await ada.closed() == 4400
        assert c.f.view["locked"] is False


async def test_checks_come_as_shape_then_phase_then_rights_then_target(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        reading = await c.arrive("Ben")
        bad: Map = {"member": 7}
        for sender in (reading, ada, c.f):
            await sender.no("bad_request", "member.remove", bad)
        good: Map = {"member": "nobody"}
        await reading.no("not_inside", "member.remove", good)
        await ada.no("not_allowed", "member.remove", good)
        await c.f.no("no_such_member", "member.remove", good)


async def test_a_refusal_tells_nothing_about_what_others_said(server: Server) -> None:
    async with circle(server, ["Ada", "Ben", "Cleo", "Dora"], settings={"direct": True}) as c:
        ada, ben, cleo, dora = c.members
        await c.f.ok("chat.say", {"to": "facilitators", "body": "one of ours"})
        await ada.ok("chat.say", {"to": "staff", "body": "one of hers"})
        await c.f.ok("pairs.open", {"groups": [[ada.me, ben.me], [cleo.me, dora.me]]})
        await ada.until(lambda: ada.view["pairs"], "the pair")
        await cleo.until(lambda: cleo.view["pairs"], "the pair")
        await ada.ok("chat.say", {"to": "pair", "body": "one of theirs"})
        group = ada.view["pairs"]["mine"]
        for to in ("facilitators", f"staff:{ada.me}", f"pair:{group}"):
            answers = []
            for n in (1, 2, 99):
                answer = await cleo.no("not_allowed", "chat.delete", {"to": to, "n": n})
                answers.append({key: value for key, value in answer.items() if key != "id"})
            assert answers[0] == answers[1] == answers[2], f"{to}: it shows how much was said"


async def test_a_burst_of_twenty_is_taken_and_a_flood_is_not(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        await asyncio.sleep(1)  # the few commands by which she came in are forgotten: 5 a second
        for number in range(20):
            await ada.send({"t": "hand.raise" if number % 2 else "hand.lower", "id": 1000 + number})
        await ada.until(lambda: all(1000 + n in ada.answers for n in range(20)), "the answers")
        assert {ada.answers[1000 + n][0].body["t"] for n in range(20)} == {"ok"}
        try:
            for number in range(3000):
                await ada.send({"t": "hand.raise", "id": 2000 + number})
                if number % 50 == 0:
                    await asyncio.sleep(0)
        except Gone:
            pass
        await ada.until(lambda: ada.over or 4999 in ada.answers, "the end of the flood")
        assert ada.code in (None, 4429)
        codes = {f.body["code"] for f in ada.frames if f.body["t"] == "refused"}
        assert ada.code == 4429 or codes
        assert codes <= {"too_fast"}
        # the others do not suffer
        await ben.ok("chat.say", {"to": "circle", "body": "still here"})
        await c.f.hears("still here")


GUESSES = [
    "x",
    "guess",
    "a" * 200,
    "{room}.guess",
    "{room}.",
    "{room}",
    ".{secret}",
    "{other}.{secret}",
    "{room}.{secret}x",
    "{room}.{secret_cut}",
    "{room}:{secret}",
    "{{{room}}}.{secret}",
    "{room}\n.{secret}",
    "../{room}.{secret}",
    "*.{secret}",
]


async def test_every_guessed_token_gets_the_same_answer(server: Server) -> None:
    async with circle(server, ["Ada"]) as c, circle(server) as other:
        room, _, secret = c.tokens["member"].partition(".")
        values: dict[str, Any] = {
            "room": room,
            "other": other.tokens["member"].partition(".")[0],
            "secret": secret or "none",
            "secret_cut": secret[:-1] or "none",
        }
        answers = set()
        for guess in GUESSES:
            token = guess.format(**values)
            for hello in (
                {"t": "hello", "token": token, "name": "Guess"},
                {"t": "hello", "resume": token, "seen": {}},
            ):
                stranger = await c.socket("stranger")
                await stranger.send(hello)
                assert await stranger.closed() == 4404, token
                answers.add(stranger.everything)
        assert len(answers) == 1, "answers that tell one guess from another"
        assert len(c.f.view["members"]) == 2


@pytest.mark.parametrize(
    "hello",
    [
        {"t": "hello"},
        {"t": "hello", "token": 7, "name": "Ada"},
        {"t": "hello", "token": "x"},
        {"t": "hello", "token": "x", "name": 7},
        {"t": "hello", "resume": 7, "seen": {}},
        {"t": "hello", "resume": "x", "seen": []},
        {"t": "hello", "resume": "x", "seen": {"room": "text"}},
        {"t": "hello", "token": "x", "name": "Ada", "resume": "y", "seen": {}},
    ],
)
async def test_a_hello_of_wrong_shape_ends_the_socket(server: Server, hello: Map) -> None:
    stranger = await server.connect("stranger")
    await stranger.send_raw(pack(hello))
    assert await stranger.closed() == 4400
