"""Notifications that carry what was committed: subscribers read nothing while they miss nothing."""

from __future__ import annotations

import asyncio
import re

import pytest

from sitwith_server.log.base import (
    CONTROL,
    LINGER,
    MAX_NOTIFICATION_BYTES,
    Blank,
    Effects,
    HostedState,
    Notification,
    Position,
)
from sitwith_server.log.redis.log import RedisLog
from sitwith_server.log.redis.notifications import parse_notification
from sitwith_server.log.redis.packing import keys_of
from tests.servers import Server
from tests.waiting import until

from .harness import ROOM, Received, control, create, forget, say, taken, turns
from .reseeding import Make, live


def scripts(server: Server) -> int:
    """How many scripts have been called."""
    found = re.search(r"cmdstat_evalsha:calls=(\d+)", server.admin("INFO", "commandstats"))
    return int(found[1]) if found else 0


async def idle(*logs: RedisLog) -> None:
    """What is read at the begin of a subscription has been."""
    await turns()
    for log in logs:
        if task := log._instances[0]._reader._task:
            await task


def tail(log: RedisLog, stream: str) -> list[bytes]:
    return [entry.blob for entry in log._instances[0].holdings.rooms[ROOM].tail(stream)]


async def test_a_message_is_one_round_trip_here_and_none_elsewhere(
    server: Server, make: Make
) -> None:
    author, reader = make(), make()
    await live(author, reader)
    await create(author)
    received, own = Received(reader), Received(author)
    await idle(author, reader)
    before = scripts(server)
    for n in range(50):
        taken(await say(author, 0, b"%d" % n, key=("s", n), outcome=b"o"))
    await until(lambda: len(received.entries()) == len(own.entries()) == 50)
    assert scripts(server) - before == 50
    assert received.entries() == own.entries() == [("circle", b"%d" % n) for n in range(50)]
    # It is held, too, so that a Redis that loses it can be told.
    assert tail(reader, "circle") == tail(author, "circle") == [b"%d" % n for n in range(50)]
    keeps = [log._instances[0].holdings.rooms[ROOM] for log in (author, reader)]
    assert keeps[0].outcomes() == keeps[1].outcomes()
    assert keeps[0].heads == keeps[1].heads


async def test_a_bell_is_what_a_read_gives(server: Server, make: Make) -> None:
    author, reader = make(), make()
    await live(author, reader)
    await create(author)
    received = Received(reader)
    await turns()
    blanks = (Blank("circle", (1, 2), b"gone"), Blank("ключ:", (), b""))
    taken(await control(author, 0, b"a", b"", b"c", rights=True, key=("ключ", 7), outcome=b"o"))
    said = await say(
        author,
        3,
        b"x",
        b"y",
        to="ключ:1",
        control=(b"c",),
        control_head=3,
        effects=Effects(blanks=blanks),
    )
    taken(said)
    await until(lambda: len(received.notifications) >= 3)
    entries = await reader.read(ROOM, CONTROL, 0)
    assert received.notifications[-3:] == [
        Notification(CONTROL, 3, tuple(entries[:3])),
        Notification(CONTROL, 4, tuple(entries[3:])),
        Notification("ключ:1", 2, tuple(await reader.read(ROOM, "ключ:1", 0)), blanks),
    ]


async def test_a_blank_reaches_what_others_hold(server: Server, make: Make) -> None:
    author, reader = make(), make()
    await live(author, reader)
    await create(author)
    received = Received(reader)
    own = Received(author)
    await turns()
    taken(await say(author, 0, b"a", b"b"))
    effects = Effects(blanks=(Blank("circle", (1,), b""),))
    taken(await control(author, 0, b"deleted", effects=effects))
    await until(lambda: received.told()[-1:] == [(CONTROL, 1)])
    await until(lambda: own.told()[-1:] == [(CONTROL, 1)])
    assert tail(reader, "circle") == tail(author, "circle") == [b"", b"b"]
    # One that was too large for the notification is found by reading.
    reader.blank_copies(ROOM, [Blank("circle", (2,), b"")])
    assert tail(reader, "circle") == [b"", b""]


async def test_an_author_needs_no_bell_to_know_what_it_did(server: Server, make: Make) -> None:
    """It holds the room and is deaf, as its fan-out may be."""
    log = make()
    await live(log)
    await create(log)
    release = log.hold(ROOM, lambda: HostedState(Position.START, b"", 1e10, frozenset()))
    await idle(log)
    connection = log._instances[0].fan._connection
    assert connection is not None
    assert connection._transport is not None
    connection._transport.pause_reading()
    taken(await say(log, 0, b"a", b"b", control=(b"c",), control_head=0))
    effects = Effects(blanks=(Blank("circle", (1,), b""), Blank(CONTROL, (1,), b"")))
    taken(await control(log, 1, b"d", effects=effects))
    assert (tail(log, "circle"), tail(log, CONTROL)) == ([b"", b"b"], [b"", b"d"])
    holdings = log._instances[0].holdings
    await forget(log, b"begin", record=b"links")
    assert (tail(log, "circle"), tail(log, CONTROL)) == ([], [b"begin"])
    assert (holdings.records[ROOM].record, holdings.records[ROOM].version) == (b"links", 2)
    expires = await log.now() + 60
    taken(await control(log, 3, effects=Effects(expires=expires)))
    assert holdings.records[ROOM].record == b"links"
    assert holdings.records[ROOM].expires == int((expires + LINGER) * 1_000)
    taken(await control(log, 4, effects=Effects(end=True)))
    assert holdings.is_ended(ROOM)
    assert ROOM not in holdings.records
    release()


