"""Answers and milestones go from the log once they are no more (MO6, MS1)."""

from __future__ import annotations

from typing import Any

from sitwith_server.log.base import CONTROL
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.room.events import MilestoneShared, MoodAnswered
from sitwith_server.service.hosting.loading import load
from sitwith_server.service.rooms.answers import Ok
from sitwith_server.service.rooms.store import read_event, read_state
from tests.service.test_cards import Seats, people


async def kept(e: Seats, kind: type[Any]) -> list[Any]:
    """The events of this kind that the log holds, with by whom it says they were."""
    entries = await e.log.read(e.room.id, CONTROL, 0, 1000)
    happened = [read_event(entry.blob) for entry in entries]
    return [(each.event, each.by) for each in happened if isinstance(each.event, kind)]


async def test_MO6_answers_go_from_the_log_at_the_close() -> None:
    log = MemoryLog()
    e = await people(log)
    fay, ada, ben = e.seats
    record = await log.record(e.room.id)
    for command in (
        c.MoodAsk(by=fay),
        c.MoodAnswer(by=ada, value=2),
        c.MoodAnswer(by=ben, value=3),
        c.MoodAnswer(by=ada, value=4),
    ):
        assert isinstance(await e.ask(command), Ok)
    assert await log.record(e.room.id) == record is not None
    await e.save()
    before = await log.snapshot(e.room.id)
    assert before is not None
    held = read_state(before.blob).mood
    assert held is not None and len(held.given) == 2
    assert len(await kept(e, MoodAnswered)) == 3
    nobody = (MoodAnswered("", 0), "")
    await e.ask(c.MoodClose(by=fay))
    assert await kept(e, MoodAnswered) == [nobody] * 3
    snapshot = await log.snapshot(e.room.id)
    assert snapshot is not None
    mood = read_state(snapshot.blob).mood
    assert mood is not None
    assert (mood.given, mood.given_at, mood.answers) == ({}, (), 2)
    assert_same(await load(log, e.host.trail, e.room.id), e)
    await log.close()


async def test_MO6_a_log_folds_to_the_same_question() -> None:
    log = MemoryLog()
    e = await people(log)
    fay, ada, ben = e.seats
    await e.ask(c.MoodAsk(by=fay))
    for who, value in ((ada, 1), (ben, 2), (ada, 3), (ada, 1)):
        await e.ask(c.MoodAnswer(by=who, value=value))
    assert_same(await load(log, e.host.trail, e.room.id), e)
    assert e.room.state.mood is not None
    assert e.room.state.mood.given == {ada: 1, ben: 2}
    await log.close()


async def test_MS1_a_milestone_goes_from_the_log_with_its_moment() -> None:
    log = MemoryLog()
    e = await people(log)
    fay, ada, ben = e.seats
    await e.ask(c.MilestoneShare(by=ada, text="canary"))
    await e.ask(c.MilestoneShare(by=ben, text="Glad"))
    first, second = e.room.state.milestones
    await e.save()
    assert (await e.kept()).count(b"canary") == 2
    await e.ask(c.MilestoneClear(by=fay, n=first.name))
    assert b"canary" not in await e.kept()
    assert await kept(e, MilestoneShared) == [
        (MilestoneShared("", "", 0), ""),
        (MilestoneShared(ben, "Glad", second.ends_at, second.name), ben),
    ]
    assert_same(await load(log, e.host.trail, e.room.id), e)
    await log.close()


def assert_same(again: Any, e: Seats) -> None:
    assert again is not None
    assert again.state == e.room.state
