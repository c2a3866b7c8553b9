"""How else a customer is reached: further e-mails, messengers and addresses, besides the numbers."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, delete, func, select, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.customer import Customer, find_owners, get_customer
from crm_core.db import Base, Id, one_of
from crm_core.errors import Invalid, NotFound
from crm_core.outbox import announce

MOST = 50
_EMAIL = re.compile(r"[!-?A-~]{1,100}@[!-?A-~]{1,150}")


class ContactKind(StrEnum):
    """By what; a messenger's handle is written as its people write it."""

    EMAIL = "email"
    TELEGRAM = "telegram"
    WHATSAPP = "whatsapp"
    VIBER = "viber"
    SIGNAL = "signal"
    INSTAGRAM = "instagram"
    FACEBOOK = "facebook"
    SKYPE = "skype"
    SITE = "site"
    OTHER = "other"


class CustomerContact(Base):
    """An e-mail besides the first one, or the name in a messenger; `key` is what it is found by."""

    __tablename__ = "customer_contacts"
    __table_args__ = (
        one_of("kind", ContactKind),
        UniqueConstraint("customer_id", "kind", "key"),
        Index("ix_customer_contacts_key", "key", postgresql_ops={"key": "text_pattern_ops"}),
    )

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    kind: Mapped[str]
    value: Mapped[str]
    key: Mapped[str]
    label: Mapped[str | None]


class CustomerAddress(Base):
    """A further address: of the office, of the mother who takes the parcels."""

    __tablename__ = "customer_addresses"

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), index=True)
    address: Mapped[str]
    city: Mapped[str | None]
    country: Mapped[str | None]
    label: Mapped[str | None]


def contact_key(value: str) -> str:
    """By what a contact is found: "@Marta_Z" and "marta_z" are one."""
    return value.strip().lstrip("@").casefold()


async def add_contact(
    session: AsyncSession, customer_id: int, *, kind: ContactKind, value: str, label: str | None = None
) -> CustomerContact:
    """Keep one more e-mail or messenger; one that is there comes back. Raises `NotFound`, `Invalid`."""
    customer = await get_customer(session, customer_id)
    written, key = value.strip(), contact_key(value)
    if not key:
        raise Invalid("Write the address or the name there.", "value")
    if kind is ContactKind.EMAIL and not _EMAIL.fullmatch(written):
        raise Invalid(f"{written[:60]!r} is not an e-mail address.", "value")
    there = await list_contacts(session, customer.id)
    for contact in there:
        if (contact.kind, contact.key) == (kind, key):
            return contact
    if len(there) >= MOST:
        raise Invalid(f"A customer has {MOST} contacts at most.", "value")
    made = CustomerContact(customer_id=customer.id, kind=kind, value=written, key=key, label=label or None)
    await _keep(session, made)
    return made


async def add_address(
    session: AsyncSession,
    customer_id: int,
    *,
    address: str,
    city: str | None = None,
    country: str | None = None,
    label: str | None = None,
) -> CustomerAddress:
    """Keep one more address. Raises `NotFound`, `Invalid`."""
    customer = await get_customer(session, customer_id)
    if not address.strip():
        raise Invalid("Write the address.", "address")
    if len(await list_addresses(session, customer.id)) >= MOST:
        raise Invalid(f"A customer has {MOST} addresses at most.", "address")
    made = CustomerAddress(
        customer_id=customer.id, address=address.strip(), city=city or None, country=country, label=label
    )
    await _keep(session, made)
    return made


async def list_contacts(session: AsyncSession, customer_id: int) -> Sequence[CustomerContact]:
    """The contacts in the order in which they were added."""
    query = select(CustomerContact).where(CustomerContact.customer_id == customer_id)
    return (await session.scalars(query.order_by(CustomerContact.id))).all()


async def list_addresses(session: AsyncSession, customer_id: int) -> Sequence[CustomerAddress]:
    """The addresses in the order in which they were added."""
    query = select(CustomerAddress).where(CustomerAddress.customer_id == customer_id)
    return (await session.scalars(query.order_by(CustomerAddress.id))).all()


async def only_owner(session: AsyncSession, e164: str | None) -> int | None:
    """The customer who has this number, if he is the only one or the one chosen for it."""
    owners = await find_owners(session, e164)
    return owners[0].id if owners and (len(owners) == 1 or owners[0].chosen) else None


async def reached_by(session: AsyncSession, kind: ContactKind, value: str) -> int | None:
    """The only customer with this e-mail, or this name in a messenger."""
    key = contact_key(value)
    noted = select(CustomerContact.customer_id).where(
        CustomerContact.kind == kind, CustomerContact.key == key
    )
    first = select(Customer.id).where(func.lower(Customer.email) == key, Customer.merged_into_id.is_(None))
    found = (await session.scalars(union(noted, first) if kind is ContactKind.EMAIL else noted)).all()
    return found[0] if len(set(found)) == 1 else None


async def remove_contact(session: AsyncSession, customer_id: int, contact_id: int) -> None:
    """Take an e-mail or a messenger away. Raises `NotFound`."""
    await _remove(session, CustomerContact, customer_id, contact_id)


async def remove_address(session: AsyncSession, customer_id: int, address_id: int) -> None:
    """Take an address away. Raises `NotFound`."""
    await _remove(session, CustomerAddress, customer_id, address_id)


async def _keep(session: AsyncSession, made: CustomerContact | CustomerAddress) -> None:
    session.add(made)
    await session.flush()
    await announce(session, "customer", {"id": made.customer_id})


async def _remove(session: AsyncSession, table: Any, customer_id: int, id_: int) -> None:
    customer = await get_customer(session, customer_id)
    found = delete(table).where(table.id == id_, table.customer_id == customer.id).returning(table.id)
    if await session.scalar(found) is None:
        raise NotFound(f"{customer.name} has no such entry.")
    await announce(session, "customer", {"id": customer.id})
