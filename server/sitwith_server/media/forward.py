"""Forwards packets along the current routes; without I/O, clock or chance.

A transport calls its `Port`; packets leave by the `send` that came with the session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sitwith_server.media.engine import Plan, Take, Voice
from sitwith_server.media.session import Session
from sitwith_server.room.model import MemberId

Send = Callable[[bytes, bool], None]
"""`send(packet, rtcp)`: plain RTP or RTCP to a member's transport. Must neither block nor raise."""

Mapped = Callable[[MemberId, Mapping[str, MemberId | None]], None]
"""`mapped(member, slots)`: that member's whole map has changed (`Watcher.mapped`)."""


class Port:
    """One member's end. Its calls never raise, whatever the bytes."""

    def on_rtp(self, packet: bytes, now: float) -> None:
        """A packet after SRTP (RFC 3550 §5)."""
        raise NotImplementedError

    def on_rtcp(self, packet: bytes, now: float) -> None:
        """A compound packet after SRTCP (RFC 3550 §6)."""
        raise NotImplementedError


class Forwarder:
    """One room's packets. `now` is monotonic seconds, of one clock for all calls."""

    def __init__(self, mapped: Mapped) -> None:
        raise NotImplementedError

    def add(self, member: MemberId, session: Session, send: Send, now: float) -> Port:
        """Replaces the member's earlier port, if there is one. `mapped` is told at once."""
        raise NotImplementedError

    def remove(self, member: MemberId, now: float) -> None:
        """From its return on nothing is sent to it, nor of it to others. Unknown: nothing."""
        raise NotImplementedError

    def apply(self, plan: Plan, now: float) -> bool:
        """Whether it was taken: not above the last `rev`, or of an older turn, is ignored."""
        raise NotImplementedError

    def silence(self) -> None:
        """No packet leaves until the next plan is taken."""
        raise NotImplementedError

    def take(self, member: MemberId, pictures: Take, now: float) -> None:
        raise NotImplementedError

    def tick(self, now: float) -> None:
        """About every 100 ms: reports, feedback, levels, key frames asked again."""
        raise NotImplementedError

    def voices(self, now: float) -> Mapping[MemberId, Voice]:
        raise NotImplementedError

    def refused(self) -> Mapping[str, int]:
        """How many packets were dropped, by fixed reason."""
        raise NotImplementedError
