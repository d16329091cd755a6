"""What all commands share."""

from __future__ import annotations

from .fields import ID
from .shapes import Message, message, need


@message("")
class Command(Message):
    """A client's request that the server answers under the same ``id``."""

    id: int = need(ID)
