"""Goods that stand in the draft of a call are held for it, as long as the call lasts and a few minutes more.

A hold is a place in a queue, and what it gets is computed whenever somebody looks: whoever came first gets his pieces
as far as they are there. So nothing has to run for a hold to end, and what one call gives back the next one has.
Places are taken while the product's row is locked, so their order is that in which people were told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import Call
from crm_core.db import Base, Id
from crm_core.outbox import announce
from crm_core.product import Product
from crm_core.stock import OrderStock
from crm_core.user import User

LONGEST_CALL = timedelta(hours=12)  # a call whose end nobody heard holds nothing longer than this
FEW = 3  # so many pieces left are told to everybody at once
TOPIC = "stock"


class CallHold(Base):
    """Pieces of a product that a call wants; `user_id` wrote them into the draft. `kept_s`: so long after its end."""

    __tablename__ = "call_holds"
    __table_args__ = (CheckConstraint("pieces > 0", name="pieces_positive"),)

    id: Mapped[Id]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), index=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    pieces: Mapped[int]
    kept_s: Mapped[int]


@dataclass(frozen=True)
class Wish:
    """A place in the queue for one product: the call it is for, who talks, how many pieces."""

    call_id: UUID | None
    name: str
    pieces: int


@dataclass(frozen=True)
class Standing:
    """How one call stands with a product. `free`: pieces it may have; `ahead`: who has some of the rest in a call;
    `behind`: who wants more than is left for him."""

    free: int
    ahead: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()


def granted(stock: int, queue: Sequence[Wish]) -> list[int]:
    """What each place in the queue gets of `stock` pieces, first come first served. Pure."""
    left, given = max(0, stock), []
    for wish in queue:
        given.append(min(wish.pieces, left))
        left -= given[-1]
    return given


def standing(stock: int, queue: Sequence[Wish], call_id: UUID | None) -> Standing:
    """How `call_id` (None: somebody without a call) stands in the queue for `stock` pieces. Pure."""
    given = granted(stock, queue)
    others = [(wish, got) for wish, got in zip(queue, given, strict=True) if wish.call_id != call_id]
    return Standing(
        free=max(0, stock - sum(got for _, got in others)),
        ahead=_names(wish for wish, got in others if got),
        behind=_names(wish for wish, got in others if got < wish.pieces),
    )


def _names(wishes: Iterable[Wish]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(wish.name for wish in wishes))


def lasting(at: datetime) -> ColumnElement[bool]:
    """The condition that a place in the queue counts at `at`."""
    ends = func.coalesce(
        Call.ended_at + func.make_interval(0, 0, 0, 0, 0, 0, CallHold.kept_s),
        CallHold.created_at + LONGEST_CALL,
    )
    return ends > at


async def queues(session: AsyncSession, product_ids: Iterable[int], *, at: datetime) -> dict[int, list[Wish]]:
    """Product -> who holds it at `at`, in turn; products that nobody holds are left out."""
    query = (
        select(CallHold.product_id, CallHold.call_id, User.name, CallHold.pieces)
        .join(Call, Call.id == CallHold.call_id)
        .join(User, User.id == CallHold.user_id)
        .where(CallHold.product_id.in_(list(product_ids)), lasting(at))
        .order_by(CallHold.id)
    )
    found: dict[int, list[Wish]] = {}
    for product_id, call_id, name, pieces in await session.execute(query):
        found.setdefault(product_id, []).append(Wish(call_id, name, pieces))
    return found


async def hold(
    session: AsyncSession,
    call_id: UUID,
    wanted: Mapping[int, int],
    *,
    user_id: int,
    at: datetime,
    kept: timedelta,
) -> None:
    """Let a call hold `wanted` (product -> pieces) and nothing else. More pieces than before go to the end of the
    queue; what is no product holds nothing."""
    query = select(CallHold).where(CallHold.call_id == call_id).order_by(CallHold.id)
    rows = (await session.scalars(query)).all()
    has = _pieces(rows)
    changed = sorted(key for key in has.keys() | wanted.keys() if has.get(key, 0) != wanted.get(key, 0))
    if not changed:
        return
    locked = select(Product).where(Product.id.in_(changed)).order_by(Product.id).with_for_update()
    products = (await session.scalars(locked, execution_options={"populate_existing": True})).all()
    for product in products:
        more = wanted.get(product.id, 0) - has.get(product.id, 0)
        if more > 0:
            own = {"user_id": user_id, "pieces": more, "kept_s": int(kept.total_seconds())}
            session.add(CallHold(call_id=call_id, product_id=product.id, created_at=at, **own))
        else:
            await _let_go(session, [row for row in rows if row.product_id == product.id], -more)
    await session.flush()
    await tell_few(session, products, at=at)


def _pieces(rows: Iterable[CallHold]) -> dict[int, int]:
    held: dict[int, int] = {}
    for row in rows:
        held[row.product_id] = held.get(row.product_id, 0) + row.pieces
    return held


async def _let_go(session: AsyncSession, rows: Sequence[CallHold], pieces: int) -> None:
    """Give back so many pieces, the last place first."""
    for row in reversed(rows):
        back = min(pieces, row.pieces)
        pieces -= back
        if back == row.pieces:
            await session.delete(row)
        elif back:
            row.pieces -= back


async def release(session: AsyncSession, call_id: UUID) -> None:
    """The call's goods are in an order now, or nobody wants them."""
    await session.execute(delete(CallHold).where(CallHold.call_id == call_id))


