"""What everybody is shown as a room changes: folded from frames it is what a newcomer is given."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant

from sitwith_server.room import commands as c
from tests.gateway.viewers import Viewers
from tests.room.evening import Evening, circle
from tests.room.test_machine import Rooms


class Watched(Rooms):
    """A random evening (EV2, EV10, EV11) that each looks at who is there."""

    def __init__(self) -> None:
        super().__init__()
        self.watching: tuple[Evening, Viewers] | None = None

    @invariant()
    def everybody_watches(self) -> None:
        # Some evenings begin anew, with other settings.
        if self.watching is None or self.watching[0] is not self.e:
            self.watching = (self.e, Viewers(self.e))


Watched.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestEV2EV10Watched = Watched.TestCase

HANDS = st.lists(st.tuples(st.sampled_from("uuudlpqcb"), st.integers(0, 29)), max_size=80)


@settings(max_examples=150, deadline=None)
@given(HANDS)
def test_FL25_EV10_many_hands_go_up_and_down(steps: list[tuple[str, int]]) -> None:
    e = circle(*(f"P{n}" for n in range(30)))
    Viewers(e)
    e.ok("fay", c.FloorStick)
    for what, number in steps:
        who = f"p{number}"
        match what:
            case "u":
                e.order(c.HandRaise(by=who))
            case "d":
                e.order(c.HandLower(by="fay", member=who))
            case "l":
                e.order(c.FloorLater(by=who, last=number % 2 == 0))
            case "p":
                e.order(c.FloorPass(by="fay"))
            case "q":
                e.order(c.Mute(by="fay", member=who, kinds=frozenset(("audio",))))
            case "c":
                e.order(c.LobbyReturn(by="fay", member=who))
            case "b":
                e.order(c.LobbyAdmitAll(by="fay"))
