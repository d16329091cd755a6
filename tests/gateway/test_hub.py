"""What everybody is shown as a room changes: folded from frames it is what a newcomer is given."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant

from sitwith_server.room import Verdict
from sitwith_server.room import commands as c
from sitwith_server.room.care.values import Level
from sitwith_server.room.model import Kind
from sitwith_server.service.people.paces import BURST
from tests.folding import touched
from tests.gateway.viewers import Viewers
from tests.room.evening import Evening, circle
from tests.room.test_guest import with_guest
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


Watched.TestCase.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
TestEV2EV10Watched = Watched.TestCase

HANDS = st.lists(st.tuples(st.sampled_from("uuudlpqcb"), st.integers(0, 29)), max_size=80)


@settings(max_examples=80, deadline=None)
@given(HANDS)
def test_FL25_EV10_many_hands_go_up_and_down(steps: list[tuple[str, int]]) -> None:
    e = circle(*(f"P{n}" for n in range(30)))
    Viewers(e, e.state.seats.keys())
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
                e.order(c.Mute(by="fay", member=who, kinds=frozenset((Kind.AUDIO,))))
            case "c":
                e.order(c.LobbyReturn(by="fay", member=who))
            case "b":
                e.order(c.LobbyAdmitAll(by="fay"))


def test_EV10_EV12_guests_come_to_the_circle_and_go() -> None:
    e = with_guest("Ada", "Ben")
    viewers = Viewers(e)
    for command in (
        c.HandRaise(by="ada"),
        c.GuestBring(by="fay"),
        c.FloorStick(by="fay"),
        c.GuestRest(by="fay"),
        c.FloorPass(by="fay", to="gus"),
        c.FloorPass(by="fay", to="ben"),
        c.HandRaise(by="ada"),
        c.PairsOpen(by="fay", groups=(("ada", "ben"),)),
        c.HelpAsk(by="ada"),
        c.GuestBring(by="fay"),
        c.PairsVisit(by="fay", group="g1"),
        c.PairsMove(by="fay", member="ben", group=None),
    ):
        assert isinstance(e.order(command), Verdict), command
    e.lose("fay")
    e.advance(100)
    assert isinstance(e.back("fay"), Verdict)
    assert len(viewers.screens) == 4


def test_EV11_EV12_a_change_of_one_costs_the_same_among_a_thousand() -> None:
    """Bytes of frames with seats' ids as the door makes them, and names of ten letters."""
    e = circle(*(f"M{n:07}" for n in range(998)), capacity=2000)
    ada, fay, guest = "m0000001", "fay", "m0000002"
    viewers = Viewers(e, {ada, fay, guest})
    screen = viewers.screens[ada]

    def costs(command: c.Command) -> int:
        before = len(screen.frames)
        assert isinstance(e.order(command), Verdict)
        assert len(screen.frames) == before + 1
        return screen.sizes[-1]

    one = "m0000500"
    assert costs(c.HandRaise(by=one)) < 300
    assert costs(c.HandRaise(by=guest)) < 300
    assert costs(c.HandLower(by=guest, member=None)) < 300
    assert costs(c.Mute(by=fay, member=one, kinds=frozenset((Kind.AUDIO,)))) < 300
    assert costs(c.SelfAway(by=one, away=True)) < 300
    assert costs(c.Leave(by="m0000600")) < 300
    e.arrive("Mnewcome")
    assert costs(c.AgreementAccept(by="mnewcome", version=1)) < 400
    assert costs(c.FloorStick(by=fay, to="m0000003")) < 400
    assert costs(c.FloorPause(by=fay)) < 300
    assert costs(c.CareFlag(by=ada, level=Level.QUIET)) < 300

    for n in range(700, 900):
        e.ok(f"m0000{n}", c.HandRaise)
    assert len(e.state.floor.queue) >= 200
    down = e.state.floor.queue[0]
    assert costs(c.HandLower(by=fay, member=down)) <= 2000
    frame = screen.frames[-1]
    assert [(where, key) for where, key, *_ in frame["patch"]] == [
        ("members", down),
        ("floor", "queue"),
    ]
    assert "set" not in frame


def test_EV11_when_all_change_the_slice_comes_whole() -> None:
    e = circle(*(f"P{n}" for n in range(20)))
    viewers = Viewers(e)
    e.ok("fay", c.MuteAll, kinds=frozenset((Kind.AUDIO,)), hold=True)
    frame = viewers.screens["p1"].frames[-1]
    assert set(frame["set"]) == {"members"}
    assert "patch" not in frame


def test_FL25_a_queue_that_has_become_short_is_told_whole() -> None:
    e = circle(*(f"P{n}" for n in range(12)))
    viewers = Viewers(e)
    for n in range(11):
        e.ok(f"p{n}", c.HandRaise)
    e.ok("p0", c.HandLower, member=None)
    seen = viewers.screens["fay"].view["members"]
    assert seen["p1"]["hand"] == 2, "ten places have changed: the queue alone says so"
    e.ok("p10", c.HandLower, member=None)
    e.ok("p9", c.HandLower, member=None)
    assert len(e.state.floor.queue) == 8
    seen = viewers.screens["fay"].view["members"]
    assert [seen[f"p{n}"]["hand"] for n in range(1, 9)] == list(range(1, 9))


def test_EV12_who_comes_in_anew_is_told_nothing_of_before() -> None:
    e = circle("Ada", "Ben")
    viewers = Viewers(e)
    e.ok("ada", c.CareFlag, level=Level.QUIET)
    e.ok("fay", c.LobbyReturn, member="ada")
    e.ok("fay", c.CareDone, member="ada")
    e.ok("fay", c.LobbyAdmit, person="ada")
    e.ok("ben", c.HandRaise)
    assert touched(viewers.screens["ada"].frames[-1]) == {"members", "floor"}


async def test_LI10_of_one_seat_no_more_reactions_are_shown_than_its_pace() -> None:
    """Through however many workers they came."""
    e = circle("Ada", "Ben")
    viewers = Viewers(e)
    for _ in range(3 * int(BURST)):
        viewers.hub.reacted("circle", "ada", "nod")
    viewers.hub.reacted("circle", "ben", "nod")
    for screen in viewers.screens.values():
        by = [f["from"] for f in screen.frames if f["t"] == "reaction"]
        assert BURST <= by.count("ada") <= BURST + 5
        assert by.count("ben") == 1
