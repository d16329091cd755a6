"""The agenda of an evening: its stages, and where it is (AG*)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sitwith_server.room.materials.values import Wish
from sitwith_server.room.terms import ChatPolicy


class StageKind(StrEnum):
    """What a stage is for. Only a debrief is more than a name: see rule AG9."""

    ARRIVAL = "arrival"
    AGREEMENT = "agreement"
    BREATH = "breath"
    ROUND = "round"
    TOPIC = "topic"
    OPEN = "open"
    PAIRS = "pairs"
    SHARING = "sharing"
    BREAK = "break"
    CLOSING = "closing"
    DEBRIEF = "debrief"


class StageFloor(StrEnum):
    OPEN = "open"
    QUIET = "quiet"
    STICK = "stick"
    ROUND = "round"


class Mics(StrEnum):
    OPEN = "open"
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class GroupsWish:
    """What groups a stage wants; the plan is made when it begins."""

    size: int
    how: str


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of the evening. What is None it leaves as it is.

    seconds: how long. auto: whether the next stage begins by itself then. turn_seconds: how long
    a turn is; None shares the time of a round. rounds: the prompts of the rounds that follow one
    another, where there are several. breathe: the seconds of each phase of one breath. guest:
    whether guest speakers are with the circle. material: what is shown beside it.
    """

    kind: StageKind
    seconds: float
    title: str = ""
    prompt: str = ""
    auto: bool = False
    floor: StageFloor | None = None
    turn_seconds: float | None = None
    rounds: tuple[str, ...] = ()
    chat: ChatPolicy | None = None
    mics: Mics | None = None
    pairs: GroupsWish | None = None
    breathe: tuple[float, ...] | None = None
    guest: bool = False
    material: Wish | None = None


@dataclass(frozen=True, slots=True)
class Agenda:
    stages: tuple[Stage, ...]
    at: int | None = None
    """The stage that is under way, from 0; None before the first has begun."""
    ends_at: float | None = None
    over: bool = False
    """Its time is over, and nothing has followed."""
    round: int | None = None
    """Which of the stage's rounds is under way or was the last, from 0."""

    @property
    def current(self) -> Stage | None:
        return None if self.at is None else self.stages[self.at]

    @property
    def moves_on(self) -> bool:
        """Whether another stage follows this one by itself."""
        stage = self.current
        return stage is not None and stage.auto and stage is not self.stages[-1]

    @property
    def debriefs(self) -> bool:
        stage = self.current
        return stage is not None and stage.kind is StageKind.DEBRIEF
