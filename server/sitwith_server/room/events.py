"""What has happened in a room, in the past tense. Folding these in order gives its state.

The floor and the pairs are small, tightly knit values: their events carry the new value whole, so
that folding is assignment and cannot disagree with deciding.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sitwith_server.room.agenda import Agenda, Stage
from sitwith_server.room.breathe import Breathing
from sitwith_server.room.care import Card, Concern, Line, Opening
from sitwith_server.room.events_door import *  # noqa: F403
from sitwith_server.room.events_door import (
    ConnectionLost,
    Entered,
    GraceOver,
    InviteAdded,
    InviteRevoked,
    LobbyJoined,
    PlaceYielded,
    SeatLeft,
    SeatTaken,
    SeatTakenBack,
    SignSeen,
)
from sitwith_server.room.events_series import *  # noqa: F403
from sitwith_server.room.events_series import (
    PersonCame,
    PersonForgotten,
    SeriesBegan,
    SeriesDropped,
    TurnedAway,
)
from sitwith_server.room.materials import Material
from sitwith_server.room.model import (
    DOOR_SECONDS,
    FORGET_SECONDS,
    Floor,
    GroupId,
    Invite,
    Kind,
    MemberId,
    Pair,
    Pairs,
    Role,
    Seat,
    Settings,
)
from sitwith_server.room.mood import Class
from sitwith_server.room.record import Record


@dataclass(frozen=True, slots=True)
class RoomOpened:
    room: str
    title: str
    agreement_version: int
    agreement_text: str
    settings: Settings
    capacity: int
    invites: tuple[Invite, ...]
    at: float
    expires_at: float
    stages: tuple[Stage, ...] = ()
    link_key: bytes = field(default=b"", repr=False)
    material_key: bytes = field(default=b"", repr=False)
    concerns: tuple[str, ...] = ()
    forget_seconds: float = FORGET_SECONDS
    door_seconds: float = DOOR_SECONDS


@dataclass(frozen=True, slots=True)
class RoomReopened:
    """The room has forgotten everything but this. `door`: who stands at the door, and stays."""

    record: Record
    door: tuple[Seat, ...] = ()


@dataclass(frozen=True, slots=True)
class Emptied:
    """Since then nobody inside is connected; None: somebody is."""

    at: float | None


@dataclass(frozen=True, slots=True)
class ExpiryMoved:
    """`closing`: what of the new end's nearness needs no telling, as in `RoomState.closing`."""

    expires_at: float
    closing: int | None = None


@dataclass(frozen=True, slots=True)
class ClosingTold:
    """Everybody inside is told that the room's end is near. seconds: one of `CLOSING`."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Blanked:
    """Stands where something was that is no more, and changes nothing."""


@dataclass(frozen=True, slots=True)
class RoomEnded:
    pass


@dataclass(frozen=True, slots=True)
class Removed:
    member: MemberId


@dataclass(frozen=True, slots=True)
class Renamed:
    member: MemberId
    name: str
    skeleton: str


@dataclass(frozen=True, slots=True)
class SteppedAway:
    member: MemberId
    away: bool


@dataclass(frozen=True, slots=True)
class RoleGiven:
    member: MemberId
    role: Role


@dataclass(frozen=True, slots=True)
class LockSet:
    locked: bool


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    settings: Settings


@dataclass(frozen=True, slots=True)
class MutesSet:
    member: MemberId
    held: frozenset[Kind]
    own: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class FloorChanged:
    floor: Floor


@dataclass(frozen=True, slots=True)
class RoundBegan:
    """A round without a given order; who began it moves the next one's beginning on."""

    place: int


@dataclass(frozen=True, slots=True)
class AvoidKept:
    avoid: frozenset[Pair]


@dataclass(frozen=True, slots=True)
class PairsChanged:
    """New groups, moves, visits, the end of the time; `pairs` is None once all are back."""

    pairs: Pairs | None
    met: tuple[tuple[MemberId, MemberId], ...] = ()
    """Who came together by this for the first time in these groups."""
    group_count: int | None = None


@dataclass(frozen=True, slots=True)
class TopicsSet:
    member: MemberId
    tags: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConcernsOffered:
    concerns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HelpChanged:
    help: tuple[MemberId, ...]


@dataclass(frozen=True, slots=True)
class ConcernChanged:
    """What is known of somebody who is not well; None once it is done."""

    member: MemberId
    concern: Concern | None


