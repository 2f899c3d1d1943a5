"""Alembic's entry: on the connection that `service/storage/migrations.py` gives, else on the settings' database."""

import sqlalchemy as sa

from alembic import context
from service.settings import Settings
from service.storage.engine import Database
from service.storage.tables import Table


def run(connection: sa.Connection) -> None:
    """Run the asked-for steps in the transaction that is open on the connection."""
    context.configure(connection=connection, target_metadata=Table.metadata, compare_server_default=False)
    context.run_migrations()


handed_over = context.config.attributes.get("connection")
if handed_over is not None:
    run(handed_over)
else:
    engine = Database(Settings().database).engine.execution_options(ardoise_writes=True, ardoise_durable=True)
    with engine.begin() as own:
        run(own)
