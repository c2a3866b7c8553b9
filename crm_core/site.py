"""What a customer does in the web shop, as the shop tells it: the cart that is open, the pages that were looked at.

The shop names the visitor by our customer id, by telephone or by e-mail; whom we can not name yet is kept by number
and found when that number calls. What the shop says twice is kept once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.customer import get_customer
from crm_core.customer_contact import ContactKind, only_owner, reached_by
from crm_core.db import Base, Id, Money
from crm_core.errors import Invalid, NotFound
from crm_core.order_rows import Order
from crm_core.outbox import announce
from crm_core.phone import normalise
from crm_core.shop import Shop


class Cart(Base):
    """A cart of the web shop. `items`: [{sku, name, quantity, price}]; an empty list is an emptied cart.

    `order_id`: it became this order by telephone.
    """

    __tablename__ = "carts"
    __table_args__ = (
        UniqueConstraint("shop_id", "external_id"),
        Index("ix_carts_customer", "customer_id", text("updated_at DESC")),
        Index("ix_carts_e164", "e164", text("updated_at DESC")),
        Index("ix_carts_updated_at", "updated_at"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_code"),
    )

    id: Mapped[Id]
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    external_id: Mapped[str]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    e164: Mapped[str | None]
    email: Mapped[str | None]
    items: Mapped[list[dict[str, Any]]] = mapped_column(server_default="[]", default=list)
    total: Mapped[Money]
    currency: Mapped[str]
    url: Mapped[str | None]
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="SET NULL"), index=True)
    updated_at: Mapped[datetime]


class Visit(Base):
    """One look at one page of the web shop."""

    __tablename__ = "site_visits"
    __table_args__ = (
        UniqueConstraint("shop_id", "external_id"),
        Index("ix_site_visits_customer", "customer_id", text("at DESC")),
        Index("ix_site_visits_e164", "e164", text("at DESC")),
        Index("ix_site_visits_at", "at"),
    )

    id: Mapped[Id]
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    external_id: Mapped[str]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    e164: Mapped[str | None]
    email: Mapped[str | None]
    url: Mapped[str]
    title: Mapped[str]
    at: Mapped[datetime]


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """How the shop names somebody; at least one of the three."""

    customer_id: int | None = None
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, kw_only=True)
class PageView:
    """One page that was looked at; `external_id` is the shop's own name for this look."""

    external_id: str
    url: str
    title: str
    at: datetime


async def put_cart(
    session: AsyncSession,
    external_id: str,
    *,
    shop_id: int,
    visitor: Visitor,
    items: Sequence[dict[str, Any]],
    total: Decimal,
    currency: str,
    url: str | None,
    updated_at: datetime,
    now: datetime,
) -> Cart:
    """Keep the cart as it is on the site; what is older than what we know changes nothing.

    A cart that became an order by telephone is open again when the customer goes on with it.
    Raises `NotFound` for an unknown shop or customer, `Invalid` for a visitor nobody could recognise.
    """
    who = await _recognised(session, visitor, shop_id)
    told = {
        **who,
        "items": list(items),
        "total": total,
        "currency": currency,
        "url": url,
        "updated_at": min(updated_at, now),
    }
    statement = insert(Cart).values(shop_id=shop_id, external_id=external_id, **told)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["shop_id", "external_id"],
            set_={**told, "order_id": None},
            where=Cart.updated_at < statement.excluded.updated_at,
        )
    )
    await _announce(session, who)
    return await _cart(session, shop_id, external_id)


async def _cart(session: AsyncSession, shop_id: int, external_id: str) -> Cart:
    query = select(Cart).where(Cart.shop_id == shop_id, Cart.external_id == external_id)
    found = await session.scalars(query, execution_options={"populate_existing": True})
    return found.one()


async def offered(session: AsyncSession, cart_id: int) -> dict[str, Decimal]:
    """SKU -> the price at which the site put it into the cart. Raises `NotFound`."""
    cart = await session.get(Cart, cart_id)
    if cart is None:
        raise NotFound(f"There is no cart {cart_id}.")
    return {it["sku"]: Decimal(str(it["price"])) for it in cart.items if it.get("sku")}


async def ordered(session: AsyncSession, cart_id: int, order: Order) -> None:
    """The cart became this order. Raises `NotFound`, and `Invalid` for a cart of another shop."""
    cart = await session.get(Cart, cart_id)
    if cart is None:
        raise NotFound(f"There is no cart {cart_id}.")
    if cart.shop_id != order.shop_id:
        raise Invalid("This cart is of another shop.", "cart_id")
    cart.order_id = order.id
    await _announce(session, {"customer_id": cart.customer_id, "e164": cart.e164})


async def add_visits(
    session: AsyncSession, views: Sequence[PageView], *, shop_id: int, visitor: Visitor, now: datetime
) -> int:
    """Keep pages that were looked at; how many of them were new. Raises as `put_cart`."""
    who = await _recognised(session, visitor, shop_id)
    rows = [
        {
            **who,
            "shop_id": shop_id,
            "external_id": view.external_id,
            "url": view.url,
            "title": view.title,
            "at": min(view.at, now),
        }
        for view in {view.external_id: view for view in views}.values()
    ]
    if not rows:
        return 0
    added = await session.scalars(insert(Visit).values(rows).on_conflict_do_nothing().returning(Visit.id))
    new = len(added.all())
    if new:
        await _announce(session, who)
    return new


async def forget_site(session: AsyncSession, before: datetime) -> None:
    """Remove visits, and carts that nobody touched, from before this instant."""
    await session.execute(delete(Visit).where(Visit.at < before))
    await session.execute(delete(Cart).where(Cart.updated_at < before))


async def _recognised(session: AsyncSession, visitor: Visitor, shop_id: int) -> dict[str, Any]:
    """The columns that say who it was."""
    shop = await session.get(Shop, shop_id)
    if shop is None:
        raise NotFound(f"There is no shop {shop_id}.")
    e164 = None
    if visitor.phone is not None:
        e164 = normalise(visitor.phone, country=shop.country).e164
        if e164 is None:
            raise Invalid(f"{visitor.phone[:40]!r} is not a telephone number.", "phone")
    email = visitor.email.strip().lower() if visitor.email else None
    if visitor.customer_id is None and e164 is None and not email:
        raise Invalid("Say who it was: customer_id, phone or email.", "customer_id")
    if visitor.customer_id is not None:
        customer_id: int | None = (await get_customer(session, visitor.customer_id)).id
    else:
        customer_id = await only_owner(session, e164)
        if customer_id is None and email:
            customer_id = await reached_by(session, ContactKind.EMAIL, email)
    return {"customer_id": customer_id, "e164": e164, "email": email}


async def _announce(session: AsyncSession, who: dict[str, Any]) -> None:
    await announce(session, "site", {"customer_id": who["customer_id"], "e164": who["e164"]})
