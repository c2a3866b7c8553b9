"""Sources of imports as tables: an address with its schedule, and every time it was fetched."""

from datetime import datetime, time
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Flag, Id, Version, one_of
from crm_core.errors import Conflict
from crm_core.exchange.schedule import Schedule
from crm_core.shop import Shop


class RunState(StrEnum):
    """Where a run is: asked for, fetching, waiting for somebody to look at the columns, being put in, ended."""

    WAITING = "waiting"
    FETCHING = "fetching"
    LOOK = "look"
    PUTTING = "putting"
    DONE = "done"
    UNCHANGED = "unchanged"
    LEFT = "left"
    FAILED = "failed"


AT_WORK = (RunState.WAITING, RunState.FETCHING, RunState.PUTTING)
_AT_WORK = text("state IN ('waiting', 'fetching', 'putting')")


class ImportSource(Base):
    """A file at an address that is put in again and again. `columns`: None until somebody looked at the first one.

    `etag`, `modified`, `digest`: what was put in last. `told_id` learns of trouble, by the task `task_id`.
    """

    __tablename__ = "import_sources"
    __table_args__ = (
        UniqueConstraint("name"),
        CheckConstraint("every_hours BETWEEN 1 AND 168", name="hours_possible"),
        CheckConstraint("num_nonnulls(every_hours, daily_at) < 2", name="one_schedule"),
        Index("ix_import_sources_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    id: Mapped[Id]
    name: Mapped[str]
    noun: Mapped[str]
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    warehouse_id: Mapped[int | None] = mapped_column(ForeignKey("warehouses.id"))
    url: Mapped[str]
    username: Mapped[str | None]
    password: Mapped[str | None]
    every_hours: Mapped[int | None]
    daily_at: Mapped[time | None]
    due_at: Mapped[datetime | None]
    columns: Mapped[dict[str, Any] | None]
    purchases: Mapped[Flag]
    etag: Mapped[str | None]
    modified: Mapped[str | None]
    digest: Mapped[str | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    told_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("tasks.id"))
    version: Mapped[Version]

    @property
    def schedule(self) -> Schedule:
        """When it is fetched by itself."""
        return Schedule(self.every_hours, self.daily_at)

    @property
    def has_password(self) -> bool:
        """Is one kept? What it is, nobody is told."""
        return self.password is not None


class ImportRun(Base):
    """One time a source was fetched, by the schedule or by `asked_by`; `anew`: even if it has not changed."""

    __tablename__ = "import_runs"
    __table_args__ = (
        one_of("state", RunState),
        Index("ix_import_runs_source", "source_id", "id"),
        Index("uq_import_runs_at_work", "source_id", unique=True, postgresql_where=_AT_WORK),
        Index("ix_import_runs_import", "import_id"),
    )

    id: Mapped[Id]
    source_id: Mapped[int] = mapped_column(ForeignKey("import_sources.id", ondelete="CASCADE"))
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    anew: Mapped[Flag]
    state: Mapped[str]
    import_id: Mapped[int | None] = mapped_column(ForeignKey("imports.id", ondelete="SET NULL"))
    size: Mapped[int | None]
    etag: Mapped[str | None]
    modified: Mapped[str | None]
    digest: Mapped[str | None]
    created: Mapped[int] = mapped_column(server_default="0", default=0)
    updated: Mapped[int] = mapped_column(server_default="0", default=0)
    unchanged: Mapped[int] = mapped_column(server_default="0", default=0)
    refused: Mapped[int] = mapped_column(server_default="0", default=0)
    error: Mapped[str | None]
    heard_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


async def is_at_work(session: AsyncSession, source_id: int, *, besides: int | None = None) -> bool:
    """Is it being fetched or put in? The caller holds the source's lock."""
    busy = select(ImportRun.id).where(ImportRun.source_id == source_id, ImportRun.state.in_(AT_WORK))
    return await session.scalar(busy.where(ImportRun.id != (besides or 0)).limit(1)) is not None


async def put_in_begins(
    session: AsyncSession,
    import_id: int,
    *,
    columns: dict[str, Any],
    warehouse_id: int | None,
    at: datetime,
) -> None:
    """A fetched file is put in: its source keeps the columns, and is fetched on its schedule from now on.

    Raises `Conflict` while another fetch of the source is at work.
    """
    run = await session.scalar(select(ImportRun).where(ImportRun.import_id == import_id).with_for_update())
    if run is None:
        return
    source = await session.get_one(ImportSource, run.source_id, with_for_update=True)
    if await is_at_work(session, source.id, besides=run.id):
        raise Conflict(f"{source.name} is being fetched; wait until that is put in.")
    shop = await session.get_one(Shop, source.shop_id)
    source.columns, source.warehouse_id = dict(columns), warehouse_id
    source.due_at = source.due_at or source.schedule.next_after(at, shop.timezone)
    run.state, run.error, run.ended_at = RunState.PUTTING, None, None