@dataclass(frozen=True, slots=True)
class SideChanged:
    """These have gone to a side room, or are back (None)."""

    members: tuple[MemberId, ...]
    side: GroupId | None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class CardKept:
    member: MemberId
    card: Card | None


@dataclass(frozen=True, slots=True)
class CardOpened:
    member: MemberId
    opening: Opening


@dataclass(frozen=True, slots=True)
class LineChanged:
    member: MemberId
    line: Line


@dataclass(frozen=True, slots=True)
class AgendaWritten:
    """There is another agenda; the stage under way, if any, goes on."""

    agenda: Agenda


@dataclass(frozen=True, slots=True)
class AgendaMoved:
    """A stage began, has another end, is over, or has come to its next round."""

    at: int
    ends_at: float
    over: bool = False
    round: int | None = None


@dataclass(frozen=True, slots=True)
class MaterialShown:
    """Nothing (an empty id) once it is blanked in the log."""

    material: Material


@dataclass(frozen=True, slots=True)
class MaterialsGone:
    """These are shown no more."""

    materials: tuple[str, ...]
    at: float


@dataclass(frozen=True, slots=True)
class GuestsMoved:
    """Guest speakers are with the circle from now on, or wait."""

    brought: bool


@dataclass(frozen=True, slots=True)
class BreatheChanged:
    breathe: Breathing | None


@dataclass(frozen=True, slots=True)
class Thawed:
    """Nothing could be committed until `until`: every deadline moves by `length` seconds."""

    until: float
    length: float


@dataclass(frozen=True, slots=True)
class MoodAsked:
    pass


@dataclass(frozen=True, slots=True)
class MoodAnswered:
    """Nobody's and nothing (`""`, 0) once it is blanked in the log."""

    member: MemberId
    value: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class MoodClosed:
    """What is shown of so many answers, if anything, and the classes of those ever counted."""

    answers: int
    counts: tuple[int, ...] | None
    classes: tuple[Class, ...]


@dataclass(frozen=True, slots=True)
class MilestoneShared:
    """Nobody's and empty once it is blanked in the log."""

    member: MemberId
    text: str | bytes = field(repr=False)
    ends_at: float
    name: int = 0


@dataclass(frozen=True, slots=True)
class MilestonesOver:
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AttendanceChanged:
    """Whether a facilitator is connected, and whether their absence has outlasted the grace."""

    since: float | None
    unattended: bool


@dataclass(frozen=True, slots=True)
class MediaPinned:
    """From now on this media node, and no other, carries the room's voices; None: nobody does."""

    node: str | None


@dataclass(frozen=True, slots=True)
class TalkHeard:
    """So many seconds more of these seats' speech were forwarded to somebody."""

    heard: tuple[tuple[MemberId, float], ...]


@dataclass(frozen=True, slots=True)
class Nudged:
    """A facilitator has asked somebody in private whether they like to speak. `talk` is for how
    many seconds they had been heard by then."""

    member: MemberId
    at: float
    talk: float


@dataclass(frozen=True, slots=True)
class NudgeEnded:
    """They have spoken, asked to, or put it aside."""

    member: MemberId


Event = (
    RoomOpened
    | RoomReopened
    | Emptied
    | ExpiryMoved
    | ClosingTold
    | Blanked
    | RoomEnded
    | InviteAdded
    | InviteRevoked
    | SeatTaken
    | SeatTakenBack
    | ConnectionLost
    | PlaceYielded
    | SignSeen
    | GraceOver
    | LobbyJoined
    | Entered
    | SeatLeft
    | Removed
    | Renamed
    | SteppedAway
    | RoleGiven
    | LockSet
    | SettingsChanged
    | MutesSet
    | FloorChanged
    | RoundBegan
    | AvoidKept
    | PairsChanged
    | TopicsSet
    | ConcernsOffered
    | HelpChanged
    | ConcernChanged
    | SideChanged
    | CardKept
    | CardOpened
    | LineChanged
    | AgendaWritten
    | AgendaMoved
    | BreatheChanged
    | MoodAsked
    | MoodAnswered
    | MoodClosed
    | MilestoneShared
    | MilestonesOver
    | AttendanceChanged
    | Thawed
    | MediaPinned
    | TalkHeard
    | Nudged
    | NudgeEnded
    | SeriesBegan
    | PersonCame
    | TurnedAway
    | PersonForgotten
    | SeriesDropped
    | GuestsMoved
    | MaterialShown
    | MaterialsGone
)
