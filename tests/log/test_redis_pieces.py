"""A stream lies in pieces, so that blanking one entry writes little anew; nobody sees them."""

from __future__ import annotations

import secrets

import pytest

from sitwith_server.log.base import CONTROL, KEPT_ENTRIES, Trimmed
from sitwith_server.log.redis.packing import keys_of
from tests.servers import Server

from .harness import ROOM, blank, control, create, everything, forget, say, taken
from .reseeding import Make, Worker, lies_in_memory, live, wipe

PIECE = 128
"""Entries that are written anew at the most."""


def pieces(server: Server, stream: str = "circle", room: str = ROOM) -> dict[int, int]:
    """How many entries each piece of a stream has."""
    start = f"{keys_of(room).prefix}s:{stream}:"
    keys = [key for key in server.admin("KEYS", "*").split("\n") if key.startswith(start)]
    return {int(key[len(start) :]): int(server.admin("XLEN", key)[1:]) for key in keys}


async def test_a_piece_is_small_and_the_oldest_go(server: Server, make: Make) -> None:
    log = make()
    await live(log)
    assert await create(log)
    said = 0
    while said < KEPT_ENTRIES + 5 * PIECE:
        # Not a divisor of a piece: commits that reach over its end.
        taken(await say(log, 0, *([b"x"] * 90), at_head=said))
        said += 90
    lie = pieces(server)
    assert max(lie.values()) == PIECE
    assert KEPT_ENTRIES <= sum(lie.values()) < KEPT_ENTRIES + 2 * PIECE
    assert sorted(lie) == list(range(min(lie), min(lie) + len(lie)))
    with pytest.raises(Trimmed) as trimmed:
        await log.read(ROOM, "circle", 0)
    first = trimmed.value.first
    entries = await log.read(ROOM, "circle", first - 1, limit=2 * KEPT_ENTRIES)
    assert [entry.position.seq for entry in entries] == list(range(first, said + 1))
    assert len(await log.read(ROOM, "circle", said - PIECE - 5, limit=PIECE)) == PIECE
    await forget(log)
    assert pieces(server) == {}
    taken(await say(log, 1, b"again", at_head=0))
    await log.end(ROOM)
    assert pieces(server) == {}


async def test_what_is_blanked_is_nowhere_in_redis(server: Server, make: Make) -> None:
    log = make()
    await live(log)
    assert await create(log)
    words, others = secrets.token_hex(32), secrets.token_hex(32)
    blobs = [b"x"] * 300
    blobs[99], blobs[198] = words.encode(), others.encode()
    taken(await say(log, 0, *blobs))
    taken(await control(log, 0, words.encode(), rights=True))
    assert lies_in_memory(server, words)
    await blank(log, "circle", 100)
    await blank(log, CONTROL, 1)
    assert not lies_in_memory(server, words)
    assert lies_in_memory(server, others)
    blobs[99] = b""
    assert await everything(log, "circle") == blobs
    assert int(server.admin("PTTL", f"{keys_of(ROOM).prefix}s:circle:0")[1:]) > 0


async def test_what_is_blank_is_not_written_again(server: Server, make: Make) -> None:
    """Every worker that reads a deletion asks for it, and does so again when it loads the room."""
    log = make()
    await live(log)
    assert await create(log)
    taken(await say(log, 0, *([b"x"] * 300)))

    def written() -> int:
        stats = server.admin("INFO", "commandstats")
        found = [line for line in stats.splitlines() if line.startswith("cmdstat_xadd:")]
        return int(found[0].split("calls=")[1].split(",")[0])

    before = written()
    await blank(log, "circle", 150)
    assert written() - before == PIECE
    await blank(log, "circle", 150)
    assert written() - before == PIECE
    await blank(log, "circle", 1, 2, 3, 150)
    assert written() - before == 2 * PIECE


async def test_pieces_come_back_as_they_were(server: Server, make: Make) -> None:
    log = make()
    await live(log)
    assert await create(log)
    worker = Worker(log)
    blobs = [b"%d" % n for n in range(3 * PIECE)]
    taken(await say(log, 0, *blobs))
    taken(await control(log, 0, b"a", rights=True))
    await worker.read()
    await blank(log, "circle", 2 * PIECE)
    before = pieces(server)
    await wipe(server, log)
    await live(log)
    blobs[2 * PIECE - 1] = b""
    assert await everything(log, "circle") == blobs
    assert pieces(server) == before == {0: PIECE, 1: PIECE, 2: PIECE}
    for piece in before:
        assert int(server.admin("PTTL", f"{keys_of(ROOM).prefix}s:circle:{piece}")[1:]) > 0
    taken(await say(log, 1, b"next", at_head=3 * PIECE))
    assert pieces(server) == {**before, 3: 1}
    assert worker.losses == []
