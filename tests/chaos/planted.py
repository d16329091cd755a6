"""Bugs to be planted in the code under test, to see that they are found.

Each is a context manager that makes one well-known mistake of such systems for as long as it
lasts. A checker or a simulation that finds none of them would say nothing when it says "clean".
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final
from unittest import mock

from sitwith_server.gateway.websocket import close_decision, hub, missed
from sitwith_server.gateway.websocket.hub import Hub
from sitwith_server.log.base import CONTROL, Commit, Notification, Result
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import changes
from sitwith_server.room import commands as c
from sitwith_server.room.chat.access import may_receive
from sitwith_server.room.chat.talk import Placed, Said, decide_talk
from sitwith_server.room.events import FloorChanged, MutesSet, Removed
from sitwith_server.room.model import RoomState, Seat
from sitwith_server.room.slices import Slice
from sitwith_server.room.view import SLICES
from sitwith_server.service.hosting.presence import Presence
from sitwith_server.service.rooms import conversations, follower, replica
from sitwith_server.service.rooms.answers import Answer, Ok
from sitwith_server.service.rooms.conversations import ChatEntry
from sitwith_server.service.rooms.message_index import MessageIndex
from sitwith_server.service.rooms.replica import Replica
from sitwith_server.service.rooms.room import HostedRoom
from tests.chaos.history import History
from tests.simulation import machines, sight
from tests.simulation.play import fail_over, play

Plant = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Bug:
    """plant: makes it. rules: those that may find it. faults: what has to break for it to show."""

    plant: Plant
    rules: frozenset[str]
    faults: tuple[str, ...] = ()
    seeds: int = 12
    fail_over: bool = False
    """Whether it shows at a fail-over alone."""

    def evening(self, seed: int) -> History:
        with self.plant():
            return fail_over(seed) if self.fail_over else play(seed, faults=self.faults)


# -- committing ----------------------------------------------------------------------------------


def no_dedupe() -> AbstractContextManager[object]:
    """A command that is sent twice happens twice."""
    commit = MemoryLog.commit

    async def forgetful(self: MemoryLog, what: Commit) -> Result:
        return await commit(self, replace(what, key=None))

    return mock.patch.object(MemoryLog, "commit", forgetful)


def no_compare_and_set() -> AbstractContextManager[object]:
    """Whatever a worker decided on is taken, however old it was."""
    commit = MemoryLog.commit

    async def lenient(self: MemoryLog, what: Commit) -> Result:
        heads = await self.heads(what.room)
        if heads is None:
            return await commit(self, what)
        control = heads.streams["room"].seq
        seen = control if what.stream == "room" else heads.rights
        at = None if what.control_head is None else control
        return await commit(self, replace(what, expect=seen, at_head=None, control_head=at))

    return mock.patch.object(MemoryLog, "commit", lenient)


def ok_before_commit() -> AbstractContextManager[object]:
    """What is said is acknowledged when it has been decided, and committed some time later."""
    ask = HostedRoom.submit

    async def hasty(self: HostedRoom, command: c.Command, key: tuple[str, int], why: str) -> Answer:
        if isinstance(command, c.Say):
            placed = decide_talk(self.state, command, self.conversations.index, 0.0)
            if isinstance(placed, Placed) and isinstance(placed.what, Said):
                work = asyncio.create_task(ask(self, command, key, why))
                work.add_done_callback(lambda done: done.cancelled() or done.exception())
                return Ok({"to": placed.stream, "n": placed.what.n})
        return await ask(self, command, key, why)

    return mock.patch.object(HostedRoom, "submit", hasty)


def numbers_skip() -> AbstractContextManager[object]:
    """A message's number comes from something that is not the count of messages."""
    count = MessageIndex.count

    def hopping(self: MessageIndex, stream: str) -> int:
        n = count(self, stream)
        return n + 1 if n % 7 == 4 else n

    return mock.patch.object(MessageIndex, "count", hopping)


def events_without_ids() -> AbstractContextManager[object]:
    """A position is an epoch that never changes and a number: after a fail-over it names another
    event, and nobody can tell."""
    make = MemoryLog.__init__

    def constant(self: MemoryLog, clock: Any, **how: Any) -> None:
        make(self, clock, **{**how, "event_id": lambda: bytes(8)})

    return mock.patch.object(MemoryLog, "__init__", constant)


