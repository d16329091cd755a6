"""The exceptions of this library."""

from __future__ import annotations

from sitwith_protocol.errors import CloseCode, RefusalCode


class SitwithError(Exception):
    """Base class of this library's exceptions."""


class Refused(SitwithError):
    """The room refused a command and changed nothing.

    ``code`` is a value of ``RefusalCode``, ``message`` one line of text to show to people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def temporary(self) -> bool:
        """Whether the same command may succeed a moment later."""
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
    """Neither an invite link, nor a token with a server's address."""


class TooSlow(SitwithError):
    """A reader of ``events()`` fell so far behind that events were dropped."""


class FileRefused(SitwithError):
    """The server refused an upload or download; ``reason`` is its code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
