"""Commands about concerns and the plan of groups (rules PA1 to PA4, LK*)."""

from __future__ import annotations

from ..checks import Invalid, binary, boolean, has_controls, integer, list_of, one_of, text
from ..fields import two_members
from ..linking import CONCERN_MAX, CONCERNS_MAX, TAG_MAX, TAGS_MAX, normal_concern
from ..shapes import message, optional, required
from .base import Command


def _concerns(value: object) -> tuple[str, ...]:
    """Concerns without control characters, no two with the same normal form."""
    concerns = _TEXTS(value)
    if any(has_controls(each, "\u2028\u2029") for each in concerns):
        raise Invalid("must have no control characters")
    try:
        if len(set(map(normal_concern, concerns))) != len(concerns):
            raise Invalid("must have no concern twice")
    except ValueError:
        raise Invalid("must have concerns that are not empty") from None
    return concerns


_TEXTS = list_of(text(1, CONCERN_MAX), 0, CONCERNS_MAX)


@message("topics.set")
class TopicsSet(Command):
    """The sender's concerns as blinded tags (`linking.blind_all`); none takes them back."""

    tags: tuple[bytes, ...] = required(list_of(binary(1, TAG_MAX), 0, TAGS_MAX, distinct=True))


@message("concerns.offer")
class ConcernsOffer(Command):
    """Offers concerns that members may tick, in plain words."""

    concerns: tuple[str, ...] = required(_concerns)


@message("pairs.plan")
class PairsPlan(Command):
    how: str = required(one_of("random", "fresh", "linked"))
    size: int = optional(integer(2, 1000), default=2)
    avoid: tuple[tuple[str, str], ...] = optional(list_of(two_members, 0, 1000), default=())
    facilitators: bool = optional(boolean, default=False)
    pins: tuple[tuple[str, str], ...] = optional(list_of(two_members, 0, 1000), default=())
