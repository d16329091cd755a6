"""A store of each kind: SQLite in a file, and a real PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sitwith_server.series.handles import Handles
from sitwith_server.series.store import Store
from tests.series.postgres import Postgres, running

KEY = "a-key-of-the-tests-that-is-long-enough"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running() as server:
        yield server


@dataclass(frozen=True)
class Kept:
    """A store, and how to look at all that its database holds without it."""

    url: str
    store: Store
    file: Path | None
    server: Postgres | None

    def holds(self, handle: bytes) -> bool:
        """Whether these bytes are anywhere: in any of SQLite's files, in any row of PostgreSQL."""
        if self.file is not None:
            files = self.file.parent.glob(f"{self.file.name}*")
            return any(handle in each.read_bytes() for each in files)
        assert self.server is not None
        with self.server.connect(self.url.rpartition("/")[2]) as plain:
            names = plain.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            ).fetchall()
            rows = [
                repr(row)
                for (name,) in names
                for row in plain.execute(f'SELECT * FROM "{name}"'.encode()).fetchall()
            ]
        return any(repr(handle) in row for row in rows)


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    """An empty store."""
    server = file = None
    if request.param == "sqlite":
        file = tmp_path / "series.db"
        url = f"sqlite:///{file}"
    else:
        server = request.getfixturevalue("postgres")
        url = server.fresh("kept")
    store = Store.opened(url, Handles(KEY))
    yield Kept(url, store, file, server)
    store.close()


def rows(file: Path, table: str) -> list[tuple[object, ...]]:
    """All rows of one table of a SQLite file."""
    with sqlite3.connect(file) as plain:
        return plain.execute(f'SELECT * FROM "{table}"').fetchall()
