"""Who carries the voices, and how long each seat was heard (VO*)."""

from __future__ import annotations

from sitwith_server.room import commands as c
from sitwith_server.room.decide.draft import Draft, stale
from sitwith_server.room.events import MediaPinned, TalkHeard


def check(d: Draft, command: c.Media) -> None:
    """Phase and rights are all that there is to decide, and `decide` has done so."""


def pin(d: Draft, command: c.PinMedia) -> None:
    """Of workers that choose at the same time the first one's choice holds."""
    if d.state.media == command.node:
        return
    if d.state.media != command.was:
        raise stale("Another media node carries the voices by now.")
    d.emit(MediaPinned(command.node))


def add_talk(d: Draft, command: c.AddTalk) -> None:
    """From the node that carries the voices alone, and of those who are inside alone: what is said
    of others came too late to matter."""
    if d.state.media != command.node:
        raise stale("Another media node carries the voices by now.")
    heard = tuple(
        (member, round(seconds, 1))
        for member, seconds in sorted(command.heard.items())
        if d.state.at(member) is not None and round(seconds, 1) > 0
    )
    if heard:
        d.emit(TalkHeard(heard))
