"""What a Janus gateway is known to do, and what a plan wants of it: values and pure choices.

A *speaker* is a publisher at Janus, with a gate for each medium (`moderate`). A *listener*
is a member's subscription: a fixed row of slots, each fed by a placeholder or by one speaker
(`switch`). A packet passes where the gate is open and a listener's slot holds the speaker.
Whatever was asked for and not yet confirmed counts as possible.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sitwith_server.media.engine import PictureChoice, Speech
from sitwith_server.media.sdp.offer import Offer
from sitwith_server.media.sdp.session import Medium
from sitwith_server.room.model import MemberId

FRESH: Final = 0.5
"""Seconds for which somebody counts as speaking after the last sound."""


@dataclass(slots=True, eq=False)
class Leg:
    """One of a member's transports: a handle at the gateway.

    offer: as answered, narrowed; line: id and version of the answer's o= line.
    """

    member: MemberId
    handle: int
    offer: Offer
    line: tuple[int, int]
    up: bool = False
    gone: bool = False
    """It is ended or about to be, and counts for no route."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while its handle is asked for anything: Janus 1.1 may crash where requests to a handle
    cross with its end."""


@dataclass(slots=True, eq=False)
class Speaker(Leg):
    """feed: Janus' id of the publisher; mids: of what is sent.

    open: by medium, whether packets may pass the gate; None while a change is under way.
    talking: Janus heard a voice; receiving: packets come at all.
    """

    feed: str = ""
    mids: Mapping[Medium, str] = field(default_factory=dict)
    open: dict[Medium, bool | None] = field(default_factory=dict)
    layered: bool = False
    talking: bool = False
    receiving: bool = True

    @property
    def voiced(self) -> bool:
        """Whether they speak just now. Janus judges packets alone, and none is no judgement."""
        return self.talking and self.receiving


@dataclass(slots=True, eq=False)
class Slot:
    """holds: who feeds it for sure; coming: who may feed it already, while `moving`.

    layer: the picture layer it was told to take, None for Janus' own choice (the largest).
    """

    mid: str
    index: int
    medium: Medium
    holds: Speaker | None = None
    coming: Speaker | None = None
    layer: int | None = None

    def may_hold(self) -> Iterable[Speaker]:
        if self.holds is not None:
            yield self.holds
        if self.coming is not None and self.coming is not self.holds:
            yield self.coming


@dataclass(slots=True, eq=False)
class Listener(Leg):
    """answer: what Janus was told of the member's end, and is told again when it asks."""

    slots: tuple[Slot, ...] = ()
    answer: str = ""
    take: PictureChoice = PictureChoice.HIGH
    told: Mapping[str, MemberId | None] = field(default_factory=dict)


Audience = Callable[[Speaker, Medium], frozenset[MemberId]]
"""The listeners whom the plan lets have a speaker's sound or picture."""


def leaks(speakers: Iterable[Speaker], listeners: Iterable[Listener], audience: Audience) -> bool:
    """Whether a packet may still pass that the plan doesn't allow."""
    granted = {(s, m): audience(s, m) for s in speakers for m in s.mids}
    return any(
        speaker.open.get(slot.medium) is not False
        and listener.member not in granted.get((speaker, slot.medium), ())
        for listener in listeners
        for slot in listener.slots
        for speaker in slot.may_hold()
    )


def wants_open(
    speaker: Speaker, medium: Medium, listeners: Iterable[Listener], audience: Audience
) -> bool:
    """Whether the gate should be open.

    It is not opened while a slot may hold the speaker for somebody outside the audience. An open
    gate isn't closed for that: the slot is being moved, and the others must not be cut off.
    """
    granted = audience(speaker, medium)
    if not granted or speaker.open[medium]:
        return bool(granted)
    return not any(
        speaker in slot.may_hold() and listener.member not in granted
        for listener in listeners
        for slot in listener.slots
        if slot.medium is medium
    )


def changes(
    listener: Listener, speakers: Iterable[Speaker], audience: Audience
) -> list[tuple[Slot, Speaker | None]]:
    """What to feed which slots with now; None is the placeholder. Slots keep whom they hold.

    Whom nobody is to hear stays on the slot behind a gate that is closed or closing, so that a
    talking stick goes round without a switch; they make room when another needs the slot. With more
    voices than slots those who talk take the place of those who don't.
    """
    found: list[tuple[Slot, Speaker | None]] = []
    everybody = list(speakers)
    for medium in Medium:
        row = [slot for slot in listener.slots if slot.medium is medium]
        taken = medium is Medium.AUDIO or listener.take is not PictureChoice.NONE
        granted = {s: audience(s, medium) for s in everybody if medium in s.mids}
        wanted = [s for s, to in granted.items() if taken and listener.member in to]
        feeds = {slot: slot.holds for slot in row}
        for slot, speaker in feeds.items():
            if speaker is None or speaker in wanted:
                continue
            if speaker.gone or not taken or granted.get(speaker):
                feeds[slot] = None
        for speaker in sorted(wanted, key=lambda s: not s.voiced):
            if speaker in feeds.values():
                continue
            place = _place(feeds, wanted, speaker)
            if place is not None:
                feeds[place] = speaker
        found += [(slot, speaker) for slot, speaker in feeds.items() if speaker is not slot.holds]
    return found


def _place(
    feeds: Mapping[Slot, Speaker | None], wanted: list[Speaker], speaker: Speaker
) -> Slot | None:
    """Where a speaker goes: to a free slot, a sleeper's, or, when talking, a silent one's."""
    for slot, other in feeds.items():
        if other is None:
            return slot
    for slot, other in feeds.items():
        if other not in wanted:
            return slot
    if speaker.voiced:
        for slot, other in feeds.items():
            if other is not None and not other.voiced:
                return slot
    return None


def mapping(listener: Listener, audience: Audience) -> dict[str, MemberId | None]:
    """Who is on which slot, as far as the listener may know it."""
    found: dict[str, MemberId | None] = {}
    for slot in listener.slots:
        speaker = slot.holds
        shown = (
            speaker is not None
            and slot.coming is None
            and not speaker.gone
            and listener.member in audience(speaker, slot.medium)
        )
        found[slot.mid] = speaker.member if shown and speaker is not None else None
    return found


def layer(listener: Listener, slot: Slot) -> int | None:
    """The picture layer that a slot should be told to take; None leaves it to Janus."""
    layered = slot.holds is not None and slot.holds.layered
    return 0 if layered and listener.take is PictureChoice.LOW else None


class Meter:
    """Adds up speech that reached somebody, from Janus' word of who talks. Seconds, monotonic."""

    def __init__(self) -> None:
        self._seconds: dict[MemberId, float] = {}
        self._heard: dict[MemberId, float] = {}
        self._running: frozenset[MemberId] = frozenset()
        self._at = 0.0

    def run(self, talking: Iterable[MemberId], now: float) -> None:
        """From now on these are heard by somebody; until now those of the last call were."""
        for member in self._running:
            self._seconds[member] += now - self._at
            self._heard[member] = now
        self._running = frozenset(talking)
        for member in self._running:
            self._seconds.setdefault(member, 0.0)
            self._heard[member] = now
        self._at = now

    def forget_others(self, members: Collection[MemberId]) -> None:
        """Forgets everybody else who is not heard just now."""
        stays = self._running | set(members)
        for table in (self._seconds, self._heard):
            for member in table.keys() - stays:
                del table[member]

    def speech(self, now: float) -> dict[MemberId, Speech]:
        """Call `run` first."""
        return {
            member: Speech(seconds, now - self._heard[member] <= FRESH)
            for member, seconds in self._seconds.items()
        }
