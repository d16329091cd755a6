"""The result of a command that no client has sent: one of four, never a bool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from sitwith_protocol.errors import RefusalCode
from sitwith_server.room import Refusal


@dataclass(frozen=True, slots=True)
class Applied:
    """The command has taken effect. changed: False if nothing had to change."""

    changed: bool = True


@dataclass(frozen=True, slots=True)
class Denied:
    """A rule has refused it; nothing has changed. `code` and `message` as in `Refusal`."""

    code: str
    message: str

    @classmethod
    def of(cls, refusal: Refusal) -> Denied:
        return cls(refusal.code, refusal.message)


@dataclass(frozen=True, slots=True)
class Ended:
    """There is no such room any more."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Nothing can be committed now, or the log's answer was lost: then the command may have taken
    effect. It is safe to try again."""


CommandResult: TypeAlias = Applied | Denied | Ended | Unavailable

APPLIED: Final = Applied()
UNCHANGED: Final = Applied(changed=False)
ENDED: Final = Ended()
UNAVAILABLE: Final = Unavailable()
TOO_FAST: Final = Denied("too_fast", RefusalCode.TOO_FAST.text)
GIVEN_UP: Final = Denied("given_up", "Nobody waits for this any more.")
