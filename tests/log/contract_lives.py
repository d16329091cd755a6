"""A room that forgets everything and goes on."""

from __future__ import annotations

import pytest

from sitwith_server.log.base import (
    CONTROL,
    Conflict,
    Effects,
    Log,
    Trimmed,
)

from .harness import (
    ROOM,
    LogTests,
    Received,
    also,
    control,
    everything,
    forget,
    say,
    taken,
    turns,
)


class LifeContract(LogTests):
    async def test_forgetting_leaves_the_record_and_a_number(self, log: Log) -> None:
        taken(await control(log, 0, b"name", b"mood", rights=True, key=("s", 1), outcome=b"o"))
        taken(await say(log, 2, b"words"))
        taken(await say(log, 2, b"secret", to="pair:1"))
        await log.files.put(ROOM, "b1", b"x")
        await also(log, snapshot=b"state", audit=(b"kept", 3_600), workers=frozenset({"w"}))
        result = await forget(log, b"begin", record=b"links", due=5.0, workers=frozenset())
        (first,) = result.positions
        assert (first.seq, first.life) == (3, 1)
        heads = await log.heads(ROOM)
        assert heads is not None
        assert (heads.rights, dict(heads.streams)) == (3, {CONTROL: first})
        assert await log.record(ROOM) == b"links"
        assert await log.read_audit(ROOM) == [b"kept"]
        assert await log.snapshot(ROOM) is None
        assert await log.outcome(ROOM, "s", 1) is None
        assert await log.files.names(ROOM) == frozenset()
        assert await log.orphans(["w"]) == []
        assert await log.due(0, 60) == [ROOM]
        assert await log.read(ROOM, "circle", 0) == []
        assert await log.read(ROOM, "pair:1", 0) == []
        with pytest.raises(Trimmed) as trimmed:
            await log.read(ROOM, CONTROL, 0)
        assert trimmed.value.first == 3
        assert [entry.blob for entry in await log.read(ROOM, CONTROL, 2)] == [b"begin"]

    async def test_a_life_begins_anew(self, log: Log) -> None:
        taken(await control(log, 0, b"a", key=("s", 1), outcome=b"first"))
        old = taken(await say(log, 0, b"words")).positions[0]
        await forget(log)
        taken(await control(log, 2, b"b", key=("s", 1), outcome=b"second"))
        new = taken(await say(log, 2, b"other words", at_head=0)).positions[0]
        assert (old.seq, new.seq) == (1, 1)
        assert (old.life, new.life) == (0, 1)
        assert await everything(log, "circle") == [b"other words"]
        assert await log.outcome(ROOM, "s", 1) == b"second"
        await forget(log)
        heads = await log.heads(ROOM)
        assert heads is not None
        assert heads.streams[CONTROL].seq == 4
        assert heads.streams[CONTROL].life == 2

    async def test_what_was_decided_before_is_not_taken_after(self, log: Log) -> None:
        taken(await control(log, 0, b"a", rights=True))
        await forget(log)
        assert await say(log, 1, b"late") == Conflict()
        assert await control(log, 1, b"late") == Conflict()
        assert await everything(log, "circle") == []

    async def test_the_state_after_forgetting_can_be_kept_with_it(self, log: Log) -> None:
        taken(await control(log, 0, b"a"))
        (position,) = (await forget(log, snapshot=b"fresh")).positions
        kept = await log.snapshot(ROOM)
        assert kept is not None
        assert (kept.position, kept.blob) == (position, b"fresh")

    async def test_a_forgetting_with_a_key_has_its_outcome(self, log: Log) -> None:
        effects = Effects(forget=True, record=b"r")
        for key in (("s", 1), ("s", 2)):
            heads = await log.heads(ROOM)
            assert heads is not None
            seq = heads.streams[CONTROL].seq
            result = await control(log, seq, rights=True, key=key, outcome=b"o", effects=effects)
            taken(result)
        assert await log.outcome(ROOM, "s", 1) is None
        assert await log.outcome(ROOM, "s", 2) == b"o"

    async def test_forgetting_rings(self, log: Log) -> None:
        taken(await say(log, 0, b"words"))
        received = Received(log)
        await turns()
        notified = len(received.notifications)
        (position,) = (await forget(log, b"begin")).positions
        await turns()
        assert received.told(notified) == [(CONTROL, 1)]
        assert received.notifications[-1].entries[0].position == position
        assert await everything(log) == [b"begin"]
        taken(await say(log, 1, b"new"))
        await turns()
        assert received.told(notified) == [(CONTROL, 1), ("circle", 1)]
        assert received.entries()[-1] == ("circle", b"new")

    async def test_this_process_can_forget_alone(self, log: Log) -> None:
        """What the log itself has is as it was, and can be used."""
        taken(await say(log, 0, b"words"))
        log.forget_here(ROOM, b"links")
        log.forget_here("nobody", b"links")
        assert await everything(log, "circle") == [b"words"]
        assert await log.record(ROOM) == b"record"
        received = Received(log)
        await turns()
        taken(await say(log, 0, b"more"))
        await turns()
        assert received.told()[-1] == ("circle", 2)
