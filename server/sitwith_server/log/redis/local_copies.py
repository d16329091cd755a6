"""What this process holds of rooms, on each room's instance."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection

from sitwith_server.log.base import Blank, Blob, GetHostedState, Lost
from sitwith_server.log.redis.instance import Instance


class RedisLocalCopies(ABC):
    """Implements `LocalCopies`."""

    @abstractmethod
    def _of(self, room: str) -> Instance: ...

    def hold(
        self, room: str, give: GetHostedState, lost: Callable[[Lost], None] = lambda _: None
    ) -> Callable[[], None]:
        return self._of(room).holdings.hold(room, give, lost)

    def blank_copies(self, room: str, blanks: Collection[Blank]) -> None:
        if copy := self._of(room).holdings.rooms.get(room):
            copy.blank(blanks)

    def forget_here(self, room: str, record: Blob) -> None:
        self._of(room).holdings.forget_here(room, bytes(record))
