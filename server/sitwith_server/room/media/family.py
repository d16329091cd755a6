"""Who carries the voices, and how long each seat was heard (VO*)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft, stale
from sitwith_server.room.event import Event
from sitwith_server.room.family import Family, Inner, Rule, Who
from sitwith_server.room.model import MemberId, RoomState, Seat
from sitwith_server.room.slices import Audience, Slice, Value, staff_only


@dataclass(frozen=True, slots=True)
class MediaPinned(Event):
    """From now on this media node, and no other, carries the room's voices; None: nobody does."""

    node: str | None


@dataclass(frozen=True, slots=True)
class TalkHeard(Event):
    """So many seconds more of these seats' speech were forwarded to somebody."""

    heard: tuple[tuple[MemberId, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Media(Command):
    """`media.offer`, `media.servers`, `media.take`: the room has only their rights to check; what
    they do is done by the media plane and changes nothing here."""

    name: str


def check(d: Draft, command: Media) -> None:
    """Phase and rights are all that there is to decide, and `decide` has done so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinMedia(Command):
    """`node`, or none, is to carry the voices, if they are still with `was`."""

    node: str | None
    was: str | None


def pin(d: Draft, command: PinMedia) -> None:
    """Of workers that choose at the same time the first one's choice holds."""
    if d.state.media == command.node:
        return
    if d.state.media != command.was:
        raise stale("Another media node carries this room now.")
    d.emit(MediaPinned(command.node))


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTalk(Command):
    """What `node`, which carries the voices, has forwarded since it said so last, in seconds."""

    node: str
    heard: Mapping[MemberId, float]


def add_talk(d: Draft, command: AddTalk) -> None:
    """From the node that carries the voices alone, and of those who are inside alone: what is said
    of others came too late to matter."""
    if d.state.media != command.node:
        raise stale("Another media node carries this room now.")
    heard = tuple(
        (member, round(seconds, 1))
        for member, seconds in sorted(command.heard.items())
        if d.state.at(member) is not None and round(seconds, 1) > 0
    )
    if heard:
        d.emit(TalkHeard(heard))


def _talk_heard(state: RoomState, event: TalkHeard) -> RoomState:
    talk = dict(state.talk)
    for member, seconds in event.heard:
        if member in state.seats:
            talk[member] = round(talk.get(member, 0.0) + seconds, 1)
    return replace(state, talk=talk)


def _talk(state: RoomState, _: Audience) -> Value:
    return {s.id: state.talk[s.id] for s in state.inside() if s.id in state.talk}


def _seat_gone(state: RoomState, seat: Seat) -> RoomState:
    return replace(state, talk={m: heard for m, heard in state.talk.items() if m != seat.id})


MEDIA = Family(
    "media",
    rules=(
        Rule("media.offer", Media, Who.ANYONE, check, audited=False),
        Rule("media.servers", Media, Who.ANYONE, check, audited=False),
        Rule("media.take", Media, Who.ANYONE, check, audited=False),
    ),
    inner=(Inner(PinMedia, pin), Inner(AddTalk, add_talk)),
    events={
        MediaPinned: lambda s, e: replace(s, media=e.node),
        TalkHeard: _talk_heard,
    },
    slices={"talk": Slice(staff_only, _talk, ("talk", "seats"), by_entry=True)},
    seat_gone=_seat_gone,
    at_end={"talk": {}},
)
