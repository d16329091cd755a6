"""Follows the health of one instance and reports each change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from sitwith_server.log.base import Health, LogDown, LogFull, LogRefuses
from sitwith_server.log.redis.connection.client import ErrorReply
from sitwith_server.log.redis.watch.health import Condition, View, reason_of

_say = structlog.get_logger(__name__)

_LATER: Final = 0.005
"""A view changes just after its moment, and a timer may fire a little early."""


class Unusable(LogDown):
    """The instance answers but can't be used now. reason: one of `Log.reasons`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def faults_of(info: dict[str, str]) -> str:
    """Why an instance can't be used, by its INFO: one of `Log.reasons`, "" if it can."""
    if info.get("role") != "master":
        return "read_only"
    if info.get("redis_mode") == "cluster":
        return "refused"
    return ""


def parse_info(reply: bytes) -> dict[str, str]:
    lines = reply.decode(errors="replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line and line[0] != "#")


def now() -> float:
    """The clock of a `Condition`. Not the loop's clock, which may stand still while a callback
    runs: after a long callback it must show that time has passed."""
    return time.monotonic()


class HealthMonitor:
    """Tells a `Condition` what happened, logs refusals and calls back.

    name: the instance's name, without credentials.
    changed: called when the view has changed.
    again: called when writes are taken again after refusals.
    hurry: called when something was refused: the next test write must come soon.
    """

    def __init__(
        self,
        name: str,
        condition: Condition,
        changed: Callable[[], None],
        again: Callable[[], None],
    ) -> None:
        self._name = name
        self.condition = condition
        self._changed = changed
        self._again = again
        self.hurry: Callable[[], None] = lambda: None
        self._last_view: View | None = None
        self._timer: asyncio.TimerHandle | None = None

    def view(self) -> View:
        return self.condition.view(now())

    def frozen(self) -> bool:
        return self.condition.frozen(now())

    def why_frozen(self) -> LogDown:
        """The error for a commit to a frozen instance; nothing of the commit was sent."""
        view = self.view()
        if view.health is not Health.REFUSING:
            return LogDown("frozen")
        return LogFull("full") if view.reason == "full" else LogRefuses(view.reason)

    def look(self) -> None:
        """Compares the view with the last one, reports a change, and sets the next timer."""
        at = now()
        view, last = self.condition.view(at), self._last_view
        self.stop()
        soon = self.condition.next_look(at)
        if soon is not None:
            later = asyncio.get_running_loop().call_later
            self._timer = later(max(0.0, soon - at) + _LATER, self.look)
        if view == last:
            return
        self._last_view = view
        if view.health is Health.REFUSING:
            _say.warning("redis_refuses", instance=self._name, reason=view.reason)
        elif last is not None and last.health is Health.REFUSING:
            _say.info("redis_refuses_no_more", instance=self._name, now=view.reason or "live")
            self._again()
        self._changed()

    def stop(self) -> None:
        """Cancels the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- what happened ---------------------------------------------------------------------

    def entered(self) -> None:
        """A connection is ready, and the instance has been re-seeded if it had to be."""
        self.condition.connected = True
        self.condition.seed(False)
        self.look()

    def seeds(self) -> None:
        """The re-seeding has begun."""
        self.condition.seed(True)
        self.look()

    def left(self) -> None:
        """The connection is gone."""
        self.condition.connected = False
        self.condition.seed(False)
        self.look()

    def failed(self, fault: Exception) -> None:
        """An attempt to connect has failed."""
        reason = fault.reason if isinstance(fault, Unusable) else None
        if isinstance(fault, ErrorReply):
            reason = reason_of(str(fault))
        if reason is not None:
            self.refused(reason)
        else:
            self.condition.unanswered()
            self.look()

    def refused(self, reason: str) -> None:
        self.condition.refused(reason, now())
        self.hurry()
        self.look()

    def echoed(self) -> None:
        was_dark = self.condition.dark(now())
        self.condition.echoed(now())
        if was_dark:
            self.look()

    def darkened(self) -> None:
        self.condition.darkened(now())
        self.look()

    def of_format(self, other: int | None) -> None:
        """Its data has another format than ours, or (None) ours.

        Raises:
            Unusable: it has another one.
        """
        self.condition.of_format(other)
        if other is not None:
            raise Unusable("format")
