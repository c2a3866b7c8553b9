"""Calls judged by scorecards: who gave what to whom, one appeal, and what became of it.

What a review says is one of two things: what its reviewer wrote, or what a colleague decided after the appeal; then the
appeal keeps what was written before. A review of a calibration is told to nobody and counts nowhere.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Never
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Numeric, UniqueConstraint, exists, select, text, true, union
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import Call, CallLeg
from crm_core.db import Base, Flag, Id, Version, one_of
from crm_core.errors import Conflict, Forbidden, Invalid, NotFound, Stale
from crm_core.notice import notify
from crm_core.review_task import ReviewCalibration, ReviewTask, finish_tasks
from crm_core.score import Mark, marks_of, score
from crm_core.scorecard import Scorecard, ScorecardEdition


class Outcome(StrEnum):
    """What became of an appeal."""

    UPHELD = "upheld"
    CHANGED = "changed"


class Review(Base):
    """What `reviewer_id` thinks of the work of `operator_id` in one call, by one edition of a card.

    `marks` as `crm_core.score.Mark`; `score` follows from them; `zeroed`: something critical was not fulfilled.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint(
            "call_id", "operator_id", "reviewer_id", "calibration_id", postgresql_nulls_not_distinct=True
        ),
        Index("ix_reviews_operator", "operator_id", text("reviewed_at DESC")),
        Index("ix_reviews_reviewed_at", text("reviewed_at DESC")),
        Index("ix_reviews_reviewer", "reviewer_id", text("reviewed_at DESC")),
    )

    id: Mapped[Id]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    operator_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    edition_id: Mapped[int] = mapped_column(ForeignKey("scorecard_editions.id"))
    calibration_id: Mapped[int | None] = mapped_column(
        ForeignKey("review_calibrations.id", ondelete="CASCADE")
    )
    marks: Mapped[list[dict[str, Any]]]
    score: Mapped[Decimal] = mapped_column(Numeric(4, 1))
    zeroed: Mapped[Flag]
    comment: Mapped[str]
    reviewed_at: Mapped[datetime]
    version: Mapped[Version]

    @property
    def given(self) -> list[Mark]:
        """Its marks."""
        return marks_of(self.marks)


