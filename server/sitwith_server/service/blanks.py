"""What is to be blanked in a room's log, until it is.

Whoever deletes words, or takes a card back, is told so once that is committed; that it goes from
the log as well may have to wait for a log that is away just then, and is never forgotten.
"""

from __future__ import annotations

from sitwith_server.log.base import Log, LogDown


class Blanks:
    """Of one room, as this worker knows of it."""

    def __init__(self, log: Log, room: str) -> None:
        self.log = log
        self._room = room
        self._owed: dict[tuple[str, int], bytes] = {}

    async def blank(self, stream: str, blob: bytes, *numbers: int) -> None:
        """Puts `blob` in the place of these entries, now or as soon as it can be."""
        self._owed.update({(stream, number): blob for number in numbers})
        await self.settle()

    async def settle(self) -> None:
        """Does what is still owed, as far as the log lets it."""
        while self._owed:
            (stream, _), blob = next(iter(self._owed.items()))
            first, *more = [n for (s, n), b in self._owed.items() if (s, b) == (stream, blob)]
            try:
                await self.log.blank(self._room, stream, first, blob, *more)
            except LogDown:
                return
            for number in (first, *more):
                self._owed.pop((stream, number), None)

    def owed(self, stream: str, number: int) -> bytes | None:
        """What is to stand there, where the log may still have what stood there before."""
        return self._owed.get((stream, number))

    def start_over(self, other: Blanks) -> None:
        """The log has other entries under these numbers, maybe: `other` has read them."""
        self._owed = other._owed
