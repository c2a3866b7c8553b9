"""An import as it stands in the database: the file that came, what its columns mean, what became of its rows.

The rows lie in the folder of imports until they are put in. Work is done in small transactions, and how far it got is
written in the same one: a killed process leaves an import to the next one, which goes on at the very row.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, delete, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Flag, Id, Texts, one_of
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.exchange.child import Head
from crm_core.exchange.mapping import list_mappings
from crm_core.exchange.noun import Noun
from crm_core.exchange.nouns import noun_of
from crm_core.exchange.source_rows import put_in_begins
from crm_core.exchange.table import Form
from crm_core.shop import Shop
from crm_core.stock import Warehouse

SILENT = timedelta(seconds=60)  # an import whose worker was not heard so long is taken up by another
KEPT = timedelta(days=90)


class State(StrEnum):
    """Where an import is: looked at, waiting, being put in, at its end."""

    DRAFT = "draft"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


AT_WORK = (State.QUEUED, State.RUNNING)


class Import(Base):
    """One file. `columns`: heading -> field; `done` of `rows` are behind us, in this run or (`dry_run`) rehearsal."""

    __tablename__ = "imports"
    __table_args__ = (
        one_of("state", State),
        CheckConstraint("done BETWEEN 0 AND rows", name="done_within_rows"),
        Index("ix_imports_at_work", "id", postgresql_where=text("state IN ('queued', 'running')")),
    )

    id: Mapped[Id]
    noun: Mapped[str]
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"), index=True)
    warehouse_id: Mapped[int | None] = mapped_column(ForeignKey("warehouses.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    filename: Mapped[str]
    file: Mapped[str]
    form: Mapped[dict[str, Any]]
    headings: Mapped[Texts]
    columns: Mapped[dict[str, Any]]
    purchases: Mapped[Flag]
    rows: Mapped[int]
    state: Mapped[str]
    dry_run: Mapped[Flag]
    done: Mapped[int] = mapped_column(server_default="0", default=0)
    created: Mapped[int] = mapped_column(server_default="0", default=0)
    updated: Mapped[int] = mapped_column(server_default="0", default=0)
    unchanged: Mapped[int] = mapped_column(server_default="0", default=0)
    refused: Mapped[int] = mapped_column(server_default="0", default=0)
    error: Mapped[str | None]
    heard_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    @property
    def plug(self) -> Noun:
        """What its rows are."""
        return noun_of(self.noun)

    @property
    def came_as(self) -> Form:
        """In which form the file came."""
        return Form(**self.form)

    def rows_in(self, folder: Path) -> Path:
        """Where its rows lie."""
        return folder / f"{self.file}.rows"


class RefusedImportRow(Base):
    """A row that was not put in, as it came, and why."""

    __tablename__ = "import_refused_rows"
    __table_args__ = (Index("ix_import_refused_rows_place", "import_id", "place"),)

    id: Mapped[Id]
    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"))
    place: Mapped[int]
    reason: Mapped[str]
    cells: Mapped[dict[str, Any]]


async def begin_import(
    session: AsyncSession,
    noun: Noun,
    head: Head,
    *,
    file: str,
    filename: str,
    shop_id: int,
    user_id: int | None,
    purchases: bool,
) -> Import:
    """Keep a file that was read; its columns are told by their headings, or by a mapping that knows them all.

    `purchases`: this person may say what goods cost us. Raises `Invalid` for an unknown shop.
    """
    if await session.get(Shop, shop_id) is None:
        raise Invalid(f"There is no shop {shop_id}.", "shop_id")
    made = Import(
        noun=noun.name, shop_id=shop_id, user_id=user_id, filename=filename[:200], file=file,
        form={"kind": head.form.kind, "delimiter": head.form.delimiter, "encoding": head.form.encoding},
        headings=head.columns, columns=noun.guess(head.columns), rows=head.rows, state=State.DRAFT,
        purchases=purchases,
    )  # fmt: skip
    kept = [dict(it.columns) for it in await list_mappings(session, noun.name)]
    fitting = [it for it in kept if set(it) <= set(head.columns)]
    made.columns = _allowed(made, max([made.columns, *fitting], key=len))
    session.add(made)
    await session.flush()
    return made


async def get_import(session: AsyncSession, import_id: int, *, lock: bool = False) -> Import:
    """The import. Raises `NotFound`."""
    found = await session.get(Import, import_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise NotFound("There is no such import.")
    return found


async def set_columns(session: AsyncSession, import_id: int, columns: Mapping[str, str]) -> Import:
    """Say what its columns mean. Raises `NotFound`, `Invalid`, `Conflict` when it is at work or was put in."""
    found = await get_import(session, import_id, lock=True)
    _must_wait(found)
    found.plug.check(columns, found.headings)
    hidden = set(columns.items()) - set(_allowed(found, columns).items())
    if hidden:
        raise Invalid(f"You may not say what goods cost us: {min(hidden)[0][:60]}.", "columns")
    found.columns = dict(columns)
    return found


async def start(
    session: AsyncSession,
    import_id: int,
    *,
    dry_run: bool,
    at: datetime,
    warehouse_id: int | None = None,
    here: bool = False,
) -> Import:
    """Let it be put in, or (`dry_run`) rehearsed; `here`: by whoever asks, beginning now.

    Raises `NotFound`, `Invalid`, `Conflict`.
    """
    found = await get_import(session, import_id, lock=True)
    _must_wait(found)
    found.plug.check(found.columns, found.headings)
    if warehouse_id is not None:
        warehouse = await session.get(Warehouse, warehouse_id)
        if warehouse is None or warehouse.shop_id != found.shop_id:
            raise Invalid("The shop has no such warehouse.", "warehouse_id")
    found.state = State.RUNNING if here else State.QUEUED
    found.dry_run, found.warehouse_id = dry_run, warehouse_id
    found.done = found.created = found.updated = found.unchanged = found.refused = 0
    found.error, found.heard_at, found.ended_at = None, at if here else None, None
    await session.execute(delete(RefusedImportRow).where(RefusedImportRow.import_id == found.id))
    if not dry_run:
        await put_in_begins(session, found.id, columns=found.columns, warehouse_id=warehouse_id, at=at)
    return found


async def stop(session: AsyncSession, import_id: int, *, at: datetime) -> Import:
    """Leave it where it is; what was put in stays. Raises `NotFound`, `Conflict`."""
    found = await get_import(session, import_id, lock=True)
    if found.state not in AT_WORK:
        raise Conflict("This import is not at work.")
    found.state, found.ended_at = State.STOPPED, at
    return found


async def take_next(session: AsyncSession, *, at: datetime) -> Import | None:
    """The oldest import that waits, or whose worker is silent; it is this process's from now on."""
    waits = or_(
        Import.state == State.QUEUED, (Import.state == State.RUNNING) & (Import.heard_at < at - SILENT)
    )
    query = select(Import).where(waits).order_by(Import.id).limit(1).with_for_update(skip_locked=True)
    found: Import | None = await session.scalar(query)
    if found is not None:
        found.state, found.heard_at = State.RUNNING, at
    return found


