"""How long an operator may finish a call before the next: by queue, by operator, or for all."""

from collections.abc import Sequence

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id
from crm_core.errors import Invalid, NotFound
from crm_core.outbox import announce
from crm_core.user import get_user

TOPIC = "wrap_up_rule"
LONGEST_S = 3600


class WrapUpRule(Base):
    """Seconds of wrap-up after an answered queue call; 0: none. NULL in `queue` or `user_id`: every one."""

    __tablename__ = "wrap_up_rules"
    __table_args__ = (
        UniqueConstraint("queue", "user_id", postgresql_nulls_not_distinct=True),
        CheckConstraint(f"seconds BETWEEN 0 AND {LONGEST_S}", name="seconds_sane"),
        CheckConstraint("queue <> ''", name="queue_not_empty"),
    )

    id: Mapped[Id]
    queue: Mapped[str | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    seconds: Mapped[int]


async def list_wrap_up_rules(session: AsyncSession) -> Sequence[WrapUpRule]:
    """All rules, the general ones first."""
    order = (
        WrapUpRule.queue.is_not(None),
        WrapUpRule.user_id.is_not(None),
        WrapUpRule.queue,
        WrapUpRule.user_id,
    )
    return (await session.scalars(select(WrapUpRule).order_by(*order))).all()


async def set_wrap_up_rule(
    session: AsyncSession, *, seconds: int, queue: str | None = None, user_id: int | None = None
) -> WrapUpRule:
    """Say how long, in the place of what was said for the same. Raises `Invalid`, `NotFound`."""
    if not 0 <= seconds <= LONGEST_S:
        raise Invalid(f"A wrap-up lasts 0 (none) to {LONGEST_S} seconds.", "seconds")
    if user_id is not None:
        await get_user(session, user_id)
    queue = (queue or "").strip() or None
    same = (WrapUpRule.queue.is_not_distinct_from(queue), WrapUpRule.user_id.is_not_distinct_from(user_id))
    rule = await session.scalar(select(WrapUpRule).where(*same).with_for_update())
    if rule is None:
        rule = WrapUpRule(queue=queue, user_id=user_id, seconds=seconds)
        session.add(rule)
    rule.seconds = seconds
    await session.flush()
    await announce(session, TOPIC, {"id": rule.id})
    return rule


async def remove_wrap_up_rule(session: AsyncSession, rule_id: int) -> None:
    """Take a rule away. Raises `NotFound`."""
    rule = await session.get(WrapUpRule, rule_id)
    if rule is None:
        raise NotFound(f"There is no wrap-up rule {rule_id}.")
    await session.delete(rule)
    await announce(session, TOPIC, {"id": rule_id})


def wrap_up_seconds(rules: Sequence[WrapUpRule], queue: str, user_id: int) -> int:
    """Return the seconds that count: of him in this queue, else of him, else of the queue, else of all; else 0."""
    for wanted in ((queue, user_id), (None, user_id), (queue, None), (None, None)):
        for rule in rules:
            if (rule.queue, rule.user_id) == wanted:
                return rule.seconds
    return 0
