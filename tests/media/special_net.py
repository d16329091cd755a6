"""Two network namespaces: the server's, full of special addresses with somebody listening at each,
and the members'. Neither has a way out, and the one that the tests run in is not touched.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, TypeVar

from tests.network import ip

T = TypeVar("T")
Address = IPv4Address | IPv6Address

SERVER: Final = ("203.0.113.1", "2001:db8:7::1")
GATEWAY: Final = ("203.0.113.254", "2001:db8:7::fe")
MEMBERS: Final = {
    "Frida": ("203.0.113.11", "2001:db8:7::11:a1"),
    "Ada": ("203.0.113.12", "2001:db8:7::12:b2"),
    "Ben": ("203.0.113.13", "2001:db8:7::13:c3"),
}
"""Each member's address of either kind."""
BOUND: Final = (
    "0.0.0.9",
    "10.1.2.3",
    "100.64.0.9",
    "127.9.9.9",
    "169.254.1.9",
    "169.254.169.254",
    "172.16.9.9",
    "172.31.255.254",
    "192.0.0.9",
    "192.0.2.9",
    "192.88.99.9",
    "192.168.77.9",
    "198.18.0.9",
    "198.51.100.9",
    "240.0.0.9",
    "::1",
    "64:ff9b::a01:203",
    "100::9",
    "2001:db8:bad::9",
    "2002:a01:203::9",
    "fc00::9",
    "fd00:ec2::254",
    "fe80::bad",
    "fec0::9",
)
"""Addresses that the server's machine has; a socket is at each."""
JOINED: Final = ("224.0.0.251", "239.1.2.3", "ff02::fb", "ff0e::1234")
BROADCAST: Final = ("255.255.255.255", "203.0.113.255")
ELSEWHERE: Final = ("10.200.0.7", "192.168.200.7", "172.20.0.7", "fd00:200::7")
"""What the server's machine has not: it would go out by the gateway."""
MAPPED: Final = ("::ffff:10.1.2.3", "::ffff:169.254.169.254", "::10.1.2.3")
SPECIAL: Final = (*BOUND, *JOINED, *BROADCAST, *ELSEWHERE, *MAPPED, "0.0.0.0", "127.0.0.1", "::")

_KNOWN: Final = {ip_address(each) for pair in (SERVER, GATEWAY, *MEMBERS.values()) for each in pair}
_NEW_NET: Final = 0x40000000
_ALL: Final = 3
"""ETH_P_ALL."""
_UDP, _TCP, _ICMP6 = 17, 6, 58
_SOLICITATION: Final = 135


def within(name: str, work: Callable[[], T]) -> T:
    """Runs `work` in a thread of its own in that namespace, with all threads that it starts."""
    results: list[T] = []
    faults: list[BaseException] = []

    def run() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        try:
            with open(f"/run/netns/{name}") as there:
                if libc.setns(there.fileno(), _NEW_NET):
                    raise OSError(ctypes.get_errno(), "setns")
            results.append(work())
        except BaseException as wrong:
            faults.append(wrong)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    for each in faults:
        raise each
    return results[0]


@dataclass(frozen=True, slots=True)
class Nets:
    """Names of the two namespaces."""

    server: str
    members: str


@contextmanager
def nets() -> Iterator[Nets]:
    tag = f"{os.getpid() % 100_000}{random.randrange(1000):03d}"
    made = Nets(f"sw-sp-s-{tag}", f"sw-sp-m-{tag}")
    try:
        for name in (made.server, made.members):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        there = ["peer", "name", "members", "netns", made.members]
        ip("link", "add", "server", "netns", made.server, "type", "veth", *there)
        ends = {
            (made.server, "server"): [SERVER],
            (made.members, "members"): [GATEWAY, *MEMBERS.values()],
        }
        for (name, device), places in ends.items():
            for four, six in places:
                ip("-n", name, "addr", "add", f"{four}/24", "brd", "+", "dev", device)
                ip("-n", name, "addr", "add", f"{six}/64", "dev", device, "nodad")
            ip("-n", name, "link", "set", device, "up")
        ip("-n", made.server, "link", "add", "traps", "type", "veth", "peer", "name", "nobody")
        for device in ("traps", "nobody"):
            ip("-n", made.server, "link", "set", device, "up")
        for each in BOUND:
            if each not in ("::1", "127.9.9.9"):
                words = ["128", "dev", "traps", "nodad"] if ":" in each else ["32", "dev", "traps"]
                ip("-n", made.server, "addr", "add", f"{each}/{words[0]}", *words[1:])
        for version, gateway in (("-4", GATEWAY[0]), ("-6", GATEWAY[1])):
            ip("-n", made.server, version, "route", "add", "default", "via", gateway)
        yield made
    finally:
        for name in (made.server, made.members):
            with contextlib.suppress(subprocess.CalledProcessError):
                ip("netns", "del", name)


