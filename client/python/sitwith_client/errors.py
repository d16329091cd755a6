"""What a client raises."""

from __future__ import annotations

from sitwith_protocol.errors import CloseCode, RefusalCode


class SitwithError(Exception):
    """Everything that this library raises on purpose."""


class Refused(SitwithError):
    """The room refused a command; nothing was changed.

    ``code`` is the wire's code (compare it with ``RefusalCode``), ``message`` a line for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def temporary(self) -> bool:
        """Whether the very same command may succeed a moment later."""
        return self.code in (RefusalCode.FROZEN, RefusalCode.TOO_FAST)


class RoomClosed(SitwithError):
    """The connection has ended for good; ``code`` is the close code (rules CC*)."""

    def __init__(self, code: int) -> None:
        try:
            text = CloseCode(code).text
        except ValueError:
            text = "The connection has ended."
        super().__init__(f"{code}: {text}")
        self.code = code


class CannotConnect(SitwithError):
    """No connection could be made."""


class BadLink(SitwithError):
    """This is neither an invite link nor a token with a server's address."""


class TooSlow(SitwithError):
    """A reader of ``events()`` fell so far behind that events had to be dropped."""


class FileRefused(SitwithError):
    """A file was not taken, or is not to be had; ``reason`` is the name of why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
