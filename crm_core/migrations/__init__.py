"""The steps by which the database came to its present shape, and `migrate`, which takes them.

Run by every process at its start: an advisory lock lets one of them work while the others wait.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from crm_core.db import Database, connect

_LOCK = 0x63616C6C  # "call"; any number nobody else uses


async def migrate(url: str) -> None:
    """Bring the database at `url` to the newest shape. Does nothing when it has it already."""
    async with connect(url) as db:
        await migrate_database(db)


async def migrate_database(db: Database) -> None:
    """The same over connections that are there already."""
    async with db.engine.connect() as connection:
        await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        await connection.commit()
        try:
            await connection.run_sync(_upgrade)
            await connection.commit()
        finally:
            await connection.rollback()
            await connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
            await connection.commit()


def config() -> Config:
    """Alembic's configuration, without a file: the scripts lie beside this one."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return made


def _upgrade(connection: Connection) -> None:
    """Alembic's machinery is started only when there is something to do: it costs most of a start."""
    script = ScriptDirectory.from_config(config())
    current = MigrationContext.configure(connection).get_current_heads()
    if set(current) == set(script.get_heads()):
        return
    made = config()
    made.attributes["connection"] = connection
    command.upgrade(made, "head")
