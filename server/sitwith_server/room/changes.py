"""How views change from one state to the next: slices anew, or entries of them (EV2, EV10, EV11).

What a viewer is told follows from what their view was and what it is, and from nothing else, so
that it can say no more than the views do. A slice is compared once an audience, whoever is of it;
and not at all where nothing that it is made of is another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from sitwith_server.room.entry.view import member, places
from sitwith_server.room.model import MemberId, RoomState, Seat
from sitwith_server.room.pairs.values import Pairs
from sitwith_server.room.pairs.view import groups, own_group
from sitwith_server.room.seats import replaced
from sitwith_server.room.slices import ALL, WAITING, Audience, Value
from sitwith_server.room.view import SLICES, deciding

Sees = tuple[Audience | None, ...]
"""Of which audience a viewer is, of each of the `SLICES` in their order."""


Patch = tuple[str, str] | tuple[str, str, object]
"""Slice, key and value of one entry; without a value it is gone."""


HANDS_TOLD: Final = 8
"""When more hands than these get another place at once, `floor.queue` alone says so (FL25)."""


_ENTRY_BYTES: Final = 50
"""What an entry of `members` takes at least."""


def sees(state: RoomState, seat: Seat) -> Sees:
    """The audiences that somebody inside is of."""
    return tuple([part.audience(state, seat) for part in SLICES.values()])


@dataclass(frozen=True, slots=True, eq=False)
class News:
    """What a frame says: `set` replaces slices, then `patch` sets or removes entries."""

    set: Mapping[str, Value] = field(default_factory=dict)
    patch: tuple[Patch, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.set or self.patch)


Key = tuple[News, ...]
"""What one kind of viewer is told, a part for each slice that changed. The very same parts are the
same frame."""


class Changes:
    """From one state to a later one. Everything is looked at when it is asked for, and once."""

    def __init__(self, before: RoomState, after: RoomState) -> None:
        self._before, self._after = before, after
        self._suspects = [
            at for at, part in enumerate(SLICES.values()) if part.may_differ(before, after)
        ]
        self._found: dict[tuple[str, Audience | None, Audience | None], News] = {}
        self._keys: dict[tuple[Sees, Sees], Key] = {}
        self._groups: News | None = None
        self.regroups: Final = deciding(before) != deciding(after)
        """Whether viewers may be of other audiences though their own seats are as before."""

    def told(self, old: Sees, new: Sees) -> Key:
        """What changed for viewers who were of the audiences `old` and are of `new`."""
        found = self._keys.get((old, new))
        if found is None:
            found = self._keys[old, new] = self._told(old, new)
        return found

    def _told(self, old: Sees, new: Sees) -> Key:
        names = tuple(SLICES)
        at = self._suspects
        if old != new:
            moved = [n for n, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]]
            at = sorted({*at, *moved})
        return tuple([news for n in at if (news := self._of(names[n], old[n], new[n]))])

    def _of(self, name: str, old: Audience | None, new: Audience | None) -> News:
        found = self._found.get((name, old, new))
        if found is None:
            found = self._found[name, old, new] = self._compare(name, old, new)
        return found

    def _compare(self, name: str, old: Audience | None, new: Audience | None) -> News:
        part, before, after = SLICES[name], self._before, self._after
        if old is None or new is None:
            gone = None if new is None else part.value(after, new)
            return News() if old is None and new is None else News({name: gone})
        if WAITING not in (old, new):
            if name == "members":
                return self._members()
            if name == "pairs" and before.pairs is not None and after.pairs is not None:
                return self._pairs(before.pairs, after.pairs, old, new)
        was, now = part.value(before, old), part.value(after, new)
        if was == now:
            return News()
        if not (part.by_entry and isinstance(was, Mapping) and isinstance(now, Mapping)):
            return News({name: now})
        patch = _patches(name, was, now)
        told = {key for _, key, *_ in patch}
        if _pays(name, patch, (_heft(value) for key, value in now.items() if key not in told)):
            return News(patch=patch)
        return News({name: now})

    def _members(self) -> News:
        """As any map, without looking at those whose seat is the same."""
        before, after = self._before.seats, self._after.seats
        was, now = places(self._before.floor.queue), places(self._after.floor.queue)
        pairs = replaced(self._before, self._after)
        touched = {seat.id for pair in pairs for seat in pair if seat is not None}
        touched |= _hands_told(was, now)
        # Entries that may be behind are said again, though the state has not changed in them.
        behind = now.keys() if len(now) <= HANDS_TOLD < len(was) else set[MemberId]()
        old = {m: e for m in sorted(touched - behind) if (e := _entry(before, m, was)) is not None}
        new = {m: e for m in sorted(touched) if (e := _entry(after, m, now)) is not None}
        patch = _patches("members", old, new)
        # Of who is inside alone: the form of a frame says nothing of who stands at the door.
        stay = (_ENTRY_BYTES for m, seat in after.items() if seat.is_inside and m not in new)
        if not patch or _pays("members", patch, stay):
            return News(patch=patch)
        return News({"members": SLICES["members"].value(self._after, ALL)})

    def _pairs(self, was: Pairs, now: Pairs, old: Audience, new: Audience) -> News:
        """What all are told of the groups is made once, whatever their own is."""
        if self._groups is None:
            self._groups = News(patch=_patches("pairs", groups(was), groups(now)))
        own = _patches(
            "pairs",
            own_group(was, self._before.help, old),
            own_group(now, self._after.help, new),
        )
        return News(patch=(*self._groups.patch, *own)) if own else self._groups


def merged(key: Key) -> News:
    """All parts as one."""
    return News(
        {name: value for news in key for name, value in news.set.items()},
        tuple([each for news in key for each in news.patch]),
    )


def _entry(
    seats: Mapping[MemberId, Seat], who: MemberId, hands: Mapping[MemberId, int]
) -> Mapping[str, object] | None:
    seat = seats.get(who)
    return None if seat is None or not seat.is_inside else member(seat, hands.get(who))


def _hands_told(was: Mapping[MemberId, int], now: Mapping[MemberId, int]) -> set[MemberId]:
    """Whose entries say that their hand has another place.

    Whoever has put a hand up or down is always among them. In a short queue the numbers are exact
    for whoever only folds: so a queue that has become short is told whole.
    """
    if was == now:
        return set()
    told = was.keys() ^ now.keys()
    if len(now) <= HANDS_TOLD < len(was):
        return told | now.keys()
    moved = {m for m, place in now.items() if was.get(m, place) != place}
    return told | moved if len(moved) <= HANDS_TOLD else told


def _patches(name: str, was: Mapping[str, object], now: Mapping[str, object]) -> tuple[Patch, ...]:
    made: list[Patch] = [
        (name, key, value) for key, value in now.items() if key not in was or was[key] != value
    ]
    made += [(name, key) for key in was if key not in now]
    return tuple(made)


def _pays(name: str, patch: tuple[Patch, ...], stay: Iterable[int]) -> bool:
    """Whether entries are shorter than the whole: each costs the slice's name, and what stays,
    each of so many bytes, is not told again."""
    left = len(patch) * (len(name) + 2)
    for heft in stay:
        left -= heft
        if left < 0:
            return True
    return False


def _heft(value: object) -> int:
    """About how many bytes a value takes, its key's included."""
    if isinstance(value, str):
        return 6 + len(value)
    if isinstance(value, Mapping):
        return 6 + sum(map(_heft, cast("Mapping[str, Any]", value).values()))
    if isinstance(value, list | tuple):
        return 6 + 8 * len(cast("list[Any]", value))
    return 7
