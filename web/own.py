"""What "own" means for calls, as conditions of a query."""

from sqlalchemy import ColumnElement, false, true

from crm_core.read.own import talked_in as talked_in
from crm_core.read.own import took_part as took_part
from web.rights import Scope


def within(scope: Scope, own: ColumnElement[bool]) -> ColumnElement[bool]:
    """`own` as a condition for OWN; no condition for ALL; nothing for the rest (teams do not exist yet)."""
    if scope is Scope.ALL:
        return true()
    return own if scope in (Scope.OWN, Scope.TEAM) else false()
