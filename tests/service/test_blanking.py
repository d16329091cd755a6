"""What is no more is in no entry by the time that anybody can learn of it: whoever folds the log
comes to the same state, whichever worker lives (CL12, MO6, MS1)."""

from __future__ import annotations

import pytest

from sitwith_server.log.base import Commit, Committed, LogDown, Result
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.room.care.values import Card
from sitwith_server.service.hosting.loading import load
from sitwith_server.service.rooms.answers import Refused
from tests.service.test_cards import CARD, Seats, people


class DyingLog(MemoryLog):
    """Takes the next commits, of which the worker learns nothing any more."""

    dying = False

    async def commit(self, commit: Commit) -> Result:
        result = await super().commit(commit)
        if self.dying and isinstance(result, Committed):
            raise LogDown("nobody hears this any more")
        return result


async def dying(e: Seats, *commands: c.Command) -> None:
    """The worker commits these, and does nothing after each."""
    assert isinstance(e.log, DyingLog)
    e.log.dying = True
    for command in commands:
        assert isinstance(await e.ask(command), Refused)
    e.log.dying = False


@pytest.mark.parametrize("how", ["back", "other", "leave", "setting"])
async def test_CL12_a_card_is_gone_although_its_worker_died_right_then(how: str) -> None:
    log = DyingLog()
    e = await people(log)
    fay, ada, _ = e.seats
    await e.ask(c.CareCard(by=ada, card=CARD))
    await e.save()
    follower = await load(log, e.host.trail, e.room.id)
    assert follower is not None
    assert b"canary" in await e.kept()
    commands: dict[str, c.Command] = {
        "back": c.CareCard(by=ada, card=None),
        "other": c.CareCard(by=ada, card=Card(phone="new")),
        "leave": c.Leave(by=ada),
        "setting": c.RoomSettings(by=fay, changes={"cards": False}),
    }
    await dying(e, commands[how])
    assert b"canary" not in await e.kept()
    await follower.catch_up()
    await e.room.catch_up()
    assert follower.state == e.room.state
    assert (ada in follower.state.care.cards_at) is (how == "other")
    await log.close()


async def test_CL12_whoever_opens_the_room_next_finds_no_card() -> None:
    log = DyingLog()
    e = await people(log)
    _, ada, _ = e.seats
    await dying(e, c.CareCard(by=ada, card=CARD))
    assert b"canary" in await e.kept()
    await dying(e, c.CareCard(by=ada, card=None))
    assert b"canary" not in await e.kept()
    opened = await load(log, e.host.trail, e.room.id)
    assert opened is not None and not opened.state.care.cards_at
    await log.close()


async def test_MO6_MS1_answers_and_milestones_too() -> None:
    log = DyingLog()
    e = await people(log)
    fay, ada, ben = e.seats
    await e.ask(c.MoodAsk(by=fay))
    await e.ask(c.MoodAnswer(by=ada, value=2))
    await e.ask(c.MilestoneShare(by=ben, text="canary: a year"))
    await e.save()
    milestone = e.room.state.milestones[0].name
    follower = await load(log, e.host.trail, e.room.id)
    assert follower is not None
    before = await e.kept()
    assert ada.encode() in before and b"MoodAnswered" in before and b"canary" in before
    await dying(e, c.MoodClose(by=fay))
    between = await e.kept()
    assert between.count(ada.encode()) < before.count(ada.encode())
    await dying(e, c.MilestoneClear(by=ben, n=milestone))
    assert b"canary" not in await e.kept()
    await follower.catch_up()
    await e.room.catch_up()
    assert follower.state == e.room.state
    await log.close()
