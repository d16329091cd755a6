"""Stages go on, whichever worker dies."""

from __future__ import annotations

from tests.cluster.cluster import Cluster
from tests.cluster.conftest import MakeCircle


async def test_AG13_a_killed_worker_changes_nothing_of_the_agenda(
    cluster: Cluster, circle: MakeCircle
) -> None:
    stages = [
        {"kind": "arrival", "seconds": 600, "floor": "quiet", "chat": "staff"},
        {"kind": "round", "seconds": 20, "auto": True, "floor": "round"},
        {"kind": "closing", "seconds": 600, "floor": "open", "chat": "all"},
    ]
    one = await circle(4, agenda={"stages": stages})
    host, *members = one.seats
    await host.ok("agenda.start")
    await host.ok("agenda.next")
    for seat in one.seats:
        await seat.sees(lambda v: v["floor"]["round"] is not None, "the round")
    agenda = dict(host.view["agenda"])
    for i in range(3):
        cluster.kill(i)
        await cluster.ended(i)
        cluster.start(i)
        await cluster.ready(i)
    for seat in one.seats:
        await seat.sees(lambda v: v["agenda"]["at"] == 2, "the next stage")
        assert seat.view["agenda"]["stages"] == agenda["stages"]
        assert seat.view["floor"]["mode"] == "open"
        assert seat.view["settings"]["chat"] == "all"
    for seat in members:
        await seat.say(f"{seat.me} is heard", "circle")
