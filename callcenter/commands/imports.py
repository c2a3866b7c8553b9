"""`callcenter import`: files of suppliers and of other systems."""

from pathlib import Path
from typing import Annotated

import typer

from callcenter.commands.ground import leave, open_database, refusing

imports = typer.Typer(help="Files of suppliers and of other systems.", no_args_is_help=True)
File = Annotated[
    Path, typer.Argument(help="CSV or XLSX; of products also YML or CommerceML.", exists=True, dir_okay=False)
]
Shop = Annotated[str, typer.Option(help="By what its order numbers begin with.")]
Mapping = Annotated[
    str | None, typer.Option(help="What the columns mean, as kept; with --column: keep it so.")
]
Column = Annotated[
    list[str] | None, typer.Option(help="HEADING=FIELD; else the headings are taken at their word.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would become of it.")]
Refused = Annotated[
    Path | None, typer.Option(help="Write refused rows, with reasons, in the form they came in.")
]


@imports.command("products")
def import_products(
    file: File,
    shop: Shop,
    mapping: Mapping = None,
    column: Column = None,
    warehouse: Annotated[str | None, typer.Option(help="Where the pieces lie; else the first one.")] = None,
    dry_run: DryRun = False,
    refused: Refused = None,
) -> None:
    """Put in a supplier's goods: a known SKU or barcode changes the product, an unknown SKU makes one.

    Ends with 1 when a row was refused; the others are put in all the same.
    """
    _bring("products", file, shop, mapping, column, dry_run, refused, warehouse)


@imports.command("customers")
def import_customers(
    file: File,
    shop: Shop,
    mapping: Mapping = None,
    column: Column = None,
    dry_run: DryRun = False,
    refused: Refused = None,
) -> None:
    """Put in customers: a known id, number or e-mail widens what we know, an unknown one makes a customer.

    Numbers without a country are of the shop's. Ends with 1 when a row was refused.
    """
    _bring("customers", file, shop, mapping, column, dry_run, refused)


@imports.command("orders")
def import_orders(
    file: File,
    shop: Shop,
    mapping: Mapping = None,
    column: Column = None,
    dry_run: DryRun = False,
    refused: Refused = None,
) -> None:
    """Put in orders, a row for each item; rows of one order number follow each other.

    Ends with 1 when a row was refused; the other orders are put in all the same.
    """
    _bring("orders", file, shop, mapping, column, dry_run, refused)


def _bring(
    noun: str,
    file: Path,
    shop: str,
    mapping: str | None,
    column: list[str] | None,
    dry_run: bool,
    refused: Path | None,
    warehouse: str | None = None,
) -> None:
    from callcenter.commands.importing import Asked, Done, import_file, shown

    asked = Asked(noun, file, shop, mapping, column or [], warehouse, dry_run)
    ends: list[Done] = []

    async def work() -> None:
        async with open_database() as db:
            ends.append(await import_file(db, asked))

    refusing(work())
    shown(ends[0], refused=refused)
    if ends[0].outcome.state != "done":
        leave(ends[0].outcome.error or "The import was stopped.")
    if ends[0].refused:
        raise typer.Exit(1)