async def tell_few(session: AsyncSession, products: Iterable[Product], *, at: datetime) -> None:
    """Tell every desk of products of which few are left, or for which people queue."""
    known = {it.id: it.stock for it in products}
    asked = await queues(session, known, at=at)
    few = [key for key, stock in known.items() if stock - sum(it.pieces for it in asked.get(key, ())) <= FEW]
    if few:
        await announce(session, TOPIC, {"product_ids": few})


async def standings(
    session: AsyncSession,
    stock: Mapping[int, int],
    *,
    call_id: UUID | None,
    at: datetime,
    order_id: int | None = None,
) -> dict[int, Standing]:
    """How a call stands with products of which `stock` can be promised; what order `order_id` keeps is its own."""
    asked = await queues(session, stock, at=at)
    own = await _kept_by(session, order_id, stock) if order_id is not None else {}
    found = {key: standing(left, asked.get(key, ()), call_id) for key, left in stock.items()}
    return {key: replace(it, free=it.free + own.get(key, 0)) for key, it in found.items()}


async def _kept_by(session: AsyncSession, order_id: int, products: Iterable[int]) -> dict[int, int]:
    query = (
        select(OrderStock.product_id, func.sum(OrderStock.pieces))
        .where(OrderStock.order_id == order_id, OrderStock.product_id.in_(list(products)))
        .group_by(OrderStock.product_id)
    )
    return {key: int(pieces) for key, pieces in await session.execute(query)}


def held_by(product: str, it: Standing) -> str:
    """Why no more of a product is left: others talk to somebody who wants it. Pure."""
    who = " and ".join(it.ahead[:2])
    what = f"the last of {product}" if not it.free else f"all but {it.free} of {product}"
    has = "has" if len(it.ahead) == 1 else "have"
    do = "take fewer, or offer something else" if it.free else "offer something else"
    return f"{who} {has} {what} in a call. It is free again if nothing comes of that call: {do}, or ask again later."


async def beyond_order(
    session: AsyncSession, wanted: Mapping[int, int], order_id: int | None
) -> dict[int, int]:
    """What of `wanted` order `order_id` does not keep already."""
    own = await _kept_by(session, order_id, wanted) if order_id is not None and wanted else {}
    more = {key: pieces - own.get(key, 0) for key, pieces in wanted.items()}
    return {key: pieces for key, pieces in more.items() if pieces > 0}


async def forget_holds(session: AsyncSession, *, before: datetime) -> None:
    """Remove holds that ended long ago."""
    over = select(Call.id).where(or_(Call.ended_at.is_(None), Call.ended_at < before))
    old = delete(CallHold).where(CallHold.created_at < before, CallHold.call_id.in_(over))
    await session.execute(old, execution_options={"synchronize_session": False})


def wanted_in(body: Mapping[str, Any], *, most: int) -> dict[int, int]:
    """Product -> pieces that a draft, as a page wrote it, wants; what makes no sense in it is passed over. Pure."""
    wanted: dict[int, int] = {}
    items = body.get("items")
    for item in items[:200] if isinstance(items, list) else ():
        given = item if isinstance(item, dict) else {}
        key, pieces = _whole(given.get("product_id")), _whole(given.get("quantity"))
        if 0 < key < 2**53 and 0 < pieces <= most:
            wanted[key] = min(most, wanted.get(key, 0) + pieces)
    return wanted


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
