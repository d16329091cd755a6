"""People who come back by themselves, written from the published surface alone.

A `Seat` holds one seat over as many connections as it takes: it closes when it is told to
`reconnect`, resumes with what it has seen, and says again, by the same id, what has no answer. What
it got is kept as it came, connection after connection.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import secrets
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from websockets.exceptions import InvalidHandshake

from tests.blackbox.rawclient import AGAIN, WAIT, Client, Gone, Map, Pace
from tests.cluster.cluster import Cluster
from tests.programs import Door

#: Codes from here on mean that coming back leads nowhere.
FINAL = 4400
GREETINGS = 20


class Seat:
    """One person: `ok` and `ask` send commands whatever happens to the connection meanwhile."""

    def __init__(self, door: Door, name: str) -> None:
        self.door = door
        self.name = name
        self.connections: list[Client] = []
        self.away: list[float] = []
        """Seconds from the last frame on each connection to the welcome on the next."""
        self.acked: dict[str, tuple[str, int]] = {}
        """What was said and acknowledged: body to conversation and number."""
        self.final: int | None = None
        self._ids = itertools.count(1)
        self._pace = Pace()
        self._at_home = asyncio.Event()
        self._living: asyncio.Task[None] | None = None
        self._leaving = False

    # -- coming and going ------------------------------------------------------------------------

    async def enter(self, token: str) -> None:
        """All the way inside by a token, and from then on by resuming."""
        client = await self._greeted(token)
        version = client.view["agreement"]["version"]
        await client.ok("agreement.accept", {"version": version})
        await client.until(lambda: client.phase == "inside", "entry")
        self._at_home.set()
        self._living = asyncio.create_task(self._live())

    async def _greeted(self, token: str) -> Client:
        """Greets, and again as every client does where it is told to come back."""
        for _ in range(GREETINGS):
            client = await self._dial()
            try:
                await client.hello(token, self.name)
            except Gone as gone:
                if gone.code is None or gone.code >= FINAL:
                    raise
                await asyncio.sleep(0.5)
            else:
                return client
        raise AssertionError(f"{GREETINGS} greetings were sent away")

    async def go(self) -> None:
        """Cuts the line for good; the seat stays."""
        self._leaving = True
        if self._living is not None:
            self._living.cancel()
        for client in self.connections:
            client.drop()
        await asyncio.gather(*(client.closed() for client in self.connections))

    async def _dial(self) -> Client:
        client = await self.door.connect(self.name)
        client.ids, client.pace = self._ids, self._pace
        self.connections.append(client)
        return client

    async def _live(self) -> None:
        while not self._ended():
            asked = await self._until_gone(self.client)
            self._at_home.clear()
            if not asked and ((self.client.code or 0) >= FINAL or self.client.code == 1000):
                self.final = self.client.code
                self._at_home.set()
                return
            gone = self.client.frames[-1].at if self.client.frames else time.time()
            pause = 0.05
            while not (back := await self._come_back()) and not self._ended():
                await asyncio.sleep(random.uniform(0, pause))
                pause = min(1.0, pause * 2)
            if back:
                self.away.append(time.time() - gone)
            self._at_home.set()

    def _ended(self) -> bool:
        return self.final is not None

    async def _until_gone(self, client: Client) -> bool:
        """Waits for the end of a connection; whether the end was its own, because it was asked."""

        def told() -> Map | bool:
            wish = next((f.body for f in client.frames if f.body["t"] == "reconnect"), None)
            return wish or client.over

        found: Map | bool = False
        while not found:
            with suppress(AssertionError):  # nothing came for as long as the client waits
                found = await client.until(told, "a wish to go")
        if not isinstance(found, dict):
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(found["after_ms"] / 1000 * random.random()):
                await client.closed()
                return False
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await client.close()
        return True

    async def _come_back(self) -> bool:
        """One attempt; sets `final` when there is no use in another."""
        old = self.connections[-1]
        last = next(each for each in reversed(self.connections) if each.resume_value)
        seen: dict[str, bytes] = {}
        for each in self.connections:
            seen |= each.seen
        try:
            client = await self._dial()
            await client.resume(last.resume_value, seen)
        except Gone as gone:
            if (gone.code or 0) >= FINAL:
                self.final = gone.code
            return False
        except (OSError, InvalidHandshake, EOFError, TimeoutError, AssertionError):
            if self.connections[-1] is not old:
                self.connections[-1].drop()
            return False
        return True

    # -- doing -----------------------------------------------------------------------------------

    @property
    def client(self) -> Client:
        """The latest connection."""
        return self.connections[-1]

    @property
    def me(self) -> str:
        return next(each.me for each in reversed(self.connections) if each.me)

    @property
    def view(self) -> Map:
        return self.client.view

    async def ask(self, t: str, fields: Mapping[str, Any] | None = None, /) -> Map:
        """The outcome of one command, over as many connections as it takes."""
        message: Map = {"t": t, "id": next(self._ids), **(fields or {})}
        async with asyncio.timeout(2 * WAIT):
            while True:
                await self._at_home.wait()
                if self.final is not None:
                    raise Gone(self.final)
                try:
                    answer = await self.client.ask(message)
                except (Gone, AssertionError):
                    await asyncio.sleep(0.05)
                    continue
                if answer.get("code") not in AGAIN:
                    return answer
                await asyncio.sleep(0.25)

    async def ok(self, t: str, fields: Mapping[str, Any] | None = None, /) -> Map:
        answer = await self.ask(t, fields)
        assert answer["t"] == "ok", f"{self.name}: {t}: {answer}"
        return answer

    async def say(self, body: str, to: str = "circle") -> None:
        answer = await self.ok("chat.say", {"to": to, "body": body})
        self.acked[body] = (answer["to"], answer["n"])

    async def sees(self, test: Any, what: str) -> None:
        """Waits until the view passes, over whatever connections."""
        async with asyncio.timeout(2 * WAIT):
            while not (self.view and test(self.view)):
                await asyncio.sleep(0.02)

    # -- what was got ----------------------------------------------------------------------------

    def heard(self, to: str = "circle") -> list[tuple[int, str]]:
        """Number and body of everything in one conversation, in order of arrival."""
        chats = [chat for client in self.connections for chat in client.chats]
        return [(chat["n"], chat["body"]) for chat in chats if chat["to"] == to]

    def gaps(self) -> list[Map]:
        return [f.body for c in self.connections for f in c.frames if f.body["t"] == "gap"]

    def seats(self) -> set[tuple[str, str]]:
        """Every id and role that a welcome ever gave."""
        frames = [f.body for c in self.connections for f in c.frames]
        return {(f["me"], f["role"]) for f in frames if f["t"] == "welcome"}


class Circle:
    """A facilitator and members in one room, who talk until they are told to stop."""

    def __init__(self, cluster: Cluster, made: Map) -> None:
        self.cluster = cluster
        self.made = made
        self.seats: list[Seat] = []
        self.room: str = made["room"]
        self._talking: list[asyncio.Task[None]] = []
        self._quiet = asyncio.Event()

    @property
    def host(self) -> Seat:
        return self.seats[0]

    @property
    def members(self) -> list[Seat]:
        return self.seats[1:]

    async def join(self, count: int, doors: Iterable[Door] | None = None) -> None:
        """A facilitator, if there is none yet, and members, to make `count` people.

        Each through the next of `doors`, or all through HAProxy.
        """
        at = itertools.cycle(doors or [self.cluster])
        while len(self.seats) < count:
            seat = Seat(next(at), f"Canary{secrets.token_hex(4)}")
            self.cluster.canaries.add(seat.name)
            role = "member" if self.seats else "facilitator"
            await seat.enter(self.made["tokens"][role])
            self.seats.append(seat)
        for seat in self.seats:
            await seat.sees(lambda v: len(v["members"]) == count, "everyone")

    def talk(self, each: float = 0.4) -> None:
        """Everyone says something now and then, and something new each time."""

        async def go_on(seat: Seat) -> None:
            while not self._quiet.is_set():
                body = f"canary-{secrets.token_hex(8)}"
                self.cluster.canaries.add(body)
                await seat.say(body)
                with suppress(TimeoutError):
                    async with asyncio.timeout(each * random.uniform(0.5, 1.5)):
                        await self._quiet.wait()

        self._quiet.clear()
        self._talking = [asyncio.create_task(go_on(seat)) for seat in self.seats]

    async def hush(self) -> None:
        """Ends the talk when everything begun has its answer, and everybody has heard it all."""
        self._quiet.set()
        await asyncio.gather(*self._talking)
        last = "canary-the-last-word"
        await self.host.say(last)
        for seat in self.seats:
            async with asyncio.timeout(2 * WAIT):
                while last not in [body for _, body in seat.heard()]:
                    await asyncio.sleep(0.02)

    def assert_whole(self) -> None:
        """Nothing lost, nothing doubled, one order, and everybody is who they were."""
        acked: dict[str, int] = {}
        for seat in self.seats:
            acked |= {body: n for body, (_, n) in seat.acked.items()}
        expected = sorted((n, body) for body, n in acked.items())
        assert [n for n, _ in expected] == list(range(1, len(expected) + 1))
        for seat in self.seats:
            heard = seat.heard()
            assert heard == expected, f"{seat.name}: {_difference(heard, expected)}"
            assert seat.gaps() == []
            assert len(seat.seats()) == 1, seat.seats()

    def tell(self, what: str) -> None:
        """Prints how long people were away."""
        away = sorted(t for seat in self.seats for t in seat.away)
        if away:
            p95 = away[min(len(away) - 1, int(0.95 * len(away)))]
            print(
                f"\n{what}: {len(away)} returns, p50 {away[len(away) // 2]:.2f} s, "
                f"p95 {p95:.2f} s, most {away[-1]:.2f} s; "
                f"{sum(len(seat.acked) for seat in self.seats)} said"
            )

    async def leave(self) -> None:
        for task in self._talking:
            task.cancel()
        await asyncio.gather(*(seat.go() for seat in self.seats))


def _difference(heard: list[tuple[int, str]], expected: list[tuple[int, str]]) -> str:
    lost = [n for n, body in expected if (n, body) not in heard]
    again = sorted({n for n, _ in heard if [m for m, _ in heard].count(n) > 1})
    strange = [n for n, body in heard if (n, body) not in expected]
    return f"lost {lost}, doubled {again}, strange {strange}, of {len(expected)}"
