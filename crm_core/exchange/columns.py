"""The columns of exports. Their headings are the fields of an import, so that what goes out can come in again."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.customer import Customer, CustomerNumber
from crm_core.customer_contact import ContactKind, CustomerContact
from crm_core.exchange.export import Columns
from crm_core.exchange.external import ExternalId
from crm_core.exchange.sheet import Cell, Phones
from crm_core.exchange.xml_goods import PARAMETER
from crm_core.order import Order, OrderItem
from crm_core.price import margin
from crm_core.product import Product
from crm_core.stock import StockLevel, Warehouse

Rows = list[Sequence[Cell]]
MOST_PROPERTIES = 100
_PERSON = (
    "city",
    "country",
    "address",
    "birthday",
    "vip",
    "bad",
    "tags",
    "category",
    "customer_type",
    "source",
    "price_list",
    "note",
)
_BOUGHT = ("orders", "sum", "currency", "last_at", "created_at")
_SALE = (
    *("delivery_method", "delivery_address", "delivery_cost", "paid", "tracking", "promised_at", "comment"),
    *("discount_percent", "discount_amount", "total", "currency"),
)
_OFF = ("discount_percent", "discount_amount")
_TALK = ("wait_s", "talk_s", "disposition", "note")


async def _people(session: AsyncSession, rows: Sequence[Any]) -> Rows:
    ids = [row.id for row in rows]
    query = select(Customer.id, *(getattr(Customer, name) for name in _PERSON)).where(Customer.id.in_(ids))
    whole = {it[0]: it[1:] for it in await session.execute(query)}
    called, known, further = (
        await _numbers(session, ids),
        await _external(session, ids),
        await _mails(session, ids),
    )
    return [
        [
            row.id,
            known.get(row.id, ""),
            row.name,
            called.get(row.id),
            ", ".join(filter(None, (row.email, *further[row.id]))),
            *map(_cell, whole[row.id]),
            *(getattr(row, name) for name in _BOUGHT),
        ]
        for row in rows
    ]


PEOPLE = Columns(
    ("our id", "external_id", "name", "phone", "email", *_PERSON, "orders", "bought for", "currency",
     "last order", "added"),
    _people,
)  # fmt: skip


async def _sales(session: AsyncSession, rows: Sequence[Any]) -> Rows:
    ids, buyers = [row.id for row in rows], list({row.customer_id for row in rows})
    query = select(Order.id, *(getattr(Order, name) for name in _SALE)).where(Order.id.in_(ids))
    whole = {it[0]: it[1:] for it in await session.execute(query)}
    sold = ("order_id", "sku", "name", "quantity", "price", *_OFF)
    item = [getattr(OrderItem, name) for name in sold]
    items: dict[int, list[Sequence[Any]]] = defaultdict(list)
    for id_, *said in await session.execute(select(*item).where(item[0].in_(ids)).order_by(OrderItem.id)):
        items[id_].append(said)
    mails = select(Customer.id, Customer.email).where(Customer.id.in_(buyers))
    written = {it.id: it.email for it in await session.execute(mails)}
    called, known = await _numbers(session, buyers), await _external(session, buyers)
    return [
        [
            *(row.number, row.status, row.created_at, row.shop, row.customer),
            called.get(row.customer_id),
            written.get(row.customer_id),
            known.get(row.customer_id, ""),
            *said,
            *whole[row.id],
        ]
        for row in rows
        for said in items[row.id]
    ]


SALES = Columns(
    ("number", "status", "created_at", "shop", "customer", "phone", "email", "customer_id", "sku", "item",
     "quantity", "price", *(f"item_{name}" for name in _OFF), *_SALE),
    _sales,
)  # fmt: skip


async def goods(session: AsyncSession, *, purchases: bool) -> Columns:
    """The columns of products: one for each property there is; what they cost us only if `purchases`."""
    names = select(func.jsonb_object_keys(Product.properties).label("name")).distinct().subquery()
    named = (await session.scalars(select(names.c.name).order_by(names.c.name).limit(MOST_PROPERTIES))).all()
    ours = ("purchase_price", "margin, %") if purchases else ()

    async def spell(session: AsyncSession, rows: Sequence[Any]) -> Rows:
        first = select(func.min(Warehouse.id)).group_by(Warehouse.shop_id)
        levels = select(StockLevel.product_id, StockLevel.on_hand).where(
            StockLevel.product_id.in_([row.id for row in rows]), StockLevel.warehouse_id.in_(first)
        )
        on_hand = {it.product_id: it.on_hand for it in await session.execute(levels)}
        return [
            [
                row.sku,
                row.name,
                ", ".join(row.barcodes),
                row.price,
                *((row.purchase_price, margin(row.price, row.purchase_price)) if purchases else ()),
                on_hand.get(row.id),
                row.stock,
                row.family,
                row.active,
                row.shop,
                row.currency,
                *(row.properties.get(name) for name in named),
            ]
            for row in rows
        ]

    above = ("sku", "name", "barcode", "price", *ours, "stock", "available", "family", "active", "shop")
    return Columns((*above, "currency", *(PARAMETER + name for name in named)), spell)


async def _talks(session: AsyncSession, rows: Sequence[Any]) -> Rows:
    return [
        [
            row.started_at,
            row.direction,
            row.result or row.state,
            row.missed_place,
            Phones([row.remote_e164]) if row.remote_e164 else row.remote_raw,
            row.customer,
            row.line_name or row.line,
            row.queue,
            row.operator,
            row.operator_extension,
            *(getattr(row, name) for name in _TALK),
            str(row.id),
        ]
        for row in rows
    ]


TALKS = Columns(
    ("started at", "direction", "result", "missed", "number", "customer", "line", "queue", "operator",
     "extension", "wait, s", "talk, s", "outcome", "note", "id"),
    _talks,
)  # fmt: skip


def _cell(value: Any) -> Cell:
    """Several words as one cell, a sum or a flag as it is."""
    cell: Cell = ", ".join(value) if isinstance(value, list) else value
    return cell


async def _numbers(session: AsyncSession, ids: Sequence[int]) -> dict[int, Phones]:
    """All numbers of each of these customers, the first one first."""
    query = select(CustomerNumber.customer_id, CustomerNumber.e164).where(CustomerNumber.customer_id.in_(ids))
    called: dict[int, list[str]] = defaultdict(list)
    for id_, e164 in await session.execute(query.order_by(CustomerNumber.position, CustomerNumber.id)):
        called[id_].append(e164)
    return {id_: Phones(numbers) for id_, numbers in called.items()}


async def _mails(session: AsyncSession, ids: Sequence[int]) -> dict[int, list[str]]:
    """The e-mails of each of these customers besides the first."""
    query = select(CustomerContact.customer_id, CustomerContact.value).where(
        CustomerContact.customer_id.in_(ids), CustomerContact.kind == ContactKind.EMAIL
    )
    found: dict[int, list[str]] = defaultdict(list)
    for id_, value in await session.execute(query.order_by(CustomerContact.id)):
        found[id_].append(value)
    return found


async def _external(session: AsyncSession, ids: Sequence[int]) -> dict[int, str]:
    """What other systems call these customers; of several the last."""
    known = select(ExternalId.object_id, ExternalId.external_id).where(
        ExternalId.object_kind == "customer", ExternalId.object_id.in_(ids)
    )
    return {it.object_id: it.external_id for it in await session.execute(known)}
