"""What somebody typed into a search box, as conditions: a name, a number, an e-mail, an order.

Each condition is a set of ids found through an index of its own; sets are united, never OR-ed over joins.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    bindparam,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    union,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from crm_core.customer import Customer, CustomerNumber
from crm_core.customer_contact import CustomerContact, contact_key
from crm_core.keys import words_query
from crm_core.order import Order

FEWEST_DIGITS = 3
COMMON = 6_000  # customers of one name: from here on both ways take equally long at a million customers
_SUM = re.compile(r"[0-9]{1,7}([.,][0-9]{1,2})?")


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


async def is_common(session: AsyncSession, text: str) -> bool:
    """Whether `text` is a name of so many customers that a list is read sooner in its own order than by them."""
    query = None if digits(text) else words_query(text)
    if query is None:
        return False
    found = _named(query).limit(COMMON).subquery()
    return await session.scalar(select(func.count()).select_from(found)) == COMMON


def people(
    text: str, owner: SQLColumnExpression[Any] = Customer.id, *, common: bool = False
) -> ColumnElement[bool] | None:
    """`owner` is one of the customers that `text` may mean; None when nothing in it can be searched for.

    `common`: what `is_common` said of `text`; then each row is asked for its name.
    """
    sets: list[Select[Any]] = []
    if number := digits(text):
        sets.append(_with_number(number))
    elif query := words_query(text):
        if common:
            return _is_named(query, owner)
        sets.append(_named(query))
    if "@" in text:
        sets.append(_writing(text.strip().lower()))
        sets.append(_reached(contact_key(text)))
    return owner.in_(_found_once(sets)) if sets else None


def orders(text: str, *, common: bool = False) -> ColumnElement[bool]:
    """Orders that `text` may mean: by their number, their tracking, their total, or the customer (see `people`)."""
    if common:
        named = people(text, Order.customer_id, common=True)
        return or_(false() if named is None else named, *_marked(Order, text))
    found = aliased(Order)
    sets = [select(found.id).where(condition) for condition in _marked(found, text)]
    if _SUM.fullmatch(written := text.strip()):
        sets.append(select(found.id).where(found.total == Decimal(written.replace(",", "."))))
    customers = people(text, found.customer_id)
    if customers is not None:
        sets.append(select(found.id).where(customers))
    return Order.id.in_(_found_once(sets))


def _marked(found: Any, text: str) -> list[ColumnElement[bool]]:
    """Its number begins so, or its tracking."""
    pattern = starts(text.strip().lower())
    tracked = found.tracking.is_not(None) & func.lower(found.tracking).like(pattern)
    return [func.lower(found.number).like(pattern), tracked]


def _found_once(sets: Sequence[Select[Any]]) -> Select[Any]:
    """The ids of all `sets`, found before anything else is done.

    MATERIALIZED, because the planner takes a word's beginning for common and would rather walk the whole list in
    its order (five times as long at 100 000 customers).
    """
    ids = (union(*sets) if len(sets) > 1 else sets[0]).cte().prefix_with("MATERIALIZED")
    return select(*ids.c)


# The sets below use names of their own for the tables: under the name of the outer query's table they would be
# asked again for every one of its rows.


def _with_number(number: str) -> Select[Any]:
    """Ids of customers with a number that begins or ends with these digits."""
    known = aliased(CustomerNumber)
    ends = func.reverse(known.e164).like(f"{number[::-1]}%")
    return select(known.customer_id).where(or_(known.e164.like(f"+{number}%"), ends))


def _named(query: str) -> Select[Any]:
    """Ids of customers whose name has these words; `query` comes from `words_query`."""
    named = aliased(Customer)
    return select(named.id).where(_has_words(named, query))


def _is_named(query: str, owner: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """The customer `owner` has a name with these words, looked up row by row."""
    named = aliased(Customer)
    return select(true()).where(named.id == owner, _has_words(named, query)).limit(1).scalar_subquery()


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
