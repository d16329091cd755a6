"""The settings of a room, and whether newcomers find it locked (LO*)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sitwith_server.room.command import Command
from sitwith_server.room.door import decide as door
from sitwith_server.room.draft import Draft
from sitwith_server.room.entry.events import Turned
from sitwith_server.room.event import Event
from sitwith_server.room.family import Family, Rule, Who
from sitwith_server.room.model import ChatPolicy, RoomState, Settings
from sitwith_server.room.slices import Audience, Slice, Value, for_all
from sitwith_server.room.terms import QueueOrder


@dataclass(frozen=True, slots=True)
class LockSet(Event):
    locked: bool


@dataclass(frozen=True, slots=True)
class SettingsChanged(Event):
    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomLock(Command):
    pass


def lock(d: Draft, command: RoomLock) -> None:
    if not d.state.locked:
        d.emit(LockSet(True))
    door.empty(d, Turned.LOCKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomUnlock(Command):
    pass


def unlock(d: Draft, command: RoomUnlock) -> None:
    if d.state.locked:
        d.emit(LockSet(False))


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomSettings(Command):
    changes: Mapping[str, bool | float | str]


def change_settings(d: Draft, command: RoomSettings) -> None:
    changes = dict(command.changes)
    if "chat" in changes:
        changes["chat"] = ChatPolicy(str(changes["chat"]))
    if "queue_order" in changes:
        changes["queue_order"] = QueueOrder(str(changes["queue_order"]))
    settings = replace(d.state.settings, **changes)  # type: ignore[arg-type]
    if settings != d.state.settings:
        d.emit(SettingsChanged(settings))


def _settings(state: RoomState, _: Audience) -> Value:
    s = state.settings
    return {
        "chat": str(s.chat),
        "direct": s.direct,
        "slow_seconds": s.slow_seconds,
        "grace_seconds": s.grace_seconds,
        "lobby": s.lobby,
        "facilitators_wait": s.facilitators_wait,
        "sealed": s.sealed,
        "cards": s.cards,
        "queue_order": str(s.queue_order),
        "guests_read": s.guests_read,
        "mood_strict": s.mood_strict,
    }


SETTINGS = Family(
    "settings",
    rules=(
        Rule("room.lock", RoomLock, Who.FACILITATOR, lock),
        Rule("room.unlock", RoomUnlock, Who.FACILITATOR, unlock),
        Rule("room.settings", RoomSettings, Who.FACILITATOR, change_settings),
    ),
    events={
        LockSet: lambda s, e: replace(s, locked=e.locked),
        SettingsChanged: lambda s, e: replace(s, settings=e.settings),
    },
    slices={
        "locked": Slice(for_all, lambda state, _: state.locked, ("locked",)),
        "settings": Slice(for_all, _settings, ("settings",)),
    },
)
