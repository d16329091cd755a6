"""The shipped haproxy.cfg before workers that are played: what it does when they are not well."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from tests.cluster.cluster import HAPROXY_CFG
from tests.gateway.serving import serving, who
from tests.gateway.test_http_requests import METRICS, status_line
from tests.gateway.test_sockets import plugs
from tests.programs import Door, Process, program
from tests.servers import free_port

WITHIN = 30.0
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: room.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


class Worker:
    """Answers as a worker would, or not at all."""

    def __init__(self) -> None:
        self.port = free_port()
        self.status = 200
        """Of /readyz and of everything else."""
        self.mute = False
        """Whether it takes connections and says nothing."""
        self.heads: list[bytes] = []
        """Of all requests but those of /readyz."""
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """As when its process is killed."""
        if self._server is not None:
            self._server.close()
            for writer in self._writers:
                writer.transport.abort()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if self.mute:
                    await reader.read()
                    break
                probe = head.startswith(b"GET /readyz")
                if not probe:
                    self.heads.append(head)
                if self.status != 200:
                    line = f"HTTP/1.1 {self.status} No\r\nContent-Length: 0\r\n\r\n"
                    writer.write(line.encode())
                elif b"pgrade: websocket" in head:
                    writer.write(SWITCHED)
                    while data := await reader.read(1000):
                        writer.write(data)
                    break
                else:
                    body = str(self.port).encode()
                    length = str(len(body)).encode()
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\n")
                    writer.write(body)
                await writer.drain()
        self._writers.discard(writer)
        writer.close()


class Line:
    """A WebSocket through HAProxy, as far as HAProxy can tell."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, door: Door) -> Line:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(UPGRADE)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        return cls(reader, writer)

    async def echoes(self) -> bool:
        try:
            async with asyncio.timeout(WITHIN):
                self._writer.write(b"anyone?")
                return await self._reader.read(100) == b"anyone?"
        except OSError:
            return False

    async def ended(self) -> None:
        async with asyncio.timeout(WITHIN):
            with suppress(OSError):
                assert await self._reader.read(1) == b""

    def close(self) -> None:
        self._writer.close()


