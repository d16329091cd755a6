"""`sitwith room …`: the operator's room commands, over the HTTP API."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sitwith_server.cli import api
from sitwith_server.cli.output import Commands, Failed, print_json, print_table, shown


def add(commands: Commands) -> None:
    """Adds the command to the command line."""
    group = commands.add_parser("room", help="create, list, show and end rooms")
    actions = group.add_subparsers(metavar="ACTION", required=True)

    create = _action(actions, "create", "open a room and print its links")
    create.add_argument("--title", help="what members read above the circle")
    create.add_argument(
        "--agreement", metavar="FILE", type=Path, help="text that everybody accepts first"
    )
    create.add_argument(
        "--lobby",
        action=argparse.BooleanOptionalAction,
        help="newcomers wait until a facilitator lets them in",
    )
    create.add_argument("--capacity", metavar="N", type=int, help="most people inside at once")
    agenda = create.add_mutually_exclusive_group()
    agenda.add_argument("--agenda", metavar="FILE", type=Path, help="agenda, in YAML or JSON")
    agenda.add_argument(
        "--template", metavar="NAME", help="a shipped agenda; sitwith templates lists them"
    )
    create.add_argument(
        "--concern",
        metavar="TEXT",
        action="append",
        help="a concern to tick for linked pairs; may be repeated; replaces the agenda's own",
    )
    create.add_argument("--series", metavar="ID", help="the next meeting of this series")
    create.set_defaults(run=_create)

    _action(actions, "list", "list the rooms").set_defaults(run=_list)
    for name, help, run in (
        ("show", "show a room's state and counts", _show),
        ("end", "end a room and delete everything of it", _end),
    ):
        action = _action(actions, name, help)
        action.add_argument("room", metavar="ROOM", help="the room's id")
        action.set_defaults(run=run)


def _action(actions: Commands, name: str, help: str) -> argparse.ArgumentParser:
    action = actions.add_parser(name, help=help, allow_abbrev=False)
    api.add(action)
    return action


# ------------------------------------------------------------------------------------ actions


def _create(asked: argparse.Namespace) -> int:
    spec: dict[str, Any] = {
        "title": asked.title,
        "agreement": None if asked.agreement is None else _text(asked.agreement),
        "lobby": asked.lobby,
        "capacity": asked.capacity,
        "agenda": None if asked.agenda is None else _agenda(asked.agenda),
        "concerns": asked.concern,
        "series": asked.series,
    }
    if asked.template is not None:
        spec["agenda"] = {"template": asked.template}
    room = api.call(asked, "POST", "rooms", {k: v for k, v in spec.items() if v is not None})
    if asked.json:
        print_json(room)
        return 0
    print_table(("room", str(room["room"])), [(role, link) for role, link in room["links"].items()])
    return 0


def _list(asked: argparse.Namespace) -> int:
    answer = api.call(asked, "GET", "rooms")
    if asked.json:
        print_json(answer)
        return 0
    rooms = [dict(_flat(room)) for room in answer["rooms"]]
    if rooms:
        columns = list(dict.fromkeys(key for room in rooms for key in room))
        lines = [[_cell(column, room.get(column)) for column in columns] for room in rooms]
        print_table([column.upper() for column in columns], lines)
    return 0


def _show(asked: argparse.Namespace) -> int:
    room = api.call(asked, "GET", _path(asked))
    if asked.json:
        print_json(room)
        return 0
    lines = [(key, _cell(key, value)) for key, value in _flat(room)]
    print_table(lines[0], lines[1:])
    return 0


def _end(asked: argparse.Namespace) -> int:
    api.call(asked, "DELETE", _path(asked))
    if asked.json:
        print_json({"room": asked.room, "ended": True})
    else:
        print(f"ended  {asked.room}")
    return 0


def _path(asked: argparse.Namespace) -> str:
    return f"rooms/{quote(asked.room, safe='')}"


def _cell(name: str, value: object) -> str:
    if name.endswith("_at") and isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return shown(value)


def _flat(value: Mapping[str, Any], path: str = "") -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for key, each in value.items():
        flat += _flat(each, f"{path}{key}.") if isinstance(each, dict) else [(path + key, each)]
    return flat


# -------------------------------------------------------------------------------------- files


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise Failed(f"{file} can't be read: {error.strerror}", code=2) from None
    except UnicodeDecodeError:
        raise Failed(f"{file} is not UTF-8 text", code=2) from None


def _agenda(file: Path) -> Any:
    from sitwith_server.templates.files import BadFile, read

    try:
        return read(_text(file))
    except BadFile as bad:
        raise Failed(f"{file}, {bad}", code=2) from None
