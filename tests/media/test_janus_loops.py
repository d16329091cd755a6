"""What goes on by itself around a Janus, and fails: it ends or goes on, and says so. No Janus is
needed for these."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.server import ServerConnection, serve

from sitwith_server.media.janus.connection import API, GatewayDown, JanusConnection
from sitwith_server.media.janus.gateway import Gateway, GatewayAddress
from sitwith_server.media.janus.guard import Guard, GuardConfig
from sitwith_server.media.janus.guard_client import GuardClient
from sitwith_server.media.janus.lease import GuardCodec, Renewal
from sitwith_server.media.loops import MAX_CHECKS
from tests.media.janus_net import SECRETS
from tests.servers import free_port
from tests.waiting import until

from .test_janus_steer import Stage


def stand_in(folder: Path) -> GuardConfig:
    """A guard's charge with a program for Janus that does nothing."""
    program = folder / "program"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'import time; time.sleep(100)'\n")
    program.chmod(0o700)
    admin = f"ws://127.0.0.1:{free_port()}"
    place = "127.0.0.1", free_port()
    return GuardConfig(folder, folder, place, admin, "one", "other", janus=str(program))


@pytest.mark.parametrize("how", ["blind", "ended", "deaf"])
async def test_ME38_a_guard_that_can_do_its_part_no_more_ends_its_janus_and_itself(
    tmp_path: Path, how: str
) -> None:
    guard = Guard(stand_in(tmp_path))
    with capture_logs() as lines:
        running = asyncio.create_task(guard.run())
        await until(lambda: guard._janus is not None, lambda: "Janus runs")
        assert guard._janus is not None
        pid = guard._janus.pid
        assert Path(f"/proc/{pid}").exists()
        if how == "blind":

            def fails(now: float) -> list[int]:
                raise ValueError("a defect")

            guard._ledger.due = fails  # type: ignore[method-assign]
        elif how == "ended":
            tasks = asyncio.all_tasks()
            next(t for t in tasks if "_check_ledger" in repr(t.get_coro())).cancel()
        else:
            assert guard._udp is not None
            guard._udp.abort()
        async with asyncio.timeout(20):
            assert await running == 1
    assert not Path(f"/proc/{pid}").exists()
    said = "janus_guard_socket_failed" if how == "deaf" else "janus_guard_ledger_failed"
    assert said in [each["event"] for each in lines]


async def test_a_word_that_a_guard_fails_at_does_not_make_it_deaf(tmp_path: Path) -> None:
    charge = stand_in(tmp_path)
    guard = Guard(charge)
    take, failed = guard._ledger.take, 0

    def fails(message: Renewal, now: float) -> bool:
        nonlocal failed
        if failed < 3:
            failed += 1
            raise ValueError("a defect")
        return take(message, now)

    guard._ledger.take = fails  # type: ignore[method-assign]
    heard: list[bytes] = []

    class Ears(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            heard.append(data)

    with capture_logs() as lines:
        running = asyncio.create_task(guard.run())
        await asyncio.sleep(0.1)
        loop = asyncio.get_running_loop()
        udp, _ = await loop.create_datagram_endpoint(Ears, remote_addr=charge.listen)
        seal, count = GuardCodec("one"), 0
        while not heard and count < 100:
            count += 1
            udp.sendto(seal.renewal(Renewal(b"n" * 16, count, bytes(8), 0, True, {})))
            await asyncio.sleep(0.05)
        udp.close()
        guard.stop()
        assert await running == 0
    assert failed == 3 and heard
    assert [e["callback"] for e in lines if e["event"] == "media_callback_fault"] == ["renewal"]


async def test_ME2_gates_that_could_not_be_closed_cost_the_home() -> None:
    stage = Stage(1)
    await stage.apply({("a", "b", medium) for medium in stage.steering.publishers[0].mids})
    await stage.rest()
    assert stage.janus.passes()

    def fails() -> None:
        raise ValueError("a defect")

    with capture_logs() as lines:
        stage.steering.lease(time.monotonic() + 0.6)
        stage.steering.steer = fails  # type: ignore[method-assign]
        await until(lambda: stage.refused != [], lambda: "it is given up", 5)
    assert stage.refused == [stage.steering.video_room]
    assert [e["callback"] for e in lines if e["event"] == "media_callback_fault"] == ["lapse"]


async def test_a_message_that_a_link_fails_at_ends_it_at_once() -> None:
    """Else nobody reads from it any more, and everything that is asked waits."""

    async def janus(socket: ServerConnection) -> None:
        await socket.send('{"janus": "event", "session_id": 1, "sender": 2}')
        await socket.wait_closed()

    def fails(session: int, handle: int, message: Mapping[str, object]) -> None:
        raise ValueError("a defect")

    lost = asyncio.Event()
    async with serve(janus, "127.0.0.1", 0, subprotocols=[API]) as server:  # type: ignore[list-item]
        port = next(iter(server.sockets)).getsockname()[1]
        with capture_logs() as lines:
            link = await JanusConnection.open(
                f"ws://127.0.0.1:{port}", {}, on_event=fails, lost=lost.set
            )
            async with asyncio.timeout(1):
                await lost.wait()
        assert not link.is_open
        assert [e["event"] for e in lines] == ["media_callback_fault"]
        with pytest.raises(GatewayDown):
            await link.ask({"janus": "info"})


async def test_ME42_a_gateways_loops_fail_and_go_on_or_are_not_well() -> None:
    address = GatewayAddress(f"ws://127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}")
    gateway = Gateway(0, address, SECRETS, 0.1)
    assert gateway.is_healthy()
    assert not await gateway.connect()

    def healthy() -> list[bool]:
        return [gateway.is_healthy() for _ in range(2 * MAX_CHECKS)]

    assert all(healthy()), "that it is away is no fault of ours"

    def fails() -> None:
        raise ValueError("a defect")

    guard: GuardClient = gateway._guard
    fresh = guard._fresh
    guard._life = b"a life"
    with capture_logs() as lines:
        guard._fresh = fails  # type: ignore[method-assign,assignment]
        await asyncio.sleep(0.5)
        assert all(healthy())
        await asyncio.sleep(2)
        assert not any(healthy()), "it fails again and again"
        guard._fresh = fresh  # type: ignore[method-assign]
        await asyncio.sleep(0.3)
        assert all(healthy())
    assert {(e["event"], e.get("loop")) for e in lines} >= {("media_loop_fault", "guard")}
    with capture_logs() as lines:
        next(t for t in asyncio.all_tasks() if t.get_name() == "sitwith-gateway").cancel()
        await asyncio.sleep(0.05)
        assert not any(healthy())
    assert [e["event"] for e in lines] == ["media_loop_ended"]
    await gateway.close()
