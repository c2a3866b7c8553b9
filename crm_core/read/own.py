"""What "own" means for calls, as conditions of a query on them."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, false, func, or_, select, true

from crm_core.call import Call, CallLeg

People = int | Collection[int]
"""One user, or the users of a team whose calls count as one's own."""


def yes(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """`condition` as a column: false, not NULL, where a call has no operator."""
    return func.coalesce(condition, false())


def took_part(people: People) -> ColumnElement[bool]:
    """Calls that rang on the phone of one of these people, that they talked in or that they started."""
    return or_(_own(people), _leg(_is(CallLeg.user_id, people)))


def took_part_since(people: People, since: datetime | None) -> ColumnElement[bool]:
    """The same for a list of calls since then: their legs are read once, and not one call after the other."""
    legs = select(CallLeg.call_id).where(_is(CallLeg.user_id, people))
    if since is None:
        return or_(_own(people), Call.id.in_(legs))
    rang = or_(CallLeg.rang_at >= since, CallLeg.rang_at.is_(None))
    return (Call.started_at >= since) & or_(_own(people), Call.id.in_(legs.where(rang)))


def talked_in(people: People) -> ColumnElement[bool]:
    """Calls they talked in: a ring alone does not let anybody hear what a colleague said."""
    return or_(
        _is(Call.operator_id, people), _leg(_is(CallLeg.user_id, people), CallLeg.answered_at.is_not(None))
    )


def _own(people: People) -> ColumnElement[bool]:
    return or_(_is(Call.operator_id, people), _is(Call.started_by, people))


def _leg(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """The call has such a leg. One value and no EXISTS, for which the planner would read all legs of these people
    (a second at ten million calls) rather than the few of the calls shown."""
    return (
        select(true())
        .where(CallLeg.call_id == Call.id, *conditions)
        .limit(1)
        .correlate(Call)
        .scalar_subquery()
    )


def _is(column: SQLColumnExpression[Any], people: People) -> ColumnElement[bool]:
    return column == people if isinstance(people, int) else column.in_(people)
