"""The steps by which the database came to its present shape, and `migrate`, which takes them.

Run by every process at its start: an advisory lock lets one of them work while the others wait.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from crm_core.db import Database, connect

if TYPE_CHECKING:
    from alembic.config import Config

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


async def is_newest(db: Database) -> bool:
    """Whether the database has the newest shape; nothing is changed."""
    async with db.engine.connect() as connection:
        return await connection.run_sync(_is_newest)


def config() -> "Config":
    """Alembic's configuration, without a file: the scripts lie beside this one."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return made


def newest() -> str:
    """The last step's number: each file in `versions` is named by its own, and they are one chain."""
    return max(path.name[:4] for path in (Path(__file__).parent / "versions").glob("[0-9]*.py"))


def _upgrade(connection: Connection) -> None:
    """Alembic is loaded only when there is something to do: it costs a good part of a start."""
    if _is_newest(connection):
        return
    from alembic import command

    made = config()
    made.attributes["connection"] = connection
    command.upgrade(made, "head")


def _is_newest(connection: Connection) -> bool:
    known = inspect(connection).has_table("alembic_version")
    return known and connection.scalar(text("SELECT version_num FROM alembic_version")) == newest()
