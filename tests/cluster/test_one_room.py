"""One room over several workers: whoever serves a seat, the room is the same."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.blackbox.rawclient import Gone, Map
from tests.cluster.cluster import Cluster, opened
from tests.cluster.conftest import MakeCircle
from tests.cluster.population import Circle, Seat
from tests.programs import Door


async def test_members_on_different_workers_are_in_one_room(
    cluster: Cluster, circle: MakeCircle
) -> None:
    one = await circle(6, spread=True)
    assert [await door.connections() for door in cluster.doors] == [2, 2, 2]
    for number, seat in enumerate(one.seats):
        await seat.say(f"canary-{number}")
    await one.hush()
    one.assert_whole()
    # and they share what is no text: hands, mutes, the stick
    member, other = one.members[:2]
    await member.ok("hand.raise")
    await one.host.ok("mute", {"member": other.me, "kinds": ["chat"]})
    for seat in one.seats:
        await seat.sees(lambda v: v["floor"]["queue"] == [member.me], "a hand")
        await seat.sees(lambda v: v["members"][other.me]["muted"] == ["chat"], "a mute")
    assert (await other.ask("chat.say", {"to": "circle", "body": "x"}))["code"] == "muted"
    await one.host.ok("floor.round")
    for turn in range(5):
        await one.host.sees(lambda v: v["floor"]["holder"] is not None, "a turn")
        await one.host.sees(
            lambda v, n=turn: len((v["floor"]["round"] or {"done": []})["done"]) == n, "the next"
        )
        holder = one.host.view["floor"]["holder"]
        await next(seat for seat in one.seats if seat.me == holder).ok("floor.pass")
    for seat in one.seats:
        await seat.sees(lambda v: v["floor"]["round"] is None, "the end of the round")


async def test_haproxy_spreads_people_over_all_workers(
    cluster: Cluster, circle: MakeCircle
) -> None:
    await circle(9)
    assert [await door.connections() for door in cluster.doors] == [3, 3, 3]


async def test_a_seat_that_is_taken_at_another_worker_ends_its_old_connection(
    cluster: Cluster, circle: MakeCircle
) -> None:
    one = await circle(3, spread=True)
    seat = one.members[0]
    before = seat.client
    for door in (cluster.doors[2], cluster.doors[0], cluster.doors[1]):
        new = await door.connect(seat.name)
        await new.resume(before.resume_value, before.seen)
        assert await before.closed() == 4409
        before = new
    assert before.me == one.members[0].connections[0].me
    before.drop()
    await before.closed()


async def test_RE3_nothing_is_missing_of_direct_lines_that_others_have_too(
    cluster: Cluster, circle: MakeCircle
) -> None:
    one = await circle(4, spread=True, settings={"direct": True})
    _, ada, ben, cleo = one.seats
    await ada.say("canary-of-ada-to-ben", f"direct:{ben.me}")
    for turn in range(3):
        await cleo.say(f"canary-of-cleo-to-ben-{turn}", f"direct:{ben.me}")
        await cleo.say(f"canary-of-cleo-to-ada-{turn}", f"direct:{ada.me}")
    await ben.client.hears("canary-of-cleo-to-ben-2")
    await ada.client.hears("canary-of-cleo-to-ada-2")
    for seat in (ada, ben, cleo):
        before = len(seat.connections)
        seat.client.drop()
        async with asyncio.timeout(60):
            while len(seat.connections) == before or not seat.client.view:
                await asyncio.sleep(0.02)
    await one.host.say("canary-end")
    for seat in one.seats:
        await seat.client.hears("canary-end")
        assert seat.gaps() == []
        assert len(seat.heard(f"direct:{ada.me}")) == len(set(seat.heard(f"direct:{ada.me}")))


async def test_who_is_removed_is_removed_at_every_worker(
    cluster: Cluster, circle: MakeCircle
) -> None:
    one = await circle(4, spread=True)
    removed = one.members[1]
    resume, seen = removed.client.resume_value, removed.client.seen
    await one.host.ok("member.remove", {"member": removed.me})
    assert await removed.client.closed() == 4403
    for door in cluster.doors:
        assert await _turned_away(door, resume, seen) == 4403
    await one.host.say("canary-after-the-removal")
    await one.members[0].sees(lambda v: removed.me not in v["members"], "it is gone")
    assert "canary-after-the-removal" not in [body for _, body in removed.heard()]


async def _turned_away(door: Door, resume: str, seen: dict[str, bytes]) -> int | None:
    client = await door.connect()
    try:
        with pytest.raises(Gone) as gone:
            await client.resume(resume, seen)
        return gone.value.code
    finally:
        client.drop()
        await client.closed()


async def test_one_command_has_one_effect_at_however_many_workers(
    cluster: Cluster, circle: MakeCircle
) -> None:
    one = await circle(3, spread=True)
    seat = Seat(cluster.doors[1], "Canary Ada")
    cluster.canaries.add(seat.name)
    await seat.enter(one.made["tokens"]["member"])
    assert seat._living is not None
    seat._living.cancel()  # from here on by hand
    old = seat.client
    for turn in range(6):
        message: Map = {"t": "chat.say", "id": 900 + turn, "to": "circle", "body": f"turn {turn}"}
        new = await cluster.doors[(turn + 2) % 3].connect(seat.name)
        new.ids, new.pace = old.ids, old.pace
        await asyncio.gather(
            old.send(message), new.resume(old.resume_value, old.seen), return_exceptions=True
        )
        answer = await new.ask(message)
        assert answer == {"t": "ok", "id": 900 + turn, "to": "circle", "n": turn + 1}
        assert await old.closed() == 4409
        assert all(frame.body == answer for frame in old.answers.get(900 + turn, []))
        old = new
    await one.host.say("canary-end")
    for listener in one.seats:
        await listener.client.hears("canary-end")
        assert [body for _, body in listener.heard()] == [
            *(f"turn {n}" for n in range(6)),
            "canary-end",
        ]
    old.drop()
    await old.closed()


async def test_the_operators_calls_reach_every_worker(cluster: Cluster) -> None:
    first, second, third = cluster.doors
    one = Circle(cluster, await opened(first, cluster))
    await one.join(4, cluster.doors)
    found = await second.http("GET", f"/api/rooms/{one.room}")
    assert found.status_code == httpx.codes.OK
    invite = (
        await second.http("POST", f"/api/rooms/{one.room}/invites", {"role": "member", "uses": 1})
    ).json()
    cluster.canaries.add(invite["token"])
    late = Seat(third, "Canary Late")
    await late.enter(invite["token"])
    spent = await first.connect()
    with pytest.raises(Gone) as gone:
        await spent.hello(invite["token"], "Canary Later")
    assert gone.value.code == 4404
    assert (await third.http("DELETE", f"/api/rooms/{one.room}")).status_code == 204
    for seat in (*one.seats, late):
        assert await seat.client.closed() == 4404
    for door in cluster.doors:
        assert (await door.http("GET", f"/api/rooms/{one.room}")).status_code == 404
    await one.leave()
    await late.go()
