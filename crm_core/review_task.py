"""What is to be reviewed: calls that a rule drew, and calls that several judge to compare how they judge."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    or_,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Flag, Id, Version, one_of


class Pick(StrEnum):
    """Which of the calls that fit are drawn."""

    RANDOM = "random"
    LONG_WITHOUT_ORDER = "long_without_order"  # the longest of those with which no order is linked


class ReviewRule(Base):
    """So many calls of every operator a week shall be reviewed. None, empty: whatever line, outcome, tag, team.

    `reviewers`: who reviews them, in turn; nobody named: whoever may. `drawn_week`: the Monday of the week drawn last.
    """

    __tablename__ = "review_rules"
    __table_args__ = (
        one_of("pick", Pick),
        CheckConstraint("per_operator BETWEEN 1 AND 50", name="per_operator_range"),
    )

    id: Mapped[Id]
    name: Mapped[str]
    scorecard_id: Mapped[int] = mapped_column(ForeignKey("scorecards.id"))
    per_operator: Mapped[int]
    min_talk_s: Mapped[int]
    pick: Mapped[str]
    line_id: Mapped[int | None] = mapped_column(ForeignKey("lines.id", ondelete="CASCADE"))
    outcome: Mapped[str | None]
    tag_id: Mapped[int | None] = mapped_column(ForeignKey("phrase_tags.id", ondelete="CASCADE"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    reviewers: Mapped[Sequence[int]] = mapped_column(ARRAY(BigInteger), server_default="{}", default=list)
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    drawn_week: Mapped[date | None]
    version: Mapped[Version]


class ReviewCalibration(Base):
    """One call that several judge by the same text, each without seeing the others."""

    __tablename__ = "review_calibrations"

    id: Mapped[Id]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    operator_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    edition_id: Mapped[int] = mapped_column(ForeignKey("scorecard_editions.id"))
    made_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class ReviewTask(Base):
    """One call that waits for its review. `reviewer_id` None: whoever may; done by `review_id`, or left out."""

    __tablename__ = "review_tasks"
    __table_args__ = (
        UniqueConstraint("rule_id", "call_id", "operator_id"),
        UniqueConstraint("calibration_id", "reviewer_id"),
        CheckConstraint("num_nonnulls(rule_id, calibration_id) <= 1", name="one_cause"),
        Index(
            "ix_review_tasks_open",
            "reviewer_id",
            postgresql_where=text("review_id IS NULL AND skipped_at IS NULL"),
        ),
        Index("ix_review_tasks_call", "call_id"),
        Index("ix_review_tasks_week", "week"),
    )

    id: Mapped[Id]
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("review_rules.id", ondelete="SET NULL"))
    calibration_id: Mapped[int | None] = mapped_column(
        ForeignKey("review_calibrations.id", ondelete="CASCADE")
    )
    week: Mapped[date | None]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    operator_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    reviewer_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    scorecard_id: Mapped[int] = mapped_column(ForeignKey("scorecards.id"))
    review_id: Mapped[int | None] = mapped_column(ForeignKey("reviews.id", ondelete="SET NULL"))
    skipped_at: Mapped[datetime | None]
    skipped_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    skip_reason: Mapped[str | None]


async def finish_tasks(
    session: AsyncSession,
    review_id: int,
    call_id: UUID,
    operator_id: int,
    reviewer_id: int,
    calibration_id: int | None,
) -> None:
    """This review does what was asked for: of a calibration one's own part, else what any rule drew."""
    whose = or_(ReviewTask.calibration_id.is_(None), ReviewTask.reviewer_id == reviewer_id)
    await session.execute(
        update(ReviewTask)
        .where(
            ReviewTask.call_id == call_id,
            ReviewTask.operator_id == operator_id,
            ReviewTask.calibration_id.is_not_distinct_from(calibration_id),
            ReviewTask.review_id.is_(None),
            ReviewTask.skipped_at.is_(None),
            whose,
        )
        .values(review_id=review_id)
    )
