"""Limits and checks of fields that several commands share."""

from __future__ import annotations

from typing import Final

from .agenda import STAGES_MAX
from .checks import Invalid, any_of, binary, integer, list_of, matching, number, one_of, text

NAME_MAX: Final = 40
"""Characters of a name, without surrounding white space."""
DURATION_MAX: Final = 7200
"""Seconds of the longest duration."""
SEEN_MAX: Final = 1000
"""Streams in a greeting's ``seen``."""


def name(value: object) -> str:
    """A name of the right length; the server decides which characters it may have."""
    if type(value) is not str or not 1 <= len(value.strip()) <= NAME_MAX or len(value) > 400:
        raise Invalid(f"must be a name of 1 to {NAME_MAX} characters")
    return value


def two_members(value: object) -> tuple[str, str]:
    """The ids of two different members."""
    first, second = _TWO(value)
    return first, second


def groups_of_members(value: object) -> tuple[tuple[str, ...], ...]:
    """Groups of member ids: none is empty, and nobody is in two."""
    groups = _LISTS(value)
    listed = [member for group in groups for member in group]
    if len(set(listed)) != len(listed):
        raise Invalid("must have nobody twice")
    return groups


ID = integer()
REF = text(1, 128)
"""The id of a member, person, group, link or material."""
STAGE = integer(0, STAGES_MAX - 1)
SECONDS = number(1, DURATION_MAX)
BODY = any_of(text(1, 2**15), binary(1, 2**15))
KINDS = list_of(one_of("audio", "video", "chat"), 1, 3, distinct=True)
CONVERSATION = matching(
    text(1, 140),
    r"circle|pair|staff|facilitators|(?:pair|staff|direct):.{1,128}",
    "must be the name of a conversation",
)
_TWO = list_of(REF, 2, 2, distinct=True)
_LISTS = list_of(list_of(REF, 1, 1000), 1, 1000)
