"""An index of a room's messages with what the rules need: numbers, authors, times. No text."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field

from sitwith_server.log.base import KEPT_ENTRIES, Entry
from sitwith_server.room.chat.talk import Said, Saying, slowed
from sitwith_server.room.model import MemberId


@dataclass(slots=True)
class IndexedMessage:
    seq: int
    author: MemberId
    rights: int
    notice: bool = False
    deleted: bool = False


@dataclass(slots=True)
class StreamIndex:
    head: int = 0
    count: int = 0
    messages: OrderedDict[int, IndexedMessage] = field(default_factory=OrderedDict)


class MessageIndex:
    """Folds the entries of conversations, in order within each stream. Implements
    `room.chat.talk.Talk`."""

    def __init__(self) -> None:
        self._streams: dict[str, StreamIndex] = {}
        self._last: dict[MemberId, float] = {}

    @classmethod
    def joined(cls, own: MessageIndex, other: MessageIndex, lost: Collection[str]) -> MessageIndex:
        """`own`, except for the streams in `lost` and those that are shorter in `other`: these are
        taken from `other`."""
        made = cls()
        for stream, known in own._streams.items():
            if stream not in lost and known.head <= other.head(stream):
                made._streams[stream] = known
            elif (found := other._streams.get(stream)) is not None:
                made._streams[stream] = found
        made._last = {**own._last, **other._last}
        return made

    def head(self, stream: str) -> int:
        """The number of the last entry folded of this stream, 0 before any."""
        known = self._streams.get(stream)
        return known.head if known else 0

    def streams(self) -> list[str]:
        return list(self._streams)

    def fold(self, entry: Entry, what: Saying) -> None:
        """Folds one entry."""
        known = self._streams.setdefault(entry.stream, StreamIndex())
        known.head = entry.position.seq
        if isinstance(what, Said):
            known.count = what.n
            known.messages[what.n] = IndexedMessage(
                entry.position.seq, what.author, entry.rights, what.notice, what.deleted
            )
            if len(known.messages) > KEPT_ENTRIES:
                known.messages.popitem(last=False)
            if slowed(entry.stream):
                self._last[what.author] = entry.at
            return
        message = known.messages.get(what.n)
        if message is not None:
            message.deleted = True

    def skip_to(self, stream: str, seq: int) -> None:
        """Skips the entries up to this number, which are lost."""
        known = self._streams.setdefault(stream, StreamIndex())
        known.head = max(known.head, seq)

    def message(self, stream: str, n: int) -> IndexedMessage | None:
        """Message `n` of a conversation, None if it is not known (any more)."""
        known = self._streams.get(stream)
        return known.messages.get(n) if known else None

    # -- room.chat.talk.Talk
    # ------------------------------------------------------------------------

    def count(self, stream: str) -> int:
        known = self._streams.get(stream)
        return known.count if known else 0

    def said(self, stream: str, n: int) -> tuple[MemberId, int, bool] | None:
        known = self._streams.get(stream)
        message = known.messages.get(n) if known else None
        return None if message is None else (message.author, message.rights, message.deleted)

    def last_said_at(self, member: MemberId) -> float | None:
        return self._last.get(member)
