"""One UDP port for all members: ICE with the server as the lite, controlled side.

A member's `Agent` is found by the user name of a connectivity check, and only a check that is
signed with the agent's password makes its sender's address one of the agent's (RFC 8445 §2.5, §7.3;
RFC 8489 §9.1). Nothing is ever sent to any other address: candidates of an offer are not even read,
so none can make this port talk to a machine that did not ask.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import struct
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

import structlog
from aioice import stun

from sitwith_server.media.counters import Counters
from sitwith_server.media.datagrams import IN_BATCH, ROOM, Inbox, Outbox, unpack_name

ICE_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
ADDRESSES: Final = 8
"""Addresses that one agent knows at most."""
ROUNDS: Final = 4
"""Batches that one wake-up reads at most, so that other work gets its turn."""
LATE: Final = 0.2
"""Seconds after which RTP that waited in the socket is not worth forwarding any more."""
BROKEN: Final = 100
"""Wake-ups in a row that may fail."""
YIELD: Final = 0.5
"""Seconds of silence after which a nominated address gives way to any other."""

_log = structlog.get_logger(__name__)

_BINDING_REQUEST: Final = 1
_COOKIE: Final = 0x2112A442
_USERNAME: Final = 6
_HOST_TYPE: Final = 126
_HEAD: Final = struct.Struct("!HHI")
_ATTRIBUTE: Final = struct.Struct("!HH")
_MOST_STUN: Final = 548
_ROLE_CONFLICT: Final = (487, "Role Conflict")


@dataclass(frozen=True, slots=True)
class Credentials:
    """ICE user name fragment and password (RFC 8445 §5.3)."""

    ufrag: str
    password: str

    @classmethod
    def make(cls) -> Credentials:
        """Fresh ones: 60 and 192 bits of chance."""
        ufrag, password = (
            "".join(secrets.choice(ICE_LETTERS) for _ in range(length)) for length in (10, 32)
        )
        return cls(ufrag, password)


class Bucket:
    """So many at once, so many a second."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst, self._left = rate, burst, burst
        self._at = float("-inf")

    def take(self, now: float) -> bool:
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def full(self, now: float) -> bool:
        """Whether nothing has been taken for so long that this bucket is as good as new."""
        return self._left + (now - self._at) * self._rate >= self._burst


