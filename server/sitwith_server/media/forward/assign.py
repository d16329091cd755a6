"""Which members a receiver gets, on which slots, in which video layers. Pure and deterministic.

The forwarder asks at every change, and again and again while there are more voices or pictures than
slots. Who may be heard or seen is not decided here: only members with a route are passed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sitwith_server.room.model import MemberId

LOUDER_BY: Final = 10.0
"""dB by which a voice must be louder than the one whose slot it takes."""

HOLD: Final = 2.0
"""Seconds after its last speech for which a voice or picture keeps its slot against others."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member with a route to this receiver.

    loudness: 0 to 127, smoothed. spoke: when the member last spoke, monotonic seconds.
    """

    member: MemberId
    loudness: float
    spoke: float


def choose_members(
    candidates: Sequence[Candidate], places: int, kept: frozenset[MemberId], now: float
) -> frozenset[MemberId]:
    """Who gets one of `places` slots: everybody if there are enough.

    Otherwise whoever has a slot (`kept`) keeps it until somebody who speaks now is louder by
    `LOUDER_BY`, or until they have not spoken for `HOLD`. Free slots go to whoever spoke last.
    """
    if len(candidates) <= places:
        return frozenset(each.member for each in candidates)
    order = sorted(candidates, key=lambda each: (-each.spoke, -each.loudness, each.member))
    inside = [each for each in order if each.member in kept][:places]
    outside = [each for each in order if each.member not in kept]
    while outside and len(inside) < places:
        inside.append(outside.pop(0))
    speaking = [each for each in outside if now - each.spoke < HOLD / 4]
    speaking.sort(key=lambda each: (-each.loudness, each.member))
    for challenger in speaking:
        if not inside:
            break
        weakest = min(inside, key=lambda each: (each.spoke > now - HOLD, each.loudness, each.spoke))
        silent = now - weakest.spoke >= HOLD
        if not silent and challenger.loudness < weakest.loudness + LOUDER_BY:
            break
        inside.remove(weakest)
        inside.append(challenger)
    return frozenset(each.member for each in inside)


def assign_slots(
    slots: Mapping[str, MemberId | None],
    members: frozenset[MemberId],
    near: Mapping[MemberId, str],
) -> dict[str, MemberId | None]:
    """Assigns members to slots (by mid). Whoever is on a slot stays there. The others take free
    slots in the order of their ids: first the one that `near` names for them, which belongs to the
    same place as their voice or picture, if it is free. There are at least as many slots as
    members.
    """
    found = {mid: member if member in members else None for mid, member in slots.items()}
    waiting = sorted(members - set(found.values()))
    for member in list(waiting):
        mid = near.get(member)
        if mid is not None and mid in found and found[mid] is None:
            found[mid] = member
            waiting.remove(member)
    free = [mid for mid, member in found.items() if member is None]
    # Slots whose counterpart in the same place belongs to somebody else are taken last.
    taken = set(near.values())
    free.sort(key=lambda mid: mid in taken)
    found.update(zip(free, waiting, strict=False))
    return found


def choose_layers(
    rates: Sequence[Sequence[float]],
    shown: Sequence[int],
    high: bool,
    limit: float | None,
) -> list[int]:
    """The layer of each picture, as an index.

    rates: bits/s of each picture's layers, from the smallest to the largest; 0 if not known yet.
        The most wanted picture comes first.
    shown: the present layers. high: whether anything above the smallest layers is wanted.
    limit: bits/s that the receiver can take; None: no limit.

    Every picture gets its smallest layer. Then each in turn gets the largest that still fits into
    the limit. A layer above the present one must fit with a quarter to spare.
    """
    found = [0] * len(rates)
    if not high:
        return found
    if limit is None:
        return [len(each) - 1 for each in rates]
    used = sum(each[0] for each in rates)
    for place, (each, now) in enumerate(zip(rates, shown, strict=True)):
        for level in range(len(each) - 1, 0, -1):
            more = used + each[level] - each[0]
            if more * (1.25 if level > now else 1.0) <= limit:
                used = more
                found[place] = level
                break
    return found
