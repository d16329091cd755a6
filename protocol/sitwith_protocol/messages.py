"""Every message of the wire, and the two readers.

``parse_client`` is strict: what a client says must be exactly one of the known shapes.
``parse_server`` is open: fields and types that it doesn't know are let be, so the wire can grow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from . import care, commands, concerns, door, evening, guests, materials, media
from .care import *  # noqa: F403
from .checks import INT_MAX, INT_MIN, Invalid
from .command import Command as Command  # noqa: PLC0414
from .commands import *  # noqa: F403
from .commands import Hello, HelloJoin, HelloResume, Ping, RoomSettings
from .concerns import *  # noqa: F403
from .door import *  # noqa: F403
from .evening import *  # noqa: F403
from .fields import *  # noqa: F403
from .frames import *  # noqa: F403
from .frames import Ok, ServerFrame, Unknown, read_ok
from .guests import *  # noqa: F403
from .materials import *  # noqa: F403
from .media import *  # noqa: F403
from .shapes import BadMessage as BadMessage  # noqa: PLC0414
from .shapes import read

_DECLARING: Final = (commands, door, care, evening, guests, materials, concerns, media)

COMMANDS: Final[Mapping[str, type[Command]]] = {
    each.t: each
    for module in _DECLARING
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, Command) and each is not Command
}
"""The command classes by their types: all that these modules declare."""

SERVER_FRAMES: Final[Mapping[str, type[ServerFrame]]] = {
    each.t: each for each in get_args(ServerFrame)
}
"""The server's frame classes by their types."""


def parse_client(raw: Mapping[str, object]) -> Hello | Ping | Command:
    """The greeting, ping or command that a decoded frame holds.

    Raises ``BadMessage``, whose ``id`` is the command's where it has a usable one. A greeting
    never has one.
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
    """The server's frame that a decoded map holds, or ``Unknown``.

    Raises ``BadMessage`` for a known type without the fields that it must have.
    """
    t = raw.get("t")
    cls: Any = SERVER_FRAMES.get(t) if isinstance(t, str) else None
    try:
        if cls is Ok:
            return read_ok(raw)
        if cls is None:
            rest = {key: value for key, value in raw.items() if key != "t"}
            return Unknown(str(t), rest)
        made: ServerFrame = read(cls, raw, open_ended=True)
    except Invalid as bad:
        raise BadMessage(None, f"{t}: {_detail(bad)}") from None
    return made


def _detail(bad: Invalid) -> str:
    return "unknown field" if bad.place == "?" else f"{bad.place} {bad.problem}"


def usable_id(raw: Mapping[str, object]) -> int | None:
    """The id under which a refusal can be sent, if the map has one."""
    value = raw.get("id")
    return value if type(value) is int and INT_MIN <= value <= INT_MAX else None
