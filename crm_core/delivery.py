"""How goods get to people and what that costs: methods of a shop, with rates by zone and weight."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_core import audit
from crm_core.db import Base, Flag, Id, Money, Texts, Version
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.keys import search_key
from crm_core.money import money
from crm_core.shop import Shop

MOST_RATES = 50


class DeliveryRate(Base):
    """What a method costs in a zone. `places`: cities, regions, beginnings of postcodes; none: everywhere.
    `to_weight_g` NULL: any weight."""

    __tablename__ = "delivery_rates"
    __table_args__ = (
        CheckConstraint("cost >= 0", name="cost_not_negative"),
        CheckConstraint("to_weight_g > 0", name="weight_positive"),
    )

    id: Mapped[Id]
    method_id: Mapped[int] = mapped_column(ForeignKey("delivery_methods.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    places: Mapped[Texts]
    to_weight_g: Mapped[int | None]
    cost: Mapped[Money]


class DeliveryMethod(Base):
    """One way of delivery of a shop; free when the goods reach `free_from`. Of its rates the first that fits counts."""

    __tablename__ = "delivery_methods"
    __table_args__ = (
        UniqueConstraint("shop_id", "name"),
        CheckConstraint("free_from >= 0", name="free_from_not_negative"),
    )

    id: Mapped[Id]
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    name: Mapped[str]
    free_from: Mapped[Decimal | None]
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    position: Mapped[int] = mapped_column(server_default="0", default=0)
    version: Mapped[Version]

    rates: Mapped[list[DeliveryRate]] = relationship(
        lazy="selectin", order_by="DeliveryRate.position", cascade="all, delete-orphan"
    )


@dataclass(frozen=True, kw_only=True)
class Where:
    """Where goods go; each part may be unknown."""

    city: str | None = None
    region: str | None = None
    postcode: str | None = None


@dataclass(frozen=True, kw_only=True)
class RateWanted:
    """A rate as the administrator wants it."""

    cost: Decimal
    places: Sequence[str] = ()
    to_weight_g: int | None = None


def cost(
    rates: Iterable[DeliveryRate],
    free_from: Decimal | None,
    where: Where,
    *,
    weight_g: int,
    goods: Decimal,
) -> Decimal | None:
    """What it costs to bring goods of this weight and value there; None when the method does not go there. Pure."""
    for rate in rates:
        if _fits(rate, where, weight_g):
            return Decimal("0.00") if free_from is not None and goods >= free_from else rate.cost
    return None


def _fits(rate: DeliveryRate, where: Where, weight_g: int) -> bool:
    if rate.to_weight_g is not None and weight_g > rate.to_weight_g:
        return False
    return not rate.places or any(_is_in(place, where) for place in rate.places)


def _is_in(place: str, where: Where) -> bool:
    """A place with a digit is the beginning of a postcode, any other the name of a city or a region."""
    if re.search(r"\d", place):
        return bool(where.postcode) and _code(where.postcode or "").startswith(_code(place))
    known = (search_key(name) for name in (where.city, where.region) if name)
    return search_key(place) in known


def _code(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "", text).upper()


async def list_methods(
    session: AsyncSession, shop_id: int | None = None, *, active: bool | None = None
) -> Sequence[DeliveryMethod]:
    """Methods of a shop (None: of every shop) in the order in which they are offered."""
    query = select(DeliveryMethod).order_by(
        DeliveryMethod.shop_id, DeliveryMethod.position, DeliveryMethod.id
    )
    if shop_id is not None:
        query = query.where(DeliveryMethod.shop_id == shop_id)
    if active is not None:
        query = query.where(DeliveryMethod.active.is_(active))
    return (await session.scalars(query)).all()


async def get_method(session: AsyncSession, method_id: int, *, lock: bool = False) -> DeliveryMethod:
    """The method with its rates. Raises `NotFound`."""
    found = await session.get(DeliveryMethod, method_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise NotFound(f"There is no delivery method {method_id}.")
    return found


async def create_method(
    session: AsyncSession, *, shop_id: int, name: str, user_id: int | None, **fields: Any
) -> DeliveryMethod:
    """Add a method; without rates it costs nothing anywhere. Raises `NotFound`, `Invalid`, `Conflict`."""
    if await session.get(Shop, shop_id) is None:
        raise NotFound(f"There is no shop {shop_id}.")
    made = DeliveryMethod(shop_id=shop_id, name="", active=True, position=0, version=1, rates=[])
    await _apply(session, made, {"rates": [RateWanted(cost=Decimal(0))], **fields, "name": name})
    session.add(made)
    await session.flush()
    await _note(session, made, "delivery_method.add", user_id)
    return made


async def update_method(
    session: AsyncSession, method_id: int, *, version: int, changes: Mapping[str, Any], user_id: int | None
) -> DeliveryMethod:
    """Change `name`, `free_from`, `active`, `position`, `rates` (all of them, in their order).

    Orders that were agreed keep their costs until they are changed. Raises as `create_method`.
    """
    found = await get_method(session, method_id, lock=True)
    if found.version != version:
        raise Conflict(f"“{found.name}” was changed by somebody else meanwhile.")
    await _apply(session, found, changes)
    found.version += 1
    await session.flush()
    await _note(session, found, "delivery_method.change", user_id)
    return found


async def _apply(session: AsyncSession, method: DeliveryMethod, changes: Mapping[str, Any]) -> None:
    if "name" in changes:
        name = " ".join(str(changes["name"]).split())
        if not 1 <= len(name) <= 100:
            raise Invalid("Give it a name of at most 100 letters.", "name")
        same = (DeliveryMethod.shop_id == method.shop_id, DeliveryMethod.name == name)
        with session.no_autoflush:
            taken = await session.scalar(select(DeliveryMethod.id).where(*same))
        if taken not in (None, method.id):
            raise Conflict(f"This shop already delivers by “{name}”.")
        method.name = name
    if "free_from" in changes:
        value = changes["free_from"]
        method.free_from = None if value is None else money(value, "free_from")
    method.active = changes.get("active", method.active)
    method.position = changes.get("position", method.position)
    if "rates" in changes:
        method.rates = _rates(changes["rates"])


def _rates(wanted: Sequence[RateWanted]) -> list[DeliveryRate]:
    if not 1 <= len(wanted) <= MOST_RATES:
        raise Invalid(f"A delivery method has 1 to {MOST_RATES} rates.", "rates")
    return [
        DeliveryRate(
            position=place,
            places=[name.strip() for name in one.places if name.strip()],
            to_weight_g=one.to_weight_g,
            cost=money(one.cost, "rates"),
        )
        for place, one in enumerate(wanted, 1)
    ]


async def _note(session: AsyncSession, method: DeliveryMethod, action: str, user_id: int | None) -> None:
    rates = [f"{', '.join(it.places) or '*'} ≤{it.to_weight_g or '∞'} g: {it.cost}" for it in method.rates]
    free = None if method.free_from is None else str(method.free_from)
    detail = {"name": method.name, "active": method.active, "free_from": free, "rates": rates}
    await audit.record(
        session,
        user_id=user_id,
        action=action,
        object_kind="delivery_method",
        object_id=method.id,
        detail=detail,
    )
