"""`sitwith janus`: runs a Janus gateway under its guard."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sitwith_server.cli import settings
from sitwith_server.cli.config import warn_of_unknown
from sitwith_server.cli.output import Commands, Failed
from sitwith_server.config import SettingError

LISTEN: Final = "127.0.0.1:8189"
ADMIN: Final = "ws://127.0.0.1:7188"


def add(commands: Commands) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser(
        "janus",
        help="run a Janus gateway under its guard",
        allow_abbrev=False,
    )
    parser.add_argument(
        "folder",
        nargs="?",
        default=".",
        type=Path,
        help="folder of Janus' configuration (default: this folder)",
    )
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        default=LISTEN,
        help=f"UDP address that media nodes reach (default: {LISTEN})",
    )
    parser.add_argument(
        "--admin", metavar="URL", default=ADMIN, help=f"Janus' admin API (default: {ADMIN})"
    )
    parser.add_argument(
        "--program", metavar="FILE", default="janus", help="Janus' program (default: janus)"
    )
    # For tests alone: media nodes refuse a gateway whose guard has a weaker bound.
    parser.add_argument("--bound", type=float, default=1.0, help=argparse.SUPPRESS)
    settings.add(parser, ("janus_secret", "janus_admin_secret", "log_level"))
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Runs Janus until SIGTERM or SIGINT, and restarts it when it exits."""
    loaded = settings.load(asked)
    wanted = loaded.settings
    if not wanted.janus_secret:
        raise SettingError("janus_secret", "is needed: it authenticates media nodes")
    if not wanted.janus_admin_secret:
        raise SettingError("janus_admin_secret", "is needed: the guard ends sessions with it")
    if not (asked.folder / "janus.jcfg").is_file():
        raise Failed(f"there is no janus.jcfg in {asked.folder}", code=2)
    warn_of_unknown(loaded)
    from sitwith_server.gateway.telemetry import logs
    from sitwith_server.media.janus import guard as janus_guard

    logs.configure(wanted)
    logs.catch_uncaught()
    config = janus_guard.GuardConfig(
        asked.folder.absolute(),
        Path.cwd(),
        _place(asked.listen),
        asked.admin,
        wanted.janus_secret,
        wanted.janus_admin_secret,
        asked.program,
        asked.bound,
    )
    try:
        return asyncio.run(janus_guard.guard(config))
    except OSError as error:
        problem = f"can't start Janus or listen on {asked.listen}: {error.strerror}"
        raise Failed(problem) from None


def _place(said: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{said}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None:
        raise Failed("--listen must look like 127.0.0.1:8189", code=2)
    return host, port
