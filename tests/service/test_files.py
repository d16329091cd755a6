"""Files of materials between workers, and through a Redis that forgot them (MT13)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from sitwith_server.log.base import Health
from sitwith_server.log.redis.instance import Tuning
from sitwith_server.log.redis.log import RedisLog
from sitwith_server.room import commands as c
from sitwith_server.room.materials.values import File, MaterialKind
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.hosting.loading import load
from sitwith_server.service.materials.files import MaterialFiles
from sitwith_server.service.rooms.answers import Ok
from sitwith_server.service.rooms.audit import AuditTrail
from sitwith_server.service.rooms.results import APPLIED
from sitwith_server.service.rooms.room import HostedRoom
from tests.servers import Server, running
from tests.service.test_cards import people

BODY = bytes(range(256)) * 3_000


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("redis6") as found:
        yield found


async def live(log: RedisLog) -> RedisLog:
    async with asyncio.timeout(20):
        while Health.LIVE not in log.health().values():
            await asyncio.sleep(0.01)
    return log


async def begun(server: Server) -> RedisLog:
    log = RedisLog(server.url, Tuning(offer=0.2))
    log.start()
    return await live(log)


@pytest.fixture
async def logs(server: Server) -> AsyncIterator[tuple[RedisLog, RedisLog]]:
    server.admin("FLUSHALL")
    both = (await begun(server), await begun(server))
    yield both
    for log in both:
        await log.close()


async def shown(room: HostedRoom, by: str, shelf: MaterialFiles, name: str = "f1") -> None:
    """A file with its bytes."""
    assert await shelf.put(room.id, "b1", BODY)
    file = File("b1", "image/png", len(BODY))
    bring = c.MaterialBring(by=by, material=name, what=MaterialKind.PICTURE, file=file)
    assert await room.execute(bring, "material.show") == APPLIED


def key(server: Server, room: str, what: str) -> str:
    """The room's key of this name, "" if there is none."""
    return server.admin("KEYS", f"sw:*{room}:{what}")


def there(server: Server, room: str) -> str:
    return server.admin("HKEYS", key(server, room, "files"))


async def test_MT13_bytes_go_from_worker_to_worker_and_with_their_room(
    server: Server, logs: tuple[RedisLog, RedisLog]
) -> None:
    log, other = logs
    e = await people(log)
    shelf = MaterialFiles(log, lambda: [e.room])
    await shown(e.room, e.seats[0], shelf)
    assert await MaterialFiles(other, list).get(e.room.id, "b1") == BODY
    assert there(server, e.room.id) == "b1"
    assert isinstance(await e.ask(c.MaterialHide(by=e.seats[0], material="f1")), Ok)
    assert there(server, e.room.id) == ""
    assert await log.files.get(e.room.id, "b1") is None
    await shown(e.room, e.seats[0], shelf, "f2")
    await log.end(e.room.id)
    assert server.admin("KEYS", "sw:*pieces*") + server.admin("KEYS", "sw:*files*") == ""


async def test_MT13_what_a_redis_lost_is_put_back_by_whoever_holds_it(
    server: Server, logs: tuple[RedisLog, RedisLog]
) -> None:
    log, other = logs
    e = await people(log)
    shelf = MaterialFiles(log, lambda: [e.room], lost_after=0.0)
    await shown(e.room, e.seats[0], shelf)
    host = Host(other, AuditTrail(other, 60))
    use = await host.use(e.room.id)
    assert use is not None
    room = use.room
    server.admin("DEL", *(key(server, room.id, what) for what in ("files", "pieces")))
    await MaterialFiles(other, host.hosted).repair()
    assert there(server, room.id) == "", "it never had them, and others have time to"
    await shelf.repair()
    assert await other.files.get(room.id, "b1") == BODY
    assert e.room.state.materials.find("f1") is not None
    await host.close()


async def test_MT13_what_nobody_holds_is_taken_away(
    server: Server, logs: tuple[RedisLog, RedisLog]
) -> None:
    log, _ = logs
    e = await people(log)
    shelf = MaterialFiles(log, lambda: [e.room], lost_after=-1.0)
    await shown(e.room, e.seats[0], shelf)
    link = c.MaterialShow(
        by=e.seats[0], material="t1", what=MaterialKind.LINK, body="https://a.example"
    )
    assert isinstance(await e.ask(link), Ok)
    log.files.evict_others(())
    server.admin("DEL", key(server, e.room.id, "files"))
    await shelf.repair()
    assert [m.id for m in e.room.state.materials.shown] == ["t1"]


async def test_MT13_what_was_hidden_meanwhile_is_not_put_back(
    server: Server, logs: tuple[RedisLog, RedisLog]
) -> None:
    """By a worker that holds the bytes and has not heard of it: no notification comes there."""
    log, other = logs
    e = await people(log)
    shelf = MaterialFiles(log, lambda: [e.room])
    await shown(e.room, e.seats[0], shelf)
    late = await load(other, AuditTrail(other, 60), e.room.id)
    assert late is not None
    assert await other.files.get(late.id, "b1") == BODY
    assert isinstance(await e.ask(c.MaterialHide(by=e.seats[0], material="f1")), Ok)
    assert late.state.materials.names() == {"b1"}
    await MaterialFiles(other, lambda: [late]).repair()
    assert server.admin("KEYS", "sw:*pieces*") + server.admin("KEYS", "sw:*files*") == ""
