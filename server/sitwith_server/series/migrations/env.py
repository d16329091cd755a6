"""Alembic's entry point. Migrations run on the connection that `opening` passes, in its
transaction."""

from __future__ import annotations

from alembic import context

from sitwith_server.series.tables import VERSIONS, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSIONS,
    transactional_ddl=True,
)
context.run_migrations()
