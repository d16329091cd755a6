"""All that a client may say: two greetings and the commands, one class each.

The shapes of CONTRACT and SPEC (rules OP*, AN2, LI*) live in these declarations alone. Whether a
command fits the room's state is the room's business; here is only what it looks like.
"""

from __future__ import annotations

from collections.abc import Mapping

from .checks import (
    binary,
    boolean,
    either,
    integer,
    many,
    mapping,
    matching,
    nullable,
    number,
    one_of,
    text,
)
from .command import Command
from .fields import (
    BODY,
    CONVERSATION,
    DURATION_MAX,
    ID,
    KINDS,
    REF,
    SECONDS,
    SEEN_MAX,
    groups_of_members,
)
from .fields import name as a_name
from .person import PERSON_BYTES
from .shapes import Message, may, message, need


@message("hello")
class HelloJoin(Message):
    """The first greeting, with an invite's token and the name to go by.

    ``was`` is a resume value that leads nowhere any more: whoever was a facilitator inside before
    the room forgot is not made to wait.
    """

    token: str = need(text(1, 512))
    name: str = need(a_name)
    was: str | None = may(text(1, 1024), default=None)


@message("hello")
class HelloResume(Message):
    """The greeting of somebody who takes their seat again.

    ``seen`` maps a stream to the ``pos`` of the last frame received of it.
    """

    resume: str = need(text(1, 1024))
    seen: Mapping[str, bytes] = need(mapping(binary(0, 256), SEEN_MAX))


@message("ping")
class Ping(Message):
    """Asks whether anybody is there. No command: it changes nothing and needs no room."""

    id: int = need(ID)


@message("agreement.accept")
class AgreementAccept(Command):
    """``person``: by what one likes to be known again in the room's series, see ``person``."""

    version: int | str = need(either(integer(), text(1, 128)))
    person: bytes | None = may(binary(PERSON_BYTES, PERSON_BYTES), default=None)

    def __repr__(self) -> str:
        return f"AgreementAccept(id={self.id}, version={self.version!r})"


@message("chat.say")
class ChatSay(Command):
    to: str = need(CONVERSATION)
    body: str | bytes = need(BODY)


@message("chat.delete")
class ChatDelete(Command):
    to: str = need(CONVERSATION)
    n: int = need(integer(1, 2**63 - 1))


@message("react")
class React(Command):
    kind: str = need(matching(text(1, 24), r"\w+", "must be letters, digits and _"))
    to: str | None = may(one_of("circle", "pair"), default=None)


@message("hand.raise")
class HandRaise(Command):
    pass


@message("hand.lower")
class HandLower(Command):
    member: str | None = may(REF, default=None)


@message("floor.open")
class FloorOpen(Command):
    pass


@message("floor.quiet")
class FloorQuiet(Command):
    pass


@message("floor.round")
class FloorRound(Command):
    order: tuple[str, ...] | None = may(many(REF, 1, 1000, distinct=True), default=None)
    seconds: float | None = may(SECONDS, default=None)
    starter: str | None = may(REF, default=None)


@message("floor.stick")
class FloorStick(Command):
    to: str | None = may(REF, default=None)
    seconds: float | None = may(SECONDS, default=None)


@message("floor.pass")
class FloorPass(Command):
    to: str | None = may(REF, default=None)


@message("floor.later")
class FloorLater(Command):
    last: bool = may(boolean, default=False)


@message("floor.extend")
class FloorExtend(Command):
    seconds: float = need(SECONDS)


@message("floor.pause")
class FloorPause(Command):
    pass


@message("floor.resume")
class FloorResume(Command):
    pass


@message("mute")
class Mute(Command):
    member: str = need(REF)
    kinds: tuple[str, ...] = need(KINDS)


@message("unmute")
class Unmute(Command):
    member: str = need(REF)
    kinds: tuple[str, ...] = need(KINDS)


@message("mute.all")
class MuteAll(Command):
    kinds: tuple[str, ...] = need(KINDS)
    except_: tuple[str, ...] = may(many(REF, 0, 1000), default=(), name="except")
    hold: bool = may(boolean, default=True)


@message("pairs.open")
class PairsOpen(Command):
    groups: tuple[tuple[str, ...], ...] = need(groups_of_members)
    seconds: float | None = may(SECONDS, default=None)


@message("pairs.move")
class PairsMove(Command):
    """``group`` null brings the member back to the circle."""

    member: str = need(REF)
    group: str | None = need(nullable(REF))


@message("pairs.extend")
class PairsExtend(Command):
    seconds: float = need(SECONDS)


@message("pairs.say")
class PairsSay(Command):
    body: str | bytes = need(BODY)


@message("pairs.close")
class PairsClose(Command):
    grace: float = may(number(0, DURATION_MAX), default=30)


@message("pairs.visit")
class PairsVisit(Command):
    group: str = need(REF)


@message("pairs.return")
class PairsReturn(Command):
    pass


@message("help.ask")
class HelpAsk(Command):
    pass


@message("help.done")
class HelpDone(Command):
    member: str = need(REF)


@message("room.lock")
class RoomLock(Command):
    pass


@message("room.unlock")
class RoomUnlock(Command):
    pass


@message("room.end")
class RoomEnd(Command):
    pass


@message("room.extend")
class RoomExtend(Command):
    """Moves the room's end; how far at most is the room's to say."""

    seconds: float = need(number(1, float("inf")))


@message("room.settings")
class RoomSettings(Command):
    """``None`` leaves a setting as it is; one that changes nothing at all is no message."""

    chat: str | None = may(one_of("all", "staff", "off"), default=None)
    direct: bool | None = may(boolean, default=None)
    slow_seconds: float | None = may(number(0, DURATION_MAX), default=None)
    grace_seconds: float | None = may(SECONDS, default=None)
    lobby: bool | None = may(boolean, default=None)
    facilitators_wait: bool | None = may(boolean, default=None)
    sealed: bool | None = may(boolean, default=None)
    cards: bool | None = may(boolean, default=None)
    queue_order: str | None = may(one_of("raised", "least_heard"), default=None)
    guests_read: bool | None = may(boolean, default=None)
    mood_strict: bool | None = may(boolean, default=None)

    @property
    def changes(self) -> dict[str, object]:
        """The settings that are named, by their names."""
        return {key: value for key, value in self.to_map().items() if key not in ("t", "id")}


@message("member.remove")
class MemberRemove(Command):
    member: str = need(REF)


@message("role.give")
class RoleGive(Command):
    member: str = need(REF)
    role: str = need(one_of("facilitator", "member", "guest"))


@message("self.rename")
class SelfRename(Command):
    name: str = need(a_name)


@message("self.away")
class SelfAway(Command):
    away: bool = need(boolean)


@message("leave")
class Leave(Command):
    pass


Hello = HelloJoin | HelloResume
