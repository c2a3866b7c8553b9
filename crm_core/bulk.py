"""Changing many things at once, and taking it back: what was before is kept row by row.

Each row is a transaction of its own, so nobody waits for the whole, and one that is refused keeps its reason and
stays as it was. Taken back is a row that still is what the act made of it; one that somebody set to something else
since is left alone, and said.

Out:     `Done`: how many were changed, which were refused and why
Raises:  `NotFound`, `Invalid` for an act that can not be at all, `Conflict` for one that was taken back already
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import audit, notice
from crm_core.bulk_rows import (
    CHANGED_SINCE,
    BulkRow,
    By,
    Chosen,
    Done,
    begin,
    close,
    finish,
    rows_of,
    told_of,
)
from crm_core.db import Database
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.outage import is_collision

MOST = 1000  # rows of one act, where each follows rules of its own


class Noun(Protocol):
    """What can be changed many at once."""

    @property
    def name(self) -> str: ...

    async def find(self, session: AsyncSession, id_: int) -> Any:
        """The locked object. Raises `NotFound`."""

    def title(self, it: Any) -> str:
        """What people call it."""

    async def facts(self, session: AsyncSession, it: Any, wanted: Collection[str]) -> dict[str, Any]:
        """What `wanted` is about, as JSON; what else follows from it under names that begin with "_"."""

    async def change(
        self, session: AsyncSession, it: Any, version: int | None, wanted: Mapping[str, Any], by: By
    ) -> None:
        """Do it by the noun's own rules. Raises `Conflict`, `Invalid`."""

    async def back(
        self,
        session: AsyncSession,
        it: Any,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        by: By,
    ) -> None:
        """Let it be as it was before, with what followed."""


async def change_many(
    db: Database,
    noun: Noun,
    chosen: Sequence[Chosen],
    wanted: Mapping[str, Any],
    *,
    said: str,
    by: By,
    seen: Collection[int],
) -> Done:
    """Change the rows that are among `seen` (what this person may change), each by its own rules."""
    act_id = await begin(db, noun.name, wanted, said, by, rows=len(chosen), most=MOST)
    changed = 0
    with notice.gathered() as told:
        for id_, version in sorted(set(chosen)):
            changed += await _one(db, noun, act_id, id_, version, wanted, by, known=id_ in seen)
    async with db.begin() as session:
        await _tell(session, told, noun.name)
    return await finish(db, act_id, changed)


async def _one(
    db: Database,
    noun: Noun,
    act_id: int,
    id_: int,
    version: int | None,
    wanted: Mapping[str, Any],
    by: By,
    *,
    known: bool,
) -> bool:
    """One row in a transaction of its own: whether it is another now. What is as it should be is not counted."""
    title = f"{id_}"
    try:
        if not known:
            raise NotFound("There is no such thing for you here.")
        async with db.begin() as session:
            it = await noun.find(session, id_)
            title = noun.title(it)
            before = await noun.facts(session, it, wanted)
            await noun.change(session, it, version, wanted, by)
            await session.flush()
            after = await noun.facts(session, it, wanted)
            if before == after:
                return False
            row = BulkRow(act_id=act_id, object_id=id_, title=title, before=before, after=after)
            session.add(row)
            await _note(session, noun, id_, sorted(wanted), act_id, by)
            return True
    except (NotFound, Conflict, Invalid, DBAPIError) as refusal:
        why = _why(refusal)
        async with db.begin() as session:
            session.add(BulkRow(act_id=act_id, object_id=id_, title=title, refused=why))
        return False


def _why(refusal: Exception) -> str:
    """A refusal in words; raises what is none."""
    if isinstance(refusal, DBAPIError):
        if not is_collision(refusal):
            raise refusal
        return "a colleague was changing it in the same moment; try again"
    return str(refusal)


async def undo(db: Database, noun: Noun, act_id: int, *, by: By, seen: Collection[int]) -> Done:
    """Let every row be as it was that still is what the act made it; `seen` as in `change_many`."""
    await close(db, noun.name, act_id, by)
    async with db.begin() as session:
        ids = await rows_of(session, act_id)
    back = 0
    with notice.gathered() as told:
        for id_ in reversed(ids):
            back += await _back(db, noun, act_id, id_, by, known=id_ in seen)
    async with db.begin() as session:
        await _tell(session, told, noun.name)
        return await told_of(session, act_id, back, BulkRow.stayed)


async def _back(db: Database, noun: Noun, act_id: int, id_: int, by: By, *, known: bool) -> bool:
    try:
        if not known:
            raise NotFound("It is not yours to change any more.")
        async with db.begin() as session:
            it = await noun.find(session, id_)
            row = await session.get_one(BulkRow, (act_id, id_))
            before, after = dict(row.before or {}), dict(row.after or {})
            now = await noun.facts(session, it, after)
            if own(now) != own(after):
                raise Conflict(CHANGED_SINCE)
            await noun.back(session, it, before, after, by)
            await _note(session, noun, id_, sorted(own(before)), act_id, by)
            return True
    except (NotFound, Conflict, Invalid, DBAPIError) as refusal:
        why = _why(refusal)
        async with db.begin() as session:
            (await session.get_one(BulkRow, (act_id, id_))).stayed = why
        return False


def own(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of the row itself, without what followed elsewhere."""
    return {name: value for name, value in facts.items() if not name.startswith("_")}


async def _note(
    session: AsyncSession, noun: Noun, id_: int, fields: Iterable[str], act_id: int, by: By
) -> None:
    await audit.record(
        session,
        user_id=by.user_id,
        action=f"{noun.name.removesuffix('s')}.change",
        object_kind=noun.name.removesuffix("s"),
        object_id=id_,
        detail={"fields": list(fields), "bulk": act_id},
        address=by.address,
    )


async def _tell(session: AsyncSession, told: Sequence[notice.Told], noun: str) -> None:
    """What the rows had to say to people, a sentence each: nobody is told fifty times that he has a task."""
    for user_id in sorted({each for it in told for each in it.user_ids}):
        mine = [it for it in told if user_id in it.user_ids]
        if len(mine) == 1:
            await notice.notify(
                session, [user_id], mine[0].text, address=mine[0].address, level=mine[0].level
            )
        else:
            words = f"{mine[0].text}, and {len(mine) - 1} more like it"
            await notice.notify(session, [user_id], words, address=f"/{noun}", level=mine[0].level)