# ----------------------------------------------------------------------------------------- traps


@dataclass
class Traps:
    """Sockets at special addresses, all at one port, for UDP and for TCP."""

    port: int
    udp: dict[str, socket.socket] = field(default_factory=dict)
    tcp: dict[str, socket.socket] = field(default_factory=dict)

    def caught(self) -> set[str]:
        """At which addresses something came since the last look."""
        found = set()
        for address, trap in self.udp.items():
            with contextlib.suppress(BlockingIOError):
                while True:
                    trap.recv(2_048)
                    found.add(address)
        for address, trap in self.tcp.items():
            with contextlib.suppress(BlockingIOError):
                while True:
                    trap.accept()[0].close()
                    found.add(address)
        return found

    def close(self) -> None:
        for trap in (*self.udp.values(), *self.tcp.values()):
            trap.close()


def set_traps(port: int) -> Traps:
    """From within the server's namespace."""
    traps = Traps(port)
    device = socket.if_nametoindex("traps")
    try:
        for address in (*BOUND, *JOINED, "255.255.255.255"):
            six = ":" in address
            family = socket.AF_INET6 if six else socket.AF_INET
            place = (address, port, 0, device) if six else (address, port)
            trap = traps.udp[address] = socket.socket(family, socket.SOCK_DGRAM)
            trap.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trap.setblocking(False)
            trap.bind(place)
            if address in JOINED:
                group = socket.inet_pton(family, address)
                if six:
                    joined = group + struct.pack("@I", device)
                    trap.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, joined)
                else:
                    joined = group + socket.inet_aton("10.1.2.3") + struct.pack("@i", device)
                    trap.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
            if address in BOUND:
                door = traps.tcp[address] = socket.socket(family, socket.SOCK_STREAM)
                door.setblocking(False)
                door.bind(place)
                door.listen()
    except BaseException:
        traps.close()
        raise
    return traps


# --------------------------------------------------------------------------------------- capture


@dataclass(frozen=True, slots=True)
class Packet:
    """An IP packet as some device saw it: its ends, its protocol and what is in it."""

    source: Address
    to: Address
    protocol: int
    body: bytes

    @property
    def udp(self) -> bytes | None:
        return self.body[8:] if self.protocol == _UDP else None

    @property
    def tcp(self) -> bytes | None:
        return self.body[(self.body[12] >> 4) * 4 :] if self.protocol == _TCP else None


class Capture:
    """Everything that any device of a namespace sends or takes, from its making to its `close`."""

    def __init__(self, name: str) -> None:
        self._socket = within(name, _listening)
        self.packets: list[Packet] = []
        self.sought: set[Address] = set()
        """Whose hardware address somebody asked for (ARP, neighbour solicitation)."""
        self._over = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._over:
            with contextlib.suppress(TimeoutError):
                data, place = self._socket.recvfrom(65_536)
                self._take(data, place[1])

    def _take(self, data: bytes, kind: int) -> None:
        if kind == 0x0806:
            self.sought.add(ip_address(data[24:28]))
        elif kind == 0x0800:
            head = (data[0] & 15) * 4
            source, to = ip_address(data[12:16]), ip_address(data[16:20])
            size = int.from_bytes(data[2:4])
            self.packets.append(Packet(source, to, data[9], data[head:size]))
        elif kind == 0x86DD:
            if data[6] == _ICMP6 and data[40] == _SOLICITATION:
                self.sought.add(ip_address(data[48:64]))
            source, to = ip_address(data[8:24]), ip_address(data[24:40])
            size = 40 + int.from_bytes(data[4:6])
            self.packets.append(Packet(source, to, data[6], data[40:size]))

    def strangers(self) -> set[tuple[str, str]]:
        """(source, destination) of UDP and TCP with an end that is neither server nor member (nor
        the gateway, where the operator's requests come from)."""
        return {
            (str(each.source), str(each.to))
            for each in list(self.packets)
            if each.protocol in (_UDP, _TCP) and not {each.source, each.to} <= _KNOWN
        }

    def sought_strangers(self) -> set[str]:
        return {str(each) for each in self.sought - _KNOWN if each not in _OWN_LINKS}

    def settle(self) -> None:
        """Returns once nothing has come for a moment."""
        seen = -1
        while seen != len(self.packets):
            seen = len(self.packets)
            time.sleep(0.3)

    def begin(self) -> None:
        """Forgets what was before, such as the last packets of a server's start."""
        self.settle()
        self.packets.clear()
        self.sought.clear()

    def close(self) -> None:
        self._over = True
        self._thread.join()
        self._socket.close()


class _Links:
    """Addresses that devices give themselves: those of their hardware."""

    def __contains__(self, address: object) -> bool:
        return isinstance(address, IPv6Address) and address.packed[11:13] == b"\xff\xfe"


_OWN_LINKS: Final = _Links()


def _listening() -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
    made.settimeout(0.2)
    return made
