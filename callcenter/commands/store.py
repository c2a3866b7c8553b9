"""Commands that touch the store as a whole."""

from typing import Annotated

import typer

from callcenter.commands.ground import open_database, refusing

store = typer.Typer()


@store.command()
def seed(
    customers: Annotated[int, typer.Option(help="With numbers, in one synthetic shop.")] = 100_000,
    orders: Annotated[int, typer.Option(help="Of these customers, with items.")] = 300_000,
    calls: Annotated[int, typer.Option(help="Of these customers, with legs.")] = 300_000,
) -> None:
    """Fill the database with a synthetic shop, for trying how fast everything is at size."""
    from datetime import UTC, datetime

    from crm_core.seed import expected
    from crm_core.seed import seed as seed_database

    async def work() -> None:
        async with open_database() as db:
            with typer.progressbar(length=expected(customers, orders, calls), label="Writing") as bar:

                def told(what: str, rows: int) -> None:
                    bar.label = what.ljust(30)[:30]
                    bar.update(rows)

                made = await seed_database(
                    db.url, customers=customers, orders=orders, calls=calls, now=datetime.now(UTC), told=told
                )
            typer.echo(f"{made.rows} rows in {made.seconds:.0f} s: {made.rows_per_s:,.0f} a second")

    refusing(work())


@store.command()
def migrate() -> None:
    """Bring the database to the newest shape (the service does so at its start)."""

    async def work() -> None:
        async with open_database():
            typer.echo("The database is up to date.")

    refusing(work())
