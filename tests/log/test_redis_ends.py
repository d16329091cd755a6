"""Nothing of a room stays in Redis for longer than it lingers, even if every worker dies."""

from __future__ import annotations

import time

import pytest

from sitwith_server.log.base import LINGER, Commit, Effects
from sitwith_server.log.redis.packing import keys_of, shard_of, shard_prefix
from tests.servers import Server

from .harness import ROOM, also, control, create, forget, say, taken
from .reseeding import Make, Worker, live, wipe

PREFIX = keys_of(ROOM).prefix
INDEX = shard_prefix(shard_of(ROOM))
TRAIL = 50.0


async def filled(server: Server, make: Make) -> tuple[Worker, set[str]]:
    """A room that has every kind of key, and these."""
    log = make()
    await live(log)
    await create(log)
    worker = Worker(log)
    taken(await control(log, 0, b"a", key=("s", 1), outcome=b"o"))
    for n in range(140):
        taken(await say(log, 0, b"%d" % n))
    assert await log.files.put(ROOM, "b1", b"x")
    await also(log, workers=frozenset({"w"}), audit=(b"did", TRAIL), snapshot=b"s")
    await worker.read()
    worker.workers = frozenset({"w"})
    keys = set(server.admin("KEYS", "*").splitlines())
    kinds = {"meta", "heads", "s:room:0", "s:circle:0", "s:circle:1", "files", "pieces"}
    assert {PREFIX + kind for kind in kinds | {"trail", "trail_ttl"}} < keys
    assert len([key for key in keys if key.startswith(PREFIX + "o:")]) == 1
    assert {INDEX + each for each in ("rooms", "due", "at")} < keys
    return worker, {key for key in keys if key.startswith((PREFIX, INDEX))}


def seconds_left(server: Server, keys: set[str]) -> dict[str, float]:
    return {key: int(server.admin("PTTL", key)[1:]) / 1_000 for key in keys}


def all_end_with(server: Server, keys: set[str], expires: float) -> None:
    """Outcomes may end before, and the trail does after it."""
    last = expires + LINGER - time.time()
    for key, left in seconds_left(server, keys).items():
        if ":trail" in key:
            assert abs(left - last - TRAIL) < 30, key
        elif ":o:" in key:
            assert 0 < left < last + 1, key
        else:
            assert abs(left - last) < 30, key


@pytest.mark.parametrize("by", [-1_800, 7_200])
async def test_every_key_moves_with_the_end(server: Server, make: Make, by: int) -> None:
    worker, keys = await filled(server, make)
    expires = time.time() + 3_600
    all_end_with(server, keys, expires)
    await also(worker.log, expires=expires + by)
    assert {key for key in server.admin("KEYS", "*").splitlines() if key in keys} == keys
    all_end_with(server, keys, expires + by)
    # New keys get it, too, and so does a copy that comes from a worker.
    taken(await say(worker.log, 0, b"x", to="pair:1"))
    taken(await say(worker.log, 0, *[b"x"] * 130))
    await worker.log.files.put(ROOM, "b2", b"x")
    await worker.read()
    keys |= {f"{PREFIX}s:pair:1:0", f"{PREFIX}s:circle:2"}
    all_end_with(server, keys, expires + by)
    await wipe(server, worker.log)
    await live(worker.log)
    there = {key for key in server.admin("KEYS", "*").splitlines() if key in keys}
    assert {f"{PREFIX}meta", f"{PREFIX}s:circle:2", INDEX + "rooms", INDEX + "due"} < there
    all_end_with(server, there, expires + by)


async def test_a_shorter_end_than_a_bucket_of_outcomes_counts(server: Server, make: Make) -> None:
    worker, keys = await filled(server, make)
    await also(worker.log, expires=time.time() + 60 - LINGER)
    assert all(left <= 61 + TRAIL for left in seconds_left(server, keys).values())
    inside = {key for key in keys if ":trail" not in key}
    assert all(0 < left <= 61 for left in seconds_left(server, inside).values())


async def test_a_forgotten_room_leaves_its_record_alone(server: Server, make: Make) -> None:
    worker, _ = await filled(server, make)
    expires = time.time() + 3_600
    await forget(worker.log, workers=frozenset())
    keys = {key for key in server.admin("KEYS", "*").splitlines() if key.startswith(PREFIX)}
    all_end_with(server, keys, expires)
    left = {"meta", "heads", "s:room:0", "trail", "trail_ttl"}
    assert keys == {PREFIX + kind for kind in left}
    fields = server.admin("HKEYS", PREFIX + "meta").splitlines()
    assert set(fields) == {"f", "r", "t", "v", "x", "rec"}
    assert server.admin("HGETALL", INDEX + "at") == ""
    # One with an outcome, too, whose bucket went with all the others.
    effects = Effects(forget=True, record=b"r")
    await control(worker.log, 2, rights=True, key=("s", 5), outcome=b"o", effects=effects)
    keys = {key for key in server.admin("KEYS", "*").splitlines() if key.startswith(PREFIX)}
    assert len([key for key in keys if ":o:" in key]) == 1
    all_end_with(server, keys, expires)


@pytest.mark.parametrize("how", ["end", "commit"])
async def test_an_end_leaves_the_id_and_the_trail(server: Server, make: Make, how: str) -> None:
    worker, _ = await filled(server, make)
    if how == "end":
        await worker.log.end(ROOM)
    else:
        ends = Commit(ROOM, "room", (b"end",), 1, effects=Effects(end=True), key=("s", 9))
        taken(await worker.log.commit(ends))
    keys = {key for key in server.admin("KEYS", "*").splitlines() if INDEX in key}
    assert keys == {PREFIX + "trail", PREFIX + "trail_ttl", INDEX + "tombs"}
    assert server.admin("ZRANGE", INDEX + "tombs", 0, -1) == ROOM
    assert worker.log._instances[0].holdings.records == {}
