"""The state of a room, as values.

Laws of this package:

* a value here is never changed, only replaced;
* nothing here reads a clock, draws a random number, waits, logs or imports outside the standard
  library's pure parts;
* time is unix seconds (float) and comes from the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from operator import attrgetter

from sitwith_server.room.agenda.values import Agenda, Stage
from sitwith_server.room.breathe.values import Breathing
from sitwith_server.room.care.values import Care
from sitwith_server.room.floor.values import Floor
from sitwith_server.room.guests.values import Guests
from sitwith_server.room.linking.values import Linking
from sitwith_server.room.materials.values import Materials
from sitwith_server.room.milestones.values import Milestone
from sitwith_server.room.mood.values import Mood
from sitwith_server.room.pairs.values import Pairs
from sitwith_server.room.series.values import Series
from sitwith_server.room.terms import ChatPolicy as ChatPolicy  # noqa: PLC0414
from sitwith_server.room.terms import GroupId as GroupId  # noqa: PLC0414
from sitwith_server.room.terms import MemberId as MemberId  # noqa: PLC0414
from sitwith_server.room.terms import Pair as Pair  # noqa: PLC0414
from sitwith_server.room.terms import QueueOrder
from sitwith_server.room.voice.values import Equal

OPERATOR: MemberId = ""
"""Who acts when a command comes from the operator's API or from time itself: no seat."""


FORGET_SECONDS = 900.0
"""Seconds without anybody inside after which a room forgets, unless it is made with others."""


DOOR_SECONDS = 600.0
"""Seconds without a sign of a person after which a place at the agreement may go to a newcomer,
unless a room is made with others."""


class Role(StrEnum):
    FACILITATOR = "facilitator"
    MEMBER = "member"
    GUEST = "guest"


class Phase(StrEnum):
    """How far a person has come; what they may be sent depends on it."""

    AGREEMENT = "agreement"
    LOBBY = "lobby"
    INSIDE = "inside"


class Kind(StrEnum):
    """What can be muted."""

    AUDIO = "audio"
    VIDEO = "video"
    CHAT = "chat"


class Presence(StrEnum):
    HERE = "here"
    RECONNECTING = "reconnecting"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Settings:
    chat: ChatPolicy = ChatPolicy.ALL
    direct: bool = False
    slow_seconds: float = 0
    grace_seconds: float = 30
    lobby: bool = False
    facilitators_wait: bool = False
    sealed: bool = False
    cards: bool = False
    """Whether the room asks for contact cards."""
    queue_order: QueueOrder = QueueOrder.RAISED
    guests_read: bool = False
    """Whether guests who are with the circle read its words, and write there."""
    mood_strict: bool = False
    """Whether of how everybody is no more is shown than can be subtracted safely (MO5)."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a room was made: what it goes back to when it forgets.

    forget_seconds: how long it remembers with nobody inside. ttl: seconds from its creation to its
    end, and the most by which one `room.extend` moves that. door_seconds: see `DOOR_SECONDS`.
    """

    settings: Settings = Settings()
    stages: tuple[Stage, ...] = ()
    concerns: tuple[str, ...] = ()
    forget_seconds: float = FORGET_SECONDS
    ttl: float = 86_400.0
    door_seconds: float = DOOR_SECONDS


@dataclass(frozen=True, slots=True)
class Agreement:
    version: int
    text: str


@dataclass(frozen=True, slots=True)
class Invite:
    """A link's right to take a seat. The token itself is never here, only its SHA-256."""

    id: str
    role: Role
    digest: bytes
    uses: int | None = None
    """How many it was made for; None: any number."""
    used: int = 0
    expires_at: float | None = None
    revoked: bool = False
    spent: int = 0
    """How many of the uses were by people who have been removed: these never come back."""

    def admits(self, now: float) -> bool:
        return (
            not self.revoked
            and (self.uses is None or self.used < self.uses)
            and (self.expires_at is None or now < self.expires_at)
        )


@dataclass(frozen=True, slots=True)
class Span:
    """The control numbers `[since, until)` during which a seat had a right to receive."""

    since: int
    until: int | None = None

    def covers(self, number: int) -> bool:
        return self.since <= number and (self.until is None or number < self.until)


@dataclass(frozen=True, slots=True)
class Seat:
    """A person's place. It outlives their connection (PR4)."""

    id: MemberId
    name: str
    skeleton: str
    role: Role
    invite: str
    phase: Phase = Phase.AGREEMENT
    place: int = 0
    """Where in the circle, from 1, in order of entry; 0 before entry."""
    connection: str | None = None
    lost_at: float | None = None
    grace_over: bool = False
    stepped_away: bool = False
    held: frozenset[Kind] = frozenset()
    """Muted by a facilitator; only a facilitator lifts it."""
    own: frozenset[Kind] = frozenset()
    """Muted by oneself; only oneself lifts it."""
    resumes: tuple[bytes, ...] = ()
    """Digests of the resume values that are good, oldest first."""
    came: int = 1
    """How often a connection has taken it."""
    waiting_since: float | None = None
    signed_at: float = 0.0
    """When the last sign of a person was seen at the door; nothing of it is kept inside."""
    address: bytes = field(default=b"", repr=False)
    """A short keyed hash of where they come from, while they are at the door; empty: not known."""
    inside: tuple[Span, ...] = ()
    apart: tuple[Span, ...] = ()
    """When a guest was inside and the circle's words did not reach them."""
    staff: tuple[Span, ...] = ()
    groups: tuple[tuple[GroupId, Span], ...] = ()
    topics: tuple[bytes, ...] = field(default=(), repr=False)
    """Blinded tags of one's concerns; they go with the seat."""
    led: bytes = field(default=b"", repr=False)
    """Of `RoomState.former` what its person came with, who comes as a facilitator by it."""
    aside: GroupId | None = None
    """The side room that one is in, with one other."""

    @property
    def muted(self) -> frozenset[Kind]:
        return self.held | self.own

    @property
    def presence(self) -> Presence:
        if self.stepped_away or self.grace_over or self.aside is not None:
            return Presence.AWAY
        return Presence.HERE if self.connection is not None else Presence.RECONNECTING

    @property
    def shown(self) -> Presence:
        """What others see: whoever is in a side room as if they had stepped away, the facilitator
        with them as ever."""
        if self.aside is None or self.role is not Role.FACILITATOR:
            return self.presence
        return replace(self, aside=None).presence

    @property
    def is_inside(self) -> bool:
        return self.phase is Phase.INSIDE

    @property
    def facilitates(self) -> bool:
        return self.phase is Phase.INSIDE and self.role is Role.FACILITATOR


