"""The guard of a Janus gateway: runs Janus as its child, and ends what no media node vouches for.

Janus goes on forwarding when the node that controls it is gone. So the guard keeps a ledger of
leases (`lease.py`). As soon as the term of a session is over, it ends the session by Janus' admin
API. It kills Janus if the end is not confirmed at once, or if Janus does not answer (SIGKILL ends
a stopped process too). Janus dies with its guard. A guard that was itself stopped for longer than
its bound allows kills Janus before it does anything else. Then it starts Janus again.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import secrets
import signal
import socket
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog

from sitwith_server.media.janus.connection import (
    ADMIN,
    GatewayDown,
    GatewayRefused,
    JanusConnection,
)
from sitwith_server.media.janus.lease import BOUND, LIFE, ROUND, GuardCodec, Ledger, Round
from sitwith_server.media.loops import FaultLog, Tasks, guarded

LOOK: Final = 0.05
"""Seconds between two checks of the ledger and of Janus."""
PING: Final = 0.1
UNANSWERED: Final = 0.6
"""Seconds of the bound for which Janus may leave pings unanswered."""
STARTS_WITHIN: Final = 20.0
LEAVES_WITHIN: Final = 2.0
PAUSE: Final = 0.5
"""Seconds before Janus is started again."""
NO_SESSION: Final = 458
"""Janus' error for an unknown session."""
FORBIDDEN: Final = 403
_PDEATHSIG: Final = 1
_NICE: Final = -10
"""Priority of the guard, if it may set it, because the guard needs little CPU but at once. Janus
keeps the original one."""

_log = structlog.get_logger(__name__)


