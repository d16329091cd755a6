"""What is no more goes from the log although the worker that took it away died right then."""

from __future__ import annotations

import pytest

from sitwith_server.log.memory_log import MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.room.care import Card
from sitwith_server.service import rooms
from sitwith_server.service.answers import Done
from sitwith_server.service.loading import load
from tests.service.test_cards import CARD, Seats, people


async def _nothing(*_: object) -> None:
    """Stands for a worker that was killed before it could."""


async def dying(e: Seats, monkeypatch: pytest.MonkeyPatch, *commands: c.Command) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(rooms, "blank_gone", _nothing)
        for command in commands:
            assert isinstance(await e.ask(command), Done)


@pytest.mark.parametrize("how", ["back", "other", "leave", "setting"])
async def test_CL12_another_worker_blanks_a_card(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log = MemoryLog()
    e = await people(log)
    fay, ada, _ = e.seats
    await e.ask(c.CareCard(by=ada, card=CARD))
    follower = await load(log, e.room.id)
    assert follower is not None
    assert b"canary" in await e.kept()
    commands: dict[str, c.Command] = {
        "back": c.CareCard(by=ada, card=None),
        "other": c.CareCard(by=ada, card=Card(phone="new")),
        "leave": c.Leave(by=ada),
        "setting": c.RoomSettings(by=fay, changes={"cards": False}),
    }
    await dying(e, monkeypatch, commands[how])
    assert b"canary" in await e.kept()
    await follower.follow_up()
    assert b"canary" not in await e.kept()
    assert follower.state == e.room.state
    await log.close()


async def test_CL12_and_where_there_was_no_other_whoever_opens_the_room_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = MemoryLog()
    e = await people(log)
    _, ada, _ = e.seats
    await dying(e, monkeypatch, c.CareCard(by=ada, card=CARD), c.CareCard(by=ada, card=None))
    assert b"canary" in await e.kept()
    assert await load(log, e.room.id) is not None
    assert b"canary" not in await e.kept()
    await log.close()


async def test_MO6_MS1_answers_and_milestones_too(monkeypatch: pytest.MonkeyPatch) -> None:
    log = MemoryLog()
    e = await people(log)
    fay, ada, ben = e.seats
    await e.ask(c.MoodAsk(by=fay))
    await e.ask(c.MoodAnswer(by=ada, value=2))
    await e.ask(c.MilestoneShare(by=ben, text="canary: a year"))
    follower = await load(log, e.room.id)
    assert follower is not None
    await dying(e, monkeypatch, c.MoodClose(by=fay), c.MilestoneClear(by=ben, n=e.room.state.seq))
    before = await e.kept()
    assert ada.encode() in before and b"MoodAnswered" in before and b"canary" in before
    answered = before.count(ada.encode())
    await follower.follow_up()
    after = await e.kept()
    assert b"canary" not in after
    assert after.count(ada.encode()) < answered
    assert follower.state == e.room.state
    await log.close()
