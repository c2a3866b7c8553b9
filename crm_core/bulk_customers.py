"""Changing many customers at once, in whole sentences of SQL: a list of twenty thousand changes hands in a second.

Nothing that is changed here has rules row by row. Otherwise as `crm_core.bulk` says.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Text,
    and_,
    case,
    cast,
    column,
    func,
    insert,
    literal,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.audit import AuditEntry
from crm_core.bulk_rows import CHANGED_SINCE, BulkRow, By, Chosen, Done, begin, close, finish, told_of
from crm_core.customer import Customer
from crm_core.db import Database
from crm_core.outbox import OutboxRow, tell_on_commit

NAME = "customers"
MOST = 20_000
_ROWS: Any = BulkRow.__table__
PLAIN = ("manager_id", "category", "vip", "bad")


async def change_customers(
    db: Database,
    chosen: Sequence[Chosen],
    wanted: Mapping[str, Any],
    *,
    said: str,
    by: By,
    seen: Collection[int],
) -> Done:
    """Change the customers that are among `seen`. `wanted`: fields of `PLAIN`, `add_tag`, `remove_tag`.

    Raises `Invalid`.
    """
    act_id = await begin(db, NAME, wanted, said, by, rows=len(chosen), most=MOST)
    new = _new(wanted)
    async with db.begin() as session:
        locked = select(Customer.id).where(Customer.id == func.any(_array([it.id for it in chosen])))
        await session.execute(locked.order_by(Customer.id).with_for_update())
        await session.execute(_kept_rows(act_id, new, chosen, seen))
        changed = _changed(act_id)
        values: dict[str, Any] = {**new, "version": Customer.version + 1}
        done = await session.execute(_quiet(update(Customer).where(Customer.id.in_(changed)).values(values)))
        await _told(session, act_id, changed, sorted(new), by)
    return await finish(db, act_id, int(done.rowcount))  # type: ignore[attr-defined]  # a cursor's result


async def undo_customers(db: Database, act_id: int, *, by: By, seen: Collection[int]) -> Done:
    """Give every customer back what he had, who still has what he was given. Raises `NotFound`, `Conflict`."""
    await close(db, NAME, act_id, by)
    async with db.begin() as session:
        row = _ROWS.c
        mine = and_(row.act_id == act_id, row.refused.is_(None))
        kept = await session.scalar(select(row.before).where(mine).limit(1))
        fields = sorted(kept or {})
        as_made = [_facts([name])[name].is_not_distinct_from(row.after[name]) for name in fields]
        values: dict[str, Any] = {name: _typed(name, row.before) for name in fields}
        back = (
            update(Customer)
            .where(Customer.id == row.object_id, mine, Customer.merged_into_id.is_(None), *as_made)
            .where(Customer.id == func.any(_array(sorted(seen))))
            .values({**values, "version": Customer.version + 1})
            .returning(Customer.id)
        )
        ids = list(await session.scalars(_quiet(back))) if fields else []
        left = update(BulkRow).where(mine, BulkRow.object_id.not_in(ids)).values(stayed=CHANGED_SINCE)
        await session.execute(_quiet(left))
        stayed = select(row.object_id).where(mine, row.stayed.is_(None))
        await _told(session, act_id, stayed, fields, by)
        return await told_of(session, act_id, len(ids), BulkRow.stayed)


def _new(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The columns as they shall be."""
    new: dict[str, Any] = {
        name: literal(value, getattr(Customer, name).type) for name, value in wanted.items() if name in PLAIN
    }
    tags: Any = Customer.tags
    if tag := wanted.get("add_tag"):
        tags = case((tags.contains([tag]), tags), else_=func.array_append(tags, tag))
    if tag := wanted.get("remove_tag"):
        tags = func.array_remove(tags, tag)
    return new if tags is Customer.tags else {**new, "tags": type_coerce(tags, ARRAY(Text))}


def _facts(names: Sequence[str], new: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """These columns as JSON: as they are, or as they shall be."""
    return {name: func.to_jsonb((new or {}).get(name, getattr(Customer, name))) for name in names}


def _object(facts: Mapping[str, Any]) -> Any:
    pairs = [part for name, value in facts.items() for part in (cast(literal(name), Text), value)]
    return func.jsonb_build_object(*pairs)


def _kept_rows(act_id: int, new: Mapping[str, Any], chosen: Sequence[Chosen], seen: Collection[int]) -> Any:
    """Every chosen customer whom it makes another, before and after; and every one that is refused, with why."""
    by_id = {it.id: it.version or 0 for it in chosen}
    ids = sorted(by_id)
    arrays = ids, [by_id[it] for it in ids], [int(it in seen) for it in ids]
    names_of = (column(name, BigInteger) for name in ("id", "version", "seen"))
    wanted = func.unnest(*map(_array, arrays)).table_valued(*names_of, name="wanted").render_derived()
    names = sorted(new)
    stale = "was changed by somebody else meanwhile"
    why = case(
        (or_(Customer.id.is_(None), wanted.c.seen == 0), "There is no such thing for you here."),
        (Customer.merged_into_id.is_not(None), "is one with another customer now"),
        (and_(wanted.c.version > 0, wanted.c.version != Customer.version), stale),
    )
    number = cast(wanted.c.id, Text)
    title = case((wanted.c.seen == 0, number), else_=func.coalesce(Customer.name, number))
    differs = or_(*(getattr(Customer, name).is_distinct_from(new[name]) for name in names))
    rows = (
        select(
            literal(act_id),
            wanted.c.id,
            title,
            case((why.is_(None), _object(_facts(names)))),
            case((why.is_(None), _object(_facts(names, new)))),
            why,
        )
        .select_from(wanted)
        .outerjoin(Customer, Customer.id == wanted.c.id)
        .where(or_(why.is_not(None), differs))
        .order_by(wanted.c.id)
    )
    return insert(_ROWS).from_select(["act_id", "object_id", "title", "before", "after", "refused"], rows)


def _array(ids: Sequence[int]) -> Any:
    return literal(ids, ARRAY(BigInteger))


def _typed(name: str, kept: Any) -> Any:
    """A column out of the JSON of a row."""
    if name == "tags":
        words = func.jsonb_array_elements_text(kept["tags"]).column_valued("word")
        return func.array(select(words).scalar_subquery())
    return cast(kept[name].astext, getattr(Customer, name).type)


def _changed(act_id: int) -> Any:
    return select(BulkRow.object_id).where(BulkRow.act_id == act_id, BulkRow.refused.is_(None))


async def _told(session: AsyncSession, act_id: int, ids: Any, fields: Sequence[str], by: By) -> None:
    """The audit log and the news, a row for every customer."""
    whom = ids.subquery()
    id_ = whom.c.object_id
    detail = literal({"fields": list(fields), "bulk": act_id}, JSONB)
    entry = select(
        literal(by.user_id, BigInteger),
        literal("customer.change"),
        literal("customer"),
        cast(id_, Text),
        detail,
        literal(by.address, Text),
    )
    columns = ["user_id", "action", "object_kind", "object_id", "detail", "address"]
    await session.execute(insert(AuditEntry).from_select(columns, entry))
    news = select(literal("customer"), func.jsonb_build_object("id", id_))
    await session.execute(insert(OutboxRow).from_select(["topic", "payload"], news))
    tell_on_commit(session)


def _quiet(statement: Any) -> Any:
    return statement.execution_options(synchronize_session=False)
