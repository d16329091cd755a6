"""The server under attack, as a program; the fixtures are those of the outside checks."""

from __future__ import annotations

from tests.blackbox.conftest import own_server, server

__all__ = ["own_server", "server"]
