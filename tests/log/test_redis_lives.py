"""No stale worker and no older copy brings back what a room has forgotten."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import pytest

from sitwith_server.log.base import CONTROL, Conflict, Position, Trimmed
from sitwith_server.log.redis.log import RedisLog
from sitwith_server.log.redis.notifications import RawNotification
from sitwith_server.log.redis.packing import keys_of
from tests.servers import Server
from tests.waiting import until

from .harness import ROOM, Received, also, control, create, everything, forget, say, taken, turns
from .reseeding import TUNING, Make, Worker, away, down, lies_in_memory, live, wipe

WORDS = secrets.token_hex(16)


async def spoken(log: RedisLog, room: str = ROOM) -> None:
    """A room in which all that can hold words does."""
    assert await create(log, room)
    words = WORDS.encode()
    taken(await control(log, 0, b"a", words, room=room, rights=True))
    taken(await say(log, 2, words, room=room, key=("s", 1), outcome=words))
    await also(log, room, snapshot=words)
    assert await log.files.put(room, "b1", words)


def held(log: RedisLog, room: str = ROOM) -> str:
    """All that this process holds of a room."""
    holdings = log._instances[0].holdings
    found = [data for (of, _), data in log.files._held.items() if of == room]
    if record := holdings.records.get(room):
        found.append(record.record)
    if keep := holdings.rooms.get(room):
        found += [entry.blob + entry.meta for name in keep._tails for entry in keep.entries(name)]
        found += [outcome for _, outcome in keep.outcomes()]
    return b" ".join(found).decode(errors="replace")


async def nowhere(server: Server, *logs: RedisLog) -> None:
    assert not lies_in_memory(server, WORDS)
    for log in logs:
        assert WORDS not in held(log)
        with pytest.raises(Trimmed):
            await log.read(ROOM, CONTROL, 0)
        assert await log.outcome(ROOM, "s", 1) is None
        assert await log.files.get(ROOM, "b1") is None
        kept = await log.snapshot(ROOM)
        assert kept is None or WORDS.encode() not in bytes(kept.blob)


async def test_every_worker_lets_go_with_the_log(server: Server, make: Make) -> None:
    one, other = make(), make()
    await live(one, other)
    await spoken(one)
    host, guest = Worker(one), Worker(other)
    await host.read()
    await guest.read()
    assert await other.files.get(ROOM, "b1") is not None
    assert WORDS in held(one)
    assert WORDS in held(other)
    await forget(one, record=b"links")
    await until(lambda: WORDS not in held(other))
    assert other._instances[0].holdings.rooms[ROOM].life == 1
    await nowhere(server, one, other)
    assert await other.record(ROOM) == b"links"


async def test_a_worker_without_a_follower_lets_go_of_files(server: Server, make: Make) -> None:
    """It has looked at a file and hears of the room by its record alone."""
    one, other = make(), make()
    await live(one, other)
    await spoken(one)
    await until(lambda: ROOM in other._instances[0].holdings.records)
    assert await other.files.get(ROOM, "b1") is not None
    await forget(one)
    await until(lambda: WORDS not in held(other))


@pytest.mark.parametrize("stale_first", [True, False])
async def test_who_was_away_brings_no_words_back(
    server: Server, make: Make, stale_first: bool
) -> None:
    one, stale = make(), make()
    await live(one, stale)
    await spoken(one)
    host, guest = Worker(one), Worker(stale)
    await host.read()
    await guest.read()
    await away(stale)
    await forget(one, b"begin", record=b"links")
    await host.read_anew()
    assert WORDS in held(stale)
    if stale_first:
        await away(one)
        server.restart()
        stale.start()
        await until(lambda: server.admin("EXISTS", keys_of(ROOM).prefix + "meta") == ":1")
        one.start()
    else:
        await wipe(server, one)
        stale.start()
    await live(one, stale)
    await nowhere(server, one, stale)
    assert [entry.blob for entry in await stale.read(ROOM, CONTROL, 2)] == [b"begin"]
    assert await stale.record(ROOM) == b"links"
    # The one that was away is told, before it could go on with what is no longer so.
    assert [CONTROL in loss.streams for loss in guest.losses] == [True]
    assert host.losses == []
    assert await say(stale, 2, b"late") == Conflict()
    assert taken(await say(one, 3, b"new", at_head=0)).positions[0].life == 1


async def test_a_late_comer_brings_the_news_of_a_forgetting(server: Server, make: Make) -> None:
    """The stale one is alone when the instance opens, and the words are back for a moment."""
    one, stale = make(), make()
    await live(one, stale)
    await spoken(one)
    guest = Worker(stale)
    await guest.read()
    await away(stale)
    await forget(one, record=b"links")
    await away(one)
    server.restart()
    stale.start()
    await live(stale)
    assert lies_in_memory(server, WORDS)
    received = Received(stale)
    await turns()
    notified = len(received.notifications)
    one.start()
    await live(one)
    await until(lambda: len(received.notifications) > notified)
    await until(lambda: WORDS not in held(stale))
    await nowhere(server, one, stale)
    assert await stale.record(ROOM) == b"links"
    assert await control(stale, 2, b"late") == Conflict()
    assert await say(stale, 2, b"late") == Conflict()
    heads = await stale.heads(ROOM)
    assert heads is not None
    # Only the record was left, so that the number alone goes on.
    assert heads.streams[CONTROL].seq == heads.rights == 3
    assert heads.streams[CONTROL].life == 1
    assert taken(await control(one, 3, b"begin")).positions[0].seq == 4
    assert await one.due(0, 60) == []


@pytest.mark.parametrize("hosted", [True, False])
async def test_an_older_copy_brings_no_words_back(tmp_path: Path, make: Make, hosted: bool) -> None:
    """As a replica that lagged, or a restored backup: the room is there with all its words."""
    server = Server("redis", tmp_path / "saved", 'save ""', "appendonly no")
    server.start()
    log = RedisLog(server.url, TUNING)
    log.start()
    try:
        await live(log)
        await spoken(log)
        worker = Worker(log) if hosted else None
        await asyncio.to_thread(server.admin, "SAVE")
        await forget(log, b"begin", record=b"links")
        if worker:
            await worker.read_anew()
        await wipe(server, log)
        assert server.admin("EXISTS", keys_of(ROOM).prefix + "heads") == ":1"
        await live(log)
        await nowhere(server, log)
        assert await log.record(ROOM) == b"links"
        heads = await log.heads(ROOM)
        assert heads is not None
        assert (heads.rights, set(heads.streams)) == (3, {CONTROL})
        blobs = [entry.blob for entry in await log.read(ROOM, CONTROL, 2)] if hosted else []
        assert blobs == [b"begin"] * hosted
        assert taken(await control(log, 3, b"next")).positions[0].seq == 4
        assert taken(await say(log, 3, b"new")).positions[0].seq == 1
        if worker:
            assert worker.losses == []
    finally:
        await log.close()
        server.kill()


async def test_a_worker_forgets_alone_and_the_empty_log_learns_of_it(
    server: Server, make: Make
) -> None:
    one, stale = make(), make()
    await live(one, stale)
    await spoken(one)
    host, guest = Worker(one), Worker(stale)
    await host.read()
    await guest.read()
    server.kill()
    await down(one, stale)
    one.forget_here(ROOM, b"links")
    assert WORDS not in held(one)
    host.go()
    await asyncio.to_thread(server.start)
    await live(one, stale)
    assert not lies_in_memory(server, WORDS)
    assert await one.record(ROOM) == b"links"
    assert WORDS not in held(stale)
    assert [CONTROL in loss.streams for loss in guest.losses] == [True]
    heads = await one.heads(ROOM)
    assert heads is not None
    # If the stale one was first, its numbers are known.
    seq = heads.streams[CONTROL].seq
    assert (seq, heads.rights) in ((0, 0), (3, 3))
    position = taken(await control(one, seq, b"begin")).positions[0]
    assert (position.seq, position.life) == (seq + 1, 1)


async def test_a_worker_forgets_alone_and_the_log_still_has_the_room(
    server: Server, make: Make
) -> None:
    """Somebody may have come meanwhile: the room goes on, and everybody hears of it."""
    log = make()
    await live(log)
    await spoken(log)
    received = Received(log)
    await turns()
    server.admin("CLIENT", "KILL", "TYPE", "normal")
    log.forget_here(ROOM, b"links")
    assert WORDS not in held(log)
    await turns()
    await live(log)
    records = log._instances[0].holdings.records
    await until(lambda: records[ROOM].record == b"record")
    assert await everything(log) == [b"a", WORDS.encode()]
    taken(await say(log, 2, b"more"))
    await turns()
    assert received.entries()[-1] == ("circle", b"more")
    taken(await forget(log, b"begin"))
    await nowhere(server, log)


async def test_a_bell_of_a_life_before_is_not_rung(server: Server, make: Make) -> None:
    log = make()
    await live(log)
    await spoken(log)
    received = Received(log)
    await forget(log)
    await turns()
    notified = len(received.notifications)
    late = RawNotification(1, "circle", 9)
    message = b"b" + late.epoch.to_bytes(8, "big") + late.seq.to_bytes(8, "big") + b"circle"
    log._instances[0].fan._on_room_message(ROOM, message)
    await turns()
    assert received.notifications[notified:] == []
    assert "circle" not in log._instances[0].holdings.rooms[ROOM].heads


async def test_a_file_of_the_life_before_ends_up_nowhere(
    server: Server, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last pieces come after the room has forgotten."""
    log = make()
    await live(log)
    await spoken(log)
    instance = log._instances[0]
    asked = instance.ask

    def slow(room: str, operation: str, *words: bytes | str | int) -> asyncio.Future[object]:
        async def after() -> object:
            if operation == "put_piece" and words[0] == "b2:1":
                await forget(log)
            return await asked(room, operation, *words)

        return asyncio.ensure_future(after())

    monkeypatch.setattr(instance, "ask", slow)
    assert not await log.files.put(ROOM, "b2", WORDS.encode() * 20_000)
    assert await log.files.names(ROOM) == frozenset()
    assert not lies_in_memory(server, WORDS)


async def test_a_state_of_the_life_before_is_not_offered(server: Server, make: Make) -> None:
    """A service that has not noticed yet still gives what it had."""
    log = make()
    await live(log)
    await spoken(log)
    worker = Worker(log)
    await worker.read()
    await forget(log, record=b"links")
    assert worker.position.life == 0
    await wipe(server, log)
    await live(log)
    assert not lies_in_memory(server, WORDS)
    assert await log.snapshot(ROOM) is None
    assert [loss.streams for loss in worker.losses] == [frozenset({CONTROL})]
    assert worker.position != Position.START
