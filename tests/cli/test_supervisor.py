"""`sitwith serve --workers`: spreading, deaths, rolling restarts and the end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sitwith_server.cli.output import Failed
from sitwith_server.cli.supervisor import bind
from sitwith_server.cli.worker import Inheritance
from tests.blackbox.rawclient import Client
from tests.waiting import wait_until

from .supervised import WORKERS, Supervised, asking

Start = Callable[..., Supervised]

#: A worker that says it is ready, and is gone.
BRIEF = "import os, sys; os.write(int(sys.argv[1].split(',')[0]), b'r'); sys.exit(7)"
#: One that says it is ready for the first time, and never again.
ONCE = """
import os, sys, pathlib
mark = pathlib.Path(sys.argv[1]) / "used"
if mark.exists():
    sys.exit(9)
os.write(int(sys.argv[2].split(",")[0]), b"r")
(mark.parent / f"ready-{os.getpid()}").touch()
os.read(int(sys.argv[2].split(",")[0]), 1)  # until the supervisor has gone
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Supervised] = []

    def make(**options: object) -> Supervised:
        log = tmp_path / f"log-{len(started)}"
        started.append(Supervised(log, **options))  # type: ignore[arg-type]
        return started[-1]

    yield make
    for each in started:
        each.kill()


def test_connections_are_spread_over_all_workers(start: Start) -> None:
    server = start()
    server.until_listening()
    held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(90)]
    server.until(lambda: sum(map(server.connections, server.workers)) == len(held), "all accepted")
    counts = [server.connections(pid) for pid in server.workers]
    assert len(counts) == WORKERS
    # Evenly by a hash: one below 8 of 90 would come once in 100,000 runs.
    assert min(counts) >= 8, counts
    for each in held:
        each.close()


def test_a_killed_worker_is_replaced_and_nobody_is_refused_meanwhile(start: Start) -> None:
    server = start()
    server.until_listening()
    before = server.workers
    os.kill(before[1], signal.SIGKILL)
    server.until(lambda: "SIGKILL" in server.text(), "the death is noticed")
    answers = list(asking(server, lambda: server.text().count('"worker_started"') <= WORKERS))
    assert set(answers) <= {200}
    server.until_listening()
    assert set(before) - set(server.workers) == {before[1]}
    assert len(server.workers) == WORKERS
    assert server.get() == 200
    server.signal(signal.SIGTERM)
    assert server.exit_code() == 0


def test_a_rolling_restart_replaces_all_and_refuses_nobody(start: Start) -> None:
    server = start()
    server.until_listening()
    before = server.workers
    server.signal(signal.SIGHUP)
    answers = list(asking(server, lambda: '"restarted"' not in server.text()))
    assert set(answers) == {200}
    server.until(lambda: len(server.workers) == WORKERS, "the old ones are gone")
    assert set(before).isdisjoint(server.workers)
    assert '"worker_ended"' not in server.text()
    server.signal(signal.SIGTERM)
    assert server.exit_code() == 0


async def test_a_drain_tells_every_client_and_ends_with_0(start: Start) -> None:
    server = start(drain="2")
    server.until_listening()
    url = f"ws://127.0.0.1:{server.port}/ws"
    clients = await asyncio.gather(*(Client.connect(url, label=str(n)) for n in range(12)))
    server.signal(signal.SIGTERM)
    for client in clients:
        told = await client.gets(lambda frame: frame["t"] == "reconnect", "reconnect")
        assert 0 <= told["after_ms"] < 2000
    assert server.refuses()
    for client in clients:
        assert await client.closed() in (4002, 4408)  # 4408: nobody here ever said hello
    assert await asyncio.to_thread(server.exit_code) == 0
    assert '"worker_late"' not in server.text()


def test_sigint_does_not_drain(start: Start) -> None:
    server = start(drain="500")
    server.until_listening()
    with socket.create_connection(("127.0.0.1", server.port)):
        server.signal(signal.SIGINT)
        assert server.exit_code() == 0
    assert server.refuses()


