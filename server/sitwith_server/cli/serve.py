"""`sitwith serve`: runs one worker, or a supervisor with several."""

from __future__ import annotations

import argparse
import asyncio
import errno
import os
import signal
import socket
import sys
from typing import Final

from sitwith_server import config
from sitwith_server.cli import process, settings
from sitwith_server.cli.config import warn_of_unknown
from sitwith_server.cli.output import Commands, Failed, complain
from sitwith_server.cli.worker import Inheritance, Leash
from sitwith_server.config import SettingError, Settings

LEASH: Final = "--leash"
_SUPERVISED: Final = "--supervised"
_NOT_PASSED_ON: Final = ("workers", "port", "media_port", "metrics")


def add(commands: Commands) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser("serve", help="run a worker, or several", allow_abbrev=False)
    settings.add(parser)
    # Set by a supervisor.
    parser.add_argument(_SUPERVISED, type=Inheritance.parse, help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Serves until SIGTERM, which drains, or SIGINT, which does not."""
    loaded = settings.load(asked)
    if asked.supervised is not None:
        return _run_supervised(loaded.settings, asked.supervised)
    check(loaded.settings)
    check_redis(loaded.settings)
    check_series(loaded.settings)
    warn_of_unknown(loaded)
    if loaded.settings.operator_key is None:
        complain("warning: operator_key is not set, so nobody can open a room over the API")
    process.harden(loaded.settings.inspectable)
    if loaded.settings.workers > 1 or media_nodes(loaded.settings):
        return _supervise(loaded.settings, asked)
    from sitwith_server.wiring import worker

    return worker.run(loaded.settings)


def _supervise(wanted: Settings, asked: argparse.Namespace) -> int:
    from sitwith_server.cli.nodes import MediaNodes
    from sitwith_server.cli.supervisor import Supervisor
    from sitwith_server.gateway.telemetry import logs

    logs.configure(wanted)
    logs.catch_uncaught()
    words = _words(asked)
    # -P: no module is imported from the current folder.
    python = [sys.executable, "-P", "-m", "sitwith_server"]

    def command(place: int, inherited: Inheritance) -> list[str]:
        more = ["--port", str(supervisor.port)]
        if wanted.metrics is not None:
            more += ["--metrics", config.next_place(wanted.metrics, place)]
        return [*python, "serve", *words, *more, _SUPERVISED, str(inherited)]

    def node(place: int, inherited: Inheritance) -> list[str]:
        port = wanted.media_port + place if wanted.media_port else 0
        leash = [LEASH, str(inherited.leash)]
        return [*python, "media", *words, "--media-port", str(port), *leash]

    drain = wanted.drain_seconds
    nodes = MediaNodes(media_nodes(wanted), node, drain_seconds=drain)
    supervisor = Supervisor(
        wanted.workers, command, wanted.host, wanted.port, drain_seconds=drain, nodes=nodes
    )
    return asyncio.run(supervisor.run())


def media_nodes(wanted: Settings) -> int:
    """Number of media processes that this server's supervisor runs."""
    if wanted.media == "off" or wanted.redis_url is None or wanted.media_nodes < 0:
        return 0
    # At least two: when one dies, the other takes its rooms at once.
    return wanted.media_nodes or max(2, (os.cpu_count() or 1) - wanted.workers)


def _words(asked: argparse.Namespace) -> list[str]:
    """Flags that are passed on to each process. It reads environment and file by itself, so that a
    rolling restart applies a changed file."""
    given = {name: getattr(asked, f"setting_{name}") for name in config.names()}
    words = [] if asked.config is None else ["--config", str(asked.config)]
    for name, value in given.items():
        if value is not None and name not in _NOT_PASSED_ON:
            words.append(f"{config.flag(name)}={value}")
    return words


def _run_supervised(wanted: Settings, inherited: Inheritance) -> int:
    """Runs one worker of a supervisor."""
    process.harden(wanted.inspectable)
    signal.signal(
        signal.SIGHUP, signal.SIG_IGN
    )  # for the supervisor alone, even if the whole group gets it
    leash = Leash(inherited)
    leash.watch()
    from sitwith_server.wiring import worker

    return worker.run(wanted, on_started=leash.started, sockets=inherited.sockets())


def check_redis(wanted: Settings) -> None:
    """Refuses a Redis that can't keep rooms. One that only can't be reached is waited for.

    Raises:
        Failed: names the instance and the problem.
    """
    if wanted.redis_url is None:
        return
    from sitwith_server.wiring.log import check_log

    problems = check_log(wanted.redis_url)
    final = [problem for problem in problems if not problem.waits]
    if final:
        raise Failed("; ".join(problem.text for problem in final))
    for problem in problems:
        complain(f"waiting: {problem.text}")


def check_series(wanted: Settings) -> None:
    """Makes or migrates the tables of series, and refuses a store that can't be used.

    Raises:
        SettingError: a setting is wrong; it names which.
    """
    if wanted.series == "off":
        return
    from sitwith_server.wiring import series

    series.check_series(wanted)
    if wanted.redis_url is not None and wanted.series_url.startswith("sqlite"):
        complain(
            "series_url is a file on this machine: with servers on other machines, use PostgreSQL"
        )


def check(wanted: Settings) -> None:
    """Checks, before anything starts, what would otherwise fail later.

    Raises:
        SettingError: a setting can't be used.
        Failed: the port can't be bound.
    """
    try:
        places = socket.getaddrinfo(
            wanted.host, wanted.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError:
        raise SettingError("host", "is neither an address nor a name of this machine") from None
    family, kind, protocol, _, address = places[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            problem = f"can't listen on {wanted.host} port {wanted.port}: {error.strerror}"
            raise Failed(f"{problem}. --port chooses another") from None
    if wanted.metrics is not None:
        check_metrics(wanted.metrics, wanted.workers)
    from sitwith_server.gateway.http import crisis_lines

    crisis_lines.load(wanted.crisis_lines)
    check_media(wanted, nodes=1 if wanted.redis_url is None else media_nodes(wanted))


def check_metrics(first: str, workers: int) -> None:
    """Checks that each worker can bind its metrics port: the first worker `first`, each further one
    the next port.

    Raises:
        SettingError: not an address of this machine, or too few ports.
        Failed: a port is taken.
    """
    for number in range(workers):
        try:
            place = config.next_place(first, number)
        except ValueError as error:
            raise SettingError("metrics", str(error)) from None
        family, address = config.socket_address(place)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL:
                    raise SettingError("metrics", "is not an address of this machine") from None
                problem = f"can't serve metrics on {place}: {error.strerror}"
                raise Failed(f"{problem}. --metrics chooses another") from None


def check_media(wanted: Settings, nodes: int = 1) -> None:
    """Checks that each media node can bind its UDP port.

    Raises:
        SettingError: not an address of this machine, or too few ports.
        Failed: a port is taken.
    """
    if wanted.media != "aiortc" or not nodes:
        return
    from sitwith_server.wiring.media import media_address

    offered = media_address(wanted)
    if wanted.media_address is None and wanted.host in ("0.0.0.0", "::"):
        complain(f"media_address is not set: members will send voice and video to {offered}")
    address = wanted.media_bind or offered
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for port in range(wanted.media_port, wanted.media_port + nodes) if wanted.media_port else (0,):
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((address, port))
            except OverflowError:
                raise SettingError(
                    "media_port", "leaves too few ports for all media nodes"
                ) from None
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL:
                    name = "media_address" if wanted.media_bind is None else "media_bind"
                    problem = "is not an address of this machine; media_bind can be another one"
                    raise SettingError(name, problem) from None
                problem = f"can't use UDP port {port} for media: {error.strerror}"
                raise Failed(f"{problem}. --media-port chooses another") from None
