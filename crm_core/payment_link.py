"""A customer is asked to pay: a page of his own that says for what, how much and how.

The page is opened by a word that nobody can guess and that is not kept: the table has its sha256. It says what is to be
paid now, whatever became of the order since; an address that was sent before goes on working until its time is over.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import call_link
from crm_core.call import resolve
from crm_core.customer import get_customer
from crm_core.customer_contact import ContactKind, CustomerContact
from crm_core.db import Base, Id, one_of
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.message import Channel, Direction, keep_message
from crm_core.money import money
from crm_core.order_rows import Order, OrderChange
from crm_core.order_status import is_released
from crm_core.outbox import announce
from crm_core.payment_terms import MESSAGE, PaymentTerms, load_terms
from crm_core.shop import Shop
from crm_core.user import User

LASTS = timedelta(days=30)


class Way(StrEnum):
    """By what the address went to the customer. The values are those of `message.Channel`."""

    SMS = "sms"
    EMAIL = "email"
    OTHER = "other"


class PaymentLink(Base):
    """`digest`: sha256 of the word in the address; `amount`: what was asked for, when the order came to `total` and
    `paid` of it was paid; `opened_at`: when the page was first looked at."""

    __tablename__ = "payment_links"
    __table_args__ = (one_of("way", Way), CheckConstraint("amount > 0", name="amount_positive"))

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    amount: Mapped[Decimal]
    total: Mapped[Decimal]
    paid: Mapped[Decimal]
    way: Mapped[str]
    address: Mapped[str | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    call_id: Mapped[UUID | None] = mapped_column(ForeignKey("calls.id"), index=True)
    expires_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]


class State(StrEnum):
    """What the customer finds on his page."""

    OPEN = "open"
    PART_PAID = "part_paid"  # what he was asked for came; the rest is paid later
    PAID = "paid"
    CALLED_OFF = "called_off"


@dataclass(frozen=True, kw_only=True)
class Due:
    """What is to be paid now, and what of the order after that; `changed`: the order came to another sum when the
    address was sent."""

    state: State
    amount: Decimal
    rest: Decimal
    changed: bool


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the page of a link is about."""

    link: PaymentLink
    order: Order
    shop: Shop
    terms: PaymentTerms
    due: Due


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A link that was made: its word, which is kept nowhere, and what the message is made of."""

    word: str
    link: PaymentLink
    order: Order
    shop: Shop
    terms: PaymentTerms

    def message(self, link: str) -> str:
        """What the customer is sent; `link`: the whole address of his page."""
        return written(self.terms, self.shop, self.order, self.link.amount, link)


@dataclass(frozen=True, kw_only=True)
class SentRow:
    """One link as the order's page lists it."""

    at: datetime
    amount: Decimal
    way: str
    address: str | None
    operator: str | None
    call_id: UUID | None
    opened_at: datetime | None
    expires_at: datetime


def due(link: PaymentLink, *, total: Decimal, paid: Decimal, status: str) -> Due:
    """What of an order that is so now is to be paid by this link. Pure.

    A link that asked for everything asks for everything that is owed now; one for a part for what of it did not come.
    """
    owed = max(Decimal(0), total - paid)
    changed = total != link.total
    if is_released(status):
        return Due(state=State.CALLED_OFF, amount=Decimal(0), rest=Decimal(0), changed=changed)
    if not owed:
        return Due(state=State.PAID, amount=Decimal(0), rest=Decimal(0), changed=changed)
    whole = link.amount == link.total - link.paid
    came = max(Decimal(0), paid - link.paid)
    now = owed if whole else min(owed, max(Decimal(0), link.amount - came))
    state = State.OPEN if now else State.PART_PAID
    return Due(state=state, amount=now, rest=owed - now, changed=changed)


def written(terms: PaymentTerms, shop: Shop, order: Order, amount: Decimal, link: str) -> str:
    """The message, in the words of the shop."""
    told = {
        "shop": shop.name,
        "order": order.number,
        "amount": f"{amount:.2f} {order.currency}",
        "link": link,
    }
    return (terms.message or MESSAGE).format_map(told)


