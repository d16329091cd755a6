"""The server under attack, as a program."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.blackbox.house import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One server for all attacks that it is to outlive."""
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def own_server() -> Iterator[Callable[..., Server]]:
    """Starts servers with settings of their own."""
    started: list[Server] = []

    def start(**settings: str) -> Server:
        started.append(Server(settings))
        return started[-1]

    yield start
    for one in started:
        one.stop()
