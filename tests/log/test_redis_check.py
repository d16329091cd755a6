"""What can't be used is named, and whether waiting may help."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from sitwith_server.log.redis.connection.check import check
from tests.servers import KINDS, PASSWORD, Sentinel, Server, free_port, running


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with running(request.param) as server:
        yield server


async def codes(url: str) -> list[tuple[str, bool]]:
    problems = await check(url)
    assert not any(PASSWORD in each.text + each.instance for each in problems)
    return [(each.code, each.waits) for each in problems]


async def test_the_documented_user_has_all_rights(server: Server) -> None:
    assert await check(server.url) == []
    assert server.admin("EXISTS", "sw:check") == ":0"


async def test_a_wrong_password_or_none(server: Server) -> None:
    plain = f"127.0.0.1:{server.port}"
    assert await codes(f"redis://sitwith:wrong@{plain}") == [("password", False)]
    assert await codes(f"redis://:wrong@{plain}") == [("password", False)]
    assert await codes(f"redis://{plain}") == [("password", False)]


@pytest.mark.parametrize(
    "taken",
    ["-xadd", "-publish", "-evalsha", "-info", "-subscribe", "resetchannels", "resetkeys ~other:*"],
)
async def test_a_missing_right(server: Server, taken: str) -> None:
    rights = ("on", f">{PASSWORD}", "+@all", "~sw:*", "resetchannels", "&sw:*")
    assert server.admin("ACL", "SETUSER", "less", "reset", *rights, *taken.split()) == "+OK"
    (problem,) = await check(f"redis://less:{PASSWORD}@127.0.0.1:{server.port}")
    assert (problem.code, problem.waits) == ("rights", False)
    assert PASSWORD not in problem.text
    if taken == "-xadd":
        assert "(xadd)" in problem.text


async def test_a_policy_that_drops_keys(server: Server) -> None:
    for policy in ("allkeys-lru", "volatile-ttl"):
        server.admin("CONFIG", "SET", "maxmemory-policy", policy)
        assert await codes(server.url) == [("eviction", False)]
    server.admin("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert await codes(server.url) == []


async def test_nobody_there() -> None:
    assert await codes(f"redis://127.0.0.1:{free_port()}") == [("unreachable", True)]
    assert await codes(f"redis+sentinel://127.0.0.1:{free_port()}/x") == [("unreachable", True)]
    assert await codes("unix:///nowhere/redis.sock") == [("unreachable", True)]


async def test_each_instance_is_looked_at(server: Server) -> None:
    gone = f"redis://127.0.0.1:{free_port()}"
    assert await codes(f"{server.url},{gone}") == [("unreachable", True)]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://host",
        "redis://",
        "redis://host:x",
        "redis://host/x",
        "redis://one:1,two:2",
        "redis://one,redis://one",
        "redis+sentinel://host:1",
        f"redis://sitwith:{PASSWORD}@host/0?color=blue",
    ],
)
async def test_what_is_no_url(url: str) -> None:
    assert await codes(url) == [("bad_url", False)]


async def test_a_cluster_a_replica_and_a_sentinel(tmp_path: Path) -> None:
    cluster = Server(
        "redis", tmp_path, "cluster-enabled yes", f"cluster-port {free_port()}"
    ).start()
    master = Server("redis", tmp_path).start()
    replica = Server("redis", tmp_path, f"replicaof 127.0.0.1 {master.port}").start()
    sentinel = Sentinel("redis", tmp_path, master)
    sentinel.start()
    try:
        assert ("cluster", False) in await codes(cluster.url)
        assert await codes(replica.url) == [("replica", True)]
        admin = f"redis://admin:{PASSWORD}@127.0.0.1:{sentinel.port}"
        assert await codes(admin) == [("sentinel", False)]
    finally:
        for each in (cluster, master, replica, sentinel):
            each.kill()


async def test_too_old_a_server_is_told_by_what_it_says_of_itself(tmp_path: Path) -> None:
    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1_000)
        info = b"# Server\r\nredis_version:5.0.14\r\nredis_mode:standalone\r\nrole:master\r\n"
        writer.write(b"$%d\r\n%s\r\n" % (len(info), info))
        await reader.read()
        writer.close()

    server = await asyncio.start_server(old, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await codes(f"redis://127.0.0.1:{port}") == [("too_old", False)]
    server.close()
