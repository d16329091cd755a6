"""The server's end of one member's ICE: where the member is, and whether they want to be sent to.

The server is the lite, controlled side: it gathers no candidates and reads none, a member's checks
find it (RFC 8445 §2.5, §7.3). But a datagram's source is only what its sender wrote there. So a
signed check makes us check back (§7.3.1.4), and an address is the member's once it has answered:
only who reads what arrives there can. Until then it gets at most three times the bytes that came
from it (as in RFC 9000 §8.1), and media keeps to the old one. Whoever is sent to is asked again
every 5 s, and without an answer for 30 s nothing more is sent there (RFC 7675).
"""

from __future__ import annotations

import random
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aioice import stun

from sitwith_server.media.aiortc.datagrams import Outbox, unpack_sockaddr

if TYPE_CHECKING:
    from sitwith_server.media.aiortc.udp import UdpPort

ICE_CHARS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
MAX_ADDRESSES: Final = 8
"""Addresses that one agent knows at most, and as many that it asks."""
NOMINATED_FOR: Final = 0.5
"""Seconds of silence after which a nominated address gives way to any other."""
AMPLIFICATION: Final = 3
"""Bytes that an address which has not answered gets, for each one that came from it."""
CHECK_RETRY: Final = 0.1
"""Seconds until a check is sent again for the first time; twice as many after each."""
CHECK_LIFETIME: Final = 5.0
"""Seconds after an address' last check in which an answer to ours counts."""
CONSENT_INTERVAL: Final = 5.0
"""Seconds between two checks of an address that is sent to (RFC 7675 §5.1: and a fifth of it by
chance, more or less)."""
CONSENT_TIMEOUT: Final = 30.0
"""Seconds that an answer is good for."""

_ROLE_CONFLICT: Final = (487, "Role Conflict")
_PRIORITY: Final = (110 << 24) + (65_535 << 8) + 255
"""Of the peer-reflexive candidate that a check of ours would show (RFC 8445 §5.1.2)."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """ICE user name fragment and password (RFC 8445 §5.3)."""

    ufrag: str
    password: str = field(repr=False)

    @classmethod
    def make(cls) -> Credentials:
        """Fresh ones: 60 and 192 bits of chance."""
        ufrag, password = (
            "".join(secrets.choice(ICE_CHARS) for _ in range(length)) for length in (10, 32)
        )
        return cls(ufrag, password)


class TokenBucket:
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


@dataclass(frozen=True, slots=True)
class CredentialPair:
    """What one offer and its answer have agreed on."""

    local: Credentials
    remote: Credentials

    def request(self, message: stun.Message) -> bool:
        """Whether it is a check of the member's. Raises ValueError."""
        return (
            message.message_class == stun.Class.REQUEST
            and message.attributes.get("USERNAME") == f"{self.local.ufrag}:{self.remote.ufrag}"
            and "FINGERPRINT" in message.attributes
            and message.check_message_integrity(self.local.password.encode())
        )

    def response(self, message: stun.Message) -> bool:
        """Whether it is an answer of the member's. Raises ValueError."""
        return message.message_class == stun.Class.RESPONSE and message.check_message_integrity(
            self.remote.password.encode()
        )


@dataclass(slots=True)
class _PendingCheck:
    """A check of ours that has not been answered.

    credit: bytes that may still go to its address.
    """

    source: bytes
    box: Outbox
    keys: CredentialPair
    transaction: bytes
    datagram: bytes
    nominated: bool
    priority: int
    next: float
    credit: int
    until: float = 0.0
    wait: float = CHECK_RETRY

    def checked(self, nominated: bool, priority: int, size: int, now: float) -> None:
        """Its address has sent a check of so many bytes."""
        self.nominated, self.priority = nominated or self.nominated, priority
        self.credit += AMPLIFICATION * size
        self.until, self.wait = now + CHECK_LIFETIME, CHECK_RETRY
        self.next = min(self.next, now + CHECK_RETRY)
        self.due(now)

    def due(self, now: float) -> None:
        """Puts it in the box when it is time and there is credit for it."""
        if now >= self.next and self.credit >= len(self.datagram):
            self.credit -= len(self.datagram)
            self.next, self.wait = now + self.wait, 2 * self.wait
            self.box.put(self.datagram, self.source)


