"""A room of several workers in which somebody is looked after, and everywhere words could be."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from tests.blackbox.rawclient import Map
from tests.cluster.cluster import Cluster, opened
from tests.cluster.population import Seat
from tests.programs import Door
from tests.servers import Server as Redis

#: What is of care in a frame: whoever has nothing to do with it gets none of these.
OURS = (b"care.", b"care_opened", b"aside", b"worries", b"canary-card", b"canary-aside")


class Words:
    """What only those may read whom it concerns; none of it is in any log, metric or trail."""

    def __init__(self, cluster: Cluster) -> None:
        self.card = {
            "location": f"canary-card-{secrets.token_hex(8)}",
            "phone": f"canary-card-{secrets.token_hex(8)}",
            "note": f"canary-card-{secrets.token_hex(8)}",
        }
        self.aside = f"canary-aside-{secrets.token_hex(8)}"
        cluster.canaries |= {*self.card.values(), self.aside}

    @property
    def all(self) -> list[bytes]:
        return [word.encode() for word in (*self.card.values(), self.aside)]


class House:
    """People by name, each at a worker of their own choice."""

    def __init__(self, cluster: Cluster, made: Map) -> None:
        self.cluster = cluster
        self.made = made
        self.room: str = made["room"]
        self.people: dict[str, Seat] = {}

    def __getitem__(self, name: str) -> Seat:
        return self.people[name]

    async def come(self, name: str, door: Door, role: str = "member") -> Seat:
        seat = Seat(door, f"Canary {name}")
        self.cluster.canaries.add(seat.name)
        await seat.enter(self.made["tokens"][role])
        self.people[name] = seat
        return seat

    async def everybody_sees(self, count: int) -> None:
        for seat in self.people.values():
            await seat.sees(lambda v: len(v["members"]) == count, f"{count} people")

    async def settle(self) -> None:
        """Until everybody has got all that was committed before."""
        last = f"canary-settled-{secrets.token_hex(6)}"
        self.cluster.canaries.add(last)
        host = next(iter(self.people.values()))
        await host.say(last)
        for seat in self.people.values():
            if seat.final is not None:
                continue
            await seat.sees(
                lambda _, s=seat: last in [body for _, body in s.heard()], "the last word"
            )

    async def kill(self, *workers: int) -> None:
        """kill -9, others in their places, and everybody is back."""
        for worker in workers:
            self.cluster.kill(worker)
            await self.cluster.ended(worker)
        for worker in workers:
            self.cluster.start(worker)
        for worker in workers:
            await self.cluster.ready(worker)
        for seat in self.people.values():
            await seat.sees(
                lambda v: "reconnecting" not in {m["here"] for m in v["members"].values()},
                "all are back",
            )

    def bytes_of(self, name: str) -> bytes:
        """All that ever came to somebody, over all connections, resumed ones included."""
        return b"\x00".join(client.everything for client in self[name].connections)

    def assert_nothing_of_care(self, names: Iterable[str]) -> None:
        for name in names:
            raw = self.bytes_of(name)
            assert [word for word in OURS if word in raw] == [], name

    async def told(self) -> str:
        """Everything that the operator, or whoever reads metrics, can see of it."""
        cluster, made = self.cluster, []
        for door in cluster.doors:
            made.append((await door.metrics()).text)
            made.append((await door.http("GET", f"/api/rooms/{self.room}")).text)
        made.append((await cluster.http("GET", f"/api/audit/{self.room}")).text)
        return "\n".join(made)

    async def trail(self) -> list[tuple[str, str, str | None, str]]:
        answer = await self.cluster.http("GET", f"/api/audit/{self.room}")
        return [(e["seat"], e["action"], e["target"], e["result"]) for e in answer.json()["audit"]]


@asynccontextmanager
async def house(cluster: Cluster, **body: Any) -> AsyncIterator[House]:
    made = House(cluster, await opened(cluster.doors[0], cluster, agreement="Be kind.", **body))
    try:
        yield made
    finally:
        for seat in made.people.values():
            await seat.go()


_READ = {
    "string": ("GET",),
    "hash": ("HGETALL",),
    "list": ("LRANGE", 0, -1),
    "set": ("SMEMBERS",),
    "zset": ("ZRANGE", 0, -1, "WITHSCORES"),
    "stream": ("XRANGE", "-", "+"),
}


def held(cluster: Cluster) -> dict[str, bytes]:
    """Every key of Redis with all that is in it, keys included."""
    redis = cluster.redis
    assert isinstance(redis, Redis)
    found = {}
    for key in redis.admin("KEYS", "*").split("\n"):
        if not key:
            continue
        kind = redis.admin("TYPE", key).removeprefix("+")
        if kind == "none":
            continue
        words = _READ[kind]
        found[key] = f"{key}\n{redis.admin(words[0], key, *words[1:])}".encode()
    return found


def keys_with(cluster: Cluster, word: str) -> list[str]:
    return [key for key, content in held(cluster).items() if word.encode() in content]
