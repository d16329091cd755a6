"""One Janus gateway of the fleet: the connection to it, its guard, and our sessions on it.

Each room has a session at Janus, and everything that is forwarded for the room ends with it. A
session ends when its WebSocket ends, and when the node no longer vouches for it at the gateway's
guard (`guard_client`); a gateway without a guard is not used. If both fail, Janus itself ends the
session 4.5 s after our last message on it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from sitwith_server.media.engine import EngineDown
from sitwith_server.media.janus.connection import (
    Body,
    GatewayDown,
    GatewayRefused,
    JanusConnection,
    Reply,
    number,
)
from sitwith_server.media.janus.guard_client import GuardClient, guard_address
from sitwith_server.media.janus.lease import BOUND
from sitwith_server.media.loops import Loop, Tasks, guarded

KEEPALIVE_EVERY: Final = 0.5
"""Seconds between two keepalives of a session."""
SESSION_TIMEOUT: Final = 2
"""The longest `session_timeout` of a gateway that is used, seconds."""
KEEP_CHECKS: Final = 80
"""Health checks by the node (twenty seconds of them) within which an attempt to connect must
end."""
RETRY: Final = 1.0
"""Seconds between two attempts to connect."""
PLUGIN: Final = "janus.plugin.videoroom"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """api: WebSocket URL of a gateway's API. guard: `host` or `host:port` of its guard; empty: the
    gateway's own host."""

    api: str
    guard: str = ""


@dataclass(frozen=True, slots=True)
class Secrets:
    """api: Janus' `api_secret`. room: the videoroom plugin's `admin_key`."""

    api: str = field(repr=False)
    room: str = field(repr=False)


class EndingSession:
    """A session that we have ended. True as long as it may still forward, which is not confirmed.

    until: when it has certainly ended, monotonic seconds.
    """

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds

    def end(self) -> None:
        self.until = 0.0

    def __bool__(self) -> bool:
        return time.monotonic() < self.until


class SessionOwner(Protocol):
    """A room that owns a session."""

    def on_event(self, handle: int, message: Body) -> None: ...

    def session_ended(self, ending: EndingSession | None) -> None:
        """The session has ended. None: for certain."""
        ...

    def allowed_until(self) -> float:
        """Until when all that may be forwarded is allowed: monotonic seconds, or infinity."""
        ...