class Agent:
    """The server's end of one member's ICE.

    on_selected: told where to send from now on, and from which socket's box; at each change.
    heard: when the member last proved to be there (monotonic seconds); whoever understands the
        member's packets sets it as well.
    """

    __slots__ = ("_bucket", "_keys", "_port", "_priority", "_selected_at", "_strangers",
                 "addresses", "box", "heard", "on_datagram", "on_selected", "selected")  # fmt: skip

    def __init__(
        self,
        port: UdpPort,
        on_datagram: Callable[[bytes, float], None],
        on_selected: Callable[[bytes, Outbox], None],
        now: float,
    ) -> None:
        self._port = port
        self.on_datagram, self.on_selected = on_datagram, on_selected
        self._keys: dict[str, tuple[str, Credentials]] = {}
        self._bucket, self._strangers = Bucket(50, 100), Bucket(20, 50)
        self.addresses: dict[bytes, float] = {}
        self.selected: bytes | None = None
        self.box: Outbox | None = None
        self._priority, self._selected_at = -1, now
        self.heard = now

    def expect(self, local: Credentials, remote_ufrag: str) -> None:
        """Takes checks under these credentials; those in use stay valid until these are used.

        Of several that were never used the newest alone is kept.
        """
        used = list(self._keys.items())[:1] if self.selected is not None else []
        for name in self._keys.keys() - dict(used).keys():
            self._port.forget_name(name)
        self._keys = dict(used)
        self._keys[local.ufrag] = (f"{local.ufrag}:{remote_ufrag}", local)
        self._port.know_name(local.ufrag, self)

    def send(self, datagram: bytes) -> None:
        """Puts a datagram in the box; it leaves at the port's next `flush`."""
        if self.box is not None and self.selected is not None:
            self.box.put(datagram, self.selected)

    def close(self) -> None:
        for name in self._keys:
            self._port.forget_name(name)
        for address in self.addresses:
            self._port.forget_address(address, self)
        self._keys, self.addresses = {}, {}
        self.selected = self.box = None

    # ------------------------------------------------------------------------------ checks

    def check(self, ufrag: str, datagram: bytes, source: bytes, box: Outbox, now: float) -> None:
        """A binding request that names one of our user name fragments (RFC 8445 §7.3)."""
        counters = self._port.counters
        known = source in self.addresses
        if not (self._bucket if known else self._strangers).take(now):
            counters.eager_checks += 1
            return
        username, local = self._keys[ufrag]
        key = local.password.encode()
        try:
            message = stun.parse_message(datagram)
            right = (
                message.message_class == stun.Class.REQUEST
                and message.attributes.get("USERNAME") == username
                and "FINGERPRINT" in message.attributes
                and message.check_message_integrity(key)
            )
        except (ValueError, struct.error):
            right = False
        if not right:
            counters.bad_checks += 1
            return
        counters.checks += 1
        self.heard = now
        conflict = "ICE-CONTROLLED" in message.attributes
        answer = stun.Message(
            message_method=message.message_method,
            message_class=stun.Class.ERROR if conflict else stun.Class.RESPONSE,
            transaction_id=message.transaction_id,
        )
        if conflict:
            answer.attributes["ERROR-CODE"] = _ROLE_CONFLICT
        else:
            answer.attributes["XOR-MAPPED-ADDRESS"] = unpack_name(source)
        answer.add_message_integrity(key)
        box.put(bytes(answer), source)
        if conflict:
            return
        self._used(ufrag)
        self._learn(source, now)
        priority = message.attributes.get("PRIORITY", 0)
        self._consider(source, box, "USE-CANDIDATE" in message.attributes, priority, now)

    def _used(self, ufrag: str) -> None:
        """After a restart the first check under the new credentials ends the old ones."""
        if len(self._keys) == 1 or next(iter(self._keys)) == ufrag:
            return
        for name in [name for name in self._keys if name != ufrag]:
            del self._keys[name]
            self._port.forget_name(name)
        self._priority = -1

    def _learn(self, source: bytes, now: float) -> None:
        self.addresses[source] = now
        self._port.know_address(source, self)
        if len(self.addresses) > ADDRESSES:
            oldest = min(
                (each for each in self.addresses if each not in (self.selected, source)),
                key=self.addresses.__getitem__,
            )
            del self.addresses[oldest]
            self._port.forget_address(oldest, self)

    def _consider(
        self, source: bytes, box: Outbox, nominated: bool, priority: int, now: float
    ) -> None:
        """Which address to send to: the nominated one; of several the best, while it lives."""
        if source == self.selected:
            self._selected_at = now
            if nominated:
                self._priority = priority
            return
        first = self.selected is None
        worse = priority < self._priority and now - self._selected_at < YIELD
        if not first and (worse or not nominated):
            return
        self.selected, self.box, self._selected_at = source, box, now
        self._priority = priority if nominated else -1
        self.on_selected(source, box)

    def lost(self, address: bytes) -> None:
        """Somebody else has proven to be at this address now."""
        self.addresses.pop(address, None)


