"""Starts the server as a program and opens rooms in it over its HTTP API."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from tests.programs import KEY, PLAIN, Door, Process, environ
from tests.servers import ROOT, free_port

from .rawclient import Client, Gone, Map

#: Rooms here speak plain text, whatever the default is.
UNSEALED: Map = {"sealed": False}


def _program(module: str | None) -> list[str]:
    script = Path(sys.executable).parent / "sitwith"
    if module is None and script.exists():
        return [str(script)]
    return [sys.executable, "-m", module or "sitwith_server"]


class Server(Door):
    """One `sitwith serve` on a free port of this machine, or on `port`.

    module: what is run in its place. metrics: whether it tells Prometheus of itself. tied: whether
        it dies with the thread that starts it.
    """

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        port: int | None = None,
        module: str | None = None,
        metrics: bool = True,
        tied: bool = True,
    ) -> None:
        host = (settings or {}).get("SITWITH_HOST", "127.0.0.1")
        super().__init__(port or free_port(), host=host)
        self._folder = tempfile.TemporaryDirectory(prefix="sitwith-")
        given = {
            "SITWITH_HOST": host,
            "SITWITH_PORT": str(self.port),
            "SITWITH_OPERATOR_KEY": KEY,
            "SITWITH_PUBLIC_URL": self.url,
            **({"SITWITH_METRICS": f"127.0.0.1:{self.metrics_port}"} if metrics else {}),
            **(settings or {}),
        }
        words = [*_program(module), "serve"]
        log = Path(self._folder.name) / "log"
        self.process = Process(words, log, environ(given, str(ROOT)), tied=tied)
        try:
            self.until_ready(self.process)
        except BaseException:
            self.stop()
            raise

    @property
    def log(self) -> str:
        """All that the program wrote so far."""
        return self.process.text()

    @property
    def memory(self) -> int:
        """Resident bytes of the program and what it started."""
        return sum(_resident(pid) for pid in _family(self.process.pid))

    def signal(self, number: signal.Signals) -> None:
        self.process.signal(number)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """One call of the operator's API; its JSON."""
        headers = {"Authorization": f"Bearer {KEY}"}
        with httpx.Client(base_url=self.url, headers=headers, **PLAIN) as api:
            answer = api.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def open_room(self, **spec: object) -> dict[str, str]:
        """A new room's `room`, `facilitator` link and `member` link."""
        made = self.call("POST", "/api/rooms", spec)
        return {"room": made["room"], **made["links"]}

    async def exit_code(self, within: float) -> int:
        """The exit code, awaited for at most `within` seconds."""
        return await self.process.ended(within)

    def stop(self) -> None:
        self.process.end()
        self._folder.cleanup()


def _family(pid: int) -> list[int]:
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            found += _family(int(child))
    return found


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


class Circle:
    """A room, and everybody whom a test brings into it."""

    def __init__(self, server: Server, made: Map) -> None:
        self.server = server
        self.made = made
        self.room: str = made["room"]
        self.tokens: dict[str, str] = made["tokens"]
        self.sockets: list[Client] = []
        self.host: Client | None = None
        self.members: list[Client] = []

    @property
    def f(self) -> Client:
        """The first facilitator."""
        assert self.host is not None
        return self.host

    @property
    def all(self) -> list[Client]:
        return [self.f, *self.members]

    async def socket(self, label: str = "") -> Client:
        client = await self.server.connect(label)
        self.sockets.append(client)
        return client

    async def invite(self, role: str, **fields: Any) -> Map:
        answer = await self.server.http(
            "POST", f"/api/rooms/{self.room}/invites", {"role": role, **fields}
        )
        assert answer.status_code == httpx.codes.CREATED, answer.text
        found: Map = answer.json()
        return found

    async def arrive(self, name: str, *, role: str = "member", token: str | None = None) -> Client:
        """Hello only: the person reads the agreement."""
        client = await self.socket(name)
        await client.hello(token or self.tokens[role], name)
        return client

    async def accept(self, client: Client) -> None:
        """Accept the agreement; ends in the lobby or inside."""
        assert client.phase == "agreement", client.phase
        version = client.view["agreement"]["version"]
        await client.ok("agreement.accept", {"version": version})
        await client.until(lambda: client.phase != "agreement", "lobby or entry")

    async def join(self, name: str, *, role: str = "member", token: str | None = None) -> Client:
        """All the way inside; where there is a lobby, the first facilitator opens the door."""
        client = await self.arrive(name, role=role, token=token)
        await self.accept(client)
        if client.phase == "lobby":
            await self.admit(client)
        await client.until(lambda: client.phase == "inside", "entry")
        return client

    async def admit(self, client: Client) -> None:
        name = client.label
        await self.f.until(
            lambda: any(p["name"] == name for p in self.f.view["lobby"]), f"{name} in the lobby"
        )
        person = next(p["id"] for p in self.f.view["lobby"] if p["name"] == name)
        await self.f.ok("lobby.admit", {"person": person})
        await client.until(lambda: client.phase == "inside", "entry")

    async def back(
        self, old: Client, *, resume: str | None = None, seen: Mapping[str, bytes] | None = None
    ) -> Client:
        """A new socket for the seat of `old`; takes its place in `members` or as host."""
        client = await self.socket(old.label)
        client.ids, client.pace = old.ids, old.pace
        client.seen = dict(old.seen if seen is None else seen)
        await client.resume(
            old.resume_value if resume is None else resume, old.seen if seen is None else seen
        )
        if old is self.host:
            self.host = client
        self.members = [client if m is old else m for m in self.members]
        return client

    async def everyone_sees(self, test: Any, what: str, who: Iterable[Client] = ()) -> None:
        for client in who or self.all:
            await client.until(lambda c=client: test(c.view), what)  # type: ignore[misc]

    async def settle(self, *also: Client) -> None:
        """Returns when everyone inside has got all that was committed to the room before."""
        own = self.f.view["members"][self.f.me]["muted"]
        verb = "unmute" if "video" in own else "mute"
        await self.f.ok(verb, {"member": self.f.me, "kinds": ["video"]})
        wanted = verb == "mute"
        me = self.f.me
        await self.everyone_sees(
            lambda v: ("video" in v["members"][me]["muted"]) is wanted,
            "the host's own mute",
            [*self.all, *also],
        )

    async def leave_all(self) -> None:
        for client in self.sockets:
            client.drop()
        await asyncio.gather(*(c.closed() for c in self.sockets))


@asynccontextmanager
async def circle(
    server: Server, names: Iterable[str] = (), *, host: str = "Frida", **body: Any
) -> AsyncIterator[Circle]:
    """A room with a facilitator and members inside; gone at the end."""
    settings = {"lobby": body.pop("lobby", False), **UNSEALED, **body.pop("settings", {})}
    body["settings"] = settings
    answer = await server.http("POST", "/api/rooms", body)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    made = Circle(server, answer.json())
    try:
        if host:
            made.host = await made.join(host, role="facilitator")
        for name in names:
            made.members.append(await made.join(name))
        if host:
            count = len(made.all)
            await made.everyone_sees(lambda v: len(v["members"]) == count, "all members")
        yield made
    finally:
        await made.leave_all()
        with suppress(httpx.HTTPError):
            await server.http("DELETE", f"/api/rooms/{made.room}")


async def refused_at_door(server: Server, token: str, name: str = "Nobody") -> int | None:
    """The close code with which a hello by this token ends."""
    client = await server.connect(name)
    try:
        await client.hello(token, name)
    except Gone as gone:
        return gone.code
    finally:
        client.drop()
    raise AssertionError("was let in")
