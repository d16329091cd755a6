"""What deciding works on: a draft that folds as it goes, and refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sitwith_server.room.event import Event
from sitwith_server.room.model import MemberId, RoomState, Seat
from sitwith_server.room.pairs.planned import Ahead, Asked, Groups, Planned


@dataclass(frozen=True, slots=True)
class Refusal:
    """A named no. `code` is a refusal code of SPEC.md, or `nowhere`, `removed`, `elsewhere`,
    `given_up` at the door, which the gateway answers with close codes; `id_taken` is answered by
    the door itself, with another id."""

    code: str
    message: str


class Refused(Exception):
    """Raised by rule functions; `decide` turns it into its `Refusal`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.refusal = Refusal(code, message)


@dataclass(slots=True)
class Draft:
    """A state in the making: every emitted event is folded at once, so that what a rule does next
    sees what it did before."""

    state: RoomState
    now: float
    fold: Callable[[RoomState, Event], RoomState]
    events: list[Event] = field(default_factory=list)
    answer: Mapping[str, object] = field(default_factory=dict)
    round_over: bool = False
    """Whether the last turn of a round of the stage is over by what was done."""
    planned: Planned | None = None
    """A plan that was made ahead."""
    ahead: bool = False
    """Whether only what is to be planned is wanted."""

    def emit(self, *events: Event) -> None:
        for event in events:
            self.events.append(event)
            self.state = self.fold(self.state, event)

    def is_due(self, at: float | None) -> bool:
        return at is not None and at <= self.now

    def plan(self, asked: Asked) -> Groups | None:
        """The plan that was made ahead, if it was made for just this, else one that is made now.

        Raises:
            Ahead: only the question is wanted.
        """
        if self.ahead:
            raise Ahead(asked)
        planned = self.planned
        if planned is None or planned.asked != asked:
            planned = asked.solved()
        return planned.groups

    def seat(self, member: MemberId) -> Seat:
        """The seat of somebody inside.

        Raises:
            Refused: `no_such_member`.
        """
        seat = self.state.at(member)
        if seat is None:
            raise Refused("no_such_member", "Nobody inside has this id.")
        return seat


def stale(message: str) -> Refused:
    return Refused("stale", message)


def not_allowed(message: str = "This is not yours to do.") -> Refused:
    return Refused("not_allowed", message)
