"""Row 38 of the table in README.md: what somebody has who dumps Redis, a disk, swap or a core.

A live room's words are in Redis and in the workers until rooms are sealed: docs/threat-model.md
says so. What these tests show is that nothing of it is ever on a disk, that no key to anything is
in there, and that it ends.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import redis

from tests.blackbox.house import Circle, circle
from tests.blackbox.house import Server as Worker
from tests.programs import KEY
from tests.security.test_rows_text import written_by
from tests.servers import PASSWORD, Server

WORDS = ("canary-word", "canary-staff-line", "canary-milestone", "Adalbertine", "Canary title")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server("redis", tmp_path_factory.mktemp("redis")).start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def worker(store: Server) -> Iterator[Worker]:
    made = Worker({"SITWITH_REDIS_URL": store.url, "SITWITH_MEDIA": "off"})
    yield made
    made.stop()


@asynccontextmanager
async def evening(worker: Worker) -> AsyncIterator[Circle]:
    """A room in which something was said to everybody who can be spoken to."""
    async with circle(worker, ["Adalbertine", "Ben"], title="Canary title") as c:
        ada, _ = c.members
        await ada.ok("chat.say", {"to": "circle", "body": "canary-word"})
        await ada.ok("chat.say", {"to": "staff", "body": "canary-staff-line"})
        await ada.ok("milestone.share", {"text": "canary-milestone"})
        yield c


def client(store: Server) -> redis.Redis:
    return redis.Redis(port=store.port, username="admin", password=PASSWORD)


def dump(store: Server) -> dict[bytes, bytes]:
    """Every key and all that is in it, as Redis writes it into a snapshot."""
    with client(store) as admin:
        admin.config_set("rdbcompression", "no")
        found = {}
        for key in admin.scan_iter(count=1000):
            found[key] = key + (admin.dump(key) or b"")
        return found


async def test_row_38_a_dump_of_redis_opens_no_door(worker: Worker, store: Server) -> None:
    async with evening(worker) as c:
        everything = b"".join(dump(store).values())
        assert b"canary-word" in everything, "rooms are not sealed yet: their words are there"
        secrets = [KEY, *c.tokens.values(), *(who.resume_value for who in c.all)]
        secrets.append((await c.f.ok("material.upload", {"kind": "picture"}))["ticket"])
        secrets += [(await c.invite("member", uses=2))["token"]]
        everything = b"".join(dump(store).values())
        for secret in secrets:
            for part in secret.split("."):
                # A room's and a seat's id are in there; what opens them is not.
                if part not in (c.room, *(who.me for who in c.all)):
                    assert part.encode() not in everything


async def test_row_38_everything_in_redis_ends_and_nothing_of_an_ended_room_is_left(
    worker: Worker, store: Server
) -> None:
    async with evening(worker) as c:
        with client(store) as admin:
            keys = [key for key in admin.scan_iter(count=1000) if c.room.encode() in key]
            assert keys
            immortal = [key for key in keys if not admin.pttl(key) > 0]
        assert immortal == []
        await c.f.ok("room.end")
        await asyncio.sleep(0.2)
        left = b"".join(dump(store).values())
        for word in WORDS:
            assert word.encode() not in left


async def test_row_38_redis_writes_no_file(worker: Worker, store: Server) -> None:
    async with evening(worker):
        with client(store) as admin:
            assert admin.config_get("save") == {"save": ""}
            assert admin.config_get("appendonly") == {"appendonly": "no"}
            told = admin.info("persistence")
        assert told["rdb_saves"] == 0 if "rdb_saves" in told else told["rdb_last_save_time"]
        assert told["aof_enabled"] == 0
        with pytest.raises(redis.ResponseError), redis.Redis.from_url(store.url) as ours:
            ours.execute_command("BGSAVE")  # the worker's user may not
    ours_alone = {"redis.conf", "users.acl", "log"}
    assert {file.name for file in store.folder.iterdir()} == ours_alone
    # Nor when it is sent away.
    store.signal(signal.SIGTERM)
    for _ in range(100):
        if not store.running:
            break
        await asyncio.sleep(0.05)
    assert not store.running
    assert {file.name for file in store.folder.iterdir()} == ours_alone
    assert b"canary" not in (store.folder / "log").read_bytes()
    store.restart()


def test_row_38_a_worker_leaves_no_core_and_keeps_no_file(worker: Worker) -> None:
    pid = worker.process.pid
    limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    (core,) = [line.split() for line in limits.splitlines() if line.startswith("Max core")]
    assert core[4:6] == ["0", "0"]
    assert written_by(worker.process) == []
