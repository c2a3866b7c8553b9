"""What "own" means for calls, as conditions of a query on them."""

from sqlalchemy import ColumnElement, exists, false, func, or_

from crm_core.call import Call, CallLeg


def yes(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """`condition` as a column: false, not NULL, where a call has no operator."""
    return func.coalesce(condition, false())


def took_part(user_id: int) -> ColumnElement[bool]:
    """Calls that rang on the user's phone, that he talked in or that he started."""
    rang = exists().where(CallLeg.call_id == Call.id, CallLeg.user_id == user_id)
    return or_(Call.operator_id == user_id, Call.started_by == user_id, rang)


def talked_in(user_id: int) -> ColumnElement[bool]:
    """Calls the user talked in: a ring alone does not let him hear what a colleague said."""
    answered = exists().where(
        CallLeg.call_id == Call.id, CallLeg.user_id == user_id, CallLeg.answered_at.is_not(None)
    )
    return or_(Call.operator_id == user_id, answered)
