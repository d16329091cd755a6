"""The server under test, as a program."""

from __future__ import annotations

from tests.blackbox.conftest import server

__all__ = ["server"]
