"""Concerns: those that the room offers, and the tags of those that somebody has (LK*)."""

from __future__ import annotations

from sitwith_server.room import commands as c
from sitwith_server.room.decide.draft import Draft
from sitwith_server.room.events import ConcernsOffered, TopicsSet


def set_topics(d: Draft, command: c.TopicsSet) -> None:
    # Sorted, for the order in which somebody ticked is nobody's business.
    tags = tuple(sorted(set(command.tags)))
    if tags != d.seat(command.by).topics:
        d.emit(TopicsSet(command.by, tags))


def offer_concerns(d: Draft, command: c.ConcernsOffer) -> None:
    if command.concerns != d.state.linking.concerns:
        d.emit(ConcernsOffered(command.concerns))
