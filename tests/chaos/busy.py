"""An evening with more to do: what the simulated ones do, and most other commands as well."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.chaos.evening import Evening, S
from tests.chaos.person import new_canary

SHARE = 0.4
"""How much of what happens is from here."""


class BusyEvening(Evening[S]):
    """Nothing here makes anybody else's words anybody's, so the checkers need not know of it."""

    def something(self) -> None:
        here = self.here()
        if not here or self.chance.random() > SHARE:
            super().something()
            return
        acts: Sequence[Callable[[S], None]] = (
            self._hand,
            self._turn,
            self._group,
            self._longer,
            self._microphones,
            self._door,
        )
        self.chance.choice(acts)(self.chance.choice(here))

    def _lead(self) -> S:
        return self.chance.choice([self.fay, self.finn])

    def _hand(self, who: S) -> None:
        who.ask(self.chance.choice(["hand.raise", "hand.lower"]))

    def _turn(self, who: S) -> None:
        lead = self._lead()
        kind = self.chance.choice(["floor.extend", "floor.pause", "floor.resume", "floor.quiet"])
        lead.ask(kind, **({"seconds": 5} if kind == "floor.extend" else {}))

    def _group(self, who: S) -> None:
        if (who.view.get("pairs") or {}).get("mine") and who in self.members:
            who.ask("help.ask")
        elif (self.fay.view.get("pairs") or {}).get("groups"):
            if self.chance.random() < 0.5:
                self._lead().ask("pairs.say", body=new_canary(self.chance))
            else:
                self._lead().ask("help.done", member=self.chance.choice(self.members).me)

    def _longer(self, who: S) -> None:
        if (self.fay.view.get("pairs") or {}).get("groups"):
            self._lead().ask("pairs.extend", seconds=30)

    def _microphones(self, who: S) -> None:
        lead = self._lead()
        if self.chance.random() < 0.3:
            lead.ask("mute.all", kinds=["audio"])
        else:
            kind = self.chance.choice(["mute", "unmute"])
            lead.ask(kind, member=self.chance.choice(self.members).me, kinds=["audio"])

    def _door(self, who: S) -> None:
        draw = self.chance.random()
        if draw < 0.3:
            self._lead().ask("room.lock")
        elif draw < 0.8:
            self._lead().ask("room.unlock")
        else:
            self._lead().ask("room.settings", grace_seconds=self.chance.choice([600, 900]))