class ReviewAppeal(Base):
    """The operator does not agree. `before`: marks, score and zeroed of the reviewer, where they were changed."""

    __tablename__ = "review_appeals"
    __table_args__ = (
        one_of("outcome", Outcome),
        Index("ix_review_appeals_open", "review_id", postgresql_where=text("decided_at IS NULL")),
    )

    review_id: Mapped[int] = mapped_column(
        ForeignKey("reviews.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    text: Mapped[str]
    appealed_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    answer: Mapped[str | None]
    before: Mapped[dict[str, Any] | None]


def address(review_id: int) -> str:
    """The page of a review."""
    return f"/reviews/{review_id}"


async def talked_in(session: AsyncSession, call_id: UUID) -> list[int]:
    """Who talked in the call, whoever talked last first: whose work can be judged."""
    legs = (CallLeg.call_id == call_id, CallLeg.answered_at.is_not(None), CallLeg.user_id.is_not(None))
    found = union(
        select(CallLeg.user_id).where(*legs),
        select(Call.operator_id).where(Call.id == call_id, Call.operator_id.is_not(None)),
    )
    last = await session.scalar(select(Call.operator_id).where(Call.id == call_id))
    return sorted(await session.scalars(found), key=lambda id_: (id_ != last, id_))


async def give_review(
    session: AsyncSession,
    call_id: UUID,
    *,
    operator_id: int,
    reviewer_id: int,
    edition_id: int,
    marks: Sequence[Mark],
    comment: str,
    at: datetime,
    calibration_id: int | None = None,
) -> Review:
    """Judge a call; the operator is told, and it is off the lists of what is to be reviewed.

    Raises `Invalid` for marks that do not fit and for somebody who did not talk in the call, `Forbidden` for one's own
    work, `Conflict` when one did so before and for a card that is not used any more.
    """
    if operator_id == reviewer_id:
        raise Forbidden("Nobody reviews his own work.")
    if operator_id not in await talked_in(session, call_id):
        raise Invalid("This colleague did not talk in this call.", "operator_id")
    if calibration_id is None:
        edition = await edition_in_use(session, edition_id)
    else:
        edition = await _edition_of(session, calibration_id, (call_id, operator_id, edition_id), reviewer_id)
    points = score(edition.asked, marks)
    values = {
        "call_id": call_id,
        "operator_id": operator_id,
        "reviewer_id": reviewer_id,
        "edition_id": edition_id,
        "calibration_id": calibration_id,
        "marks": _kept(marks),
        "score": points.points,
        "zeroed": points.zeroed,
        "comment": comment.strip(),
        "reviewed_at": at,
    }
    made = insert(Review).values(**values).on_conflict_do_nothing().returning(Review)
    review: Review | None = (await session.scalars(made)).one_or_none()
    if review is None:
        raise Conflict("You have reviewed this call already.")
    await finish_tasks(session, review.id, call_id, operator_id, reviewer_id, calibration_id)
    if calibration_id is None:
        said = f"A call of yours was reviewed: {review.score} of 100."
        await notify(session, [operator_id], said, address=address(review.id))
    return review


async def change_review(
    session: AsyncSession,
    review_id: int,
    *,
    user_id: int,
    version: int,
    marks: Sequence[Mark],
    comment: str,
    at: datetime,
) -> Review:
    """Mark otherwise, as long as there is no appeal. Raises `NotFound`, `Forbidden`, `Invalid`, `Conflict`, `Stale`."""
    review = await _locked(session, review_id, version)
    if review.reviewer_id != user_id:
        raise Forbidden("This is a colleague's review.")
    if await session.get(ReviewAppeal, review_id) is not None:
        raise Conflict("The operator has appealed: a colleague decides now.")
    was = review.score
    await _mark(session, review, marks)
    review.comment, review.reviewed_at = comment.strip(), at
    if review.calibration_id is None and review.score != was:
        said = f"A review of a call of yours was changed from {was} to {review.score} of 100."
        await notify(session, [review.operator_id], said, address=address(review.id))
    return review


async def appeal(
    session: AsyncSession,
    review_id: int,
    *,
    user_id: int,
    words: str,
    deciders: Collection[int],
    at: datetime,
) -> ReviewAppeal:
    """The operator does not agree: once. `deciders` are told. Raises `NotFound`, `Forbidden`, `Conflict`."""
    review = await session.get(Review, review_id, with_for_update=True)
    if review is None or review.calibration_id is not None:
        _nothing(review_id)
    if review.operator_id != user_id:
        raise Forbidden("Only whose call it was can appeal.")
    if await session.get(ReviewAppeal, review_id) is not None:
        raise Conflict("You have appealed already.")
    made = ReviewAppeal(review_id=review_id, text=words.strip(), appealed_at=at)
    session.add(made)
    await session.flush()
    await notify(session, deciders, "A review was appealed. Listen and decide.", address=address(review_id))
    return made


async def decide(
    session: AsyncSession,
    review_id: int,
    *,
    user_id: int,
    version: int,
    answer: str,
    marks: Sequence[Mark] | None,
    others: bool,
    at: datetime,
) -> ReviewAppeal:
    """Say what becomes of the appeal: without `marks` the review stands, else these hold from now on.

    `others`: somebody else than the reviewer could decide, so he may not. Raises `NotFound`, `Forbidden`, `Invalid`,
    `Conflict` when there is nothing to decide, `Stale`.
    """
    review = await _locked(session, review_id, version)
    kept = await session.get(ReviewAppeal, review_id, with_for_update=True)
    if kept is None or kept.decided_at is not None:
        raise Conflict("There is no appeal that waits for a decision.")
    if user_id == review.operator_id or (user_id == review.reviewer_id and others):
        raise Forbidden("Somebody else decides: neither whose call it was nor who reviewed it.")
    kept.outcome = Outcome.UPHELD if marks is None else Outcome.CHANGED
    if marks is not None:
        kept.before = {"marks": review.marks, "score": str(review.score), "zeroed": review.zeroed}
        await _mark(session, review, marks)
        if review.marks == kept.before["marks"]:
            raise Invalid("Nothing is different: then the review stands.", "marks")
    else:
        review.version += 1
    kept.decided_by, kept.decided_at, kept.answer = user_id, at, answer.strip()
    now = "stands" if marks is None else f"was changed from {(kept.before or {})['score']} to {review.score}"
    said = f"Your appeal was decided: the review {now}."
    told = {review.operator_id, review.reviewer_id} - {user_id}
    await notify(session, {review.operator_id}, said, address=address(review_id))
    if review.reviewer_id in told:
        said = f"An appeal against your review was decided: it {now}."
        await notify(session, {review.reviewer_id}, said, address=address(review_id))
    await session.flush()
    return kept


async def _mark(session: AsyncSession, review: Review, marks: Sequence[Mark]) -> None:
    edition = await session.get_one(ScorecardEdition, review.edition_id)
    points = score(edition.asked, marks)
    review.marks, review.score, review.zeroed = _kept(marks), points.points, points.zeroed
    review.version += 1


def _kept(marks: Sequence[Mark]) -> list[dict[str, Any]]:
    return [asdict(it) for it in sorted(marks, key=lambda it: it.key)]


async def edition_in_use(session: AsyncSession, edition_id: int) -> ScorecardEdition:
    """The text of a card that judges calls. Raises `Invalid`."""
    card = exists(select(true()).where(Scorecard.id == ScorecardEdition.scorecard_id, Scorecard.active))
    found = await session.scalar(select(ScorecardEdition).where(ScorecardEdition.id == edition_id, card))
    if found is None:
        raise Invalid("This scorecard is not used any more; choose another.", "edition_id")
    return found


async def _edition_of(
    session: AsyncSession, calibration_id: int, about: tuple[UUID, int, int], reviewer_id: int
) -> ScorecardEdition:
    """The text by which several judge this call, this reviewer among them. Raises `Invalid`."""
    it = await session.get(ReviewCalibration, calibration_id)
    asked = select(ReviewTask.id).where(
        ReviewTask.calibration_id == calibration_id, ReviewTask.reviewer_id == reviewer_id
    )
    if it is None or (it.call_id, it.operator_id, it.edition_id) != about or not await session.scalar(asked):
        raise Invalid("You were not asked to judge this call by this scorecard.", "calibration_id")
    return await session.get_one(ScorecardEdition, it.edition_id)


async def _locked(session: AsyncSession, review_id: int, version: int) -> Review:
    review = await session.get(Review, review_id, with_for_update=True)
    if review is None:
        _nothing(review_id)
    if review.version != version:
        raise Stale("This review was changed meanwhile; look again.", review.version)
    return review


def _nothing(review_id: int) -> Never:
    raise NotFound(f"There is no review {review_id}.")
