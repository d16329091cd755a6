"""Words that several families share; `model` gives them on."""

from __future__ import annotations

from enum import StrEnum

MemberId = str


GroupId = str


Pair = frozenset[MemberId]


class ChatPolicy(StrEnum):
    """Where members may write."""

    ALL = "all"
    STAFF = "staff"
    OFF = "off"


class QueueOrder(StrEnum):
    """Whose raised hand gets the stick next."""

    RAISED = "raised"
    LEAST_HEARD = "least_heard"
