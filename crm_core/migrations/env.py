"""Alembic calls this file to run the steps over the connection `migrate` opened."""

from alembic import context

from crm_core.tables import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, compare_server_default=True)
with context.begin_transaction():
    context.run_migrations()
