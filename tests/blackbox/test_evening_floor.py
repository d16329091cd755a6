"""The floor: rounds, sticks, queues, turns that end by themselves, the clock."""

from __future__ import annotations

import time

from .house import Circle, Server, circle
from .rawclient import Client, Map

FOUR = ("Ada", "Ben", "Cleo", "Dora")


def seat_order(view: Map) -> list[str]:
    """Members (no facilitators) in the order of their seats."""
    found = [(m["seat"], key) for key, m in view["members"].items() if m["role"] == "member"]
    return [key for _, key in sorted(found)]


def holders(client: Client, since: int = 0) -> list[str]:
    """Who held the stick, one entry a turn, as this client saw it."""
    found: list[str] = []
    turn = -1
    for frame in client.frames[since:]:
        floor = frame.view.get("floor")
        if floor and floor["holder"] is not None and floor["turn"] != turn:
            assert floor["turn"] > turn, "a turn number that did not rise"
            turn = floor["turn"]
            found.append(floor["holder"])
    return found


async def round_over(client: Client, since: int) -> None:
    await client.sees(lambda v: v["floor"]["holder"] is not None, "a holder", since=since)
    await client.until(
        lambda: client.view["floor"]["holder"] is None and client.view["floor"]["round"] is None,
        "the end of the round",
    )


async def pass_all(c: Circle, watcher: Client) -> list[str]:
    """Everybody passes as soon as it is their turn; the order in which they held."""
    since = len(watcher.frames) - 1
    people = {client.me: client for client in c.all}
    while (holder := watcher.view["floor"]["holder"]) is not None:
        turn = watcher.view["floor"]["turn"]
        await people[holder].until(
            lambda p=people[holder], t=turn: p.view["floor"]["turn"] >= t,  # type: ignore[misc]
            "one's own turn",
        )
        await people[holder].ok("floor.pass")
        await watcher.until(
            lambda t=turn: (  # type: ignore[misc]
                watcher.view["floor"]["turn"] > t or watcher.view["floor"]["holder"] is None
            ),
            "the next turn",
        )
    return holders(watcher, since)


async def test_a_round_goes_once_around_in_seat_order_and_begins_with_another_next_time(
    server: Server,
) -> None:
    async with circle(server, FOUR) as c:
        order = seat_order(c.f.view)
        assert order == [m.me for m in c.members], "seats are given in the order of coming"
        start = order[1]
        await c.f.ok("floor.round", {"starter": start})
        floor = c.f.view["floor"]
        assert floor["holder"] == start
        assert floor["round"]["order"][0] == start
        assert floor["mode"] == "stick"
        assert floor["ends_at"] is None
        assert await pass_all(c, c.f) == order[1:] + order[:1]
        assert c.f.view["floor"]["round"] is None
        assert c.f.view["floor"]["mode"] == "stick"
        await c.f.ok("floor.round")
        assert await pass_all(c, c.f) == order[2:] + order[:2]
        # a round with an order of its own does not count for who begins the next one
        await c.f.ok("floor.round", {"order": [order[0], order[1]]})
        assert await pass_all(c, c.f) == order[:2]
        await c.f.ok("floor.round")
        assert await pass_all(c, c.f) == order[3:] + order[:3]


async def test_a_given_order_holds_and_facilitators_speak_only_when_listed(
    server: Server,
) -> None:
    async with circle(server, FOUR[:3]) as c:
        ada, ben, cleo = c.members
        wanted = [cleo.me, c.f.me, ada.me]
        await c.f.ok("floor.round", {"order": wanted})
        assert c.f.view["floor"]["round"]["order"] == wanted
        await ben.no({"not_holder", "not_allowed"}, "floor.pass")
        assert await pass_all(c, c.f) == wanted
        await c.f.no({"no_such_member", "bad_request"}, "floor.round", {"order": ["nobody"]})
        await c.f.ok("floor.round")
        assert c.f.me not in await pass_all(c, c.f)


async def test_turns_end_by_themselves_and_the_round_ends_after_the_last(server: Server) -> None:
    async with circle(server, FOUR[:3]) as c:
        since = len(c.members[0].frames)
        before = time.time()
        await c.f.ok("floor.round", {"seconds": 1})
        floor = c.f.view["floor"]
        assert before - 1 < floor["ends_at"] < time.time() + 2
        assert floor["round"]["seconds"] == 1
        watcher = c.members[0]
        await round_over(watcher, since)
        assert holders(watcher, since) == seat_order(c.f.view)
        # nobody's turn was cut short: a turn's end is not told before it is due
        ends = 0.0
        turn = -1
        for frame in watcher.frames[since:]:
            seen = frame.view["floor"]
            if seen["turn"] != turn and seen["holder"] is not None:
                assert frame.at >= ends - 0.5
                turn, ends = seen["turn"], seen["ends_at"]
        assert c.f.view["floor"]["mode"] == "stick"


