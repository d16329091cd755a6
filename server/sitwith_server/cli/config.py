"""`sitwith config`: every setting, its value, where it came from and its default."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from sitwith_server import config
from sitwith_server.cli import settings
from sitwith_server.cli.output import Commands, complain, print_json, print_table, shown


def add(commands: Commands) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser(
        "config", help="print every setting, its value, source and default", allow_abbrev=False
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    settings.add(parser)
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Prints the settings; secrets are masked."""
    loaded = settings.load(asked)
    check(loaded)
    rows = config.rows(loaded)
    if asked.json:
        print_json(
            {row.name: {k: v for k, v in asdict(row).items() if k != "name"} for row in rows}
        )
    else:
        print_table(
            ("SETTING", "VALUE", "SOURCE", "DEFAULT", "MEANING"),
            [
                (row.name, shown(row.value), row.source, shown(row.default), row.help)
                for row in rows
            ],
        )
    warn_of_unknown(loaded)
    return 0


def check(loaded: config.Loaded) -> None:
    """Checks settings that other packages parse, without any connection.

    Raises:
        SettingError: a value can't be used.
    """
    from sitwith_server.gateway.http import crisis_lines
    from sitwith_server.log.redis.connection.target import targets_of

    if (urls := loaded.settings.redis_url) is not None:
        try:
            targets_of(urls)
        except ValueError as fault:
            source = loaded.sources["redis_url"]
            raise config.SettingError("redis_url", str(fault), source=source) from None
    crisis_lines.load(loaded.settings.crisis_lines)


def warn_of_unknown(loaded: config.Loaded) -> None:
    """Warns of unknown variables: a misspelt one would silently leave a setting at its default."""
    for name in loaded.unknown:
        complain(f"warning: the environment sets {name}, which is not a known setting")
