"""`sitwith rehearse`: simulated members join a room by a link, with the real client library."""

from __future__ import annotations

import argparse
import asyncio
import signal

from sitwith_server.cli.output import Commands, Failed

MOST = 1_000


def add(commands: Commands) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser(
        "rehearse", help="make simulated members join a room", allow_abbrev=False
    )
    parser.add_argument("link", metavar="LINK", help="a room's link, with its token")
    parser.add_argument(
        "--members", metavar="N", type=_count, default=4, help="how many members (default: 4)"
    )
    parser.add_argument(
        "--voice",
        action="store_true",
        help="members speak, too: with espeak-ng's voices, or soft notes",
    )
    parser.set_defaults(run=run)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST):
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {MOST}")
    return int(text)


def run(asked: argparse.Namespace) -> int:
    """Rehearses until interrupted or until the room ends."""
    from sitwith_client.errors import BadLink, SitwithError
    from sitwith_client.links import parse_link

    try:
        parse_link(asked.link)
        asyncio.run(_rehearse(asked.link, asked.members, asked.voice))
    except BadLink as error:
        problem = f"{error}; it looks like https://example.org/r/ROOM#t=TOKEN (quote it)"
        raise Failed(problem, code=2) from None
    except SitwithError as error:
        raise Failed(f"no member could join by this link: {error}") from None
    return 0


async def _rehearse(link: str, members: int, voice: bool) -> None:
    from sitwith_client.rehearse import rehearse

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await rehearse(link, members, stop=stop, voice=voice)
