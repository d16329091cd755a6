"""Forwards packets along the current routes, without I/O, clock or chance (DESIGN §6).

A transport calls its `Port`; packets leave by the `send` that came with the session. What a plan
doesn't allow is taken away before anything else is put on a slot, and before `apply` returns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sitwith_server.media import assign
from sitwith_server.media.engine import AUDIO_SLOTS, Plan, Take, Voice
from sitwith_server.media.port import Port, Send
from sitwith_server.media.session import Session
from sitwith_server.media.streams import PAUSE, REASONS, Talk
from sitwith_server.room.model import MemberId

__all__ = ["Forwarder", "Mapped", "Port", "Send"]

Mapped = Callable[[MemberId, Mapping[str, MemberId | None]], None]
"""`mapped(member, slots)`: that member's whole map, when it has changed (`Watcher.mapped`)."""

_TICKS: Final = 48_000


class Forwarder:
    """One room's packets. `now` is monotonic seconds, of one clock for all calls.

    most: voices that one receiver gets at the same time; of more the loudest.
    """

    def __init__(self, mapped: Mapped, most: int = AUDIO_SLOTS) -> None:
        self._mapped = mapped
        self._most = most
        self._ports: dict[MemberId, Port] = {}
        self._maps: dict[MemberId, dict[str, MemberId | None]] = {}
        self._talks: dict[MemberId, Talk] = {}
        self._counts = dict.fromkeys(REASONS, 0)
        self._plan: Plan | None = None
        self._rev = -1
        self._turn = -1
        self._crowded = False

    def add(self, member: MemberId, session: Session, send: Send, now: float) -> Port:
        """Replaces the member's earlier port, if there is one. `mapped` is told at once."""
        self._drop(member)
        talk = self._talks.setdefault(member, Talk())
        port = Port(member, session, send, self._counts, talk)
        self._ports[member] = port
        self._place(now)
        return port

    def remove(self, member: MemberId, now: float) -> None:
        """From its return on nothing is sent to it, nor of it to others. Unknown: nothing."""
        self._drop(member)
        self._place(now)

    def _drop(self, member: MemberId) -> None:
        port = self._ports.pop(member, None)
        self._maps.pop(member, None)
        if port is None:
            return
        port.shut()
        for other in self._ports.values():
            for slot in other.slots:
                if slot.member == member:
                    slot.put(None, None)

    def on_rtp(self, member: MemberId, packet: bytes, now: float) -> None:
        """`Port.on_rtp` of that member; unknown: nothing."""
        if (port := self._ports.get(member)) is not None:
            port.on_rtp(packet, now)

    def on_rtcp(self, member: MemberId, packet: bytes, now: float) -> None:
        if (port := self._ports.get(member)) is not None:
            port.on_rtcp(packet, now)

    def apply(self, plan: Plan, now: float) -> bool:
        """Whether it was taken: not above the last `rev`, or of an older turn, is ignored."""
        if plan.rev <= self._rev or plan.routes.turn < self._turn:
            return False
        self._rev, self._turn = plan.rev, plan.routes.turn
        self._plan = plan
        self._place(now)
        return True

    def silence(self) -> None:
        """No packet leaves until the next plan is taken."""
        self._plan = None
        for port in self._ports.values():
            port.shut()
        for port in self._ports.values():
            self._tell(port)

    def take(self, member: MemberId, pictures: Take, now: float) -> None:
        """What pictures this member takes from now on."""

    def tick(self, now: float) -> None:
        """About every 100 ms: reports, feedback, levels, key frames asked again."""
        if self._crowded:
            self._place(now)
        for port in self._ports.values():
            port.report(now)

    def voices(self, now: float) -> dict[MemberId, Voice]:
        """Of every member who has been forwarded at all."""
        return {
            member: Voice(talk.ticks / _TICKS, now - talk.last <= PAUSE)
            for member, talk in self._talks.items()
            if talk.ticks
        }

    def refused(self) -> Mapping[str, int]:
        """How many packets were dropped, by fixed reason."""
        return dict(self._counts)

    # ---------------------------------------------------------------------------------- placing

    def _place(self, now: float) -> None:
        """Makes the slots follow the plan: first everything that it takes away, then the rest."""
        heard = self._plan.routes.heard if self._plan is not None else {}
        for member, port in self._ports.items():
            for slot in port.slots:
                if slot.member is not None and member not in heard.get(slot.member, ()):
                    slot.put(None, None)
        crowded = False
        for member, port in self._ports.items():
            candidates = [
                assign.Candidate(other, stream.loudness, stream.spoke)
                for other, theirs in self._ports.items()
                if other != member
                and (stream := theirs.audio) is not None
                and member in heard.get(other, ())
            ]
            places = min(len(port.slots), self._most)
            crowded = crowded or len(candidates) > places
            on = {slot.spec.mid: slot.member for slot in port.slots}
            kept = frozenset(each for each in on.values() if each is not None)
            who = assign.chosen(candidates, places, kept, now)
            map_ = assign.place(on, who, {})
            for slot in port.slots:
                wanted = map_[slot.spec.mid]
                if slot.member != wanted:
                    stream = self._ports[wanted].audio if wanted is not None else None
                    slot.put(wanted, stream)
        self._crowded = crowded
        for port in self._ports.values():
            if port.audio is not None:
                port.audio.began = self._place if crowded else None
        for port in self._ports.values():
            self._tell(port)

    def _tell(self, port: Port) -> None:
        now = {slot.spec.mid: slot.member for slot in port.slots}
        if self._maps.get(port.member) != now:
            self._maps[port.member] = now
            self._mapped(port.member, now)
