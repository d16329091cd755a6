"""The commands about concerns and the plan that links them (rules PA1 to PA4 and LK*)."""

from __future__ import annotations

from .checks import Invalid, binary, boolean, has_controls, integer, many, one_of, text
from .command import Command
from .fields import two_members
from .linking import CONCERN_MAX, CONCERNS_MAX, TAG_MAX, TAGS_MAX, normal_concern
from .shapes import may, message, need


def _concerns(value: object) -> tuple[str, ...]:
    """Concerns to be shown, none twice by its normal form and none with control characters."""
    concerns = _TEXTS(value)
    if any(has_controls(each, "\u2028\u2029") for each in concerns):
        raise Invalid("must have no control characters")
    try:
        if len(set(map(normal_concern, concerns))) != len(concerns):
            raise Invalid("must have no concern twice")
    except ValueError:
        raise Invalid("must have concerns that are not empty") from None
    return concerns


_TEXTS = many(text(1, CONCERN_MAX), 0, CONCERNS_MAX)


@message("topics.set")
class TopicsSet(Command):
    """One's concerns as blinded tags, see `linking.blind_all`; none takes them back."""

    tags: tuple[bytes, ...] = need(many(binary(1, TAG_MAX), 0, TAGS_MAX, distinct=True))


@message("concerns.offer")
class ConcernsOffer(Command):
    """What the room offers to tick, in plain words."""

    concerns: tuple[str, ...] = need(_concerns)


@message("pairs.plan")
class PairsPlan(Command):
    how: str = need(one_of("random", "fresh", "linked"))
    size: int = may(integer(2, 1000), default=2)
    avoid: tuple[tuple[str, str], ...] = may(many(two_members, 0, 1000), default=())
    facilitators: bool = may(boolean, default=False)
    pins: tuple[tuple[str, str], ...] = may(many(two_members, 0, 1000), default=())
