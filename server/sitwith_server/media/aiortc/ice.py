"""The server's side of one member's ICE: which address to send to, and whether it consents.

The server is the lite, controlled agent: it gathers and reads no candidates, and a member's checks
find it (RFC 8445 §2.5, §7.3). Anybody can forge a datagram's source address. So a signed check
makes the server check back (§7.3.1.4), and an address counts as the member's once it has answered,
because only somebody who receives there can answer. Until then it gets at most three times the
bytes that came from it (as in RFC 9000 §8.1), and media goes to the old address. The server checks
the address in use every 5 s; without an answer for 30 s it sends nothing more there (RFC 7675).
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sitwith_server.media.aiortc.credentials import CredentialPair, Credentials
from sitwith_server.media.aiortc.datagrams import Outbox
from sitwith_server.media.aiortc.token_bucket import TokenBucket

if TYPE_CHECKING:
    from sitwith_server.media.aiortc.udp import UdpPort

MAX_ADDRESSES: Final = 8
"""The most confirmed addresses of one agent, and the most that it is checking."""
NOMINATED_FOR: Final = 0.5
"""Seconds of silence after which a nominated address gives way to any other."""
AMPLIFICATION: Final = 3
"""Bytes sent to an unconfirmed address for each byte that came from it, at most."""
CHECK_RETRY: Final = 0.1
"""Seconds until a check is sent again for the first time; doubled each time."""
CHECK_LIFETIME: Final = 5.0
"""Seconds after an address's last check within which its answer to ours counts."""
CONSENT_INTERVAL: Final = 5.0
"""Seconds between two consent checks, plus or minus a random fifth (RFC 7675 §5.1)."""
CONSENT_TIMEOUT: Final = 30.0
"""Seconds that an answer gives consent for."""


@dataclass(slots=True)
class _PendingCheck:
    """A check of ours without an answer yet.

    credit: bytes that may still be sent to its address. next, until: when it is sent again, and
    when it is given up.
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
        """Its address has sent a check of `size` bytes."""
        self.nominated, self.priority = nominated or self.nominated, priority
        self.credit += AMPLIFICATION * size
        self.until, self.wait = now + CHECK_LIFETIME, CHECK_RETRY
        self.next = min(self.next, now + CHECK_RETRY)
        self.due(now)

    def due(self, now: float) -> None:
        """Puts it into the outbox if it is time and there is credit."""
        if now >= self.next and self.credit >= len(self.datagram):
            self.credit -= len(self.datagram)
            self.next, self.wait = now + self.wait, 2 * self.wait
            self.box.put(self.datagram, self.source)


class IceAgent:
    """One member's ICE agent.

    on_datagram: gets datagrams other than STUN from a confirmed address, and the time.
    on_selected: gets the address to send to and the outbox of its socket, at each change.
    heard: when the last authentic packet came from the member (monotonic seconds). The transport
        sets it as well.
    addresses: the confirmed ones, each with the credentials it answered under and the time.
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
        """Accepts checks under these credentials. Those in use stay valid until the new ones are
        used. Of several unused ones only the newest is kept.
        """
        used = list(self._keys.items())[:1] if self.selected is not None else []
        for name in self._keys.keys() - dict(used).keys():
            self._port.remove_ufrag(name)
        self._keys = dict(used)
        self._keys[local.ufrag] = CredentialPair(local, remote)
        self._port.add_ufrag(local.ufrag, self)

    def send(self, datagram: bytes) -> None:
        """Puts a datagram into the outbox. It leaves at the port's next `flush`."""
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
        """Sends the checks that are due. False once the address in use has not consented for
        `CONSENT_TIMEOUT`; nothing is sent from then on. To be called about every 100 ms."""
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
        """Takes a binding request with one of our user name fragments (RFC 8445 §7.3)."""
        counters = self._port.counters
        known = source in self.addresses
        if not (self._bucket if known else self._unconfirmed_bucket).take(now):
            counters.eager_checks += 1
            return
        keys = self._keys[ufrag]
        message = keys.read_check(datagram)
        if message is None:
            counters.bad_checks += 1
            return
        counters.checks += 1
        conflict = "ICE-CONTROLLED" in message.attributes
        if not conflict:
            nominated = "USE-CANDIDATE" in message.attributes
            priority = message.attributes.get("PRIORITY", 0)
            # Our check goes first, so that its answer comes before the member's next packets.
            self._check_back(source, box, keys, nominated, priority, len(datagram), now)
        if known:
            self.heard = now
        answer = keys.answer(message, source, conflict)
        if (pending := self._pending.get(source)) is not None:
            if pending.credit < len(answer):
                return
            pending.credit -= len(answer)
        elif not known and len(answer) > AMPLIFICATION * len(datagram):
            return
        box.put(answer, source)

    def answered(self, transaction: bytes, datagram: bytes, source: bytes, now: float) -> None:
        """Takes a binding response to a check of ours (RFC 8445 §7.2.5)."""
        if transaction == self._transaction:
            keys, asked = self._selected_keys, self.selected
        else:
            pending = next(
                (each for each in self._pending.values() if each.transaction == transaction), None
            )
            keys, asked = (pending.keys, pending.source) if pending else (None, None)
        if keys is None or asked != source or keys.read_answer(datagram) is None:
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
        """Checks an address if its answer could confirm it or change where to send to."""
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
        transaction, datagram = keys.check(self._tie_breaker)
        made = _PendingCheck(source, box, keys, transaction, datagram, False, 0, now, credit)
        self._pending[source] = made
        self._port.add_check(transaction, self)
        return made

    def _cancel_check(self, pending: _PendingCheck) -> None:
        self._pending.pop(pending.source, None)
        self._port.remove_check(pending.transaction)

    # --------------------------------------------------------------------------- addresses

    def _retire_older(self, keys: CredentialPair) -> None:
        """After an ICE restart: the first answer under the new credentials retires the old ones."""
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
        """Whether a nominated address of that priority replaces the one in use."""
        return priority >= self._priority or now - self._selected_at >= NOMINATED_FOR

    def _select(self, pending: _PendingCheck, now: float) -> None:
        """Chooses the address to send to: the nominated one; of several the one with the highest
        priority, as long as it is heard."""
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
        """To be called when another agent has confirmed this address for itself."""
        self.addresses.pop(address, None)

    # ----------------------------------------------------------------------------- consent

    def _check_consent(self, now: float) -> None:
        """Sends one consent check, each with its own transaction id (RFC 7675 §5.1)."""
        if self._selected_keys is None:
            return
        self._forget_transaction()
        self._transaction, datagram = self._selected_keys.check(self._tie_breaker)
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
