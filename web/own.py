"""What "own" means for calls, as conditions of a query."""

from sqlalchemy import ColumnElement, and_, true
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call_talk import Manner, talked_so
from crm_core.read.own import talked_in, took_part
from crm_core.read.phrases import tagged
from web.rights import HEAR_RECORDINGS, Person, Right, Scope


def within(who: Person, right: Right) -> ColumnElement[bool]:
    """The calls that `right` reaches: for hearing those one talked in, for the rest those one took part in."""
    if who.scope(right) is Scope.ALL:
        return true()
    condition = talked_in if right.object == "recordings" else took_part
    return condition(who.circle(right))


async def heard_so(
    session: AsyncSession, who: Person, tag_id: int | None, manner: Manner | None = None
) -> ColumnElement[bool] | None:
    """The calls with this tag, and talked in this manner, that this person may hear: both tell of what was said. None
    when neither is asked for."""
    conditions = [] if tag_id is None else [await tagged(session, tag_id)]
    conditions += [] if manner is None else [talked_so(manner)]
    return and_(within(who, HEAR_RECORDINGS), *conditions) if conditions else None
