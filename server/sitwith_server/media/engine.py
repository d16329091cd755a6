"""The engine's contract: what moves packets, and only those that the room's routes allow.

An engine knows members by their seat ids and nothing of the room but its routes. It starts silent
and falls silent: without a plan, and after `silence`, nothing is forwarded. `tests/media` holds one
contract suite that every engine passes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from sitwith_server.room.media.routes import Routes
from sitwith_server.room.model import MemberId

MAX_SDP: Final = 32_768
"""Bytes of an offer."""

AUDIO_SLOTS: Final = 11
VIDEO_SLOTS: Final = 6
"""Receive slots of one connection at most; of more voices the loudest are forwarded."""


class OfferRefused(ValueError):
    """An offer that can't be answered.

    `reason` is a fixed word (`too_long`, `malformed`, `no_bundle`, `too_many_slots`, `no_codec`,
    `no_ssrc`, `busy` …) and never repeats anything of the offer.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the offer was refused: {reason}")
        self.reason = reason


class EngineDown(ConnectionError):
    """The engine can't do it now (a gateway behind it is away). Nothing was changed, and what can't
    be controlled is not forwarding."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The routes of one state of the room.

    rev: rises with every plan that the room's reconciler makes; an engine ignores one that is not
        above the last it was given, and one whose `routes.turn` is below the highest it has seen
        (the floor's fencing number), so that nothing that was taken away comes back late.
    """

    rev: int
    routes: Routes


class Take(Enum):
    """What pictures a member's own device takes: a choice of the person or of a weak line."""

    NONE = "none"
    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Voice:
    """What was really forwarded of one member since the connection's room was opened.

    seconds: of speech (packets with voice in them that went to at least one listener).
    speaking: whether that was so within the last half second.
    """

    seconds: float
    speaking: bool


class Watcher(Protocol):
    """Told by the engine, from the event loop; must not block or raise."""

    def mapped(self, member: MemberId, slots: Mapping[str, MemberId | None]) -> None:
        """Who is on which receive slot (by mid) of `member` just now: always the whole map."""
        ...

    def connected(self, member: MemberId) -> None:
        """The member's transport is up (ICE and DTLS are done)."""
        ...

    def lost(self, member: MemberId) -> None:
        """The member's transport is gone, and not because of `drop` or a newer offer."""
        ...


class MediaRoom(Protocol):
    """One room on an engine."""

    async def answer(self, member: MemberId, sdp: str) -> str:
        """The answer to an offer; replaces the member's transport, unless the offer is an ICE
        restart of it (same fingerprint, new credentials: RFC 8445 §9, RFC 8839 §5.4).

        An engine that can't send and receive on one transport refuses an offer that does both by
        `two_transports`. The member then makes two connections: one whose offer only sends and one
        that only receives. Each offer replaces the transport of its own direction, `mapped` names
        mids of the receiving one, and when either is lost, both are.

        Raises:
            OfferRefused: nothing was changed.
            EngineDown: nothing was changed.
        """
        ...

    async def apply(self, plan: Plan) -> None:
        """From its return on no packet leaves that the plan doesn't allow. An implementation that
        moves packets itself has done so before it first suspends.

        Raises:
            EngineDown: routes that the plan takes away may be open until `silence` or the
                engine's own lease has ended them.
        """
        ...

    def silence(self) -> None:
        """Forwards nothing from now on, until the next plan. Never fails. An engine that steers
        gateways tells them at once, and ends its hold on one that does not confirm it."""
        ...

    def lease(self, until: float) -> None:
        """The plan is good until this moment (`time.monotonic()`), whatever happens: an engine that
        moves packets itself looks before it forwards one, so that a process that was stopped for a
        while forwards nothing when it wakes. Without a call there is no such end. Never fails."""
        ...

    def take(self, member: MemberId, pictures: Take) -> None:
        """What pictures this member takes from now on; `HIGH` at first."""
        ...

    async def drop(self, member: MemberId) -> None:
        """Ends the member's transport, if there is one."""
        ...

    def voices(self) -> Mapping[MemberId, Voice]:
        """Of every member who has been forwarded at all."""
        ...

    def keep(self, members: Collection[MemberId]) -> None:
        """Forgets whatever it remembers of anybody else who has no transport: takes, sums, bounds.
        Never fails."""
        ...

    async def close(self) -> None: ...


class Engine(Protocol):
    """Opens rooms. One of a process."""

    async def open(self, room: str, watcher: Watcher) -> MediaRoom:
        """A room without members, silent. Raises `EngineDown`; ValueError if it is open already."""
        ...

    def load(self) -> float:
        """How full this engine is, 0 (idle) to 1 (takes no further room)."""
        ...

    def well(self) -> bool:
        """Whether all that it does by itself goes on as it should. Asked by its node alone, at even
        intervals; an engine that isn't well is closed, and another one made."""
        ...

    async def close(self) -> None: ...
