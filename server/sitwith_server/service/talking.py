"""A room's conversations on this worker: deciding, committing and folding words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sitwith_protocol.codec import decode, encode
from sitwith_protocol.errors import RefusalCode
from sitwith_server.log.base import (
    CONTROL,
    Commit,
    Committed,
    Duplicate,
    Entry,
    Gone,
    Log,
    Position,
    Trimmed,
)
from sitwith_server.room import Refusal
from sitwith_server.room import commands as c
from sitwith_server.room.access import shown_as
from sitwith_server.room.model import RoomState
from sitwith_server.room.talk import Placed, Said, Saying, Unsaid, decide_talk
from sitwith_server.service import answers, store
from sitwith_server.service.answers import Answer, Done, No
from sitwith_server.service.blanks import Blanks
from sitwith_server.service.talkbook import TalkBook

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Words:
    """A commit of a conversation."""

    entry: Entry
    what: Saying


class Talking:
    """Implements the conversations' half of `service.rooms.Room`, which serialises its calls.

    tell: called with each entry, in order within its stream, once it is committed and folded.
    """

    def __init__(self, log: Log, room: str, tell: Callable[[Words], None], blanks: Blanks) -> None:
        self._log = log
        self._blanks = blanks
        self._room = room
        self._tell = tell
        self.book = TalkBook()
        self.positions: dict[str, Position] = {}

    async def attempt(
        self, state: RoomState, rights: int, command: c.Say | c.Unsay, key: Key | None
    ) -> Answer | None:
        """The answer, committed; None after a lost race: catch up and try again."""
        placed = decide_talk(state, command, self.book, await self._log.now(self._room))
        answer = _answer(placed, command)
        if isinstance(answer, No) and not answer.code.is_outcome:
            return answer
        if not isinstance(placed, Placed):
            return await self._commit(Commit(self._room, CONTROL, (), state.seq, key=key), answer)
        assert isinstance(placed.what, Said | Unsaid)
        blob = store.saying_to_bytes(placed.what)
        commit = Commit(
            room=self._room,
            stream=placed.stream,
            blobs=(blob,),
            expect=rights,
            key=key,
            at_head=self.book.head(placed.stream),
        )
        return await self._commit(commit, answer, placed.what)

    async def _commit(
        self, commit: Commit, answer: Answer, what: Saying | None = None
    ) -> Answer | None:
        result = await self._log.commit(_with_outcome(commit, answer))
        if isinstance(result, Duplicate):
            return answers.from_bytes(result.outcome)
        if isinstance(result, Gone):
            return No(RefusalCode.NOT_INSIDE, RefusalCode.NOT_INSIDE.text)
        if not isinstance(result, Committed):
            return None
        if what is not None:
            by = what.author if isinstance(what, Said) else what.by
            (blob,), (position,) = commit.blobs, result.positions
            entry = Entry(commit.stream, position, commit.expect, result.at, by, blob)
            await self.take(entry, what)
        return answer

    async def take(self, entry: Entry, what: Saying) -> None:
        """Folds and tells one entry; a deletion also blanks the words that the log still has."""
        deleted = self.book.fold(entry, what)
        self.positions[entry.stream] = entry.position
        self._tell(Words(entry, what))
        if deleted is not None and isinstance(what, Unsaid):
            empty = Said(what.n, deleted.author, "", notice=deleted.notice, deleted=True)
            blob = store.saying_to_bytes(empty)
            await self._blanks.blank(entry.stream, blob, deleted.seq)

    def start_over(self, other: Talking) -> None:
        """Takes over what another reading of the same log has found."""
        self.book, self.positions = other.book, other.positions

    async def fresh(self) -> list[Entry] | None:
        """What others have committed and is not folded here yet; None if the room is gone."""
        heads = await self._log.heads(self._room)
        if heads is None:
            return None
        found: list[Entry] = []
        for stream, head in heads.streams.items():
            known = self.book.head(stream)
            if stream == CONTROL or head.seq <= known:
                continue
            try:
                found += await self._log.read(self._room, stream, known)
            except Trimmed as trimmed:
                found += await self._log.read(self._room, stream, trimmed.first - 1)
        return sorted(found, key=lambda e: (e.rights, e.at, e.stream, e.position.seq))

    async def history(self, stream: str, after: int) -> list[Words]:
        """A conversation's kept entries with a number above `after`, whole and in order.

        Raises:
            Trimmed: some of them are no longer kept.
        """
        found: list[Words] = []
        while entries := await self._log.read(self._room, stream, after):
            for entry in entries:
                owed = self._blanks.owed(stream, entry.position.seq)
                blob = entry.blob if owed is None else owed
                found.append(Words(entry, store.saying_from_bytes(blob)))
            after = entries[-1].position.seq
        return found


LETTER: Final = b"\xc1"
"""What a whisper of the media plane begins with: a byte that MessagePack never uses."""


def is_letter(blob: bytes) -> bool:
    """Whether a whisper is no reaction, but a word between workers and media nodes."""
    return blob[:1] == LETTER


def reaction_to_bytes(stream: str, by: str, kind: str) -> bytes:
    """A reaction, as it is whispered to all workers of a room."""
    return encode({"t": "reaction", "stream": stream, "by": by, "kind": kind})


def reaction_from_bytes(blob: bytes) -> tuple[str, str, str]:
    frame = decode(blob)
    return str(frame["stream"]), str(frame["by"]), str(frame["kind"])


def _answer(placed: Placed | Refusal | None, command: c.Say | c.Unsay) -> Answer:
    if isinstance(placed, Refusal):
        return No(RefusalCode(placed.code), placed.message)
    if placed is None or not isinstance(placed.what, Said):
        return Done()
    return Done({"to": shown_as(placed.stream, command.by), "n": placed.what.n})


def _with_outcome(commit: Commit, answer: Answer) -> Commit:
    return Commit(
        room=commit.room,
        stream=commit.stream,
        blobs=commit.blobs,
        expect=commit.expect,
        key=commit.key,
        outcome=answers.to_bytes(answer),
        at_head=commit.at_head,
    )
