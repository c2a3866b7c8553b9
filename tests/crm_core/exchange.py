"""A file brought in as the worker does it, for stories about imports."""

from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from crm_core.exchange import child, worker
from crm_core.exchange.job import (
    Import,
    RefusedImportRow,
    begin_import,
    get_import,
    refused_rows,
    set_columns,
    start,
)
from crm_core.exchange.nouns import noun_of
from crm_core.exchange.table import read_table


@dataclass(frozen=True)
class Brought:
    """An import at its end."""

    outcome: Import
    refused: list[RefusedImportRow]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Created, updated, unchanged, refused."""
        it = self.outcome
        return it.created, it.updated, it.unchanged, it.refused


class Killed(Exception):
    """The process dies here."""


async def bring(
    shop: Any,
    folder: Path,
    noun: str,
    content: bytes,
    columns: dict[str, str] | None = None,
    *,
    dry_run: bool = False,
    killed_after: int | None = None,
) -> Brought:
    """Put a file in; `killed_after` so many rows the process dies and another one goes on."""
    table, name = read_table(content), token_hex(4)
    child.write(table, folder / f"{name}.rows")
    async with shop.begin() as session:
        made = await begin_import(
            session, noun_of(noun), child.head(folder / f"{name}.rows"), file=name, filename="file.csv",
            shop_id=shop.shop, user_id=shop.anna, purchases=True,
        )  # fmt: skip
        if columns is not None:
            await set_columns(session, made.id, columns)
        await start(session, made.id, dry_run=dry_run, here=killed_after is not None, at=shop.noon)
    if killed_after is not None:

        def die(done: int) -> None:
            if done >= killed_after:
                raise Killed

        try:
            await worker.perform(shop.db, made, folder, now=lambda: shop.noon, told=die)
        except Killed:
            pass
    later = shop.noon + worker.SILENT * 2 if killed_after is not None else shop.noon
    assert await worker.work_once(shop.db, folder, now=lambda: later)
    async with shop.begin() as session:
        return Brought(await get_import(session, made.id), await refused_rows(session, made.id))
