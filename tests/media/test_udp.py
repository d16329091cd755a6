"""The one UDP port: who may make it send, and where to."""

from __future__ import annotations

import logging
import socket
import time

import pytest
import structlog

from sitwith_server.media.aiortc.datagrams import (
    IN_BATCH,
    MAX_DATAGRAM,
    OUT_BATCH,
    Inbox,
    Outbox,
    unpack_sockaddr,
)
from sitwith_server.media.aiortc.token_bucket import TokenBucket
from sitwith_server.media.aiortc.udp import UdpPort
from sitwith_server.media.counters import Counters
from tests.media.stunning import AUDIO, Client, Known, client, known, port

__all__ = ["client", "known", "port"]

# -------------------------------------------------------------------------------- packets


async def test_ME36_what_waited_too_long_is_dropped_but_checks_and_handshakes(
    port: UdpPort, known: Known, client: Client
) -> None:
    client.send(client.check(known.local))
    await client.receive()
    for datagram in (AUDIO, b"\x16" + bytes(20), client.check(known.local)):
        client.send(datagram)
    time.sleep(0.3)  # the loop lags
    assert len(await client.receive()) == 1
    assert known.got == [b"\x16" + bytes(20)]
    assert port.counters.late == 1
    client.send(AUDIO)
    await client.receive()
    assert known.got[1:] == [AUDIO]


async def test_ME37_a_fault_with_one_packet_stops_no_other(
    port: UdpPort, known: Known, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = structlog.testing.CapturingLogger()
    monkeypatch.setattr("sitwith_server.media.aiortc.udp._log", log)

    def fails(data: bytes, now: float) -> None:
        raise RuntimeError("what a member said")

    client.send(client.check(known.local))
    await client.receive()
    known.agent.on_datagram = fails
    client.send(AUDIO)
    client.send(client.check(known.local))
    assert len(await client.receive()) == 1
    assert port.counters.faults == 1
    [call] = log.calls
    assert call.kwargs["fault"] == "RuntimeError"
    assert call.kwargs["where"].startswith("test_udp.py:")
    assert "what a member said" not in str(call)


async def test_what_is_longer_than_a_place_is_dropped_whole(
    port: UdpPort, known: Known, client: Client
) -> None:
    client.send(client.check(known.local))
    await client.receive()
    client.send(b"\x80" * (MAX_DATAGRAM + 10))
    client.send(AUDIO)
    await client.receive()
    assert known.got == [AUDIO]
    assert port.counters.odd == 1


def test_batches_keep_order_names_and_lengths() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
            each.setblocking(False)
        inbox, outbox = Inbox(one), Outbox(other)
        other.sendto(b"name", one.getsockname())
        [(name, _)] = Inbox(one).read()
        assert unpack_sockaddr(name) == other.getsockname()
        one.sendto(b"name", other.getsockname())
        [(name, _)] = Inbox(other).read()
        sent = [bytes((i & 0xFF,)) * (i % 1_400 + 1) for i in range(OUT_BATCH + 40)]
        for datagram in sent:
            outbox.put(datagram, name)
        outbox.flush()
        got = []
        while batch := inbox.read():
            assert len(batch) <= IN_BATCH
            assert 0 <= inbox.age(0) < 60
            got += [datagram for _, datagram in batch]
        assert got == sent
        assert outbox.lost == 0
        with pytest.raises(ValueError, match="long"):
            outbox.put(bytes(MAX_DATAGRAM + 1), name)


def test_one_address_that_can_t_be_reached_costs_no_other() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        outbox = Outbox(sock)
        sock.sendto(b"name", sock.getsockname())
        [(name, _)] = Inbox(sock).read()
        # A socket bound to loopback can't send beyond it; port 0 is nobody's.
        outbox.put(b"lost", name[:2] + b"\0\0" + name[4:])
        outbox.put(b"kept", name)
        outbox.flush()
        assert outbox.lost == 1
        assert [data for _, data in Inbox(sock).read()] == [b"kept"]


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(rate=2, burst=3)
    assert [bucket.take(10.0) for _ in range(5)] == [True, True, True, False, False]
    assert not bucket.full(10.0)
    assert [bucket.take(10.6), bucket.take(10.6)] == [True, False]
    assert bucket.full(20.0)


@pytest.mark.parametrize(
    "addresses", [[], ["127.0.0.1", "127.0.0.2"], ["localhost"], ["127.0.0.1:1"]]
)
def test_odd_addresses_are_refused(addresses: list[str]) -> None:
    with pytest.raises(ValueError):
        UdpPort(addresses, 0, bind=None, counters=Counters())


async def test_what_is_announced_may_differ_from_what_is_bound() -> None:
    port = UdpPort(["192.0.2.1"], 0, bind="127.0.0.1", counters=Counters())
    port.open()
    try:
        known = Known(port)
        [candidate] = port.candidates()
        assert candidate.split(" ")[4:6] == ["192.0.2.1", str(port.port)]
        client = Client(port)
        client.send(client.check(known.local))
        assert len(await client.receive()) == 1
        client.sock.close()
    finally:
        port.close()


async def test_a_taken_port_is_an_error_that_leaves_nothing_open(port: UdpPort) -> None:
    other = UdpPort(["127.0.0.1"], port.port, bind=None, counters=Counters())
    with pytest.raises(OSError, match="in use"):
        other.open()


async def test_nothing_about_anybody_is_logged(
    port: UdpPort, known: Known, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client.send(client.check(known.local))
    client.send(client.check(known.local, password="wrong"))
    client.send(AUDIO)
    await client.receive()
    assert "127.0.0.1" not in caplog.text
    assert known.local.ufrag not in caplog.text
