"""The part of the log's contract that a log in this process keeps by never failing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from sitwith_server.log.base import Blank, Give, Health, Lost


class NeverFails:
    """It can't be away, loses nothing and has no copies."""

    def hold(
        self, room: str, give: Give, lost: Callable[[Lost], None] = lambda _: None
    ) -> Callable[[], None]:
        return lambda: None

    def frozen(self, room: str) -> bool:
        return False

    def health(self) -> Mapping[str, Health]:
        return {"memory": Health.LIVE}

    def reasons(self) -> Mapping[str, str]:
        return {}

    def watch(self, changed: Callable[[str, Health], None]) -> Callable[[], None]:
        return lambda: None

    def blanked(self, room: str, blanks: Collection[Blank]) -> None:
        """There are no copies of entries."""

    def forget_here(self, room: str, record: bytes) -> None:
        """There are no copies of rooms: this one still has the room, which is due."""
