"""The base class of commands."""

from __future__ import annotations

from ..fields import ID
from ..shapes import Message, message, required


@message("")
class Command(Message):
    """A client's request that the server answers under the same ``id``."""

    id: int = required(ID)
