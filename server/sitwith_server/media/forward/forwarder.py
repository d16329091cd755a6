"""Forwards a room's packets along its routes (ME*). Pure: no I/O, and times are given.

A transport calls its member's `Port`, and packets leave by the `send` that was given with the
session. What a plan doesn't allow is taken off the slots before anything is put on them, and before
`apply` returns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

from sitwith_server.media.engine import PictureChoice, Plan, Speech
from sitwith_server.media.forward import assign
from sitwith_server.media.forward.port import Port, Send
from sitwith_server.media.forward.streams import REASONS, SPEECH_PAUSE, ForwardedSpeech
from sitwith_server.media.limits import AUDIO_SLOTS
from sitwith_server.media.sdp.session import Session
from sitwith_server.room.model import MemberId

__all__ = ["Forwarder", "Port", "Send", "SlotsChanged"]

SlotsChanged = Callable[[MemberId, Mapping[str, MemberId | None]], None]
"""`slots_changed(member, slots)`: a member's whole map, each time it changes (`Watcher`)."""

_TICKS: Final = 48_000
LAYERS: Final = 1.0
"""Seconds between two choices of everybody's layers."""
CROWDED: Final = 0.5
"""Seconds between two choices of who gets a slot, while there are too few slots and nobody begins
to speak. A choice costs as much as forwarding some hundred packets."""

_Allowed = Mapping[MemberId, frozenset[MemberId]]
_NOBODY: Final[_Allowed] = {}


