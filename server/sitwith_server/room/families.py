"""The families of rules of a room, and what is derived from all of them."""

from __future__ import annotations

from collections.abc import Mapping

from sitwith_server.room.agenda.family import AGENDA
from sitwith_server.room.attendance.family import ATTENDANCE
from sitwith_server.room.breathe.family import BREATHE
from sitwith_server.room.care.family import CARE
from sitwith_server.room.chat.family import CHAT
from sitwith_server.room.command import Command
from sitwith_server.room.door.family import DOOR
from sitwith_server.room.entry.family import ENTRY
from sitwith_server.room.event import Event
from sitwith_server.room.family import Deadline, Decide, Family, Fold
from sitwith_server.room.floor.family import FLOOR
from sitwith_server.room.guests.family import GUESTS
from sitwith_server.room.inbox.family import INBOX
from sitwith_server.room.lifetime.family import LIFETIME
from sitwith_server.room.linking.family import LINKING
from sitwith_server.room.lobby.family import LOBBY
from sitwith_server.room.materials.family import MATERIALS
from sitwith_server.room.media.family import MEDIA
from sitwith_server.room.members.family import MEMBERS
from sitwith_server.room.milestones.family import MILESTONES
from sitwith_server.room.mood.family import MOOD
from sitwith_server.room.mutes.family import MUTES
from sitwith_server.room.pairs.family import PAIRS
from sitwith_server.room.pairs.visits import VISITS
from sitwith_server.room.series.family import SERIES
from sitwith_server.room.settings.family import SETTINGS
from sitwith_server.room.slices import Slice
from sitwith_server.room.voice.family import VOICE

FAMILIES: tuple[Family, ...] = (
    CHAT,
    # The groups first: nobody is put with new partners in the moment in which all come back.
    PAIRS,
    CARE,
    INBOX,
    ENTRY,
    DOOR,
    LOBBY,
    MEMBERS,
    SETTINGS,
    MUTES,
    # A stage before a turn: where both are over nobody is given a turn of no time.
    AGENDA,
    FLOOR,
    BREATHE,
    MOOD,
    MILESTONES,
    VISITS,
    GUESTS,
    MATERIALS,
    LINKING,
    SERIES,
    ATTENDANCE,
    MEDIA,
    VOICE,
    LIFETIME,
)
"""In the order in which what is due at the same moment is done, and in which they settle."""

DECIDE: Mapping[type[Command], Decide] = {
    command: decide
    for family in FAMILIES
    for command, decide in family.decided()
    if decide is not None
}

LATE: frozenset[type[Command]] = frozenset(
    each.command for family in FAMILIES for each in family.inner if each.late
)
"""What may still come once a room has ended, and then changes nothing."""

EVENTS: Mapping[str, type[Event]] = {
    event.__name__: event for family in FAMILIES for event in family.events
}
"""All classes of events by the names under which the log keeps them."""

FOLD: Mapping[type[Event], tuple[Fold, ...]] = {
    event: (fold, *(each.follows[event] for each in FAMILIES if event in each.follows))
    for family in FAMILIES
    for event, fold in family.events.items()
}

SLICES: Mapping[str, Slice] = {
    name: part for family in FAMILIES for name, part in family.slices.items()
}

DEADLINES: tuple[Deadline, ...] = tuple(
    deadline for family in FAMILIES for deadline in family.deadlines
)

AT_END: Mapping[str, object] = {
    field: empty for family in FAMILIES for field, empty in family.at_end.items()
}
