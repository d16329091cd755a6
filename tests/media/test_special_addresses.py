"""Candidates to special ranges cause no packet at all, and nobody learns another's address: shown
on a machine that has an address of every special range, by sockets there and by what its devices
saw.
"""

from __future__ import annotations

import asyncio
import hmac
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha1
from ipaddress import ip_address
from itertools import cycle, permutations

import pytest

from sitwith_client.voice import Peer
from sitwith_client.voice.ice import Credentials
from tests import network
from tests.blackbox.house import Circle, Server, circle
from tests.blackbox.rawclient import WAIT, Client, Map
from tests.media.hostile import SLOTS, Crowd, Loud
from tests.media.special_net import (
    BOUND,
    BROADCAST,
    MEMBERS,
    SERVER,
    SPECIAL,
    Capture,
    Nets,
    Traps,
    nets,
    set_traps,
    within,
)
from tests.servers import free_port

_WHY_NOT = network.why_not()
pytestmark = pytest.mark.skipif(_WHY_NOT is not None, reason=str(_WHY_NOT))

COOKIE = 0x2112A442
NAMES = ("7c3d5b1e-9f1b-4a43-b9f0-3c9de7e4a1b2.local", "localhost", "metadata.google.internal")
"""What an offer may name instead of an address."""
MISLED = (b"misled:1....", b"misled:2....")
"""Transaction ids of checks that name other addresses."""
PIECE = 90
"""Candidates in one offer, so that it stays within its bounds."""


def candidates(port: int) -> list[str]:
    """Every way in which a line can name a special address."""
    found = []
    for address in (*SPECIAL, *NAMES):
        found += [
            f"a=candidate:1 1 udp 2130706431 {address} {port} typ host",
            f"a=candidate:2 2 UDP 2130706430 {address} {port} typ host generation 0 network-id 1",
            f"a=candidate:3 1 tcp 1518280447 {address} {port} typ host tcptype passive",
            f"a=candidate:4 1 udp 1694498815 {address} {port} typ srflx"
            f" raddr {address} rport {port}",
            f"a=candidate:5 1 udp 41885439 203.0.113.13 {port} typ relay"
            f" raddr {address} rport {port}",
            f"a=remote-candidates:1 {address} {port}",
        ]
    return found


@dataclass
class Poisoner(Loud):
    """Somebody whose offers name special addresses wherever an offer can name one."""

    traps: int = 0
    pieces: Iterator[list[str]] = field(default_factory=lambda: iter(()))

    def shape(self, text: str) -> str:
        port, places = self.traps, cycle(SPECIAL)
        lines = next(self.pieces)
        out = []
        for given in text.splitlines():
            line = given
            if line.startswith("o="):
                line = f"o=- 1 1 IN IP4 {BOUND[1]}"
            elif line.startswith("m="):
                line = line.replace(" 9 ", f" {port} ", 1)
            elif line.startswith("c="):
                place = next(places)
                line = f"c=IN IP{6 if ':' in place else 4} {place}"
            out.append(line)
            if line.startswith("s="):
                out.append("c=IN IP4 169.254.169.254")
            elif line.startswith("t="):
                out += [f"a=ice-options:trickle ice2 {port}", *lines[:2]]
            elif line.startswith("a=setup:"):
                place = next(places)
                out.append(f"a=rtcp:{port} IN IP{6 if ':' in place else 4} {place}")
        return "\r\n".join([*out, *lines, "a=end-of-candidates"]) + "\r\n"

    async def offer(self, extra: str = "") -> Map:
        peer = Peer(audio=SLOTS, on_rtp=self._on_rtp, on_rtcp=self.raw.append, host=self.host)
        answer = await self.client.ok("media.offer", {"sdp": self.shape(peer.offer())})
        self.answers.append(answer["sdp"])
        await peer.connect(answer["sdp"], WAIT)
        self.peers.append(peer)
        await self._mislead(peer)
        restart = await self.client.ok("media.offer", {"sdp": self.shape(peer.offer())})
        self.answers.append(restart["sdp"])
        await peer.connect(restart["sdp"], WAIT)
        # What a server that takes candidates one by one would take.
        line = f"candidate:1 1 udp 2130706431 {BOUND[1]} {self.traps} typ host"
        await self.client.no("bad_request", "media.candidate", {"candidate": line, "mid": "0"})
        return restart

    async def _mislead(self, peer: Peer) -> None:
        """Correct checks that ask for the answer to be sent elsewhere."""
        path = peer._ice._selected
        assert path is not None
        for address in SPECIAL:
            for must in (False, True):
                ufrag = peer._ice.local.ufrag
                path.send(misleading(path.remote, ufrag, address, self.traps, must=must))
            await asyncio.sleep(0.02)


