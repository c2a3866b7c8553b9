"""What lies at suppliers, apart from our warehouses: how much, how many days it takes to come, as of when.

Nothing of it counts as stock: it is not reserved and can not run out here. Who may sell beyond the stock may sell it,
and the line of the order then says from whom it comes (`order_stock`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, ScalarSelect, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import audit
from crm_core.db import Base
from crm_core.errors import Invalid, NotFound
from crm_core.outbox import announce
from crm_core.product import Product, get_product
from crm_core.stock import MOST_ON_HAND

UNNAMED = "Supplier"
LONGEST_NAME = 200
LONGEST_DAYS = 999


class Supply(Base):
    """A product at one supplier. `lead_days`: so long until it is here (NULL: not known); `as_of`: since when."""

    __tablename__ = "supplies"
    __table_args__ = (
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
        CheckConstraint("lead_days >= 0", name="lead_not_negative"),
    )

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    supplier: Mapped[str] = mapped_column(primary_key=True)
    quantity: Mapped[int]
    lead_days: Mapped[int | None]
    as_of: Mapped[datetime]


def soonest(supplies: Iterable[Supply]) -> Supply | None:
    """From whom it comes first, of those who have some. Pure."""
    having = [it for it in supplies if it.quantity > 0]
    return min(having, key=_lead, default=None)


def _lead(it: Supply) -> tuple[bool, int, str]:
    return it.lead_days is None, it.lead_days or 0, it.supplier


def supplied() -> ScalarSelect[int | None]:
    """How many pieces of the product of the row all suppliers have; NULL for none."""
    return _of_row(func.sum(Supply.quantity))


def supply_days() -> ScalarSelect[int | None]:
    """In how many days the first of them would be here; NULL where nobody knows."""
    return _of_row(func.min(Supply.lead_days))


def _of_row(what: ColumnElement[Any]) -> ScalarSelect[int | None]:
    having = select(what).where(Supply.product_id == Product.id, Supply.quantity > 0)
    return having.correlate(Product).scalar_subquery()


async def list_supplies(session: AsyncSession, product_ids: Iterable[int]) -> dict[int, Sequence[Supply]]:
    """Product -> what suppliers have of it, the soonest first."""
    query = select(Supply).where(Supply.product_id.in_(list(product_ids)))
    found: dict[int, list[Supply]] = {}
    for row in await session.scalars(query):
        found.setdefault(row.product_id, []).append(row)
    return {key: sorted(rows, key=_lead) for key, rows in found.items()}


async def set_supply(
    session: AsyncSession,
    product_id: int,
    supplier: str,
    quantity: int,
    *,
    lead_days: int | None,
    user_id: int | None,
    at: datetime,
) -> bool:
    """Say what a supplier has as of `at`; whether that is different from before. Raises `NotFound`, `Invalid`."""
    name = " ".join(supplier.split())[:LONGEST_NAME]
    if not name:
        raise Invalid("A supplier needs a name.", "supplier")
    if not 0 <= quantity <= MOST_ON_HAND:
        raise Invalid(f"Pieces at a supplier are between 0 and {MOST_ON_HAND}.", "quantity")
    if lead_days is not None and not 0 <= lead_days <= LONGEST_DAYS:
        raise Invalid(f"Days until it is here are between 0 and {LONGEST_DAYS}.", "lead_days")
    await get_product(session, product_id, lock=True)
    row = await session.get(Supply, (product_id, name))
    before = (row.quantity, row.lead_days) if row is not None else None
    said = {"quantity": quantity, "lead_days": lead_days, "as_of": at}
    made = insert(Supply).values(product_id=product_id, supplier=name, **said)
    await session.execute(made.on_conflict_do_update(index_elements=["product_id", "supplier"], set_=said))
    if row is not None:
        await session.refresh(row)
    if before == (quantity, lead_days):
        return False
    await _tell(
        session, product_id, "supply_set", user_id, supplier=name, was=before, now=[quantity, lead_days]
    )
    return True


async def remove_supply(
    session: AsyncSession, product_id: int, supplier: str, *, user_id: int | None
) -> None:
    """This supplier has it no longer. Raises `NotFound`."""
    await get_product(session, product_id, lock=True)
    mine = (Supply.product_id == product_id) & (Supply.supplier == supplier)
    gone = await session.scalar(delete(Supply).where(mine).returning(Supply.supplier))
    if gone is None:
        raise NotFound("The product is not at this supplier.")
    await _tell(session, product_id, "supply_remove", user_id, supplier=supplier)


async def _tell(
    session: AsyncSession, product_id: int, what: str, user_id: int | None, **detail: object
) -> None:
    await audit.record(
        session, user_id=user_id, action=f"product.{what}", object_kind="product", object_id=product_id, detail=detail
    )  # fmt: skip
    await announce(session, "product", {"id": product_id})
