"""`sitwith templates`: lists and prints the shipped agendas."""

from __future__ import annotations

import argparse

from sitwith_server.cli.output import Commands, Failed, print_json, print_table


def add(commands: Commands) -> None:
    """Adds the command to the command line."""
    command = commands.add_parser(
        "templates", help="list the shipped agendas, or print one", allow_abbrev=False
    )
    command.add_argument("name", metavar="NAME", nargs="?", help="print this agenda, to edit it")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=_run)


def _run(asked: argparse.Namespace) -> int:
    from sitwith_server import templates

    if asked.name is None:
        found = templates.listing()
        if asked.json:
            print_json({"templates": found})
            return 0
        rows = [[t["name"], f"{t['seconds'] / 60:g}", t["title"]] for t in found]
        print_table(["NAME", "MINUTES", "TITLE"], rows)
        return 0
    try:
        agenda, source = templates.load(asked.name), templates.source(asked.name)
    except KeyError:
        known = ", ".join(templates.names())
        raise Failed(f"no such template; the shipped ones are {known}", code=2) from None
    if asked.json:
        print_json(agenda)
    else:
        print(source, end="")
    return 0
