"""The server under test, as a program."""

from __future__ import annotations

from tests.blackbox.conftest import own_server, server

__all__ = ["own_server", "server"]
