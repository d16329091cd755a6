"""The care lane on the wire: what it does for one, and that nobody else gets a byte of it."""

from __future__ import annotations

import json

from tests.folding import touched

from .house import Server, circle
from .rawclient import Client

PHONE = "+44 131 496-CANARY"
PLACE = "CANARY-PLACE Elm Row 3"
NOTE = "CANARY-NOTE ring twice"
CARD = {"location": PLACE, "phone": PHONE, "note": NOTE}
WORDS = "CANARY-WORDS in the side room"
OURS = ("care.", "care_opened", "aside", "worries", "CANARY")


def since(client: Client, mark: int) -> list[dict[str, object]]:
    return [frame.body for frame in client.frames[mark:]]


async def test_CL1_CL4_CL6_CL7_CL8_CL11_the_care_lane_end_to_end(server: Server) -> None:
    """Flagged, taken, moved, card opened, told, returned; nothing of it in any other's bytes."""
    settings = {"cards": True}
    async with circle(server, ("Ada", "Ben", "Cleo"), settings=settings) as c:
        ada, ben, cleo = c.members
        finn = await c.join("Finn", role="facilitator")
        others = (ben, cleo)
        await c.everyone_sees(lambda v: len(v["members"]) == 5, "Finn", [*c.all, finn])
        await c.settle(finn)
        marks = {client.label: len(client.frames) for client in others}

        await ada.ok("care.card", CARD)
        assert ada.view["card"] == CARD
        # Flagged: all facilitators see it, and how many there are is said.
        assert (await ada.ok("care.flag", {"level": "quiet"}))["facilitators"] == 2
        assert (await ada.ok("care.flag", {"level": "urgent"}))["facilitators"] == 2
        for staff in (c.f, finn):
            await staff.sees(
                lambda v: v.get("care", {}).get(ada.me, {}).get("level") == "urgent", "the flag"
            )
        assert ada.view["care"] == {ada.me: {"level": "urgent", "taken_by": None}}
        await c.f.no("not_allowed", "care.open", {"member": ada.me})
        # Taken, and moved.
        await c.f.ok("care.take", {"member": ada.me})
        await finn.no("stale", "care.take", {"member": ada.me})
        await finn.no("not_allowed", "care.open", {"member": ada.me})
        await c.f.ok("care.aside", {"member": ada.me})
        aside = await ada.until(lambda: ada.view.get("aside"), "the side room")
        assert set(aside["members"]) == {ada.me, c.f.me}
        said = await ada.ok("chat.say", {"to": "pair", "body": WORDS})
        assert said["to"] == f"pair:{aside['group']}"
        await c.f.hears(WORDS)
        # The circle goes on, and hears nothing of it.
        await ben.ok("chat.say", {"to": "circle", "body": "we go on"})
        await cleo.hears("we go on")
        # Opened: in the answer, once, and the member is told.
        opening = {"t": "care.open", "id": next(c.f.ids), "member": ada.me}
        first = await c.f.ask(opening)
        assert first["card"] == CARD
        assert (await c.f.ask(opening))["card"] == CARD
        opened = await ada.until(lambda: ada.view.get("care_opened"), "who has read it")
        assert [each["by"] for each in opened] == [c.f.me]
        # Returned.
        await c.f.ok("care.back", {"member": ada.me})
        await ada.until(lambda: ada.view.get("aside") is None, "the way back")
        await c.f.ok("care.done", {"member": ada.me})
        await ada.until(lambda: ada.view.get("care") is None, "the end of the flag")
        assert (await c.f.ask(opening))["card"] is None
        await c.settle(finn)

        for client in others:
            heard = since(client, marks[client.label])
            rooms = [b for b in heard if b["t"] == "room" and b["why"] not in ("mute", "unmute")]
            assert [(b["why"], b.get("by"), touched(b)) for b in rooms] == [
                ("self.away", ada.me, {"members"})
            ] * 2
            raw = b"\x00".join(frame.raw for frame in client.frames[marks[client.label] :])
            assert [word for word in OURS if word.encode() in raw] == []
        for staff in (c.f, finn):
            raw = b"\x00".join(f.raw for f in staff.frames if "card" not in f.body)
            assert b"CANARY-PLACE" not in raw
        assert all(b"CANARY-PLACE" not in f.raw for f in finn.frames)
        assert WORDS.encode() not in finn.everything

        # Nor in what the server writes, counts or keeps for the operator.
        trail = (await server.http("GET", f"/api/audit/{c.room}")).json()["audit"]
        mine = [(e["seat"], e["action"], e["target"], e["result"]) for e in trail]
        assert (c.f.me, "care.open", ada.me, "ok") in mine
        assert mine.count((c.f.me, "care.open", ada.me, "ok")) == 1
        assert (ada.me, "care.card", None, "ok") in mine
        metrics = (await server.metrics()).text
        summary = (await server.http("GET", f"/api/rooms/{c.room}")).text
        for text in (json.dumps(trail), metrics, summary, server.log):
            assert "CANARY" not in text


