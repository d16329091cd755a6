"""The first frame of a connection, and ``ping`` (rules OP*)."""

from __future__ import annotations

from collections.abc import Mapping

from .checks import binary, map_of, text
from .fields import ID, SEEN_MAX
from .fields import name as a_name
from .shapes import Message, message, optional, required


@message("hello")
class HelloJoin(Message):
    """The greeting of a newcomer, with an invite's token and a name.

    ``was`` is a resume value of before the room forgot: who was a facilitator inside then doesn't
    wait in the lobby.
    """

    token: str = required(text(1, 512))
    name: str = required(a_name)
    was: str | None = optional(text(1, 1024), default=None)


@message("hello")
class HelloResume(Message):
    """The greeting of a person who takes their seat again.

    ``seen`` maps each stream to the ``pos`` of the last frame that was received of it.
    """

    resume: str = required(text(1, 1024))
    seen: Mapping[str, bytes] = required(map_of(binary(0, 256), SEEN_MAX))


@message("ping")
class Ping(Message):
    """Asks for a ``pong``. Not a command: it changes nothing and needs no room."""

    id: int = required(ID)


Hello = HelloJoin | HelloResume
