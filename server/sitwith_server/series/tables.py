"""The tables as queries name them. `migrations` makes them; a test compares the two."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

VERSIONS: Final = "sitwith_series_version"
"""The table in which Alembic stores the last migration."""

metadata: Final = MetaData()

about: Final = Table(
    "sitwith_series_about",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", String(200), nullable=False),
)

series: Final = Table(
    "sitwith_series",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("title", String(200), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("timezone", String(80), nullable=False),
    Column("starts_at", String(30)),
    Column("seconds", Integer, nullable=False),
    Column("rule", String(200)),
    Column("count", Integer),
)


def _of_series() -> Column[str]:
    return Column(
        "series",
        String(40),
        ForeignKey("sitwith_series.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    )


def _of_meeting() -> Column[str]:
    return Column(
        "room",
        String(40),
        ForeignKey("sitwith_series_meeting.room", ondelete="CASCADE"),
        primary_key=True,
    )


meeting: Final = Table(
    "sitwith_series_meeting",
    metadata,
    Column("room", String(40), primary_key=True),
    _of_series(),
    Column("at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("fence", BigInteger, nullable=False),
)
"""`fence`: a summary with a lower number is from before an erasure and is refused."""

attendance: Final = Table(
    "sitwith_series_here",
    metadata,
    _of_meeting(),
    Column("handle", LargeBinary(16), primary_key=True),
    Column("waited", Integer, nullable=False),
    Column("number", BigInteger, nullable=False),
    Index("ix_sitwith_series_here_handle", "handle"),
)

encounter: Final = Table(
    "sitwith_series_met",
    metadata,
    _of_meeting(),
    Column("one", LargeBinary(16), primary_key=True),
    Column("other", LargeBinary(16), primary_key=True),
    Column("times", Integer, nullable=False),
)

ban: Final = Table(
    "sitwith_series_ban",
    metadata,
    Column("id", String(40), primary_key=True),
    _of_series(),
    Column("room", String(40), nullable=False),
    Column("seat", String(40), nullable=False),
    Column("handle", LargeBinary(16)),
    Column("at", Float, nullable=False),
    Column("lifted", Boolean, nullable=False),
    UniqueConstraint("room", "seat", name="uq_sitwith_series_ban_seat"),
)
"""A lifted ban stays as a row without a handle: its meeting's summary may be written again."""
