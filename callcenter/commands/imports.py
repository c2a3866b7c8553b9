"""`callcenter import`: files of suppliers and of other systems."""

from pathlib import Path
from typing import Annotated

import typer

from callcenter.commands.ground import open_database, refusing

imports = typer.Typer(help="Files of suppliers and of other systems.", no_args_is_help=True)


@imports.command("products")
def import_products(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, YML or CommerceML.", exists=True, dir_okay=False)],
    shop: Annotated[str, typer.Option(help="By what its order numbers begin with.")],
    mapping: Annotated[
        str | None, typer.Option(help="What the columns mean, as kept; with --column: keep it so.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="HEADING=FIELD; else the headings are taken at their word.")
    ] = None,
    warehouse: Annotated[str | None, typer.Option(help="Where the pieces lie; else the first one.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would become of it.")] = False,
    refused: Annotated[Path | None, typer.Option(help="Write refused rows, with reasons, as CSV.")] = None,
) -> None:
    """Put in a supplier's goods: a known SKU or barcode changes the product, an unknown SKU makes one.

    Ends with 1 when a row was refused; the others are put in all the same.
    """
    from callcenter.commands.goods import Done, import_file, shown

    ends: list[Done] = []

    async def work() -> None:
        async with open_database() as db:
            ends.append(
                await import_file(
                    db,
                    file.read_bytes(),
                    shop=shop,
                    mapping=mapping,
                    columns=column or [],
                    warehouse=warehouse,
                    dry_run=dry_run,
                )
            )

    refusing(work())
    shown(ends[0], dry_run=dry_run, refused=refused)
    if ends[0].outcome.refused:
        raise typer.Exit(1)