# -- following -----------------------------------------------------------------------------------


def read_before_following() -> AbstractContextManager[object]:
    """What is said while a resume reads what it has missed is lost to it."""
    said = Hub.said

    def deaf_while_reading(self: Hub, words: ChatEntry) -> None:
        said(self, words)
        for link in self.connections.values():
            if link.pending is not None:
                link.pending.clear()

    return mock.patch.object(Hub, "said", deaf_while_reading)


@contextmanager
def no_reading_again() -> Iterator[None]:
    """Notifications are believed: nothing is read unless one comes."""
    with (
        mock.patch.object(HostedRoom, "compare", lambda self, look, began: True),
        mock.patch.object(follower, "STALE_SECONDS", float("inf")),
    ):
        yield


def bells_in_any_order() -> AbstractContextManager[object]:
    """What a notification carries is folded, whether or not it is the next."""
    take = Replica.take

    def eager(self: Replica, notification: Notification) -> bool:
        done = take(self, notification)
        if not done and notification.entries and notification.stream != CONTROL:
            for entry in notification.entries:
                self.conversations.take(entry)
            return True
        return done

    return mock.patch.object(Replica, "take", eager)


def _fold_without(kind: type, undo: Callable[[RoomState, RoomState, Any], RoomState]) -> Plant:
    fold: Callable[[RoomState, Any], RoomState] = vars(replica)["fold"]

    def blind(state: RoomState, event: Any) -> RoomState:
        after = fold(state, event)
        return undo(state, after, event) if isinstance(event, kind) else after

    @contextmanager
    def plant() -> Iterator[None]:
        with (
            mock.patch.object(replica, "fold", blind),
            mock.patch.object(conversations, "fold", blind),
        ):
            yield

    return plant


def cached_mute() -> AbstractContextManager[object]:
    """Workers go by the mutes that they once knew."""

    def unheld(before: RoomState, after: RoomState, event: MutesSet) -> RoomState:
        return replace(after, seats={**after.seats, event.member: before.seats[event.member]})

    return _fold_without(MutesSet, unheld)()


def resume_without_removed_check() -> AbstractContextManager[object]:
    """A removal closes the socket and forgets to take the seat away."""

    def kept(before: RoomState, after: RoomState, event: Removed) -> RoomState:
        seat = before.seats[event.member]
        return replace(after, seats={**after.seats, event.member: seat}, removed=before.removed)

    return _fold_without(Removed, kept)()


def no_turn_numbers() -> AbstractContextManager[object]:
    """Every turn has the same number: nothing fences an old holder."""

    def same(before: RoomState, after: RoomState, event: FloorChanged) -> RoomState:
        return replace(after, floor=replace(after.floor, turn=1))

    return _fold_without(FloorChanged, same)()


# -- showing -------------------------------------------------------------------------------------


def lobby_shown_to_all() -> AbstractContextManager[object]:
    """The names of those who wait are in everybody's view."""
    open_to_all: Mapping[str, Slice] = {
        "lobby": Slice(SLICES["members"].audience, SLICES["lobby"].value)
    }
    return mock.patch.dict(SLICES, open_to_all)


def entries_only_added() -> AbstractContextManager[object]:
    """Patches say what is new in a slice and never what is gone from it."""
    real = changes._patches

    def adding(*of: Any) -> tuple[Any, ...]:
        return tuple(patch for patch in real(*of) if len(patch) > 2)

    return mock.patch.object(changes, "_patches", adding)


def _given_where(for_whom: Callable[[Seat, ChatEntry], bool]) -> AbstractContextManager[object]:
    return mock.patch.object(hub, "is_for", for_whom)


def filter_in_the_client() -> AbstractContextManager[object]:
    """Groups' words go to all inside, for their pages to hide."""
    real = missed.is_for

    def leaky(seat: Seat, words: ChatEntry) -> bool:
        return real(seat, words) or (seat.is_inside and words.entry.stream.startswith("pair:"))

    return _given_where(leaky)