class _End:
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
    """The port of all members of a process.

    addresses: what members are told to send to: IP addresses, at most one IPv4 and one IPv6.
    port: 0 takes a free one.
    bind: what to bind to instead (`0.0.0.0`, `::`) where the machine itself doesn't have the
        address, as behind one-to-one NAT.
    """

    def __init__(
        self, addresses: Sequence[str], port: int, *, bind: str | None, counters: Counters
    ) -> None:
        families = [_family(each) for each in addresses]
        if not addresses or len(set(families)) != len(families):
            raise ValueError("a media port has one IPv4 address, one IPv6 address, or one of each")
        self.addresses, self.port, self.counters = tuple(addresses), port, counters
        self._bind = bind
        self._ends: list[_End] = []
        self._fault_next = float("-inf")
        self._failed = 0
        self._by_name: dict[str, Agent] = {}
        self._by_address: dict[bytes, Agent] = {}

    def open(self) -> None:
        """Binds and begins to listen in the running loop. Raises OSError."""
        loop = asyncio.get_running_loop()
        ends: list[_End] = []
        try:
            for address in self.addresses:
                family = _family(address)
                bound = self._bind is not None and _family(self._bind) == family
                end = _End(family, self._bind if bound and self._bind else address, self.port)
                ends.append(end)
                self.port = end.sock.getsockname()[1]
        except OSError:
            for end in ends:
                end.sock.close()
            raise
        self._ends = ends
        for end in ends:
            loop.add_reader(end.sock.fileno(), self._readable, end)

    def close(self) -> None:
        self.flush()
        for end in self._ends:
            with contextlib.suppress(RuntimeError):
                asyncio.get_running_loop().remove_reader(end.sock.fileno())
            end.outbox.close()
            end.sock.close()
        self._ends = []

    def candidates(self) -> tuple[str, ...]:
        """Values of `a=candidate:` lines (RFC 8839 §5.1): host ones, IPv6 first (RFC 8421 §4)."""
        ordered = sorted(self.addresses, key=lambda each: -_family(each))
        return tuple(
            f"{place} 1 udp {(_HOST_TYPE << 24) + ((65_535 - place) << 8) + 255}"
            f" {address} {self.port} typ host"
            for place, address in enumerate(ordered, 1)
        )

    def boxes(self) -> tuple[Outbox, ...]:
        return tuple(end.outbox for end in self._ends)

    def receive_buffers(self) -> tuple[int, ...]:
        """Bytes that the kernel keeps for each socket; it may have granted less than was asked."""
        return tuple(
            end.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2 for end in self._ends
        )

    def flush(self) -> None:
        """Sends what agents and the engine put in the boxes. Nothing waits there across turns of
        the loop."""
        for end in self._ends:
            if end.outbox.count:
                end.outbox.flush()
            self.counters.sent += end.outbox.sent
            self.counters.unsent += end.outbox.lost
            end.outbox.sent = end.outbox.lost = 0

    # ---------------------------------------------------------------------------- who is who

    def know_name(self, ufrag: str, agent: Agent) -> None:
        self._by_name[ufrag] = agent

    def forget_name(self, ufrag: str) -> None:
        self._by_name.pop(ufrag, None)

    def know_address(self, address: bytes, agent: Agent) -> None:
        before = self._by_address.get(address)
        if before is not agent:
            if before is not None:
                before.lost(address)
            self._by_address[address] = agent

    def forget_address(self, address: bytes, agent: Agent) -> None:
        if self._by_address.get(address) is agent:
            del self._by_address[address]

    def __len__(self) -> int:
        """Entries of the tables: bounded by the agents."""
        return len(self._by_name) + len(self._by_address)

    # ------------------------------------------------------------------------------- packets

    def _readable(self, end: _End) -> None:
        # A callback of the event loop's: nobody else would hear what it raises.
        try:
            self._read(end)
        except Exception as error:
            self._failed += 1
            self.fault(error, time.monotonic())
        else:
            self._failed = 0

    @property
    def broken(self) -> bool:
        """Whether it can't be read from any more, whatever is tried."""
        return self._failed >= BROKEN

    def _read(self, end: _End) -> None:
        counters, agents = self.counters, self._by_address
        for _ in range(ROUNDS):
            batch = end.inbox.read()
            if not batch:
                break
            now = time.monotonic()
            lagging = LATE < end.inbox.age(0) < 60
            for place, (source, datagram) in enumerate(batch):
                if not datagram or len(datagram) >= ROOM:
                    counters.odd += 1
                    continue
                first = datagram[0]
                try:
                    if first < 4:
                        self._stun(datagram, source, end.outbox, now)
                    elif (agent := agents.get(source)) is None:
                        counters.strangers += 1
                    elif lagging and first > 127 and end.inbox.age(place) > LATE:
                        counters.late += 1
                    else:
                        agent.on_datagram(datagram, now)
                except Exception as error:  # one member's packet must never stop the others'
                    self.fault(error, now)
            if len(batch) < IN_BATCH:
                break
        self.flush()

    def fault(self, error: Exception, now: float) -> None:
        """A defect of ours: counted, and logged by its place alone, as its words may hold bytes."""
        self.counters.faults += 1
        if now >= self._fault_next:
            self._fault_next = now + 10
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{place.filename.rpartition('/')[2]}:{place.lineno}"
            _log.error("media_fault", fault=type(error).__name__, where=where)

    def _stun(self, datagram: bytes, source: bytes, box: Outbox, now: float) -> None:
        ufrag = _addressee(datagram)
        agent = None if ufrag is None else self._by_name.get(ufrag)
        if agent is None or ufrag is None:
            self.counters.bad_checks += 1
            return
        agent.check(ufrag, datagram, source, box, now)


def _family(address: str) -> socket.AddressFamily:
    """Raises ValueError for what is no IP address."""
    return socket.AF_INET if ip_address(address).version == 4 else socket.AF_INET6


def _addressee(datagram: bytes) -> str | None:
    """Our fragment of a binding request's user name; looks at nothing else, as most of what a
    stranger sends ends here."""
    if not stun.HEADER_LENGTH <= len(datagram) <= _MOST_STUN:
        return None
    kind, length, cookie = _HEAD.unpack_from(datagram)
    if kind != _BINDING_REQUEST or cookie != _COOKIE or length + 20 != len(datagram):
        return None
    at = stun.HEADER_LENGTH
    while at + 4 <= len(datagram):
        kind, length = _ATTRIBUTE.unpack_from(datagram, at)
        if kind == _USERNAME:
            name = datagram[at + 4 : at + 4 + length].partition(b":")[0]
            return name.decode("ascii", "replace")
        at += 4 + length + -length % 4
    return None
