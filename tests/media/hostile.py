"""People who send all the time, whatever they are told, and what of it reached whom.

Every packet says who sent it and when, so that what a listener got can be held against what the
room's state allowed at that moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sitwith_client.voice.peer import FRAME, Peer
from tests.blackbox.house import Circle, Server, circle
from tests.blackbox.rawclient import WAIT, Client, Map

EVERY = 0.01
ROUNDS = 6
"""Packets of everybody in which what must not be heard would have been."""
SLOTS = 7

Route = tuple[str, str]
"""Who is heard by whom."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One packet at a listener: whose, said when, come when (`time.time()`)."""

    speaker: str
    said: float
    at: float


@dataclass
class Loud:
    """Somebody on a socket of their own who sends on every connection they ever had.

    host: the address to send from.
    """

    name: str
    client: Client
    host: str | None = None
    heard: list[Heard] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    """All RTP and RTCP that came, opened."""

    @property
    def id(self) -> str:
        return self.client.me

    async def offer(self, extra: str = "") -> Map:
        """Offers a new connection and uses it if it is answered; the answer.

        extra: lines for each section of the offer.
        """
        peer = Peer(audio=SLOTS, on_rtp=self._on_rtp, on_rtcp=self.raw.append, host=self.host)
        text = peer.offer().replace("a=setup:actpass\r\n", f"a=setup:actpass\r\n{extra}")
        answer = await self.client.command("media.offer", {"sdp": text})
        if answer["t"] == "ok":
            self.answers.append(answer["sdp"])
            await peer.connect(answer["sdp"], WAIT)
            self.peers.append(peer)
        return answer

    def speak(self) -> None:
        payload = b"\x78" + f"{self.name}|{time.time()}|".encode()
        for peer in self.peers:
            with contextlib.suppress(Exception):
                peer.send("audio", payload, FRAME, level=10)

    def _on_rtp(self, mid: str, packet: bytes) -> None:
        self.raw.append(packet)
        start = 12 + 4 * (packet[0] & 15)
        if packet[0] & 16:
            start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4])
        speaker, said, _ = packet[start + 1 :].split(b"|")
        self.heard.append(Heard(speaker.decode(), float(said), time.time()))

    def voices(self, after: float) -> set[str]:
        """Who was heard saying something after that moment."""
        return {each.speaker for each in self.heard if each.said > after}


def allowed(view: Map, names: dict[str, str]) -> set[Route]:
    """Who may be heard by whom, read from what a facilitator sees; `names` by member id.

    Written from ROOM.md, sections 5, 6 and 12, not from the server's own routes.
    """
    members, floor = view["members"], view["floor"]
    pairs = view["pairs"] or {"groups": {}, "visitors": {}}
    waits = view["settings"]["facilitators_wait"]

    def place(member: str) -> str | None:
        for groups in (pairs["groups"], pairs["visitors"]):
            for group, people in groups.items():
                if member in people:
                    return str(group)
        return None

    def may_speak(member: str) -> bool:
        entry = members[member]
        if "audio" in entry["muted"]:
            return False
        if place(member) is not None or floor["mode"] == "open" or floor["holder"] == member:
            return True
        return entry["role"] == "facilitator" and not waits

    here = [each for each, entry in members.items() if entry["here"] != "reconnecting"]
    return {
        (names[speaker], names[listener])
        for speaker in here
        for listener in here
        if speaker != listener and place(speaker) == place(listener) and may_speak(speaker)
        if speaker in names and listener in names
    }


class Crowd:
    """The people of one room, all of them loud; `f` leads."""

    def __init__(self, c: Circle) -> None:
        self.c = c
        self.people: dict[str, Loud] = {}
        self._task = asyncio.create_task(self._talk())

    def __getitem__(self, name: str) -> Loud:
        return self.people[name]

    @property
    def f(self) -> Client:
        return self.c.f

    @property
    def names(self) -> dict[str, str]:
        """Of who is in the room now, by member id."""
        present = self.f.view["members"]
        return {each.id: each.name for each in self.people.values() if each.id in present}

    def ids(self, names: Iterable[str]) -> list[str]:
        return [self.people[name].id for name in names]

    def add(self, client: Client, host: str | None = None) -> Loud:
        made = self.people[client.label] = Loud(client.label, client, host)
        return made

    async def join(self, client: Client) -> Loud:
        """With a connection of their own, and loud from now on."""
        made = self.add(client)
        answer = await made.offer()
        assert answer["t"] == "ok", answer
        return made

    async def _talk(self) -> None:
        while True:
            for person in list(self.people.values()):
                person.speak()
            await asyncio.sleep(EVERY)

    async def rounds(self, count: int = ROUNDS) -> None:
        """Everybody has sent so many packets, and what came of them is here."""
        for _ in range(count):
            await asyncio.sleep(EVERY)
        await asyncio.sleep(2 * EVERY)

    async def ok(self, who: Client, t: str, fields: Map | None = None) -> float:
        """The moment at which the `ok` came."""
        answer = await who.ok(t, fields)
        return self.moment(who, answer)

    @staticmethod
    def moment(who: Client, answer: Map) -> float:
        return next(each.at for each in who.answers[answer["id"]] if each.body is answer)

    async def exactly(self, routes: set[Route], after: float) -> None:
        """What is said after that moment takes these ways, all of them, and no other."""
        await self.until(
            lambda: routes <= self.taken(after),
            lambda: f"{sorted(routes - self.taken(after))}",
        )
        await self.rounds()
        wrong = self.taken(after) - routes
        assert not wrong, f"heard without a route: {sorted(wrong)}"

    async def until(self, test: Callable[[], bool], what: str | Callable[[], str]) -> None:
        """Waits until it is so; fails by name when it can't come true."""
        ends = time.monotonic() + WAIT
        while not test():
            missing = what if isinstance(what, str) else what()
            assert time.monotonic() < ends, f"never heard: {missing}"
            await asyncio.sleep(EVERY)

    def taken(self, after: float) -> set[Route]:
        return {
            (speaker, name)
            for name, person in self.people.items()
            for speaker in person.voices(after)
        }

    def reads(self) -> set[Route]:
        """What the facilitator's view allows now."""
        return allowed(self.f.view, self.names)

    async def close(self) -> None:
        self._task.cancel()
        for person in self.people.values():
            for peer in person.peers:
                with contextlib.suppress(Exception):
                    await peer.close()


@asynccontextmanager
async def crowd(server: Server, *names: str, **body: object) -> AsyncIterator[Crowd]:
    """A room with `Frida` who leads it and these members, everybody connected and loud."""
    async with circle(server, names, **body) as c:  # type: ignore[arg-type]
        made = Crowd(c)
        try:
            for client in c.all:
                await made.join(client)
            yield made
        finally:
            await made.close()
