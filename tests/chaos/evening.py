"""What a circle does of an evening, drawn at random: the same in simulated and in real clusters."""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, Generic, TypeVar

from tests.chaos.history import Frame, History
from tests.chaos.person import Person, new_canary

MISHAPS: Final = ("cut", "silent", "elsewhere", "gone")
"""What happens to people's own connections."""
FEWEST: Final = 3
"""So many members stay to the end."""


class Somebody(Person, ABC):
    """A person with a connection to be troubled."""

    gone = False
    """Has closed the page and will never come back."""

    @abstractmethod
    def break_off(self) -> None:
        """The network drops the connection."""

    @abstractmethod
    def fall_silent(self) -> None:
        """Half-open: nothing arrives any more, in either direction, and nobody is told."""

    @abstractmethod
    def elsewhere(self) -> None:
        """The same seat is opened again while its connection lives, as in a second tab."""

    @abstractmethod
    def leave_for_good(self) -> None:
        """Closes the page and never comes back; the seat stays."""

    @abstractmethod
    def stop(self) -> None:
        """The end of a run."""


S = TypeVar("S", bound=Somebody)


class Evening(Generic[S]):
    """Two facilitators and some members.

    make: somebody new, from a client's name for the history, a token and a name for the room.
    """

    def __init__(
        self,
        chance: random.Random,
        history: History,
        make: Callable[[str, str, str], S],
        tokens: tuple[str, str],
        mishaps: Collection[str] = MISHAPS,
        label: str = "",
    ) -> None:
        self.chance = chance
        self.history = history
        self.facilitator_token, self.member_token = tokens
        self.mishaps = [m for m in MISHAPS if m in mishaps]
        self.newcomers = 3
        self.guests: list[S] = []
        self.members: list[S] = []
        self._make = make
        self._label = label

    async def enter(self, members: int) -> None:
        self.fay, self.finn = (self._arrive(self.facilitator_token) for _ in range(2))
        await self.fay.entered.wait()
        await self.finn.entered.wait()
        self.members = [self._arrive(self.member_token) for _ in range(members)]
        for member in self.members:
            await member.entered.wait()

    def _arrive(self, token: str) -> S:
        name = f"Guest {self.chance.getrandbits(40):010x}"
        guest = self._make(f"{self._label}guest {len(self.guests)}", token, name)
        self.guests.append(guest)
        return guest

    def here(self) -> list[S]:
        return [g for g in self.guests if g.phase == "inside" and not g.gone and g.over is None]

    def stop(self) -> None:
        for guest in self.guests:
            guest.stop()

    def something(self) -> None:
        acts: Sequence[tuple[int, Callable[[S], None]]] = (
            (40, self._say),
            (8, self._floor),
            (2, self._agenda),
            (6, self._groups),
            (5, self._mute),
            (2, self._overreach),
            (2, self._delete),
            (1, self._lobby),
            (1, self._newcomer),
            (1, self._remove),
            (8 if self.mishaps else 0, self._mishap),
        )
        act = self.chance.choices([a for _, a in acts], [w for w, _ in acts])[0]
        here = self.here()
        if here:
            act(self.chance.choice(here))

    def rest(self) -> None:
        """Nothing goes on by itself any more: the last stage, an open floor, all in the circle."""
        for _ in range(3):
            self.fay.ask("agenda.next")
        self.fay.ask("floor.open")
        self.fay.ask("pairs.close", grace=0)

    def say(self) -> None:
        """Somebody says something."""
        self._say(self.chance.choice(self.here()))

    def _then(self, answer: asyncio.Future[Frame], what: Callable[[], object]) -> None:
        def told(done: asyncio.Future[Frame]) -> None:
            if not done.cancelled() and done.result()["t"] == "ok":
                what()

        answer.add_done_callback(told)

    def _say(self, who: S) -> None:
        other = self.chance.choice(self.here())
        to = self.chance.choice(
            ["circle", "circle", "pair", "staff", "facilitators", f"direct:{other.me}"]
        )
        if to == "staff" and who.role == "facilitator":
            to = f"staff:{self.chance.choice(self.members).me}"
        who.ask("chat.say", to=to, body=new_canary(self.chance))

    def _agenda(self, who: S) -> None:
        """Stages that close groups and text, begin rounds, and go on by themselves."""
        if who.role != "facilitator":
            return
        what = self.chance.choice(["start", "next", "back", "extend"])
        if what == "start":
            stages: list[dict[str, object]] = [
                {"kind": "round", "seconds": 6, "auto": True, "floor": "round"},
                {"kind": "pairs", "seconds": 4, "auto": True, "pairs": {"size": 2, "how": "fresh"}},
                {"kind": "open", "seconds": 2, "auto": True, "floor": "quiet"},
                {"kind": "closing", "seconds": 7200, "floor": "open"},
            ]
            who.ask("agenda.edit", stages=stages)
        who.ask(f"agenda.{what}", **({"seconds": 2} if what == "extend" else {}))

    def _floor(self, who: S) -> None:
        if who.role == "facilitator":
            kind = self.chance.choice(["floor.round", "floor.round", "floor.stick", "floor.open"])
            seconds = self.chance.choice([1, 5, 60])
            who.ask(kind, **({} if kind == "floor.open" else {"seconds": seconds}))
        else:
            who.ask(self.chance.choice(["floor.pass", "floor.later", "hand.raise"]))

    def _groups(self, who: S) -> None:
        leads = self.chance.choice([self.fay, self.finn])
        groups = (leads.view.get("pairs") or {}).get("groups") or {}
        draw = self.chance.random()
        if groups and draw < 0.3:
            leads.ask("pairs.close", grace=0)
        elif groups and draw < 0.5:
            leads.ask("pairs.visit", group=self.chance.choice(sorted(groups)))
        elif groups and draw < 0.6:
            leads.ask("pairs.return")
        elif groups and draw < 0.8:
            group = self.chance.choice([None, *sorted(groups)])
            leads.ask("pairs.move", member=self.chance.choice(self.members).me, group=group)
        else:
            ids = [m.me for m in self.members if m in self.here()]
            self.chance.shuffle(ids)
            pairs = [ids[i : i + 2] for i in range(0, len(ids) - 1, 2)]
            if pairs:
                leads.ask("pairs.open", groups=pairs)

    def _mute(self, who: S) -> None:
        target = self.chance.choice(self.members)
        leads = self.chance.choice([self.fay, self.finn])
        kind = self.chance.choice(["mute", "mute", "unmute"])
        answer = leads.ask(kind, member=target.me, kinds=["chat"])
        later = self.chance.random() * 0.5

        def try_it() -> None:
            loop = asyncio.get_running_loop()
            loop.call_later(later, self._say, target)

        self._then(answer, try_it)

    def _overreach(self, who: S) -> None:
        """A member tries what only facilitators may."""
        member = self.chance.choice(self.members)
        ways: list[tuple[str, dict[str, Any]]] = [
            ("role.give", {"member": member.me, "role": "facilitator"}),
            ("mute", {"member": self.fay.me, "kinds": ["chat"]}),
            ("floor.quiet", {}),
            ("agenda.next", {}),
            ("member.remove", {"member": self.finn.me}),
            ("chat.say", {"to": "facilitators", "body": new_canary(self.chance)}),
        ]
        kind, fields = self.chance.choice(ways)
        member.ask(kind, **fields)

    def _delete(self, who: S) -> None:
        said = [
            op
            for op in self.history.ops
            if op.seat == who.me and op.ok and op.kind == "chat.say" and op.answer is not None
        ]
        if said:
            answer = self.chance.choice(said).answer
            assert answer is not None
            who.ask("chat.delete", to=answer["to"], n=answer["n"])

    def _lobby(self, who: S) -> None:
        target = self.chance.choice(self.members)
        answer = self.fay.ask("lobby.return", member=target.me)
        self._then(answer, lambda: self.finn.ask("lobby.admit", person=target.me))

    def _newcomer(self, who: S) -> None:
        if self.newcomers:
            self.newcomers -= 1
            self._arrive(self.member_token)
            if self.chance.random() < 0.5:
                self.fay.ask("lobby.admit_all")

    def _remove(self, who: S) -> None:
        if len(self.members) > FEWEST + 1 and self.chance.random() < 0.5:
            target = self.members.pop()
            answer = self.fay.ask("member.remove", member=target.me)
            # Whoever is removed tries on, and comes back by what they have.
            body = new_canary(self.chance)
            self._then(answer, lambda: target.ask("chat.say", to="circle", body=body))

    def _mishap(self, who: S) -> None:
        what = self.chance.choice(self.mishaps)
        if what == "cut":
            who.break_off()
        elif what == "silent":
            who.fall_silent()
        elif what == "elsewhere":
            who.elsewhere()
        elif who in self.members and self.chance.random() < 0.15:
            self.gone(who)

    def gone(self, who: S) -> None:
        if len(self.members) > FEWEST:
            self.members.remove(who)
            who.leave_for_good()
