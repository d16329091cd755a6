"""The contract of an engine, which forwards packets along a room's routes and no others.

An engine knows members by their seat ids and of the room only its routes. Without a plan, and after
`silence`, it forwards nothing. `tests/media` has one contract suite that every engine passes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from sitwith_server.room.media.routes import Routes
from sitwith_server.room.model import MemberId


class OfferRefused(ValueError):
    """An offer that can't be answered.

    `reason` is a fixed word (`too_long`, `malformed`, `no_bundle`, `too_many_slots`, `no_codec`,
    `no_ssrc`, `busy` …) and never quotes the offer.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the offer was refused: {reason}")
        self.reason = reason


class EngineDown(ConnectionError):
    """The engine can't do it now, for instance because a Janus gateway can't be reached. Nothing
    was changed (but see `MediaRoom.apply`), and what can't be controlled does not forward."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The routes of one state of the room.

    rev: rises with every plan that the room's reconciler makes. An engine ignores a plan whose
        `rev` is not above the last one's, and one whose `routes.turn` (the floor's fencing number)
        is below the highest it has seen. So nothing that was taken away comes back late.
    """

    rev: int
    routes: Routes


class PictureChoice(Enum):
    """Which pictures a member receives: chosen by the person, or because of a slow network."""

    NONE = "none"
    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Speech:
    """How long one member was forwarded speaking since the room was opened on this engine.

    seconds: of speech that was forwarded to at least one receiver.
    speaking: whether there was any within the last half second.
    """

    seconds: float
    speaking: bool


class Watcher(Protocol):
    """Called by the engine from the event loop. Must not block or raise."""

    def slots_changed(self, member: MemberId, slots: Mapping[str, MemberId | None]) -> None:
        """The whole map of `member`'s receive slots, by mid: who is on which one now."""
        ...

    def connected(self, member: MemberId) -> None:
        """The member's transport is up (ICE and DTLS are done)."""
        ...

    def lost(self, member: MemberId) -> None:
        """The member's transport has ended, and not by `drop` or a newer offer."""
        ...


class MediaRoom(Protocol):
    """One room on an engine."""

    async def answer(self, member: MemberId, sdp: str) -> str:
        """Answers an offer. Replaces the member's transport, unless the offer is an ICE restart of
        it (same fingerprint, new credentials: RFC 8445 §9, RFC 8839 §5.4).

        An engine that can't send and receive on one transport refuses an offer that does both with
        `two_transports`. The member then makes two connections, one whose offer only sends and one
        whose offer only receives. Each offer replaces the transport of its own direction.
        `slots_changed` names mids of the receiving one. When either is lost, both are.

        Raises:
            OfferRefused: nothing was changed.
            EngineDown: nothing was changed.
        """
        ...

    async def apply(self, plan: Plan) -> None:
        """Applies a plan. Once it returns, no packet leaves that the plan doesn't allow. An engine
        that forwards packets itself ensures this before its first await.

        Raises:
            EngineDown: routes that the plan takes away may stay open until `silence`, or until the
                engine's own lease runs out.
        """
        ...

    def silence(self) -> None:
        """Stops forwarding at once, until the next plan. Never fails. An engine with Janus gateways
        tells them at once, and ends its session on one that does not confirm."""
        ...

    def lease(self, until: float) -> None:
        """Lets the plan hold until this moment (`time.monotonic()`) and no longer. An engine that
        forwards packets itself compares the clock before each one, so that a process that was
        stopped forwards nothing when it resumes. Without a call the plan holds forever. Never
        fails."""
        ...

    def choose_pictures(self, member: MemberId, pictures: PictureChoice) -> None:
        """Sets which pictures this member receives; `HIGH` at first."""
        ...

    async def drop(self, member: MemberId) -> None:
        """Ends the member's transport, if there is one."""
        ...

    def speech(self) -> Mapping[MemberId, Speech]:
        """The forwarded speech of every member who was forwarded at all."""
        ...

    def forget_others(self, members: Collection[MemberId]) -> None:
        """Forgets everything about all others who have no transport: choices of pictures, seconds
        of speech, rate limits. Never fails."""
        ...

    async def close(self) -> None: ...


class Engine(Protocol):
    """Opens rooms. A process has one."""

    async def open(self, room: str, watcher: Watcher) -> MediaRoom:
        """Opens a room, without members and silent.

        Raises:
            EngineDown: it can't be opened now.
            ValueError: it is open already.
        """
        ...

    def load(self) -> float:
        """How full this engine is, 0 (idle) to 1 (takes no further room)."""
        ...

    def is_healthy(self) -> bool:
        """Whether its loops still run; see `loops.Loop.is_healthy`. Called by the node alone, at
        even intervals. The node closes an unhealthy engine and another one is made."""
        ...

    async def close(self) -> None: ...
