"""Rules of what is to be reviewed: how many calls of every operator a week, of which, and by whom."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Conflict, Invalid, NotFound, Stale
from crm_core.line import Line
from crm_core.outcome import choices
from crm_core.phrase_tag import PhraseTag
from crm_core.review_task import ReviewRule
from crm_core.scorecard import Scorecard
from crm_core.team import Team
from crm_core.user import User

_REFERS = {"scorecard_id": Scorecard, "line_id": Line, "tag_id": PhraseTag, "team_id": Team}


async def list_rules(session: AsyncSession) -> Sequence[ReviewRule]:
    """Every rule by its name."""
    return (await session.scalars(select(ReviewRule).order_by(ReviewRule.name, ReviewRule.id))).all()


async def create_rule(session: AsyncSession, **given: Any) -> ReviewRule:
    """Make a rule. Raises `Invalid`, `Conflict` for a name in use."""
    rule = ReviewRule()
    await _fill(session, rule, given)
    session.add(rule)
    await session.flush()
    return rule


async def update_rule(session: AsyncSession, rule_id: int, *, version: int, **given: Any) -> ReviewRule:
    """Change what is given; what was drawn stays drawn. Raises `NotFound`, `Invalid`, `Conflict`, `Stale`."""
    rule = await _rule(session, rule_id)
    if rule.version != version:
        raise Stale("Somebody changed this rule meanwhile; look again.", rule.version)
    with session.no_autoflush:
        await _fill(session, rule, given)
    rule.version += 1
    await session.flush()
    return rule


async def remove_rule(session: AsyncSession, rule_id: int) -> ReviewRule:
    """Draw by it no more; what was drawn stays to be reviewed. Raises `NotFound`."""
    rule = await _rule(session, rule_id)
    await session.delete(rule)
    return rule


async def _rule(session: AsyncSession, rule_id: int) -> ReviewRule:
    rule = await session.get(ReviewRule, rule_id, with_for_update=True)
    if rule is None:
        raise NotFound(f"There is no such rule {rule_id}.")
    return rule


async def _fill(session: AsyncSession, rule: ReviewRule, given: dict[str, Any]) -> None:
    for name, value in given.items():
        setattr(rule, name, value)
    rule.name = " ".join(rule.name.split())
    same = select(ReviewRule.id).where(func.lower(ReviewRule.name) == rule.name.lower())
    if await session.scalar(same) not in (None, rule.id):
        raise Conflict(f"There is already a rule {rule.name!r}.")
    for name, table in _REFERS.items():
        if (id_ := getattr(rule, name)) is not None and await session.get(table, id_) is None:
            raise Invalid("What the rule names is not there any more; choose another.", name)
    if rule.outcome is not None and rule.outcome not in await choices(session):
        raise Invalid("There is no such outcome to choose.", "outcome")
    rule.reviewers = sorted(set(rule.reviewers or ()))
    works = select(func.count()).where(User.id.in_(rule.reviewers), User.active)
    if await session.scalar(works) != len(rule.reviewers):
        raise Invalid("One of these colleagues does not work here any more.", "reviewers")