async def ask_payment(
    session: AsyncSession,
    order_id: int,
    *,
    way: Way,
    address: str | None = None,
    amount: Decimal | int | str | None = None,
    user_id: int | None,
    at: datetime,
    call_id: UUID | None = None,
) -> Sent:
    """Make the page on which the customer pays `amount` (None: all that is owed), and note that he was sent it: in the
    order, in his history, at the call. `address`: a number or an e-mail of his (None: the first).

    Raises `NotFound`, `Invalid`, `Conflict` when nothing is to be paid or nobody wrote how.
    """
    order = await session.get(Order, order_id, with_for_update=True)
    if order is None:
        raise NotFound(f"There is no order {order_id}.")
    shop, terms = await session.get_one(Shop, order.shop_id), await load_terms(session, order.shop_id)
    asked = _amount(order, amount)
    if not terms.payable:
        raise Conflict(f"Nobody wrote yet how customers of “{shop.name}” pay: Settings, How customers pay.")
    address = await _address(session, order.customer_id, way, address)
    call_id = await resolve(session, call_id) if call_id else None
    word = secrets.token_urlsafe(24)
    link = PaymentLink(
        order_id=order.id, digest=_digest(word), amount=asked, total=order.total, paid=order.paid, way=way,
        address=address, user_id=user_id, call_id=call_id, created_at=at, expires_at=at + LASTS,
    )  # fmt: skip
    what = {"payment_link": [None, f"{asked} {way}"]}
    change = OrderChange(
        order_id=order.id, user_id=user_id, call_id=call_id, what=what, version=order.version, created_at=at
    )
    session.add_all([link, change])
    await session.flush()
    await keep_message(
        session, order.customer_id, channel=Channel(way), direction=Direction.OUTBOUND, at=at, user_id=user_id,
        address=address, words=written(terms, shop, order, asked, "…"),
    )  # fmt: skip
    if call_id is not None:
        role, rule = call_link.Role.DISCUSSED, call_link.EDITED_IN_CALL
        await call_link.link(session, call_id, order_id=order.id, role=role, rule=rule, user_id=user_id)
    await announce(session, "order", {"id": order.id, "customer_id": order.customer_id, "call_id": None})
    return Sent(word=word, link=link, order=order, shop=shop, terms=terms)


async def open_link(session: AsyncSession, word: str, *, at: datetime, by_us: bool = False) -> Asked:
    """What the page that this word opens is about; `by_us`: it is not the customer who looks. Raises `NotFound` for one
    that opens nothing, or no more."""
    query = select(PaymentLink).where(PaymentLink.digest == _digest(word), PaymentLink.expires_at > at)
    link = await session.scalar(query)
    if link is None:
        raise NotFound("This page is not there any more.")
    order = await session.get_one(Order, link.order_id)
    if not by_us:
        link.opened_at = link.opened_at or at
    return Asked(
        link=link,
        order=order,
        shop=await session.get_one(Shop, order.shop_id),
        terms=await load_terms(session, order.shop_id),
        due=due(link, total=order.total, paid=order.paid, status=order.status),
    )


async def list_links(session: AsyncSession, order_id: int) -> list[SentRow]:
    """The links of an order, the newest first."""
    names = ("amount", "way", "address", "call_id", "opened_at", "expires_at")
    query = (
        select(
            PaymentLink.created_at.label("at"),
            User.name.label("operator"),
            *(getattr(PaymentLink, name) for name in names),
        )
        .outerjoin(User, User.id == PaymentLink.user_id)
        .where(PaymentLink.order_id == order_id)
        .order_by(PaymentLink.id.desc())
    )
    return [SentRow(**dict(row._mapping)) for row in await session.execute(query)]


async def asked_by(session: AsyncSession, order_id: int) -> int | None:
    """Who asked last for a payment of this order."""
    query = select(PaymentLink.user_id).where(PaymentLink.order_id == order_id)
    found: int | None = await session.scalar(query.order_by(PaymentLink.id.desc()).limit(1))
    return found


async def addresses_of(session: AsyncSession, customer_id: int) -> dict[Way, list[str]]:
    """Where a customer can be sent a link, the first first."""
    customer = await get_customer(session, customer_id)
    more = select(CustomerContact.value).where(
        CustomerContact.customer_id == customer.id, CustomerContact.kind == ContactKind.EMAIL
    )
    mails = [customer.email, *await session.scalars(more.order_by(CustomerContact.id))]
    numbers = [it.e164 for it in customer.numbers]
    return {Way.SMS: numbers, Way.EMAIL: list(dict.fromkeys(it for it in mails if it)), Way.OTHER: []}


def _amount(order: Order, amount: Decimal | int | str | None) -> Decimal:
    owed = order.total - order.paid
    if is_released(order.status):
        raise Conflict(f"Order {order.number} was called off: there is nothing to pay.")
    if owed <= 0:
        raise Conflict(f"Order {order.number} is paid.")
    asked = owed if amount is None else money(amount, "amount")
    if not 0 < asked <= owed:
        raise Invalid(f"Ask for a part of what is owed, or for all of it: {owed}.", "amount")
    return asked


async def _address(session: AsyncSession, customer_id: int, way: Way, wanted: str | None) -> str | None:
    known = (await addresses_of(session, customer_id))[way]
    if way is Way.OTHER:
        return None
    if wanted is None and known:
        return known[0]
    if wanted not in known:
        what = "number" if way is Way.SMS else "e-mail"
        raise Invalid(f"The customer has no such {what}: write it on the customer’s page first.", "address")
    return wanted


def _digest(word: str) -> bytes:
    return hashlib.sha256(word.encode(errors="replace")).digest()
