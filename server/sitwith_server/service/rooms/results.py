"""What becomes of something that is asked of a room: one of four, never a bool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from sitwith_protocol.errors import RefusalCode
from sitwith_server.room import Refusal


@dataclass(frozen=True, slots=True)
class Applied:
    """It holds. `changed`: whether anything was appended, or all was so already."""

    changed: bool = True


@dataclass(frozen=True, slots=True)
class Denied:
    """The rules say no; nothing has changed. `code` and `message` as in `Refusal`."""

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
    """Nothing can be committed just now, or its answer was lost: then it may have happened, and is
    safe to ask again."""


CommandResult: TypeAlias = Applied | Denied | Ended | Unavailable

APPLIED: Final = Applied()
UNCHANGED: Final = Applied(changed=False)
ENDED: Final = Ended()
UNAVAILABLE: Final = Unavailable()
TOO_FAST: Final = Denied("too_fast", RefusalCode.TOO_FAST.text)
GIVEN_UP: Final = Denied("given_up", "Nobody waits for this any more.")
