"""Files of materials with two workers that share a Redis (MT4, MT12, MT13)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from sitwith_server.config import Settings
from sitwith_server.gateway.http.materials import MaterialRoutes
from sitwith_server.gateway.http.middleware import site
from sitwith_server.gateway.telemetry.metrics import Metrics
from sitwith_server.room import commands as c
from sitwith_server.room.materials.values import MaterialKind
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.materials.files import MaterialFiles
from sitwith_server.service.rooms.answers import Ok
from sitwith_server.service.rooms.audit import AuditTrail
from tests.gateway.house import URL
from tests.gateway.test_materials import Quick
from tests.servers import Server, running
from tests.service.test_cards import Seats, people
from tests.service.test_files import begun

BODY = b"canary-bytes" + bytes(600_000)
ALL = """
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local t = redis.call('TYPE', key).ok
  found[#found + 1] = key
  if t == 'hash' then
    for _, each in ipairs(redis.call('HGETALL', key)) do found[#found + 1] = each end
  elseif t == 'stream' then
    for _, each in ipairs(redis.call('XRANGE', key, '-', '+')) do
      for _, word in ipairs(each[2]) do found[#found + 1] = word end
    end
  elseif t == 'list' then
    for _, each in ipairs(redis.call('LRANGE', key, 0, -1)) do found[#found + 1] = each end
  elseif t == 'string' then
    found[#found + 1] = redis.call('GET', key)
  end
end
local n = 0
for _, each in ipairs(found) do
  if string.find(each, 'canary', 1, true) then n = n + 1 end
end
return n
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("redis6") as found:
        yield found


@asynccontextmanager
async def worker(server: Server) -> AsyncIterator[tuple[Host, httpx.AsyncClient]]:
    log = await begun(server)
    host = Host(log, AuditTrail(log, 3_600))
    settings = Settings()
    materials = MaterialRoutes(host, MaterialFiles(log, host.hosted), settings, Quick())
    asgi = site(materials.routes(), settings, Metrics())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(asgi), base_url=URL) as client:
        yield host, client
    await host.close()
    await log.close()


async def ticket(e: Seats, command: c.Command) -> dict[str, str]:
    await e.room.catch_up()
    answer = await e.ask(command)
    assert isinstance(answer, Ok), answer
    return {"authorization": f"Bearer {answer.fields['ticket']}"}


def canaries(server: Server) -> int:
    return int(server.admin("EVAL", ALL, 0)[1:])


@pytest.mark.parametrize("how", ["hide", "end"])
async def test_MT4_MT12_MT13_brought_at_one_worker_fetched_at_another_and_gone_from_both(
    server: Server, how: str
) -> None:
    server.admin("FLUSHALL")
    async with AsyncExitStack() as stack:
        (first, one), (_, other) = [
            await stack.enter_async_context(worker(server)) for _ in range(2)
        ]
        e = await people(first.log)
        fay, ada, _ = e.seats
        path = f"/r/{e.room.id}/materials/f1"
        upload = c.MaterialUpload(
            by=fay, material="f1", what=MaterialKind.PICTURE, title="canary-title"
        )
        brought = await one.put(path, content=BODY, headers=await ticket(e, upload))
        assert brought.status_code == 201
        words = c.MaterialShow(by=fay, material="t1", what=MaterialKind.TEXT, body="canary-words")
        assert isinstance(await e.ask(words), Ok)
        key = await ticket(e, c.MaterialOpen(by=ada, material="f1"))
        for client in (other, one):
            answer = await client.get(path, headers=key)
            assert (answer.status_code, answer.content) == (200, b"clean" + BODY)
        assert canaries(server) > 2
        if how == "hide":
            for material in ("f1", "t1"):
                await e.ask(c.MaterialHide(by=fay, material=material))
        else:
            await e.ask(c.RoomEnd(by=fay))
            await first.log.end(e.room.id)
        assert canaries(server) == 0
        for client in (other, one):
            assert (await client.get(path, headers=key)).status_code == 404


async def test_MT12_a_removal_at_one_worker_ends_access_at_the_other_at_once(
    server: Server,
) -> None:
    server.admin("FLUSHALL")
    async with AsyncExitStack() as stack:
        (first, one), (second, other) = [
            await stack.enter_async_context(worker(server)) for _ in range(2)
        ]
        e = await people(first.log)
        fay, ada, _ = e.seats
        path = f"/r/{e.room.id}/materials/f1"
        upload = c.MaterialUpload(by=fay, material="f1", what=MaterialKind.PICTURE)
        await one.put(path, content=BODY, headers=await ticket(e, upload))
        key = await ticket(e, c.MaterialOpen(by=ada, material="f1"))
        assert (await other.get(path, headers=key)).status_code == 200
        hosted = await second.use(e.room.id)
        assert hosted is not None
        await e.ask(c.MemberRemove(by=fay, member=ada))
        assert (await other.get(path, headers=key)).status_code == 404
