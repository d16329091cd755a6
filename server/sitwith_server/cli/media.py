"""`sitwith media`: runs one media node, on its own or as a child of `sitwith serve`."""

from __future__ import annotations

import argparse
import signal

from sitwith_server.cli import process, serve, settings
from sitwith_server.cli.config import warn_of_unknown
from sitwith_server.cli.output import Commands
from sitwith_server.cli.worker import Inheritance, Leash
from sitwith_server.config import SettingError


def add(commands: Commands) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser(
        "media", help="run a media node, which carries voice and video", allow_abbrev=False
    )
    settings.add(parser)
    # Set by a supervisor.
    parser.add_argument(serve.LEASH, type=int, help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Serves until SIGTERM, which moves the rooms away first, or SIGINT, which does not."""
    loaded = settings.load(asked)
    wanted = loaded.settings
    if wanted.redis_url is None:
        raise SettingError("redis_url", "is needed: a media node learns of rooms through it")
    if wanted.media == "off":
        raise SettingError("media", "is off")
    from sitwith_server.wiring import media_node

    if asked.leash is not None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        leash = Leash(Inheritance(asked.leash, ()))
        leash.watch()
        process.harden(wanted.inspectable)
        return media_node.run(wanted, on_started=leash.started)
    serve.check_media(wanted)
    serve.check_redis(wanted)
    warn_of_unknown(loaded)
    process.harden(wanted.inspectable)
    return media_node.run(wanted)
