"""How far below its price somebody may sell: per cent by role, and by shop where a shop differs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import audit
from crm_core.db import Base, Id, Percent
from crm_core.errors import Invalid, NotFound
from crm_core.order_total import OrderLine, Sums, off, share_off
from crm_core.shop import Shop


class DiscountLimit(Base):
    """The most that a role may take off, in a shop or (NULL) in every shop that says nothing of its own."""

    __tablename__ = "discount_limits"
    __table_args__ = (
        UniqueConstraint("shop_id", "role", postgresql_nulls_not_distinct=True),
        CheckConstraint("percent BETWEEN 0 AND 100", name="percent_sane"),
    )

    id: Mapped[Id]
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))
    role: Mapped[str]
    percent: Mapped[Percent]


@dataclass(frozen=True)
class Sold:
    """A line as it stands in an order: what it costs this customer by the list, and what he pays for it."""

    key: object
    name: str
    list_price: Decimal
    line: OrderLine

    @property
    def percent(self) -> Decimal:
        """How far below the list it is sold."""
        return share_off(self.line.quantity * self.list_price, self.line.sum)


async def list_limits(session: AsyncSession) -> Sequence[DiscountLimit]:
    """All limits, those of every shop first."""
    order = (DiscountLimit.shop_id.nulls_first(), DiscountLimit.role)
    return (await session.scalars(select(DiscountLimit).order_by(*order))).all()


async def most_off(session: AsyncSession, role: str, shop_id: int) -> Decimal:
    """Per cent that this role may take off in this shop; 0 when nothing is said."""
    found = select(DiscountLimit.percent).where(
        DiscountLimit.role == role,
        DiscountLimit.shop_id.is_(None) | (DiscountLimit.shop_id == shop_id),
    )
    limit = await session.scalar(found.order_by(DiscountLimit.shop_id.nulls_last()).limit(1))
    return limit if limit is not None else Decimal(0)


async def put_limit(
    session: AsyncSession, *, shop_id: int | None, role: str, percent: Decimal | None, user_id: int | None
) -> None:
    """Set a limit; None takes it away (0 % where nothing else holds). Raises `NotFound`, `Invalid`."""
    if shop_id is not None and await session.get(Shop, shop_id) is None:
        raise NotFound(f"There is no shop {shop_id}.")
    same_shop = DiscountLimit.shop_id.is_not_distinct_from(shop_id)
    known = await session.scalar(
        select(DiscountLimit).where(same_shop, DiscountLimit.role == role).with_for_update()
    )
    before = known.percent if known else None
    if percent is None:
        if shop_id is None and known:
            raise Invalid("A limit that holds for every shop can be changed, not taken away.", "percent")
        if known:
            await session.delete(known)
    else:
        row = known or DiscountLimit(shop_id=shop_id, role=role)
        row.percent = off(percent, 0, "percent").percent
        session.add(row)
    await session.flush()
    await audit.record(
        session,
        user_id=user_id,
        action="discount_limit.change",
        object_kind="shop",
        object_id=shop_id,
        detail={role: [None if before is None else str(before), None if percent is None else str(percent)]},
    )


def check_limit(
    before: Sequence[Sold], sums_before: Sums, after: Sequence[Sold], sums: Sums, limit: Decimal
) -> None:
    """Raises `Invalid`, with the limit, when somebody sells cheaper than he may. Pure.

    What stood in the order already at such a price may stay, as many pieces or fewer; a coupon is the shop's own.
    """
    allowed = {one.key: one for one in before}
    for one in after:
        was = allowed.get(one.key)
        stays = was and was.percent >= one.percent and was.line.quantity >= one.line.quantity
        if one.percent > limit and not stays:
            raise Invalid(
                f"{one.name} would be {one.percent.normalize():f} % below its price;"
                f" you may give at most {limit.normalize():f} %.",
                "items",
            )
    percent, had = _whole(after, sums), _whole(before, sums_before)
    if percent > limit and percent > had:
        raise Invalid(
            f"Together this is {percent.normalize():f} % below the prices;"
            f" you may give at most {limit.normalize():f} %.",
            "discount",
        )


def _whole(sold: Sequence[Sold], sums: Sums) -> Decimal:
    """Per cent off everything together, without what the coupon does."""
    listed = sum((one.line.quantity * one.list_price for one in sold), Decimal(0))
    return share_off(listed, sums.goods - sums.discount)


def by_role(limits: Sequence[DiscountLimit], shop_id: int | None) -> Mapping[str, Decimal]:
    """Role -> limit that a shop (None: every shop) sets itself."""
    return {it.role: it.percent for it in limits if it.shop_id == shop_id}
