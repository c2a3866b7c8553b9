"""What "own" means for calls, as conditions of a query."""

from sqlalchemy import ColumnElement, true
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.read.own import talked_in, took_part
from crm_core.read.phrases import tagged
from web.rights import HEAR_RECORDINGS, Person, Right, Scope


def within(who: Person, right: Right) -> ColumnElement[bool]:
    """The calls that `right` reaches: for hearing those one talked in, for the rest those one took part in."""
    if who.scope(right) is Scope.ALL:
        return true()
    condition = talked_in if right.object == "recordings" else took_part
    return condition(who.circle(right))


async def with_tag(session: AsyncSession, who: Person, tag_id: int | None) -> ColumnElement[bool] | None:
    """The calls with this tag that this person may hear, for a tag tells what was said; None when none is asked for."""
    return None if tag_id is None else within(who, HEAR_RECORDINGS) & await tagged(session, tag_id)
