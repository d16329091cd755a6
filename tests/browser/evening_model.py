"""What each stage of an agenda lets people do: the rules once more, in a form for tests."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass, field

from tests.blackbox.rawclient import Map

from .household import HOST, MEMBERS, NAMES


@dataclass
class Evening:
    """What the stages so far have set. `groups` and `holder` are told by whoever looks."""

    at: int = -1
    stage: Map = field(default_factory=dict)
    floor: str = "open"
    mics: str = "open"
    chat: str = "all"
    rounds: int = 0
    """How many rounds have begun, by which the first to speak changes."""
    holder: str | None = None
    groups: set[frozenset[str]] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    """Whose microphone a facilitator holds."""

    def begin(self, stage: Map) -> None:
        """All that the stage names is set, and the rest stays."""
        self.at += 1
        self.stage = stage
        self.holder, self.groups = None, set()
        debrief = stage["kind"] == "debrief"
        self.chat = stage.get("chat") or ("staff" if debrief else self.chat)
        floor = stage.get("floor") or ("quiet" if debrief else None)
        if floor is not None:
            self.floor, self.mics = floor, "open"
        if floor == "round":
            self.holder = self.starter()
        self.mics = stage.get("mics") or self.mics

    def starter(self) -> str:
        """Who begins a round that begins now."""
        self.rounds += 1
        return MEMBERS[(self.rounds - 1) % len(MEMBERS)]

    @property
    def debriefs(self) -> bool:
        return bool(self.stage.get("kind") == "debrief")

    def place(self, name: str) -> Set[str]:
        """Who is where this one is."""
        for group in self.groups:
            if name in group:
                return group
        apart = {HOST} if self.debriefs else set()
        circle = set(NAMES) - {one for group in self.groups for one in group}
        return apart if name in apart else circle - apart

    def in_group(self, name: str) -> bool:
        return any(name in group for group in self.groups)

    def may_speak(self, name: str) -> bool:
        if name in self.held:
            return False
        if name == HOST:
            return True
        if self.mics == "muted":
            return False
        return self.in_group(name) or self.floor == "open" or self.holder == name

    def heard_by(self, name: str) -> set[str]:
        return {one for one in self.place(name) if one != name and self.may_speak(one)}

    def microphone(self, name: str) -> str:
        """What the button of a microphone that is turned on says."""
        if name in self.held:
            return "Muted by a facilitator"
        return "Mic on" if self.may_speak(name) else "Mic ready"

    def writes_to_circle(self, name: str) -> bool:
        return name == HOST or (self.chat == "all" and not self.in_group(name))

    def why_not(self, name: str) -> str:
        """What stands where one would write to the circle."""
        if self.in_group(name):
            return "While the groups are open, members can't write to the circle."
        return {
            "staff": "Just now, members can write only to the facilitators.",
            "off": "Writing is closed for everyone just now.",
        }[self.chat]

    def heading(self, name: str) -> str | re.Pattern[str] | None:
        """What stands in the middle; None while breathing is drawn there."""
        if "breathe" in self.stage and self.holder is None:
            return None
        if self.in_group(name):
            others = sorted(self.place(name) - {name})
            return re.compile("^Just you" + "".join(f"(?=.*{re.escape(one)})" for one in others))
        if self.holder is not None:
            return "It is your turn" if self.holder == name else f"{self.holder} has the stick"
        return {
            "open": "The floor is open",
            "quiet": "Quiet time",
            "stick": "The stick is resting",
            "round": "The stick is resting",
        }[self.floor]

    def prompt(self, number: int = 0) -> str:
        """The first line of what everybody reads."""
        rounds = self.stage.get("rounds")
        text = rounds[number]["prompt"] if rounds else self.stage.get("prompt", "")
        return str(text).partition("\n")[0]
