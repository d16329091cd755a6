"""A log in memory that keeps bytes alone, as every log but the one of a single process does."""

from __future__ import annotations

from dataclasses import replace

from sitwith_server.log.base import Blank, Blob, Commit, Effects, Result
from sitwith_server.log.memory.log import MemoryLog


class PlainLog(MemoryLog):
    """Workers that share it share no objects."""

    async def create(self, room: str, record: Blob, expires: float) -> bool:
        return await super().create(room, bytes(record), expires)

    async def commit(self, commit: Commit) -> Result:
        return await super().commit(plain(commit))

    async def audit(self, room: str, blob: Blob, ttl: float) -> None:
        await super().audit(room, bytes(blob), ttl)


def plain(commit: Commit) -> Commit:
    """The same commit with nothing but bytes."""
    return replace(
        commit,
        blobs=tuple(map(bytes, commit.blobs)),
        control=tuple(map(bytes, commit.control)),
        outcome=bytes(commit.outcome),
        effects=_plain(commit.effects),
    )


def _plain(effects: Effects) -> Effects:
    blanks = [Blank(each.stream, each.numbers, bytes(each.blob)) for each in effects.blanks]
    return replace(
        effects,
        record=None if effects.record is None else bytes(effects.record),
        snapshot=None if effects.snapshot is None else bytes(effects.snapshot),
        blanks=tuple(blanks),
        audit=None if effects.audit is None else (bytes(effects.audit[0]), effects.audit[1]),
    )
