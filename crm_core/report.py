"""Reports that somebody keeps, shares and has sent."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, Texts, Version, one_of
from crm_core.errors import Conflict, Forbidden, Invalid, NotFound
from crm_core.user import User


class Shared(StrEnum):
    """Who sees a kept report besides its owner. Its numbers are those that the reader may see."""

    ME = "me"
    TEAM = "team"
    ALL = "all"


class Every(StrEnum):
    """How often a report is sent, and over which time a goal runs."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Format(StrEnum):
    """As what a report is sent."""

    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"


class Report(Base):
    """`spec`: what is asked for, as the address of the page says it."""

    __tablename__ = "reports"
    __table_args__ = (UniqueConstraint("user_id", "name"), one_of("shared", Shared))

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    shared: Mapped[str]
    name: Mapped[str]
    spec: Mapped[dict[str, Any]]
    version: Mapped[Version]


class ReportMail(Base):
    """A report that is sent, with the eyes of `user_id`. `hour` on the shop's clock; `failed`: why the last one was not
    sent, after so many `tries`."""

    __tablename__ = "report_mails"
    __table_args__ = (
        UniqueConstraint("report_id", "user_id"),
        one_of("every", Every),
        one_of("format", Format),
        CheckConstraint("hour BETWEEN 0 AND 23", name="hour_sane"),
    )

    id: Mapped[Id]
    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    recipients: Mapped[Texts]
    every: Mapped[str]
    hour: Mapped[int]
    format: Mapped[str]
    next_at: Mapped[datetime] = mapped_column(index=True)
    sent_at: Mapped[datetime | None]
    failed: Mapped[str | None]
    tries: Mapped[int] = mapped_column(server_default="0", default=0)


MOST = 100
"""Reports that one person can keep."""


async def list_reports(session: AsyncSession, user_id: int) -> Sequence[Report]:
    """The reports that this person sees: his own, those of his team, those of the house; by name."""
    team = select(User.team_id).where(User.id == user_id).scalar_subquery()
    mates = select(User.id).where(User.team_id == team)
    seen = or_(
        Report.user_id == user_id,
        Report.shared == Shared.ALL,
        and_(Report.shared == Shared.TEAM, Report.user_id.in_(mates)),
    )
    return (await session.scalars(select(Report).where(seen).order_by(Report.name, Report.id))).all()


async def get_report(session: AsyncSession, report_id: int, *, user_id: int) -> Report:
    """A report that this person sees. Raises `NotFound`."""
    seen = await list_reports(session, user_id)
    found = next((it for it in seen if it.id == report_id), None)
    if found is None:
        raise NotFound("There is no such report.")
    return found


async def keep_report(
    session: AsyncSession, *, user_id: int, name: str, spec: Mapping[str, Any], shared: Shared
) -> Report:
    """Keep what is asked for under a name; the same name again keeps the new one.

    Raises `Invalid` without a name, `Conflict` for too many.
    """
    name = name.strip()
    if not name:
        raise Invalid("A report needs a name.", "name")
    own = Report.user_id == user_id
    report = await session.scalar(select(Report).where(own, Report.name == name))
    if report is None:
        if (await session.scalar(select(func.count()).select_from(Report).where(own)) or 0) >= MOST:
            raise Conflict(f"{MOST} reports are enough; remove one first.")
        report = Report(user_id=user_id, name=name, version=0)
    report.spec, report.shared, report.version = dict(spec), shared, report.version + 1
    session.add(report)
    await session.flush()
    return report


async def remove_report(session: AsyncSession, report_id: int, *, user_id: int) -> Report:
    """Forget a report of one's own, and send it no more. Raises `NotFound`, `Forbidden` for a colleague's."""
    report = await get_report(session, report_id, user_id=user_id)
    if report.user_id != user_id:
        raise Forbidden("This report is a colleague's; only he can remove it.")
    await session.delete(report)
    await session.flush()
    return report
