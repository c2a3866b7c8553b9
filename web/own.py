"""What "own" means for calls, as conditions of a query."""

from sqlalchemy import ColumnElement, true

from crm_core.read.own import talked_in, took_part
from web.rights import Person, Right, Scope


def within(who: Person, right: Right) -> ColumnElement[bool]:
    """The calls that `right` reaches: for hearing those one talked in, for the rest those one took part in."""
    if who.scope(right) is Scope.ALL:
        return true()
    condition = talked_in if right.object == "recordings" else took_part
    return condition(who.circle(right))
