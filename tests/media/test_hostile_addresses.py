"""Addresses that a client names get no packet, and nobody learns another member's address."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections import defaultdict
from collections.abc import Iterator
from ipaddress import ip_address
from itertools import permutations

import pytest

from sitwith_client.voice import Peer, ice
from tests.blackbox.house import Server, circle
from tests.blackbox.rawclient import Client
from tests.media.hostile import Crowd

HOSTS = {"Frida": "127.0.0.11", "Ada": "127.0.0.12", "Ben": "127.0.0.13"}
TRAPS = ("127.0.0.5", "127.255.255.254", "127.0.0.1", "::1")
"""Special addresses at which a test may listen."""
MAGIC = 0x2112A442
"""STUN's cookie, by which it masks addresses (RFC 8489 §14.2)."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that logs all that it ever would."""
    made = Server({"SITWITH_LOG_LEVEL": "debug"})
    yield made
    made.stop()


@contextlib.contextmanager
def traps() -> Iterator[list[socket.socket]]:
    """Sockets that nobody has a reason to send to."""
    with contextlib.ExitStack() as stack:
        found = []
        for address in TRAPS:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            trap = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            with contextlib.suppress(OSError):  # not every machine has IPv6
                trap.bind((address, 0))
                trap.setblocking(False)
                found.append(trap)
        yield found


def caught(traps: list[socket.socket]) -> list[bytes]:
    found = []
    for trap in traps:
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(trap.recv(2_048))
    return found


def lines(traps: list[socket.socket]) -> str:
    """What an offer can say of where its sender is."""
    out = []
    for number, trap in enumerate(traps):
        host, port = trap.getsockname()[:2]
        every = "0.0.0.0" if host == "127.0.0.1" else host
        for kind in ("host", "srflx raddr 127.0.0.5 rport 9", "relay raddr 127.0.0.5 rport 9"):
            out.append(f"a=candidate:{number} 1 udp 2130706431 {every} {port} typ {kind}")
        out.append(f"a=candidate:{number} 2 udp 2130706431 {host} {port} typ host")
        out.append(f"a=candidate:{number} 1 tcp 2130706431 {host} {port} typ host tcptype passive")
        out.append(f"a=rtcp:{port} IN IP{6 if ':' in host else 4} {host}")
    out += ["a=candidate:9 1 udp 1 localhost 9 typ host", "a=end-of-candidates"]
    return "".join(f"{line}\r\n" for line in out)


async def at(server: Server, label: str, host: str) -> Client:
    """A socket from an address of its own."""
    return await Client.connect(server.ws, label=label, source=host)


def forms(host: str) -> list[bytes]:
    """An address as text, as it is, and as STUN masks it."""
    packed = int(ip_address(host))
    return [host.encode(), packed.to_bytes(4), (packed ^ MAGIC).to_bytes(4)]


async def test_ME28_candidates_to_special_ranges_cause_no_packet_and_addresses_stay_private(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    stun: dict[str, list[bytes]] = defaultdict(list)
    original = ice._Path.datagram_received

    def keep(path: ice._Path, data: bytes, addr: object) -> None:
        if data[:1] < b"\x04" and path.transport is not None:
            stun[path.transport.get_extra_info("sockname")[0]].append(data)
        original(path, data, addr)

    monkeypatch.setattr(ice._Path, "datagram_received", keep)
    async with circle(server, host="") as c:
        for name, host in HOSTS.items():
            client = await at(server, name, host)
            c.sockets.append(client)
            role = "facilitator" if name == "Frida" else "member"
            await client.hello(c.tokens[role], name)
            await c.accept(client)
            await client.until(lambda x=client: x.phase == "inside", "entry")  # type: ignore[misc]
            if name == "Frida":
                c.host = client
        crowd = Crowd(c)
        with traps() as set_:
            assert len(set_) >= 3
            try:
                for client in c.sockets:
                    person = crowd.add(client, HOSTS[client.label])
                    # One that nobody comes by, so that whoever checks would go on, and one in use.
                    unused = Peer().offer().replace("a=setup:", f"{lines(set_)}a=setup:")
                    await client.ok("media.offer", {"sdp": unused})
                    await asyncio.sleep(0.3)
                    answer = await person.offer(lines(set_))
                    assert answer["t"] == "ok", answer
                await crowd.exactly(set(permutations(HOSTS, 2)), time.time())
                await asyncio.sleep(0.5)
                await crowd.exactly(set(permutations(HOSTS, 2)), time.time())
                assert caught(set_) == []
            finally:
                await crowd.close()
        for name, host in HOSTS.items():
            person = crowd[name]
            assert stun[host], "no answers to checks were kept"
            got = b"\0".join(
                [
                    *(frame.raw for frame in person.client.frames),
                    *(answer.encode() for answer in person.answers),
                    *stun[host],
                    *person.raw,
                ]
            )
            # The measure works: one's own address is what STUN tells one.
            assert forms(host)[2] in got
            for other in set(HOSTS.values()) - {host}:
                assert [form for form in forms(other) if form in got] == []
            assert all(peer.state == "closed" for peer in person.peers)
    for host in HOSTS.values():
        assert host not in server.log
    assert "a=candidate" not in server.log and "ice-pwd" not in server.log


async def test_ME28_an_answer_says_nothing_of_the_member(server: Server) -> None:
    """Not even to themselves: what the server has learnt of them is in no answer."""
    async with circle(server, ["Ada"]) as c:
        crowd = Crowd(c)
        try:
            person = crowd.add(c.members[0], HOSTS["Ada"])
            secret = "192.0.2.77 5005"
            answer = await person.offer(f"a=candidate:1 1 udp 1 {secret} typ host\r\n")
            assert answer["t"] == "ok"
            assert secret not in answer["sdp"] and HOSTS["Ada"] not in answer["sdp"]
            assert {
                line.split()[4] for line in answer["sdp"].splitlines() if "a=candidate" in line
            } == {"127.0.0.1"}
        finally:
            await crowd.close()
