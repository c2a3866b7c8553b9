"""What the rows of reports of facts are called, by their keys."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.customer import Customer
from crm_core.funnel import FunnelStage
from crm_core.line import Line
from crm_core.phone import display
from crm_core.product import Product, ProductFamily
from crm_core.read.facts import Key, Way
from crm_core.shop import Shop
from crm_core.status_list import OrderStatus, list_statuses
from crm_core.user import User

_TABLES: Mapping[Way, tuple[Any, Any]] = {
    Way.OPERATOR: (User.id, User.name),
    Way.LINE: (Line.id, Line.name),
    Way.SHOP: (Shop.id, Shop.name),
    Way.STEP: (OrderStatus.code, OrderStatus.name),
    Way.STAGE: (FunnelStage.id, FunnelStage.name),
}
_OF_SHOPS: Mapping[Way, Any] = {Way.PRODUCT: Product, Way.FAMILY: ProductFamily}
NONE = {
    Way.OPERATOR: "nobody",
    Way.QUEUE: "no queue",
    Way.LINE: "no line",
    Way.SOURCE: "no source",
    Way.SHOP: "no shop",
    Way.CALLER: "no number",
    Way.PRODUCT: "goods not in the catalogue",
    Way.FAMILY: "no family",
    Way.CATEGORY: "no category",
}


async def way_labels(session: AsyncSession, way: Way, keys: Sequence[Key]) -> dict[Key, str]:
    """A name for each of these keys; of customers those whom the reader may see."""
    known: dict[Key, str] = {}
    if way is Way.CALLER:
        known = await _callers(session, keys)
    elif way in _OF_SHOPS:
        known = await _of_shops(session, _OF_SHOPS[way], keys)
    elif way in _TABLES:
        key, name = _TABLES[way]
        rows = await session.execute(select(key, name).where(key.in_([it for it in keys if it is not None])))
        known = {row[0]: row[1] for row in rows}
    return {key: NONE.get(way, "none") if key is None else known.get(key, str(key)) for key in keys}


async def way_order(session: AsyncSession, way: Way) -> dict[Key, int]:
    """The places of what has an order of its own: steps of orders, stages of funnels."""
    if way is Way.STEP:
        return {it.code: place for place, it in enumerate(await list_statuses(session))}
    if way is Way.STAGE:
        rows = await session.execute(select(FunnelStage.id, FunnelStage.position))
        return {row.id: row.position for row in rows}
    return {}


async def _of_shops(session: AsyncSession, table: Any, keys: Sequence[Key]) -> dict[Key, str]:
    """Goods of a shop; with its name where there are several shops."""
    several = (await session.scalar(select(func.count()).select_from(Shop)) or 0) > 1
    query = select(table.id, table.name, Shop.name.label("shop")).join(Shop, Shop.id == table.shop_id)
    rows = await session.execute(query.where(table.id.in_([it for it in keys if it is not None])))
    return {row.id: f"{row.name} · {row.shop}" if several else row.name for row in rows}


async def _callers(session: AsyncSession, keys: Sequence[Key]) -> dict[Key, str]:
    """Customers by "c" and their id, others by their number."""
    ids = {key: int(key[1:]) for key in keys if isinstance(key, str) and key[:1] == "c"}
    rows = await session.execute(
        select(Customer.id, Customer.name).where(Customer.id.in_(list(ids.values())))
    )
    names = {row.id: row.name for row in rows}
    known: dict[Key, str] = {key: names.get(id_, "a customer") for key, id_ in ids.items()}
    return known | {key: display(key) for key in keys if isinstance(key, str) and key not in ids}
