"""One whole evening, told by a stranger's client from the first hello to the end."""

from __future__ import annotations

from tests.folding import touched

from .house import Server, circle, refused_at_door
from .rawclient import Client, Gone, Map


async def test_a_whole_circle_from_the_agreement_to_the_end(server: Server) -> None:
    async with circle(server, lobby=True, title="Thursday", agreement="What is said stays.") as c:
        f = c.f
        # the door
        arrivals: list[Client] = []
        for name in ("Ada", "Ben", "Cleo", "Dora", "Emil"):
            one = await c.arrive(name)
            await one.no("stale", "agreement.accept", {"version": 987654})
            await c.accept(one)
            assert one.phase == "lobby"
            arrivals.append(one)
        await f.until(lambda: len(f.view["lobby"]) == 5, "five at the door")
        ids = {p["name"]: p["id"] for p in f.view["lobby"]}
        await f.ok("lobby.decline", {"person": ids["Emil"]})
        assert await arrivals.pop().closed() == 4405
        await f.ok("lobby.admit", {"person": ids["Ada"]})
        await f.ok("lobby.admit_all")
        for one in arrivals:
            await one.until(lambda o=one: o.phase == "inside", "entry")  # type: ignore[misc]
        c.members = arrivals
        ada, ben, cleo, dora = arrivals
        await c.everyone_sees(lambda v: len(v["members"]) == 5, "the circle")

        # a round: one passes, one goes last, one is timed out, once the clock stands still
        order = [ada.me, ben.me, cleo.me, dora.me]
        await f.ok("floor.round", {"order": order, "seconds": 600})
        await ada.until(lambda: ada.view["floor"]["holder"] == ada.me, "Ada's turn")
        await ada.ok("chat.say", {"to": "circle", "body": "I'd rather listen"})
        await ada.ok("floor.pass")
        await ben.until(lambda: ben.view["floor"]["holder"] == ben.me, "Ben's turn")
        await ben.ok("floor.later", {"last": True})
        await cleo.until(lambda: cleo.view["floor"]["holder"] == cleo.me, "Cleo's turn")
        await f.ok("floor.pause")
        await cleo.until(lambda: cleo.view["floor"]["paused"], "the pause")
        await f.ok("floor.resume")
        await f.ok("floor.extend", {"seconds": 5})
        await cleo.ok("floor.pass")
        await dora.until(lambda: dora.view["floor"]["holder"] == dora.me, "Dora's turn")
        await f.ok("floor.pass")
        assert f.view["floor"]["holder"] == ben.me
        await ben.until(lambda: ben.view["floor"]["holder"] == ben.me, "Ben's last turn")
        await ben.ok("floor.pass")
        assert ben.view["floor"]["holder"] is None
        await f.ok("floor.round", {"order": [dora.me, ada.me], "seconds": 1})
        for holder in (dora.me, ada.me, None):
            await f.until(lambda h=holder: f.view["floor"]["holder"] == h, "turns by the clock")  # type: ignore[misc]

        # the queue
        await f.ok("floor.stick", {"to": ada.me})
        await cleo.ok("hand.raise")
        await ben.ok("hand.raise")
        await f.ok("mute", {"member": ben.me, "kinds": ["audio", "chat"]})
        await ben.no("muted", "unmute", {"member": ben.me, "kinds": ["audio"]})
        await f.ok("unmute", {"member": ben.me, "kinds": ["audio", "chat"]})
        await ada.until(lambda: len(ada.view["floor"]["queue"]) == 2, "two hands")
        await ada.ok("floor.pass")
        assert ada.view["floor"]["holder"] == cleo.me
        await f.ok("floor.open")

        # three rounds of pairs, nobody twice; help, a visit
        met: set[frozenset[str]] = set()
        for turn in range(3):
            plan = (await f.ok("pairs.plan", {"how": "fresh"}))["groups"]
            new = {frozenset(g) for g in plan}
            assert len(new) == 2 and not new & met
            met |= new
            await f.ok("pairs.open", {"groups": plan, "seconds": 300})
            await c.everyone_sees(lambda v: v["pairs"] is not None, "the pairs")
            for one in c.members:
                await one.ok("chat.say", {"to": "pair", "body": f"{one.label} {turn}"})
            await ada.ok("help.ask")
            await f.until(lambda: f.view["help"] == [ada.me], "the call")
            await f.ok("pairs.visit", {"group": ada.view["pairs"]["mine"]})
            await f.ok("help.done", {"member": ada.me})
            await f.ok("pairs.return")
            await f.ok("pairs.close", {"grace": 0})
            await c.everyone_sees(lambda v: v["pairs"] is None, "the circle")
        assert not any(c["to"].startswith("pair:") for c in f.chats)

        # the staff line, a delete, a lock, a removal, a second facilitator, the end
        await dora.ok("chat.say", {"to": "staff", "body": "thank you"})
        await f.hears("thank you", to=f"staff:{dora.me}")
        said = await ben.ok("chat.say", {"to": "circle", "body": "a slip of the tongue"})
        await f.ok("chat.delete", {"to": "circle", "n": said["n"]})
        await ben.until(lambda: ben.deleted == [("circle", said["n"])], "the tombstone")
        await f.ok("room.lock")
        assert await refused_at_door(server, c.tokens["member"]) == 4423
        await f.ok("member.remove", {"member": ben.me})
        assert await ben.closed() == 4403
        await f.ok("role.give", {"member": cleo.me, "role": "facilitator"})
        await cleo.until(lambda: cleo.role == "facilitator", "the role")
        await cleo.ok("room.end")
        for one in (f, ada, cleo, dora):
            assert await one.closed() == 4404
        assert await refused_at_door(server, c.tokens["facilitator"]) == 4404


async def test_the_seats_own_slices_never_go_backwards(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, _ = c.members
        for command in ("floor.quiet", "floor.open", "floor.round", "floor.open", "room.lock"):
            await c.f.ok(command)
        await c.settle()

        def numbers(client: Client) -> list[int]:
            return [f.body["seq"] for f in client.frames if f.body["t"] == "room"]

        for client in c.all:
            found = numbers(client)
            assert found == sorted(set(found)), "seq rises"
            rooms: list[Map] = [f.body for f in client.frames if f.body["t"] == "room"]
            for frame in rooms:
                assert isinstance(frame["pos"], bytes)
                assert isinstance(frame["why"], str)
                assert touched(frame), "a frame that changes nothing is not sent"
        assert len(numbers(ada)) >= 5


async def test_what_a_command_changes_is_seen_before_its_answer(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        for command, expected in (("floor.quiet", "quiet"), ("floor.open", "open")):
            answer = await c.f.ok(command)
            frame = c.f.answers[answer["id"]][0]
            assert frame.view["floor"]["mode"] == expected
        try:
            await c.f.ok("room.lock")
        except Gone as gone:
            raise AssertionError("closed") from gone
        assert c.f.view["locked"] is True
