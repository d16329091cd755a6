"""Random evenings: groups, care and words."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from sitwith_server.room import Verdict
from sitwith_server.room import commands as c
from sitwith_server.room.care.values import Card, Level
from sitwith_server.room.care.watch import card_of
from tests.room import laws
from tests.room.machine import FLAGS, SECONDS, SHARE, Crowd

HOWS = st.sampled_from(("random", "fresh", "linked"))
LEVELS = st.none() | st.sampled_from(Level)
CARDS = st.none() | st.just(Card("here", "123"))
TAGS = st.lists(st.sampled_from((b"a", b"b", b"c", b"d")), unique=True).map(tuple)


class Groups(Crowd):
    """Who is with whom, who is looked after, and who says what to whom."""

    # -- groups and words ----------------------------------------------------------------------

    @rule(by=SHARE, seed=st.integers(0, 99), how=HOWS, who=SHARE)
    def plan_and_open(self, by: float, seed: int, how: str, who: float) -> None:
        asks = self.someone(by, facilitator=True)
        avoid = ((self.someone(who), self.someone(by)),) if self.someone(who) != asks else ()
        inside = [s.id for s in self.e.state.inside()]
        pins = ((inside[0], inside[-1]),) if seed % 5 == 0 and len(inside) > 1 else ()
        answer = self.e.order(
            c.PairsPlan(
                by=asks, seed=seed, how=how, avoid=avoid, facilitators=seed % 3 == 0, pins=pins
            )
        )
        if isinstance(answer, Verdict):
            groups: Any = answer.answer["groups"]
            listed = tuple(tuple(group) for group in groups)
            self.ask(c.PairsOpen(by=asks, groups=listed, seconds=60 if seed % 2 else None))

    @rule(who=SHARE, tags=TAGS, offer=FLAGS)
    def concerns(self, who: float, tags: tuple[bytes, ...], offer: bool) -> None:
        if offer:
            labels = tuple(tag.decode() for tag in tags)
            self.ask(c.ConcernsOffer(by=self.someone(who, facilitator=True), concerns=labels))
        else:
            self.ask(c.TopicsSet(by=self.someone(who), tags=tags))

    @rule(by=SHARE, who=SHARE, group=SHARE, what=st.integers(0, 7), seconds=SECONDS)
    def groups(self, by: float, who: float, group: float, what: int, seconds: float | None) -> None:
        asks, member = self.someone(by, facilitator=True), self.someone(who)
        to = self.group(group)
        commands: tuple[c.Command, ...] = (
            c.PairsMove(by=asks, member=member, group=to),
            c.PairsMove(by=asks, member=member, group=None),
            c.PairsExtend(by=asks, seconds=seconds or 5),
            c.PairsClose(by=asks, grace=seconds or 0),
            c.PairsVisit(by=asks, group=to),
            c.PairsReturn(by=asks),
            c.HelpAsk(by=member),
            c.HelpDone(by=asks, member=member),
        )
        self.ask(commands[what])

    @rule(by=SHARE, who=SHARE, level=LEVELS, what=st.integers(0, 3), card=CARDS)
    def not_well(
        self, by: float, who: float, level: Level | None, what: int, card: Card | None
    ) -> None:
        asks, member = self.someone(by), self.someone(who)
        commands: tuple[c.Command, ...] = (
            c.CareFlag(by=asks, level=level) if level else c.CareWithdraw(by=asks),
            c.CareWorry(by=asks, member=member, level=level),
            c.CareCard(by=asks, card=card),
            c.RoomSettings(by=self.someone(by, facilitator=True), changes={"cards": what < 3}),
        )
        self.ask(commands[what])

    @rule(by=SHARE, who=SHARE, what=st.integers(0, 7), n=st.integers(1, 9))
    def look_after(self, by: float, who: float, what: int, n: int) -> None:
        asks, anybody = self.someone(by, facilitator=True), self.someone(who)
        flagged = list(self.e.state.care.concerns) or [anybody]
        member = flagged[int(who * len(flagged))]
        commands: tuple[c.Command, ...] = (
            c.CareTake(by=asks, member=member),
            c.CareAside(by=asks, member=member),
            c.CareBack(by=asks, member=member),
            c.CareOpen(by=asks, member=member),
            c.CareDone(by=asks, member=member),
            c.LineMoved(by="", member=anybody, n=n, waiting=n % 2 == 0),
            c.StaffClaim(by=asks, member=anybody),
            c.StaffRelease(by=asks, member=anybody),
        )
        before = self.e.state
        opened = c.CareOpen(by=asks, member=member)
        self.ask(commands[what])
        if commands[what] == opened and self.e.state is not before:
            assert card_of(self.e.state, asks, member) is not None
            assert member not in self.e.state.seats or self.e.see(member)["care_opened"]

    @rule(by=SHARE, who=SHARE, group=SHARE, what=st.integers(0, 6))
    def say(self, by: float, who: float, group: float, what: int) -> None:
        member = self.someone(who)
        streams = (
            "circle",
            "pair",
            f"pair:{self.group(group)}",
            "staff",
            f"staff:{member}",
            "facilitators",
            f"direct:{member}",
        )
        before, said = self.e.state, len(self.e.book.messages)
        self.e.do(c.Say(by=self.someone(by), to=streams[what], body=f"m{said}"))
        assert self.e.state is before
        if len(self.e.book.messages) > said:
            stream = self.e.book.messages[-1].stream
            self.audiences.append((laws.audience(before, stream), said))

    @rule(by=SHARE, which=SHARE)
    def unsay(self, by: float, which: float) -> None:
        messages, asks = self.e.book.messages, self.someone(by)
        if messages:
            message = messages[int(which * len(messages))]
            was = message.deleted
            self.e.unsay(asks, message.stream, message.n)
            readers = self.audiences[messages.index(message)][0]
            if message.deleted and not was and asks != message.author:
                assert asks in readers
                assert self.e.seat(asks).facilitates
