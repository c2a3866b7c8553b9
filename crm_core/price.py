"""What a product costs whom and when: price lists of kinds of customers, and promotions for a time."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import CheckConstraint, ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import audit
from crm_core.customer import Customer
from crm_core.db import Base, Id, Money
from crm_core.errors import Invalid, NotFound
from crm_core.money import money
from crm_core.product import Product, get_product


class ProductPrice(Base):
    """A price besides the usual one. `price_list` NULL: for everybody; `starts_at`, `ends_at` NULL: no limit."""

    __tablename__ = "product_prices"
    __table_args__ = (
        CheckConstraint("price >= 0", name="price_not_negative"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("num_nonnulls(price_list, starts_at, ends_at) > 0", name="is_special"),
    )

    id: Mapped[Id]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), index=True)
    price: Mapped[Money]
    price_list: Mapped[str | None]
    promotion: Mapped[str | None]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]


def price_now(
    usual: Decimal, others: Iterable[ProductPrice], *, price_list: str | None, at: datetime
) -> Decimal:
    """The lowest of the prices that hold for this customer at this instant; the usual one when none does. Pure."""
    return min((it.price for it in others if holds(it, price_list, at)), default=usual)


def holds(price: ProductPrice, price_list: str | None, at: datetime) -> bool:
    """Whether a price is for this price list and now; it ends at `ends_at`, which no longer counts."""
    if price.price_list is not None and price.price_list.casefold() != (price_list or "").casefold():
        return False
    return (price.starts_at is None or price.starts_at <= at) and (
        price.ends_at is None or at < price.ends_at
    )


def margin(price: Decimal, purchase_price: Decimal | None) -> Decimal | None:
    """What stays of the price, in per cent with one decimal; None where nothing can be said."""
    if purchase_price is None or price == 0:
        return None
    return ((price - purchase_price) * 100 / price).quantize(Decimal("0.1"), ROUND_HALF_UP)


async def prices_for(
    session: AsyncSession, products: Sequence[Product], *, price_list: str | None, at: datetime
) -> dict[int, Decimal]:
    """Product -> what it costs a customer of this price list now."""
    query = select(ProductPrice).where(ProductPrice.product_id.in_([it.id for it in products]))
    others: dict[int, list[ProductPrice]] = {}
    for price in await session.scalars(query) if products else ():
        others.setdefault(price.product_id, []).append(price)
    return {
        it.id: price_now(it.price, others.get(it.id, ()), price_list=price_list, at=at) for it in products
    }


async def buys_at(session: AsyncSession, customer_id: int | None) -> str | None:
    """The price list of a customer; None for nobody and for who pays the usual price."""
    if customer_id is None:
        return None
    found: str | None = await session.scalar(select(Customer.price_list).where(Customer.id == customer_id))
    return found


async def list_prices(session: AsyncSession, product_id: int) -> Sequence[ProductPrice]:
    """Every other price of a product: by list, then by time."""
    query = select(ProductPrice).where(ProductPrice.product_id == product_id)
    order = (ProductPrice.price_list.nulls_first(), ProductPrice.starts_at.nulls_first(), ProductPrice.id)
    return (await session.scalars(query.order_by(*order))).all()


async def add_price(
    session: AsyncSession,
    product_id: int,
    *,
    price: Decimal,
    price_list: str | None,
    promotion: str | None,
    starts_at: datetime | None,
    ends_at: datetime | None,
    user_id: int | None,
) -> ProductPrice:
    """Add a price for a price list, for a time, or both. Raises `NotFound`, `Invalid`."""
    await get_product(session, product_id)
    if starts_at and ends_at and ends_at <= starts_at:
        raise Invalid("A promotion ends after it starts.", "ends_at")
    name = (price_list or "").strip() or None
    if name is None and starts_at is None and ends_at is None:
        raise Invalid(
            "Say for which price list, or from when to when; the usual price is the product's.", "price_list"
        )
    made = ProductPrice(
        product_id=product_id,
        price=money(price, "price"),
        price_list=name,
        promotion=(promotion or "").strip() or None,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    session.add(made)
    await session.flush()
    await _tell(session, made, "price.add", user_id)
    return made


async def remove_price(session: AsyncSession, product_id: int, price_id: int, *, user_id: int | None) -> None:
    """Take a price away. Raises `NotFound`."""
    found = await session.get(ProductPrice, price_id)
    if found is None or found.product_id != product_id:
        raise NotFound(f"The product has no price {price_id}.")
    await session.delete(found)
    await _tell(session, found, "price.remove", user_id)


async def _tell(session: AsyncSession, price: ProductPrice, action: str, user_id: int | None) -> None:
    names = ("price", "price_list", "promotion", "starts_at", "ends_at")
    detail = {name: None if (value := getattr(price, name)) is None else str(value) for name in names}
    await audit.record(
        session,
        user_id=user_id,
        action=action,
        object_kind="product",
        object_id=price.product_id,
        detail=detail,
    )
