"""Random histories of any log, compared with a tiny model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from sitwith_server.log.base import (
    CONTROL,
    Commit,
    Conflict,
    Duplicate,
    Gone,
    Log,
    Trimmed,
)

from .harness import taken

ROOMS = st.sampled_from(["r1", "r2"])
STREAMS = st.sampled_from([CONTROL, "circle", "pair:1"])
KEYS = st.none() | st.tuples(st.sampled_from(["s", "t"]), st.integers(1, 3))
SLIPS = st.sampled_from([0, 0, 0, 0, -1, 1])


class _Model:
    """A room as lists and dictionaries."""

    def __init__(self) -> None:
        self.rights = 0
        self.heads: dict[str, int] = {CONTROL: 0}
        self.entries: dict[str, list[tuple[int, int, str, bytes]]] = {}
        self.outcomes: dict[tuple[str, int], bytes] = {}


def machine_for(
    make: Callable[[], Coroutine[Any, Any, Log]], kept: int
) -> type[RuleBasedStateMachine]:
    """A state machine whose `.TestCase` compares a fresh log of `make`, which keeps at least
    `kept` entries, with the model, a few hundred random histories long."""

    class Machine(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.runner = asyncio.Runner()
            self.log = self.runner.run(make())
            self.rooms: dict[str, _Model] = {}
            self.tombs: set[str] = set()
            self.blobs = 0

        def teardown(self) -> None:
            if hasattr(self, "runner"):
                self.runner.run(self.log.close())
                self.runner.close()

        @rule(room=ROOMS)
        def create(self, room: str) -> None:
            made = self.runner.run(self.log.create(room, b"r", 3_600))
            assert made == (room not in self.rooms and room not in self.tombs)
            if made:
                self.rooms[room] = _Model()

        @rule(
            room=ROOMS,
            stream=STREAMS,
            count=st.integers(0, 3),
            rights=st.booleans(),
            key=KEYS,
            slip=SLIPS,
            head_slip=st.none() | SLIPS,
        )
        def commit(
            self,
            room: str,
            stream: str,
            count: int,
            rights: bool,
            key: tuple[str, int] | None,
            slip: int,
            head_slip: int | None,
        ) -> None:
            model = self.rooms.get(room) or _Model()
            self.blobs += 1
            blobs = tuple(b"%d.%d" % (self.blobs, n) for n in range(count))
            outcome = b"outcome %d" % self.blobs
            is_control = stream == CONTROL
            head = model.heads.get(stream, 0)
            at_head = None if head_slip is None or is_control else head + head_slip
            commit = Commit(
                room,
                stream,
                blobs,
                (head if is_control else model.rights) + slip,
                rights=rights and is_control,
                key=key,
                outcome=outcome,
                at_head=at_head,
            )
            result = self.runner.run(self.log.commit(commit))
            if room not in self.rooms:
                assert result == Gone()
            elif key in model.outcomes:
                assert key is not None
                assert result == Duplicate(model.outcomes[key])
            elif slip or at_head not in (None, head):
                assert result == Conflict()
            else:
                seqs = [position.seq for position in taken(result).positions]
                assert seqs == [head + 1 + n for n in range(count)]
                for seq, blob in zip(seqs, blobs, strict=True):
                    if commit.rights:
                        model.rights = seq
                    entry = (seq, model.rights, key[0] if key else "", blob)
                    model.entries.setdefault(stream, []).append(entry)
                    model.heads[stream] = seq
                if key is not None:
                    model.outcomes[key] = outcome

        @rule(room=ROOMS, stream=STREAMS, seq=st.integers(0, 12))
        def blank(self, room: str, stream: str, seq: int) -> None:
            self.runner.run(self.log.blank(room, stream, seq, b"blank"))
            if room in self.rooms:
                entries = self.rooms[room].entries.get(stream, [])
                for index, entry in enumerate(entries):
                    if entry[0] == seq:
                        entries[index] = (*entry[:3], b"blank")

        @rule(room=ROOMS, stream=STREAMS.filter(lambda stream: stream != CONTROL))
        def drop_stream(self, room: str, stream: str) -> None:
            self.runner.run(self.log.drop_stream(room, stream))
            if room in self.rooms:
                self.rooms[room].entries.pop(stream, None)

        @precondition(lambda self: self.rooms)
        @rule(room=ROOMS)
        def end(self, room: str) -> None:
            self.runner.run(self.log.end(room))
            self.rooms.pop(room, None)
            self.tombs.add(room)

        @rule(room=ROOMS, stream=STREAMS, after=st.integers(0, 12), limit=st.integers(1, 4))
        def read(self, room: str, stream: str, after: int, limit: int) -> None:
            model = self.rooms.get(room) or _Model()
            head = model.heads.get(stream, 0)
            wanted = [entry for entry in model.entries.get(stream, []) if entry[0] > after]
            try:
                entries = self.runner.run(self.log.read(room, stream, after, limit))
            except Trimmed as trimmed:
                assert after + 1 < trimmed.first <= head + 1
                assert len(wanted) > kept or len(wanted) < head - after
                return
            assert len(wanted) == max(0, head - after)
            assert [
                (entry.position.seq, entry.rights, entry.origin, entry.blob) for entry in entries
            ] == wanted[:limit]

        @invariant()
        def heads_and_outcomes_agree(self) -> None:
            for room in ("r1", "r2") if hasattr(self, "log") else ():
                heads = self.runner.run(self.log.heads(room))
                model = self.rooms.get(room)
                assert (heads is None) == (model is None)
                if heads is None or model is None:
                    continue
                assert heads.rights == model.rights
                assert {name: head.seq for name, head in heads.streams.items()} == model.heads
                for seat, number in (("s", 1), ("t", 3)):
                    known = self.runner.run(self.log.outcome(room, seat, number))
                    assert known == model.outcomes.get((seat, number))

    return Machine
