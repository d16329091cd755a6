"""Random evenings: who comes, goes and may do what."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from sitwith_server.room import Verdict
from sitwith_server.room import commands as c
from sitwith_server.room.model import Role
from sitwith_server.room.series.values import Past
from tests.room.evening import FACILITATOR, MEMBER, Evening
from tests.room.machine import FLAGS, SHARE, Crowd, changes

MOST_SEATS = 9
PAST = Past((b"h0", b"h1", b"h2"), (2, 0, 5), ((0, 1, 2), (1, 2, 1)), frozenset({2}), True)


class People(Crowd):
    """The door, the house and the people."""

    guests = b""

    @initialize(
        capacity=st.integers(3, 9),
        lobby=FLAGS,
        wait=FLAGS,
        direct=FLAGS,
        grace=st.sampled_from((0.0, 1.0, 30.0)),
        first=st.integers(0, 4),
        series=st.sampled_from((None, Past(), PAST)),
    )
    def begin(
        self,
        capacity: int,
        lobby: bool,
        wait: bool,
        direct: bool,
        grace: float,
        first: int,
        series: Past | None,
    ) -> None:
        self.e = Evening(
            capacity=capacity,
            expires_in=600,
            forget_seconds=20,
            lobby=lobby,
            facilitators_wait=wait,
            direct=direct,
            grace_seconds=grace,
        )
        if series is not None:
            self.e.ok("", c.SeriesBegin, series="series", past=series)
        self.once = self.e.link(Role.MEMBER, uses=1)
        self.guests = self.e.link(Role.GUEST)
        self.come(FACILITATOR)
        for _ in range(first):
            self.come(MEMBER)
        self.ask(c.LobbyAdmitAll(by="p1"))

    # -- the door ------------------------------------------------------------------------------

    @precondition(lambda self: len(self.e.state.seats) < MOST_SEATS)
    @rule(
        kind=st.sampled_from((FACILITATOR, MEMBER, MEMBER, b"once", b"guest")),
        accept=FLAGS,
        was=st.integers(0, 9),
    )
    def arrive(self, kind: bytes, accept: bool, was: int) -> None:
        links = {b"once": self.once, b"guest": self.guests}
        self.come(links.get(kind, kind), accept=accept, was=b"p%d-0" % was)

    @rule(who=SHARE)
    def accept(self, who: float) -> None:
        asks = self.someone(who)
        self.ask(c.AgreementAccept(by=asks, version=1, handle=self.handle(int(asks[1:]))))

    @rule(n=st.integers(0, 4), drop=st.sampled_from((False, False, False, True)))
    def forget(self, n: int, drop: bool) -> None:
        self.ask(c.SeriesDrop(by="") if drop else c.SeriesForget(by="", handle=b"h%d" % n))

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

    @rule(by=SHARE, who=SHARE, what=st.integers(0, 5), staff=FLAGS)
    def door(self, by: float, who: float, what: int, staff: bool) -> None:
        asks, person = self.someone(by, facilitator=staff), self.waiting(who)
        commands: tuple[c.Command, ...] = (
            c.LobbyAdmit(by=asks, person=person),
            c.LobbyAdmitAll(by=asks),
            c.LobbyDecline(by=asks, person=person),
            c.LobbyReturn(by=asks, member=self.someone(who)),
            c.LobbyDeclineAll(by=asks),
            c.AgreementReading(by=person),
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

    @rule(by=SHARE, seconds=st.sampled_from((1.0, 300.0, 600.0, 601.0)), staff=FLAGS)
    def extend(self, by: float, seconds: float, staff: bool) -> None:
        asks, before = self.someone(by, facilitator=staff), self.e.state
        self.ask(c.RoomExtend(by=asks, seconds=seconds))
        after = self.e.state
        assert before.expires_at <= after.expires_at <= max(before.expires_at, self.e.now) + 600

    @rule(by=SHARE, what=st.integers(0, 6), flag=FLAGS, staff=FLAGS)
    def house(self, by: float, what: int, flag: bool, staff: bool) -> None:
        asks = self.someone(by, facilitator=staff)
        commands: tuple[c.Command, ...] = (
            c.RoomLock(by=asks) if flag else c.RoomUnlock(by=asks),
            c.RoomSettings(by=asks, changes={"lobby": flag}),
            c.RoomSettings(by=asks, changes={"facilitators_wait": flag, "direct": not flag}),
            c.RoomSettings(by=asks, changes={"chat": "all" if flag else "staff"}),
            c.RoomSettings(by=asks, changes={"queue_order": "least_heard" if flag else "raised"}),
            c.RoomSettings(by=asks, changes={"guests_read": flag}),
            c.RoomSettings(by=asks, changes={"mood_strict": flag}),
        )
        self.ask(commands[what])

    @rule(by=SHARE, who=SHARE, staff=FLAGS, nudge=FLAGS)
    def encourage(self, by: float, who: float, staff: bool, nudge: bool) -> None:
        asks, member = self.someone(by, facilitator=staff), self.someone(who)
        self.ask(c.VoiceNudge(by=asks, member=member) if nudge else c.VoiceDismiss(by=member))

    @rule(by=SHARE, bring=FLAGS, staff=FLAGS)
    def speakers(self, by: float, bring: bool, staff: bool) -> None:
        asks = self.someone(by, facilitator=staff)
        self.ask(c.GuestBring(by=asks) if bring else c.GuestRest(by=asks))

    @rule(by=SHARE, who=SHARE, what=st.integers(0, 6), flag=FLAGS)
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
            c.RoleGive(by=asks, member=member, role=Role.GUEST),
        )
        self.ask(commands[what])
