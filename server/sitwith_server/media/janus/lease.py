"""The lease under which a Janus gateway forwards: its messages, and the ledger of its guard. Pure.

For each of its sessions a media node tells the guard for how long everything that the session may
forward is certainly allowed. It does so in each *round* of the guard, and this term counts from the
moment at which the guard began the round. So no clock is shared, and a message that was delayed,
held back or repeated extends nothing. The guard ends a session that no message names any more.

Both datagrams end with the first 16 bytes of an HMAC-SHA256 (RFC 2104) over the rest, keyed from
the secret of Janus' API.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from struct import Struct, error
from typing import Final

BOUND: Final = 1.0
"""Seconds from any single fault until silence."""
TAIL: Final = 0.3
"""Seconds of the bound that are reserved for ending a session."""
CONFIRM: Final = 0.2
"""Seconds within which Janus must have ended a session whose term is over; else it is killed."""
ROUND: Final = 0.15
"""Seconds between two rounds of a guard."""
FORGET: Final = 5.0
"""Seconds after which a silent node without sessions is forgotten."""
MAX_NODES: Final = 256
LIFE: Final = 8
NODE: Final = 16
NOBODY: Final = bytes(LIFE)

_MAC: Final = 16
_RENEWAL: Final = Struct("!4s16sQ8sQ?H")
_TERM: Final = Struct("!QI")
_ROUND: Final = Struct("!4s16s8sQQ?IH")
_SESSION: Final = Struct("!Q")
_FROM_NODE: Final = b"SwR1"
_FROM_GUARD: Final = b"SwG1"


@dataclass(frozen=True, slots=True)
class Renewal:
    """A node's message to a guard.

    node: its id, 16 bytes, new with each start. count: rises with each message of the node.
    life, began: of the guard's round that the terms count from; `NOBODY` and 0 before the first.
    asks: whether the guard should begin another round for this node at once.
    terms: by session id, the milliseconds from `began` for which the session may go on. A session
        that is not named must end.
    """

    node: bytes
    count: int
    life: bytes
    began: int
    asks: bool
    terms: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Round:
    """A guard's message to one node.

    life: the id of this run of Janus, 8 random bytes. began: microseconds of the guard's clock.
    count: of the node's latest message that has arrived. ready: whether Janus runs and answers.
    bound: the guard's bound, milliseconds.
    over: sessions that the node's latest message named and that have ended.
    """

    node: bytes
    life: bytes
    began: int
    count: int
    ready: bool
    bound: int
    over: tuple[int, ...]


class GuardCodec:
    """Writes, signs, checks and reads both messages, with one secret."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"sitwith janus guard", sha256)

    def renewal(self, message: Renewal) -> bytes:
        head = (
            message.node,
            message.count,
            message.life,
            message.began,
            message.asks,
            len(message.terms),
        )
        terms = b"".join(_TERM.pack(*each) for each in message.terms.items())
        return self._sealed(_RENEWAL.pack(_FROM_NODE, *head) + terms)

    def round(self, message: Round) -> bytes:
        head = (
            message.node,
            message.life,
            message.began,
            message.count,
            message.ready,
            message.bound,
        )
        over = b"".join(_SESSION.pack(each) for each in message.over)
        return self._sealed(_ROUND.pack(_FROM_GUARD, *head, len(message.over)) + over)

    def read_renewal(self, data: bytes) -> Renewal | None:
        """None: it is no such message, or not signed with the secret."""
        body = self._opened(data)
        try:
            kind, node, count, life, began, asks, many = _RENEWAL.unpack_from(body)
            terms = dict(_TERM.iter_unpack(body[_RENEWAL.size :]))
        except error:
            return None
        if kind != _FROM_NODE or len(terms) != many:
            return None
        return Renewal(node, count, life, began, asks, terms)

    def read_round(self, data: bytes) -> Round | None:
        """None: it is no such message, or not signed with the secret."""
        body = self._opened(data)
        try:
            kind, node, life, began, count, ready, bound, many = _ROUND.unpack_from(body)
            over = tuple(each for (each,) in _SESSION.iter_unpack(body[_ROUND.size :]))
        except error:
            return None
        if kind != _FROM_GUARD or len(over) != many:
            return None
        return Round(node, life, began, count, ready, bound, over)

    def _sealed(self, body: bytes) -> bytes:
        return body + hmac.digest(self._key, body, sha256)[:_MAC]

    def _opened(self, data: bytes) -> bytes:
        body, mac = data[:-_MAC], data[-_MAC:]
        right = hmac.digest(self._key, body, sha256)[:_MAC]
        return body if hmac.compare_digest(mac, right) else b""


