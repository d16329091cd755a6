"""All messages of the wire, and the two parsers.

``parse_client`` is strict: a client's frame must fit a declared shape exactly. ``parse_server``
ignores unknown fields and types, so that the wire can grow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from .checks import INT_MAX, INT_MIN, Invalid
from .commands import (
    care,
    chat,
    concerns,
    door,
    evening,
    floor,
    guests,
    materials,
    media,
    members,
    pairs,
    room,
)
from .commands.base import Command as Command  # noqa: PLC0414
from .commands.care import *  # noqa: F403
from .commands.chat import *  # noqa: F403
from .commands.concerns import *  # noqa: F403
from .commands.door import *  # noqa: F403
from .commands.evening import *  # noqa: F403
from .commands.floor import *  # noqa: F403
from .commands.guests import *  # noqa: F403
from .commands.materials import *  # noqa: F403
from .commands.media import *  # noqa: F403
from .commands.members import *  # noqa: F403
from .commands.pairs import *  # noqa: F403
from .commands.room import *  # noqa: F403
from .commands.room import RoomSettings
from .fields import *  # noqa: F403
from .frames import *  # noqa: F403
from .frames import Ok, ServerFrame, Unknown, read_ok
from .hello import *  # noqa: F403
from .hello import Hello, HelloJoin, HelloResume, Ping
from .shapes import BadMessage as BadMessage  # noqa: PLC0414
from .shapes import read

_COMMAND_MODULES: Final = (
    door, chat, floor, members, pairs, room, care, evening, guests, materials, concerns, media,
)  # fmt: skip

COMMANDS: Final[Mapping[str, type[Command]]] = {
    each.t: each
    for module in _COMMAND_MODULES
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, Command) and each is not Command
}
"""The command classes by type."""

SERVER_FRAMES: Final[Mapping[str, type[ServerFrame]]] = {
    each.t: each for each in get_args(ServerFrame)
}
"""The server's frame classes by type."""


def parse_client(raw: Mapping[str, object]) -> Hello | Ping | Command:
    """Reads a decoded frame as a greeting, a ping or a command.

    Raises ``BadMessage``, with the command's ``id`` if that is usable.
    """
    t = raw.get("t")
    if t == "hello":
        greeting: Any = HelloResume if "resume" in raw else HelloJoin
        try:
            made: Hello = read(greeting, raw)
        except Invalid as bad:
            raise BadMessage(None, _detail(bad)) from None
        return made
    usable = usable_id(raw)
    if usable is None:
        raise BadMessage(None, "id must be a whole number")
    cls: Any = Ping if t == Ping.t else COMMANDS.get(t) if isinstance(t, str) else None
    if cls is None:
        raise BadMessage(usable, "unknown type")
    try:
        command: Ping | Command = read(cls, raw)
    except Invalid as bad:
        raise BadMessage(usable, _detail(bad)) from None
    if isinstance(command, RoomSettings) and not command.changes:
        raise BadMessage(usable, "names no setting")
    return command


def parse_server(raw: Mapping[str, object]) -> ServerFrame | Unknown:
    """Reads a decoded frame of the server; ``Unknown`` for an unknown type.

    Raises ``BadMessage`` for a known type whose fields don't fit.
    """
    t = raw.get("t")
    cls: Any = SERVER_FRAMES.get(t) if isinstance(t, str) else None
    try:
        if cls is Ok:
            return read_ok(raw)
        if cls is None:
            rest = {key: value for key, value in raw.items() if key != "t"}
            return Unknown(str(t), rest)
        made: ServerFrame = read(cls, raw, ignore_unknown=True)
    except Invalid as bad:
        raise BadMessage(None, f"{t}: {_detail(bad)}") from None
    return made


def _detail(bad: Invalid) -> str:
    return "unknown field" if bad.place == "?" else f"{bad.place} {bad.problem}"


def usable_id(raw: Mapping[str, object]) -> int | None:
    """The command id of a decoded map, or ``None`` if it has none that a refusal can carry."""
    value = raw.get("id")
    return value if type(value) is int and INT_MIN <= value <= INT_MAX else None
