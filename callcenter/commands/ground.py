"""What every command stands on: settings, the database, and refusals said in one line."""

from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from crm_core.db import Database
    from web.settings import Settings


def configuration(**given: Any) -> "Settings":
    """The configuration; a bad one ends the program with a sentence for each bad setting."""
    from web.settings import SettingsError, load_settings

    try:
        return load_settings(**given)
    except SettingsError as error:
        leave("\n".join(error.sentences))


@asynccontextmanager
async def open_database() -> "AsyncIterator[Database]":
    """The database of the settings; the embedded one also while a service runs on it."""
    from crm_core.db import connect
    from crm_core.embedded import Embedded
    from crm_core.embedded_account import EmbeddedError
    from crm_core.migrations import migrate

    settings = configuration()
    url, server = settings.database_url, None
    if url is None:
        server = Embedded(settings.data_dir / "postgres")
        try:
            await server.start()
        except EmbeddedError:
            if not server.in_use:
                raise
        url = server.url
    try:
        await migrate(url)
        async with connect(url) as db:
            yield db
    finally:
        if server is not None:
            await server.stop()


def refusing(work: "Coroutine[Any, Any, None]") -> None:
    """Run `work`; what the house refuses is said in one line."""
    import asyncio

    from asterisk.history import NoHistory
    from crm_core.embedded_account import EmbeddedError
    from crm_core.errors import Refused
    from crm_core.outage import is_outage

    try:
        asyncio.run(work)
    except (Refused, EmbeddedError) as error:
        leave(str(error))
    except NoHistory as error:
        leave(str(error), code=2)
    except Exception as error:
        if not is_outage(error):
            raise
        leave("The database can not be reached. Start PostgreSQL or correct CALLCENTER_DATABASE_URL.")


def leave(why: str, code: int = 1) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(code)
