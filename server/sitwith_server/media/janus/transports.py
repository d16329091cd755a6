"""What a Janus gateway is known to do, and what a plan wants of it: values and pure choices.

A *publisher* is a publisher at Janus, with a gate for each medium (`moderate`). A *subscriber*
is a member's subscription: a fixed row of slots, each fed by a placeholder or by one publisher
(`switch`). A packet passes where the gate is open and a subscriber's slot current the publisher.
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
class JanusTransport:
    """One of a member's transports: a handle at the gateway.

    offer: as answered, narrowed; line: id and version of the answer's o= line.
    """

    member: MemberId
    handle: int
    offer: Offer
    origin: tuple[int, int]
    up: bool = False
    gone: bool = False
    """It is ended or about to be, and counts for no route."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while its handle is asked for anything: Janus 1.1 may crash where requests to a handle
    cross with its end."""


@dataclass(slots=True, eq=False)
class Publisher(JanusTransport):
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
class SubscribedSlot:
    """current: who feeds it for sure; pending: who may feed it already, while `moving`.

    layer: the picture layer it was told to take, None for Janus' own choice (the largest).
    """

    mid: str
    index: int
    medium: Medium
    current: Publisher | None = None
    pending: Publisher | None = None
    layer: int | None = None

    def possible(self) -> Iterable[Publisher]:
        if self.current is not None:
            yield self.current
        if self.pending is not None and self.pending is not self.current:
            yield self.pending


@dataclass(slots=True, eq=False)
class Subscriber(JanusTransport):
    """answer: what Janus was told of the member's end, and is told again when it asks."""

    slots: tuple[SubscribedSlot, ...] = ()
    answer: str = ""
    take: PictureChoice = PictureChoice.HIGH
    told: Mapping[str, MemberId | None] = field(default_factory=dict)


Audience = Callable[[Publisher, Medium], frozenset[MemberId]]
"""The subscribers whom the plan lets have a publisher's sound or picture."""


def leaks(
    publishers: Iterable[Publisher], subscribers: Iterable[Subscriber], audience: Audience
) -> bool:
    """Whether a packet may still pass that the plan doesn't allow."""
    granted = {(s, m): audience(s, m) for s in publishers for m in s.mids}
    return any(
        publisher.open.get(slot.medium) is not False
        and subscriber.member not in granted.get((publisher, slot.medium), ())
        for subscriber in subscribers
        for slot in subscriber.slots
        for publisher in slot.possible()
    )


def wants_open(
    publisher: Publisher, medium: Medium, subscribers: Iterable[Subscriber], audience: Audience
) -> bool:
    """Whether the gate should be open.

    It is not opened while a slot may hold the publisher for somebody outside the audience. An open
    gate isn't closed for that: the slot is being moved, and the others must not be cut off.
    """
    granted = audience(publisher, medium)
    if not granted or publisher.open[medium]:
        return bool(granted)
    return not any(
        publisher in slot.possible() and subscriber.member not in granted
        for subscriber in subscribers
        for slot in subscriber.slots
        if slot.medium is medium
    )


def changes(
    subscriber: Subscriber, publishers: Iterable[Publisher], audience: Audience
) -> list[tuple[SubscribedSlot, Publisher | None]]:
    """What to feed which slots with now; None is the placeholder. Slots keep whom they hold.

    Whom nobody is to hear stays on the slot behind a gate that is closed or closing, so that a
    talking stick goes round without a switch; they make room when another needs the slot. With more
    voices than slots those who talk take the place of those who don't.
    """
    found: list[tuple[SubscribedSlot, Publisher | None]] = []
    everybody = list(publishers)
    for medium in Medium:
        row = [slot for slot in subscriber.slots if slot.medium is medium]
        taken = medium is Medium.AUDIO or subscriber.take is not PictureChoice.NONE
        granted = {s: audience(s, medium) for s in everybody if medium in s.mids}
        wanted = [s for s, to in granted.items() if taken and subscriber.member in to]
        feeds = {slot: slot.current for slot in row}
        for slot, publisher in feeds.items():
            if publisher is None or publisher in wanted:
                continue
            if publisher.gone or not taken or granted.get(publisher):
                feeds[slot] = None
        for publisher in sorted(wanted, key=lambda s: not s.voiced):
            if publisher in feeds.values():
                continue
            place = _place(feeds, wanted, publisher)
            if place is not None:
                feeds[place] = publisher
        found += [
            (slot, publisher) for slot, publisher in feeds.items() if publisher is not slot.current
        ]
    return found


def _place(
    feeds: Mapping[SubscribedSlot, Publisher | None], wanted: list[Publisher], publisher: Publisher
) -> SubscribedSlot | None:
    """Where a publisher goes: to a free slot, a sleeper's, or, when talking, a silent one's."""
    for slot, other in feeds.items():
        if other is None:
            return slot
    for slot, other in feeds.items():
        if other not in wanted:
            return slot
    if publisher.voiced:
        for slot, other in feeds.items():
            if other is not None and not other.voiced:
                return slot
    return None


def mapping(subscriber: Subscriber, audience: Audience) -> dict[str, MemberId | None]:
    """Who is on which slot, as far as the subscriber may know it."""
    found: dict[str, MemberId | None] = {}
    for slot in subscriber.slots:
        publisher = slot.current
        shown = (
            publisher is not None
            and slot.pending is None
            and not publisher.gone
            and subscriber.member in audience(publisher, slot.medium)
        )
        found[slot.mid] = publisher.member if shown and publisher is not None else None
    return found


def layer(subscriber: Subscriber, slot: SubscribedSlot) -> int | None:
    """The picture layer that a slot should be told to take; None leaves it to Janus."""
    layered = slot.current is not None and slot.current.layered
    return 0 if layered and subscriber.take is PictureChoice.LOW else None


class SpeechMeter:
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
