"""Coupons: a code that takes something off, within its time, from its minimum on, so many times."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import audit
from crm_core.db import Base, Flag, Id, Money, Percent, Version
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.money import money
from crm_core.order_total import Off, off
from crm_core.shop import Shop

EDITABLE = frozenset(
    ("percent", "amount", "minimum", "starts_at", "ends_at", "max_uses", "active", "shop_id", "note")
)


class Coupon(Base):
    """One code. `shop_id` NULL: every shop; `max_uses` NULL: any number; `used`: by orders that stand."""

    __tablename__ = "coupons"
    __table_args__ = (
        UniqueConstraint("code"),
        CheckConstraint("code = upper(code) AND code <> ''", name="code_upper"),
        CheckConstraint("percent BETWEEN 0 AND 100 AND amount >= 0", name="off_sane"),
        CheckConstraint("(percent = 0) <> (amount = 0)", name="percent_or_amount"),
        CheckConstraint("used >= 0 AND minimum >= 0", name="counts_not_negative"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
    )

    id: Mapped[Id]
    code: Mapped[str]
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id"))
    percent: Mapped[Percent]
    amount: Mapped[Money]
    minimum: Mapped[Money]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    max_uses: Mapped[int | None]
    used: Mapped[int] = mapped_column(server_default="0", default=0)
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    note: Mapped[str | None]
    version: Mapped[Version]

    @property
    def off(self) -> Off:
        return Off(self.percent, self.amount)


def written(code: str) -> str:
    """A code as it is kept: capitals, without spaces. Raises `Invalid` for none."""
    plain = "".join(code.split()).upper()
    if not 1 <= len(plain) <= 40:
        raise Invalid("A coupon's code has 1 to 40 signs.", "coupon")
    return plain


async def list_coupons(session: AsyncSession) -> Sequence[Coupon]:
    """All coupons, the newest first."""
    return (await session.scalars(select(Coupon).order_by(Coupon.id.desc()).limit(500))).all()


async def valid_coupon(session: AsyncSession, code: str, *, shop_id: int, at: datetime) -> Coupon:
    """The coupon that may be used here and now. Raises `Invalid` with the reason when it may not."""
    code = written(code)
    found = await session.scalar(select(Coupon).where(Coupon.code == code))
    if found is None or not found.active or found.shop_id not in (None, shop_id):
        raise Invalid(f"This shop has no coupon {code}.", "coupon")
    if found.starts_at and at < found.starts_at:
        raise Invalid(f"The coupon {code} is not valid yet.", "coupon")
    if found.ends_at and at >= found.ends_at:
        raise Invalid(f"The coupon {code} is no longer valid.", "coupon")
    if found.max_uses is not None and found.used >= found.max_uses:
        raise Invalid(f"The coupon {code} is used up.", "coupon")
    return found


def check_minimum(coupon: Coupon, goods: Decimal) -> None:
    """Raises `Invalid` when the goods do not reach the coupon's minimum. Pure."""
    if goods < coupon.minimum:
        raise Invalid(f"The coupon {coupon.code} counts from {coupon.minimum} on.", "coupon")


async def count_use(session: AsyncSession, coupon_id: int) -> None:
    """One more order has it: decided by the row itself, so the last use goes to one. Raises `Conflict`."""
    left = or_(Coupon.max_uses.is_(None), Coupon.used < Coupon.max_uses)
    taken = await session.scalar(
        update(Coupon)
        .where(Coupon.id == coupon_id, left)
        .values(used=Coupon.used + 1)
        .returning(Coupon.id)
        .execution_options(synchronize_session=False)
    )
    if taken is None:
        raise Conflict("The coupon is used up.")


async def give_back(session: AsyncSession, coupon_id: int) -> None:
    """An order has it no longer, or was called off."""
    await session.execute(
        update(Coupon)
        .where(Coupon.id == coupon_id, Coupon.used > 0)
        .values(used=Coupon.used - 1)
        .execution_options(synchronize_session=False)
    )


async def create_coupon(session: AsyncSession, *, code: str, user_id: int | None, **fields: Any) -> Coupon:
    """Add a coupon; `fields` are those of `EDITABLE`. Raises `Invalid`, `NotFound`, `Conflict` for a code in use."""
    code = written(code)
    if await session.scalar(select(Coupon.id).where(Coupon.code == code)):
        raise Conflict(f"There is already a coupon {code}.")
    made = Coupon(code=code, used=0, version=1, percent=Decimal(0), amount=Decimal(0), minimum=Decimal(0))
    await _apply(session, made, {"active": True, **fields})
    session.add(made)
    await session.flush()
    await _note(session, made, "coupon.add", user_id, fields)
    return made


async def update_coupon(
    session: AsyncSession, coupon_id: int, *, version: int, changes: Mapping[str, Any], user_id: int | None
) -> Coupon:
    """Change a coupon; orders that have it keep what they were given. Raises as `create_coupon`."""
    found = await session.get(Coupon, coupon_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound(f"There is no coupon {coupon_id}.")
    if found.version != version:
        raise Conflict(f"The coupon {found.code} was changed by somebody else meanwhile.")
    await _apply(session, found, changes)
    found.version += 1
    await session.flush()
    await _note(session, found, "coupon.change", user_id, changes)
    return found


async def _apply(session: AsyncSession, coupon: Coupon, changes: Mapping[str, Any]) -> None:
    with session.no_autoflush:
        shop_id = changes.get("shop_id")
        if shop_id is not None and await session.get(Shop, shop_id) is None:
            raise NotFound(f"There is no shop {shop_id}.")
    for name in EDITABLE & set(changes) - {"percent", "amount", "minimum"}:
        setattr(coupon, name, changes[name])
    taken = off(
        changes.get("percent", coupon.percent) or 0, changes.get("amount", coupon.amount) or 0, "percent"
    )
    if not taken:
        raise Invalid("Say what the coupon takes off: per cent or an amount.", "percent")
    coupon.percent, coupon.amount = taken.percent, taken.amount
    coupon.minimum = money(changes.get("minimum", coupon.minimum) or 0, "minimum")
    if coupon.starts_at and coupon.ends_at and coupon.ends_at <= coupon.starts_at:
        raise Invalid("A coupon ends after it starts.", "ends_at")


async def _note(
    session: AsyncSession, coupon: Coupon, action: str, user_id: int | None, fields: Mapping[str, Any]
) -> None:
    detail = {"code": coupon.code} | {name: None if it is None else str(it) for name, it in fields.items()}
    await audit.record(
        session, user_id=user_id, action=action, object_kind="coupon", object_id=coupon.id, detail=detail
    )
