"""Faults of a room's life around its rules: each was once seen, or is the nearest to one that the
design makes impossible. Planted in the code under test, and found in a scene of `simulation.lives`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Final
from unittest import mock

from sitwith_server.log.base import Committed as Taken
from sitwith_server.log.base import Effects, Gone, Position, Progress
from sitwith_server.media.plane.reconcile import Reconciler
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.hosting.periodic import PeriodicWork
from sitwith_server.service.rooms import room
from sitwith_server.service.rooms.conversations import Conversations, fold_onto
from sitwith_server.service.rooms.room import HostedRoom
from tests.simulation.lives import act

Plant = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Fault:
    """scene: in which it shows. finds: what is then said to be wrong."""

    plant: Plant
    scene: str
    finds: frozenset[str]
    seeds: int = 8

    def wrong(self, seed: int) -> set[str]:
        with self.plant():
            return act(self.scene, seed)


def nobody_looks_for_what_is_due() -> AbstractContextManager[object]:
    """Deadlines fire where a room is hosted, and nowhere else."""

    async def idle(self: PeriodicWork) -> None:
        return None

    return mock.patch.object(PeriodicWork, "_take_due", idle)


def an_end_that_deletes_nothing() -> AbstractContextManager[object]:
    """The end is committed, and what it should have deleted with it is left for later."""
    real: Callable[..., Effects] = vars(room)["effects_of"]

    def lenient(*args: Any, **fields: Any) -> Effects:
        return replace(real(*args, **fields), end=False)

    return mock.patch.object(room, "effects_of", lenient)


def refusals_that_freeze_nobody() -> AbstractContextManager[object]:
    """Commands are refused, and that is all."""
    return mock.patch.object(HostedRoom, "freeze", lambda self, frozen: None)


def gone_is_success() -> AbstractContextManager[object]:
    """What was committed to a room that is over counts as taken."""
    append = HostedRoom._append

    async def trusting(
        self: HostedRoom, by: str, made: Any, why: str, *rest: Any, **how: Any
    ) -> Any:
        result = await append(self, by, made, why, *rest, **how)
        if isinstance(result, Gone) and made.events:
            after = fold_onto(self.state, made.events)
            position = Position(self.position.epoch, after.seq, bytes(8))
            self._replica.add_committed(after, made.events, position, why, by)
            return Taken((position,), 0.0)
        return result

    return mock.patch.object(HostedRoom, "_append", trusting)


def the_inbox_is_told_later() -> AbstractContextManager[object]:
    """Words are committed; that somebody waits is not, where it is not known to be news."""
    return mock.patch.object(Conversations, "_line_events", lambda self, *rest: None)


def no_reference_counts() -> AbstractContextManager[object]:
    """A room is let go of after a while, whoever uses it."""

    def careless(self: Host) -> None:
        for held in self._held.values():
            held.users, held.seated = 0, False
        let_go(self)

    let_go = Host.release_idle
    return mock.patch.object(Host, "release_idle", careless)


def a_lease_of_nothing() -> AbstractContextManager[object]:
    """That the log does not have the room is taken for no news."""
    told = Reconciler._on_head

    def lenient(self: Reconciler, sent: float, look: Progress | None) -> None:
        if look is None and self._last_read is not None:
            look = self._last_read[1]
        told(self, sent, look)

    return mock.patch.object(Reconciler, "_on_head", lenient)


def nobody_minds_missing_rooms() -> AbstractContextManager[object]:
    """A room that the log does not have any more is gone on with by whoever hosts it."""

    async def deaf(self: HostedRoom) -> None:
        return None

    return mock.patch.object(HostedRoom, "end_here", deaf)


FAULTS: Final[Mapping[str, Fault]] = {
    fault.plant.__name__: fault
    for fault in (
        Fault(
            nobody_looks_for_what_is_due,
            "left_alone",
            frozenset({"what nobody hosts is forgotten on time"}),
        ),
        Fault(an_end_that_deletes_nothing, "ended", frozenset({"an end deletes"})),
        Fault(
            refusals_that_freeze_nobody, "refused", frozenset({"a room that can't commit says so"})
        ),
        Fault(
            gone_is_success,
            "too_late",
            frozenset({"who comes too late is told 4404", "nobody is seated in what is over"}),
            40,
        ),
        Fault(the_inbox_is_told_later, "waiting", frozenset({"a line with a member's word waits"})),
        Fault(no_reference_counts, "quiet", frozenset({"a room that is used is followed"})),
        Fault(
            a_lease_of_nothing,
            "vanished",
            frozenset({"no lease is renewed for a room that is gone"}),
        ),
        Fault(
            nobody_minds_missing_rooms,
            "vanished",
            frozenset({"who is in a room that is gone is told"}),
        ),
    )
}
