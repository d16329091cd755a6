"""A room of people of whom nobody is polite, for the random evenings: who they are and what must
hold of all that they do. The rules that move them are in `machine_*.py`, a file a theme."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from sitwith_server.room import Refusal, Verdict
from sitwith_server.room import commands as c
from sitwith_server.room.model import Phase, Role, RoomState
from sitwith_server.room.mood.values import LEAST, Mood, counts
from tests.room.evening import Evening

SECONDS = st.one_of(st.none(), st.sampled_from((1.0, 20.0, 90.0)))
SHARE = st.floats(0, 1, exclude_max=True)
FLAGS = st.booleans()


class Crowd(RuleBasedStateMachine):
    """A room of people `p1`, `p2`, …"""

    def __init__(self) -> None:
        super().__init__()
        self.e = Evening()
        self.count = 0
        self.once = b""
        """A link for one person."""
        self.audiences: list[tuple[set[str], int]] = []
        """Who was to get each message, and how many had been said by then."""

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

    def come(self, link: bytes, *, accept: bool = True, was: bytes = b"") -> None:
        self.count += 1
        name = f"P{self.count}"
        before = self.e.state
        if isinstance(self.e.hello(name, link, was), Verdict) and accept:
            changes(before, self.e.state, c.Tick(by=""))
            self.ask(c.AgreementAccept(by=name.lower(), version=1, handle=self.handle(self.count)))

    def begin_again(self) -> None:
        """Everybody inside is gone until the room has forgotten, if it does not end before."""
        before = self.e.state
        if before.ended or before.expires_at <= self.e.now + before.opening.forget_seconds:
            return
        self.e.forget()
        changes(before, self.e.state, c.Tick(by=""))
        self.audiences.clear()
        assert not self.e.state.inside()

    def handle(self, n: int) -> bytes | None:
        """Who comes in a series: of three one is not remembered, and some come twice."""
        return None if self.e.state.series is None or n % 3 == 0 else b"h%d" % (n % 5)


def unknown(before: RoomState, after: RoomState, member: str) -> bool:
    """Whether somebody is banned and this might be them."""
    was, now = before.series, after.series
    if was is None or now is None or not (was.past.bans or was.removed):
        return False
    person = now.came.get(member)
    return person is None or not (person < len(was.past.people) or person in was.here)


def _counted(asked: Mood | None, shown: Mood | None) -> None:
    """All are counted if they are five; where the room is strict no small class is made."""
    assert asked is not None and shown is not None
    assert shown.answers == len(asked.given)
    if asked.strict:
        assert {each for each in shown.classes if len(each) < LEAST} <= set(asked.classes)
    elif shown.answers >= LEAST:
        assert shown.counts == counts(asked.given, asked.given)
    else:
        assert (shown.counts, shown.classes) == (None, asked.classes)


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
    if isinstance(command, c.MoodClose):
        _counted(before.mood, after.mood)
    full = len(before.inside()) >= before.capacity
    over = len(before.inside()) >= before.capacity + max(3, before.capacity // 4)
    for seat in after.inside():
        was = before.seats.get(seat.id)
        if was is not None and was.is_inside:
            assert seat.place == was.place
            assert facilitates or seat.role is was.role
            assert facilitates or seat.held >= was.held
        elif seat.role is not Role.FACILITATOR:
            assert not before.locked
            assert not (over if before.invites[seat.invite].uses == 1 else full)
            waits = before.links_wait and before.invites[seat.invite].uses != 1
            waits |= was is not None and was.phase is Phase.LOBBY
            waits |= before.invites[seat.invite].uses != 1 and unknown(before, after, seat.id)
            assert facilitates or not (waits or before.settings.lobby)
        elif before.invites[seat.invite].uses != 1 and (
            before.links_wait or before.staff_links_wait
        ):
            assert seat.led in before.former
    if len(after.facilitators()) < len(before.facilitators()) and isinstance(command, c.RoleGive):
        assert any(str(s.presence) != "away" for s in after.facilitators())
