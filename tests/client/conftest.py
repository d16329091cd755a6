"""The server under test, as a program, and retries without their waits."""

from __future__ import annotations

import pytest

from sitwith_client import session
from tests.blackbox.conftest import server

__all__ = ["server"]


@pytest.fixture
def prompt_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries at once; how long they would wait has a test of its own."""
    monkeypatch.setattr(session, "retry_delay", lambda attempt, chance: 0.0)
