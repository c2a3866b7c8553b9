"""What "own" means for calls, as conditions of a query on them."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, exists, false, func, or_

from crm_core.call import Call, CallLeg

People = int | Collection[int]
"""One user, or the users of a team whose calls count as one's own."""


def yes(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """`condition` as a column: false, not NULL, where a call has no operator."""
    return func.coalesce(condition, false())


def took_part(people: People) -> ColumnElement[bool]:
    """Calls that rang on the phone of one of these people, that they talked in or that they started."""
    rang = exists().where(CallLeg.call_id == Call.id, _is(CallLeg.user_id, people))
    return or_(_is(Call.operator_id, people), _is(Call.started_by, people), rang)


def talked_in(people: People) -> ColumnElement[bool]:
    """Calls they talked in: a ring alone does not let anybody hear what a colleague said."""
    answered = exists().where(
        CallLeg.call_id == Call.id, _is(CallLeg.user_id, people), CallLeg.answered_at.is_not(None)
    )
    return or_(_is(Call.operator_id, people), answered)


def _is(column: SQLColumnExpression[Any], people: People) -> ColumnElement[bool]:
    return column == people if isinstance(people, int) else column.in_(people)
