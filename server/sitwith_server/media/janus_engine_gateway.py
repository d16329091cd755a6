"""One gateway of the fleet: its link, the sessions on it, and the lease that they stand under.

A session of Janus is a room's hold on the gateway. It ends at once when its WebSocket ends, and
`LEASE` seconds after our last word on it at the latest; with it ends everything it forwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from sitwith_server.media.engine import EngineDown
from sitwith_server.media.janus_link import (
    ADMIN,
    Body,
    GatewayDown,
    GatewayRefused,
    Link,
    Reply,
    number,
)

BEAT: Final = 0.5
"""Seconds between our words on every session."""
SESSION_TIMEOUT: Final = 2
"""What a gateway's `session_timeout` may be at most, seconds."""
LEASE: Final = SESSION_TIMEOUT + 2.0 + 0.5
"""Janus looks every 2 s for sessions that are over, and takes its moment to end them."""
RETRY: Final = 1.0
"""Seconds between tries to link to a gateway that is away."""
PLUGIN: Final = "janus.plugin.videoroom"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """WebSocket URLs of one gateway's API and of its admin API (empty: not used)."""

    api: str
    admin: str = ""


@dataclass(frozen=True, slots=True)
class Secrets:
    """api, admin: of Janus' configuration; room: the videoroom plugin's `admin_key`."""

    api: str = field(repr=False)
    admin: str = field(repr=False)
    room: str = field(repr=False)


class Tenant(Protocol):
    """A room that has a session."""

    def said(self, handle: int, message: Body) -> None: ...

    def evicted(self, certain: bool) -> None:
        """The session is over; unless `certain`, the gateway may know of it within `LEASE`."""
        ...


