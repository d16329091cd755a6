"""What can be asked of a room. Chance and secrets come inside the command, as seeds and digests.

Every command carries `by`, the seat that asks; `OPERATOR` where it is the operator or time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sitwith_server.room.agenda import Stage
from sitwith_server.room.command import Command as Command  # noqa: PLC0414
from sitwith_server.room.commands_care import *  # noqa: F403
from sitwith_server.room.commands_door import *  # noqa: F403
from sitwith_server.room.commands_evening import *  # noqa: F403
from sitwith_server.room.commands_guests import *  # noqa: F403
from sitwith_server.room.commands_materials import *  # noqa: F403
from sitwith_server.room.commands_series import *  # noqa: F403
from sitwith_server.room.model import GroupId, Kind, MemberId, Role

# -- the door ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeSeat(Command):
    """A first `hello`: `by` is the id of the new seat."""

    invite_digest: bytes
    name: str
    skeleton: str
    connection: str
    resume_digest: bytes
    was_digest: bytes = b""
    """Of the resume value of an earlier life that the same person comes with, if any."""
    address: bytes = field(default=b"", repr=False)
    """A short keyed hash of where they come from; empty: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack(Command):
    """A `hello` with a resume value."""

    used_digest: bytes
    connection: str
    resume_digest: bytes
    address: bytes = field(default=b"", repr=False)
    """As in `TakeSeat`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseConnection(Command):
    connection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick(Command):
    """Time has passed: everything that is due by now happens. `seed` is the chance of a stage that
    begins with groups."""

    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget(Command):
    """Nobody inside has been connected for as long as the room remembers. The keys are new ones."""

    link_key: bytes = field(repr=False)
    material_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomExtend(Command):
    """`room.extend`: moves the room's end."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Thaw(Command):
    """From `since` to `until` nobody could commit anything: no time has passed for the room."""

    since: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reassert(Command):
    """What a worker had been told before the log lost it: these only rise (DESIGN §4)."""

    removed: frozenset[MemberId]
    held: Mapping[MemberId, frozenset[Kind]]
    turn: int
    forgotten: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementAccept(Command):
    """`handle` is who it is in the room's series, where they like to be remembered."""

    version: int
    handle: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave(Command):
    pass


# -- the room ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomLock(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomUnlock(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomEnd(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomSettings(Command):
    changes: Mapping[str, bool | float | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRemove(Command):
    member: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGive(Command):
    member: MemberId
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfRename(Command):
    name: str
    skeleton: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfAway(Command):
    away: bool


# -- mute ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute(Command):
    member: MemberId
    kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmute(Command):
    member: MemberId
    kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteAll(Command):
    kinds: frozenset[Kind]
    sparing: tuple[MemberId, ...] = ()
    hold: bool = True


# -- the floor -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class HandRaise(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class HandLower(Command):
    member: MemberId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorOpen(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorQuiet(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorRound(Command):
    """Those of an agenda's stage are `of_stage`, and may share the time up to `share_until` where
    others share the stage's."""

    order: tuple[MemberId, ...] | None = None
    seconds: float | None = None
    starter: MemberId | None = None
    of_stage: bool = False
    share_until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorStick(Command):
    to: MemberId | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorPass(Command):
    to: MemberId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorLater(Command):
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorExtend(Command):
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorPause(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorResume(Command):
    pass


# -- pairs ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsPlan(Command):
    seed: int
    how: str
    size: int = 2
    avoid: tuple[tuple[MemberId, MemberId], ...] = ()
    facilitators: bool = False
    pins: tuple[tuple[MemberId, MemberId], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsOpen(Command):
    groups: tuple[tuple[MemberId, ...], ...]
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsMove(Command):
    member: MemberId
    group: GroupId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsExtend(Command):
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsClose(Command):
    grace: float = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsVisit(Command):
    group: GroupId


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsReturn(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicsSet(Command):
    tags: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcernsOffer(Command):
    concerns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpAsk(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpDone(Command):
    member: MemberId


# -- words ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(Command):
    """`chat.say`, and `pairs.say` with `notice`."""

    to: str
    body: str | bytes
    notice: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsay(Command):
    """`chat.delete`."""

    to: str
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class React(Command):
    kind: str
    to: str | None = None


# -- the agenda, and breathing -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaStart(Command):
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaNext(Command):
    """`at` is the stage that the sender believes to be under way; None: whichever it is."""

    seed: int
    at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaBack(Command):
    seed: int
    at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaExtend(Command):
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaEdit(Command):
    """`at` is the place of the stage under way among the new ones; None: the same as before."""

    stages: tuple[Stage, ...]
    at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreatheStart(Command):
    pattern: tuple[float, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BreatheStop(Command):
    pass


# -- voices and pictures -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Media(Command):
    """`media.offer`, `media.servers`, `media.take`: the room has only their rights to check; what
    they do is done by the media plane and changes nothing here."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PinMedia(Command):
    """`node`, or none, is to carry the voices, if they are still with `was`."""

    node: str | None
    was: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTalk(Command):
    """What `node`, which carries the voices, has forwarded since it said so last, in seconds."""

    node: str
    heard: Mapping[MemberId, float]
