"""What each queue shall reach: the seconds of its service level, and what a short moment is."""

from collections.abc import Sequence

from sqlalchemy import CheckConstraint, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped

from crm_core.db import Base, Id
from crm_core.errors import Invalid, NotFound
from crm_core.figure.rules import Target

LONGEST_S, LONGEST_SHORT_S, MOST = 3600, 600, 200


class QueueTarget(Base):
    """Of one queue; NULL: of every queue that has none of its own."""

    __tablename__ = "queue_targets"
    __table_args__ = (
        UniqueConstraint("queue", postgresql_nulls_not_distinct=True),
        CheckConstraint("queue <> ''", name="queue_not_empty"),
        CheckConstraint(f"target_s BETWEEN 1 AND {LONGEST_S}", name="target_sane"),
        CheckConstraint(f"short_s BETWEEN 0 AND {LONGEST_SHORT_S}", name="short_sane"),
        CheckConstraint("goal BETWEEN 1 AND 100", name="goal_sane"),
    )

    id: Mapped[Id]
    queue: Mapped[str | None]
    target_s: Mapped[int]
    short_s: Mapped[int]
    goal: Mapped[int]

    @property
    def target(self) -> Target:
        return Target(self.target_s, self.short_s, self.goal)


async def list_targets(session: AsyncSession) -> Sequence[QueueTarget]:
    """What was said, the general one first."""
    order = (QueueTarget.queue.is_not(None), QueueTarget.queue)
    return (await session.scalars(select(QueueTarget).order_by(*order))).all()


async def load_targets(session: AsyncSession) -> dict[str | None, Target]:
    """What holds, by queue; None: of all others."""
    return {None: Target()} | {it.queue: it.target for it in await list_targets(session)}


async def set_target(session: AsyncSession, *, queue: str | None, target: Target) -> QueueTarget:
    """Say what a queue (None: every other) shall reach, in the place of what was said. Raises `Invalid`."""
    if not 1 <= target.target_s <= LONGEST_S:
        raise Invalid(f"The time to answer is 1 to {LONGEST_S} seconds.", "target_s")
    if not 0 <= target.short_s <= LONGEST_SHORT_S:
        raise Invalid(f"The short moment is 0 (none) to {LONGEST_SHORT_S} seconds.", "short_s")
    if not 1 <= target.goal <= 100:
        raise Invalid("The goal is 1 to 100 per cent.", "goal")
    queue = (queue or "").strip() or None
    known = await list_targets(session)
    row = next((it for it in known if it.queue == queue), None) or QueueTarget(queue=queue)
    if len(known) >= MOST and row.id is None:
        raise Invalid(f"There are {MOST} queues with a target already.", "queue")
    row.target_s, row.short_s, row.goal = target
    session.add(row)
    await session.flush()
    return row


async def remove_target(session: AsyncSession, target_id: int) -> None:
    """Let what holds for every queue hold for this one too. Raises `NotFound`."""
    row = await session.get(QueueTarget, target_id)
    if row is None:
        raise NotFound("This target is not there any more.")
    await session.delete(row)
    await session.flush()
