"""The families of rules fit together: nothing is declared twice, and nothing that is declared is
missing from what is derived."""

from __future__ import annotations

import dataclasses
from collections import Counter

from sitwith_server.room import commands, events
from sitwith_server.room.command import Command
from sitwith_server.room.event import Event
from sitwith_server.room.families import AT_END, EVENTS, FAMILIES, FOLD, SLICES
from sitwith_server.room.lifetime.events import RoomEnded
from sitwith_server.room.model import RoomState
from sitwith_server.room.rules import BY_WIRE, RULES
from tests.room.evening import circle


def once(names: list[str]) -> bool:
    return max(Counter(names).values()) == 1


def test_each_family_has_a_name_of_its_own_and_shares_nothing() -> None:
    assert once([family.name for family in FAMILIES])
    assert once([rule.wire for rule in RULES])
    assert once([name for family in FAMILIES for name in family.slices])
    assert once([event.__name__ for family in FAMILIES for event in family.events])
    assert once([field for family in FAMILIES for field in family.at_end])
    inner = [each.command.__name__ for family in FAMILIES for each in family.inner]
    assert once(inner)
    assert not {rule.command.__name__ for rule in RULES} & set(inner)
    assert len(BY_WIRE) == len(RULES)
    assert len(SLICES) == sum(len(family.slices) for family in FAMILIES)


def test_every_class_of_commands_and_events_is_of_a_family() -> None:
    asked = {command.__name__ for family in FAMILIES for command, _ in family.decided()}
    assert {each.__name__ for each in Command.__subclasses__()} == asked
    assert {each.__name__ for each in Event.__subclasses__()} == EVENTS.keys()
    assert {"Command", *asked} == set(commands.__all__)
    assert {"Event", *EVENTS} == set(events.__all__)


def test_a_family_follows_events_of_others_alone() -> None:
    for family in FAMILIES:
        assert not family.follows.keys() & family.events.keys()
        assert family.follows.keys() <= FOLD.keys()


def test_what_the_end_blanks_are_fields_of_the_state() -> None:
    fields = {field.name: field for field in dataclasses.fields(RoomState)}
    assert AT_END.keys() <= fields.keys()
    for part in SLICES.values():
        assert set(part.made_of) <= fields.keys()
    e = circle("Ada")
    e.ok("fay", commands.RoomEnd)
    assert isinstance(e.events[-1], RoomEnded)
    assert {name: getattr(e.state, name) for name in AT_END} == AT_END
