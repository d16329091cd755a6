"""Health, and what is done for each request whatever it asks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sitwith_server.config import Settings
from sitwith_server.gateway.http.forms import DEFAULT_AGREEMENT
from sitwith_server.gateway.http.middleware import AnswerBroken, site
from sitwith_server.gateway.server import MetricsPort
from sitwith_server.gateway.telemetry.metrics import Metrics
from sitwith_server.log.base import Health
from sitwith_server.log.memory.log import MemoryLog
from tests.servers import free_port

from .house import URL, House, error_of, house, scope
from .serving import serving

# ----------------------------------------------------------------------------------- health


async def test_HT9_health_and_readiness_need_no_key() -> None:
    async with house() as h:
        made = await h.room(title="Canary")
        for path in ("/healthz", "/readyz"):
            answer = await h.call("GET", path, key=None)
            assert answer.status_code == 200
            assert "Canary" not in answer.text
            assert made["room"] not in answer.text


METRICS = (
    *("/metrics", "/metrics/", "//metrics", "/./metrics", "/r/../metrics", "/r/%2e%2e/metrics"),
    *("/%6detrics", "/%6Detric%73", "/metrics%2f", "/metrics;x", "/metrics%00", "/METRICS"),
    *("http://127.0.0.1/metrics", "/metrics?x", "/r//metrics", "/%2fmetrics", "/metrics%3f"),
)


@pytest.mark.parametrize("spelled", METRICS)
async def test_HT9_the_public_port_has_no_metrics_by_any_spelling(spelled: str) -> None:
    async with house() as h, serving(h.asgi) as served:
        assert b"404" in await status_line(served.port, spelled)


@pytest.mark.parametrize(
    "spelled",
    [
        "/%72/x",
        "/r/%2E%2e",
        "/r/x%2Fy",
        "/r/%5c",
        "/r/%252f",
        "/r/%",
        "/r/%00",
        "/assets/%41",
        "//r/x",
        "/r//x",
        "/r/x/..",
        "/r/./x",
        "/%77s",
        "/r;/x",
        "*",
    ],
)
async def test_HT21_a_path_has_one_spelling(spelled: str) -> None:
    """What a proxy reads as one path and a worker as another is none."""
    async with house() as h, serving(h.asgi) as served:
        assert b"404" in await status_line(served.port, spelled)
        assert b" 200 " in await status_line(served.port, "/r/x")


async def status_line(port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    assert b"# TYPE" not in answer
    return answer.partition(b"\r\n")[0]


async def test_HT9_metrics_have_an_address_of_their_own() -> None:
    place = f"127.0.0.1:{free_port()}"
    async with house(metrics=place) as h:
        made = await h.room(title="Canary")
        port = MetricsPort(h.settings, h.metrics, lambda: [3, 12])
        await port.start()
        try:
            async with httpx.AsyncClient(trust_env=False, base_url=f"http://{place}") as http:
                answer = await http.get("/metrics")
                assert answer.status_code == 200
                assert answer.headers["content-type"].startswith("text/plain")
                for word in ("Canary", made["room"]):
                    assert word not in answer.text
                assert "sitwith_people 15.0" in answer.text
                assert 'sitwith_rooms_by_people{people="0-4"} 1.0' in answer.text
                assert 'method="POST",route="/api/rooms",status="201"' in answer.text
                for path in ("/", "/api/rooms", "/readyz", "/ws", "/metrics/x"):
                    assert (await http.get(path)).status_code == 404
                assert (await http.post("/metrics")).status_code == 405
        finally:
            await port.stop()


async def test_HT9_unset_there_are_no_metrics() -> None:
    async with house() as h:
        port = MetricsPort(h.settings, h.metrics, lambda: [])
        await port.start()
        await port.stop()
        assert h.settings.metrics is None


@pytest.mark.parametrize("lost", ["index.html", "assets/app-1.js", "assets/app-2.css"])
async def test_HT17_a_server_without_its_whole_page_is_not_ready(tmp_path: Path, lost: str) -> None:
    (tmp_path / "assets").mkdir()
    links = b'<script src="/assets/app-1.js"></script><link href="/assets/app-2.css">'
    (tmp_path / "index.html").write_bytes(b"<!doctype html><head>" + links)
    for name in ("app-1.js", "app-2.css"):
        (tmp_path / "assets" / name).write_bytes(b"-")
    async with house(folder=tmp_path) as h:
        ready = await h.call("GET", "/readyz", key=None)
        assert (ready.status_code, ready.json()["ready"], ready.json()["reasons"]) == (
            200,
            True,
            [],
        )
    (tmp_path / lost).unlink()
    async with house(folder=tmp_path) as h:
        ready = await h.call("GET", "/readyz", key=None)
        assert ready.status_code == 503
        assert (ready.json()["ready"], ready.json()["reasons"]) == (False, ["page_missing"])
        assert ready.json()["error"]["code"] == "not_ready"
        assert "make setup" in ready.json()["error"]["message"]
        # What needs no page goes on.
        assert (await h.call("GET", "/healthz", key=None)).status_code == 200
        h.operator.draining = True
        ready = await h.call("GET", "/readyz", key=None)
        assert ready.json()["reasons"] == ["draining", "page_missing"]


async def test_HT17_a_server_whose_log_is_away_says_so(
    h: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryLog, "health", lambda self: {"one": Health.REFUSING})
    monkeypatch.setattr(MemoryLog, "reasons", lambda self: {"one": "full"})
    ready = await h.call("GET", "/readyz", key=None)
    assert (ready.status_code, ready.json()["reasons"]) == (503, ["log_full"])
    assert "maxmemory" in ready.json()["error"]["message"]


async def test_while_draining_no_room_is_opened_and_the_rest_goes_on(h: House) -> None:
    room = (await h.room())["room"]
    h.operator.draining = True
    answer = await h.call("POST", "/api/rooms", {})
    assert answer.status_code == 503
    assert error_of(answer)["code"] == "unavailable"
    ready = await h.call("GET", "/readyz", key=None)
    assert ready.status_code == 503
    assert (ready.json()["ready"], ready.json()["reasons"]) == (False, ["draining"])
    assert (await h.call("GET", "/healthz", key=None)).status_code == 200
    assert (await h.call("GET", f"/api/rooms/{room}")).status_code == 200
    assert (await h.call("POST", "/api/rooms", {}, key=None)).status_code == 401


# ------------------------------------------------------------------- around each request


async def test_a_fault_is_a_500_that_says_nothing(
    h: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(self: object) -> list[object]:
        raise ValueError("canary")

    monkeypatch.setattr(h.operator.__class__, "rooms", broken)
    answer = await h.call("GET", "/api/rooms")
    assert answer.status_code == 500
    assert error_of(answer)["code"] == "internal"
    assert "canary" not in answer.text
    assert "content-security-policy" in answer.headers
    assert "canary" not in caplog.text


def around(broken: ASGIApp) -> ASGIApp:
    return site([Mount("/", broken)], Settings(), Metrics())


async def test_a_fault_outside_the_addresses_is_a_500_as_well() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("canary")

    asgi = around(broken)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(asgi), base_url=URL) as client:
        answer = await client.get("/")
    assert (answer.status_code, error_of(answer)["code"]) == (500, "internal")
    socket: list[Message] = []

    async def send(message: Message) -> None:
        socket.append(message)

    await asgi({**scope("GET", "/ws"), "type": "websocket"}, _nothing, send)
    assert socket == [{"type": "websocket.close", "code": 1011}]


async def test_a_fault_in_the_middle_of_an_answer_ends_the_connection() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("canary")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(AnswerBroken) as faulted:
        await around(broken)(scope("GET", "/"), _nothing, send)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert str(faulted.value) == ""
    assert faulted.value.__suppress_context__


async def test_a_malformed_host_is_refused(h: House) -> None:
    for hosts in ([b"evil.example/api"], [b"a@b"], [b"a", b"a"]):
        sent: list[Message] = []

        async def send(message: Message, sent: list[Message] = sent) -> None:
            sent.append(message)

        headers = [(b"host", host) for host in hosts]
        await h.asgi(scope("GET", "/healthz", headers), _nothing, send)
        assert sent[0]["status"] == 400
        socket: list[Message] = []

        async def close(message: Message, socket: list[Message] = socket) -> None:
            socket.append(message)

        await h.asgi({**scope("GET", "/ws", headers), "type": "websocket"}, _nothing, close)
        assert socket[0]["type"] == "websocket.close"


async def test_a_foreign_host_moves_nothing(h: House) -> None:
    headers = {"host": "evil.example", "x-forwarded-host": "evil.example", "forwarded": "host=evil"}
    for path in ("/api/rooms/", "/r/a/", "/healthz/"):
        answer = await h.call("GET", path, headers=headers)
        assert answer.status_code == 404
        assert "location" not in answer.headers
    made = await h.call("POST", "/api/rooms", {}, headers=headers)
    assert "evil" not in made.text


async def test_a_refused_upgrade_carries_the_security_headers() -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.http.response.start", "status": 403, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b""})

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    asgi = around(refuse)
    await asgi({**scope("GET", "/ws"), "type": "websocket"}, _nothing, send)
    assert b"content-security-policy" in dict(sent[0]["headers"])


async def test_requests_have_ids_of_their_own(h: House) -> None:
    ids = {(await h.call("GET", "/healthz")).headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5
    given = await h.call("GET", "/healthz", headers={"x-request-id": "canary"})
    assert given.headers.get_list("x-request-id") != ["canary"]


def test_the_default_agreement_says_what_it_must() -> None:
    text = DEFAULT_AGREEMENT.lower()
    for word in ("headphones", "screenshots", "record", "passing", "crisis", "stays here"):
        assert word in text
    assert "danger" in text, "the limits of confidentiality"


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}