class Gateway:
    """Connects when first needed, and reconnects by itself until `close`.

    index: its place in the fleet, by which logs name it.
    """

    def __init__(
        self,
        index: int,
        address: GatewayAddress,
        secrets: Secrets,
        patience: float,
        bound: float = BOUND,
    ) -> None:
        self.index = index
        self.secrets = secrets
        self._address = address
        self._patience = patience
        self._connection: JanusConnection | None = None
        self._bound = bound
        self._guard = GuardClient(
            guard_address(address.guard, address.api),
            secrets.api,
            bound=bound,
            terms=self._terms,
            over=self._over,
            lost=self._guard_lost,
            restarted=self._janus_restarted,
        )
        self._unguarded = False
        self._sessions: dict[int, SessionOwner] = {}
        self._ending_sessions: dict[int, EndingSession] = {}
        self._lock = asyncio.Lock()
        self._loop: Loop | None = None
        self._tasks = Tasks("janus_fault", known=(GatewayDown,))

    @property
    def is_up(self) -> bool:
        return self._connection is not None

    @property
    def rooms(self) -> int:
        return len(self._sessions)

    def is_healthy(self) -> bool:
        """Whether its own loops still run; see `Loop.is_healthy`. A gateway that is away counts as
        healthy, because that is no fault of this process."""
        loop = self._loop is None or self._loop.is_healthy()
        return self._guard.is_healthy() and loop

    async def connect(self) -> bool:
        """Connects if there is no connection. Whether there is one now."""
        if self._loop is None:
            self._loop = Loop("gateway", self._keep, self._pause, max_checks=KEEP_CHECKS)
            self._loop.start()
        async with self._lock:
            if self._connection is None:
                with suppress(GatewayDown, GatewayRefused):
                    await self._connect()
        return self._connection is not None

    async def create_session(self, owner: SessionOwner) -> int:
        """Creates a session for a room. Raises EngineDown."""
        connection = self._connected()
        try:
            reply = await connection.ask({"janus": "create"})
        except (GatewayDown, GatewayRefused) as error:
            raise EngineDown("the gateway gives no session") from error
        session = number(reply.whole.get("data"), "id")
        if connection is not self._connection:
            raise EngineDown("the gateway went away")
        self._sessions[session] = owner
        try:
            await self._guard.hold()
        except BaseException as error:
            self.end_session(session)
            if isinstance(error, GatewayDown):
                raise EngineDown("the gateway's guard went away") from error
            raise
        if session not in self._sessions:
            raise EngineDown("the gateway went away")
        return session

    def renew(self) -> None:
        """Vouches at once for the present sessions. Never fails."""
        self._guard.renew()

    def end_session(self, session: int) -> EndingSession:
        """Ends a session and all it forwards, without waiting. Its owner gets no further event."""
        ending = self._ending(session)
        if self._sessions.pop(session, None) is not None and self._connection is not None:
            self._spawn(self._destroy(session))
        self.renew()
        return ending

    async def end_session_and_wait(self, session: int) -> None:
        """Ends a session. Returns once it has ended, or the gateway is away."""
        if self._sessions.pop(session, None) is not None:
            await self._destroy(session)

    async def attach(self, session: int) -> int:
        """Creates a handle of the videoroom plugin. Raises GatewayDown or GatewayRefused."""
        body = {"janus": "attach", "plugin": PLUGIN, "session_id": session}
        return number((await self._request(body)).whole.get("data"), "id")

    async def detach(self, session: int, handle: int) -> None:
        """Ends a handle, which may have ended by itself. Raises GatewayDown."""
        with suppress(GatewayRefused):
            await self._request({"janus": "detach", "session_id": session, "handle_id": handle})

    def release(self, session: int, handle: int) -> None:
        """Ends a handle without waiting."""

        async def release() -> None:
            with suppress(GatewayDown):
                await self.detach(session, handle)

        self._spawn(release())

    async def send(self, session: int, handle: int, body: Body, jsep: Body | None = None) -> Reply:
        """Sends a message to the plugin and returns its reply. Raises GatewayDown or
        GatewayRefused."""
        whole: dict[str, object] = {
            "janus": "message",
            "session_id": session,
            "handle_id": handle,
            "body": body,
        }
        if jsep is not None:
            whole["jsep"] = jsep
        return await self._request(whole)

    async def close(self) -> None:
        loop, self._loop = self._loop, None
        if loop is not None:
            await loop.wait_closed()
        await self._tasks.end()
        self._sessions.clear()
        if self._connection is not None:
            self._connection.close()
        self._guard.close()

    # ------------------------------------------------------------------------------ the guard

    def _terms(self) -> Mapping[int, float]:
        ending = dict.fromkeys(self._ending_sessions, float("-inf"))
        return ending | {each: owner.allowed_until() for each, owner in self._sessions.items()}

    def _ending(self, session: int) -> EndingSession:
        """Marks a session as ending until the guard has ended it, or certainly must have."""
        self._ending_sessions = {
            each: ending for each, ending in self._ending_sessions.items() if ending
        }
        return self._ending_sessions.setdefault(session, EndingSession(self._bound))

    def _over(self, session: int) -> None:
        """The guard has ended a session."""
        if (ending := self._ending_sessions.pop(session, None)) is not None:
            ending.end()
        if (owner := self._sessions.pop(session, None)) is not None:
            _log.warning("janus_lease_over", gateway=self.index)
            owner.session_ended(None)

    def _guard_lost(self) -> None:
        _log.warning("janus_guard_lost", gateway=self.index)
        if self._connection is not None:
            self._connection.close()

    def _janus_restarted(self) -> None:
        for ending in self._ending_sessions.values():
            ending.end()
        self._ending_sessions.clear()

    # ------------------------------------------------------------------------------- the connection

    def _connected(self) -> JanusConnection:
        if self._connection is None:
            raise EngineDown("the gateway is away")
        return self._connection

    async def _request(self, body: Body) -> Reply:
        if self._connection is None:
            raise GatewayDown("the gateway is away")
        return await self._connection.ask(body)

    async def _connect(self) -> None:
        try:
            await self._guard.connect(self._patience)
        except GatewayDown:
            if not self._unguarded:
                self._unguarded = True
                _log.warning("janus_unguarded", gateway=self.index)
            raise
        self._unguarded = False
        connection = await JanusConnection.open(
            self._address.api,
            {"apisecret": self.secrets.api},
            on_event=self._on_event,
            lost=self._lost,
            patience=self._patience,
        )
        try:
            info = (await connection.ask({"janus": "info"})).whole
        except (GatewayDown, GatewayRefused):
            connection.close()
            raise
        if (fault := _unfit(info)) is not None:
            connection.close()
            _log.error("janus_unfit", gateway=self.index, setting=fault)
            raise GatewayDown("the gateway's settings would not end what we can't control")
        if not (connection.is_open and self._guard.is_up):
            connection.close()
            raise GatewayDown("the gateway went away")
        self._connection = connection
        _log.info("janus_connected", gateway=self.index)

    async def _pause(self) -> None:
        await asyncio.sleep(KEEPALIVE_EVERY if self._connection is not None else RETRY)

    async def _keep(self) -> None:
        """Sends a keepalive for each session, and reconnects if there is no connection."""
        if self._connection is None:
            await self.connect()
        for session in list(self._sessions):
            self._spawn(self._keepalive(session))

    async def _keepalive(self, session: int) -> None:
        with suppress(GatewayDown):
            if self._connection is None:
                return
            body = {"janus": "keepalive", "session_id": session}
            try:
                await self._connection.ask(body, acked=True)
            except GatewayRefused:
                # It was ended by the admin API.
                if (owner := self._sessions.pop(session, None)) is not None:
                    owner.session_ended(None)

    async def _destroy(self, session: int) -> None:
        with suppress(GatewayDown):
            with suppress(GatewayRefused):
                await self._request({"janus": "destroy", "session_id": session})
            self._over(session)

    def _on_event(self, session: int, handle: int, message: Body) -> None:
        owner = self._sessions.get(session)
        if owner is None:
            return
        if message.get("janus") == "timeout":
            del self._sessions[session]
            owner.session_ended(None)
        elif handle:
            owner.on_event(handle, message)

    def _lost(self) -> None:
        if self._connection is None:
            return
        self._connection = None
        owners, self._sessions = self._sessions, {}
        _log.warning("janus_lost", gateway=self.index, rooms=len(owners))
        endings = {session: self._ending(session) for session in owners}
        self.renew()
        for session, owner in owners.items():
            guarded("evicted", owner.session_ended)(endings[session])

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.spawn(work)


def _unfit(info: Body) -> str | None:
    """The name of a setting that makes this gateway unfit, if there is one."""
    if not 1 <= number(info, "session-timeout") <= SESSION_TIMEOUT:
        return "session_timeout"
    if number(info, "reclaim-session-timeout") != 0:
        return "reclaim_session_timeout"
    if info.get("ice-lite") is not True:
        return "ice_lite"
    return None if info.get("api_secret") is True else "api_secret"
