"""A server of its own for a benchmark or a soak test, as a program on a free port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.blackbox.house import Server


@contextmanager
def serving(module: str | None = None, **settings: str) -> Iterator[Server]:
    """Runs `sitwith serve`, or a module that does, and ends it."""
    own = {"log_level": "error", "inspectable": "true", **settings}
    given = {f"SITWITH_{name.upper()}": value for name, value in own.items()}
    server = Server(given, module=module, metrics=False)
    try:
        yield server
    finally:
        server.stop()
