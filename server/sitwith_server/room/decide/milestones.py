"""Sharing a milestone with everybody, and its end (MS*)."""

from __future__ import annotations

from itertools import count

from sitwith_server.room import commands as c
from sitwith_server.room.chance import Chance
from sitwith_server.room.decide.draft import Draft, Refused, not_allowed, stale
from sitwith_server.room.events import MilestoneShared, MilestonesOver
from sitwith_server.room.milestones import AT_ONCE, CHARACTERS, SEALED_BYTES, SECONDS
from sitwith_server.room.model import Kind, Seat
from sitwith_server.room.policy import ChatPolicy


def share(d: Draft, command: c.MilestoneShare) -> None:
    seat = d.seat(command.by)
    _check_may_write(d, seat)
    _check_text(d, command.text)
    shown = d.state.milestones
    if len(shown) >= AT_ONCE or any(m.member == seat.id for m in shown):
        raise Refused("too_fast", "Others are being celebrated: wait a moment.")
    names = {m.name for m in shown}
    drawn = (Chance.name(command.seed, again) for again in count())
    name = next(n for n in drawn if n not in names)
    d.emit(MilestoneShared(seat.id, command.text, d.now + SECONDS, name))


def clear(d: Draft, command: c.MilestoneClear) -> None:
    one = next((m for m in d.state.milestones if m.name == command.n), None)
    if not d.seat(command.by).facilitates and (one is None or one.member != command.by):
        raise not_allowed("Only its author or a facilitator takes a milestone away.")
    if one is None:
        raise stale("There is no such milestone.")
    d.emit(MilestonesOver((one.n,)))


def end_if_over(d: Draft) -> None:
    """The moment of each whose time is over is gone."""
    over = tuple(m.n for m in d.state.milestones if m.ends_at <= d.now)
    if over:
        d.emit(MilestonesOver(over))


def _check_may_write(d: Draft, seat: Seat) -> None:
    """As for words to the circle (MU1, CO1, CO7)."""
    if Kind.CHAT in seat.muted:
        raise Refused("muted", "A facilitator has muted your text.")
    if seat.facilitates:
        return
    if d.state.group_of(seat.id) is not None or seat.aside is not None:
        raise not_allowed("From a group you can't write to the circle.")
    if d.state.settings.chat is not ChatPolicy.ALL:
        raise not_allowed("Text is closed just now.")


def _check_text(d: Draft, text: str | bytes) -> None:
    sealed = d.state.settings.sealed
    if isinstance(text, bytes) is not sealed:
        takes = "sealed messages only" if sealed else "text"
        raise not_allowed(f"This room takes {takes}.")
    if len(text) > (SEALED_BYTES if isinstance(text, bytes) else CHARACTERS):
        raise Refused("too_long", "A milestone has at most 80 characters.")