def clock() -> float:
    """Seconds that also pass while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, slots=True)
class GuardConfig:
    """The configuration of a guard.

    folder: Janus' configuration. home: Janus' working directory.
    listen: address and UDP port for media nodes. admin: URL of Janus' admin API.
    secret, admin_secret: of Janus' API and its admin API. janus: the program.
    bound: seconds from a fault until silence.
    """

    folder: Path
    home: Path
    listen: tuple[str, int]
    admin: str
    secret: str = field(repr=False)
    admin_secret: str = field(repr=False)
    janus: str = "janus"
    bound: float = BOUND


class Guard:
    """Runs one guard. To be made in a running event loop and run once."""

    def __init__(self, config: GuardConfig) -> None:
        self._config = config
        self._codec = GuardCodec(config.secret)
        self._ledger = Ledger(secrets.token_bytes(LIFE), config.bound)
        self._janus: asyncio.subprocess.Process | None = None
        self._connection: JanusConnection | None = None
        self._answered = self._started = clock()
        self._ending: set[int] = set()
        self._nodes: dict[bytes, Any] = {}
        self._udp: asyncio.DatagramTransport | None = None
        self._stop = asyncio.Event()
        self._unusable = self._leaving = False
        self._nice = os.getpriority(os.PRIO_PROCESS, 0)
        self._tasks = Tasks("janus_guard_fault", known=(GatewayDown,))

    async def run(self) -> int:
        """Runs until `stop` and returns the exit code. It is 1 if Janus refuses the admin secret,
        or if the guard can't work any more. Then Janus has ended, and the supervisor starts both
        again.

        Raises:
            OSError: the address can't be listened on, or Janus can't be started.
        """
        loop = asyncio.get_running_loop()
        host, port = self._config.listen
        self._udp, _ = await loop.create_datagram_endpoint(
            lambda: _Receiver(guarded("renewal", self._on_datagram), self._on_socket_closed),
            local_addr=(host, port),
        )
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, min(_NICE, self._nice))
        looking = asyncio.create_task(self._check_ledger())
        looking.add_done_callback(self._on_ledger_loop_ended)
        try:
            while not self._stop.is_set():
                await self._run_janus()
                with suppress(TimeoutError):
                    async with asyncio.timeout(PAUSE):
                        await self._stop.wait()
        finally:
            self._leaving = True
            looking.cancel()
            self._kill()
            self._udp.close()
        return int(self._unusable)

    def stop(self) -> None:
        """Ends Janus, and `run`."""
        self._stop.set()

    def _give_up(self) -> None:
        """Kills Janus at once and stops: this guard can't end sessions any more."""
        self._unusable = True
        self._kill()
        self.stop()

    def _on_ledger_loop_ended(self, looking: asyncio.Task[None]) -> None:
        if not self._leaving:
            fault = None if looking.cancelled() else looking.exception()
            _log.error("janus_guard_ledger_failed", exc_info=fault)
            self._give_up()

    def _on_socket_closed(self) -> None:
        if not self._leaving:
            _log.error("janus_guard_socket_failed")
            self._give_up()

    # --------------------------------------------------------------------------------- Janus

    async def _run_janus(self) -> None:
        """Runs Janus once, from its start to its end."""
        self._ledger.restart(secrets.token_bytes(LIFE))
        self._ending.clear()
        self._started = clock()
        self._janus = await asyncio.create_subprocess_exec(
            self._config.janus,
            "-F",
            str(self._config.folder),
            cwd=self._config.home,
            stdin=asyncio.subprocess.DEVNULL,
            preexec_fn=_die_with(os.getpid(), self._nice),
        )
        _log.info("janus_started", pid=self._janus.pid)
        asking = asyncio.create_task(self._ping())
        ended = asyncio.create_task(self._janus.wait())
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait((ended, stopped), return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                with suppress(ProcessLookupError):
                    self._janus.terminate()
                await asyncio.wait((ended,), timeout=LEAVES_WITHIN)
        finally:
            asking.cancel()
            stopped.cancel()
            self._kill()
            code = await ended
            self._janus = None
            self._unlink()
            _log.warning("janus_ended", code=code, seconds=round(clock() - self._started, 1))

    def _kill(self) -> None:
        """Kills Janus at once, also if it is a stopped process."""
        if self._janus is not None and self._janus.returncode is None:
            with suppress(ProcessLookupError):
                self._janus.kill()

    def _unlink(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def _ping(self) -> None:
        """Pings Janus again and again, and notes when it answered."""
        secret = {"admin_secret": self._config.admin_secret}
        faults = FaultLog("janus_guard_fault")
        while not self._unusable:
            try:
                if self._connection is None:
                    connection = await JanusConnection.open(
                        self._config.admin, secret, kind=ADMIN, patience=STARTS_WITHIN
                    )
                    try:
                        await connection.ask({"janus": "list_sessions"})
                    except (GatewayDown, GatewayRefused):
                        connection.close()
                        raise
                    self._connection = connection
                    _log.info("janus_ready")
                else:
                    await self._connection.ask({"janus": "ping"})
                self._answered = clock()
            except GatewayDown:
                self._unlink()
            except GatewayRefused as refused:
                if refused.code == FORBIDDEN:
                    _log.error("janus_unfit", setting="admin_secret")
                    self._unusable = True
                    self.stop()
            except Exception as fault:
                # Counts as no answer: if it goes on, Janus is killed.
                faults.log(fault)
                self._unlink()
            await asyncio.sleep(PING)

    # ------------------------------------------------------------------------------- leases

    @property
    def _ready(self) -> bool:
        return self._connection is not None and self._connection.is_open and not self._stop.is_set()

    async def _check_ledger(self) -> None:
        last = 0.0
        say = _watchdog()
        while True:
            self._check()
            say()
            if clock() - last >= ROUND:
                last = clock()
                for node in self._ledger.nodes(last):
                    self._begin(node)
                self._nodes = {n: at for n, at in self._nodes.items() if self._ledger.count(n)}
            await asyncio.sleep(LOOK)

    def _check(self) -> None:
        """Ends the sessions whose term is over. Kills Janus if it is too late for that."""
        now = clock()
        due = self._ledger.due(now)
        began = self._answered if self._answered > self._started else None
        silent = now - (began or self._started)
        limit = STARTS_WITHIN if began is None else self._config.bound - 1.0 + UNANSWERED
        if self._ledger.late(now) or silent > limit:
            if self._janus is not None and self._janus.returncode is None:
                _log.error("janus_killed", late=len(due), silent=round(silent, 2))
            self._kill()
            return
        fresh = [session for session in due if session not in self._ending]
        if fresh and self._ready:
            self._ending.update(fresh)
            for session in fresh:
                self._spawn(self._end(session))

    async def _end(self, session: int) -> None:
        connection, life = self._connection, self._ledger.life
        try:
            if connection is not None:
                await connection.ask({"janus": "destroy_session", "session_id": session})
        except GatewayDown:
            return
        except GatewayRefused as refused:
            if refused.code != NO_SESSION:
                return
        finally:
            self._ending.discard(session)
        if life == self._ledger.life:
            self._ledger.ended([session])

    # ----------------------------------------------------------------------------- messages

    def _on_datagram(self, data: bytes, address: Any) -> None:
        # End what is over first: this datagram may have waited while this process was stopped.
        self._check()
        message = self._codec.read_renewal(data)
        if message is not None and self._ledger.take(message, clock()):
            self._nodes[message.node] = address
            self._check()
            if message.asks:
                self._begin(message.node)

    def _begin(self, node: bytes) -> None:
        """Begins a round for one node."""
        ledger, address = self._ledger, self._nodes.get(node)
        if self._udp is None or address is None:
            return
        message = Round(
            node,
            ledger.life,
            int(clock() * 1e6),
            ledger.count(node),
            self._ready,
            round(self._config.bound * 1e3),
            tuple(ledger.over(node)),
        )
        self._udp.sendto(self._codec.round(message), address)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.spawn(work)


class _Receiver(asyncio.DatagramProtocol):
    """lost: called when the socket has closed."""

    def __init__(self, heard: Callable[[bytes, Any], None], lost: Callable[[], None]) -> None:
        self._heard, self._lost = heard, lost

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._heard(data, addr)


def _die_with(parent: int, nice: int) -> Callable[[], None]:
    """The function that a child runs before it becomes Janus: it makes the child die with this
    process (prctl(2))."""
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.setpriority(os.PRIO_PROCESS, 0, nice)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def _watchdog() -> Callable[[], None]:
    """The function that tells systemd, if it runs us, that we are alive (sd_notify(3))."""
    place = os.environ.pop("NOTIFY_SOCKET", "")
    if not place:
        return lambda: None
    line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    line.setblocking(False)
    name = "\0" + place[1:] if place.startswith("@") else place

    def say() -> None:
        with suppress(OSError):
            line.sendto(b"READY=1\nWATCHDOG=1", name)

    return say


async def guard(config: GuardConfig) -> int:
    """Runs a guard until SIGTERM or SIGINT; the exit code. Raises OSError as `Guard.run` does."""
    one = Guard(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, one.stop)
    return await one.run()
