"""Two cards of one person become one, and can be taken apart again.

Everything that names a customer follows: whatever table refers to `customers` (calls, orders, deals, callbacks,
numbers, notes, carts…) is found in the schema, so a table that comes later follows as well. What was moved is kept
row by row, so that undoing puts back exactly that; what came after the merge stays with the one who stayed.

At once with calls: both customers are locked; a trigger (step 0011) makes whoever writes a call, an order… for the
one who goes wait for the merge, and writes it for the one who stays.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Table,
    UniqueConstraint,
    and_,
    cast,
    delete,
    exists,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy import Text as SqlText
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import audit
from crm_core.customer import Customer
from crm_core.customer_contact import (
    ContactKind,
    CustomerAddress,
    CustomerContact,
    contact_key,
    list_contacts,
)
from crm_core.db import Base, Id
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.outbox import announce

FILLED = (
    *("email", "city", "country", "address", "timezone", "birthday", "sex", "category", "customer_type"),
    *("source", "price_list", "manager_id"),
)
MADE = "made:"
"""Before the name of a table: a row that the merge itself wrote, and undoing removes."""


class CustomerMerge(Base):
    """`gone_id` became part of `survivor_id`; `filled`: field of the survivor -> [before, after]."""

    __tablename__ = "customer_merges"

    id: Mapped[Id]
    survivor_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    gone_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    reason: Mapped[str | None]
    filled: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class CustomerMergeRow(Base):
    """One row that was moved: the name of its table, and its key as text."""

    __tablename__ = "customer_merge_rows"

    merge_id: Mapped[int] = mapped_column(
        ForeignKey("customer_merges.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[str] = mapped_column(primary_key=True)
    row_id: Mapped[str] = mapped_column(primary_key=True)


class DifferentPeople(Base):
    """Somebody said that these two are not one person: they are not offered again."""

    __tablename__ = "different_people"
    __table_args__ = (CheckConstraint("first_id < second_id", name="in_order"),)

    first_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)
    second_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


@dataclass(frozen=True)
class Owned:
    """A table that names a customer: in which column, by which key its rows are known, and what may not stand
    twice with one customer."""

    table: Table
    column: Any
    key: Any
    once: tuple[Any, ...]


_STAYS = {"customer_merges", "different_people"}  # who was meant on that day


def owned_tables() -> Iterator[Owned]:
    """Every table whose rows follow their customer."""
    for name in sorted(Base.metadata.tables):
        table = Base.metadata.tables[name]
        if name in _STAYS or len(table.primary_key.columns) != 1:
            continue
        for constraint in table.foreign_key_constraints:
            if constraint.referred_table.name == "customers":
                column = constraint.columns[0]
                yield Owned(table, column, table.primary_key.columns[0], _once(table, column))


def _once(table: Table, column: Any) -> tuple[Any, ...]:
    """The columns that are unique together with the customer."""
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint) and column in list(constraint.columns):
            return tuple(other for other in constraint.columns if other is not column)
    return ()


async def merge(
    session: AsyncSession,
    survivor_id: int,
    gone_id: int,
    *,
    user_id: int | None,
    reason: str | None = None,
    at: datetime,
) -> CustomerMerge:
    """Let `gone_id` become part of `survivor_id`, which keeps what it has and takes what it lacks.

    Raises `NotFound`, `Invalid` for one and the same, `Conflict` when either was merged already.
    """
    survivor, gone = await _both(session, survivor_id, gone_id)
    for one in (survivor, gone):
        if one.merged_into_id is not None:
            raise Conflict(f"{one.name} was merged with somebody else meanwhile.")
    filled = _fill(survivor, gone)
    made = CustomerMerge(
        survivor_id=survivor.id, gone_id=gone.id, user_id=user_id, reason=reason, filled=filled, created_at=at
    )
    session.add(made)
    gone.merged_into_id = survivor.id
    survivor.version, gone.version = survivor.version + 1, gone.version + 1
    await session.flush()
    for owned in owned_tables():
        if owned.column.name == "merged_into_id":
            await _move(session, made, owned, spare=gone.id)
        else:
            await _move(session, made, owned)
    await _keep_the_other_ways(session, made, survivor, gone)
    await _tell(session, made, "customer.merge", user_id)
    return made


async def survivor_of(session: AsyncSession, merge_id: int) -> int:
    """Who stayed. Raises `NotFound`."""
    made = await session.get(CustomerMerge, merge_id)
    if made is None:
        raise NotFound(f"There is no merge {merge_id}.")
    return made.survivor_id


async def undo_merge(
    session: AsyncSession, merge_id: int, *, user_id: int | None, at: datetime
) -> CustomerMerge:
    """Take the two apart again. Rows that somebody gave to another customer since stay there, and fields that
    somebody changed since stay as they are. Raises `NotFound`, `Conflict`."""
    made = await session.get(CustomerMerge, merge_id)
    if made is None:
        raise NotFound(f"There is no merge {merge_id}.")
    survivor, gone = await _both(session, made.survivor_id, made.gone_id)
    await session.refresh(made, with_for_update=True)
    if made.undone_at is not None:
        raise Conflict("This merge was undone already.")
    if survivor.merged_into_id is not None:
        raise Conflict(f"{survivor.name} was merged into another customer since. Undo that first.")
    gone.merged_into_id, made.undone_at, made.undone_by = None, at, user_id
    _empty(survivor, made.filled)
    survivor.version, gone.version = survivor.version + 1, gone.version + 1
    await session.flush()
    for owned in owned_tables():
        await _put_back(session, made, owned)
    for table in (CustomerContact.__table__, CustomerAddress.__table__):
        rows = _rows(made, MADE + table.name, table.c.id)  # type: ignore[attr-defined]
        await session.execute(delete(table).where(table.c.id.in_(rows)))  # type: ignore[arg-type]
    await _tell(session, made, "customer.unmerge", user_id)
    return made


async def are_different(session: AsyncSession, one_id: int, other_id: int, *, user_id: int | None) -> None:
    """Remember that these are two people. Raises `NotFound`, `Invalid`."""
    one, other = await _both(session, one_id, other_id)
    first, second = sorted((one.id, other.id))
    if await session.get(DifferentPeople, (first, second)) is None:
        session.add(DifferentPeople(first_id=first, second_id=second, user_id=user_id))


async def _both(session: AsyncSession, survivor_id: int, gone_id: int) -> tuple[Customer, Customer]:
    """Both, locked in the order of their ids, so that two merges never wait for each other in a ring."""
    if survivor_id == gone_id:
        raise Invalid("Choose two different customers.", "customer_id")
    query = select(Customer).where(Customer.id.in_((survivor_id, gone_id))).order_by(Customer.id)
    locked = await session.scalars(query.with_for_update(), execution_options={"populate_existing": True})
    found = {customer.id: customer for customer in locked}
    for id_ in (survivor_id, gone_id):
        if id_ not in found:
            raise NotFound(f"There is no customer {id_}.")
    return found[survivor_id], found[gone_id]


def _fill(survivor: Customer, gone: Customer) -> dict[str, Any]:
    """Give the survivor what it lacks; what became different, as [before, after]."""
    given = {name: getattr(gone, name) for name in FILLED if getattr(survivor, name) is None}
    given |= {
        "tags": list(dict.fromkeys([*survivor.tags, *gone.tags])),
        "vip": survivor.vip or gone.vip,
        "bad": survivor.bad or gone.bad,
        "note": "\n".join(dict.fromkeys(note for note in (survivor.note, gone.note) if note)) or None,
        "custom": {**gone.custom, **survivor.custom},
    }
    filled = {}
    for name, value in given.items():
        before = getattr(survivor, name)
        if value != before:
            setattr(survivor, name, value)
            filled[name] = [_plain(before), _plain(value)]
    return filled


def _empty(survivor: Customer, filled: Mapping[str, Any]) -> None:
    """Take from the survivor what the merge gave, as far as it still is what the merge gave."""
    for name, (before, after) in filled.items():
        now = getattr(survivor, name)
        if _plain(now) == after:
            setattr(survivor, name, _typed(name, before))
        elif name == "tags":
            survivor.tags = [tag for tag in now if tag in before or tag not in after]
        elif name == "custom":
            survivor.custom = {
                code: value for code, value in now.items() if code in before or after.get(code) != value
            }


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _typed(name: str, value: Any) -> Any:
    return date.fromisoformat(value) if name == "birthday" and value else value


async def _move(
    session: AsyncSession, made: CustomerMerge, owned: Owned, *, spare: int | None = None
) -> None:
    """Give rows of the one who goes to the one who stays, and write down which. What the survivor has already
    (the same number) stays behind; `spare` is the row of the one who goes itself."""
    column, key = owned.column, owned.key
    wanted = column == (made.gone_id if spare is None else spare)
    if owned.once:
        same = owned.table.alias()
        twice = and_(*(same.c[other.name] == other for other in owned.once))
        wanted = and_(wanted, ~exists().where(same.c[column.name] == made.survivor_id, twice))
    moved = update(owned.table).where(wanted).values({column.name: made.survivor_id}).returning(key)
    rows = moved.cte("moved")
    written = select(literal(made.id), literal(owned.table.name), cast(rows.c[key.name], SqlText))
    await session.execute(insert(CustomerMergeRow).from_select(["merge_id", "place", "row_id"], written))


async def _put_back(session: AsyncSession, made: CustomerMerge, owned: Owned) -> None:
    rows = _rows(made, owned.table.name, owned.key)
    back = owned.column == made.survivor_id, owned.key.in_(rows)
    await session.execute(update(owned.table).where(*back).values({owned.column.name: made.gone_id}))


def _rows(made: CustomerMerge, place: str, key: Any) -> Any:
    kept = CustomerMergeRow
    return select(cast(kept.row_id, key.type)).where(kept.merge_id == made.id, kept.place == place)


async def _keep_the_other_ways(
    session: AsyncSession, made: CustomerMerge, survivor: Customer, gone: Customer
) -> None:
    """An e-mail or address of the one who goes, where the survivor has its own, is kept as a further one."""
    new: list[CustomerContact | CustomerAddress] = []
    if gone.email and contact_key(gone.email) != contact_key(survivor.email or ""):
        known = {(it.kind, it.key) for it in await list_contacts(session, survivor.id)}
        if (ContactKind.EMAIL, contact_key(gone.email)) not in known:
            key = contact_key(gone.email)
            new.append(
                CustomerContact(customer_id=survivor.id, kind=ContactKind.EMAIL, value=gone.email, key=key)
            )
    if gone.address and gone.address != survivor.address:
        new.append(
            CustomerAddress(
                customer_id=survivor.id, address=gone.address, city=gone.city, country=gone.country
            )
        )
    session.add_all(new)
    await session.flush()
    session.add_all(
        CustomerMergeRow(merge_id=made.id, place=MADE + it.__tablename__, row_id=str(it.id)) for it in new
    )


async def _tell(session: AsyncSession, made: CustomerMerge, action: str, user_id: int | None) -> None:
    """The history, and the cards that show either of the two; rows were moved behind the session's back."""
    await session.flush()
    ids: Sequence[int] = (made.survivor_id, made.gone_id)
    detail = {"merge": made.id, "survivor": made.survivor_id, "gone": made.gone_id}
    for id_ in ids:
        await audit.record(
            session, user_id=user_id, action=action, object_kind="customer", object_id=id_, detail=detail
        )
        await announce(session, "customer", {"id": id_})
    await session.flush()
    session.expire_all()
    await session.refresh(made)