def replay_ignores_spans() -> AbstractContextManager[object]:
    """Who comes back is given all of a conversation that they are in now, from its beginning."""
    real = missed.is_for

    def generous(seat: Seat, words: ChatEntry) -> bool:
        return real(seat, words) or may_receive(seat, words.entry.stream, 10**9)

    return _given_where(generous)


def rights_of_now() -> AbstractContextManager[object]:
    """Who gets a message is read from the state as it is, not as it was when it was said."""

    def late(seat: Seat, words: ChatEntry) -> bool:
        return may_receive(seat, words.entry.stream, 10**9)

    return _given_where(late)


def two_live_connections() -> AbstractContextManager[object]:
    """A seat that is taken again elsewhere keeps its first connection."""
    real = close_decision.why_closed

    def tolerant(change: Any, link: Any, seat: Seat | None) -> Any:
        return real(change, link, seat and replace(seat, connection=link.id))

    return mock.patch.object(hub, "why_closed", tolerant)


# -- who may, and who is there -------------------------------------------------------------------


def role_by_request() -> AbstractContextManager[object]:
    """Whoever asks as a facilitator is taken for one."""
    # The package exports a function of the module's own name.
    deciding = importlib.import_module("sitwith_server.room.decide")
    return mock.patch.object(deciding, "_check_role", lambda state, seat, rule: None)


def presence_of_the_dead() -> AbstractContextManager[object]:
    """Nobody looks whether the worker that holds a seat's connection still lives."""

    async def trusting(self: Presence, room: HostedRoom) -> None:
        return None

    return mock.patch.object(Presence, "report_lost", trusting)


@contextmanager
def leases_by_own_clock() -> Iterator[None]:
    """A lease runs out by the clock of whoever looks; one worker's goes ahead."""
    living, known = sight.SeenLeases.living, sight.SeenLeases.living_at_beat

    def ahead() -> bool:
        machine = machines.current()
        return machine is not None and machine.name == "worker 0"

    async def hurried(self: sight.SeenLeases, workers: Collection[str]) -> frozenset[str]:
        return frozenset() if ahead() else await living(self, workers)

    def hasty(self: sight.SeenLeases) -> frozenset[str]:
        return frozenset() if ahead() else known(self)

    with (
        mock.patch.object(sight.SeenLeases, "living", hurried),
        mock.patch.object(sight.SeenLeases, "living_at_beat", hasty),
    ):
        yield


BUGS: Final[Mapping[str, Bug]] = {
    bug.plant.__name__: bug
    for bug in (
        Bug(no_dedupe, frozenset({"N3"})),
        Bug(no_compare_and_set, frozenset({"N1", "N3", "N5", "N11"})),
        Bug(ok_before_commit, frozenset({"N2", "N3", "N4"}), ("refused", "kill", "cut")),
        Bug(events_without_ids, frozenset({"N2", "N3"}), fail_over=True),
        Bug(numbers_skip, frozenset({"N1"})),
        Bug(read_before_following, frozenset({"N2"}), ("cut", "kill"), 40),
        Bug(no_reading_again, frozenset({"N2", "N11"}), ("lossy",)),
        Bug(bells_in_any_order, frozenset({"N2"}), ("lossy",)),
        Bug(cached_mute, frozenset({"N7", "N11"})),
        Bug(resume_without_removed_check, frozenset({"N8"}), ("cut",)),
        Bug(no_turn_numbers, frozenset({"N5"})),
        Bug(lobby_shown_to_all, frozenset({"N6"})),
        Bug(entries_only_added, frozenset({"N11"})),
        Bug(filter_in_the_client, frozenset({"N6"})),
        Bug(replay_ignores_spans, frozenset({"N6"}), ("cut",)),
        Bug(rights_of_now, frozenset({"N2", "N6"}), ("cut", "slow")),
        Bug(two_live_connections, frozenset({"N3", "N13"}), ("elsewhere",)),
        Bug(role_by_request, frozenset({"N10"})),
        Bug(presence_of_the_dead, frozenset({"N9"}), ("kill", "gone")),
        Bug(leases_by_own_clock, frozenset({"N9"}), ("kill",)),
    )
}
