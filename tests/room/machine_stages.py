"""Random evenings: the floor, mutes, the agenda, moods and milestones."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from sitwith_server.room import commands as c
from sitwith_server.room.agenda.values import GroupsWish, Mics, Stage, StageFloor, StageKind
from sitwith_server.room.materials.values import File, MaterialKind, Wish
from sitwith_server.room.model import ChatPolicy, Kind
from tests.room.machine import FLAGS, SECONDS, SHARE, Crowd

KINDS = st.sets(st.sampled_from(Kind), min_size=1).map(frozenset)
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
    guest=FLAGS,
    material=st.none() | st.just(Wish(MaterialKind.TEXT, "Words")),
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


class Stages(Crowd):
    """Who may be heard, and what the evening is at."""

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

    @rule(by=SHARE, what=st.integers(0, 5), n=st.integers(0, 8), staff=FLAGS)
    def show(self, by: float, what: int, n: int, staff: bool) -> None:
        asks = self.someone(by, facilitator=staff)
        shown = self.e.state.materials.shown
        name = shown[n % len(shown)].id if shown else "none"
        picture = MaterialKind.PICTURE
        commands: tuple[c.Command, ...] = (
            c.MaterialShow(by=asks, material=f"t{n}", what=MaterialKind.TEXT, body="Words"),
            c.MaterialUpload(by=asks, material=f"f{n}", what=picture),
            c.MaterialBring(
                by=asks, material=f"f{n}", what=picture, file=File("b", "image/png", 9)
            ),
            c.MaterialOpen(by=asks, material=name),
            c.MaterialHide(by=asks, material=name),
            c.MaterialLose(by="", materials=(name,)),
        )
        self.ask(commands[what])

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
            c.MilestoneClear(by=asks if sealed else member, n=shown[0].name if shown else value),
        )
        if what < len(commands):
            self.ask(commands[what])
        else:
            for seat in self.e.state.inside()[: what + 2]:
                self.ask(c.MoodAnswer(by=seat.id, value=value))
