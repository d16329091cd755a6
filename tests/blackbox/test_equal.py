"""Equal voice on the wire: a nudge in private, and an order that nobody is shown."""

from __future__ import annotations

from .house import Server, circle

NAMES = ("Ada", "Ben", "Cleo")


async def test_EQ5_EQ6_EQ7_a_nudge_is_in_one_persons_bytes_alone(server: Server) -> None:
    async with circle(server, NAMES) as c:
        ada, ben, _ = c.members
        finn = await c.join("Finn", role="facilitator")
        await ada.no("not_allowed", "voice.nudge", {"member": ben.me})
        await c.f.no("bad_request", "voice.nudge")
        await c.f.no("no_such_member", "voice.nudge", {"member": "nobody"})
        await c.f.no("not_allowed", "voice.nudge", {"member": finn.me})
        await ben.ok("hand.raise")
        await c.f.no("stale", "voice.nudge", {"member": ben.me})
        await c.settle(finn)
        others = [client for client in (*c.all, finn) if client is not ada]
        begun = {client.label: len(client.frames) for client in others}

        await c.f.ok("voice.nudge", {"member": ada.me})
        await ada.until(lambda: ada.view.get("nudge"), "the nudge")
        assert ada.view["nudge"].keys() == {"at"}
        again = await c.f.ask({"t": "voice.nudge", "id": next(c.f.ids), "member": ada.me})
        assert again["code"] == "too_fast"
        await ada.ok("voice.dismiss")
        await ada.until(lambda: ada.view.get("nudge") is None, "nothing any more")
        await ada.ok("voice.dismiss")
        await c.settle(finn)
        for client in others:
            told = [f.body for f in client.frames[begun[client.label] :]]
            assert {f["why"] for f in told if f["t"] == "room"} <= {"mute", "unmute"}, client.label
            if client is not c.f:
                assert b"nudge" not in client.everything.lower(), client.label

        trail = (await server.http("GET", f"/api/audit/{c.room}")).json()["audit"]
        ours = [each for each in trail if each["action"].startswith("voice.")]
        assert {each["action"] for each in ours} == {"voice.nudge"}, "a dismissal is told"
        assert [(each["seat"], each["target"]) for each in ours if each["result"] == "ok"] == [
            (c.f.me, ada.me)
        ]


async def test_EQ1_EQ2_EQ3_the_order_is_a_setting_and_hands_stay_as_raised(server: Server) -> None:
    async with circle(server, NAMES, settings={"queue_order": "least_heard"}) as c:
        ada, ben, cleo = c.members
        assert ada.view["settings"]["queue_order"] == "least_heard"
        for bad in ("loudest", "", None, 1, ["raised"]):
            await c.f.no("bad_request", "room.settings", {"queue_order": bad})
        assert c.f.view["unheard"] == [ada.me, ben.me, cleo.me]
        for member in (cleo, ada, ben):
            await member.ok("hand.raise")
        await c.settle()
        for client in c.all:
            assert client.view["floor"]["queue"] == [cleo.me, ada.me, ben.me]
        assert [c.f.view["members"][m.me]["hand"] for m in c.members] == [2, 3, 1]
        assert not {"talk", "unheard"} & ada.view.keys()
        await c.f.ok("floor.stick")
        await c.f.ok("room.settings", {"queue_order": "raised"})
        await c.settle()
        assert ada.view["floor"]["holder"] == cleo.me
        assert ada.view["settings"]["queue_order"] == "raised"
        wrong = {"settings": {"queue_order": "loudest"}}
        refused = await server.http("POST", "/api/rooms", wrong)
        assert (refused.status_code, "settings.queue_order" in refused.text) == (422, True)
