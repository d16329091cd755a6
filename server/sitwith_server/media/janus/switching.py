"""Which gates and slots at a Janus gateway must change to follow a plan. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sitwith_server.media.engine import PictureChoice
from sitwith_server.media.janus.transports import Publisher, SubscribedSlot, Subscriber
from sitwith_server.media.sdp.session import Medium
from sitwith_server.room.model import MemberId

Audience = Callable[[Publisher, Medium], frozenset[MemberId]]
"""`audience(publisher, medium)`: the subscribers who may get it by the plan."""


def leaks(
    publishers: Iterable[Publisher], subscribers: Iterable[Subscriber], audience: Audience
) -> bool:
    """Whether a packet that the plan doesn't allow may still pass."""
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

    A closed gate stays closed while a slot of somebody outside the audience may hold the publisher.
    An open gate is not closed for that reason: the slot is being switched, and the others must not
    be cut off.
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
    """The slots to switch, and to whom; None is the placeholder. Slots keep their publisher if they
    can.

    A publisher whom nobody may hear stays on its slots behind a gate that is closed or closing, so
    that passing the stick needs no switch. It is replaced when another publisher needs the slot.
    With more voices than slots, those who talk replace those who don't.
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
    """The slot for a publisher: a free one, else one whose publisher nobody may hear, else, if the
    publisher talks, one whose publisher does not."""
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
    """Who is on which slot, as the subscriber may know it."""
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
    """The layer that Janus should forward on a slot; None leaves the choice to Janus."""
    layered = slot.current is not None and slot.current.layered
    return 0 if layered and subscriber.take is PictureChoice.LOW else None
