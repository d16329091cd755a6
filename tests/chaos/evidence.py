"""A history, looked at from the side that the invariants ask about. Computed once a history."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from sitwith_server.log.base import Position
from tests.chaos.history import History, Op, Received, stream_of

CANARY: Final = re.compile(rb"canary-[0-9a-f]{12}")
INTO_LOBBY: Final = ("lobby.return", "member.remove")


@dataclass(frozen=True, slots=True)
class Given:
    """A message as one client got it."""

    by: Received
    stream: str
    n: int
    place: Position | None
    """None: not known."""
    body: object
    deleted: bool

    @property
    def key(self) -> tuple[str, int]:
        return self.stream, self.n

    @property
    def event(self) -> object:
        """Which commit it is of: by its own id, or by when it was."""
        frame = self.by.frame
        return self.place.event if self.place else (frame["at"], frame["from"])


@dataclass(frozen=True, slots=True)
class Wanted:
    """A committed message and who must have got it."""

    stream: str
    n: int
    seq: int | None
    body: str
    must: frozenset[str]


class Evidence:
    def __init__(self, history: History) -> None:
        self.history = history

    # -- connections -----------------------------------------------------------------------------

    @cached_property
    def _opened(self) -> dict[str, list[tuple[float, int]]]:
        opened: dict[str, list[tuple[float, int]]] = defaultdict(list)
        for link in self.history.links:
            if link.code is None:
                opened[link.client].append((link.at, link.connection))
        return opened

    def stale(self, r: Received) -> bool:
        """Whether the client had opened a later connection by then: what still arrives on the
        older one may come again on the newer."""
        return any(
            connection > r.connection and at <= r.at for at, connection in self._opened[r.client]
        )

    # -- messages --------------------------------------------------------------------------------

    @cached_property
    def given(self) -> list[Given]:
        return [
            Given(
                r,
                stream_of(r.frame["to"], r.seat),
                r.frame["n"],
                self.history.place(stream_of(r.frame["to"], r.seat), r.frame["pos"]),
                r.frame["body"],
                bool(r.frame.get("deleted")),
            )
            for r in self.history.of("chat")
        ]

    @cached_property
    def current(self) -> list[Given]:
        """Without what came over connections that had been replaced."""
        return [g for g in self.given if not self.stale(g.by)]

    @cached_property
    def by_client(self) -> dict[str, list[Given]]:
        found: dict[str, list[Given]] = defaultdict(list)
        for given in self.current:
            found[given.by.client].append(given)
        return found

    @cached_property
    def by_key(self) -> dict[tuple[str, int], list[Given]]:
        found: dict[tuple[str, int], list[Given]] = defaultdict(list)
        for given in self.given:
            found[given.key].append(given)
        return found

    @cached_property
    def where(self) -> dict[str, set[tuple[str, int]]]:
        """Under which numbers each body was seen."""
        found: dict[str, set[tuple[str, int]]] = defaultdict(set)
        for given in self.given:
            if isinstance(given.body, str) and given.body:
                found[given.body].add(given.key)
        return found

    @cached_property
    def canaries_in(self) -> list[tuple[Received, frozenset[str]]]:
        """Every frame that holds a canary anywhere in its bytes, with what it holds."""
        found = []
        for r in self.history.received:
            texts = frozenset(each.decode() for each in CANARY.findall(r.raw))
            if texts:
                found.append((r, texts))
        return found

    def was_told(self, seat: str, stream: str, seq: int | None) -> bool:
        """Whether a gap covers this, or a later entry (by way of the lobby) said to go on after
        it: whoever was away when they were sent back is given nothing of before."""
        for r in self.history.of("entered"):
            if r.seat != seat or r is self.entered.get(seat) or seq is None:
                continue
            places = {stream_of(to, seat): pos for to, pos in r.frame["pos"].items()}
            if stream in places:
                place = self.history.place(stream, places[stream])
                if place is None or seq <= place.seq:
                    return True
        return self._gap_covers(seat, stream, seq)

    def _gap_covers(self, seat: str, stream: str, seq: int | None) -> bool:
        for r in self.history.of("gap"):
            if r.seat != seat or stream_of(r.frame["stream"], seat) not in (stream, "room"):
                continue
            missed = r.frame["missed"]
            if missed is None or seq is None or missed[0] <= seq <= missed[1]:
                return True
        return False

    # -- people ----------------------------------------------------------------------------------

    @cached_property
    def facilitators(self) -> frozenset[str]:
        return self.history.facilitators()

    @cached_property
    def always_facilitators(self) -> frozenset[str]:
        """Facilitators from their own entry on, whom nobody made anything else."""
        changed = {op.fields["member"] for op in self.ops("role.give")}
        welcomed = {
            r.frame["me"] for r in self.history.of("welcome") if r.frame["role"] == "facilitator"
        }
        return frozenset(welcomed - changed)

    @cached_property
    def entered(self) -> dict[str, Received]:
        """The first frame of each seat that let it in."""
        found: dict[str, Received] = {}
        for r in self.history.of("entered", "welcome"):
            if r.frame["t"] == "entered" or r.frame["phase"] == "inside":
                found.setdefault(r.seat, r)
        return found

    def entry_seq(self, seat: str, stream: str) -> int | None:
        """How far a stream was when this seat came in, as the frame said that let it in; None
        where only a resume's welcome is there, which says how far the stream is by then."""
        r = self.entered.get(seat)
        if r is None or r.frame["t"] != "entered" or stream not in r.frame["pos"]:
            return None
        place = self.history.place(stream, r.frame["pos"][stream])
        return None if place is None else place.seq

    @cached_property
    def disturbed(self) -> frozenset[str]:
        """Seats that may have been out of an audience for a while."""
        found = {op.seat for op in self.ops("leave")}
        for op in self.ops(*INTO_LOBBY, "role.give", "pairs.move"):
            found.add(op.fields["member"])
        return frozenset(found)

    @cached_property
    def removed(self) -> dict[str, float]:
        """When a facilitator had it acknowledged that this seat is removed."""
        found: dict[str, float] = {}
        for op in self.ops("member.remove"):
            if op.ok and op.done is not None:
                seat = op.fields["member"]
                found[seat] = min(op.done, found.get(seat, op.done))
        return found

    @cached_property
    def groups(self) -> dict[str, list[frozenset[str]]]:
        """Every membership of each group that anybody was shown, visitors not counted."""
        found: dict[str, list[frozenset[str]]] = defaultdict(list)
        for _, slices in self.history.slices():
            for group, people in ((slices.get("pairs") or {}).get("groups") or {}).items():
                found[group].append(frozenset(people))
        return found

    @cached_property
    def visitors(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for _, slices in self.history.slices():
            for group, people in ((slices.get("pairs") or {}).get("visitors") or {}).items():
                found[group].update(people)
        return found

    def ops(self, *kinds: str) -> Iterable[Op]:
        """Operations of these kinds that may have happened."""
        return (op for op in self.history.ops if op.kind in kinds and not op.refused)

    # -- audiences, from what clients know -------------------------------------------------------

    def stream_for(self, op: Op) -> str | None:
        """The conversation in which an operation's words are, if anybody knows."""
        if op.ok and op.answer is not None:
            return stream_of(op.answer["to"], op.seat)
        seen = self.where.get(op.canary or "")
        return next(iter(seen))[0] if seen else None

    def may_get(self, stream: str, author: str) -> frozenset[str] | None:
        """Everybody for whom a message may be; None: everybody inside."""
        kind, _, rest = stream.partition(":")
        if kind == "circle":
            return None
        if kind == "staff":
            return self.facilitators | {rest, author}
        if kind == "facilitators":
            return self.facilitators | {author}
        if kind == "direct":
            return frozenset(rest.split(":"))
        members = frozenset[str]().union(*self.groups.get(rest, []))
        return members | self.visitors.get(rest, set()) | {author}

    def must_get(self, op: Op, stream: str) -> frozenset[str]:
        """Those for whom a message surely is, as far as clients can know."""
        kind, _, rest = stream.partition(":")
        if kind == "circle":
            people = frozenset(self.entered)
        elif kind == "staff":
            people = self.always_facilitators | {rest}
        elif kind == "facilitators":
            people = self.always_facilitators
        elif kind == "direct":
            people = frozenset(rest.split(":"))
        else:
            shown = self.groups.get(rest)
            people = frozenset.intersection(*shown) if shown else frozenset({op.seat})
        # How far a stream was when somebody came in says nothing: what was on its way then may be
        # from before. A group's words come after its opening, and that is how one knows of it.
        timely = {s for s in people if kind == "pair" or self._in_by(s, op.invoked)}
        return frozenset(timely - self.disturbed)

    def _in_by(self, seat: str, moment: float) -> bool:
        return seat in self.entered and self.entered[seat].at < moment

    @cached_property
    def wanted(self) -> list[Wanted]:
        if self.history.truth is not None:
            return [Wanted(e.stream, e.n, e.seq, e.body, e.audience) for e in self.history.truth]
        found = []
        for body, op in self.history.canaries().items():
            stream = self.stream_for(op)
            if stream is None:
                continue
            seen = self.where.get(body)
            n = int(op.answer["n"]) if op.ok and op.answer else max(seen or {("", 0)})[1]
            known = self.by_key.get((stream, n))
            seq = known[0].place.seq if known and known[0].place else None
            found.append(Wanted(stream, n, seq, body, self.must_get(op, stream)))
        return found
