"""A member's transports at a Janus gateway, and what each is known to do.

A *publisher* has a gate for each medium (`moderate`). A *subscriber* has a fixed row of slots, each
fed by a placeholder or by one publisher (`switch`). A packet passes if the publisher's gate is open
and a slot holds the publisher. Whatever was requested and is not confirmed counts as possible.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sitwith_server.media.engine import PictureChoice
from sitwith_server.media.sdp.offer import Offer
from sitwith_server.media.sdp.session import Medium
from sitwith_server.room.model import MemberId


@dataclass(slots=True, eq=False)
class JanusTransport:
    """One of a member's transports: a handle at the gateway.

    offer: the answered offer, as narrowed for Janus.
    origin: id and version of the answer's o= line.
    """

    member: MemberId
    handle: int
    offer: Offer
    origin: tuple[int, int]
    up: bool = False
    gone: bool = False
    """It has ended or is about to end, and counts for no route."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held during each request to its handle, because Janus 1.1 may crash if a request to a handle
    crosses with its end."""


@dataclass(slots=True, eq=False)
class Publisher(JanusTransport):
    """feed: Janus' id of the publisher. mids: of the media that it sends.

    open: by medium, whether its gate is open; None while a change is not confirmed.
    talking: whether Janus last reported speech. receiving: whether packets come at all.
    """

    feed: str = ""
    mids: Mapping[Medium, str] = field(default_factory=dict)
    open: dict[Medium, bool | None] = field(default_factory=dict)
    layered: bool = False
    talking: bool = False
    receiving: bool = True

    @property
    def voiced(self) -> bool:
        """Whether the member speaks now. Janus reports no end of speech if the packets just
        stop."""
        return self.talking and self.receiving


@dataclass(slots=True, eq=False)
class SubscribedSlot:
    """index: the slot's place in Janus' row. current: the publisher that feeds it. pending: the
    publisher that may feed it already, while a switch is not confirmed.

    layer: the layer that Janus was told to forward; None leaves the choice (the largest) to Janus.
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
    """answer: the SDP that Janus got as the member's answer, and gets again when it asks."""

    slots: tuple[SubscribedSlot, ...] = ()
    answer: str = ""
    take: PictureChoice = PictureChoice.HIGH
    sent_map: Mapping[str, MemberId | None] = field(default_factory=dict)
