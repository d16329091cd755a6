"""Opens a store: makes the engine for its URL, migrates its tables and checks the key.

SQLite is one file for all workers of one machine: with a write-ahead log, locks that wait up to
five seconds, and deleted data overwritten. Workers on several machines need PostgreSQL.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from sitwith_server.series.handles import Handles
from sitwith_server.series.model import StoreRefused
from sitwith_server.series.tables import VERSIONS, about

PATIENCE: Final = 5
"""Longest time for a connection, a lock or a statement, in seconds."""
STARTS_WITHIN: Final = 30.0
"""Seconds that a worker waits while others migrate the tables of a file."""
_LOCK: Final = 7_482_911_352
"""The advisory lock under which one worker at a time migrates the tables (PostgreSQL)."""
_KEY: Final = "key"
_SQLITE: Final = (
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
)


def engine_for(url: str) -> Engine:
    """Makes an engine. It has not connected yet.

    Raises:
        StoreRefused: the URL is malformed.
    """
    try:
        parts = make_url(url)
    except ArgumentError:
        raise StoreRefused("series_url", "is not a database URL") from None
    return _sqlite(parts) if parts.get_backend_name() == "sqlite" else _postgresql(parts)


def prepare(engine: Engine, handles: Handles) -> None:
    """Makes or migrates the tables, one worker at a time, and checks the key.

    Raises:
        StoreRefused: a setting is wrong; it names which.
    """
    try:
        if engine.dialect.name == "sqlite":
            _write_ahead(engine)
        _in_turn(engine, handles)
    except CommandError:
        raise StoreRefused("series_url", "was written by a newer version of Sitwith") from None
    except SQLAlchemyError as fault:
        cause = getattr(fault, "orig", None) or fault
        problem = f"the database can't be reached or written ({type(cause).__name__})"
        raise StoreRefused("series_url", problem) from None


def _in_turn(engine: Engine, handles: Handles) -> None:
    end = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            with engine.begin() as connection:
                _migrate(connection)
                _compare(connection, handles.check())
            return
        except OperationalError as fault:
            # Another worker is migrating, on a slow disk.
            if not _is_locked(fault.orig) or time.monotonic() > end:
                raise


def _write_ahead(engine: Engine) -> None:
    """Sets the journal mode, which a file keeps. SQLite fails at once, without its usual timeout,
    where another worker does the same."""
    end = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            driver = engine.raw_connection()
            try:
                driver.cursor().execute("PRAGMA journal_mode = WAL")
            finally:
                driver.close()
            return
        except sqlite3.OperationalError as fault:
            if not _is_locked(fault) or time.monotonic() > end:
                raise OperationalError("", None, fault) from None
        time.sleep(0.05)


def _is_locked(fault: BaseException | None) -> bool:
    code = getattr(fault, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise StoreRefused("series_url", "must name a file, such as sqlite:////var/lib/series.db")
    _touch(Path(url.database))
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": PATIENCE})

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _: object) -> None:
        # Turns off the driver's own transactions; `begin` below starts them.
        connection.isolation_level = None
        for line in _SQLITE:
            connection.execute(line)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first can't wait for another writer when it wants to write.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _touch(file: Path) -> None:
    """Creates the file, readable by its owner alone."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreRefused("series_url", f"the file can't be made: {error.strerror}") from None
    if not os.access(file, os.R_OK | os.W_OK):
        raise StoreRefused("series_url", "the file can't be read and written")


def _postgresql(url: URL) -> Engine:
    milliseconds = PATIENCE * 1_000
    limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_size=2,
        max_overflow=0,
        pool_timeout=PATIENCE,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": PATIENCE,
            "tcp_user_timeout": milliseconds,
            "options": " ".join(f"-c {name}={milliseconds}" for name in limits),
            "application_name": "sitwith",
        },
    )


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    if _version(connection) != ScriptDirectory.from_config(config).get_current_head():
        command.upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSIONS):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {VERSIONS}")).scalar()
    return found


def _compare(connection: Connection, check: str) -> None:
    """Refuses another key: with it no person would be recognised and no ban would hold."""
    known = connection.execute(select(about.c.value).where(about.c.name == _KEY)).scalar()
    if known is None:
        connection.execute(insert(about).values(name=_KEY, value=check))
    elif known != check:
        raise StoreRefused("series_key", "is not the key that this database was created with")
