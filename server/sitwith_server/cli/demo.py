"""`sitwith demo`: one process, one room, and rehearsal members who keep it alive."""

from __future__ import annotations

import argparse
import asyncio
import secrets
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from sitwith_server.cli import serve, settings
from sitwith_server.cli.output import Commands, complain
from sitwith_server.config import LOG_LEVELS

if TYPE_CHECKING:
    from sitwith_server.wiring import App

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
        "demo", help="a living room on this machine, to look around in", allow_abbrev=False
    )
    parser.add_argument("--members", metavar="N", type=int, choices=range(13), default=4,
                        help="rehearsal members, 0 to 12 (4 unless given)")  # fmt: skip
    settings.add(parser)
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Serves a room until Ctrl-C; the standard output gets its two links and nothing else."""
    defaults = {"operator_key": secrets.token_urlsafe(32), "log_level": LOG_LEVELS[2]}
    wanted = settings.load(asked, defaults=defaults).settings
    serve.check(wanted)
    from sitwith_server import wiring

    demo = Demo(asked.members)
    return wiring.run(wanted, on_started=demo.start)


class Demo:
    """The room of the demo and those who rehearse in it."""

    def __init__(self, members: int) -> None:
        self._members = members
        self._running: set[asyncio.Task[None]] = set()

    async def start(self, app: App) -> None:
        """Opens the room, prints its links and lets the rehearsal begin."""
        from sitwith_client.rehearse import host, rehearse

        room = await app.operator.create_room(title=TITLE, agreement=AGREEMENT, lobby=True)
        links = room["links"]
        print(f"facilitator  {links['facilitator']}\nmember  {links['member']}", flush=True)
        if self._members:
            self._run(host(links["facilitator"], stop=None))
            self._run(rehearse(links["member"], self._members, stop=None))

    def _run(self, rehearsal: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(rehearsal)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Only its kind: the text of an exception could hold a link.
            complain(f"a rehearsal ended early ({type(error).__name__})")
