"""A room that this worker holds: its stage, its users, and the references that they have."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from types import TracebackType

from sitwith_server.service.rooms.room import HostedRoom


class HoldState(Enum):
    LOADING = "loading"
    LIVE = "live"
    RELOADING = "reloading"
    """The log holds other entries than this worker; the room is being loaded again."""
    ENDED = "ended"


@dataclass(slots=True, eq=False)
class HeldRoom:
    """One room in the host's table.

    loading: the task that loads it.
    users: how many references there are.
    used_at: when the last reference was released (the loop's clock).
    following: whether a task is folding its notifications.
    undo: ends the room's timer, observers and subscriptions.
    """

    loading: asyncio.Task[HostedRoom | None]
    stage: HoldState = HoldState.LOADING
    room: HostedRoom | None = None
    users: int = 0
    used_at: float = 0.0
    seated: bool = False
    """Whether somebody was connected to the room on this worker in its present life."""
    checked_with: frozenset[str] | None = None
    """The workers that were alive when its connections were last checked."""
    following: bool = False
    undo: tuple[Callable[[], None], ...] = ()

    def close(self) -> None:
        """Ends everything that keeps the room up to date."""
        self.loading.cancel()
        for each in self.undo:
            each()
        self.undo = ()


class RoomReference:
    """A reference to a hosted room; while there is one, the room is not released. Ends with
    `release` or as a context manager."""

    def __init__(self, held: HeldRoom, room: HostedRoom) -> None:
        self._held: HeldRoom | None = held
        self.room = room

    def mark_seated(self) -> None:
        """Notes that somebody is connected to the room on this worker."""
        if self._held is not None:
            self._held.seated = True

    def release(self) -> None:
        """Ends the reference. Does nothing the second time."""
        if self._held is not None:
            self._held.users -= 1
            self._held.used_at = _clock()
            self._held = None

    def __enter__(self) -> HostedRoom:
        return self.room

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _clock() -> float:
    return asyncio.get_running_loop().time()
