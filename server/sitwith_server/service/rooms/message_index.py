"""What has been said in a room, as far as the rules need it: numbers, authors, times. No words."""

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
    """Folds conversation entries, in order within each stream. Implements `room.talk.Talk`."""

    def __init__(self) -> None:
        self._streams: dict[str, StreamIndex] = {}
        self._last: dict[MemberId, float] = {}

    @classmethod
    def joined(cls, own: MessageIndex, other: MessageIndex, lost: Collection[str]) -> MessageIndex:
        """`own`, but of the streams that are `lost`, and of what goes less far in `other`, what
        `other` has."""
        made = cls()
        for stream, book in own._streams.items():
            if stream not in lost and book.head <= other.head(stream):
                made._streams[stream] = book
            elif (found := other._streams.get(stream)) is not None:
                made._streams[stream] = found
        made._last = {**own._last, **other._last}
        return made

    def head(self, stream: str) -> int:
        """The number of the last entry folded of this stream, 0 before any."""
        book = self._streams.get(stream)
        return book.head if book else 0

    def streams(self) -> list[str]:
        return list(self._streams)

    def fold(self, entry: Entry, what: Saying) -> None:
        """Folds one entry."""
        book = self._streams.setdefault(entry.stream, StreamIndex())
        book.head = entry.position.seq
        if isinstance(what, Said):
            book.count = what.n
            book.messages[what.n] = IndexedMessage(
                entry.position.seq, what.author, entry.rights, what.notice, what.deleted
            )
            if len(book.messages) > KEPT_ENTRIES:
                book.messages.popitem(last=False)
            if slowed(entry.stream):
                self._last[what.author] = entry.at
            return
        message = book.messages.get(what.n)
        if message is not None:
            message.deleted = True

    def skip_to(self, stream: str, seq: int) -> None:
        """The entries up to this number are lost."""
        book = self._streams.setdefault(stream, StreamIndex())
        book.head = max(book.head, seq)

    def message(self, stream: str, n: int) -> IndexedMessage | None:
        """Message `n` of a conversation, if it is still known."""
        book = self._streams.get(stream)
        return book.messages.get(n) if book else None

    # -- room.talk.Talk ------------------------------------------------------------------------

    def count(self, stream: str) -> int:
        book = self._streams.get(stream)
        return book.count if book else 0

    def said(self, stream: str, n: int) -> tuple[MemberId, int, bool] | None:
        book = self._streams.get(stream)
        message = book.messages.get(n) if book else None
        return None if message is None else (message.author, message.rights, message.deleted)

    def last_said_at(self, member: MemberId) -> float | None:
        return self._last.get(member)
