"""Who is on which slot. Pure and deterministic; asked at every change and, where there are more
voices or pictures than slots, about every 100 ms.

Who may be heard or seen at all is not decided here: only people with a route are ever passed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sitwith_server.room.model import MemberId

LOUDER: Final = 10.0
"""dB by which a voice must be louder than one that has a place."""

HELD: Final = 2.0
"""Seconds after its last speech for which a voice or picture keeps its place against others."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody with a route to this receiver.

    loudness: 0 to 127, smoothed. spoke: when speech came in last, monotonic seconds.
    """

    member: MemberId
    loudness: float
    spoke: float


def chosen(
    candidates: Sequence[Candidate], places: int, kept: frozenset[MemberId], now: float
) -> frozenset[MemberId]:
    """Who gets one of `places`: all if there is room.

    Otherwise those who have a place (`kept`) keep it, until somebody who speaks now is louder by
    `LOUDER` than one of them, or that one hasn't spoken for `HELD`. Free places go to who spoke
    most recently.
    """
    if len(candidates) <= places:
        return frozenset(each.member for each in candidates)
    order = sorted(candidates, key=lambda each: (-each.spoke, -each.loudness, each.member))
    inside = [each for each in order if each.member in kept][:places]
    outside = [each for each in order if each.member not in kept]
    while outside and len(inside) < places:
        inside.append(outside.pop(0))
    speaking = [each for each in outside if now - each.spoke < HELD / 4]
    speaking.sort(key=lambda each: (-each.loudness, each.member))
    for challenger in speaking:
        if not inside:
            break
        weakest = min(inside, key=lambda each: (each.spoke > now - HELD, each.loudness, each.spoke))
        silent = now - weakest.spoke >= HELD
        if not silent and challenger.loudness < weakest.loudness + LOUDER:
            break
        inside.remove(weakest)
        inside.append(challenger)
    return frozenset(each.member for each in inside)


def place(
    slots: Mapping[str, MemberId | None],
    members: frozenset[MemberId],
    near: Mapping[MemberId, str],
) -> dict[str, MemberId | None]:
    """Members to slots (by mid): who is on one stays there; the others take free ones, in the order
    of their ids, the slot that `near` names for them if it is free (their voice's or picture's
    counterpart). `members` are not more than the slots.
    """
    found = {mid: member if member in members else None for mid, member in slots.items()}
    waiting = sorted(members - set(found.values()))
    for member in list(waiting):
        mid = near.get(member)
        if mid is not None and mid in found and found[mid] is None:
            found[mid] = member
            waiting.remove(member)
    free = [mid for mid, member in found.items() if member is None]
    # A slot whose counterpart is somebody else's is taken last.
    taken = set(near.values())
    free.sort(key=lambda mid: mid in taken)
    found.update(zip(free, waiting, strict=False))
    return found


def layers(
    rates: Sequence[Sequence[float]],
    shown: Sequence[int],
    high: bool,
    line: float | None,
) -> list[int]:
    """The layer of each picture, as an index.

    rates: bits/s of each picture's layers from the smallest to the largest, the most wanted picture
    first; 0 if it is not known yet. shown: their present layers. line: bits/s that the receiver's
    line carries; None without a limit. Everyone gets the smallest layer, then in turn the largest
    that the line carries with all others; to go up it must carry a quarter more.
    """
    found = [0] * len(rates)
    if not high:
        return found
    if line is None:
        return [len(each) - 1 for each in rates]
    used = sum(each[0] for each in rates)
    for place, (each, now) in enumerate(zip(rates, shown, strict=True)):
        for level in range(len(each) - 1, 0, -1):
            more = used + each[level] - each[0]
            if more * (1.25 if level > now else 1.0) <= line:
                used = more
                found[place] = level
                break
    return found