async def test_later_lets_the_next_one_go_first_or_goes_last(server: Server) -> None:
    async with circle(server, FOUR) as c:
        ada, ben, cleo, dora = c.members
        await c.f.ok("floor.round", {"order": [m.me for m in c.members]})
        since = len(c.f.frames) - 1
        await ada.until(lambda: ada.view["floor"]["holder"] == ada.me, "her turn")
        await ada.ok("floor.later")
        assert ada.view["floor"]["holder"] == ben.me
        await ben.until(lambda: ben.view["floor"]["holder"] == ben.me, "his turn")
        await ben.ok("floor.later", {"last": True})
        assert ben.view["floor"]["holder"] == ada.me
        # one still to come may go last, too: now Ada, then Dora, Ben, Cleo
        await cleo.ok("floor.later", {"last": True})
        assert cleo.view["floor"]["holder"] == ada.me
        await c.f.no({"not_holder", "not_allowed", "stale"}, "floor.later")
        await ada.ok("floor.pass")
        await ada.no({"not_holder", "not_allowed", "stale"}, "floor.later")
        await c.f.until(lambda: c.f.view["floor"]["holder"] == dora.me, "Dora's turn")
        assert (await pass_all(c, c.f))[-3:] == [dora.me, ben.me, cleo.me]
        assert holders(c.f, since) == [ada.me, ben.me, ada.me, dora.me, ben.me, cleo.me]


async def test_a_round_pass_to_somebody_leaves_everyone_else_one_turn(server: Server) -> None:
    async with circle(server, FOUR) as c:
        ada, ben, cleo, dora = c.members
        await c.f.ok("floor.round", {"order": [m.me for m in c.members]})
        await ada.until(lambda: ada.view["floor"]["holder"] == ada.me, "her turn")
        await ada.ok("floor.pass", {"to": dora.me})
        assert ada.view["floor"]["holder"] == dora.me
        await c.f.until(lambda: c.f.view["floor"]["holder"] == dora.me, "Dora's turn")
        # the facilitator passes for the holder
        await c.f.ok("floor.pass")
        rest = await pass_all(c, c.f)
        assert sorted(rest) == sorted([ben.me, cleo.me])


async def test_the_clock_is_paused_resumed_and_extended(server: Server) -> None:
    async with circle(server, FOUR[:2]) as c:
        ada, ben = c.members
        await c.f.ok("floor.round", {"seconds": 60})
        first = c.f.view["floor"]
        assert first["holder"] == ada.me
        for command, fields in (
            ("floor.pause", {}),
            ("floor.extend", {"seconds": 5}),
            ("floor.resume", {}),
        ):
            await ada.no("not_allowed", command, fields)
        await c.f.ok("floor.extend", {"seconds": 30})
        longer = c.f.view["floor"]
        assert abs(longer["ends_at"] - first["ends_at"] - 30) < 1.1
        asked = time.monotonic()
        await c.f.ok("floor.pause")
        paused = time.monotonic()
        await ben.until(lambda: ben.view["floor"]["paused"], "the pause")
        assert ben.view["floor"]["holder"] == ada.me
        await ben.ok("chat.say", {"to": "circle", "body": "a while"})
        await c.f.hears("a while")
        while time.monotonic() < paused + 2:
            await c.settle()
        resuming = time.monotonic()
        await c.f.ok("floor.resume")
        resumed = time.monotonic()
        after = c.f.view["floor"]
        assert after["paused"] is False
        assert after["holder"] == ada.me
        assert after["turn"] == first["turn"]
        moved = after["ends_at"] - longer["ends_at"]
        assert resuming - paused - 0.3 <= moved <= resumed - asked + 0.3


async def test_a_paused_turn_does_not_run_out(server: Server) -> None:
    async with circle(server, FOUR[:2]) as c:
        ada, ben = c.members
        await c.f.ok("floor.round", {"seconds": 2})
        await c.f.ok("floor.pause")
        start = time.monotonic()
        while time.monotonic() < start + 3:
            await c.settle()
        assert c.f.view["floor"]["holder"] == ada.me
        await c.f.ok("floor.resume")
        await c.f.until(lambda: c.f.view["floor"]["holder"] == ben.me, "the next turn")


