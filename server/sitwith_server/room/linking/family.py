"""Concerns: those that the room offers, and the tags of those that somebody has (LK*)."""

from __future__ import annotations

from dataclasses import replace

from sitwith_server.room.draft import Draft
from sitwith_server.room.family import Family, Rule, Who, on_seat
from sitwith_server.room.linking import commands as c
from sitwith_server.room.linking.commands import ConcernsOffer
from sitwith_server.room.linking.events import ConcernsOffered, TopicsSet
from sitwith_server.room.model import RoomState, Seat
from sitwith_server.room.slices import ALL, Audience, Slice, Value, for_all, of_circle


def set_topics(d: Draft, command: c.TopicsSet) -> None:
    # Sorted, so that others can't see in which order somebody ticked.
    tags = tuple(sorted(set(command.tags)))
    if tags != d.seat(command.by).topics:
        d.emit(TopicsSet(command.by, tags))


def offer_concerns(d: Draft, command: ConcernsOffer) -> None:
    if command.concerns != d.state.linking.concerns:
        d.emit(ConcernsOffered(command.concerns))


def _topics(state: RoomState, member: Audience) -> Value:
    seat = state.at(member)
    return [] if seat is None else list(seat.topics)


def _topics_audience(state: RoomState, seat: Seat) -> Audience:
    return seat.id if seat.topics else ALL


def _link_key(state: RoomState, _: Audience) -> Value:
    return state.linking.key or None


def _concerns(state: RoomState, _: Audience) -> Value:
    return list(state.linking.concerns)


LINKING = Family(
    "linking",
    rules=(
        Rule("topics.set", c.TopicsSet, Who.OF_CIRCLE, set_topics),
        Rule("concerns.offer", c.ConcernsOffer, Who.FACILITATOR, offer_concerns),
    ),
    events={
        TopicsSet: on_seat(lambda e, seat: replace(seat, topics=e.tags)),
        ConcernsOffered: lambda s, e: replace(s, linking=replace(s.linking, concerns=e.concerns)),
    },
    slices={
        "link_key": of_circle(Slice(for_all, _link_key, ("linking",)), None),
        "concerns": of_circle(Slice(for_all, _concerns, ("linking",)), []),
        "topics": Slice(_topics_audience, _topics, ("seats",)),
    },
)
