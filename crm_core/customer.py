"""Customers, the numbers by which we know them, and what was written about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    delete,
    exists,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_core.db import Base, Flag, Id, Texts, Version, one_of
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.keys import search_key, sort_key
from crm_core.line import Line
from crm_core.outbox import announce
from crm_core.owners import OWNERS
from crm_core.phone import normalise
from crm_core.user import User

EDITABLE = frozenset(
    (
        "name",
        "email",
        "city",
        "country",
        "address",
        "timezone",
        "birthday",
        "vip",
        "bad",
        "tags",
        "source",
        "note",
        "price_list",
        "sex",
        "category",
        "customer_type",
        "manager_id",
    )
)
E164 = r"^\+[1-9][0-9]{2,14}$"


class Sex(StrEnum):
    """As it is needed for addressing a person."""

    FEMALE = "female"
    MALE = "male"


class Customer(Base):
    """A person who buys. `sort_key` and `search_key` are made of the name by `crm_core.keys`; `manager_id` is the
    colleague who looks after the person, `custom` the values of fields of one's own (`crm_core.custom_field`).

    `email` and `address` are those used first; the others are in `crm_core.customer_contact`.
    """

    __tablename__ = "customers"
    __table_args__ = (
        Index("ix_customers_sort_key", "sort_key", "id"),
        Index("ix_customers_words", text("to_tsvector('simple', search_key)"), postgresql_using="gin"),
        Index("ix_customers_category", "category"),
        Index("ix_customers_source", "source"),
        Index("ix_customers_tags", "tags", postgresql_using="gin"),
        CheckConstraint("name <> ''", name="name_not_empty"),
        one_of("sex", Sex),
    )

    id: Mapped[Id]
    name: Mapped[str]
    sort_key: Mapped[str]
    search_key: Mapped[str]
    email: Mapped[str | None]
    city: Mapped[str | None]
    country: Mapped[str | None]
    address: Mapped[str | None]
    timezone: Mapped[str | None]
    birthday: Mapped[date | None]
    vip: Mapped[Flag]
    bad: Mapped[Flag]
    tags: Mapped[Texts]
    source: Mapped[str | None]
    note: Mapped[str | None]
    price_list: Mapped[str | None]
    sex: Mapped[str | None]
    category: Mapped[str | None]
    customer_type: Mapped[str | None]
    manager_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    custom: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    version: Mapped[Version]
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"), index=True)

    numbers: Mapped[list["CustomerNumber"]] = relationship(
        lazy="selectin", order_by="CustomerNumber.position, CustomerNumber.id", cascade="all, delete-orphan"
    )


class CustomerNumber(Base):
    """A number of a customer; several customers may share one."""

    __tablename__ = "customer_numbers"
    __table_args__ = (
        UniqueConstraint("customer_id", "e164"),
        Index("ix_customer_numbers_e164", "e164", postgresql_ops={"e164": "text_pattern_ops"}),
        Index("ix_customer_numbers_parts", text("number_parts(e164)"), postgresql_using="gin"),
        CheckConstraint(f"e164 ~ '{E164}'", name="e164_form"),
    )

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    e164: Mapped[str]
    raw: Mapped[str]
    label: Mapped[str | None]
    position: Mapped[int] = mapped_column(server_default="0", default=0)


Index(
    "ix_customers_email",
    func.lower(Customer.email).label("lowered"),
    postgresql_ops={"lowered": "text_pattern_ops"},
)
# The last digits of a number are what people remember and say.
Index(
    "ix_customer_numbers_reversed",
    func.reverse(CustomerNumber.e164).label("reversed"),
    postgresql_ops={"reversed": "text_pattern_ops"},
)


class NumberChoice(Base):
    """Whom an operator chose the last time when several customers had this number."""

    __tablename__ = "number_choices"

    e164: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    chosen_at: Mapped[datetime]


class CustomerNote(Base):
    """Something a colleague wrote about a customer; never changed afterwards."""

    __tablename__ = "customer_notes"

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    text: Mapped[str]


@dataclass(frozen=True)
class Owner:
    """A customer who may be the one calling, and why we think so. The most likely comes first."""

    id: int
    name: str
    city: str | None
    vip: bool
    reason: str
    chosen: bool


async def create_customer(
    session: AsyncSession,
    *,
    name: str,
    country: str,
    numbers: Sequence[str] = (),
    **fields: Any,
) -> Customer:
    """Add a customer with `numbers` as written in `country`; `fields` are those of `EDITABLE`.

    Raises `Invalid` for an empty name, an unknown field or a number that is none or is our own.
    """
    customer = Customer(name="", sort_key="", search_key="", country=country)
    await _known_manager(session, fields)
    _set_fields(customer, {"name": name, **fields})
    session.add(customer)
    await session.flush()
    await session.refresh(customer, ["numbers"])
    for number in numbers:
        await add_number(session, customer.id, number, country=country)
    await announce(session, "customer", {"id": customer.id})
    return customer


async def get_customer(session: AsyncSession, customer_id: int, *, lock: bool = False) -> Customer:
    """The customer, or the one they were merged into. Raises `NotFound`."""
    customer = await session.get(Customer, customer_id, with_for_update=lock)
    if customer is None:
        raise NotFound(f"There is no customer {customer_id}.")
    if customer.merged_into_id is not None:
        return await get_customer(session, customer.merged_into_id, lock=lock)
    return customer


async def update_customer(
    session: AsyncSession, customer_id: int, *, version: int, changes: Mapping[str, Any]
) -> Customer:
    """Change the fields in `changes` (see `EDITABLE`).

    Raises `NotFound`, `Invalid`, and `Conflict` when `version` is not the newest.
    """
    customer = await get_customer(session, customer_id, lock=True)
    if customer.version != version:
        raise Conflict(f"{customer.name} was changed by somebody else meanwhile.")
    if changes.get("manager_id") != customer.manager_id:
        await _known_manager(session, changes)
    _set_fields(customer, changes)
    customer.version += 1
    await announce(session, "customer", {"id": customer.id})
    return customer


async def add_number(
    session: AsyncSession, customer_id: int, raw: str, *, country: str, label: str | None = None
) -> CustomerNumber:
    """Give a customer one more number; one they have already comes back as it is.

    Raises `NotFound`, and `Invalid` when `raw` is no public number or is one of our lines.
    """
    customer = await get_customer(session, customer_id)
    number = normalise(raw, country=country)
    if number.e164 is None:
        raise Invalid(f"{raw[:40]!r} is not a telephone number.", "number")
    if await session.scalar(select(exists().where(Line.e164 == number.e164))):
        raise Invalid(f"{number.display} is a line of ours, not a customer's number.", "number")
    for known in customer.numbers:
        if known.e164 == number.e164:
            return known
    made = CustomerNumber(
        customer_id=customer.id,
        e164=number.e164,
        raw=raw.strip(),
        label=label,
        position=len(customer.numbers),
    )
    customer.numbers.append(made)
    await session.flush()
    await announce(session, "customer", {"id": customer.id})
    return made


async def remove_number(session: AsyncSession, customer_id: int, number_id: int) -> None:
    """Take a number from a customer, and what was remembered about it. Raises `NotFound`."""
    customer = await get_customer(session, customer_id)
    for number in customer.numbers:
        if number.id == number_id:
            customer.numbers.remove(number)
            await session.execute(
                delete(NumberChoice).where(
                    NumberChoice.e164 == number.e164, NumberChoice.customer_id == customer.id
                )
            )
            await announce(session, "customer", {"id": customer.id})
            return
    raise NotFound(f"{customer.name} has no number {number_id}.")


async def find_owners(session: AsyncSession, e164: str | None) -> list[Owner]:
    """Whose number this is, the most likely first; nobody for no number and for our own lines."""
    if not e164:
        return []
    rows = await session.execute(text(f"{OWNERS} SELECT * FROM owner ORDER BY place"), {"e164": e164})
    return [
        Owner(id=row.id, name=row.name, city=row.city, vip=row.vip, reason=row.reason, chosen=row.chosen)
        for row in rows
    ]


async def remember_choice(
    session: AsyncSession, e164: str, customer_id: int, *, user_id: int | None, at: datetime
) -> None:
    """Next time this number calls, take `customer_id` first."""
    statement = insert(NumberChoice).values(e164=e164, customer_id=customer_id, user_id=user_id, chosen_at=at)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["e164"],
            set_={"customer_id": customer_id, "user_id": user_id, "chosen_at": at},
        )
    )


async def add_note(
    session: AsyncSession, customer_id: int, note: str, *, user_id: int | None, at: datetime
) -> CustomerNote:
    """Write something about a customer. Raises `NotFound`, and `Invalid` for an empty text."""
    if not note.strip():
        raise Invalid("The note is empty.", "text")
    customer = await get_customer(session, customer_id)
    made = CustomerNote(customer_id=customer.id, user_id=user_id, text=note.strip(), created_at=at)
    session.add(made)
    await session.flush()
    await announce(session, "customer", {"id": customer.id})
    return made


async def _known_manager(session: AsyncSession, changes: Mapping[str, Any]) -> None:
    """Raises `Invalid` when the colleague who shall look after the customer is not at work here."""
    wanted = changes.get("manager_id")
    if wanted is not None and not await session.scalar(
        select(exists().where(User.id == wanted, User.active))
    ):
        raise Invalid("There is no such colleague at work here.", "manager_id")


def _set_fields(customer: Customer, changes: Mapping[str, Any]) -> None:
    if strangers := set(changes) - EDITABLE:
        raise Invalid(f"A customer has no field {min(strangers)[:40]!r} to change.", min(strangers))
    name = (changes.get("name", customer.name) or "").strip()[:200]
    if not name:
        raise Invalid("A customer needs a name.", "name")
    for field, value in changes.items():
        setattr(customer, field, value.strip() or None if isinstance(value, str) else value)
    customer.name, customer.tags = name, list(customer.tags or [])
    customer.sort_key, customer.search_key = sort_key(name), search_key(name)
