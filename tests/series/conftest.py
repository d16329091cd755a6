"""A store of each kind: SQLite in a file, and a real PostgreSQL."""

from __future__ import annotations

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
class Database:
    """Where a store is, and how to look at all that it holds without it."""

    url: str
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


@dataclass(frozen=True)
class Kept(Database):
    """A database with a store on it."""

    store: Store


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    """An empty store."""
    place = database(request, request.param, tmp_path, "kept")
    store = Store.open(place.url, Handles(KEY))
    yield Kept(place.url, place.file, place.server, store)
    store.close()


def database(request: pytest.FixtureRequest, kind: str, folder: Path, name: str) -> Database:
    """A new database of this kind."""
    if kind == "sqlite":
        file = folder / f"{name}.db"
        return Database(f"sqlite:///{file}", file, None)
    server: Postgres = request.getfixturevalue("postgres")
    return Database(server.fresh(name), None, server)