class Proxy(Door):
    """HAProxy with the shipped file before two played workers."""

    def __init__(self, folder: Path, workers: list[Worker]) -> None:
        super().__init__()
        self.workers = workers
        places = {f"SITWITH_WORKER_{n}": f"127.0.0.1:{w.port}" for n, w in enumerate(workers, 1)}
        environ = {**os.environ, **places, "SITWITH_HTTP": f"127.0.0.1:{self.port}"}
        words = [program("haproxy", "haproxy"), "-W", "-db", "-f", str(HAPROXY_CFG)]
        self.process = Process(words, folder / "haproxy.log", environ)

    async def get(self, path: str = "/", method: str = "GET", **headers: str) -> httpx.Response:
        """A request over a connection of its own."""
        async with httpx.AsyncClient(trust_env=False, timeout=WITHIN) as http:
            return await http.request(method, self.url + path, headers=headers)

    async def says(self, words: str) -> None:
        """Waits for a word in the log."""
        async with asyncio.timeout(WITHIN):
            while words not in self.process.log.read_text():
                await asyncio.sleep(0.02)

    async def up(self) -> None:
        async with asyncio.timeout(WITHIN):
            while await self.status("/") != 200:
                await asyncio.sleep(0.02)


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[Proxy]:
    workers = [Worker(), Worker()]
    for worker in workers:
        await worker.start()
    made = Proxy(tmp_path, workers)
    try:
        await made.up()
        yield made
    finally:
        made.process.end()
        for worker in workers:
            await worker.stop()


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"SITWITH_WORKER_2": "127.0.0.1:8002", "SITWITH_WORKER_3": "127.0.0.1:8003"},
        {f"SITWITH_WORKER_{n}": f"10.0.0.{n}:8000" for n in range(1, 9)},
        {"SITWITH_PROXY_METRICS": "127.0.0.1:8404"},
        {"SITWITH_BALANCERS": "10.0.0.1"},
        {"SITWITH_BALANCERS": "10.0.0.0/8 2001:db8::/64"},
        {"SITWITH_TLS": "127.0.0.1:8443", "SITWITH_CERTIFICATE": "both.pem"},
    ],
)
def test_the_file_is_valid(environ: dict[str, str], tmp_path: Path) -> None:
    if "SITWITH_TLS" in environ:
        key = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        rest = ["-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", "k", "-out", "c"]
        subprocess.run([*key, *rest], cwd=tmp_path, check=True, capture_output=True)
        both = (tmp_path / "c").read_text() + (tmp_path / "k").read_text()
        (tmp_path / "both.pem").write_text(both)
    needed = {"SITWITH_HTTP": "127.0.0.1:8080", "SITWITH_WORKER_1": "127.0.0.1:8001"}
    done = subprocess.run(
        [program("haproxy", "haproxy"), "-c", "-f", str(HAPROXY_CFG)],
        env={**os.environ, **needed, **environ},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    assert "ALERT" not in done.stderr


async def test_everybody_in_turn_and_nobody_bound_to_a_worker(proxy: Proxy) -> None:
    answers = [await proxy.get("/") for _ in range(6)]
    ports = [answer.text for answer in answers]
    assert ports[::2] == [ports[0]] * 3
    assert ports[1::2] == [ports[1]] * 3
    assert ports[0] != ports[1]
    assert all("set-cookie" not in answer.headers for answer in answers)


async def test_who_can_not_serve_keeps_those_it_has_and_gets_nobody_new(proxy: Proxy) -> None:
    lines = [await Line.open(proxy) for _ in range(2)]
    proxy.workers[0].status = 503
    await proxy.says("w1 is stopping")
    assert {(await proxy.get("/")).text for _ in range(4)} == {str(proxy.workers[1].port)}
    assert [await line.echoes() for line in lines] == [True, True]
    proxy.workers[0].status = 200
    await proxy.says("w1 is UP")
    assert len({(await proxy.get("/")).text for _ in range(4)}) == 2
    for line in lines:
        line.close()


async def test_while_no_worker_can_serve_those_who_are_here_stay(proxy: Proxy) -> None:
    lines = [await Line.open(proxy) for _ in range(2)]
    for worker in proxy.workers:
        worker.status = 503
    await proxy.says("no server available")
    assert (await proxy.get("/")).status_code == 503
    assert [await line.echoes() for line in lines] == [True, True]
    for line in lines:
        line.close()


async def test_the_connections_of_a_worker_that_answers_nothing_are_ended(proxy: Proxy) -> None:
    lines = [await Line.open(proxy) for _ in range(2)]
    silent = next(n for n, w in enumerate(proxy.workers) if any(b"/ws" in h for h in w.heads))
    assert all(sum(b"/ws" in h for h in w.heads) == 1 for w in proxy.workers)
    proxy.workers[silent].mute = True
    await proxy.says(f"w{silent + 1} is DOWN")
    ended = [asyncio.create_task(line.ended()) for line in lines]
    await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(0.3)
    assert sorted(task.done() for task in ended) == [False, True]
    for task, line in zip(ended, lines, strict=True):
        task.cancel()
        line.close()


async def test_a_dead_worker_refuses_nobody(proxy: Proxy) -> None:
    await proxy.workers[0].stop()
    answers = {(await proxy.get("/")).text for _ in range(8)}  # also before it is noticed
    assert answers == {str(proxy.workers[1].port)}
    line = await Line.open(proxy)
    assert await line.echoes()
    line.close()


async def test_what_changes_something_is_sent_to_one_worker_alone(proxy: Proxy) -> None:
    for worker in proxy.workers:
        worker.status = 503
    answer = await proxy.get("/api/rooms", "POST")
    assert answer.status_code == 503
    assert sum(b"POST" in head for w in proxy.workers for head in w.heads) <= 1


async def test_a_client_can_not_say_where_it_comes_from(proxy: Proxy) -> None:
    lies = {
        "X-Forwarded-For": "10.9.9.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "elsewhere.example",
        "Forwarded": "for=10.9.9.9",
    }
    await proxy.get("/", **lies)
    (head,) = [h for w in proxy.workers for h in w.heads if b"x-forwarded-for" in h.lower()][-1:]
    assert b"10.9.9.9" not in head
    assert b"elsewhere.example" not in head
    assert b"x-forwarded-for: 127.0.0.1" in head.lower()
    assert b"x-forwarded-proto: http\r\n" in head.lower()


async def test_HT18_a_worker_knows_who_comes_through_the_proxies(tmp_path: Path) -> None:
    """A load balancer that speaks PROXY protocol, the shipped file, and a worker's own protocol."""
    async with serving(trusted=("127.0.0.1/32",)) as worker:
        front, proxy = Door(), Door()
        (tmp_path / "front.cfg").write_text(FRONT)
        haproxy = program("haproxy", "haproxy")
        said = {
            "SITWITH_HTTP": f"127.0.0.1:{proxy.port}",
            "SITWITH_WORKER_1": f"127.0.0.1:{worker.port}",
            "SITWITH_BALANCERS": "127.0.0.6 10.0.0.0/8",
            "FRONT": f"127.0.0.1:{front.port}",
            "BEHIND": f"127.0.0.1:{proxy.port}",
        }
        files = (HAPROXY_CFG, tmp_path / "front.cfg")
        running = [
            Process([haproxy, "-db", "-f", str(file)], tmp_path / file.stem, {**os.environ, **said})
            for file in files
        ]
        try:
            for door in (proxy, front):
                async with asyncio.timeout(WITHIN):
                    while await door.status("/") != 200:
                        await asyncio.sleep(0.02)
            for door in (proxy, front):
                for lies in ({}, {"X-Forwarded-For": "203.0.113.9"}, {"Forwarded": "for=1.2.3.4"}):
                    assert await _asked_from("127.0.0.7", door, lies) == "127.0.0.7"
        finally:
            for each in running:
                each.end()


FRONT = """
defaults
    mode tcp
    timeout connect 1s
    timeout client 5s
    timeout server 5s
listen front
    bind "${FRONT}"
    server next "${BEHIND}" send-proxy-v2 source 127.0.0.6
"""


async def _asked_from(source: str, door: Door, headers: dict[str, str]) -> str:
    transport = httpx.AsyncHTTPTransport(local_address=source)
    async with httpx.AsyncClient(transport=transport, trust_env=False, timeout=WITHIN) as http:
        return (await http.get(f"{door.url}/r/x", headers=headers)).text


@pytest.mark.parametrize("spelled", [*METRICS, "/server-status", "/.env", "/rx", "/ws/x", "*"])
async def test_HT9_HT21_what_is_not_for_the_world_reaches_no_worker(
    proxy: Proxy, spelled: str
) -> None:
    """By whatever spelling: a worker decodes what this proxy compares undecoded."""
    assert (await status_line(proxy.port, spelled)).split()[1] in (b"404", b"400")
    assert not any(f" {spelled} ".encode() in head for w in proxy.workers for head in w.heads)
    assert not any(b"etric" in head for w in proxy.workers for head in w.heads)


async def test_what_is_for_the_world_reaches_a_worker(proxy: Proxy) -> None:
    page = ("/", "/r/a-Room_1~", "/r/x/materials/m", "/assets/index-4f2a.js", "/crisis-lines")
    more = ("/api", "/api/rooms", "/api/rooms/x/invites/y", "/series/x/invite.ics", "/readyz")
    for path in (
        *page,
        *more,
        "/templates",
        "/schemas/agenda.json",
        "/healthz",
        "/r/x?y=%41",
        "/r/%F0%9F%A6%86",
        "/r/x,",
    ):
        assert (await proxy.get(path)).status_code == 200, path


async def test_HT20_one_address_has_so_many_connections_at_the_proxy(tmp_path: Path) -> None:
    async with serving() as worker:
        proxy = Door()
        said = {
            "SITWITH_HTTP": f"127.0.0.1:{proxy.port}",
            "SITWITH_WORKER_1": f"127.0.0.1:{worker.port}",
            "SITWITH_SOCKETS_PER_ADDRESS": "3",
        }
        words = [program("haproxy", "haproxy"), "-db", "-f", str(HAPROXY_CFG)]
        running = Process(words, tmp_path / "log", {**os.environ, **said})
        try:
            async with asyncio.timeout(WITHIN):
                while await proxy.status("/") != 200:
                    await asyncio.sleep(0.02)
            here = replace(worker, port=proxy.port)
            async with plugs(here, 3, "127.0.0.7") as held:
                for plug in held:
                    await plug.send(b"GET / HT")
                await asyncio.sleep(0.2)
                async with plugs(here, 1, "127.0.0.7") as (more,):
                    assert await more.read() == b""
                assert await _asked_from("127.0.0.8", proxy, {}) == "127.0.0.1"
        finally:
            running.end()


async def test_the_log_names_no_address_and_no_client(proxy: Proxy) -> None:
    await proxy.get("/r/canary-room?t=canary-token", **{"X-Canary": "canary-header"})
    for worker in proxy.workers:
        worker.status = 500
    await proxy.get("/r/canary-room?t=canary-token")
    for worker in proxy.workers:
        await worker.stop()
    assert (await proxy.get("/r/canary-room?t=canary-token")).status_code >= 500
    await proxy.says("503 ")
    text = proxy.process.log.read_text()
    assert "canary" not in text
    assert "127.0.0.1" not in text


INNER = b"GET /r/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"0\r\n\r\n" + INNER
LENGTH = b"Content-Length: %d\r\n" % len(CHUNKED)
SHORT = b"Content-Length: 5\r\n"
TWO_READINGS = {
    "both lengths": (LENGTH + b"Transfer-Encoding: chunked\r\n", CHUNKED),
    "short and chunked": (SHORT + b"Transfer-Encoding: chunked\r\n", CHUNKED),
    "two lengths": (LENGTH + SHORT, CHUNKED),
    "a list of lengths": (b"Content-Length: 5, %d\r\n" % len(CHUNKED), CHUNKED),
    "a signed length": (b"Content-Length: +%d\r\n" % len(CHUNKED), CHUNKED),
    "an empty length": (b"Content-Length: \r\n", INNER),
    "another coding": (LENGTH + b"Transfer-Encoding: x, chunked\r\n", CHUNKED),
    "a tab before the colon": (LENGTH + b"Transfer-Encoding\t: chunked\r\n", CHUNKED),
    "a folded coding": (LENGTH + b"Transfer-Encoding:\r\n chunked\r\n", CHUNKED),
    "an underscore": (LENGTH + b"Transfer_Encoding: chunked\r\n", CHUNKED),
    "a vertical tab": (LENGTH + b"Transfer-Encoding: \x0bchunked\r\n", CHUNKED),
    "a nameless header": (LENGTH + b": x\r\nTransfer-Encoding: chunked\r\n", CHUNKED),
    "a bare line feed": (LENGTH + b"x: y\nTransfer-Encoding: chunked\r\n", CHUNKED),
    "a hop's own": (LENGTH + b"Connection: Content-Length\r\n", CHUNKED),
    "an expectation": (LENGTH + b"Expect: 100-continue\r\n", CHUNKED),
    "a failed upgrade": (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 7\r\n" + LENGTH,
        CHUNKED,
    ),
    "an upgrade of another kind": (b"Connection: Upgrade\r\nUpgrade: h2c\r\n" + LENGTH, CHUNKED),
}


async def test_HT21_a_request_is_one_to_the_proxy_and_to_the_worker(tmp_path: Path) -> None:
    """A worker finds no other request in a body than the proxy does, who takes it for a body."""
    asked: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["path"])
        await who(scope, receive, send)

    async with serving(app) as worker:
        proxy = Door()
        said = {
            "SITWITH_HTTP": f"127.0.0.1:{proxy.port}",
            "SITWITH_WORKER_1": f"127.0.0.1:{worker.port}",
        }
        words = [program("haproxy", "haproxy"), "-db", "-f", str(HAPROXY_CFG)]
        running = Process(words, tmp_path / "log", {**os.environ, **said})
        try:
            async with asyncio.timeout(WITHIN):
                while await proxy.status("/") != 200:
                    await asyncio.sleep(0.02)
            for name, (headers, body) in TWO_READINGS.items():
                async with plugs(replace(worker, port=proxy.port), 1) as (plug,):
                    await plug.send(b"POST /r/outer HTTP/1.1\r\nHost: x\r\n" + headers)
                    await plug.send(b"\r\n" + body)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(0.15):
                            await plug.read()
                assert "/r/smuggled" not in asked, name
            assert asked.count("/r/outer") >= 5, "they are mostly refused"
            assert await proxy.status("/r/x") == 200
            assert asked[-1] == "/r/x"
        finally:
            running.end()