class IceAgent:
    """One member's.

    on_selected: told where to send from now on, and from which socket's box; at each change.
    heard: when the member last proved to be there (monotonic seconds); whoever understands the
        member's packets sets it as well.
    addresses: those that have answered, and under what.
    """

    __slots__ = (
        "_bucket",
        "_consent_next",
        "_consent_until",
        "_keys",
        "_pending",
        "_port",
        "_priority",
        "_selected_at",
        "_selected_keys",
        "_tie_breaker",
        "_transaction",
        "_unconfirmed_bucket",
        "addresses",
        "box",
        "heard",
        "on_datagram",
        "on_selected",
        "selected",
    )  # fmt: skip

    def __init__(
        self,
        port: UdpPort,
        on_datagram: Callable[[bytes, float], None],
        on_selected: Callable[[bytes, Outbox], None],
        now: float,
    ) -> None:
        self._port = port
        self.on_datagram, self.on_selected = on_datagram, on_selected
        self._keys: dict[str, CredentialPair] = {}
        self._bucket, self._unconfirmed_bucket = TokenBucket(50, 100), TokenBucket(20, 50)
        self._tie_breaker = secrets.randbits(64)
        self._pending: dict[bytes, _PendingCheck] = {}
        self.addresses: dict[bytes, tuple[CredentialPair, float]] = {}
        self.selected: bytes | None = None
        self.box: Outbox | None = None
        self._selected_keys: CredentialPair | None = None
        self._priority, self._selected_at = -1, now
        self._transaction: bytes | None = None
        self._consent_next = self._consent_until = now
        self.heard = now

    def expect(self, local: Credentials, remote: Credentials) -> None:
        """Takes checks under these credentials; those in use stay valid until these are used.

        Of several that were never used the newest alone is kept.
        """
        used = list(self._keys.items())[:1] if self.selected is not None else []
        for name in self._keys.keys() - dict(used).keys():
            self._port.remove_ufrag(name)
        self._keys = dict(used)
        self._keys[local.ufrag] = CredentialPair(local, remote)
        self._port.add_ufrag(local.ufrag, self)

    def send(self, datagram: bytes) -> None:
        """Puts a datagram in the box; it leaves at the port's next `flush`."""
        if self.box is not None and self.selected is not None:
            self.box.put(datagram, self.selected)

    def close(self) -> None:
        for name in self._keys:
            self._port.remove_ufrag(name)
        for address in self.addresses:
            self._port.remove_address(address, self)
        for pending in list(self._pending.values()):
            self._cancel_check(pending)
        self._keys, self.addresses = {}, {}
        self._deselect()

    def tick(self, now: float) -> bool:
        """Asks again what is due. False once whoever is sent to has not consented for too long:
        from then on nothing is sent. To be called every 100 ms or so."""
        for pending in list(self._pending.values()):
            if now >= pending.until:
                self._cancel_check(pending)
            else:
                pending.due(now)
        if self.selected is None:
            return True
        if now >= self._consent_until:
            self._deselect()
            return False
        if now >= self._consent_next:
            self._check_consent(now)
        return True

    # ------------------------------------------------------------------------------ checks

    def check(self, ufrag: str, datagram: bytes, source: bytes, box: Outbox, now: float) -> None:
        """A binding request that names one of our user name fragments (RFC 8445 §7.3)."""
        counters = self._port.counters
        known = source in self.addresses
        if not (self._bucket if known else self._unconfirmed_bucket).take(now):
            counters.eager_checks += 1
            return
        keys = self._keys[ufrag]
        message = _parsed(datagram, keys.request)
        if message is None:
            counters.bad_checks += 1
            return
        counters.checks += 1
        conflict = "ICE-CONTROLLED" in message.attributes
        if not conflict:
            nominated = "USE-CANDIDATE" in message.attributes
            priority = message.attributes.get("PRIORITY", 0)
            # Ours goes first, so that its answer is here before what the member sends next.
            self._check_back(source, box, keys, nominated, priority, len(datagram), now)
        if known:
            self.heard = now
        answer = bytes(_answer(message, source, keys, conflict))
        if (pending := self._pending.get(source)) is not None:
            if pending.credit < len(answer):
                return
            pending.credit -= len(answer)
        elif not known and len(answer) > AMPLIFICATION * len(datagram):
            return
        box.put(answer, source)

    def answered(self, transaction: bytes, datagram: bytes, source: bytes, now: float) -> None:
        """A binding response to a check of ours (RFC 8445 §7.2.5)."""
        if transaction == self._transaction:
            keys, asked = self._selected_keys, self.selected
        else:
            pending = next(
                (each for each in self._pending.values() if each.transaction == transaction), None
            )
            keys, asked = (pending.keys, pending.source) if pending else (None, None)
        if keys is None or asked != source or _parsed(datagram, keys.response) is None:
            self._port.counters.bad_checks += 1
            return
        self._port.counters.answers += 1
        self.heard = now
        if transaction == self._transaction:
            self._consented(now)
            return
        assert pending is not None
        self._cancel_check(pending)
        self._retire_older(keys)
        self._confirm_address(source, keys, now)
        self._select(pending, now)

    def _check_back(
        self,
        source: bytes,
        box: Outbox,
        keys: CredentialPair,
        nominated: bool,
        priority: int,
        size: int,
        now: float,
    ) -> None:
        """Asks back where the answer would change something: who is there, or where to send to."""
        proven, _ = self.addresses.get(source, (None, 0.0))
        if source == self.selected and proven == keys == self._selected_keys:
            self._selected_at = now
            if nominated:
                self._priority = priority
            return
        pending = self._pending.get(source)
        if pending is None or pending.keys != keys:
            if proven == keys and not (nominated and self._better(priority, now)):
                return
            credit = 0 if pending is None else pending.credit
            pending = self._new_check(source, box, keys, credit, now)
        pending.checked(nominated, priority, size, now)

    def _new_check(
        self, source: bytes, box: Outbox, keys: CredentialPair, credit: int, now: float
    ) -> _PendingCheck:
        if (before := self._pending.get(source)) is not None:
            self._cancel_check(before)
        if len(self._pending) == MAX_ADDRESSES:
            self._cancel_check(next(iter(self._pending.values())))
        transaction, datagram = self._request(keys)
        made = _PendingCheck(source, box, keys, transaction, datagram, False, 0, now, credit)
        self._pending[source] = made
        self._port.add_check(transaction, self)
        return made

    def _cancel_check(self, pending: _PendingCheck) -> None:
        self._pending.pop(pending.source, None)
        self._port.remove_check(pending.transaction)

    def _request(self, keys: CredentialPair) -> tuple[bytes, bytes]:
        """A check of ours and its transaction id (RFC 8445 §7.2.2)."""
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{keys.remote.ufrag}:{keys.local.ufrag}"
        message.attributes["PRIORITY"] = _PRIORITY
        message.attributes["ICE-CONTROLLED"] = self._tie_breaker
        message.add_message_integrity(keys.remote.password.encode())
        return message.transaction_id, bytes(message)

    # --------------------------------------------------------------------------- addresses

    def _retire_older(self, keys: CredentialPair) -> None:
        """After a restart the first answer under the new credentials ends the old ones."""
        ufrag = keys.local.ufrag
        if len(self._keys) == 1 or next(iter(self._keys)) == ufrag:
            return
        for name in [name for name in self._keys if name != ufrag]:
            del self._keys[name]
            self._port.remove_ufrag(name)
        self._priority = -1

    def _confirm_address(self, source: bytes, keys: CredentialPair, now: float) -> None:
        self.addresses[source] = keys, now
        self._port.add_address(source, self)
        if len(self.addresses) > MAX_ADDRESSES:
            oldest = min(
                (each for each in self.addresses if each not in (self.selected, source)),
                key=lambda each: self.addresses[each][1],
            )
            del self.addresses[oldest]
            self._port.remove_address(oldest, self)

    def _better(self, priority: int, now: float) -> bool:
        """Whether a nominated address of that priority takes over from the one in use."""
        return priority >= self._priority or now - self._selected_at >= NOMINATED_FOR

    def _select(self, pending: _PendingCheck, now: float) -> None:
        """Which address to send to: the nominated one; of several the best, while it lives."""
        nominated, priority = pending.nominated, pending.priority
        same = pending.source == self.selected
        if not same and self.selected is not None:
            if not nominated or not self._better(priority, now):
                return
        self._selected_keys, self._selected_at = pending.keys, now
        self._priority = priority if nominated else -1
        self._consented(now)
        self._consent_next = now + _between()
        if not same:
            self.selected, self.box = pending.source, pending.box
            self.on_selected(pending.source, pending.box)

    def address_taken(self, address: bytes) -> None:
        """Somebody else has proven to be at this address now."""
        self.addresses.pop(address, None)

    # ----------------------------------------------------------------------------- consent

    def _check_consent(self, now: float) -> None:
        """Each check of its own, sent once (RFC 7675 §5.1)."""
        if self._selected_keys is None:
            return
        self._forget_transaction()
        self._transaction, datagram = self._request(self._selected_keys)
        self._port.add_check(self._transaction, self)
        self._consent_next = now + _between()
        self.send(datagram)

    def _consented(self, now: float) -> None:
        self._forget_transaction()
        self._consent_until = now + CONSENT_TIMEOUT

    def _forget_transaction(self) -> None:
        if self._transaction is not None:
            self._port.remove_check(self._transaction)
            self._transaction = None

    def _deselect(self) -> None:
        self._forget_transaction()
        self.selected = self.box = self._selected_keys = None


def _between() -> float:
    return CONSENT_INTERVAL * random.uniform(0.8, 1.2)


def _parsed(datagram: bytes, right: Callable[[stun.Message], bool]) -> stun.Message | None:
    """The message, if it is one that is right."""
    try:
        message = stun.parse_message(datagram)
        return message if right(message) else None
    except (ValueError, struct.error):
        return None


def _answer(
    message: stun.Message, source: bytes, keys: CredentialPair, conflict: bool
) -> stun.Message:
    answer = stun.Message(
        message_method=message.message_method,
        message_class=stun.Class.ERROR if conflict else stun.Class.RESPONSE,
        transaction_id=message.transaction_id,
    )
    if conflict:
        answer.attributes["ERROR-CODE"] = _ROLE_CONFLICT
    else:
        answer.attributes["XOR-MAPPED-ADDRESS"] = unpack_sockaddr(source)
    answer.add_message_integrity(keys.local.password.encode())
    return answer