class Gateway:
    """Links itself when first needed, and again by itself until `close`.

    index: its place in the fleet, which is what logs say of it.
    """

    def __init__(
        self, index: int, address: GatewayAddress, secrets: Secrets, patience: float
    ) -> None:
        self.index = index
        self.secrets = secrets
        self._address = address
        self._patience = patience
        self._link: Link | None = None
        self._tenants: dict[int, Tenant] = {}
        self._lock = asyncio.Lock()
        self._care: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_up(self) -> bool:
        return self._link is not None

    @property
    def rooms(self) -> int:
        return len(self._tenants)

    async def reach(self) -> bool:
        """Links if there is no link; whether there is one now."""
        if self._care is None:
            self._care = asyncio.create_task(self._keep(), name="janus-gateway")
        async with self._lock:
            if self._link is None:
                with suppress(GatewayDown, GatewayRefused):
                    await self._connect()
        return self._link is not None

    async def admit(self, tenant: Tenant) -> int:
        """A session for a room. Raises EngineDown."""
        link = self._linked()
        try:
            reply = await link.ask({"janus": "create"})
        except (GatewayDown, GatewayRefused) as error:
            raise EngineDown("the gateway gives no session") from error
        session = number(reply.whole.get("data"), "id")
        if link is not self._link:
            raise EngineDown("the gateway went away")
        self._tenants[session] = tenant
        return session

    def dismiss(self, session: int) -> None:
        """Ends a session and all it forwards. Its tenant hears no more of it."""
        if self._tenants.pop(session, None) is not None and self._link is not None:
            self._later(self._destroy(session))

    async def expel(self, session: int) -> None:
        """The same; returns once that is so, or the gateway is away."""
        if self._tenants.pop(session, None) is not None:
            await self._destroy(session)

    async def attach(self, session: int) -> int:
        """A handle of the videoroom plugin. Raises GatewayDown or GatewayRefused."""
        body = {"janus": "attach", "plugin": PLUGIN, "session_id": session}
        return number((await self._asked(body)).whole.get("data"), "id")

    async def detach(self, session: int, handle: int) -> None:
        """Ends what the handle does; it may have ended by itself. Raises GatewayDown."""
        with suppress(GatewayRefused):
            await self._asked({"janus": "detach", "session_id": session, "handle_id": handle})

    def release(self, session: int, handle: int) -> None:
        """The same, without waiting for it."""

        async def release() -> None:
            with suppress(GatewayDown):
                await self.detach(session, handle)

        self._later(release())

    async def tell(self, session: int, handle: int, body: Body, jsep: Body | None = None) -> Reply:
        """A message to the plugin. Raises GatewayDown or GatewayRefused."""
        whole: dict[str, object] = {
            "janus": "message",
            "session_id": session,
            "handle_id": handle,
            "body": body,
        }
        if jsep is not None:
            whole["jsep"] = jsep
        return await self._asked(whole)

    async def close(self) -> None:
        tasks = [task for task in (self._care, *self._tasks) if task is not None]
        self._care = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tenants.clear()
        if self._link is not None:
            self._link.close()

    # ------------------------------------------------------------------------------- the link

    def _linked(self) -> Link:
        if self._link is None:
            raise EngineDown("the gateway is away")
        return self._link

    async def _asked(self, body: Body) -> Reply:
        if self._link is None:
            raise GatewayDown("the gateway is away")
        return await self._link.ask(body)

    async def _connect(self) -> None:
        link = await Link.open(
            self._address.api,
            {"apisecret": self.secrets.api},
            said=self._said,
            lost=self._lost,
            patience=self._patience,
        )
        try:
            info = (await link.ask({"janus": "info"})).whole
        except (GatewayDown, GatewayRefused):
            link.close()
            raise
        if (fault := _unfit(info)) is not None:
            link.close()
            _log.error("janus_unfit", gateway=self.index, setting=fault)
            raise GatewayDown("the gateway's settings would not end what we can't control")
        if not link.is_open:
            raise GatewayDown("the gateway went away")
        self._link = link
        _log.info("janus_linked", gateway=self.index)

    async def _keep(self) -> None:
        """Says a word on every session, and links again while there is no link."""
        while True:
            await asyncio.sleep(BEAT if self._link is not None else RETRY)
            if self._link is None:
                await self.reach()
            for session in list(self._tenants):
                self._later(self._beat(session))

    async def _beat(self, session: int) -> None:
        with suppress(GatewayDown):
            if self._link is None:
                return
            body = {"janus": "keepalive", "session_id": session}
            try:
                await self._link.ask(body, acked=True)
            except GatewayRefused:
                # Somebody has ended it by the admin API.
                if (tenant := self._tenants.pop(session, None)) is not None:
                    tenant.evicted(True)

    async def _destroy(self, session: int) -> None:
        with suppress(GatewayDown, GatewayRefused):
            await self._asked({"janus": "destroy", "session_id": session})

    def _said(self, session: int, handle: int, message: Body) -> None:
        tenant = self._tenants.get(session)
        if tenant is None:
            return
        if message.get("janus") == "timeout":
            del self._tenants[session]
            tenant.evicted(True)
        elif handle:
            tenant.said(handle, message)

    def _lost(self) -> None:
        if self._link is None:
            return
        self._link = None
        tenants, self._tenants = self._tenants, {}
        _log.warning("janus_lost", gateway=self.index, rooms=len(tenants))
        if tenants and self._address.admin and self._care is not None:
            self._later(self._fence(list(tenants)))
        for tenant in tenants.values():
            tenant.evicted(False)

    async def _fence(self, sessions: list[int]) -> None:
        """Ends sessions by another way than the link that is gone, should one be open."""
        with suppress(GatewayDown, GatewayRefused):
            secret = {"admin_secret": self.secrets.admin}
            link = await Link.open(self._address.admin, secret, kind=ADMIN, patience=self._patience)
            try:
                for session in sessions:
                    with suppress(GatewayRefused):
                        await link.ask({"janus": "destroy_session", "session_id": session})
            finally:
                link.close()

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _unfit(info: Body) -> str | None:
    """The name of a setting under which Sitwith does not use a gateway, if there is one."""
    if not 1 <= number(info, "session-timeout") <= SESSION_TIMEOUT:
        return "session_timeout"
    if number(info, "reclaim-session-timeout") != 0:
        return "reclaim_session_timeout"
    if info.get("ice-lite") is not True:
        return "ice_lite"
    return None if info.get("api_secret") is True else "api_secret"
