"""Random histories of any log, compared with a tiny model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
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
    Blank,
    Blob,
    Commit,
    Committed,
    Conflict,
    Duplicate,
    Effects,
    Gone,
    Log,
    Trimmed,
)

from .harness import create, taken

ROOMS = st.sampled_from(["r1", "r2"])
STREAMS = st.sampled_from([CONTROL, "circle", "pair:1"])
KEYS = st.none() | st.tuples(st.sampled_from(["s", "t"]), st.integers(1, 3))
LAST = st.sampled_from([*[""] * 12, "forget", "forget", "end"])
SLIPS = st.sampled_from([0, 0, 0, 0, -1, 1])


class _Model:
    """A room as lists and dictionaries."""

    def __init__(self) -> None:
        self.rights = 0
        self.life = 0
        self.record = b"record"
        self.workers: frozenset[str] = frozenset()
        self.trail: list[bytes] = []
        self.heads: dict[str, int] = {CONTROL: 0}
        self.begin()

    def begin(self) -> None:
        """A life."""
        self.heads = {CONTROL: self.heads[CONTROL]}
        self.entries: dict[str, list[tuple[int, int, str, bytes]]] = {}
        self.outcomes: dict[tuple[str, int], bytes] = {}
        self.snapshot: tuple[int, bytes] | None = None

    def append(self, stream: str, blobs: tuple[Blob, ...], commit: Commit) -> list[int]:
        seqs = []
        for blob in blobs:
            seq = self.heads[stream] = self.heads.get(stream, 0) + 1
            if commit.rights:
                self.rights = seq
            entry = (seq, self.rights, commit.key[0] if commit.key else "", bytes(blob))
            self.entries.setdefault(stream, []).append(entry)
            seqs.append(seq)
        return seqs

    def blank(self, blank: Blank) -> None:
        entries = self.entries.get(blank.stream, [])
        for index, entry in enumerate(entries):
            if entry[0] in blank.numbers:
                entries[index] = (*entry[:3], bytes(blank.blob))

    def take(self, effects: Effects) -> None:
        for blank in effects.blanks:
            self.blank(blank)
        if effects.record is not None:
            self.record = bytes(effects.record)
        if effects.workers is not None:
            self.workers = effects.workers
        if effects.snapshot is not None:
            self.snapshot = (self.heads[CONTROL], bytes(effects.snapshot))
        if effects.audit is not None:
            self.trail.append(bytes(effects.audit[0]))


BLANKS = st.lists(
    st.builds(
        Blank,
        STREAMS,
        st.lists(st.integers(0, 12), max_size=3).map(tuple),
        st.sampled_from([b"", b"blank"]),
    ),
    max_size=2,
).map(tuple)
EFFECTS = st.just(Effects()) | st.builds(
    Effects,
    record=st.none() | st.sampled_from([b"", b"new"]),
    workers=st.none() | st.frozensets(st.sampled_from(["w1", "w2"])),
    snapshot=st.none() | st.just(b"state"),
    blanks=BLANKS,
    audit=st.none() | st.just((b"did", 3_600.0)),
)


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
            made = self.runner.run(create(self.log, room))
            assert made == (room not in self.rooms and room not in self.tombs)
            if made:
                self.rooms[room] = _Model()

        @rule(
            room=ROOMS,
            stream=STREAMS,
            count=st.integers(0, 3),
            control=st.integers(0, 2),
            rights=st.booleans(),
            key=KEYS,
            slip=SLIPS,
            head_slip=st.none() | SLIPS,
            control_slip=st.none() | SLIPS,
            effects=EFFECTS,
            last=LAST,
        )
        def commit(
            self,
            room: str,
            stream: str,
            count: int,
            control: int,
            rights: bool,
            key: tuple[str, int] | None,
            slip: int,
            head_slip: int | None,
            control_slip: int | None,
            effects: Effects,
            last: str,
        ) -> None:
            model = self.rooms.get(room) or _Model()
            self.blobs += 1
            is_control = stream == CONTROL
            head = model.heads.get(stream, 0)
            at_head = None if head_slip is None or is_control else head + head_slip
            if is_control:
                control_head, control = None, 0
                if last == "forget" and count:
                    rights, record = True, effects.record or b"forgot"
                    effects = replace(effects, forget=True, record=record)
                effects = replace(effects, end=last == "end")
            else:
                if control_slip is None and (control or effects.snapshot is not None):
                    control_slip = 0
                known = model.heads[CONTROL]
                control_head = None if control_slip is None else known + control_slip
            commit = Commit(
                room,
                stream,
                tuple(b"%d.%d" % (self.blobs, n) for n in range(count)),
                (head if is_control else model.rights) + slip,
                rights=rights and is_control,
                key=key,
                outcome=b"outcome %d" % self.blobs,
                at_head=at_head,
                control=tuple(b"%d.c%d" % (self.blobs, n) for n in range(control)),
                control_head=control_head,
                effects=effects,
            )
            result = self.runner.run(self.log.commit(commit))
            if room not in self.rooms:
                assert result == Gone()
            elif key in model.outcomes:
                assert key is not None
                assert result == Duplicate(model.outcomes[key])
            elif slip or at_head not in (None, head) or (control_head is not None and control_slip):
                assert result == Conflict()
            else:
                self.took(model, commit, taken(result))

        def took(self, model: _Model, commit: Commit, result: Committed) -> None:
            effects = commit.effects
            if effects.forget:
                model.life += 1
                model.begin()
            seqs = model.append(CONTROL, commit.control, commit)
            assert [position.seq for position in result.control] == seqs
            seqs = model.append(commit.stream, commit.blobs, commit)
            assert [position.seq for position in result.positions] == seqs
            assert all(each.life == model.life for each in (*result.control, *result.positions))
            if commit.key is not None:
                model.outcomes[commit.key] = bytes(commit.outcome)
            model.take(effects)
            if effects.end:
                del self.rooms[commit.room]
                self.tombs.add(commit.room)

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
        def all_the_rest_agrees(self) -> None:
            if not hasattr(self, "log"):
                return
            for room in ("r1", "r2"):
                self.agrees(room, self.rooms.get(room))
            living = {name for name, model in self.rooms.items() if "w1" in model.workers}
            assert set(self.runner.run(self.log.orphans(["w1"]))) == living
            assert set(self.runner.run(self.log.rooms())) == set(self.rooms)

        def agrees(self, room: str, model: _Model | None) -> None:
            heads = self.runner.run(self.log.heads(room))
            assert (heads is None) == (model is None)
            assert self.runner.run(self.log.ended(room)) == (room in self.tombs)
            if heads is None or model is None:
                return
            assert heads.rights == model.rights
            assert {name: head.seq for name, head in heads.streams.items()} == model.heads
            for seat, number in (("s", 1), ("t", 3)):
                known = self.runner.run(self.log.outcome(room, seat, number))
                assert known == model.outcomes.get((seat, number))
            assert self.runner.run(self.log.record(room)) == model.record
            assert self.runner.run(self.log.read_audit(room)) == model.trail
            snapshot = self.runner.run(self.log.snapshot(room))
            found = snapshot and (snapshot.position.seq, snapshot.blob)
            assert found == model.snapshot

    return Machine