async def test_a_large_entry_is_read_and_its_end_told(server: Server, make: Make) -> None:
    author, reader = make(), make()
    await live(author, reader)
    await create(author)
    received = Received(reader)
    await turns()
    large = b"x" * (MAX_NOTIFICATION_BYTES + 1)
    taken(await say(author, 0, large, control=(b"c",), control_head=0))
    await until(lambda: received.told() == [(CONTROL, 1), ("circle", 1)])
    assert received.entries() == []
    assert tail(reader, "circle") == []


async def test_a_subscriber_that_redis_drops_reads_again(server: Server, make: Make) -> None:
    """It reads too slowly, so that Redis ends its connection: everything since is missed."""
    author, reader = make(), make()
    await live(author, reader)
    await create(author)
    received = Received(reader)
    await turns()
    server.admin("CONFIG", "SET", "client-output-buffer-limit", "pubsub 64kb 0 0")
    connection = reader._instances[0].fan._connection
    assert connection is not None
    assert connection._transport is not None
    connection._transport.pause_reading()
    for n in range(2_000):
        taken(await say(author, 0, b"%d" % n + b"x" * 6_000))
        clients = server.admin("CLIENT", "LIST", "TYPE", "pubsub")
        if len(clients.strip().splitlines()) < 2:
            break
    else:
        raise AssertionError("it was not dropped")
    last = taken(await say(author, 0, b"the last")).positions[0].seq
    await turns()
    assert ("circle", last) not in received.told()
    server.admin("CONFIG", "SET", "client-output-buffer-limit", "pubsub 32mb 8mb 60")
    connection._transport.resume_reading()
    await until(lambda: ("circle", last) in received.told())
    missing = {
        n for n, notification in enumerate(received.notifications) if not notification.entries
    }
    assert missing, "what was missed is a hint to read"
    await live(reader)
    taken(await say(author, 0, b"heard again"))
    await until(lambda: received.entries()[-1:] == [("circle", b"heard again")])


async def test_media_channels_are_followed_like_rooms(server: Server, make: Make) -> None:
    """They are no rooms: nothing is ever committed there."""
    one, other = make(), make()
    await live(one, other)
    received = Received(other, "~media/3")
    await turns()
    await one.publish("~media/3", b"here")
    await until(lambda: received.heard == [b"here"])
    assert received.notifications == []
    assert await one.rooms() == []


async def test_an_end_and_a_forgetting_ring_for_all(server: Server, make: Make) -> None:
    author, reader = make(), make()
    await live(author, reader)
    await create(author)
    received = Received(reader)
    await turns()
    await forget(author, b"begin")
    taken(await control(author, 1, b"x" * 20_000, effects=Effects(end=True)))
    await until(lambda: received.told() == [(CONTROL, 1), (CONTROL, 2)])
    assert [len(blob) for _, blob in received.entries()] == [5, 20_000]
    await until(lambda: reader._instances[0].holdings.is_ended(ROOM))
    assert await reader.ended(ROOM)


@pytest.mark.parametrize("count", [1, 3])
async def test_a_message_of_a_bell_is_understood(server: Server, make: Make, count: int) -> None:
    """What goes over the wire, byte by byte."""
    log = make()
    await live(log)
    await create(log)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    password = server.url.split(":")[2].split("@")[0]
    writer.write(f"AUTH sitwith {password}\r\nSUBSCRIBE {keys_of(ROOM).channel}\r\n".encode())
    await reader.readuntil(b":1\r\n")
    blobs = tuple(bytes([n]) * n for n in range(count))
    effects = Effects(blanks=(Blank("s", (1,), b"b"),))
    taken(await say(log, 0, *blobs, effects=effects))
    head = await reader.readuntil(b"bell\r\n$")
    size = int(await reader.readline())
    told = parse_notification(await reader.readexactly(size))
    assert head.startswith(b"*3\r\n$7\r\nmessage\r\n")
    assert (told.epoch, told.stream, told.blanks) == (1, "circle", effects.blanks)
    assert [each.blob for each in told.entries] == list(blobs)
    assert [each.seq for each in told.entries] == list(range(1, count + 1))
    writer.close()
