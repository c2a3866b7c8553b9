"""Shops: online stores with their currency, their country and their series of order numbers."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import available_timezones

import phonenumbers
from babel.numbers import is_currency
from sqlalchemy import BigInteger, CheckConstraint, UniqueConstraint, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.outbox import announce


class Shop(Base):
    """One online store: its currency, its country, its series of order numbers."""

    __tablename__ = "shops"
    __table_args__ = (
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_code"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_code"),
        UniqueConstraint("order_prefix"),
    )

    id: Mapped[Id]
    name: Mapped[str]
    currency: Mapped[str]
    country: Mapped[str]
    timezone: Mapped[str]
    order_prefix: Mapped[str]
    next_order_number: Mapped[int] = mapped_column(server_default="1001", default=1001)


async def create_shop(
    session: AsyncSession, *, name: str, currency: str, country: str, timezone: str, order_prefix: str
) -> Shop:
    """Add a shop. Raises `Invalid`, and `Conflict` when another has the same prefix of order numbers."""
    given = {
        "name": name,
        "currency": currency,
        "country": country,
        "timezone": timezone,
        "order_prefix": order_prefix,
    }
    for column, value in given.items():
        _check(column, value)
    shop = Shop(**given | {"name": name.strip()}, next_order_number=1001)
    await _numbers_free(session, shop, moved=False)
    return await _kept(session, shop)


async def update_shop(session: AsyncSession, shop_id: int, changes: Mapping[str, Any]) -> Shop:
    """Change what is in `changes`: name, currency, country, timezone, order_prefix, next_order_number.

    Numbers of orders that are there stay. Raises `NotFound`, `Invalid`, and `Conflict` when the numbers to come
    are another shop's or given already, or when prices and orders in the old currency are there.
    """
    shop = await session.get(Shop, shop_id, with_for_update=True)
    if shop is None:
        raise NotFound(f"There is no shop {shop_id}.")
    different = {name: value for name, value in changes.items() if value != getattr(shop, name)}
    for name, value in different.items():
        _check(name, value)
    if "currency" in different:
        await _nothing_priced(session, shop)
    for name, value in different.items():
        setattr(shop, name, value.strip() if name == "name" else value)
    if different.keys() & {"order_prefix", "next_order_number"}:
        await _numbers_free(session, shop, moved="next_order_number" in different)
    return await _kept(session, shop)


async def list_shops(session: AsyncSession) -> Sequence[Shop]:
    """Every shop, by name."""
    return (await session.scalars(select(Shop).order_by(Shop.name, Shop.id))).all()


async def _kept(session: AsyncSession, shop: Shop) -> Shop:
    session.add(shop)
    await session.flush()
    await announce(session, "shop", {"id": shop.id})
    return shop


def _check(name: str, value: Any) -> None:
    """Raise `Invalid` for what a shop can not have."""
    match name:
        case "name" if not value.strip():
            raise Invalid("A shop needs a name.", name)
        case "currency" if not is_currency(value):
            raise Invalid("A currency is three capital letters, for instance EUR.", name)
        case "country" if value not in phonenumbers.SUPPORTED_REGIONS:
            raise Invalid("A country is two capital letters, for instance PL.", name)
        case "timezone" if value not in available_timezones():
            raise Invalid("A time zone is written like Europe/Warsaw.", name)
        case "order_prefix" if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9-]{0,11}", value):
            raise Invalid("Order numbers begin with letters and digits, for instance A.", name)


async def _nothing_priced(session: AsyncSession, shop: Shop) -> None:
    from crm_core.order import Order
    from crm_core.product import Product

    for row in (Order, Product):
        if await session.scalar(select(row.id).where(row.shop_id == shop.id).limit(1)):
            raise Conflict(
                f"{shop.name} has prices and orders in {shop.currency} already; "
                "add another shop for another currency."
            )


async def _numbers_free(session: AsyncSession, shop: Shop, *, moved: bool) -> None:
    """Raise `Conflict` when another shop gives these numbers, or orders have them already."""
    from crm_core.order import Order

    begin = f"{shop.order_prefix}-"
    with session.no_autoflush:
        other = await session.scalar(
            select(Shop.name).where(Shop.order_prefix == shop.order_prefix, Shop.id.is_distinct_from(shop.id))
        )
        if other is not None:
            raise Conflict(f"Another shop's orders begin with {shop.order_prefix!r} already: {other}.")
        count = func.substr(Order.number, len(begin) + 1)
        highest = await session.scalar(
            select(func.max(cast(count, BigInteger))).where(
                Order.number.startswith(begin, autoescape=True), count.regexp_match("^[0-9]{1,12}$")
            )
        )
    if highest is not None and shop.next_order_number <= highest:
        if moved:
            raise Conflict(f"Orders up to {begin}{highest} are there: the next is {highest + 1} or more.")
        shop.next_order_number = highest + 1
