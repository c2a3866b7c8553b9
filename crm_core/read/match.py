"""What somebody typed into a search box, as conditions: a name, a number, an e-mail, an order.

Each condition is a set of ids found through an index of its own; sets are united, never OR-ed over joins. What so
many have that a set would be big is asked of each row of the list instead, which is then full after a few.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    Select,
    SQLColumnExpression,
    Text,
    and_,
    bindparam,
    cast,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from crm_core.call import Call
from crm_core.customer import Customer, CustomerNumber
from crm_core.customer_contact import CustomerContact, contact_key
from crm_core.keys import words_query
from crm_core.late_index import is_ready
from crm_core.order import Order

FEWEST_DIGITS = 3
INSIDE = 5  # so many digits are found anywhere in a number, fewer at its ends only
COMMON = 6_000  # customers: from here on both ways take equally long at a million of them
COMMON_OF_CALLS = 1_000  # the same for calls, of which each has ten
PARTS = ("ix_customer_numbers_parts", "ix_calls_parts")
_SUM = re.compile(r"[0-9]{1,7}([.,][0-9]{1,2})?")


@dataclass(frozen=True)
class Asked:
    """What was typed. `common`: so many have it that a list is read sooner in its own order, row by row, than by them;
    `inside`: parts of numbers are indexed (`crm_core.late_index`), so that the middle of one can be searched for."""

    text: str
    common: bool = False
    inside: bool = False


async def weigh(session: AsyncSession, text: str, *, common: int | None = None) -> Asked:
    """What `text` asks for; it is common when `common` customers (None: `COMMON`) have it.

    From here on this transaction plans every statement for what is asked: a plan for any text at all can not use an
    index of beginnings, and reads all numbers from end to end.
    """
    most = COMMON if common is None else common
    await session.execute(sql("SET LOCAL plan_cache_mode = force_custom_plan"))
    asked = Asked(text, inside=await is_ready(session, *PARTS))
    if not (sets := _sets(asked)):
        return asked
    some = union_all(*sets).limit(most).subquery()
    found = await session.scalar(select(func.count()).select_from(some)) or 0
    return replace(asked, common=found >= most)


def digits(text: str) -> str:
    """The digits of a written number without the leading zeros of national and international spelling.

    "" when `text` is not a number: letters in it, or fewer than three digits.
    """
    if re.search(r"[^\W\d_]", text):
        return ""
    found = re.sub(r"\D", "", text).lstrip("0")
    return found if found.isascii() and len(found) >= FEWEST_DIGITS else ""


def starts(text: str) -> str:
    """`text` as the pattern of LIKE for "begins with"; its own wildcards are plain characters."""
    return re.sub(r"([\\%_])", r"\\\1", text) + "%"


def people(asked: Asked, owner: SQLColumnExpression[Any] = Customer.id) -> ColumnElement[bool] | None:
    """`owner` is one of the customers that are asked for; None when nothing in the text can be searched for."""
    if asked.common:
        return _is_so(asked, owner)
    found = _people_found(asked)
    return None if found is None else owner.in_(select(found.c[0]))


def some_people(asked: Asked, most: int) -> ColumnElement[bool] | None:
    """Like `people`; of very many who are asked for only `most`, whoever is found first: for a few to choose from."""
    if not asked.common:
        return people(asked)
    first = union_all(*_sets(asked)).limit(most).cte().prefix_with("MATERIALIZED")
    return Customer.id.in_(select(first.c[0]))


def _people_found(asked: Asked) -> CTE | None:
    sets = _sets(asked)
    if "@" in asked.text:
        sets += [_writing(asked.text.strip().lower()), _reached(contact_key(asked.text))]
    return _found_once(sets) if sets else None


def orders(asked: Asked) -> ColumnElement[bool]:
    """Orders that are asked for: by their number, their tracking, their total, or the customer (see `people`)."""
    if asked.common:
        named = people(asked, Order.customer_id)
        return or_(false() if named is None else named, *_marked(Order, asked.text))
    return Order.id.in_(select(orders_found(asked).c.id))


def orders_found(asked: Asked) -> CTE:
    """The same orders: their ids, and the instants by which they are listed."""
    found = aliased(Order)
    rows = select(*(getattr(found, name) for name in ("id", "created_at")))
    sets = [rows.where(condition) for condition in _marked(found, asked.text)]
    if _SUM.fullmatch(written := asked.text.strip()):
        sets.append(rows.where(found.total == Decimal(written.replace(",", "."))))
    customers = _people_found(asked)
    if customers is not None:
        sets.append(rows.where(found.customer_id.in_(select(customers.c[0]))))
    return _found_once(sets)


def calls(asked: Asked) -> ColumnElement[bool]:
    """Calls of the customers that are asked for, and with the digits in the number, whoever called."""
    number = digits(asked.text)
    if asked.common:
        named = people(asked, Call.customer_id)
        within = Call.remote_e164.contains(number, autoescape=True) if number else false()
        return or_(within, false() if named is None else named)
    found = aliased(Call)
    sets = []
    if number:
        sets.append(select(found.id).where(found.remote_e164.like(f"+{number}%")))
        if asked.inside:
            sets.append(
                select(found.id).where(found.customer_id.is_(None), _has_part(found.remote_e164, number))
            )
    customers = _people_found(asked)
    if customers is not None:
        sets.append(select(found.id).where(found.customer_id.in_(select(customers.c[0]))))
    return Call.id.in_(select(_found_once(sets).c.id)) if sets else false()


def _marked(found: Any, text: str) -> list[ColumnElement[bool]]:
    """Its number begins so, or its tracking."""
    pattern = starts(text.strip().lower())
    tracked = found.tracking.is_not(None) & func.lower(found.tracking).like(pattern)
    return [func.lower(found.number).like(pattern), tracked]


def _found_once(sets: Sequence[Select[Any]]) -> CTE:
    """What all `sets` hold, found before anything else is done.

    MATERIALIZED, because the planner takes a word's beginning for common and would rather walk the whole list in
    its order (five times as long at 100 000 customers).
    """
    return (union(*sets) if len(sets) > 1 else sets[0]).cte().prefix_with("MATERIALIZED")


# The sets below use names of their own for the tables: under the name of the outer query's table they would be
# asked again for every one of its rows.


def _sets(asked: Asked) -> list[Select[Any]]:
    """Ids of the customers with this number or this name."""
    if number := digits(asked.text):
        known = aliased(CustomerNumber)
        having = _ends(known, number)
        if asked.inside and len(number) >= INSIDE:
            having.append(_has_part(known.e164, number))
        return [select(known.customer_id).where(condition) for condition in having]
    query = words_query(asked.text)
    return [] if query is None else [_named(query)]


def _ends(known: Any, number: str) -> list[ColumnElement[bool]]:
    """The number begins, or ends, with these digits."""
    return [known.e164.like(f"+{number}%"), func.reverse(known.e164).like(f"{number[::-1]}%")]


def _has_part(e164: Any, number: str) -> ColumnElement[bool]:
    """These digits are in the number; fewer than `INSIDE`: at its end."""
    if len(number) < INSIDE:
        parts, exact = [f"{number}$"], e164.like(f"%{number}")
    else:
        parts = [number[at : at + INSIDE] for at in range(len(number) - INSIDE + 1)]
        exact = e164.like(f"%{number}%")
    holds = func.number_parts(e164).op("@>", return_type=Boolean())(cast(parts, ARRAY(Text)))
    return and_(holds, exact)


def _named(query: str) -> Select[Any]:
    """Ids of customers whose name has these words; `query` comes from `words_query`."""
    named = aliased(Customer)
    return select(named.id).where(_has_words(named, query))


def _is_so(asked: Asked, owner: SQLColumnExpression[Any]) -> ColumnElement[bool] | None:
    """The customer `owner` has such a number or such a name, looked up row by row."""
    if number := digits(asked.text):
        known = aliased(CustomerNumber)
        within = known.e164.contains(number) if len(number) >= INSIDE else or_(*_ends(known, number))
        which = select(true()).where(known.customer_id == owner, within)
    elif query := words_query(asked.text):
        named = aliased(Customer)
        which = select(true()).where(named.id == owner, _has_words(named, query))
    else:
        return None
    return which.limit(1).scalar_subquery()


def _has_words(named: Any, query: str) -> ColumnElement[bool]:
    simple: ColumnElement[str] = literal_column("'simple'")
    vector = func.to_tsvector(simple, named.search_key)
    return vector.op("@@")(func.to_tsquery(simple, bindparam(None, query)))


def _writing(email: str) -> Select[Any]:
    """Ids of customers whose first e-mail begins so."""
    known = aliased(Customer)
    return select(known.id).where(func.lower(known.email).like(starts(email)))


def _reached(key: str) -> Select[Any]:
    """Ids of customers with a further e-mail, or a name in a messenger (@name), that begins so."""
    known = aliased(CustomerContact)
    return select(known.customer_id).where(known.key.like(starts(key)))