def misleading(remote: Credentials, ufrag: str, address: str, port: int, *, must: bool) -> bytes:
    """A check with the attributes by which STUN has ever named an address to answer to.

    must: also with those that a reader has to understand.
    """
    name, key = f"{remote.ufrag}:{ufrag}".encode(), remote.password.encode()
    packed = ip_address(address).packed
    place = struct.pack("!BBH", 0, 1 if len(packed) == 4 else 2, port) + packed
    # RESPONSE-ORIGIN, ALTERNATE-SERVER, CACHE-TIMEOUT's old number; RESPONSE-ADDRESS,
    # MAPPED-ADDRESS, REFLECTED-FROM, RESPONSE-PORT.
    misled = [(0x802B, place), (0x8023, place), (0x8027, place)]
    if must:
        misled += [(0x0002, place), (0x0001, place), (0x000B, place)]
        misled.append((0x0027, struct.pack("!HH", port, 0)))
    attributes = [
        (0x0006, name),
        (0x0024, struct.pack("!I", 1 << 24)),
        (0x802A, bytes(8)),
        *misled,
    ]
    body = b"".join(
        struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)
        for kind, value in attributes
    )
    head = struct.pack("!HHI", 1, len(body) + 24, COOKIE) + MISLED[must]
    body += struct.pack("!HH", 0x0008, 20) + hmac.digest(key, head + body, sha1)
    head = struct.pack("!HHI", 1, len(body) + 8, COOKIE) + MISLED[must]
    check = zlib.crc32(head + body) ^ 0x5354554E
    return head + body + struct.pack("!HHI", 0x8028, 4, check)


async def come(server: Server, c: Circle, name: str) -> Client:
    """Inside, from the member's own address."""
    client = await Client.connect(server.ws, label=name, source=MEMBERS[name][0])
    c.sockets.append(client)
    role = "facilitator" if name == "Frida" else "member"
    await client.hello(c.tokens[role], name)
    await c.accept(client)
    await client.until(lambda: client.phase == "inside", "entry")
    return client


