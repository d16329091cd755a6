"""One viewer's view of a room: slices, folded by assignment (EV2, EV10), and conversations."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Literal, TypedDict, cast

from sitwith_protocol.messages import RoomFrame

from .events import Message

KEPT = 500
"""Messages that are kept of each conversation."""


class Member(TypedDict):
    """One entry of the slice ``members``; ``hand`` is the place in the queue from 1."""

    name: str
    role: Literal["facilitator", "member", "guest"]
    seat: int
    here: Literal["here", "reconnecting", "away"]
    muted: list[str]
    held: list[str]
    hand: int | None


class Round(TypedDict):
    """A round; those in ``order`` who are not in ``done`` and don't hold the stick come later."""

    order: list[str]
    done: list[str]
    seconds: float | None


class Floor(TypedDict):
    """The slice ``floor``; ``ends_at`` in unix seconds, ``left`` in seconds while paused."""

    mode: Literal["open", "stick", "quiet"]
    holder: str | None
    turn: int
    ends_at: float | None
    left: float | None
    paused: bool
    why_paused: list[str]
    queue: list[str]
    round: Round | None


class Pairs(TypedDict):
    """The slice ``pairs`` while groups are open; ``mine`` is our own group."""

    groups: dict[str, list[str]]
    mine: str | None
    ends_at: float | None
    visitors: dict[str, list[str]]
    asked: bool
    closing: bool


class Waiting(TypedDict):
    """Somebody in the lobby, as facilitators see them."""

    id: str
    name: str
    at: float
    link: str | None
    """The id of the shared link that they came by; ``None`` for a one-use link."""


class LinkUse(TypedDict):
    """A shared link (its id), and how many people who came by it are in each phase."""

    link: str
    role: str
    reading: int
    waiting: int
    inside: int
    floods: bool


class DoorView(TypedDict):
    """The slice ``door``, for facilitators: how many people are at the door, and by which links."""

    reading: int
    waiting: int
    places: int
    crowded: bool
    links: list[LinkUse]


class RoomView:
    """Our view of the room. ``slices`` holds the slices as they came."""

    def __init__(self) -> None:
        self.slices: dict[str, Any] = {}
        self.chats: dict[str, deque[Message]] = {}

    def __getitem__(self, slice_name: str) -> Any:
        return self.slices[slice_name]

    def replace(self, whole: Mapping[str, object]) -> None:
        """Replaces all slices, by those of a ``welcome`` or ``entered``."""
        self.slices = dict(whole)

    def fold(self, frame: RoomFrame) -> frozenset[str]:
        """Folds a ``room`` frame; returns the names of the slices that changed."""
        replaced = frame.set or {}
        self.slices.update(replaced)
        copies: dict[str, dict[str, object]] = {}
        for where, key, *value in frame.patch:
            if where not in copies:
                # A copy, so that a slice which the program holds doesn't change.
                copies[where] = self.slices[where] = dict(self.slices.get(where) or {})
            if value:
                copies[where][key] = value[0]
            else:
                copies[where].pop(key, None)
        changed = replaced.keys() | copies.keys()
        if changed & {"members", "floor"}:
            self._place_hands()
        return frozenset(changed)

    def _place_hands(self) -> None:
        """Sets each hand's place by the queue: the entries may be older (FL25)."""
        floor, members = self.floor, self.members
        moved: dict[str, Member] = {
            member: {**members[member], "hand": place}
            for place, member in enumerate(floor["queue"] if floor else (), 1)
            if member in members and members[member]["hand"] != place
        }
        if moved:
            self.slices["members"] = {**members, **moved}

    def add_message(self, message: Message) -> None:
        """Adds a message to its conversation, which keeps the latest ``KEPT``."""
        self.chats.setdefault(message.to, deque(maxlen=KEPT)).append(message)

    def empty_message(self, to: str, n: int) -> None:
        """Empties a deleted message."""
        kept = self.chats.get(to, deque())
        for place, each in enumerate(kept):
            if each.n == n:
                kept[place] = Message(to, n, each.author, each.at, "", each.notice, True)

    @property
    def title(self) -> str:
        """The room's title; may be empty."""
        return str(self.slices.get("title") or "")

    @property
    def agreement(self) -> Mapping[str, Any]:
        """``{version, text}``."""
        return cast("Mapping[str, Any]", self.slices.get("agreement") or {})

    @property
    def members(self) -> dict[str, Member]:
        """Everybody inside, by id."""
        return self.slices.get("members") or {}

    @property
    def floor(self) -> Floor | None:
        """Who may speak; ``None`` until we are inside."""
        return self.slices.get("floor")

    @property
    def holder(self) -> str | None:
        """The member who holds the stick."""
        floor = self.floor
        return floor["holder"] if floor else None

    @property
    def pairs(self) -> Pairs | None:
        """The open groups."""
        return self.slices.get("pairs")

    @property
    def lobby(self) -> list[Waiting]:
        """Who waits in the lobby; empty for those who may not see it."""
        return self.slices.get("lobby") or []

    @property
    def door(self) -> DoorView | None:
        """How many are at the door; ``None`` for those who may not see it."""
        return self.slices.get("door")

    @property
    def help(self) -> list[str]:
        """Members who asked for help in their groups, for facilitators."""
        return self.slices.get("help") or []

    @property
    def care(self) -> dict[str, Mapping[str, Any]]:
        """Care flags: facilitators see all, others their own."""
        return self.slices.get("care") or {}

    @property
    def inbox(self) -> dict[str, Mapping[str, Any]]:
        """Members' lines to the facilitators, for facilitators."""
        return self.slices.get("inbox") or {}

    @property
    def aside(self) -> Mapping[str, Any] | None:
        """The side room that we are in: ``{group, members}``."""
        return self.slices.get("aside")

    @property
    def talk(self) -> dict[str, float]:
        """Seconds of speech that others heard, by member; for facilitators."""
        return self.slices.get("talk") or {}

    @property
    def unheard(self) -> list[str]:
        """The members who have not been heard yet, for facilitators."""
        return self.slices.get("unheard") or []

    @property
    def nudged_at(self) -> float | None:
        """When a facilitator asked us in private whether we want to speak; ``None``: nobody did."""
        nudge = self.slices.get("nudge")
        return None if nudge is None else nudge["at"]

    @property
    def materials(self) -> list[Mapping[str, Any]]:
        """The materials, in the order in which they were shown."""
        return self.slices.get("materials") or []

    @property
    def guests_in(self) -> list[str]:
        """The guests who are in the circle just now."""
        guests = self.slices.get("guests")
        return [] if guests is None else guests["in"]

    @property
    def link_key(self) -> bytes:
        """The key to blind concerns with; empty if the room has none."""
        return self.slices.get("link_key") or b""

    @property
    def concerns(self) -> list[str]:
        """The concerns that the facilitators offer to tick."""
        return self.slices.get("concerns") or []

    @property
    def settings(self) -> Mapping[str, Any]:
        """The room's settings."""
        return self.slices.get("settings") or {}

    @property
    def locked(self) -> bool:
        """Whether the room is locked."""
        return bool(self.slices.get("locked"))

    def facilitators(self) -> list[str]:
        """The ids of the facilitators inside."""
        return [each for each, entry in self.members.items() if entry["role"] == "facilitator"]

    def turn_left(self, now: float) -> float | None:
        """Seconds left of the present turn at ``now`` (``me.now()``); ``None`` without a limit."""
        floor = self.floor
        if floor is None or floor["holder"] is None:
            return None
        if floor["paused"]:
            return floor.get("left")
        return None if floor["ends_at"] is None else max(0.0, floor["ends_at"] - now)
