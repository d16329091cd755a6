"""A room in which everything has happened, and every place where something of it may be left."""

from __future__ import annotations

import asyncio
import io
import random
import secrets
import time
from contextlib import suppress

import httpx
import redis
from PIL import Image

from sitwith_protocol.linking import blind_all
from tests.blackbox.rawclient import Client, Gone, Map
from tests.cluster.cluster import Cluster, opened
from tests.cluster.population import Circle, Seat
from tests.programs import Door
from tests.servers import PASSWORD

FORGET_SECONDS = 10
"""The least that a deployment may have."""
LINGER = 600.0


class Told:
    """One room, and every word, name, tag and byte that its people have left in it."""

    def __init__(self, cluster: Cluster, made: Map) -> None:
        self.cluster = cluster
        self.made = made
        self.room: str = made["room"]
        self.circle = Circle(cluster, made)
        self.marks: dict[str, bytes] = {}
        self.resumes: list[str] = []

    def word(self, what: str) -> str:
        """A text of which nothing may be left; in no log either."""
        text = f"canary-{what}-{secrets.token_hex(6)}"
        self.marks[what] = text.encode()
        self.cluster.canaries.add(text)
        return text

    async def happens(self, doors: list[Door], people: int = 5) -> None:
        """Everything that a room can be told, by people at each of `doors`."""
        circle = self.circle
        await circle.join(people, doors)
        host, ada, ben, cleo = circle.seats[:4]
        for seat in circle.seats:
            self.marks[f"the name of {seat.name}"] = seat.name.encode()
        for number, seat in enumerate(circle.seats):
            await seat.say(self.word(f"circle-{number}"))
        await ada.say(self.word("staff"), "staff")
        await ben.say(self.word("direct"), f"direct:{cleo.me}")
        await host.say(self.word("facilitators"), "facilitators")
        new = self.word("renamed")[:40]
        await cleo.ok("self.rename", {"name": new})
        await ada.ok("care.card", {"location": self.word("card"), "note": self.word("note")})
        await ada.ok("care.flag", {"level": "quiet"})
        await self._tags(host, ben)
        await ben.ok("milestone.share", {"text": self.word("milestone")})
        await host.ok("material.text", {"text": self.word("material"), "title": self.word("title")})
        await self._picture(host)
        await host.ok("mood.ask")
        for seat in circle.seats:
            await seat.ok("mood.answer", {"value": 3})
        await host.ok("mood.close")
        await host.ok("pairs.open", {"groups": [[ada.me, ben.me]]})
        await ada.sees(lambda v: (v["pairs"] or {}).get("mine"), "the pair")
        await ada.say(self.word("pair"), "pair")
        await ben.client.hears(self.marks["pair"].decode())
        await host.ok("floor.stick", {"to": cleo.me, "seconds": 600})

    async def _tags(self, host: Seat, ben: Seat) -> None:
        await host.ok("concerns.offer", {"concerns": [self.word("concern")[:40]]})
        tags = blind_all(ben.view["link_key"], ["canary-own-concern"])
        await ben.ok("topics.set", {"tags": list(tags)})
        for number, tag in enumerate(tags):
            self.marks[f"tag {number}"] = tag

    async def _picture(self, host: Seat) -> None:
        asked = await host.ok("material.upload", {"kind": "picture", "title": self.word("picture")})
        path = f"/r/{self.room}/materials/{asked['material']}"
        async with httpx.AsyncClient(trust_env=False, timeout=25) as http:
            url = f"{host.door.url}{path}"
            how = {"Authorization": f"Bearer {asked['ticket']}"}
            brought = await http.put(url, headers=how, content=_picture())
            assert brought.is_success, brought.text
            ticket = (await host.ok("material.open", {"material": asked["material"]}))["ticket"]
            got = await http.get(url, headers={"Authorization": f"Bearer {ticket}"})
        assert got.is_success, got.text
        self.marks["picture bytes"] = got.content[len(got.content) // 2 :][:64]

    async def closes(self) -> float:
        """Everybody closes the page; the moment."""
        self.resumes = [seat.client.resume_value for seat in self.circle.seats]
        for seat in self.circle.seats:
            self.marks[f"the resume of {seat.name}"] = seat.client.resume_value.encode()
        await self.circle.leave()
        return time.monotonic()

    # -- afterwards ------------------------------------------------------------------------------

    def left(self) -> list[tuple[str, str]]:
        """Where in Redis something is left, and what."""
        return [
            (key, what)
            for key, content in everything(self.cluster).items()
            for what, mark in self.marks.items()
            if mark in content
        ]

    async def assert_gone(self) -> None:
        """Nothing of it is in Redis, in a log, in a metric, or in what an operator is shown."""
        left = self.left()
        assert left == [], left
        said = [(name, text) for name, text in self.cluster.logs()]
        for number, door in enumerate(self.cluster.doors):
            with suppress(httpx.ConnectError):  # a worker that was killed
                said.append((f"worker {number}", (await door.metrics()).content))
                for path in (f"/api/rooms/{self.room}", f"/api/audit/{self.room}"):
                    said.append((path, (await door.http("GET", path)).content))
        found = [(n, what) for n, text in said for what, mark in self.marks.items() if mark in text]
        assert found == [], found

    def assert_mortal(self) -> None:
        """Everything of it goes by itself ten minutes after its end, should all workers die."""
        latest = (self.made["expires_at"] + LINGER - time.time() + 1) * 1000
        with _redis(self.cluster) as client:
            keys = [key for key in client.scan_iter(count=1000) if self.room.encode() in key]
            left = {key: client.pttl(key) for key in keys if b":trail" not in key}
        assert left, "it has keys"
        assert {key: ms for key, ms in left.items() if not 0 < ms <= latest} == {}

    async def assert_opens_empty(self, door: Door) -> None:
        """Its links lead into an empty circle, as it was made; nothing of before comes to anybody;
        who was here is not known any more."""
        for resume in self.resumes:
            client = await door.connect()
            try:
                await client.resume(resume, {})
            except Gone as gone:
                assert gone.code == 4404
            else:
                raise AssertionError("an old resume leads somewhere")
        for role in ("member", "facilitator"):
            client = await door.connect("Newcomer")
            await client.hello(self.made["tokens"][role], "Newcomer")
            await client.ok("agreement.accept", {"version": client.view["agreement"]["version"]})
            await client.until(lambda c=client: c.phase == "inside", "entry")  # type: ignore[misc]
            _assert_fresh(client)
            if role == "facilitator":
                # A number of the circle begins again.
                answer = await client.ok("chat.say", {"to": "circle", "body": "x"})
                assert answer["n"] == 1
            everything = client.everything
            assert [what for what, mark in self.marks.items() if mark in everything] == []
            client.drop()
            await client.closed()


def _assert_fresh(client: Client) -> None:
    view = client.view
    assert client.me in view["members"]
    assert {m["name"].split(" (")[0].split(" 2")[0] for m in view["members"].values()} == {
        "Newcomer"
    }
    assert view["pairs"] is None
    assert view["mood"] is None
    assert view["floor"]["holder"] is None
    assert view["locked"] is False
    assert view["materials"] == []
    assert view["concerns"] == []
    assert client.chats == []


def _picture() -> bytes:
    """Like no other: its bytes are looked for."""
    made = io.BytesIO()
    Image.frombytes("RGB", (60, 40), random.randbytes(60 * 40 * 3)).save(made, "PNG")
    return made.getvalue()


def everything(cluster: Cluster) -> dict[str, bytes]:
    """Every key of Redis with all that is in it: read by its type, and as Redis itself would dump
    it, where entries are that can't be read any more."""
    read = {
        b"string": lambda c, k: c.get(k),
        b"hash": lambda c, k: c.hgetall(k),
        b"stream": lambda c, k: c.xrange(k),
        b"set": lambda c, k: c.smembers(k),
        b"list": lambda c, k: c.lrange(k, 0, -1),
        b"zset": lambda c, k: c.zrange(k, 0, -1, withscores=True),
    }
    found: dict[str, bytes] = {}
    with _redis(cluster) as client:
        client.config_set("rdbcompression", "no")
        for key in client.scan_iter(count=1000):
            kind = client.type(key)
            if kind == b"none":
                continue  # it has gone meanwhile
            parts = [key, _plain(read[kind](client, key)), client.dump(key) or b""]
            found[key.decode(errors="replace")] = b"\n".join(parts)
    return found


def _redis(cluster: Cluster) -> redis.Redis:
    port = cluster.redis.port
    return redis.Redis(port=port, username="admin", password=PASSWORD, protocol=2)


def _plain(value: object) -> bytes:
    """All bytes in it, as they are."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        return b"\n".join(_plain(each) for pair in value.items() for each in pair)
    if isinstance(value, list | tuple | set):
        return b"\n".join(_plain(each) for each in value)
    return str(value).encode()


async def told(cluster: Cluster, **body: object) -> Told:
    """A room in which nothing has happened so far."""
    settings = {"direct": True, "cards": True}
    made = await opened(cluster.doors[0], cluster, settings=settings, **body)
    return Told(cluster, made)


async def after(began: float, seconds: float) -> None:
    """Sleeps until so long after `began`."""
    await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
