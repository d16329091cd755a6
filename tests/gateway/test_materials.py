"""Files of materials over HTTP (MT10 to MT12)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from sitwith_server.config import Settings
from sitwith_server.gateway.http.materials import MaterialRoutes
from sitwith_server.gateway.http.middleware import site
from sitwith_server.gateway.telemetry.metrics import Metrics
from sitwith_server.log.base import LogDown
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.materials.kinds import Clean, Unfit
from sitwith_server.materials.sanitizer import Busy, Sanitizer
from sitwith_server.room import commands as c
from sitwith_server.room.materials.values import MaterialKind
from sitwith_server.room.model import Role
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.materials.files import MaterialFiles
from sitwith_server.service.rooms.answers import Ok
from sitwith_server.service.rooms.audit import AuditTrail
from sitwith_server.service.rooms.results import APPLIED, UNAVAILABLE, CommandResult
from sitwith_server.service.rooms.room import HostedRoom
from tests.gateway.house import URL, error_of
from tests.materials import samples
from tests.service.test_cards import Seats, people

PICTURE = samples.picture("PNG")


class Quick(Sanitizer):
    """Looks into files in this process: what the other one does is shown elsewhere."""

    async def sanitize(self, kind: str, data: bytes) -> Clean:
        if data == b"busy":
            raise Busy
        if not data or data[:1] == b"!":
            raise Unfit(data[1:].decode() or "empty")
        return Clean("application/pdf" if kind == "pdf" else "image/png", b"clean" + data, 3, 2, 1)


@dataclass
class World:
    seats: Seats
    host: Host
    log: MemoryLog
    client: httpx.AsyncClient
    shelf: MaterialFiles

    @property
    def fay(self) -> str:
        return self.seats.seats[0]

    @property
    def ada(self) -> str:
        return self.seats.seats[1]

    async def ask(self, command: c.Command) -> dict[str, Any]:
        await self.seats.room.catch_up()
        answer = await self.seats.ask(command)
        assert isinstance(answer, Ok), answer
        return dict(answer.fields)

    async def ticket(self, by: str, name: str = "f1", kind: str = "picture") -> str:
        what = MaterialKind(kind)
        command = c.MaterialUpload(by=by, material=name, what=what, title="Our garden")
        return str((await self.ask(command))["ticket"])

    async def key(self, by: str, name: str = "f1") -> str:
        return str((await self.ask(c.MaterialOpen(by=by, material=name)))["ticket"])

    async def bring(self, ticket: str, data: bytes, name: str = "f1") -> httpx.Response:
        return await self.call("PUT", name, ticket, content=data)

    async def fetch(self, ticket: str, name: str = "f1") -> httpx.Response:
        return await self.call("GET", name, ticket)

    async def call(self, method: str, name: str, ticket: str | None, **more: Any) -> httpx.Response:
        headers = {} if ticket is None else {"authorization": f"Bearer {ticket}"}
        path = f"/r/{self.seats.room.id}/materials/{name}"
        return await self.client.request(method, path, headers=headers, **more)

    async def shown(self, data: bytes = PICTURE) -> None:
        assert (await self.bring(await self.ticket(self.fay), data)).status_code == 201


@pytest.fixture
async def world() -> AsyncIterator[World]:
    log = MemoryLog()
    seats = await people(log)
    host = Host(log, AuditTrail(log, 3_600))
    settings = Settings(picture_bytes=2_000, pdf_bytes=3_000)
    shelf = MaterialFiles(log, host.hosted, lost_after=-1.0)
    materials = MaterialRoutes(host, shelf, settings, Quick())
    asgi = site(materials.routes(), settings, Metrics())
    transport = httpx.ASGITransport(asgi)
    async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
        yield World(seats, host, log, client, shelf)
    await host.close()
    await log.close()


async def nothing_shown(w: World) -> bool:
    await w.seats.room.catch_up()
    held = await w.log.files.names(w.seats.room.id)
    return not w.seats.room.state.materials.shown and not held


async def test_MT10_a_file_is_brought_and_everybody_sees_it(world: World) -> None:
    answer = await world.bring(await world.ticket(world.fay), PICTURE)
    assert (answer.status_code, answer.json()) == (201, {"material": "f1"})
    await world.seats.room.catch_up()
    (material,) = world.seats.room.state.materials.shown
    assert (material.id, material.title, material.by) == ("f1", "Our garden", world.fay)
    assert material.file is not None
    assert (material.file.type, material.file.width) == ("image/png", 3)


@pytest.mark.parametrize("reason", ["svg", "html", "not_a_picture", "damaged", "too_complex"])
async def test_MT10_what_is_not_fit_is_refused_by_name(world: World, reason: str) -> None:
    ticket = await world.ticket(world.fay)
    answer = await world.bring(ticket, f"!{reason}".encode())
    assert (answer.status_code, error_of(answer)["code"]) == (422, reason)
    assert await nothing_shown(world)
    assert (await world.bring(ticket, PICTURE)).status_code == 201, "it was not used"


async def test_MT10_what_is_too_large_is_not_read(world: World) -> None:
    ticket = await world.ticket(world.fay)
    answer = await world.bring(ticket, bytes(2_001))
    assert (answer.status_code, error_of(answer)["code"]) == (413, "too_large")

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield bytes(100)

    answer = await world.call("PUT", "f1", ticket, content=endless())
    assert answer.status_code == 413
    assert await nothing_shown(world)
    paper = await world.bring(await world.ticket(world.fay, kind="pdf"), bytes(2_500))
    assert paper.status_code == 201, "a paper may be larger"


async def test_MT10_a_busy_server_says_so_and_so_does_one_without_its_log(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await world.ticket(world.fay)
    assert (await world.bring(ticket, b"busy")).status_code == 503

    async def down(*_: object) -> bool:
        raise LogDown("away")

    with monkeypatch.context() as patched:
        patched.setattr(world.log.files, "put", down)
        assert (await world.bring(ticket, PICTURE)).status_code == 503
    with monkeypatch.context() as patched:
        patched.setattr(world.log, "heads", down)
        assert (await world.bring(ticket, PICTURE)).status_code == 503
    assert await nothing_shown(world)


async def test_MT10_a_ticket_is_used_once_and_five_are_shown(world: World) -> None:
    ticket = await world.ticket(world.fay)
    other, late = await world.ticket(world.fay, "f2"), await world.ticket(world.fay, "f3")
    twice = await asyncio.gather(*(world.bring(ticket, PICTURE) for _ in range(4)))
    assert sorted(answer.status_code for answer in twice) == [201, 409, 409, 409]
    assert len(await world.log.files.names(world.seats.room.id)) == 1
    for n in range(4):
        words = c.MaterialShow(by=world.fay, material=f"t{n}", what=MaterialKind.TEXT, body="x")
        await world.ask(words)
    full = await world.bring(other, PICTURE, "f2")
    assert (full.status_code, error_of(full)["code"]) == (409, "full")
    await world.ask(c.MaterialHide(by=world.fay, material="f1"))
    assert (await world.bring(ticket, PICTURE)).status_code == 409
    assert (await world.bring(late, PICTURE, "f3")).status_code == 201


async def test_MT11_a_file_is_fetched_and_kept_nowhere(world: World) -> None:
    await world.shown()
    answer = await world.fetch(await world.key(world.ada))
    assert (answer.status_code, answer.content) == (200, b"clean" + PICTURE)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == 'attachment; filename="picture.png"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


async def is_nothing(answer: httpx.Response) -> bool:
    """Whether an answer is the one that all who may have nothing get."""
    error = {"code": "not_found", "message": "There is nothing at this address."}
    return answer.status_code == 404 and answer.json() == {"error": error}


async def test_MT12_without_its_ticket_nothing_is_there(world: World) -> None:
    await world.shown()
    key, ticket = await world.key(world.ada), await world.ticket(world.fay, "f2")
    head, _, tail = key.partition(".")
    path = f"/r/{world.seats.room.id}/materials/f1"
    for bad in (None, "", "x", "a.b", "%C3.%28", ticket, head, f"{head}.", f".{tail}", f"{key}x"):
        assert await is_nothing(await world.call("GET", "f1", bad))
    assert await is_nothing(await world.fetch(key, "f2"))
    assert await is_nothing(await world.fetch(key, "nothing"))
    assert await is_nothing(await world.bring(key, PICTURE))
    assert await is_nothing(await world.client.get(path, params={"ticket": key}))
    assert await is_nothing(
        await world.client.get(
            "/r/nowhere/materials/f1", headers={"authorization": f"Bearer {key}"}
        )
    )
    twice = [("authorization", f"Bearer {key}"), ("authorization", f"Bearer {key}")]
    assert await is_nothing(await world.client.get(path, headers=twice))
    assert (await world.fetch(key)).status_code == 200


async def test_MT12_a_ticket_of_another_room_opens_nothing(world: World) -> None:
    await world.shown()
    elsewhere = await people(world.log)
    there = World(elsewhere, world.host, world.log, world.client, world.shelf)
    await there.shown()
    assert await is_nothing(await world.fetch(await there.key(there.ada)))


async def test_MT12_a_ticket_is_over_after_a_minute(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.shown()
    key = await world.key(world.ada)
    later = await world.log.now() + 61

    async def now(room: str | None = None) -> float:
        return later

    monkeypatch.setattr(world.log, "now", now)
    assert await is_nothing(await world.fetch(key))


@pytest.mark.parametrize("how", ["leave", "remove", "lobby", "guest", "hide", "end"])
async def test_MT12_access_ends_with_the_right_to_it(world: World, how: str) -> None:
    await world.shown()
    key = await world.key(world.ada)
    assert (await world.fetch(key)).status_code == 200
    commands: dict[str, c.Command] = {
        "leave": c.Leave(by=world.ada),
        "remove": c.MemberRemove(by=world.fay, member=world.ada),
        "lobby": c.LobbyReturn(by=world.fay, member=world.ada),
        "guest": c.RoleGive(by=world.fay, member=world.ada, role=Role.GUEST),
        "hide": c.MaterialHide(by=world.fay, material="f1"),
        "end": c.RoomEnd(by=world.fay),
    }
    await world.ask(commands[how])
    assert await is_nothing(await world.fetch(key))
    if how in ("hide", "end"):
        assert not await world.log.files.names(world.seats.room.id)


async def test_MT12_who_leads_no_more_brings_nothing(world: World) -> None:
    ticket = await world.ticket(world.fay)
    give = c.RoleGive(by=world.fay, member=world.ada, role=Role.FACILITATOR)
    await world.ask(give)
    await world.ask(c.RoleGive(by=world.ada, member=world.fay, role=Role.MEMBER))
    assert await is_nothing(await world.bring(ticket, PICTURE))
    assert await nothing_shown(world)


async def test_MT4_what_was_hidden_is_in_no_log(world: World) -> None:
    for kind, body in (
        (MaterialKind.TEXT, "canary"),
        (MaterialKind.LINK, "https://canary.example"),
    ):
        show = c.MaterialShow(
            by=world.fay, material=f"t-{kind}", what=kind, body=body, title="canary"
        )
        await world.ask(show)
    await world.shown()
    assert b"canary" in await world.seats.kept()
    for material in (f"t-{MaterialKind.TEXT}", f"t-{MaterialKind.LINK}", "f1"):
        await world.ask(c.MaterialHide(by=world.fay, material=material))
    kept = await world.seats.kept()
    assert b"canary" not in kept and b"Our garden" not in kept


async def test_MT10_where_it_is_not_known_whether_it_was_taken_nothing_is_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    use = await world.host.use(world.seats.room.id)
    assert use is not None
    room = use.room
    ticket = await world.ticket(world.fay)

    async def taken_and_not_heard(
        self: HostedRoom, command: c.Command, why: str, **how: Any
    ) -> CommandResult:
        assert await order(self, command, why, **how) == APPLIED
        return UNAVAILABLE

    order = HostedRoom.execute
    with monkeypatch.context() as patched:
        patched.setattr(HostedRoom, "execute", taken_and_not_heard)
        assert (await world.bring(ticket, PICTURE)).status_code == 503
    await world.shelf.repair()
    assert (await world.fetch(await world.key(world.ada))).status_code == 200

    async def not_taken(
        self: HostedRoom, command: c.Command, why: str, **how: Any
    ) -> CommandResult:
        return UNAVAILABLE

    other = await world.ticket(world.fay, "f2")
    with monkeypatch.context() as patched:
        patched.setattr(HostedRoom, "execute", not_taken)
        assert (await world.bring(other, PICTURE, "f2")).status_code == 503
    assert len(await world.log.files.names(room.id)) == 2
    await world.shelf.repair()
    assert await world.log.files.names(room.id) == room.state.materials.names()
