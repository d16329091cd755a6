"""The HTTP side of a worker, in this process: a real operator over a log in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from sitwith_server.config import Settings
from sitwith_server.gateway.http import app
from sitwith_server.gateway.http.middleware import site
from sitwith_server.gateway.http.page import BUILT, Page
from sitwith_server.gateway.telemetry.metrics import Metrics
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.operator import Operator
from sitwith_server.service.rooms.audit import AuditTrail

KEY = "operator-key-of-these-tests"
URL = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class House:
    operator: Operator
    settings: Settings
    metrics: Metrics
    asgi: ASGIApp
    client: httpx.AsyncClient

    async def call(
        self, method: str, path: str, body: object = None, *, key: str | None = KEY, **more: Any
    ) -> httpx.Response:
        """One request; `key` None sends no authorisation."""
        headers = dict(more.pop("headers", {}))
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        if body is not None:
            more["json"] = body
        return await self.client.request(method, path, headers=headers, **more)

    async def room(self, **body: object) -> dict[str, Any]:
        answer = await self.call("POST", "/api/rooms", body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def count(self) -> int:
        return len((await self.call("GET", "/api/rooms")).json()["rooms"])


@asynccontextmanager
async def house(
    *,
    folder: Path = BUILT,
    **settings: Any,
) -> AsyncIterator[House]:
    """A worker's addresses; `folder` is where its page was built."""
    settings.setdefault("operator_key", KEY)
    chosen = Settings(**settings)
    log = MemoryLog()
    host = Host(log, AuditTrail(log, chosen.audit_ttl))
    operator = Operator(host, room_ttl=chosen.room_ttl)
    metrics = Metrics()
    asgi = site(app.routes(operator, chosen, Page(folder)), chosen, metrics)
    transport = httpx.ASGITransport(asgi)
    async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
        yield House(operator, chosen, metrics, asgi, client)
    await host.close()
    await log.close()


def error_of(answer: httpx.Response) -> dict[str, str]:
    """The error of an answer, which has exactly the promised form."""
    body = answer.json()
    assert set(body) == {"error"}
    error: dict[str, str] = body["error"]
    assert {"code", "message"} <= set(error) <= {"code", "message", "path"}
    assert all(type(value) is str and value for value in error.values())
    return error


def scope(method: str, path: str, headers: list[tuple[bytes, bytes]] | None = None) -> Any:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers or [],
        "client": ("203.0.113.9", 1),
        "server": ("127.0.0.1", 8000),
    }