async def test_the_stick_goes_by_raised_hands(server: Server) -> None:
    async with circle(server, FOUR) as c:
        ada, ben, cleo, dora = c.members
        await c.f.ok("floor.stick", {"to": ada.me})
        assert c.f.view["floor"]["holder"] == ada.me
        assert c.f.view["floor"]["mode"] == "stick"
        assert c.f.view["floor"]["round"] is None
        turn = c.f.view["floor"]["turn"]
        for member in (cleo, dora, ben):
            await member.ok("hand.raise")
            assert member.view["members"][member.me]["hand"] is not None
        assert ben.view["floor"]["queue"] == [cleo.me, dora.me, ben.me]
        await ben.no("not_allowed", "hand.lower", {"member": cleo.me})
        await c.f.until(lambda: len(c.f.view["floor"]["queue"]) == 3, "three hands")
        await c.f.ok("hand.lower", {"member": dora.me})
        assert c.f.view["floor"]["queue"] == [cleo.me, ben.me]
        assert c.f.view["members"][dora.me]["hand"] is None
        await ada.ok("floor.pass")
        assert ada.view["floor"]["holder"] == cleo.me
        assert ada.view["floor"]["turn"] > turn
        assert ada.view["floor"]["queue"] == [ben.me]
        await cleo.until(lambda: cleo.view["floor"]["holder"] == cleo.me, "her turn")
        await cleo.ok("floor.pass", {"to": dora.me})
        assert cleo.view["floor"]["holder"] == dora.me
        await ben.ok("hand.lower")
        assert ben.view["floor"]["queue"] == []
        await dora.until(lambda: dora.view["floor"]["holder"] == dora.me, "her turn")
        await dora.ok("floor.pass")
        assert dora.view["floor"]["holder"] is None
        assert dora.view["floor"]["mode"] == "stick"
        await ben.no({"not_holder", "not_allowed"}, "floor.pass")


async def test_a_stick_with_a_time_moves_on_along_the_queue(server: Server) -> None:
    async with circle(server, FOUR[:3]) as c:
        ada, ben, cleo = c.members
        await ben.ok("hand.raise")
        await cleo.ok("hand.raise")
        since = len(ada.frames)
        await c.f.ok("floor.stick", {"to": ada.me, "seconds": 1})
        await ada.sees(lambda v: v["floor"]["holder"] == ada.me, "Ada's turn", since)
        await ada.sees(lambda v: v["floor"]["holder"] == cleo.me, "Cleo's turn", since)
        assert holders(ada, since)[:3] == [ada.me, ben.me, cleo.me]


async def test_hands_may_be_raised_in_an_open_floor_and_the_floor_opens_and_falls_quiet(
    server: Server,
) -> None:
    async with circle(server, FOUR[:2]) as c:
        ada, ben = c.members
        for command, mode in (("floor.quiet", "quiet"), ("floor.open", "open")):
            await ada.no("not_allowed", command)
            await c.f.ok(command)
            assert c.f.view["floor"]["mode"] == mode
            await ben.until(lambda m=mode: ben.view["floor"]["mode"] == m, mode)  # type: ignore[misc]
        await ben.ok("hand.raise")
        await ada.ok("hand.raise")
        await c.f.until(lambda: c.f.view["floor"]["queue"] == [ben.me, ada.me], "the queue")
        hands = c.f.view["members"]
        assert hands[ben.me]["hand"] < hands[ada.me]["hand"]
        # a floor that opens or falls quiet takes the stick away
        await c.f.ok("floor.round")
        await c.f.until(lambda: c.f.view["floor"]["holder"] is not None, "a holder")
        await c.f.ok("floor.open")
        assert c.f.view["floor"]["holder"] is None
        assert c.f.view["floor"]["round"] is None


async def test_a_holder_who_leaves_or_is_removed_gives_the_stick_on(server: Server) -> None:
    async with circle(server, FOUR) as c:
        ada, ben, cleo, dora = c.members
        await c.f.ok("floor.round", {"order": [m.me for m in c.members]})
        await ada.until(lambda: ada.view["floor"]["holder"] == ada.me, "her turn")
        await ada.ok("leave")
        await c.f.until(lambda: c.f.view["floor"]["holder"] == ben.me, "Ben's turn")
        await c.f.ok("member.remove", {"member": ben.me})
        assert c.f.view["floor"]["holder"] == cleo.me
        await c.f.ok("lobby.return", {"member": cleo.me})
        assert c.f.view["floor"]["holder"] == dora.me
        await dora.until(lambda: dora.view["floor"]["holder"] == dora.me, "her turn")
        await dora.ok("floor.pass")
        assert dora.view["floor"]["round"] is None


async def test_durations_have_limits(server: Server) -> None:
    async with circle(server, FOUR[:1]) as c:
        for seconds in (0, -1, 7201, "10", True):
            await c.f.no("bad_request", "floor.round", {"seconds": seconds})
        assert c.f.view["floor"]["holder"] is None
        await c.f.ok("floor.round", {"seconds": 7200})
        ends = c.f.view["floor"]["ends_at"]
        await c.f.no("bad_request", "floor.extend", {"seconds": 0})
        assert c.f.view["floor"]["ends_at"] == ends
