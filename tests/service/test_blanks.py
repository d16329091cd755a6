"""What is no more goes from the log in the very commit that takes it away, and is told by nobody:
there is no moment in which it is owed, and nothing that a worker's death could leave undone."""

from __future__ import annotations

from typing import Any

import pytest

from sitwith_server.log.base import Blank, Commit, Committed, LogDown, Result
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.room.care.values import Card
from sitwith_server.room.chat.talk import Said
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.rooms.answers import Ok, Refused
from sitwith_server.service.rooms.audit import AuditTrail
from tests.service.test_cards import CARD, Seats, people


class WatchedLog(MemoryLog):
    """Keeps what is committed, and which copies it was told to let go the same way; away at times,
    before or after it has done what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.away: str | None = None
        self.commits: list[Commit] = []
        self.told: list[Blank] = []

    async def commit(self, commit: Commit) -> Result:
        if self.away == "refused":
            raise LogDown("away")
        result = await super().commit(commit)
        if isinstance(result, Committed):
            self.commits.append(commit)
        if self.away == "deaf":
            raise LogDown("its answer was lost")
        return result

    def blank_copies(self, room: str, blanks: Any) -> None:
        self.told += blanks


async def bodies(e: Seats, stream: str) -> list[bool]:
    return [b"canary" in bytes(entry.blob) for entry in await e.log.read(e.room.id, stream, 0)]


@pytest.mark.parametrize("away", ["refused", "deaf"])
async def test_EV5_words_are_deleted_whole_or_not_at_all(away: str) -> None:
    log = WatchedLog()
    e = await people(log)
    _, ada, ben = e.seats
    for n in (1, 2):
        assert isinstance(await e.ask(c.Say(by=ada, to="circle", body=f"canary {n}")), Ok)
    log.away = away
    unsay = c.Unsay(by=ada, to="circle", n=1)
    answer = await e.ask(unsay, 50)
    assert isinstance(answer, Refused) and answer.code == "frozen"
    # Either both the deletion and the blank are there, or neither.
    assert await bodies(e, "circle") == (
        [True, True] if away == "refused" else [False, True, False]
    )
    log.away = None
    assert isinstance(await e.ask(unsay, 50), Ok)
    assert await bodies(e, "circle") == [False, True, False]
    shown = [words.what for words in await e.room.conversations.history("circle", 0)]
    assert shown[:2] == [Said(1, ada, "", deleted=True), Said(2, ada, "canary 2")]
    assert isinstance(await e.ask(c.Say(by=ben, to="circle", body="hello")), Ok)
    assert log.commits[-1].effects.blanks == (), "what is done is not done again"
    await log.close()


async def test_CL12_a_card_and_what_held_it_go_with_one_commit() -> None:
    log = WatchedLog()
    e = await people(log)
    _, ada, _ = e.seats
    assert isinstance(await e.ask(c.CareCard(by=ada, card=CARD)), Ok)
    at = e.room.state.seq
    log.away = "refused"
    assert isinstance(await e.ask(c.CareCard(by=ada, card=None), 50), Refused)
    assert b"canary" in await e.kept()
    log.away, done = None, len(log.commits)
    assert isinstance(await e.ask(c.CareCard(by=ada, card=None), 50), Ok)
    assert b"canary" not in await e.kept()
    (commit,) = log.commits[done:]
    assert [blank.numbers for blank in commit.effects.blanks] == [(at,)]
    await log.close()


@pytest.mark.parametrize("by", ["notification", "reading"])
async def test_EV5_CL12_another_workers_copies_go_the_same_way(by: str) -> None:
    """A worker keeps copies for a log that loses everything: it blanks them by what it folds."""
    log = WatchedLog()
    e = await people(log)
    _, ada, _ = e.seats
    host = Host(log, AuditTrail(log, 60))
    use = await host.use(e.room.id)
    assert use is not None
    assert isinstance(await e.ask(c.Say(by=ada, to="circle", body="canary")), Ok)
    assert isinstance(await e.ask(c.CareCard(by=ada, card=Card(phone="canary"))), Ok)
    await use.room.catch_up()
    if by == "reading":
        use.room.on_notification = lambda notification: True  # type: ignore[method-assign]
    log.told.clear()
    assert isinstance(await e.ask(c.Unsay(by=ada, to="circle", n=1)), Ok)
    assert isinstance(await e.ask(c.CareCard(by=ada, card=None)), Ok)
    await use.room.catch_up()
    committed = [blank for each in log.commits[-2:] for blank in each.effects.blanks]
    assert len(committed) == 2
    assert len(log.told) == 2
    assert all(blank in committed for blank in log.told)
    assert use.room.state == e.room.state
    await host.close()
    await log.close()
