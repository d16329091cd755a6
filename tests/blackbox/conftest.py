"""The server under test, as a program."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from .house import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One server for all tests that do it no harm."""
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def own_server() -> Iterator[Callable[..., Server]]:
    """Starts servers that a test may end or flood."""
    started: list[Server] = []

    def start(**settings: str) -> Server:
        started.append(Server(settings))
        return started[-1]

    yield start
    for one in started:
        one.stop()
