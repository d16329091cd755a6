"""`sitwith series …`: rooms that meet again, over the HTTP API."""

from __future__ import annotations

import argparse
import sys
from typing import Any
from urllib.parse import quote

from sitwith_server.cli import api
from sitwith_server.cli.output import Commands, print_json, print_table, shown


def add(commands: Commands) -> None:
    """Adds the command to the command line."""
    group = commands.add_parser("series", help="rooms that meet again: create, show, invite, erase")
    actions = group.add_subparsers(metavar="ACTION", required=True)

    create = _action(actions, "create", "create a series and print its id", _create)
    create.add_argument("--title", help="what calendars show")
    create.add_argument(
        "--starts-at",
        metavar="TIME",
        help="first meeting, in local time: 2026-11-24T19:00",
    )
    create.add_argument(
        "--timezone", metavar="ZONE", help="time zone of that time: Europe/Berlin (default: UTC)"
    )
    create.add_argument("--seconds", metavar="N", type=int, help="length of a meeting")
    create.add_argument("--every", metavar="RULE", help="days between meetings, or an RRULE")
    create.add_argument("--count", metavar="N", type=int, help="how many meetings")

    _action(actions, "list", "list the series", _list)
    _one(actions, "show", "show a series' plan, counts and bans", _show)
    invite = _one(actions, "invite", "print an invitation for calendars (iCalendar)", _invite)
    invite.add_argument("--link", help="link to the room; it becomes part of the file")
    invite.add_argument("--words", help="description that calendars show")
    erase = _one(actions, "erase", "erase everything of one person", _erase)
    erase.add_argument(
        "--person",
        metavar="CODE",
        default="-",
        help="the person's code; -: read it from standard input (default)",
    )
    lift = _one(actions, "lift", "lift a ban, from the next meeting on", _lift)
    lift.add_argument("ban", metavar="BAN", help="the ban's id; show lists it")
    _one(actions, "end", "erase the whole series", _end)


def _action(actions: Commands, name: str, help: str, run: Any) -> argparse.ArgumentParser:
    action = actions.add_parser(name, help=help, allow_abbrev=False)
    api.add(action)
    action.set_defaults(run=run)
    return action


def _one(actions: Commands, name: str, help: str, run: Any) -> argparse.ArgumentParser:
    action = _action(actions, name, help, run)
    action.add_argument("series", metavar="ID", help="the series' id")
    return action


def _create(asked: argparse.Namespace) -> int:
    every = asked.every
    spec = {
        "title": asked.title,
        "starts_at": asked.starts_at,
        "timezone": asked.timezone,
        "seconds": asked.seconds,
        "every": int(every) if every is not None and every.isdecimal() else every,
        "count": asked.count,
    }
    made = {name: value for name, value in spec.items() if value is not None}
    return _print(asked, api.call(asked, "POST", "series", made))


def _list(asked: argparse.Namespace) -> int:
    answer = api.call(asked, "GET", "series")
    if asked.json:
        print_json(answer)
        return 0
    columns = ("series", "title", "starts_at", "every", "meetings", "people")
    lines = [[shown(each[column]) for column in columns] for each in answer["series"]]
    if lines:
        print_table([column.upper() for column in columns], lines)
    return 0


def _show(asked: argparse.Namespace) -> int:
    return _print(asked, api.call(asked, "GET", _path(asked)))


def _invite(asked: argparse.Namespace) -> int:
    given = {"link": asked.link, "words": asked.words}
    body = {name: value for name, value in given.items() if value is not None}
    made = api.call(asked, "POST", f"{_path(asked)}/invite.ics", body)
    if asked.json:
        print_json({"series": asked.series, "ics": made})
    else:
        sys.stdout.write(made)
    return 0


def _erase(asked: argparse.Namespace) -> int:
    person = sys.stdin.readline() if asked.person == "-" else asked.person
    answer = api.call(asked, "POST", f"{_path(asked)}/erase", {"person": person.strip()})
    if asked.json:
        print_json(answer)
    else:
        print("erased" if answer["erased"] else "nothing was stored about this person")
    return 0


def _lift(asked: argparse.Namespace) -> int:
    api.call(asked, "DELETE", f"{_path(asked)}/bans/{quote(asked.ban, safe='')}")
    return _print(asked, {"series": asked.series, "lifted": asked.ban})


def _end(asked: argparse.Namespace) -> int:
    api.call(asked, "DELETE", _path(asked))
    return _print(asked, {"series": asked.series, "ended": True})


def _path(asked: argparse.Namespace) -> str:
    return f"series/{quote(asked.series, safe='')}"


def _print(asked: argparse.Namespace, answer: dict[str, Any]) -> int:
    if asked.json:
        print_json(answer)
        return 0
    bans = answer.pop("bans", [])
    lines = [(name, shown(value)) for name, value in answer.items()]
    lines += [
        ("ban", f"{each['ban']} {'known' if each['known'] else 'unknown person'}") for each in bans
    ]
    print_table(lines[0], lines[1:])
    return 0
