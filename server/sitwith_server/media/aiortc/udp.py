"""One UDP port for all members of a process.

A member's `IceAgent` (`ice.py`) is found by the user name of a connectivity check. Only an address
that has answered a check of ours becomes one of the agent's. All else from other addresses is
dropped, and only checks and answers to checks are sent to them. Candidates of an offer are not
read, so no offer can make this port send to a machine that did not ask.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
import traceback
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final

import structlog
from aioice import stun

from sitwith_server.media.aiortc.datagrams import IN_BATCH, MAX_DATAGRAM, Inbox, Outbox
from sitwith_server.media.aiortc.ice import IceAgent
from sitwith_server.media.counters import Counters

MAX_BATCHES: Final = 4
"""The most batches that one wake-up reads, so that other work gets its turn."""
MAX_AGE: Final = 0.2
"""Seconds in the socket after which RTP is dropped as too old."""
MAX_FAILED_READS: Final = 100
"""Wake-ups in a row that may fail before the port counts as broken."""

_log = structlog.get_logger(__name__)

_BINDING_REQUEST: Final = 0x001
_BINDING_RESPONSE: Final = 0x101
_COOKIE: Final = 0x2112A442
_USERNAME: Final = 6
_HOST_TYPE: Final = 126
_HEAD: Final = struct.Struct("!HHI")
_ATTRIBUTE: Final = struct.Struct("!HH")
_MOST_STUN: Final = 548


class _BoundSocket:
    """One bound socket."""

    def __init__(self, family: socket.AddressFamily, host: str, port: int) -> None:
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self.sock.setblocking(False)
            if family == socket.AF_INET6:
                self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self.sock.bind((host, port))
        except OSError:
            self.sock.close()
            raise
        self.inbox, self.outbox = Inbox(self.sock), Outbox(self.sock)


class UdpPort:
    """The UDP port.

    addresses: the IP addresses that members send to, at most one IPv4 and one IPv6.
    port: 0 takes a free one.
    bind: the address to bind to instead (`0.0.0.0`, `::`) if the machine itself doesn't have
        the address, as behind one-to-one NAT.
    """

    def __init__(
        self, addresses: Sequence[str], port: int, *, bind: str | None, counters: Counters
    ) -> None:
        families = [_family(each) for each in addresses]
        if not addresses or len(set(families)) != len(families):
            raise ValueError("a media port has one IPv4 address, one IPv6 address, or one of each")
        self.addresses, self.port, self.counters = tuple(addresses), port, counters
        self._bind = bind
        self._sockets: list[_BoundSocket] = []
        self._fault_next = float("-inf")
        self._failed = 0
        self._by_ufrag: dict[str, IceAgent] = {}
        self._by_address: dict[bytes, IceAgent] = {}
        self._by_transaction: dict[bytes, IceAgent] = {}

    def open(self) -> None:
        """Binds and begins to listen in the running loop. Raises OSError."""
        loop = asyncio.get_running_loop()
        sockets: list[_BoundSocket] = []
        try:
            for address in self.addresses:
                family = _family(address)
                bound = self._bind is not None and _family(self._bind) == family
                bound_socket = _BoundSocket(
                    family, self._bind if bound and self._bind else address, self.port
                )
                sockets.append(bound_socket)
                self.port = bound_socket.sock.getsockname()[1]
        except OSError:
            for bound_socket in sockets:
                bound_socket.sock.close()
            raise
        self._sockets = sockets
        for bound_socket in sockets:
            loop.add_reader(bound_socket.sock.fileno(), self._readable, bound_socket)

    def close(self) -> None:
        self.flush()
        for bound_socket in self._sockets:
            with contextlib.suppress(RuntimeError):
                asyncio.get_running_loop().remove_reader(bound_socket.sock.fileno())
            bound_socket.outbox.close()
            bound_socket.sock.close()
        self._sockets = []

    def candidates(self) -> tuple[str, ...]:
        """Values of `a=candidate:` lines (RFC 8839 §5.1): host ones, IPv6 first (RFC 8421 §4)."""
        ordered = sorted(self.addresses, key=lambda each: -_family(each))
        return tuple(
            f"{place} 1 udp {(_HOST_TYPE << 24) + ((65_535 - place) << 8) + 255}"
            f" {address} {self.port} typ host"
            for place, address in enumerate(ordered, 1)
        )

    def outboxes(self) -> tuple[Outbox, ...]:
        return tuple(bound_socket.outbox for bound_socket in self._sockets)

    def flush(self) -> None:
        """Sends what is in the outboxes. Nothing waits there longer than a turn of the event
        loop."""
        for bound_socket in self._sockets:
            if bound_socket.outbox.count:
                bound_socket.outbox.flush()
            self.counters.sent += bound_socket.outbox.sent
            self.counters.unsent += bound_socket.outbox.lost
            bound_socket.outbox.sent = bound_socket.outbox.lost = 0

    # -------------------------------------------------------------------------------- agents

    def add_ufrag(self, ufrag: str, agent: IceAgent) -> None:
        self._by_ufrag[ufrag] = agent

    def remove_ufrag(self, ufrag: str) -> None:
        self._by_ufrag.pop(ufrag, None)

    def add_address(self, address: bytes, agent: IceAgent) -> None:
        before = self._by_address.get(address)
        if before is not agent:
            if before is not None:
                before.address_taken(address)
            self._by_address[address] = agent

    def remove_address(self, address: bytes, agent: IceAgent) -> None:
        if self._by_address.get(address) is agent:
            del self._by_address[address]

    def add_check(self, transaction: bytes, agent: IceAgent) -> None:
        self._by_transaction[transaction] = agent

    def remove_check(self, transaction: bytes) -> None:
        self._by_transaction.pop(transaction, None)

    def __len__(self) -> int:
        """Entries of the tables: bounded by the agents."""
        return len(self._by_ufrag) + len(self._by_address) + len(self._by_transaction)

    # ------------------------------------------------------------------------------- packets

    def _readable(self, bound_socket: _BoundSocket) -> None:
        # The event loop calls this, and nobody else would count what it raises.
        try:
            self._read(bound_socket)
        except Exception as error:
            self._failed += 1
            self.fault(error, time.monotonic())
        else:
            self._failed = 0

    @property
    def broken(self) -> bool:
        """Whether reading fails again and again."""
        return self._failed >= MAX_FAILED_READS

    def _read(self, bound_socket: _BoundSocket) -> None:
        counters, agents = self.counters, self._by_address
        for _ in range(MAX_BATCHES):
            batch = bound_socket.inbox.read()
            if not batch:
                break
            now = time.monotonic()
            lagging = MAX_AGE < bound_socket.inbox.age(0) < 60
            for place, (source, datagram) in enumerate(batch):
                if not datagram or len(datagram) >= MAX_DATAGRAM:
                    counters.odd += 1
                    continue
                first = datagram[0]
                try:
                    if first < 4:
                        self._stun(datagram, source, bound_socket.outbox, now)
                    elif (agent := agents.get(source)) is None:
                        counters.strangers += 1
                    elif lagging and first > 127 and bound_socket.inbox.age(place) > MAX_AGE:
                        counters.late += 1
                    else:
                        agent.on_datagram(datagram, now)
                except Exception as error:  # one member's packet must never stop the others'
                    self.fault(error, now)
            if len(batch) < IN_BATCH:
                break
        self.flush()

    def fault(self, error: Exception, now: float) -> None:
        """Counts a defect of the server. Logs its kind and place only, as its text may quote
        packets."""
        self.counters.faults += 1
        if now >= self._fault_next:
            self._fault_next = now + 10
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{place.filename.rpartition('/')[2]}:{place.lineno}"
            _log.error("media_fault", fault=type(error).__name__, where=where)

    def _stun(self, datagram: bytes, source: bytes, box: Outbox, now: float) -> None:
        kind = _kind(datagram)
        if kind == _BINDING_RESPONSE:
            transaction = datagram[8 : stun.HEADER_LENGTH]
            if (agent := self._by_transaction.get(transaction)) is not None:
                agent.answered(transaction, datagram, source, now)
                return
        elif kind == _BINDING_REQUEST and (ufrag := _own_ufrag(datagram)) is not None:
            if (agent := self._by_ufrag.get(ufrag)) is not None:
                agent.check(ufrag, datagram, source, box, now)
                return
        self.counters.bad_checks += 1


def _family(address: str) -> socket.AddressFamily:
    """Raises ValueError if it is no IP address."""
    return socket.AF_INET if ip_address(address).version == 4 else socket.AF_INET6


def _kind(datagram: bytes) -> int:
    """Method and class of a STUN message (RFC 8489 §5); -1: it is none, or of a wrong length."""
    if not stun.HEADER_LENGTH <= len(datagram) <= _MOST_STUN:
        return -1
    kind, length, cookie = _HEAD.unpack_from(datagram)
    if cookie != _COOKIE or length + stun.HEADER_LENGTH != len(datagram):
        return -1
    return int(kind)


def _own_ufrag(datagram: bytes) -> str | None:
    """The server's fragment of a binding request's user name. Reads nothing else, because most of
    what strangers send is dropped here."""
    at = stun.HEADER_LENGTH
    while at + 4 <= len(datagram):
        kind, length = _ATTRIBUTE.unpack_from(datagram, at)
        if kind == _USERNAME:
            name = datagram[at + 4 : at + 4 + length].partition(b":")[0]
            return name.decode("ascii", "replace")
        at += 4 + length + -length % 4
    return None
