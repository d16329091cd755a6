"""What is to be blanked while the log is away is blanked once it is back, and told by nobody."""

from __future__ import annotations

from sitwith_server.service.blanks import Blanks

from sitwith_server.log.base import LogDown
from sitwith_server.log.memory_log import MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.room.talk import Said
from sitwith_server.service.answers import Done
from tests.service.test_cards import CARD, people


class AwayLog(MemoryLog):
    """Away, at times, right when something is to be blanked."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.asked: list[tuple[int, ...]] = []

    async def blank(self, room: str, stream: str, seq: int, blob: bytes, *more: int) -> None:
        if self.away:
            raise LogDown("away")
        self.asked.append((seq, *more))
        await super().blank(room, stream, seq, blob, *more)


async def test_EV5_deleted_words_go_once_the_log_is_back() -> None:
    log = AwayLog()
    e = await people(log)
    _, ada, ben = e.seats
    for n in (1, 2):
        assert isinstance(await e.ask(c.Say(by=ada, to="circle", body=f"canary {n}")), Done)
    log.away = True
    assert isinstance(await e.ask(c.Unsay(by=ada, to="circle", n=1)), Done)
    stored = await log.read(e.room.id, "circle", 0)
    assert b"canary 1" in stored[0].blob
    shown = [words.what for words in await e.room.talking.history("circle", 0)]
    assert shown[0] == Said(1, ada, "", deleted=True)
    assert shown[1] == Said(2, ada, "canary 2")
    await e.room.follow_up()
    log.away = False
    await e.room.follow_up()
    stored = await log.read(e.room.id, "circle", 0)
    assert [b"canary" in entry.blob for entry in stored] == [False, True, False]
    asked = len(log.asked)
    assert isinstance(await e.ask(c.Say(by=ben, to="circle", body="hello")), Done)
    await e.room.follow_up()
    assert len(log.asked) == asked, "what is done is not asked for again"
    await log.close()


async def test_CL12_a_card_goes_once_the_log_is_back() -> None:
    log = AwayLog()
    e = await people(log)
    _, ada, _ = e.seats
    assert isinstance(await e.ask(c.CareCard(by=ada, card=CARD)), Done)
    log.away = True
    assert isinstance(await e.ask(c.CareCard(by=ada, card=None)), Done)
    assert b"canary" in await e.kept()
    log.away = False
    await e.room.follow_up()
    assert b"canary" not in await e.kept()
    await log.close()


async def test_entries_that_become_alike_are_asked_for_together() -> None:
    log = AwayLog()
    blanks = Blanks(log, "r")
    log.away = True
    await blanks.blank("circle", b"", 1, 2)
    await blanks.blank("circle", b"", 3)
    await blanks.blank("circle", b"other", 4)
    assert blanks.owed("circle", 2) == b""
    assert blanks.owed("circle", 5) is blanks.owed("staff", 2) is None
    log.away = False
    await blanks.settle()
    assert log.asked == [(1, 2, 3), (4,)]
    assert blanks.owed("circle", 2) is None
