"""Customers who are probably one person, in pairs, each with the reason: a number, an e-mail, or a name and place.

Each kind walks an index in its order and stops when a page is full, so a million customers are no burden.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.customer import Customer, CustomerNumber
from crm_core.errors import Invalid
from crm_core.order import Order
from crm_core.read.page import LONGEST, Page, decode, encode, number, plain

KINDS = ("number", "email", "name")


@dataclass(frozen=True, kw_only=True)
class Person:
    """One side of a pair, with what helps to choose who stays."""

    id: int
    name: str
    city: str | None
    email: str | None
    number: str | None
    orders: int
    calls: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two customers and what they share; `first` is the older card."""

    first: Person
    second: Person
    kind: str
    shared: str


async def list_duplicates(
    session: AsyncSession, kind: str, *, after: str | None = None, limit: int = 50
) -> Page[Pair]:
    """Pairs of one kind (see `KINDS`), those that nobody has called two people. The oldest card of a group is the
    first of each of its pairs."""
    if kind not in KINDS:
        raise Invalid(f"{kind[:20]!r} is no kind of duplicates.", "kind")
    if not 1 <= limit <= LONGEST:
        raise Invalid(f"A page has 1 to {LONGEST} rows.", "limit")
    first, more, second = decode(after, (plain, plain, number)) if after else ("", "", 0)
    query = text(_PAIRS.format(groups=_GROUPS[kind]))
    given = {"a": first, "b": more, "second": second, "limit": limit + 1}
    rows = (await session.execute(query, given)).all()
    people = await _people(session, {id_ for row in rows[:limit] for id_ in (row.first_id, row.second_id)})
    found = [
        Pair(
            first=people[row.first_id],
            second=people[row.second_id],
            kind=kind,
            shared=", ".join(part for part in (row.a, row.b) if part),
        )
        for row in rows[:limit]
        if row.first_id in people and row.second_id in people
    ]
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(found, encode((last.a, last.b, last.second_id)) if last is not None else None)


async def likely_twins(session: AsyncSession, customer_id: int, *, limit: int = 5) -> Sequence[Pair]:
    """Those who are probably the same person as this customer, with the strongest reason for each."""
    rows = (await session.execute(_TWINS, {"id": customer_id, "limit": limit})).all()
    people = await _people(session, {customer_id, *(row.other for row in rows)})
    return [
        Pair(first=people[customer_id], second=people[row.other], kind=row.kind, shared=row.shared)
        for row in rows
        if row.other in people and customer_id in people
    ]


async def _people(session: AsyncSession, ids: set[int]) -> Mapping[int, Person]:
    """Those of `ids` whom the reader may see."""
    number = (
        select(CustomerNumber.e164)
        .where(CustomerNumber.customer_id == Customer.id)
        .order_by(CustomerNumber.position, CustomerNumber.id)
        .limit(1)
    )
    orders = select(func.count()).select_from(Order).where(Order.customer_id == Customer.id)
    calls = select(func.count()).select_from(Call).where(Call.customer_id == Customer.id)
    query = select(
        *(getattr(Customer, name) for name in ("id", "name", "city", "email", "created_at")),
        number.correlate(Customer).scalar_subquery().label("number"),
        orders.correlate(Customer).scalar_subquery().label("orders"),
        calls.correlate(Customer).scalar_subquery().label("calls"),
    )
    rows = await session.execute(query.where(Customer.id.in_(ids)))
    return {row.id: Person(**dict(row._mapping)) for row in rows}


# (a, b, id) of everybody from `:a` on; those with the same a and b are probably one.
_GROUPS = {
    "number": """
        SELECT n.e164 AS a, '' AS b, n.customer_id AS id
        FROM customer_numbers n JOIN customers c ON c.id = n.customer_id AND c.merged_into_id IS NULL
        WHERE n.e164 >= :a AND n.e164 IN (
            SELECT e164 FROM customer_numbers WHERE e164 >= :a GROUP BY e164 HAVING count(*) > 1)
    """,
    "email": """
        SELECT lower(c.email) AS a, '' AS b, c.id
        FROM customers c WHERE c.email IS NOT NULL AND c.merged_into_id IS NULL AND lower(c.email) >= :a
        UNION
        SELECT k.key, '', k.customer_id FROM customer_contacts k
            JOIN customers c ON c.id = k.customer_id AND c.merged_into_id IS NULL
        WHERE k.kind = 'email' AND k.key >= :a
    """,
    "name": """
        SELECT c.sort_key AS a, lower(c.city) AS b, c.id
        FROM customers c
        WHERE c.city IS NOT NULL AND c.merged_into_id IS NULL AND c.sort_key >= :a AND c.sort_key LIKE '% %'
    """,
}
_PAIRS = """
    WITH known AS ({groups}),
    grouped AS (SELECT a, b, id, min(id) OVER (PARTITION BY a, b) AS first_id FROM known)
    SELECT a, b, first_id, id AS second_id FROM grouped g
    WHERE id > first_id AND (a, b, id) > (CAST(:a AS text), CAST(:b AS text), CAST(:second AS bigint))
        AND NOT EXISTS (SELECT FROM different_people d WHERE d.first_id = g.first_id AND d.second_id = g.id)
    ORDER BY a, b, id LIMIT :limit
"""
_TWINS = text("""
    WITH me AS (SELECT * FROM customers WHERE id = :id),
    found AS (
        SELECT other.customer_id AS other, 1 AS place, 'number' AS kind, other.e164 AS shared
        FROM customer_numbers mine JOIN customer_numbers other ON other.e164 = mine.e164
        WHERE mine.customer_id = :id
        UNION ALL
        SELECT c.id, 2, 'email', lower(c.email) FROM customers c WHERE lower(c.email) IN (
            SELECT lower(email) FROM me UNION
            SELECT key FROM customer_contacts WHERE customer_id = :id AND kind = 'email')
        UNION ALL
        SELECT k.customer_id, 2, 'email', k.key FROM customer_contacts k WHERE k.kind = 'email' AND k.key IN (
            SELECT lower(email) FROM me UNION
            SELECT key FROM customer_contacts WHERE customer_id = :id AND kind = 'email')
        UNION ALL
        SELECT c.id, 3, 'name', c.name || ', ' || c.city FROM me
            JOIN customers c ON c.sort_key = me.sort_key AND lower(c.city) = lower(me.city)
        WHERE me.sort_key LIKE '% %'
    )
    SELECT DISTINCT ON (f.other) f.other, f.kind, f.shared, f.place
    FROM found f JOIN customers c ON c.id = f.other AND c.merged_into_id IS NULL
    WHERE f.other <> :id AND NOT EXISTS (
        SELECT FROM different_people d
        WHERE d.first_id = least(f.other, :id) AND d.second_id = greatest(f.other, :id))
    ORDER BY f.other, f.place LIMIT :limit
""")
