"""A Redis that answers and takes no writes, or stops, in the middle of a timed turn: members are
told in time, nothing is acknowledged that did not happen, and the clock is given back (TI4 to TI7).

What the operator is told in the meantime is checked as strictly.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.blackbox.rawclient import Frame, Gone, Map
from tests.cluster.cluster import Cluster, opened
from tests.cluster.population import Circle
from tests.programs import Door
from tests.refusing import WAYS, Way
from tests.servers import Server as Redis

TOLD = 2.5
"""Seconds from the first refused write to the notice, as promised."""
OFF = 0.5
"""By so much a turn's end may differ from what is fair."""
SLOW = 0.5
"""What this machine may add to either."""
LASTS = 4.0


def _still(server: Redis) -> None:
    server.signal(signal.SIGSTOP)


def _on(server: Redis) -> None:
    server.signal(signal.SIGCONT)


STOPPED = Way(_still, _on, "unreachable")
TRIED = {
    **{name: WAYS[name] for name in ("full", "few_replicas", "replica", "disk", "xadd", "keys")},
    "stopped": STOPPED,
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One for all ways: each leaves it as well as before."""
    folder: Path = tmp_path_factory.mktemp("refused")
    with Cluster(folder, workers=2) as made:
        yield made
        assert isinstance(made.redis, Redis)
        made.redis.signal(signal.SIGCONT)
    made.assert_discreet()


@pytest.mark.parametrize("name", TRIED)
async def test_TI4_TI5_TI6_refused_writes_freeze_a_turn_and_give_it_back(
    cluster: Cluster, name: str
) -> None:
    way = TRIED[name]
    assert isinstance(cluster.redis, Redis)
    async with asyncio.timeout(30):
        while await cluster.status("/readyz") != httpx.codes.OK:
            await asyncio.sleep(0.1)  # HAProxy has not seen yet that they are well again
    one = Circle(cluster, await opened(cluster, cluster))
    await one.join(4, cluster.doors)
    holder = one.members[0]
    await one.host.ok("floor.stick", {"to": holder.me, "seconds": 600})
    for seat in one.seats:
        await seat.sees(lambda v: v["floor"]["holder"] == holder.me, "the turn")
    floor = dict(one.host.view["floor"])
    talker = Talker(one)
    asked = Asked(cluster)
    await asked.prepare()
    await asyncio.sleep(0.3)

    began = time.time()
    await asyncio.to_thread(way.refuse, cluster.redis)
    refusing = time.time()
    calls = asyncio.create_task(asked.everything())
    for seat in one.seats:
        await seat.sees(lambda v: v.get("notice") == "frozen", "the notice")
    told = max(_first(seat.client.frames, "freeze", began) for seat in one.seats) - began
    reasons = [await _until_unready(door) for door in cluster.doors]
    await calls
    await asyncio.sleep(max(0.0, began + LASTS - time.time()))
    taking = time.time()
    await asyncio.to_thread(way.take, cluster.redis)
    ended = time.time()
    for number in range(2):
        await cluster.ready(number)
    for seat in one.seats:
        await seat.sees(lambda v: v.get("notice") is None, "well again")
    print(f"\n{name}: told after {told:.2f} s")
    assert told <= TOLD + SLOW
    assert reasons == [[f"log_{way.reason}"]] * 2

    # The same holder, the same turn, with all the time that there was left.
    await one.host.sees(lambda v: not v["floor"]["paused"], "the turn goes on")
    after = one.host.view["floor"]
    assert (after["holder"], after["turn"]) == (holder.me, floor["turn"])
    given = after["ends_at"] - floor["ends_at"]
    print(f"{name}: away {ended - began:.2f} s, given back {given:.2f} s")
    assert taking - refusing - OFF <= given <= ended - began + OFF + SLOW

    # Nothing was taken in between, and what was said again by the same id is there once.
    wrongly = [n for n, at, until in talker.acknowledged if refusing < at and until < taking]
    assert wrongly == []
    await talker.hush()
    for seat in one.seats:
        assert seat.final is None
        assert len(seat.connections) == 1, "nobody had to come back"
    await asked.check(name != "stopped")
    await one.leave()


def _first(frames: list[Frame], why: str, since: float) -> float:
    return next(float(f.at) for f in frames if f.at > since and f.body.get("why") == why)


async def _until_unready(door: Door) -> list[str]:
    async with asyncio.timeout(10):
        while True:
            answer = await door.http("GET", "/readyz", key=None)
            if answer.status_code != httpx.codes.OK:
                reasons: list[str] = answer.json()["reasons"]
                return reasons
            await asyncio.sleep(0.1)


class Talker:
    """Each member says something all the time, by one id until it is taken."""

    def __init__(self, one: Circle) -> None:
        self.one = one
        self.acknowledged: list[tuple[int, float, float]] = []
        """Number in the circle, when it was sent and when it was answered."""
        self._hush = False
        self._ids = itertools.count(10_000)
        self._tasks = [asyncio.create_task(self._go_on(seat.client)) for seat in one.seats]

    async def _go_on(self, client: Any) -> None:
        while not self._hush:
            number = next(self._ids)
            message: Map = {"t": "chat.say", "id": number, "to": "circle", "body": f"x {number}"}
            while True:
                sent = time.time()
                answer = await client.ask(message)
                if answer["t"] == "ok":
                    self.acknowledged.append((answer["n"], sent, time.time()))
                    break
                assert answer["code"] == "frozen", answer
                await asyncio.sleep(0.1)
            await asyncio.sleep(0.1)

    async def hush(self) -> None:
        self._hush = True
        await asyncio.gather(*self._tasks)
        count = len(self.acknowledged)
        assert sorted(n for n, _, _ in self.acknowledged) == list(range(1, count + 1))
        for seat in self.one.seats:
            await seat.sees(lambda _, s=seat: len(s.heard()) == count, "everything")
            assert [n for n, _ in seat.heard()] == list(range(1, count + 1))


class Asked:
    """What an operator asks while nothing can be committed, and what holds afterwards: each kind of
    call of a room of its own."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.door = cluster, cluster.doors[0]
        self.rooms: dict[str, Map] = {}
        self.kept: Map = {}
        self.answers: dict[str, list[httpx.Response]] = {}
        self._before: dict[str, list[Map]] = {}

    async def prepare(self) -> None:
        for name in ("invite", "revoke", "end", "drop"):
            self.rooms[name] = await opened(self.cluster, self.cluster)
            self._before[name] = await self._trail(name)
        kept = await self._call("POST", "revoke", "/invites", {"role": "member"})
        self.kept = kept.json()
        self._before["revoke"] = await self._trail("revoke")

    async def _call(self, method: str, name: str, rest: str = "", body: object = None) -> Any:
        return await self.door.http(method, f"{self._path(name)}{rest}", body)

    def _path(self, name: str) -> str:
        return f"/api/rooms/{self.rooms[name]['room']}"

    async def _trail(self, name: str) -> list[Map]:
        answer = await self.door.http("GET", f"/api/audit/{self.rooms[name]['room']}")
        found: list[Map] = answer.json().get("audit", [])
        return found

    async def everything(self) -> None:
        """From the very first moment on, at both workers."""
        revoked = f"{self._path('revoke')}/invites/{self.kept['invite']}"
        calls: dict[str, tuple[str, str, object]] = {
            "create": ("POST", "/api/rooms", {}),
            "invite": ("POST", f"{self._path('invite')}/invites", {"role": "member"}),
            "revoke": ("DELETE", revoked, None),
            "end": ("DELETE", self._path("end"), None),
            "drop": ("DELETE", f"/api/audit/{self.rooms['drop']['room']}", None),
        }
        for _ in range(2):
            for door in self.cluster.doors:
                names = list(calls)
                found = await asyncio.gather(*(door.http(*calls[name]) for name in names))
                for name, answer in zip(names, found, strict=True):
                    self.answers.setdefault(name, []).append(answer)

    async def check(self, surely: bool) -> None:
        """Whatever was answered is so. surely: what was answered 503 has not happened, in no part;
        else, where an answer may have been lost, it has happened or not."""
        unavailable = [
            r for all_of in self.answers.values() for r in all_of if r.status_code == 503
        ]
        assert len(unavailable) > len(self.answers), "Redis took what it was to refuse"
        for answer in unavailable:
            assert answer.json()["error"]["code"] == "unavailable"
            assert int(answer.headers["retry-after"]) > 0
        for name, answers in self.answers.items():
            done = [answer for answer in answers if answer.is_success]
            gone = [answer for answer in answers if answer.status_code == 404]
            assert len(done) + len(gone) + sum(r in unavailable for r in answers) == len(answers)
            # What is gone has been taken away by one of these calls, and that was told or unsure.
            assert not gone or done or not surely, f"{name}: {[r.status_code for r in answers]}"
            await self._holds(name, done, surely)

    async def _holds(self, name: str, done: list[httpx.Response], surely: bool) -> None:
        if name == "create":
            for answer in done:
                made = answer.json()
                shown = await self.door.http("GET", f"/api/rooms/{made['room']}")
                assert shown.status_code == httpx.codes.OK
            return
        trail = await self._trail(name)
        actions = [each["action"] for each in trail if each["result"] == "ok"]
        if name == "end":
            status = (await self._call("GET", name)).status_code
            assert (status == 404) == ("room.end" in actions), (status, actions)
            assert status == 404 if done else status == 200 or not surely
        elif name == "drop":
            assert trail == [] if done else trail == self._before[name] or not surely
        elif name == "invite":
            for answer in done:
                assert await self._admits(answer.json()["token"])
            added = actions.count("invite.add")
            assert added == len(done) if surely else added >= len(done)
        else:
            admits = await self._admits(self.kept["token"])
            assert admits == ("invite.revoke" not in actions)
            assert not admits if done else admits or not surely

    async def _admits(self, token: str) -> bool:
        client = await self.door.connect("Kept")
        try:
            await client.hello(token, "Kept")
        except Gone as gone:
            assert gone.code == 4404
            return False
        finally:
            client.drop()
            await client.closed()
        return True