async def refused_rows(
    session: AsyncSession, import_id: int, *, limit: int | None = None
) -> list[RefusedImportRow]:
    """The rows that were not put in, in the order of the file."""
    rows = select(RefusedImportRow).where(RefusedImportRow.import_id == import_id)
    return list(
        await session.scalars(rows.order_by(RefusedImportRow.place, RefusedImportRow.id).limit(limit))
    )


async def forget_imports(session: AsyncSession, folder: Path, *, before: datetime) -> None:
    """Remove imports that nobody needs any more, and their files."""
    old = delete(Import).where(Import.created_at < before, Import.state.not_in(AT_WORK))
    for (file,) in await session.execute(old.returning(Import.file)):
        for path in _files(folder, file):
            path.unlink(missing_ok=True)


async def fail(session: AsyncSession, import_id: int, why: str, *, at: datetime) -> None:
    """It can not go on; what was put in stays."""
    ended = {"state": State.FAILED, "error": why[:500], "ended_at": at}
    await session.execute(
        update(Import).where(Import.id == import_id, Import.state == State.RUNNING).values(ended)
    )


def _must_wait(found: Import) -> None:
    if found.state in AT_WORK:
        raise Conflict("This import is at work.")
    if found.state == State.DONE and not found.dry_run:
        raise Conflict("This file was put in already; upload it again.")


def _allowed(found: Import, columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns without purchase prices where these must not be said."""
    hidden = {it.name for it in found.plug.fields if it.purchase and not found.purchases}
    return {heading: meaning for heading, meaning in columns.items() if meaning not in hidden}


def _files(folder: Path, file: str) -> Iterator[Path]:
    yield from (folder / f"{file}{end}" for end in ("", ".rows", ".part"))
