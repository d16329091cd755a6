"""Words that several parts of the state share."""

from __future__ import annotations

from enum import StrEnum


class ChatPolicy(StrEnum):
    """Where members may write."""

    ALL = "all"
    STAFF = "staff"
    OFF = "off"


class QueueOrder(StrEnum):
    """Whose raised hand gets the stick next."""

    RAISED = "raised"
    LEAST_HEARD = "least_heard"