async def test_CL3_CL9_a_worry_and_who_vanishes(server: Server) -> None:
    async with circle(server, ("Ada", "Ben", "Cleo")) as c:
        ada, ben, cleo = c.members
        marks = {client.label: len(client.frames) for client in (ada, cleo)}
        await ben.ok("care.worry", {"member": ada.me, "level": "urgent"})
        entry = await c.f.until(lambda: c.f.view["care"].get(ada.me), "the worry")
        assert entry["worried"] == {ben.me: "urgent"}
        assert ben.view["worries"] == {ada.me: "urgent"}
        await c.settle()
        for client in (ada, cleo):
            whys = {b.get("why") for b in since(client, marks[client.label]) if b["t"] == "room"}
            assert whys <= {"mute", "unmute"}
            assert b"worr" not in client.everything
        await ada.ok("leave")
        gone = await c.f.until(
            lambda: c.f.view["care"].get(ada.me, {}).get("gone") and c.f.view["care"][ada.me],
            "somebody to follow up",
        )
        assert gone["name"] == "Ada"
        await c.f.ok("care.done", {"member": ada.me})
        await c.f.until(lambda: c.f.view["care"] == {}, "nobody to follow up")


async def test_SI1_SI2_SI3_SI4_the_inbox(server: Server) -> None:
    async with circle(server, ("Ada", "Ben", "Cleo"), settings={"grace_seconds": 1}) as c:
        ada, ben, cleo = c.members
        finn = await c.join("Finn", role="facilitator")
        await c.f.ok("pairs.open", {"groups": [[ada.me, ben.me]]})
        await c.f.ok("floor.stick", {"to": cleo.me})
        for member in (ada, cleo):
            await member.ok("chat.say", {"to": "staff", "body": f"{member.label} CANARY asks"})
        for staff in (c.f, finn):
            await staff.until(
                lambda s=staff: (
                    {m for m, e in s.view["inbox"].items() if e["waiting"]}  # type: ignore[misc]
                    == {ada.me, cleo.me}
                ),
                "both lines",
            )
        await finn.ok("staff.claim", {"member": ada.me})
        await c.f.no("stale", "staff.claim", {"member": ada.me})
        await ben.no("not_allowed", "staff.claim", {"member": ada.me})
        await finn.ok("chat.say", {"to": f"staff:{ada.me}", "body": "here"})
        entry = finn.view["inbox"][ada.me]
        assert entry == {"claimed_by": finn.me, "waiting": False}, "told before the answer"
        await finn.ok("staff.release", {"member": ada.me})
        await c.settle(finn)
        assert b"CANARY" not in ben.everything
        assert all("inbox" not in member.view for member in c.members)
        # Nobody reads it: it is refused, and goes nowhere.
        await finn.ok("leave")
        c.f.drop()
        await ada.until(lambda: ada.view["notice"] == "no_facilitator", "nobody is there")
        await ada.no("no_such_member", "chat.say", {"to": "staff", "body": "CANARY lost"})
        assert (await ada.ok("care.flag", {"level": "quiet"}))["facilitators"] == 0
        back = await c.back(c.f)
        await back.until(lambda: ada.me in back.view.get("care", {}), "the flag is there for them")
        assert b"CANARY lost" not in back.everything + ben.everything + cleo.everything


async def test_CL10_cards_that_are_none_are_refused_and_change_nothing(server: Server) -> None:
    async with circle(server, ("Ada",), settings={"cards": True}) as c:
        (ada,) = c.members
        await ada.ok("care.card", {"phone": "1"})
        for bad in (
            {"location": "x" * 201},
            {"phone": "x" * 41},
            {"note": "x" * 501},
            {"location": " "},
            {"phone": "1\n2"},
            {"location": "a\x00b"},
            {"location": ["x"]},
            {"address": "x"},
        ):
            await ada.no("bad_request", "care.card", bad)
        for level in ("loud", 1, None):
            await ada.no("bad_request", "care.flag", {"level": level})
        assert ada.view["card"] == {"location": None, "phone": "1", "note": None}
        await c.f.ok("room.settings", {"cards": False})
        await ada.until(lambda: ada.view.get("card") is None, "the card is gone")
        await ada.no("not_allowed", "care.card", {"phone": "1"})
