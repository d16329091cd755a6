"""N1 to N15: what must hold in every history, whatever broke.

Each is a pure function from a history's evidence to the violations in it. They read what clients
sent and got; only where a run can read its log do they know more (`History.truth`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.chaos.evidence import CANARY, Evidence, Given
from tests.chaos.history import History, Op, stream_of
from tests.chaos.operators import wrong

STAFF_SLICES: Final = ("lobby", "help", "care")
OF_THE_VIEWER: Final = ("pairs", *STAFF_SLICES)
ELSEWHERE_SECONDS: Final = 12.0
"""A worker that sleeps or can't read learns so much later that a seat has gone elsewhere."""
FACILITATORS_ONLY: Final = (
    "mute.all", "floor.open", "floor.quiet", "floor.round", "floor.stick", "floor.extend",
    "floor.pause", "floor.resume", "pairs.open", "pairs.move", "pairs.close", "pairs.say",
    "lobby.admit", "lobby.admit_all", "lobby.decline", "lobby.return", "room.lock", "room.unlock",
    "room.settings", "member.remove", "role.give", "agenda.start", "agenda.next", "agenda.back",
    "agenda.extend", "agenda.edit",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Violation:
    rule: str
    text: str
    evidence: tuple[object, ...] = ()

    def __str__(self) -> str:
        return f"{self.rule}: {self.text} {list(self.evidence)!r}"[:600]


Found = Iterator[Violation]


def order(e: Evidence) -> Found:
    """N1: every client's list is a rising piece of one common list, which has no holes."""
    rolled_back = e.history.lost_epochs
    for key, all_given in e.by_key.items():
        events = {g.event for g in all_given}
        bodies = {g.body for g in all_given if not g.deleted}
        if len(events) > 1 and not rolled_back:
            yield Violation("N1", "one number names two entries", (key, sorted(map(str, events))))
        elif len(bodies) > 1 and not rolled_back:
            yield Violation("N1", "one number has two texts", (key, sorted(map(str, bodies))))
    for client, given in e.by_client.items():
        last: dict[str, Any] = {}
        for g in given:
            before = last.get(g.stream)
            if (
                before is not None
                and (g.n <= before.n or _behind(g, before))
                and not (rolled_back and _gap_between(e, client, g.stream, before, g))
                and (g.n, g.event) != (before.n, before.event)  # the same again is N3's
            ):
                yield Violation("N1", "went back", (client, g.stream, before.n, g.n))
            last[g.stream] = g
    circle = {n for stream, n in e.by_key if stream == "circle"}
    holes = set(range(1, max(circle, default=0) + 1)) - circle
    if holes and not any(r.frame["stream"] == "circle" for r in e.history.of("gap")):
        yield Violation("N1", "numbers that nobody ever got", ("circle", sorted(holes)[:10]))


def _behind(after: Given, before: Given) -> bool:
    places = (before.place, after.place)
    return None not in places and places[1].seq <= places[0].seq  # type: ignore[union-attr]


def _gap_between(e: Evidence, client: str, stream: str, before: Any, after: Any) -> bool:
    return any(
        r.client == client and before.by.index < r.index < after.by.index
        for r in e.history.of("gap")
        if stream_of(r.frame["stream"], r.seat) == stream
    )


def no_silent_loss(e: Evidence) -> Found:
    """N2: acknowledged, or seen by anybody, and yours: then delivered, or a gap was said."""
    got: dict[tuple[str, str, int], set[object]] = defaultdict(set)
    for g in e.given:
        got[(g.by.seat, *g.key)].add(g.body)
    here = {seat for seat, is_here in e.history.here.items() if is_here}
    for wanted in e.wanted:
        for seat in sorted(wanted.must & here):
            bodies = got.get((seat, wanted.stream, wanted.n), set())
            # A deleted message has no words any more, be it in the log or on its way.
            if bodies & {wanted.body, ""} or (bodies and not wanted.body):
                continue
            if not e.was_told(seat, wanted.stream, wanted.seq):
                yield Violation(
                    "N2", "never delivered", (seat, wanted.stream, wanted.n, wanted.body)
                )
    if e.history.truth is not None and not e.history.lost_epochs:
        kept = {entry.body for entry in e.history.truth}
        for body, op in e.history.canaries().items():
            if op.ok and body not in kept and not _was_deleted(e, op):
                yield Violation("N2", "acknowledged and not in the log", (op.seat, op.id, body))


def _was_deleted(e: Evidence, op: Op) -> bool:
    return op.answer is not None and any(
        each.fields.get("n") == op.answer["n"] for each in e.ops("chat.delete")
    )


def no_duplicate(e: Evidence) -> Found:
    """N3: nothing comes twice to a client, nothing is said twice, a command has one answer."""
    for client, given in e.by_client.items():
        seen: set[object] = set()
        for g in given:
            key = (*g.key, g.event)
            if key in seen:
                yield Violation("N3", "delivered twice", (client, g.by.connection, *g.key))
            seen.add(key)
    for body, keys in e.where.items():
        if CANARY.fullmatch(body.encode()) and len(keys) > 1 and not e.history.lost_epochs:
            yield Violation("N3", "one message under two numbers", (body, sorted(keys)))
    for op in e.history.ops:
        if any(answer != op.answers[0] for answer in op.answers):
            yield Violation("N3", "one command, two outcomes", (op.seat, op.id, op.answers))


def no_phantom(e: Evidence) -> Found:
    """N4: what was refused nobody ever sees. (Unknown and seen by one: N2 wants it seen by all.)"""
    refused = {body for body, op in e.history.canaries().items() if op.refused}
    known = e.history.canaries()
    for r, texts in e.canaries_in:
        for text in texts & refused:
            yield Violation("N4", "refused, and seen", (r.seat, text, known[text].answer))
        for text in texts - known.keys():
            yield Violation("N4", "nobody said this", (r.seat, text))


def one_stick(e: Evidence) -> Found:
    """N5: a turn has one holder, turns only rise, one moment has one floor."""
    holders: dict[int, dict[str, object]] = defaultdict(dict)
    latest: dict[str, int] = {}
    for r, slices in e.history.slices():
        floor = slices.get("floor")
        if floor is None:
            continue
        if floor["holder"] is not None:
            holders[floor["turn"]].setdefault(floor["holder"], (r.seat, r.index))
        if not e.stale(r):
            if floor["turn"] < latest.get(r.client, 0):
                yield Violation("N5", "a turn went back", (r.seat, latest[r.client], floor["turn"]))
            latest[r.client] = max(floor["turn"], latest.get(r.client, 0))
    for turn, who in holders.items():
        if len(who) > 1:
            yield Violation("N5", "two holders of one turn", (turn, who))


def entitlement(e: Evidence) -> Found:
    """N6: nobody gets a byte of what is not for them."""
    yield from _words_for_others(e)
    yield from _by_the_log(e)
    for r, slices in e.history.slices():
        foreign = [name for name in STAFF_SLICES if name in slices]
        if foreign and r.seat not in e.facilitators:
            yield Violation("N6", "a facilitators' slice", (r.seat, r.index, foreign))
        if r.frame["t"] == "welcome" and r.frame["phase"] != "inside" and "members" in slices:
            yield Violation("N6", "people shown before entry", (r.seat, r.index))
    outside = {
        name.encode(): seat
        for seat, name in e.history.names.items()
        if seat not in e.entered and len(name) > 5
    }
    for r in e.history.received:
        for name, seat in outside.items():
            if name in r.raw and r.seat != seat and r.seat not in e.facilitators:
                yield Violation("N6", "a name from the lobby", (r.seat, r.index, seat))
    for capture in e.history.captures:
        # Whoever's they are, of whichever evening: words have no place there.
        for raw in sorted(set(CANARY.findall(capture.data))):
            yield Violation("N6", f"content in {capture.where}", (raw.decode(),))
        for each in e.history.names.values():
            if each.encode() in capture.data:
                yield Violation("N6", f"content in {capture.where}", (each,))


def _words_for_others(e: Evidence) -> Found:
    known = e.history.canaries()
    for r, texts in e.canaries_in:
        for text in texts & known.keys():
            op = known[text]
            stream = e.stream_for(op)
            if stream is None or r.seat == op.seat:
                continue
            allowed = e.may_get(stream, op.seat)
            if r.seat not in e.entered or (allowed is not None and r.seat not in allowed):
                yield Violation("N6", "somebody else's words", (r.seat, r.index, stream, text))
    for g in e.given:
        since = e.entry_seq(g.by.seat, g.stream)
        if (
            since is not None
            and g.place is not None
            and g.place.seq <= since
            and not e.history.lost_epochs
        ):
            yield Violation("N6", "said before one's entry", (g.by.seat, *g.key))


def _by_the_log(e: Evidence) -> Found:
    if e.history.truth is None:
        return
    audiences = {(each.stream, each.n): each.audience for each in e.history.truth}
    for g in e.given:
        audience = audiences.get(g.key)
        if audience is not None and g.by.seat not in audience:
            yield Violation("N6", "not for them by the log", (g.by.seat, *g.key, sorted(audience)))


def mutes(e: Evidence) -> Found:
    """N7: after a mute is acknowledged, nothing that is said later is taken."""
    lifts = [op for op in e.ops("unmute") if "chat" in op.fields["kinds"]]
    for mute in e.ops("mute"):
        if not mute.ok or "chat" not in mute.fields["kinds"]:
            continue
        seat = mute.fields["member"]
        for op in e.ops("chat.say"):
            if op.seat != seat or not op.ok or op.invoked <= (mute.done or 0):
                continue
            lifted = any(
                lift.fields["member"] == seat
                and (lift.done is None or lift.done > mute.invoked)
                and lift.invoked < (op.done or 0)
                for lift in lifts
            )
            if not lifted:
                yield Violation("N7", "spoke after the mute", (seat, mute.id, op.id, op.canary))


def removal(e: Evidence) -> Found:
    """N8: after a removal is acknowledged nothing reaches the seat, and nothing of it is taken."""
    known = e.history.canaries()
    for r, texts in e.canaries_in:
        since = e.removed.get(r.seat)
        if since is None:
            continue
        for text in texts & known.keys():
            if known[text].invoked > since:
                yield Violation("N8", "words reached a removed seat", (r.seat, r.index, text))
    opened = {(link.client, link.connection): link for link in e.history.links if not link.code}
    for r in e.history.of("welcome"):
        since = e.removed.get(r.frame["me"])
        link = opened.get((r.client, r.connection))
        if since is not None and link is not None and link.at > since:
            yield Violation("N8", "a removed seat was welcomed", (r.frame["me"], r.connection))
    for op in e.history.ops:
        since = e.removed.get(op.seat)
        if since is not None and op.ok and op.invoked > since:
            yield Violation("N8", "a removed seat was obeyed", (op.seat, op.kind, op.id))


def presence(e: Evidence) -> Found:
    """N9: once it is quiet, everybody sees who is here, and nobody else as here; and nobody who
    is here is sent away."""
    quiet = e.history.quiet_from
    for link in e.history.links if quiet is not None else ():
        if link.at > (quiet or 0) and 4000 <= (link.code or 0) < 4400:
            yield Violation("N9", "sent away without a cause", (link.seat, link.code))
    for shown in e.history.shown:
        if shown.how != "folded":
            continue
        for seat, member in (shown.slices.get("members") or {}).items():
            is_here = e.history.here.get(seat)
            if is_here is not None and is_here != (member["here"] == "here"):
                yield Violation("N9", "wrongly shown", (shown.seat, seat, member["here"], is_here))


def roles(e: Evidence) -> Found:
    """N10: nobody's role rises but by a facilitator's word; nobody else has their powers."""
    welcomed = {
        r.frame["me"]
        for r in e.history.of("welcome")
        if r.frame["role"] == "facilitator" and not r.frame["resumed"]
    }
    given = {
        op.fields["member"]
        for op in e.ops("role.give")
        if op.fields["role"] == "facilitator" and op.seat in e.facilitators
    }
    for seat in e.facilitators - welcomed - given:
        yield Violation("N10", "became a facilitator", (seat,))
    for op in e.history.ops:
        if op.ok and op.kind in FACILITATORS_ONLY and op.seat not in welcomed | given:
            yield Violation("N10", "a member commanded", (op.seat, op.kind, op.id))


def resume_is_replay(e: Evidence) -> Found:
    """N11: what each has folded is what a newcomer to that seat is shown, and all agree."""
    common: dict[str, tuple[str, object]] = {}
    own: dict[tuple[str, str], tuple[str, object]] = {}
    for shown in e.history.shown:
        for name, moving in shown.slices.items():
            value = _settled(name, moving)
            how, first = own.setdefault((shown.seat, name), (shown.how, value))
            if first != value:
                text = f"{how} is not {shown.how}"
                yield Violation("N11", text, (shown.seat, name, first, value))
            if name not in OF_THE_VIEWER:
                seat, other = common.setdefault(name, (shown.seat, value))
                if other != value:
                    evidence = (name, seat, shown.seat, other, value)
                    yield Violation("N11", "two views of one room", evidence)


def _settled(name: str, value: Any) -> object:
    """A slice without what goes on moving while a run looks at it."""
    if name == "members" and isinstance(value, Mapping):
        # Of many hands their places are in the queue alone.
        seats = {s: {k: v for k, v in m.items() if k != "here"} for s, m in value.items()}
        return {s: {**m, "hand": m.get("hand") is not None} for s, m in seats.items()}
    if name == "floor" and isinstance(value, Mapping):
        moving = ("left", "ends_at", "paused", "why_paused")
        return {k: v for k, v in value.items() if k not in moving}
    return value


def bounded(e: Evidence) -> Found:
    """N12: what was taken for people who have gone is given back."""
    for sample in e.history.samples:
        if sample.after > sample.most:
            yield Violation("N12", sample.what, (sample.before, sample.after, sample.most))


def one_connection(e: Evidence) -> Found:
    """N13: once a newer connection of a seat is welcomed, the older ones soon get nothing new."""
    welcomed: dict[tuple[str, int], float] = {}
    for r in e.history.of("welcome"):
        welcomed.setdefault((r.client, r.connection), r.at)
    known = e.history.canaries()
    for r, texts in e.canaries_in:
        later = [at for (c, k), at in welcomed.items() if c == r.client and k > r.connection]
        since = min(later, default=float("inf")) + ELSEWHERE_SECONDS
        if any(known[t].invoked > since for t in texts & known.keys()):
            yield Violation("N13", "two live connections", (r.client, r.connection, r.index))


def forgotten(e: Evidence) -> Found:
    """N14: nothing of a forgotten room is anywhere: no word, no name, in no key, log or metric."""
    for capture in e.history.captures:
        for room in e.history.forgotten:
            for mark in sorted(room.marks):
                if mark in capture.data:
                    found = (room.room, mark.decode(errors="replace"))
                    yield Violation("N14", f"remembered in {capture.where}", found)


def operators(e: Evidence) -> Found:
    """N15: what an operator was told was done is so; nothing is denied that is there."""
    for text, evidence in wrong(e.history):
        yield Violation("N15", text, evidence)


CHECKS: Final[Mapping[str, Callable[[Evidence], Found]]] = {
    "N1": order,
    "N2": no_silent_loss,
    "N3": no_duplicate,
    "N4": no_phantom,
    "N5": one_stick,
    "N6": entitlement,
    "N7": mutes,
    "N8": removal,
    "N9": presence,
    "N10": roles,
    "N11": resume_is_replay,
    "N12": bounded,
    "N13": one_connection,
    "N14": forgotten,
    "N15": operators,
}


def check(history: History) -> list[Violation]:
    """Every violation in a history, in the order of the invariants."""
    evidence = Evidence(history)
    return [violation for rule in CHECKS.values() for violation in rule(evidence)]