class Forwarder:
    """One room's packets. `now` is monotonic seconds, of the same clock for all calls.

    max_voices: the most voices that one receiver gets at once; if more speak, the loudest.
    ceiling: the most bits/s of video that one member should send.
    """

    def __init__(
        self, slots_changed: SlotsChanged, max_voices: int = AUDIO_SLOTS, ceiling: int = 1_500_000
    ) -> None:
        self.until = float("inf")
        self._slots_changed = slots_changed
        self._max_voices = max_voices
        self._ceiling = ceiling
        self._ports: dict[MemberId, Port] = {}
        self._maps: dict[MemberId, dict[str, MemberId | None]] = {}
        self._speech: dict[MemberId, ForwardedSpeech] = {}
        self._takes: dict[MemberId, PictureChoice] = {}
        self._counts = dict.fromkeys(REASONS, 0)
        self._plan: Plan | None = None
        self._rev = -1
        self._turn = -1
        self._lapsed = False
        self._crowded = False
        self._crowded_next = float("-inf")
        self._layers_next = float("-inf")

    # ----------------------------------------------------------------------------- interface

    def add(self, member: MemberId, session: Session, send: Send, now: float) -> Port:
        """Replaces the member's earlier port, if there is one. Calls `slots_changed` at once."""
        self._drop(member)
        talk = self._speech.setdefault(member, ForwardedSpeech())
        port = Port(member, session, send, self, self._counts, talk, self._ceiling)
        self._ports[member] = port
        self._place(now)
        return port

    def remove(self, member: MemberId, now: float) -> None:
        """Removes a member, if known. Once this returns, nothing is sent to or from them."""
        if member in self._ports:
            self._drop(member)
            self._place(now)

    def on_rtp(self, member: MemberId, packet: bytes, now: float) -> None:
        """Calls `Port.on_rtp` of that member, if known."""
        if (port := self._ports.get(member)) is not None:
            port.on_rtp(packet, now)

    def on_rtcp(self, member: MemberId, packet: bytes, now: float) -> None:
        if (port := self._ports.get(member)) is not None:
            port.on_rtcp(packet, now)

    def apply(self, plan: Plan, now: float) -> bool:
        """Applies a plan. False: it was ignored, because its `rev` is not above the last one's or
        its turn is older."""
        if plan.rev <= self._rev or plan.routes.turn < self._turn:
            return False
        self._rev, self._turn = plan.rev, plan.routes.turn
        self._plan = plan
        self._place(now)
        return True

    def silence(self) -> None:
        """Lets no packet leave until the next plan."""
        self._plan = None
        for port in self._ports.values():
            port.clear_slots()
        for port in self._ports.values():
            self._report_slots(port)

    def lease(self, until: float) -> None:
        """Lets the plan hold until then, which is compared before each packet. A later lease
        restores the plan at the next tick."""
        self.until = until

    def lapse(self, now: float) -> None:
        """To be called when the lease has run out."""
        if not self._lapsed:
            self._place(now)

    def choose_pictures(self, member: MemberId, pictures: PictureChoice, now: float) -> None:
        """Sets which pictures this member receives, on this and later connections."""
        if self._takes.get(member, PictureChoice.HIGH) is not pictures:
            self._takes[member] = pictures
            self._place(now)

    def tick(self, now: float) -> None:
        """To be called about every 100 ms: reports, feedback, layers, repeated requests for key
        frames and lost packets."""
        if now >= self.until:
            self.lapse(now)
        elif self._lapsed or (self._crowded and now >= self._crowded_next):
            self._place(now)
        if now >= self._layers_next:
            self._choose_layers(now)
        for port in self._ports.values():
            port.tick(now)

    def speech(self, now: float) -> dict[MemberId, Speech]:
        """The forwarded speech of every member who was forwarded at all."""
        return {
            member: Speech(talk.ticks / _TICKS, now - talk.last <= SPEECH_PAUSE)
            for member, talk in self._speech.items()
            if talk.ticks
        }

    def forget_others(self, members: Collection[MemberId]) -> None:
        """Forgets the choice of pictures and the speech of all others who have no port."""
        stays = self._ports.keys() | members
        for table in (self._takes, self._speech):
            for member in table.keys() - stays:
                del table[member]

    def dropped(self) -> Mapping[str, int]:
        """How many packets were dropped, by reason (`streams.REASONS`)."""
        return dict(self._counts)

    # --------------------------------------------------------------------------------- slots

    def _drop(self, member: MemberId) -> None:
        port = self._ports.pop(member, None)
        if port is None:
            return
        self._maps.pop(member, None)
        port.clear_slots()
        for other in self._ports.values():
            for voice in other.audio_slots:
                if voice.member == member:
                    voice.put(None)
            for picture in other.video_slots:
                if picture.member == member:
                    picture.put(None)

    def _place(self, now: float) -> None:
        """Makes the slots follow the plan: first takes away what it doesn't allow, then the
        rest."""
        heard = seen = _NOBODY
        self._lapsed = now >= self.until
        if self._plan is not None and not self._lapsed:
            heard, seen = self._plan.routes.heard, self._plan.routes.seen
        for member, port in self._ports.items():
            for voice in port.audio_slots:
                if voice.member is not None and member not in heard.get(voice.member, ()):
                    voice.put(None)
            for picture in port.video_slots:
                if picture.member is not None and member not in seen.get(picture.member, ()):
                    picture.put(None)
        self._crowded = False
        self._crowded_next = now + CROWDED
        for member, port in self._ports.items():
            self._place_voices(member, port, heard, now)
            self._place_pictures(member, port, seen, now)
        for port in self._ports.values():
            if port.audio is not None:
                port.audio.on_speech_began = self._place if self._crowded else None
        self._choose_layers(now)
        for port in self._ports.values():
            self._report_slots(port)

    def _candidates(
        self, member: MemberId, allowed: _Allowed, pictures: bool, now: float
    ) -> list[assign.Candidate]:
        found = []
        for other, port in self._ports.items():
            if other == member or member not in allowed.get(other, ()):
                continue
            if not (port.video_layers if pictures else port.audio):
                continue
            spoke = port.audio.spoke if port.audio is not None else float("-inf")
            loudness = port.audio.loudness if port.audio is not None else 0.0
            if pictures and not any(layer.alive(now) for layer in port.video_layers):
                spoke, loudness = float("-inf"), -1.0
            found.append(assign.Candidate(other, loudness, spoke))
        return found

    def _place_voices(self, member: MemberId, port: Port, heard: _Allowed, now: float) -> None:
        near = {
            slot.member: port.audio_slots[i].spec.mid
            for i, slot in enumerate(port.video_slots[: len(port.audio_slots)])
            if slot.member is not None
        }
        candidates = self._candidates(member, heard, False, now)
        places = min(len(port.audio_slots), self._max_voices)
        self._crowded |= len(candidates) > places
        on = {slot.spec.mid: slot.member for slot in port.audio_slots}
        who = assign.choose_members(candidates, places, frozenset(filter(None, on.values())), now)
        wanted = assign.assign_slots(on, who, near)
        moved = [slot for slot in port.audio_slots if slot.member != wanted[slot.spec.mid]]
        for slot in moved:
            slot.put(None)
        for slot in moved:
            if (other := wanted[slot.spec.mid]) is not None:
                slot.put(other, self._ports[other].audio)

    def _place_pictures(self, member: MemberId, port: Port, seen: _Allowed, now: float) -> None:
        near = {
            slot.member: port.video_slots[i].spec.mid
            for i, slot in enumerate(port.audio_slots[: len(port.video_slots)])
            if slot.member is not None
        }
        candidates = self._candidates(member, seen, True, now)
        places = len(port.video_slots)
        if self._takes.get(member) is PictureChoice.NONE:
            places = 0
        else:
            self._crowded |= len(candidates) > places > 0
        on = {slot.spec.mid: slot.member for slot in port.video_slots}
        # A camera that is off doesn't keep its slot.
        kept = frozenset(each.member for each in candidates if each.loudness >= 0)
        who = assign.choose_members(candidates, places, kept & {*on.values()}, now)
        wanted = assign.assign_slots(on, who, near)
        moved = [slot for slot in port.video_slots if slot.member != wanted[slot.spec.mid]]
        for slot in moved:
            slot.put(None)
        for slot in moved:
            if (other := wanted[slot.spec.mid]) is not None:
                slot.put(other)

    def _choose_layers(self, now: float) -> None:
        """Chooses each picture's layer from the member's choice and the receiver's bandwidth."""
        self._layers_next = now + LAYERS
        for member, port in self._ports.items():
            shown = []
            for slot in port.video_slots:
                if slot.member is None:
                    continue
                other = self._ports[slot.member]
                spoke = other.audio.spoke if other.audio is not None else float("-inf")
                layers = [
                    each for each in other.video_layers if each.alive(now)
                ] or other.video_layers[:1]
                shown.append((-spoke, slot.spec.mid, slot, layers))
            shown.sort(key=lambda each: each[:2])
            port.bandwidth.tick(sum(layers[-1].rate for _, _, _, layers in shown), now)
            levels = assign.choose_layers(
                [[layer.rate for layer in layers] for _, _, _, layers in shown],
                [
                    layers.index(slot.shown) if slot.shown in layers else 0
                    for _, _, slot, layers in shown
                ],
                self._takes.get(member, PictureChoice.HIGH) is PictureChoice.HIGH,
                port.bandwidth.limit,
            )
            for (_, _, slot, layers), level in zip(shown, levels, strict=True):
                slot.want(layers[level], now)

    def _report_slots(self, port: Port) -> None:
        now = {slot.spec.mid: slot.member for slot in (*port.audio_slots, *port.video_slots)}
        if self._maps.get(port.member) != now:
            self._maps[port.member] = now
            self._slots_changed(port.member, now)