def test_sigint_ends_a_drain(start: Start) -> None:
    server = start(drain="500")
    server.until_listening()

    async def stay() -> None:
        client = await Client.connect(f"ws://127.0.0.1:{server.port}/ws")
        server.signal(signal.SIGTERM)
        await client.gets(lambda frame: frame["t"] == "reconnect", "reconnect")
        server.signal(signal.SIGINT)
        assert await asyncio.to_thread(server.exit_code) == 0
        await client.closed()

    asyncio.run(stay())


def test_a_stop_while_workers_are_starting_is_a_good_end(start: Start) -> None:
    server = start()
    server.until(lambda: len(server.workers) == WORKERS, "started")
    server.signal(signal.SIGTERM)
    assert server.exit_code() == 0


def test_a_stuck_worker_is_killed_and_replaced(start: Start) -> None:
    server = start()
    server.until_listening()
    server.until(lambda: server.get("/readyz") == 200, "ready")
    stuck = server.workers[0]
    os.kill(stuck, signal.SIGSTOP)
    server.until(lambda: '"worker_silent"' in server.text(), "its silence is noticed")
    server.until(lambda: stuck not in server.workers, "it is gone")
    server.until_listening()
    server.signal(signal.SIGTERM)
    assert server.exit_code() == 0


def test_a_worker_that_is_sent_away_by_hand_is_replaced(start: Start) -> None:
    server = start()
    server.until_listening()
    gone = server.workers[2]
    os.kill(gone, signal.SIGTERM)
    server.until(lambda: gone not in server.workers, "it has left")
    server.until_listening()
    assert server.get() == 200
    server.signal(signal.SIGTERM)
    assert server.exit_code() == 0


def test_workers_leave_when_their_supervisor_is_killed(start: Start) -> None:
    server = start()
    server.until_listening()
    workers = server.workers
    server.signal(signal.SIGKILL)
    server.exit_code()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "gone")
    assert server.refuses()


def test_what_can_not_start_at_all_ends_with_its_code(start: Start) -> None:
    server = start(worker=(sys.executable, "-c", "raise SystemExit(2)"))
    assert server.exit_code() == 2


def test_workers_that_keep_dying_are_given_pauses(start: Start) -> None:
    server = start(worker=(sys.executable, "-c", BRIEF), PAUSE="600")
    server.until(lambda: server.text().count('"exit 7"') == WORKERS, "three deaths")
    assert server.text().count('"worker_started"') == WORKERS
    assert server.text().count('"pause": 600.0') == WORKERS
    server.signal(signal.SIGTERM)
    assert server.exit_code() == 0


def test_a_rolling_restart_that_fails_leaves_the_old_workers(start: Start, tmp_path: Path) -> None:
    server = start(worker=(sys.executable, "-c", ONCE, str(tmp_path)))
    server.until(lambda: len(list(tmp_path.glob("ready-*"))) == WORKERS, "all ready")
    before = server.workers
    (tmp_path / "used").touch()
    server.signal(signal.SIGHUP)
    server.until(lambda: '"restart_given_up"' in server.text(), "the failure is told")
    assert set(server.workers) == set(before)
    assert server.text().count('"worker_started"') == WORKERS + 1


def test_a_taken_port_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Failed, match=f"127.0.0.1 port {port}"):
            bind("127.0.0.1", port)


def test_a_host_with_several_addresses_has_one_port_on_all() -> None:
    made = bind("localhost", 0)
    assert len({each.getsockname()[1] for each in made}) == 1
    for each in made:
        each.close()


@pytest.mark.parametrize("words", ["", "5", "5,", "5,x", "x,5"])
def test_a_strange_inheritance_is_refused(words: str) -> None:
    with pytest.raises(ValueError):
        Inheritance.parse(words)


def test_an_inheritance_is_read_as_it_was_written() -> None:
    made = Inheritance(5, (6, 9))
    assert Inheritance.parse(str(made)) == made
