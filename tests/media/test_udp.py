"""The one UDP port: who may make it send, and where to."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog
from aioice import stun

from sitwith_server.media.counters import Counters
from sitwith_server.media.datagrams import IN_BATCH, OUT_BATCH, ROOM, Inbox, Outbox, unpack_name
from sitwith_server.media.udp import ADDRESSES, Agent, Bucket, Credentials, UdpPort

THEIRS = "theirs"
AUDIO = b"\x80" + bytes(40)
LOCAL = {4: "127.0.0.1", 6: "::1"}


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


VERSIONS = [4, 6] if has_ipv6() else [4]


class Client:
    """A socket that speaks STUN."""

    def __init__(self, port: UdpPort, version: int = 4) -> None:
        self.to = (LOCAL[version], port.port)
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.bind((LOCAL[version], 0))
        self.sock.setblocking(False)

    def check(
        self,
        local: Credentials,
        *,
        password: str | None = None,
        remote: str = THEIRS,
        nominate: bool = True,
        priority: int = 100,
        sign: bool = True,
        controlled: bool = False,
        kind: stun.Class = stun.Class.REQUEST,
    ) -> bytes:
        message = stun.Message(stun.Method.BINDING, kind)
        message.attributes["USERNAME"] = f"{local.ufrag}:{remote}"
        message.attributes["PRIORITY"] = priority
        message.attributes["ICE-CONTROLLED" if controlled else "ICE-CONTROLLING"] = 1
        if nominate:
            message.attributes["USE-CANDIDATE"] = None
        if sign:
            message.add_message_integrity((password or local.password).encode())
        else:
            message.add_fingerprint()
        return bytes(message)

    def send(self, data: bytes) -> None:
        self.sock.sendto(data, self.to)

    async def receive(self) -> list[bytes]:
        """All that comes within a moment."""
        got: list[bytes] = []
        for _ in range(20):
            await asyncio.sleep(0.005)
            while True:
                try:
                    got.append(self.sock.recv(2_048))
                except BlockingIOError:
                    break
            if got:
                break
        return got


class Known:
    """An agent that remembers what it was given."""

    def __init__(self, port: UdpPort) -> None:
        self.got: list[bytes] = []
        self.selections = 0
        self.local = Credentials.make()
        self.agent = Agent(port, self._got, self._selected, time.monotonic())
        self.agent.expect(self.local, THEIRS)

    def _got(self, data: bytes, now: float) -> None:
        self.got.append(data)

    def _selected(self, name: bytes, box: Outbox) -> None:
        assert (name, box) == (self.agent.selected, self.agent.box)
        self.selections += 1


@pytest.fixture
async def port() -> AsyncIterator[UdpPort]:
    port = UdpPort([LOCAL[each] for each in VERSIONS], 0, bind=None, counters=Counters())
    port.open()
    yield port
    port.close()


@pytest.fixture
def known(port: UdpPort) -> Known:
    return Known(port)


@pytest.fixture
def client(port: UdpPort) -> Iterator[Client]:
    client = Client(port)
    yield client
    client.sock.close()


# ------------------------------------------------------------------------------------ checks


@pytest.mark.parametrize("version", VERSIONS)
async def test_ME30_a_correct_check_is_answered_with_the_address_it_came_from(
    port: UdpPort, known: Known, version: int
) -> None:
    client = Client(port, version)
    client.send(client.check(known.local))
    [answer] = await client.receive()
    message = stun.parse_message(answer)
    assert message.message_class == stun.Class.RESPONSE
    assert message.check_message_integrity(known.local.password.encode())
    assert "FINGERPRINT" in message.attributes
    assert message.attributes["XOR-MAPPED-ADDRESS"] == client.sock.getsockname()[:2]
    assert known.selections == 1
    known.agent.send(b"\x16dtls")
    port.flush()
    assert await client.receive() == [b"\x16dtls"]
    client.sock.close()


async def test_ME30_what_is_not_signed_with_the_password_gets_no_answer(
    port: UdpPort, known: Known, client: Client
) -> None:
    good = client.check(known.local)
    no_fingerprint = stun.parse_message(good)
    del no_fingerprint.attributes["FINGERPRINT"]
    bad = [
        client.check(known.local, password="wrong"),
        client.check(known.local, sign=False),
        client.check(known.local, remote="others"),
        client.check(Credentials.make()),
        client.check(known.local, kind=stun.Class.INDICATION),
        client.check(known.local, kind=stun.Class.RESPONSE),
        good[:-1],
        good[:-1] + bytes((good[-1] ^ 1,)),
        good[:30] + bytes((good[30] ^ 1,)) + good[31:],
        good + b"\0\0\0\0",
        bytes(no_fingerprint),
        b"",
        b"\x00",
        b"\x00\x01" + bytes(18),
        b"\x00\x01\x00\x08\x21\x12\xa4\x42" + bytes(12) + b"\x00\x06\xff\xff" + bytes(4),
    ]
    for datagram in bad:
        client.send(datagram)
    assert await client.receive() == []
    assert known.agent.selected is None
    assert port.counters.checks == 0
    assert port.counters.bad_checks + port.counters.odd == len(bad)
    assert port.counters.faults == 0


async def test_ME31_a_stranger_s_media_reaches_nobody(
    port: UdpPort, known: Known, client: Client
) -> None:
    client.send(AUDIO)
    await client.receive()
    assert known.got == []
    client.send(client.check(known.local))
    await client.receive()
    client.send(AUDIO)
    await client.receive()
    assert known.got == [AUDIO]
    assert port.counters.strangers == 1


async def test_a_peer_that_takes_itself_for_controlled_is_told(
    known: Known, client: Client
) -> None:
    client.send(client.check(known.local, controlled=True))
    [answer] = await client.receive()
    assert stun.parse_message(answer).error_code == 487
    assert known.agent.selected is None


async def test_ME37_checks_above_the_rate_are_not_looked_at(
    port: UdpPort, known: Known, client: Client
) -> None:
    for _ in range(60):
        client.send(client.check(known.local, password="wrong"))
        await asyncio.sleep(0)
    await client.receive()
    assert port.counters.eager_checks > 0
    assert port.counters.bad_checks <= 52


# ------------------------------------------------------------------------------ addresses


async def test_ME31_the_nominated_address_is_sent_to_and_a_new_one_only_after_its_check(
    port: UdpPort, known: Known, client: Client
) -> None:
    other = Client(port)
    client.send(client.check(known.local))
    await client.receive()
    other.send(AUDIO)  # somebody who only claims to be the member elsewhere
    await other.receive()
    assert known.got == []
    other.send(other.check(known.local, nominate=False))
    await other.receive()
    assert unpack_name(known.agent.selected or b"") == client.sock.getsockname()
    other.send(AUDIO)
    await other.receive()
    assert known.got == [AUDIO]
    other.send(other.check(known.local, priority=200))
    await other.receive()
    assert unpack_name(known.agent.selected or b"") == other.sock.getsockname()
    assert known.selections == 2
    other.sock.close()


async def test_ME31_a_worse_nomination_waits_until_the_better_address_is_silent(
    port: UdpPort, known: Known, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Client(port)
    client.send(client.check(known.local, priority=200))
    await client.receive()
    other.send(other.check(known.local, priority=100))
    await other.receive()
    assert unpack_name(known.agent.selected or b"") == client.sock.getsockname()
    monkeypatch.setattr("sitwith_server.media.udp.YIELD", 0.0)
    other.send(other.check(known.local, priority=100))
    await other.receive()
    assert unpack_name(known.agent.selected or b"") == other.sock.getsockname()
    other.sock.close()


async def test_ME32_old_credentials_hold_until_new_ones_are_used(
    port: UdpPort, known: Known, client: Client
) -> None:
    client.send(client.check(known.local))
    await client.receive()
    unused, new = Credentials.make(), Credentials.make()
    known.agent.expect(unused, THEIRS)
    known.agent.expect(new, "renewed")
    client.send(client.check(known.local))
    assert len(await client.receive()) == 1
    client.send(client.check(unused))
    assert await client.receive() == []
    moved = Client(port)
    moved.send(moved.check(new, remote="renewed", priority=1))
    assert len(await moved.receive()) == 1
    assert unpack_name(known.agent.selected or b"") == moved.sock.getsockname()
    client.send(client.check(known.local))
    assert await client.receive() == []
    moved.sock.close()


async def test_ME37_tables_are_bounded_and_empty_at_the_end(port: UdpPort, known: Known) -> None:
    clients = [Client(port) for _ in range(ADDRESSES + 5)]
    for each in clients:
        each.send(each.check(known.local))
        await each.receive()
    assert len(known.agent.addresses) <= ADDRESSES
    assert len(port) <= ADDRESSES + 1
    known.agent.close()
    assert len(port) == 0
    for each in clients:
        each.send(each.check(known.local))
        assert await each.receive() == []
        each.sock.close()


async def test_an_address_belongs_to_who_proved_it_last(
    port: UdpPort, known: Known, client: Client
) -> None:
    second = Known(port)
    for each in (known, second):
        client.send(client.check(each.local))
        await client.receive()
    client.send(AUDIO)
    await client.receive()
    assert (known.got, second.got) == ([], [AUDIO])
    known.agent.close()
    client.send(AUDIO)
    await client.receive()
    assert second.got == [AUDIO, AUDIO]


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
    monkeypatch.setattr("sitwith_server.media.udp._log", log)

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
    client.send(b"\x80" * (ROOM + 10))
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
        assert unpack_name(name) == other.getsockname()
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
            outbox.put(bytes(ROOM + 1), name)


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
    bucket = Bucket(rate=2, burst=3)
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
