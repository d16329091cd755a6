"""The command `sitwith`: one parser, and one file for each command.

Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted. Results go to standard output,
everything else to standard error.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import sitwith_server
from sitwith_server.cli import config, demo, janus, media, rehearse, room, series, serve, templates
from sitwith_server.cli.output import Failed, complain
from sitwith_server.config import SettingError


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="sitwith",
        description="Live, moderated peer-support rooms.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"sitwith {sitwith_server.__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (serve, media, janus, demo, room, series, templates, rehearse, config):
        command.add(commands)
    return top


def main(arguments: Sequence[str]) -> int:
    """Runs one command line.

    Returns:
        The exit code.
    """
    asked = parser().parse_args(arguments)
    try:
        code = asked.run(asked)
    except SettingError as error:
        complain(str(error))
        return 2
    except Failed as error:
        complain(str(error))
        return error.code
    except KeyboardInterrupt:
        return 130
    assert isinstance(code, int)
    return code
