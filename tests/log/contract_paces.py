"""How fast may be committed under one name: whoever asks, through whichever process (`Pace`)."""

from __future__ import annotations

from sitwith_server.log.base import (
    CONTROL,
    Committed,
    Conflict,
    Duplicate,
    Gone,
    Log,
    Pace,
    TooEarly,
    TooFast,
)

from .harness import ROOM, Harness, LogTests, control, create, everything, forget, say, taken

SLOW = Pace("ada", rate=0.02, burst=3)
"""Slow enough for a test to be over before a token comes."""


class PaceContract(LogTests):
    async def test_a_burst_is_taken_and_more_is_too_fast(self, harness: Harness, log: Log) -> None:
        for n in range(3):
            taken(await control(log, n, pace=SLOW))
        assert await control(log, 3, pace=SLOW) == TooFast()
        assert len(await everything(log)) == 3

    async def test_a_token_comes_with_time(self, harness: Harness, log: Log) -> None:
        pace = Pace("ada", rate=2.0, burst=1)
        taken(await control(log, 0, pace=pace))
        assert await control(log, 1, pace=pace) == TooFast()
        await harness.advance(0.6)
        taken(await control(log, 1, pace=pace))
        assert await control(log, 2, pace=pace) == TooFast()

    async def test_who_waits_long_has_one_burst_and_no_more(
        self, harness: Harness, log: Log
    ) -> None:
        quick = Pace("ada", rate=20.0, burst=2)
        taken(await control(log, 0, pace=quick))
        await harness.advance(0.1)
        slow = Pace("ada", rate=0.02, burst=2)
        taken(await control(log, 1, pace=slow))
        taken(await control(log, 2, pace=slow))
        assert await control(log, 3, pace=slow) == TooFast()

    async def test_it_is_one_for_all_streams_and_for_what_appends_nothing(self, log: Log) -> None:
        taken(await control(log, 0, pace=SLOW))
        taken(await say(log, 0, pace=SLOW))
        key = ("ada", 1)
        commit = await control(log, 1, pace=SLOW, key=key, outcome=b"no")
        taken(commit)
        for stream in (CONTROL, "circle"):
            more = control(log, 2, pace=SLOW) if stream == CONTROL else say(log, 0, pace=SLOW)
            assert await more == TooFast()

    async def test_each_name_has_its_own(self, log: Log) -> None:
        names = ["ada", "p:ada", "adä", "t", "p:", "r" * 200]
        for n, name in enumerate(names * 3):
            taken(await control(log, n, pace=Pace(name, 0.02, 3)))
        for name in names:
            assert await control(log, 18, pace=Pace(name, 0.02, 3)) == TooFast()
        taken(await control(log, 18))

    async def test_many_names_leave_the_slow_ones_where_they_are(self, log: Log) -> None:
        for n in range(3):
            taken(await control(log, n, pace=SLOW))
        for n in range(3, 203):
            taken(await control(log, n, pace=Pace(f"m{n}", 1_000_000.0, 1)))
        assert await control(log, 203, pace=SLOW) == TooFast()

    async def test_what_is_not_committed_takes_no_token(self, log: Log) -> None:
        key, early = ("ada", 1), await log.now() + 3_600
        taken(await control(log, 0, pace=SLOW, key=key, outcome=b"o"))
        for _ in range(5):
            assert await control(log, 0, pace=SLOW) == Conflict()
            assert await say(log, 7, pace=SLOW) == Conflict()
            assert await control(log, 1, pace=SLOW, not_before=early) == TooEarly()
            assert await control(log, 1, pace=SLOW, key=key) == Duplicate(b"o")
        taken(await control(log, 1, pace=SLOW))
        taken(await control(log, 2, pace=SLOW))
        # An outcome is told however fast it is asked for; and nobody has to read and decide again
        # for what is too fast anyway.
        assert await control(log, 3, pace=SLOW, key=key) == Duplicate(b"o")
        assert await control(log, 0, pace=SLOW) == TooFast()
        assert await control(log, 3, pace=SLOW, room="r2") == Gone()

    async def test_what_was_too_fast_is_no_outcome(self, log: Log) -> None:
        for n in range(3):
            taken(await control(log, n, pace=SLOW))
        key = ("ada", 7)
        assert await control(log, 3, pace=SLOW, key=key, outcome=b"o") == TooFast()
        assert await log.outcome(ROOM, *key) is None
        assert isinstance(await control(log, 3, key=key, outcome=b"o"), Committed)

    async def test_another_room_and_another_life_have_another(self, log: Log) -> None:
        assert await create(log, "r2")
        for room in (ROOM, "r2"):
            for n in range(3):
                taken(await control(log, n, pace=SLOW, room=room))
        await forget(log)
        taken(await control(log, 4, pace=SLOW))
        assert await control(log, 3, pace=SLOW, room="r2") == TooFast()
