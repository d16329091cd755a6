"""`sitwith serve`: one worker."""

from __future__ import annotations

import argparse
import socket

from sitwith_server.cli import settings
from sitwith_server.cli.config import warn_of_unknown
from sitwith_server.cli.output import Commands, Failed, complain
from sitwith_server.config import SettingError, Settings


def add(commands: Commands) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser("serve", help="run a worker", allow_abbrev=False)
    settings.add(parser)
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Serves until SIGTERM, which drains, or SIGINT, which does not."""
    loaded = settings.load(asked)
    check(loaded.settings)
    warn_of_unknown(loaded)
    if loaded.settings.operator_key is None:
        complain("warning: operator_key is not set, so nobody can open a room over the API")
    from sitwith_server import wiring

    return wiring.run(loaded.settings)


def check(wanted: Settings) -> None:
    """Refuses before anything starts what would only fail after it.

    Raises:
        SettingError: a setting that this version can't serve with.
        Failed: the port is not to be had.
    """
    if wanted.redis_url is not None:
        raise SettingError("redis_url", "this version serves from one process: leave it unset")
    try:
        places = socket.getaddrinfo(
            wanted.host, wanted.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError:
        raise SettingError("host", "is no address and no name of this machine") from None
    family, kind, protocol, _, address = places[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            problem = f"can't listen on {wanted.host} port {wanted.port}: {error.strerror}"
            raise Failed(f"{problem}. --port chooses another") from None
