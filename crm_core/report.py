"""Reports that somebody keeps, shares and has sent."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, Texts, Version, one_of


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
