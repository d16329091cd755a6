"""Random evenings: everybody does anything at any time, and the laws hold after every step."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from sitwith_server.room import Refusal, Verdict, view
from sitwith_server.room import commands as c
from sitwith_server.room.agenda import GroupsWish, Mics, Stage, StageFloor, StageKind
from sitwith_server.room.care import Card, Level
from sitwith_server.room.model import Kind, Phase, Role, RoomState
from sitwith_server.room.policy import ChatPolicy
from sitwith_server.room.watch import card_of
from sitwith_server.service.store import (
    event_from_bytes,
    event_to_bytes,
    state_from_bytes,
    state_to_bytes,
)
from tests.room import laws
from tests.room.evening import FACILITATOR, MEMBER, Evening

MOST_SEATS = 9
SECONDS = st.one_of(st.none(), st.sampled_from((1.0, 20.0, 90.0)))
KINDS = st.sets(st.sampled_from(Kind), min_size=1).map(frozenset)
SHARE = st.floats(0, 1, exclude_max=True)
FLAGS = st.booleans()
HOWS = st.sampled_from(("random", "fresh", "linked"))
LEVELS = st.none() | st.sampled_from(Level)
CARDS = st.none() | st.just(Card("here", "123"))
TAGS = st.lists(st.sampled_from((b"a", b"b", b"c", b"d")), unique=True).map(tuple)


STAGES = st.builds(
    Stage,
    kind=st.sampled_from((StageKind.ROUND, StageKind.OPEN, StageKind.PAIRS, StageKind.DEBRIEF)),
    seconds=st.sampled_from((5.0, 60.0, 300.0)),
    auto=FLAGS,
    floor=st.sampled_from((None, StageFloor.OPEN, StageFloor.QUIET, StageFloor.STICK)),
    chat=st.none() | st.sampled_from(ChatPolicy),
    mics=st.none() | st.sampled_from(Mics),
    pairs=st.none() | st.builds(GroupsWish, st.just(2), st.sampled_from(("fresh", "linked"))),
    breathe=st.none() | st.just((4.0, 6.0)),
)
ROUNDS = st.builds(
    Stage,
    kind=st.just(StageKind.ROUND),
    seconds=st.sampled_from((30.0, 200.0)),
    auto=FLAGS,
    floor=st.just(StageFloor.ROUND),
    turn_seconds=st.none() | st.just(20.0),
    rounds=st.sampled_from(((), ("One?", "Two?"), ("One?", "Two?", "Three?"))),
)
AGENDAS = st.lists(STAGES | ROUNDS, min_size=1, max_size=3).map(tuple)


class Rooms(RuleBasedStateMachine):
    """A room of people `p1`, `p2`, …, of whom nobody is polite."""

    def __init__(self) -> None:
        super().__init__()
        self.e = Evening()
        self.count = 0
        self.audiences: list[tuple[set[str], int]] = []
        """Who was to get each message, and how many had been said by then."""

    # -- helpers -------------------------------------------------------------------------------

    def someone(self, share: float, *, facilitator: bool = False) -> str:
        """Mostly somebody inside, sometimes anybody who ever came; with `facilitator` one of those
        inside, if there is one."""
        if facilitator and (staff := self.e.state.facilitators()):
            return staff[int(share * len(staff))].id
        people = [s.id for s in self.e.state.inside()] * 3
        people += [f"p{n}" for n in range(1, self.count + 1)]
        return people[int(share * len(people))]

    def waiting(self, share: float) -> str:
        """Somebody in the lobby, or else anybody."""
        line = [s.id for s in self.e.state.seats.values() if s.phase is Phase.LOBBY]
        return line[int(share * len(line))] if line else self.someone(share)

    def group(self, share: float) -> str:
        pairs = self.e.state.pairs
        groups = [] if pairs is None else list(pairs.groups)
        at = int(share * (len(groups) + 1))
        return groups[at] if at < len(groups) else "nowhere"

    def ask(self, command: c.Command) -> None:
        before = self.e.state
        answer = self.e.order(command)
        if isinstance(answer, Refusal):
            assert self.e.state is before
            return
        changes(before, self.e.state, command)

    def come(self, link: bytes, *, accept: bool = True) -> None:
        self.count += 1
        name = f"P{self.count}"
        before = self.e.state
        if isinstance(self.e.hello(name, link), Verdict) and accept:
            changes(before, self.e.state, c.Tick(by=""))
            self.ask(c.AgreementAccept(by=name.lower(), version=1))

    @initialize(
        capacity=st.integers(3, 9),
        lobby=FLAGS,
        wait=FLAGS,
        direct=FLAGS,
        grace=st.sampled_from((0.0, 1.0, 30.0)),
        first=st.integers(0, 4),
    )
    def begin(
        self, capacity: int, lobby: bool, wait: bool, direct: bool, grace: float, first: int
    ) -> None:
        self.e = Evening(
            capacity=capacity,
            expires_in=600,
            lobby=lobby,
            facilitators_wait=wait,
            direct=direct,
            grace_seconds=grace,
        )
        self.once = self.e.link(Role.MEMBER, uses=1)
        self.come(FACILITATOR)
        for _ in range(first):
            self.come(MEMBER)
        self.ask(c.LobbyAdmitAll(by="p1"))

    # -- the door ------------------------------------------------------------------------------

    @precondition(lambda self: len(self.e.state.seats) < MOST_SEATS)
    @rule(kind=st.sampled_from((FACILITATOR, MEMBER, MEMBER, b"once")), accept=FLAGS)
    def arrive(self, kind: bytes, accept: bool) -> None:
        self.come(self.once if kind == b"once" else kind, accept=accept)

    @rule(who=SHARE)
    def accept(self, who: float) -> None:
        self.ask(c.AgreementAccept(by=self.someone(who), version=1))

    @rule(who=SHARE)
    def lose(self, who: float) -> None:
        seat = self.e.state.seats.get(self.someone(who))
        connection = "none" if seat is None else seat.connection or "none"
        self.ask(c.LoseConnection(by=self.someone(who), connection=connection))

    @rule(who=SHARE)
    def resume(self, who: float) -> None:
        before = self.e.state
        if isinstance(self.e.back(self.someone(who)), Verdict):
            changes(before, self.e.state, c.Tick(by=""))

    @rule(by=SHARE, who=SHARE, what=st.integers(0, 3), staff=FLAGS)
    def door(self, by: float, who: float, what: int, staff: bool) -> None:
        asks, person = self.someone(by, facilitator=staff), self.waiting(who)
        commands: tuple[c.Command, ...] = (
            c.LobbyAdmit(by=asks, person=person),
            c.LobbyAdmitAll(by=asks),
            c.LobbyDecline(by=asks, person=person),
            c.LobbyReturn(by=asks, member=self.someone(who)),
        )
        self.ask(commands[what])

    @rule(who=SHARE, node=st.sampled_from(("n1", "n2")), talk=FLAGS)
    def media(self, who: float, node: str, talk: bool) -> None:
        before = self.e.state
        if talk:
            self.ask(c.AddTalk(by="", node=node, heard={self.someone(who): 1.5}))
        else:
            self.ask(c.PinMedia(by="", node=node, was=before.media))
        assert self.e.state.rights == before.rights

    @rule(by=SHARE, what=st.integers(0, 4), flag=FLAGS, staff=FLAGS)
    def house(self, by: float, what: int, flag: bool, staff: bool) -> None:
        asks = self.someone(by, facilitator=staff)
        commands: tuple[c.Command, ...] = (
            c.RoomLock(by=asks) if flag else c.RoomUnlock(by=asks),
            c.RoomSettings(by=asks, changes={"lobby": flag}),
            c.RoomSettings(by=asks, changes={"facilitators_wait": flag, "direct": not flag}),
            c.RoomSettings(by=asks, changes={"chat": "all" if flag else "staff"}),
            c.RoomSettings(by=asks, changes={"queue_order": "least_heard" if flag else "raised"}),
        )
        self.ask(commands[what])

    @rule(by=SHARE, who=SHARE, staff=FLAGS, nudge=FLAGS)
    def encourage(self, by: float, who: float, staff: bool, nudge: bool) -> None:
        asks, member = self.someone(by, facilitator=staff), self.someone(who)
        self.ask(c.VoiceNudge(by=asks, member=member) if nudge else c.VoiceDismiss(by=member))

    @rule(by=SHARE, who=SHARE, what=st.integers(0, 5), flag=FLAGS)
    def people(self, by: float, who: float, what: int, flag: bool) -> None:
        asks, member = self.someone(by, facilitator=flag), self.someone(who)
        role = Role.FACILITATOR if flag else Role.MEMBER
        commands: tuple[c.Command, ...] = (
            c.RoleGive(by=asks, member=member, role=Role.MEMBER),
            c.RoleGive(by=asks, member=member, role=role),
            c.MemberRemove(by=asks, member=member),
            c.SelfAway(by=member, away=flag),
            c.SelfRename(by=member, name="P1", skeleton="p1"),
            c.Leave(by=member),
        )
        self.ask(commands[what])

    # -- the floor and mutes -------------------------------------------------------------------

    @rule(by=SHARE, to=SHARE, what=st.integers(0, 9), seconds=SECONDS, flag=FLAGS, staff=FLAGS)
    def floor(
        self, by: float, to: float, what: int, seconds: float | None, flag: bool, staff: bool
    ) -> None:
        asks, member = self.someone(by, facilitator=staff), self.someone(to)
        listed = tuple(s.id for s in self.e.state.inside())[: 1 + int(to * 5)]
        commands: tuple[c.Command, ...] = (
            c.FloorRound(by=asks, seconds=seconds),
            c.FloorRound(by=asks, seconds=seconds, order=listed),
            c.FloorRound(by=asks, seconds=seconds, starter=member),
            c.FloorStick(by=asks, seconds=seconds, to=member if flag else None),
            c.FloorOpen(by=asks) if flag else c.FloorQuiet(by=asks),
            c.FloorPass(by=asks, to=member if flag else None),
            c.FloorExtend(by=asks, seconds=seconds or 5),
            c.FloorPause(by=asks),
            c.FloorResume(by=asks),
            c.HandLower(by=asks, member=member if flag else None),
        )
        self.ask(commands[what])

    @rule(who=SHARE, what=st.integers(0, 3), last=FLAGS)
    def turn(self, who: float, what: int, last: bool) -> None:
        holder = str(self.e.holder or self.someone(who))
        commands: tuple[c.Command, ...] = (
            c.HandRaise(by=self.someone(who)),
            c.FloorLater(by=self.someone(who), last=last),
            c.FloorLater(by=holder, last=last),
            c.FloorPass(by=holder),
        )
        self.ask(commands[what])

    @rule(by=SHARE, who=SHARE, what=st.integers(0, 4), kinds=KINDS, flag=FLAGS)
    def mutes(self, by: float, who: float, what: int, kinds: frozenset[Kind], flag: bool) -> None:
        asks, member = self.someone(by, facilitator=True), self.someone(who)
        commands: tuple[c.Command, ...] = (
            c.Mute(by=asks, member=member, kinds=kinds),
            c.Unmute(by=asks, member=member, kinds=kinds),
            c.Mute(by=member, member=member, kinds=kinds),
            c.Unmute(by=member, member=member, kinds=kinds),
            c.MuteAll(by=asks, kinds=kinds, hold=flag),
        )
        self.ask(commands[what])

    # -- the agenda ----------------------------------------------------------------------------

    @rule(by=SHARE, stages=AGENDAS, at=st.integers(0, 3), seed=st.integers(0, 99), flag=FLAGS)
    def write(self, by: float, stages: tuple[Stage, ...], at: int, seed: int, flag: bool) -> None:
        asks = self.someone(by, facilitator=True)
        if flag and self.e.state.agenda is not None:
            # Mostly an agenda in which the stage under way has its place.
            current = self.e.state.agenda.current
            stages = stages if current is None else (*stages[:at], current, *stages[at:])
            at = min(at, len(stages) - 1)
            self.ask(c.AgendaEdit(by=asks, stages=stages, at=None if current is None else at))
        else:
            self.ask(c.AgendaEdit(by=asks, stages=stages))
        self.ask(c.AgendaStart(by=asks, seed=seed))

    @rule(by=SHARE, what=st.integers(0, 5), seed=st.integers(0, 99), at=st.integers(0, 3))
    def move_on(self, by: float, what: int, seed: int, at: int) -> None:
        asks = self.someone(by, facilitator=True)
        commands: tuple[c.Command, ...] = (
            c.AgendaNext(by=asks, seed=seed),
            c.AgendaNext(by=asks, seed=seed, at=at),
            c.AgendaBack(by=asks, seed=seed),
            c.AgendaExtend(by=asks, seconds=20),
            c.BreatheStart(by=asks, pattern=(4, 6), seconds=30),
            c.BreatheStop(by=asks),
        )
        self.ask(commands[what])

    # -- moods and milestones ------------------------------------------------------------------

    @rule(by=SHARE, who=SHARE, what=st.integers(0, 7), value=st.integers(1, 5), sealed=FLAGS)
    def tell(self, by: float, who: float, what: int, value: int, sealed: bool) -> None:
        asks, member = self.someone(by, facilitator=True), self.someone(who)
        shown = self.e.state.milestones
        commands: tuple[c.Command, ...] = (
            c.MoodAsk(by=asks),
            c.MoodClose(by=asks),
            c.MilestoneShare(by=member, text=b"x" if sealed else "Glad"),
            c.MilestoneClear(by=asks if sealed else member, n=shown[0].n if shown else value),
        )
        if what < len(commands):
            self.ask(commands[what])
        else:
            for seat in self.e.state.inside()[: what + 2]:
                self.ask(c.MoodAnswer(by=seat.id, value=value))

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

    @rule(seconds=st.sampled_from((0.1, 0.2, 1.0, 5.0, 31.0, 100.0)))
    def wait(self, seconds: float) -> None:
        self.e.advance(seconds)

    @rule(seconds=st.sampled_from((1.0, 40.0, 700.0)))
    def wake_late(self, seconds: float) -> None:
        self.e.now += seconds
        self.ask(c.Tick(by=""))

    @rule(seconds=st.sampled_from((1.0, 700.0)), late=st.sampled_from((0.0, 0.5)))
    def freeze(self, seconds: float, late: float) -> None:
        since = self.e.now
        self.e.now += seconds
        self.ask(c.Thaw(by="", since=since, until=self.e.now))
        self.e.now += late
        self.ask(c.Thaw(by="", since=since, until=self.e.now))

    # -- what holds ----------------------------------------------------------------------------

    @invariant()
    def the_laws_hold(self) -> None:
        laws.check(self.e.state, self.e.now)

    @invariant()
    def words_are_for_those_who_were_there(self) -> None:
        for readers, n in self.audiences[-5:]:
            got = {m for m in self.e.state.seats if f"m{n}" in self.e.got(m)}
            assert got == readers & set(self.e.state.seats)

    def teardown(self) -> None:
        again = self.e.replay()
        assert again == self.e.state
        assert state_from_bytes(state_to_bytes(again)) == again
        for seat in again.seats:
            assert view(again, seat) == view(self.e.state, seat)
        for readers, n in self.audiences:
            got = {m for m in again.seats if f"m{n}" in self.e.got(m)}
            assert got == readers & set(again.seats)
        for event in self.e.events:
            kept = event_from_bytes(event_to_bytes(event, "why", "by"))
            assert (kept.event, kept.why, kept.by) == (event, "why", "by")


def changes(before: RoomState, after: RoomState, command: c.Command) -> None:
    """What no command may do, whatever it is."""
    asker = before.seats.get(command.by)
    facilitates = asker is not None and asker.facilitates
    if after.floor.holder != before.floor.holder and after.floor.holder is not None:
        assert after.floor.turn > before.floor.turn
    assert after.floor.turn >= before.floor.turn
    assert after.seq >= before.seq
    assert after.seq >= after.rights >= before.rights
    assert after.removed >= before.removed
    full = len(before.inside()) >= before.capacity
    for seat in after.inside():
        was = before.seats.get(seat.id)
        if was is not None and was.is_inside:
            assert seat.place == was.place
            assert facilitates or seat.role is was.role
            assert facilitates or seat.held >= was.held
        elif seat.role is Role.MEMBER:
            assert not before.locked
            assert not full
            waits = before.links_wait and before.invites[seat.invite].uses != 1
            waits |= was is not None and was.phase is Phase.LOBBY
            assert facilitates or not (waits or before.settings.lobby)
    if len(after.facilitators()) < len(before.facilitators()) and isinstance(command, c.RoleGive):
        assert any(str(s.presence) != "away" for s in after.facilitators())


Rooms.TestCase.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
TestRooms = Rooms.TestCase