async def evening(server: Server, traps: int, version: int) -> dict[str, bytes]:
    """All meet and talk by poisoned offers; what each could read of all that came."""
    async with circle(server, host="") as c:
        for name in MEMBERS:
            client = await come(server, c, name)
            c.host = c.host or client
        crowd = Crowd(c)
        lines = candidates(traps)
        pieces = cycle([lines[at : at + PIECE] for at in range(0, len(lines), PIECE)])
        try:
            for client in c.sockets:
                place = MEMBERS[client.label][version == 6]
                person = Poisoner(client.label, client, place, traps=traps, pieces=pieces)
                crowd.people[client.label] = person
                await person.offer()
            for _ in range(-(-len(lines) // PIECE)):
                # One that nobody comes by, so that whoever checks would go on.
                unused = person.shape(Peer().offer())
                await person.client.ok("media.offer", {"sdp": unused})
            await person.offer()
            await crowd.exactly(set(permutations(MEMBERS, 2)), time.time())
            await asyncio.sleep(1)
            await crowd.exactly(set(permutations(MEMBERS, 2)), time.time())
        finally:
            await crowd.close()
        return {
            name: b"\0".join(
                [
                    *(frame.raw for frame in person.client.frames),
                    *(answer.encode() for answer in person.answers),
                    *person.raw,
                ]
            )
            for name, person in crowd.people.items()
        }


def forms(address: str) -> set[bytes]:
    """An address as text and as it is."""
    it = ip_address(address)
    texts = {str(it), it.exploded, it.packed.hex(), str(int(it))}
    return {it.packed, *(text.encode() for text in texts)}


def masked(address: str, datagram: bytes) -> bytes:
    """As STUN masks it in this message (RFC 8489 §14.2)."""
    packed = ip_address(address).packed
    return bytes(a ^ b for a, b in zip(packed, datagram[4:20], strict=False))


@pytest.fixture
def places() -> Iterator[Nets]:
    with nets() as made:
        yield made


def serving(places: Nets, version: int) -> Server:
    settings = {
        "SITWITH_HOST": "0.0.0.0",
        "SITWITH_MEDIA_ADDRESS": SERVER[version == 6],
        "SITWITH_LOG_LEVEL": "debug",
    }
    server = within(places.server, lambda: Server(settings, tied=False))
    server.host = SERVER[0]
    return server


@pytest.mark.parametrize("version", [4, 6])
def test_ME28_ME30_no_special_address_gets_a_packet_and_nobody_anothers_address(
    places: Nets, version: int
) -> None:
    port = within(places.server, free_port)
    traps = within(places.server, lambda: set_traps(port))
    server = serving(places, version)
    sees, gets = Capture(places.server), Capture(places.members)
    try:
        sees.begin()
        read = within(places.members, lambda: asyncio.run(evening(server, port, version)))
        sees.settle()
        assert traps.caught() == set()
        assert sees.strangers() == set()
        assert sees.sought_strangers() == set()
        gets.settle()
        for name, own in MEMBERS.items():
            own_only(gets, name, own, read[name])
        for each in (address for pair in MEMBERS.values() for address in pair):
            assert each not in server.log
        assert "a=candidate" not in server.log
        within(places.server, lambda: they_would_see(traps, sees))
    finally:
        server.stop()
        sees.close()
        gets.close()
        traps.close()


def own_only(gets: Capture, name: str, own: tuple[str, str], read: bytes) -> None:
    """Of all that came to a member's addresses, and that they could read, nothing is another's."""
    mine = {ip_address(each) for each in own}
    packets = [each for each in gets.packets if each.to in mine]
    lines = b"".join(each.tcp or b"" for each in packets)
    datagrams = [each.udp for each in packets if each.udp]
    stun = [each for each in datagrams if each[0] < 4]
    # Media is sealed with a key per member: what is in it is in `read`. Handshakes are open.
    shakes = [each for each in datagrams if 20 <= each[0] < 64]
    assert lines and stun and shakes and len(datagrams) > len(stun) + len(shakes)
    clear = b"\0".join([lines, *stun, *shakes, read])
    assert any(masked(each, message) in message for each in own for message in stun), (
        "STUN tells one one's own address: the measure doesn't work"
    )
    for misled in MISLED:
        assert any(each[:2] == b"\1\1" and each[8:20] == misled for each in stun), (
            "no misleading check was answered"
        )
    others = [each for other, pair in MEMBERS.items() if other != name for each in pair]
    for other in others:
        assert [form for form in forms(other) if form in clear] == []
        assert not any(masked(other, message) in message for message in stun)
        texts = [form for form in forms(other) if len(form) > 8]
        assert not any(form in each for form in texts for each in datagrams)


def they_would_see(traps: Traps, sees: Capture) -> None:
    """A packet from the server's machine to any of these would have been caught, and seen."""
    assert traps.caught() == set()
    device = socket.if_nametoindex("traps")
    for address in (*traps.udp, *BROADCAST):
        with socket.socket(_family(address), socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            if ":" in address:
                sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, device)
            else:
                way = bytes(8) + struct.pack("@i", device)
                sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, way)
            sender.sendto(b"planted", _at(address, traps.port, device))
    for address in traps.tcp:
        with socket.socket(_family(address), socket.SOCK_STREAM) as caller:
            caller.settimeout(20)
            caller.connect(_at(address, traps.port, device))
    sees.settle()
    missed = {*traps.udp, *traps.tcp} - traps.caught() - {"255.255.255.255"}
    assert not missed, f"nobody would have noticed a packet to {missed}"
    unseen = {*traps.udp, *BROADCAST} - {to for _, to in sees.strangers()}
    assert not unseen, f"the capture missed {unseen}"


def _at(address: str, port: int, device: int) -> tuple[str, int] | tuple[str, int, int, int]:
    return (address, port, 0, device) if ":" in address else (address, port)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
