"""What "own" means for calls, as conditions of a query."""

from sqlalchemy import ColumnElement, exists, false, or_, true

from crm_core.call import Call, CallLeg
from web.rights import Scope


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


def within(scope: Scope, own: ColumnElement[bool]) -> ColumnElement[bool]:
    """`own` as a condition for OWN; no condition for ALL; nothing for the rest (teams do not exist yet)."""
    if scope is Scope.ALL:
        return true()
    return own if scope in (Scope.OWN, Scope.TEAM) else false()
