"""Watches over one instance: what its answers say, who is told, and when to look again."""

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
"""A view changes after its moment, and a timer may be a little early."""


class Unusable(LogDown):
    """It answers, and can't be used now. reason: of `Log.reasons`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def faults_of(info: dict[str, str]) -> str:
    """Why an instance can't be used now, as it says of itself; "" if it can."""
    if info.get("role") != "master":
        return "read_only"
    if info.get("redis_mode") == "cluster":
        return "refused"
    return ""


def parse_info(reply: bytes) -> dict[str, str]:
    lines = reply.decode(errors="replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line and line[0] != "#")


def now() -> float:
    """Of the clock that a `Condition` is told. Not the loop's, which may stand still for as long as
    a callback runs: just then it has to be known that time has gone."""
    return time.monotonic()


class HealthMonitor:
    """name: of the instance, without credentials.
    changed: the view is another one. again: writes are taken again.
    hurry: something was refused; find out soon whether all is.
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
        self._said: View | None = None
        self._timer: asyncio.TimerHandle | None = None

    def view(self) -> View:
        return self.condition.view(now())

    def frozen(self) -> bool:
        return self.condition.frozen(now())

    def why_frozen(self) -> LogDown:
        """What a commit gets that can't be taken: nothing of it was sent."""
        view = self.view()
        if view.health is not Health.REFUSING:
            return LogDown("frozen")
        return LogFull("full") if view.reason == "full" else LogRefuses(view.reason)

    def look(self) -> None:
        """The view may have changed."""
        at = now()
        view, said = self.condition.view(at), self._said
        self.stop()
        soon = self.condition.next_look(at)
        if soon is not None:
            later = asyncio.get_running_loop().call_later
            self._timer = later(max(0.0, soon - at) + _LATER, self.look)
        if view == said:
            return
        self._said = view
        if view.health is Health.REFUSING:
            _say.warning("redis_refuses", instance=self._name, reason=view.reason)
        elif said is not None and said.health is Health.REFUSING:
            _say.info("redis_refuses_no_more", instance=self._name, now=view.reason or "live")
            self._again()
        self._changed()

    def stop(self) -> None:
        """No later look."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- what happened ---------------------------------------------------------------------

    def entered(self) -> None:
        """There is a connection, and what it lost has been told."""
        self.condition.connected = True
        self.condition.seed(False)
        self.look()

    def seeds(self) -> None:
        """It is being told what it lost."""
        self.condition.seed(True)
        self.look()

    def left(self) -> None:
        """The connection is gone."""
        self.condition.connected = False
        self.condition.seed(False)
        self.look()

    def failed(self, fault: Exception) -> None:
        """No connection came about."""
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
        """What it holds is of another format than ours, or (None) of ours.

        Raises:
            Unusable: it is of another one.
        """
        self.condition.of_format(other)
        if other is not None:
            raise Unusable("format")
