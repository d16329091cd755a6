"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sitwith_series_about",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("value", sa.String(200), nullable=False),
    )
    op.create_table(
        "sitwith_series",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("timezone", sa.String(80), nullable=False),
        sa.Column("starts_at", sa.String(30)),
        sa.Column("seconds", sa.Integer, nullable=False),
        sa.Column("rule", sa.String(200)),
        sa.Column("count", sa.Integer),
    )
    op.create_table(
        "sitwith_series_meeting",
        sa.Column("room", sa.String(40), primary_key=True),
        _series(),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sitwith_series_here",
        _room(),
        sa.Column("handle", sa.LargeBinary(16), primary_key=True),
        sa.Column("waited", sa.Integer, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Index("ix_sitwith_series_here_handle", "handle"),
    )
    op.create_table(
        "sitwith_series_met",
        _room(),
        sa.Column("one", sa.LargeBinary(16), primary_key=True),
        sa.Column("other", sa.LargeBinary(16), primary_key=True),
        sa.Column("times", sa.Integer, nullable=False),
    )
    op.create_table(
        "sitwith_series_ban",
        sa.Column("id", sa.String(40), primary_key=True),
        _series(),
        sa.Column("room", sa.String(40), nullable=False),
        sa.Column("seat", sa.String(40), nullable=False),
        sa.Column("handle", sa.LargeBinary(16)),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("lifted", sa.Boolean, nullable=False),
        sa.UniqueConstraint("room", "seat", name="uq_sitwith_series_ban_seat"),
    )


def _series() -> sa.Column[str]:
    key = sa.ForeignKey("sitwith_series.id", ondelete="CASCADE")
    return sa.Column("series", sa.String(40), key, nullable=False, index=True)


def _room() -> sa.Column[str]:
    key = sa.ForeignKey("sitwith_series_meeting.room", ondelete="CASCADE")
    return sa.Column("room", sa.String(40), key, primary_key=True)
