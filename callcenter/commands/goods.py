"""`callcenter import products`: a file into the catalogue, and what is told about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table as Shown
from sqlalchemy import select

from crm_core.db import Database
from crm_core.errors import Invalid, NotFound
from crm_core.goods_file import Table, read_table
from crm_core.goods_import import (
    Outcome,
    guess_columns,
    import_goods,
    load_mapping,
    refused_csv,
    save_mapping,
)
from crm_core.line import Shop

PREVIEW = 5


@dataclass(frozen=True)
class Done:
    """The file, how it was understood, and what became of it."""

    table: Table
    columns: dict[str, str]
    outcome: Outcome


async def import_file(
    db: Database,
    content: bytes,
    *,
    shop: str,
    mapping: str | None,
    columns: Sequence[str],
    warehouse: str | None,
    dry_run: bool,
) -> Done:
    """Put a file in, in one transaction. Raises `Invalid`, `NotFound`; then nothing is changed."""
    table = read_table(content)
    async with db.begin() as session:
        found = await session.scalar(select(Shop).where(Shop.order_prefix == shop))
        if found is None:
            raise NotFound(f"No shop's orders begin with {shop}. Add it with: callcenter shop add")
        meant = written_columns(columns)
        if mapping is not None and not meant:
            meant = await load_mapping(session, mapping)
        elif mapping is not None and not dry_run:
            await save_mapping(session, mapping, meant)
        meant = meant or guess_columns(table.columns)
        outcome = await import_goods(
            session,
            table,
            meant,
            shop_id=found.id,
            warehouse=warehouse,
            user_id=None,
            at=datetime.now(UTC),
            dry_run=dry_run,
        )
    return Done(table, meant, outcome)


def written_columns(written: Sequence[str]) -> dict[str, str]:
    """HEADING=FIELD of the command line. Raises `Invalid`."""
    pairs = [it.rpartition("=") for it in written]
    if any(not heading or not field for heading, _, field in pairs):
        raise Invalid("A column is written HEADING=FIELD, for instance Preis=price.", "column")
    return {heading.strip(): field.strip() for heading, _, field in pairs}


def shown(done: Done, *, dry_run: bool, refused: Path | None) -> None:
    """Tell how the columns were understood and what became of the rows; write the refused ones."""
    console, outcome = Console(), done.outcome
    if dry_run:
        preview = Shown(*(f"{heading}\n{meaning}" for heading, meaning in done.columns.items()))
        for row in done.table.rows[:PREVIEW]:
            preview.add_row(*(row.cells.get(heading, "") for heading in done.columns))
        console.print(preview, markup=False)
    counts = f"{outcome.created} created, {outcome.updated} updated, {outcome.unchanged} unchanged"
    said = f"{counts}, {len(outcome.refused)} refused"
    console.print(f"Nothing is changed. It would be: {said}." if dry_run else f"{said}.", markup=False)
    for it in outcome.refused[:PREVIEW]:
        console.print(f"  row {it.row.place}: {it.reason}", markup=False)
    if refused is not None and outcome.refused:
        refused.write_text(refused_csv(done.table, outcome.refused), encoding="utf-8-sig")
        console.print(f"The refused rows are in {refused}.", markup=False)