@dataclass(slots=True)
class _Hold:
    """A session at Janus. end: of its term, seconds. over: it must end and can't be renewed."""

    node: bytes
    end: float
    over: bool = False


@dataclass(slots=True)
class _Node:
    """count, heard: of its latest message. over: its sessions that have ended."""

    count: int
    heard: float
    over: set[int] = field(default_factory=set)


class Ledger:
    """Which sessions of one run of Janus may go on, and until when. Times are seconds of one clock.

    bound: seconds. Terms are cut to the bound minus `TAIL`.
    """

    def __init__(self, life: bytes, bound: float = BOUND) -> None:
        self.life = life
        self._term = bound - TAIL
        self._nodes: dict[bytes, _Node] = {}
        self._holds: dict[int, _Hold] = {}

    def take(self, message: Renewal, now: float) -> bool:
        """Takes a node's message. False: it is ignored, because a newer one has come, or because
        there are too many nodes."""
        node = self._nodes.get(message.node)
        if node is None:
            if len(self._nodes) >= MAX_NODES:
                return False
            node = self._nodes[message.node] = _Node(0, now)
        if message.count <= node.count:
            return False
        node.count, node.heard = message.count, now
        if message.life == self.life and message.began / 1e6 <= now:
            self._follow(message, node, now)
        return True

    def restart(self, life: bytes) -> None:
        """Janus has restarted, so no session is left."""
        self.life = life
        self._holds.clear()
        for node in self._nodes.values():
            node.over.clear()

    def _follow(self, message: Renewal, node: _Node, now: float) -> None:
        self.due(now)
        for session, hold in self._holds.items():
            if hold.node == message.node and session not in message.terms:
                hold.over = True
        node.over.intersection_update(message.terms)
        for session, term in message.terms.items():
            known = self._holds.get(session)
            if known is None and session not in node.over:
                known = self._holds[session] = _Hold(message.node, now)
            if known is not None and known.node == message.node and not known.over:
                known.end = message.began / 1e6 + min(term / 1e3, self._term)

    def due(self, now: float) -> list[int]:
        """Sessions that must end. Once a session is due, it stays due."""
        for hold in self._holds.values():
            hold.over = hold.over or hold.end <= now
        return [session for session, hold in self._holds.items() if hold.over]

    def late(self, now: float) -> bool:
        """Whether Janus has not yet ended a session that is over for longer than `CONFIRM`."""
        return any(hold.end + CONFIRM <= now for hold in self._holds.values())

    def ended(self, sessions: Iterable[int]) -> None:
        """Janus has ended these sessions."""
        for session in sessions:
            hold = self._holds.pop(session, None)
            if hold is not None and hold.node in self._nodes:
                self._nodes[hold.node].over.add(session)

    def over(self, node: bytes) -> list[int]:
        """The sessions that the node's latest message named and that have ended."""
        return sorted(self._nodes[node].over) if node in self._nodes else []

    def count(self, node: bytes) -> int:
        """The count of the node's latest message; 0: none."""
        return self._nodes[node].count if node in self._nodes else 0

    def nodes(self, now: float) -> Collection[bytes]:
        """The nodes to send a round to. Forgets those that are gone."""
        holding = {hold.node for hold in self._holds.values()}
        self._nodes = {
            each: node
            for each, node in self._nodes.items()
            if each in holding or now - node.heard < FORGET
        }
        return list(self._nodes)
