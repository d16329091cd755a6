"""`sitwith demo`: one process with one room and rehearsal members."""

from __future__ import annotations

import argparse
import asyncio
import secrets
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from sitwith_server.cli import process, serve, settings
from sitwith_server.cli.output import Commands, Failed, complain
from sitwith_server.config import Settings, http_url

TITLE = "A demo circle"
AGREEMENT = """\
What is said here stays here.
We speak for ourselves, listen to the end and give no advice that nobody asked for.
Passing is always fine: your turn is an offer, not a duty.
This is a demonstration. Some who sit here are rehearsal members: programs, not people.
"""


def add(commands: Commands) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser(
        "demo",
        help="start a room with rehearsal members on this machine, to try Sitwith",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--members",
        metavar="N",
        type=int,
        choices=range(13),
        default=5,
        help="rehearsal members, 0 to 12 (default: 5)",
    )
    settings.add(parser)
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Serves a room until Ctrl-C; prints its two links, and nothing else, to standard output."""
    key = secrets.token_urlsafe(32)
    # No drain: there is no other worker.
    defaults = {"operator_key": key, "log_level": "warning", "drain_seconds": 0.0}
    loaded = settings.load(asked, defaults=defaults)
    # One process with everything in memory, even where the configuration names a Redis.
    wanted = replace(loaded.settings, redis_url=None, workers=1)
    serve.check(wanted)
    process.harden(wanted.inspectable)
    from sitwith_server.wiring import worker

    demo = Demo(wanted, asked.members)
    return worker.run(wanted, on_started=demo.start)


class Demo:
    """The demo's room and its rehearsal members."""

    def __init__(self, wanted: Settings, members: int) -> None:
        self._settings = wanted
        self._here = http_url(wanted.host, wanted.port)
        self._members = members
        self._running: set[asyncio.Task[None]] = set()

    async def start(self, _app: object) -> None:
        """Opens the room, prints its links and starts the rehearsal members.

        Raises:
            Failed: the server refused to open the room.
        """
        from sitwith_client.rehearse import host, rehearse

        links = await self._open()
        print(f"facilitator  {links['facilitator']}\nmember  {links['member']}", flush=True)
        if self._members:
            self._run(host(self._near(links["facilitator"])))
            voice = self._settings.media != "off"
            self._run(rehearse(self._near(links["member"]), self._members, voice=voice))

    async def _open(self) -> dict[str, str]:
        """Opens the room over the HTTP API, as any operator does."""
        import httpx

        spec = {"title": TITLE, "agreement": AGREEMENT, "lobby": True}
        key = {"Authorization": f"Bearer {self._settings.operator_key}"}
        async with httpx.AsyncClient(base_url=self._here, headers=key, trust_env=False) as api:
            answer = await api.post("/api/rooms", json=spec)
        if answer.status_code != httpx.codes.CREATED:
            raise Failed(f"the demo's room can't be opened ({answer.status_code})")
        links: dict[str, str] = answer.json()["links"]
        return links

    def _near(self, link: str) -> str:
        """The link with the local address: the public one may lead through a proxy."""
        return self._here + link.removeprefix(self._settings.public_url)

    def _run(self, rehearsal: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(rehearsal)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Only the exception's type: its text could hold a link.
            complain(f"a rehearsal ended early ({type(error).__name__})")
