"""Who speaks in a room on a media node: who may know it, and how long they spoke, for the log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

from sitwith_server.media.engine import Speech
from sitwith_server.media.loops import Tasks
from sitwith_server.room import commands as c
from sitwith_server.room.media.routes import NOBODY, Routes
from sitwith_server.room.model import MemberId
from sitwith_server.service.rooms.results import Applied
from sitwith_server.service.rooms.room import HostedRoom

TALK_EVERY: Final = 10.0
"""Seconds between two commits of how long members spoke, while somebody speaks."""


def speakers_for(
    viewer: MemberId,
    speech: Mapping[MemberId, Speech],
    routes: Routes,
    slots: Mapping[str, MemberId | None],
) -> tuple[MemberId, ...]:
    """Whoever speaks, has a route to the viewer and is on one of their slots; and the viewer
    too, if they speak and somebody hears them. So nobody learns who speaks elsewhere."""
    near = {each for each in slots.values() if each is not None}
    return tuple(
        sorted(
            member
            for member, voice in speech.items()
            if voice.speaking
            and (
                (member == viewer and routes.heard.get(member))
                or (member in near and viewer in routes.heard.get(member, NOBODY))
            )
        )
    )


class SpeechCommits:
    """Commits to the room's log how long its members spoke. clock: monotonic seconds."""

    def __init__(self, room: HostedRoom, node: str, clock: Callable[[], float]) -> None:
        self._room, self._node, self._clock = room, node, clock
        self._uncommitted = _UncommittedSpeech()
        self._tasks = Tasks("talk_fault")

    def update(self, speech: Mapping[MemberId, Speech]) -> None:
        """Commits what is due. Waits for nothing; one commit at a time."""
        if len(self._tasks):
            return
        now = self._clock()
        heard = self._uncommitted.due(speech, self._room.state.floor.turn, now)
        if heard and self._room.is_current:
            self._tasks.spawn(self._commit(heard, now))

    def forget_others(self, members: Collection[MemberId]) -> None:
        """Forgets all others."""
        self._uncommitted.forget_others(members)

    async def end(self) -> None:
        """Cancels a commit under way."""
        await self._tasks.end()

    async def _commit(self, heard: Mapping[MemberId, float], now: float) -> None:
        command = c.AddTalk(by="", node=self._node, heard=heard)
        if isinstance(await self._room.execute(command, "talk"), Applied):
            self._uncommitted.committed(heard, now)


class _UncommittedSpeech:
    """How long members spoke that is not in the room's log yet."""

    def __init__(self) -> None:
        self._committed: dict[MemberId, float] = {}
        self._at = float("-inf")
        self._turn = 0

    def due(
        self, speech: Mapping[MemberId, Speech], turn: int, now: float
    ) -> dict[MemberId, float]:
        """Seconds by member if a commit is due, which is every `TALK_EVERY` and at the end of a
        turn."""
        if turn == self._turn and now - self._at < TALK_EVERY:
            return {}
        self._turn = turn
        fresh = {m: round(v.seconds - self._committed.get(m, 0.0), 1) for m, v in speech.items()}
        heard = {member: seconds for member, seconds in fresh.items() if seconds > 0}
        if not heard:
            self._at = max(self._at, now - TALK_EVERY / 2)
        return heard

    def forget_others(self, members: Collection[MemberId]) -> None:
        """Forgets all others."""
        for member in self._committed.keys() - set(members):
            del self._committed[member]

    def committed(self, heard: Mapping[MemberId, float], now: float) -> None:
        self._at = now
        for member, seconds in heard.items():
            self._committed[member] = self._committed.get(member, 0.0) + seconds