@dataclass(frozen=True, slots=True)
class RoomState:
    id: str
    title: str
    agreement: Agreement
    settings: Settings
    capacity: int
    created_at: float
    expires_at: float
    opening: Opening = Opening()
    seq: int = 0
    """How many events have been folded: the control log's number."""
    rights: int = 0
    """The number of the last event that changed who may say or get something."""
    invites: Mapping[str, Invite] = field(default_factory=dict)
    seats: Mapping[MemberId, Seat] = field(default_factory=dict)
    removed: frozenset[MemberId] = frozenset()
    locked: bool = False
    ended: bool = False
    closing: int | None = None
    """The latest of `CLOSING` that was told, in seconds before the end; 0: the time is over, and
    the room ends once nobody is connected."""
    life: int = 0
    """How often the room has forgotten."""
    used: bool = False
    """Whether there is anything to forget: somebody has been inside, or has gone from the door."""
    emptied_at: float | None = None
    """Since when nobody inside is connected, where there is something to forget."""
    former: tuple[bytes, ...] = field(default=(), repr=False)
    """Digests of resume values of facilitators of earlier lives, for as long as nobody of this one
    was removed or lost the role."""
    links_wait: bool = False
    """Somebody was removed: who comes by a link of more than one use waits, as a member."""
    staff_links_wait: bool = False
    """A facilitator was made a member: the same for facilitator links."""
    floor: Floor = field(default_factory=Floor)
    agenda: Agenda | None = None
    breathe: Breathing | None = None
    mood: Mood | None = None
    milestones: tuple[Milestone, ...] = ()
    pairs: Pairs | None = None
    met: Mapping[Pair, int] = field(default_factory=dict)
    avoid: frozenset[Pair] = frozenset()
    linking: Linking = field(default_factory=Linking)
    help: tuple[MemberId, ...] = ()
    care: Care = field(default_factory=Care)
    last_starter: int = 0
    """The place of who began the last round that had no given order."""
    places: int = 0
    group_count: int = 0
    thawed_at: float = 0.0
    """The end of the last time without commits for which the deadlines have been moved."""
    attended: bool = False
    """Whether a facilitator has been inside at least once."""
    unattended_since: float | None = None
    unattended: bool = False
    """No facilitator for longer than the grace: members' microphones are closed."""
    media: str | None = None
    """The media node that carries the room's voices; None before the first offer."""
    talk: Mapping[MemberId, float] = field(default_factory=dict)
    """Seconds of speech that was forwarded to somebody, of each seat."""
    equal: Equal = field(default_factory=Equal)
    series: Series | None = None
    """What a room of a series knows of the meetings before it, and adds."""
    guests: Guests = field(default_factory=Guests)
    materials: Materials = field(default_factory=Materials)

    # -- reading -----------------------------------------------------------------------------

    def inside(self) -> list[Seat]:
        """Everybody inside, in seat order."""
        inside = [s for s in self.seats.values() if s.phase is Phase.INSIDE]
        return sorted(inside, key=attrgetter("place"))

    def facilitators(self) -> list[Seat]:
        """The facilitators inside, in seat order."""
        staff = [s for s in self.seats.values() if s.role is Role.FACILITATOR and s.is_inside]
        return sorted(staff, key=attrgetter("place"))

    def at(self, member: MemberId | None) -> Seat | None:
        """The seat of somebody inside, or None."""
        seat = self.seats.get(member) if member else None
        return seat if seat is not None and seat.is_inside else None

    def group_of(self, member: MemberId) -> GroupId | None:
        return self.pairs.group_of(member) if self.pairs else None

    def knows(self, member: MemberId) -> bool:
        """Whether somebody has this id, was removed with it, or is gone with a concern kept."""
        return member in self.seats or member in self.removed or member in self.care.concerns

    def invite_by_digest(self, digest: bytes) -> Invite | None:
        return next((i for i in self.invites.values() if i.digest == digest), None)

    def tags(self) -> dict[MemberId, tuple[bytes, ...]]:
        """The blinded concerns of everybody inside who has any."""
        return {s.id: s.topics for s in self.seats.values() if s.is_inside and s.topics}

    # -- replacing ---------------------------------------------------------------------------

    def with_seat(self, seat: Seat) -> RoomState:
        return replace(self, seats={**self.seats, seat.id: seat})

    def without_seat(self, member: MemberId) -> RoomState:
        """What families keep of the seat goes in `fold`, whatever event takes it away."""
        return replace(self, seats={k: v for k, v in self.seats.items() if k != member})
