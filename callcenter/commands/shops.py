"""`callcenter shop`: shops and their lines."""

from typing import Annotated

import typer

from callcenter.commands.ground import configuration, leave, open_database, refusing

shops = typer.Typer(help="Shops and the numbers people dial to reach them.", no_args_is_help=True)


@shops.command("add")
def shop_add(
    name: str,
    currency: Annotated[str, typer.Option(help="Three letters: EUR, PLN, UAH.")],
    country: Annotated[
        str, typer.Option(help="Two letters; national numbers that call it are of this country.")
    ],
    timezone: Annotated[str, typer.Option(help="For instance Europe/Warsaw.")],
    prefix: Annotated[str, typer.Option(help="What its order numbers begin with, for instance A.")],
) -> None:
    """Add a shop that takes orders."""
    from crm_core.shop import create_shop

    async def work() -> None:
        async with open_database() as db, db.begin() as session:
            await create_shop(
                session, name=name, currency=currency, country=country, timezone=timezone, order_prefix=prefix
            )

    refusing(work())
    typer.echo(f"{name} takes orders now.")


@shops.command("line")
def shop_line(
    prefix: Annotated[str, typer.Argument(help="The shop, by what its order numbers begin with.")],
    number: Annotated[str, typer.Argument(help="The number that is dialled, as the switchboard shows it.")],
    name: Annotated[str, typer.Option(help="As operators see it; else the number.")] = "",
    pbx: Annotated[str | None, typer.Option(help="Which switchboard, when there are several.")] = None,
) -> None:
    """Say which shop a dialled number belongs to."""
    from sqlalchemy import select

    from crm_core.line import create_line
    from crm_core.shop import Shop

    switchboards = [each.name for each in configuration().switchboards] or ["pbx"]

    async def work() -> None:
        async with open_database() as db, db.begin() as session:
            shop = await session.scalar(select(Shop).where(Shop.order_prefix == prefix))
            if shop is None:
                leave(f"No shop's orders begin with {prefix}. Add it with: callcenter shop add")
            await create_line(
                session,
                pbx=pbx or switchboards[0],
                did=number,
                name=name or number,
                country=shop.country,
                shop_id=shop.id,
            )

    refusing(work())
    typer.echo(f"Who dials {number} calls {prefix}.")
