"""`callcenter import NOUN FILE`: the same import as on the page, done at once, and what is told about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import Progress
from rich.table import Table as Shown
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.db import Database
from crm_core.errors import Invalid, NotFound
from crm_core.exchange import child
from crm_core.exchange.job import (
    Import,
    RefusedImportRow,
    begin_import,
    get_import,
    refused_rows,
    set_columns,
    start,
)
from crm_core.exchange.mapping import load_mapping, save_mapping
from crm_core.exchange.nouns import noun_of
from crm_core.exchange.refused import refused_file
from crm_core.exchange.table import Row
from crm_core.exchange.worker import perform
from crm_core.shop import Shop
from crm_core.stock import Warehouse

PREVIEW = 5


@dataclass(frozen=True)
class Asked:
    """What the command line says; `shop`: by what its order numbers begin with."""

    noun: str
    file: Path
    shop: str
    mapping: str | None = None
    columns: Sequence[str] = ()
    warehouse: str | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class Done:
    """The first rows, the import at its end, and its refused rows."""

    first: list[Row]
    outcome: Import
    refused: list[RefusedImportRow]


async def import_file(db: Database, asked: Asked) -> Done:
    """Put a file in. Raises `Invalid`, `NotFound`; then nothing is changed."""
    noun = noun_of(asked.noun)
    with TemporaryDirectory(prefix="import-") as place, Progress(transient=True) as progress:
        folder, name = Path(place), token_hex(8)
        head = await child.read_file(asked.file, folder / f"{name}.rows")
        async with db.begin() as session:
            shop = await session.scalar(select(Shop).where(Shop.order_prefix == asked.shop))
            if shop is None:
                raise NotFound(f"No shop's orders begin with {asked.shop}. Add it with: callcenter shop add")
            made = await begin_import(
                session, noun, head, file=name, filename=asked.file.name, shop_id=shop.id, user_id=None,
                purchases=True,
            )  # fmt: skip
            meant: Mapping[str, str] = written_columns(asked.columns)
            if asked.mapping is not None and not meant:
                meant = await load_mapping(session, noun.name, asked.mapping)
            elif asked.mapping is not None and not asked.dry_run:
                await save_mapping(session, noun.name, asked.mapping, meant)
            await set_columns(session, made.id, meant or noun.guess(head.columns))
            place_id = await _warehouse(session, shop.id, asked.warehouse)
            await start(session, made.id, dry_run=asked.dry_run, warehouse_id=place_id, here=True, at=_now())
        bar = progress.add_task(asked.file.name, total=head.rows)
        first = [row for row, _ in zip(child.rows(made.rows_in(folder)), range(PREVIEW), strict=False)]
        await perform(db, made, folder, now=_now, told=lambda done: progress.update(bar, completed=done))
    async with db.begin() as session:
        return Done(first, await get_import(session, made.id), await refused_rows(session, made.id))


async def _warehouse(session: AsyncSession, shop_id: int, name: str | None) -> int | None:
    if name is None:
        return None
    found: int | None = await session.scalar(
        select(Warehouse.id).where(Warehouse.shop_id == shop_id, Warehouse.name == name)
    )
    if found is None:
        raise NotFound(f"The shop has no warehouse {name[:60]!r}.")
    return found


def written_columns(written: Sequence[str]) -> dict[str, str]:
    """HEADING=FIELD of the command line. Raises `Invalid`."""
    pairs = [it.rpartition("=") for it in written]
    if any(not heading or not field for heading, _, field in pairs):
        raise Invalid("A column is written HEADING=FIELD, for instance Preis=price.", "column")
    return {heading.strip(): field.strip() for heading, _, field in pairs}


def shown(done: Done, *, refused: Path | None) -> None:
    """Tell how the columns were understood and what became of the rows; write the refused ones."""
    console, outcome = Console(), done.outcome
    if outcome.dry_run:
        preview = Shown(*(f"{heading}\n{meaning}" for heading, meaning in outcome.columns.items()))
        for row in done.first:
            preview.add_row(*(row.cells.get(heading, "") for heading in outcome.columns))
        console.print(preview, markup=False)
    said = f"{outcome.created} created, {outcome.updated} updated, {outcome.unchanged} unchanged"
    said = f"{said}, {outcome.refused} rows refused"
    console.print(
        f"Nothing is changed. It would be: {said}." if outcome.dry_run else f"{said}.", markup=False
    )
    for it in done.refused[:PREVIEW]:
        console.print(f"  row {it.place}: {it.reason}", markup=False)
    if refused is not None and done.refused:
        refused.write_bytes(refused_file(outcome, done.refused))
        console.print(f"The refused rows are in {refused}.", markup=False)


def _now() -> datetime:
    return datetime.now(UTC)
