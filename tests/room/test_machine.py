"""Random evenings: everybody does anything at any time, and the laws hold after every step."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from sitwith_server.room import commands as c
from sitwith_server.room import forgets_at, view
from sitwith_server.service.rooms.store import (
    event_to_bytes,
    read_event,
    read_state,
    state_to_bytes,
)
from tests.room import laws
from tests.room.machine_groups import Groups
from tests.room.machine_people import People
from tests.room.machine_stages import Stages


class Rooms(People, Stages, Groups):
    """All of it, while time goes on."""

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

    @rule()
    def everybody_is_gone(self) -> None:
        if self.e.state.used and not self.e.state.ended:
            self.begin_again()

    @rule(seconds=st.sampled_from((0.0, 30.0)))
    def forget_when_due(self, seconds: float) -> None:
        """By whichever worker looks, early or late."""
        self.e.advance(seconds)
        due = forgets_at(self.e.state)
        if due is None or due > self.e.now:
            self.e.same("", c.Forget, **self.e.keys())
        else:
            self.begin_again()

    # -- what holds ----------------------------------------------------------------------------

    @invariant()
    def the_laws_hold(self) -> None:
        laws.check(self.e.state, self.e.now)
        laws.check_lives(self.e.state, self.e.events)

    @invariant()
    def words_are_for_those_who_were_there(self) -> None:
        for readers, n in self.audiences[-5:]:
            got = {m for m in self.e.state.seats if f"m{n}" in self.e.got(m)}
            assert got == readers & set(self.e.state.seats)

    def teardown(self) -> None:
        again = self.e.replay()
        assert again == self.e.state
        assert read_state(state_to_bytes(again)) == again
        for seat in again.seats:
            assert view(again, seat) == view(self.e.state, seat)
        for readers, n in self.audiences:
            got = {m for m in again.seats if f"m{n}" in self.e.got(m)}
            assert got == readers & set(again.seats)
        for event in self.e.events:
            kept = read_event(event_to_bytes(event, "why", "by"))
            assert (kept.event, kept.why, kept.by) == (event, "why", "by")


Rooms.TestCase.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
TestRooms = Rooms.TestCase
