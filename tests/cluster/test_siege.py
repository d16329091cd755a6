"""One holder of the ordinary link at two workers that share Redis (DO*)."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from pathlib import Path

import redis.asyncio

from tests.blackbox.rawclient import Client
from tests.cluster.cluster import Cluster, opened
from tests.servers import PASSWORD
from tests.siege import Siege, addresses

WITHIN = 3.0
"""Seconds in which somebody who was invited is in."""


async def come(url: str, name: str, token: str, source: str | None = None) -> Client:
    client = await Client.connect(url, label=name, source=source)
    await client.hello(token, name)
    await client.ok("agreement.accept", {"version": 1})
    await client.until(lambda: client.phase == "inside", "entry")
    return client


async def kept(port: int) -> bytes:
    """All that Redis holds, as it holds it."""
    async with redis.asyncio.Redis(
        port=port, username="admin", password=PASSWORD, decode_responses=False
    ) as store:
        return b"".join([await store.dump(key) or b"" async for key in store.scan_iter()])


async def test_DO2_DO4_DO8_DO12_two_workers_share_out_one_door(tmp_path: Path) -> None:
    with Cluster(tmp_path, workers=2, settings={"SITWITH_MEDIA": "off"}) as cluster:
        made = await opened(cluster.doors[0], cluster)
        # Half of the sockets come by the proxy, which tells the workers where they are from.
        urls, sources = [cluster.ws, cluster.doors[1].ws], addresses(9)
        token = made["tokens"]["member"]
        fay = await come(urls[0], "Fay", made["tokens"]["facilitator"])
        path, once = f"/api/rooms/{made['room']}/invites", {"role": "member", "uses": 1}
        own = (await cluster.doors[1].http("POST", path, once)).json()["token"]
        people = [fay]
        async with Siege(urls, token, sources=sources) as siege:
            await fay.until(lambda: fay.view["door"]["crowded"], "word of the crowd")
            while siege.codes[4423] < 100:
                await asyncio.sleep(0.05)
            assert fay.view["door"]["reading"] == len(siege.holding) == 50
            for name, by, source in (
                ("Ada", own, sources[0]),
                ("Ben", token, "127.0.0.100"),
                ("Cleo", token, "127.0.0.101"),
            ):
                began = time.monotonic()
                people.append(await come(urls[len(people) % 2], name, by, source))
                assert time.monotonic() - began < WITHIN, name
            held = await kept(cluster.redis.port)
            assert made["room"].encode() in held
            assert not [each for each in sources if each.encode() in held]
            (flood,) = [link for link in fay.view["door"]["links"] if link["floods"]]
            again = f"{made['room']}.{secrets.token_urlsafe(32)}"
            digest = hashlib.sha256(again.encode()).digest()
            await fay.ok("link.replace", {"link": flood["link"], "digest": digest})
            await fay.until(lambda: fay.view["door"]["reading"] == 0, "an empty door")
            await asyncio.sleep(1.2)
            assert not siege.holding
            people.append(await come(urls[1], "Dora", again, sources[0]))
        assert not [
            each for name, log in cluster.logs() for each in sources if each.encode() in log
        ]
        for person in people:
            person.drop()
            await person.closed()
    cluster.assert_discreet()
