"""What somebody typed into a search box, as conditions: a name, a number, an e-mail, an order.

Each condition is a set of ids found through an index of its own; sets are united, never OR-ed over joins.
"""

import re
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, or_, select, union

from crm_core.customer import Customer, CustomerNumber
from crm_core.keys import words_query
from crm_core.order import Order

FEWEST_DIGITS = 3


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


def with_number(number: str) -> Select[Any]:
    """Ids of customers with a number that begins or ends with these digits."""
    e164 = CustomerNumber.e164
    return select(CustomerNumber.customer_id).where(
        or_(e164.like(f"+{number}%"), func.reverse(e164).like(f"{number[::-1]}%"))
    )


def named(query: str) -> Select[Any]:
    """Ids of customers whose name has these words; `query` comes from `words_query`."""
    vector: ColumnElement[Any] = literal_column("to_tsvector('simple', customers.search_key)")
    wanted = func.to_tsquery(literal_column("'simple'"), bindparam(None, query))
    return select(Customer.id).where(vector.op("@@")(wanted))


def people(text: str) -> ColumnElement[bool] | None:
    """Customers that `text` may mean; None when nothing in it can be searched for."""
    sets: list[Select[Any]] = []
    if number := digits(text):
        sets.append(with_number(number))
    elif query := words_query(text):
        sets.append(named(query))
    if "@" in text:
        sets.append(select(Customer.id).where(func.lower(Customer.email).like(starts(text.strip().lower()))))
    return Customer.id.in_(union(*sets) if len(sets) > 1 else sets[0]) if sets else None


def orders(text: str) -> ColumnElement[bool]:
    """Orders that `text` may mean: by their number, their tracking, or the customer."""
    written = text.strip()
    sets = [
        select(Order.id).where(func.lower(Order.number).like(starts(written.lower()))),
        select(Order.id).where(Order.tracking == written),
    ]
    customers = people(text)
    if customers is not None:
        sets.append(select(Order.id).join(Customer, Customer.id == Order.customer_id).where(customers))
    return Order.id.in_(union(*sets))
