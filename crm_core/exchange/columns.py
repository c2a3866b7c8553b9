"""The columns of exports. Their headings are the fields of an import, so that what goes out can come in again."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.custom_field import FieldOf, list_fields
from crm_core.customer import Customer, CustomerNumber
from crm_core.customer_contact import ContactKind, CustomerAddress, CustomerContact
from crm_core.exchange.export import Columns
from crm_core.exchange.external import ExternalId
from crm_core.exchange.noun import CUSTOM
from crm_core.exchange.people import MESSENGERS
from crm_core.exchange.sheet import Cell, Phones
from crm_core.exchange.xml_goods import PARAMETER
from crm_core.order import Order, OrderItem
from crm_core.payment import Payment
from crm_core.price import margin
from crm_core.product import SIDES, Product
from crm_core.stock import StockLevel, Warehouse
from crm_core.user import User

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
    "sex",
    "timezone",
)
_BOUGHT = ("orders", "sum", "currency", "last_at", "created_at")
_SALE = (
    *("delivery_method", "delivery_address", "delivery_cost", "paid", "tracking", "promised_at", "comment"),
    *(
        "delivery_date",
        "delivery_from",
        "delivery_until",
        "delivery_city",
        "delivery_region",
        "delivery_postcode",
    ),
    *("payment_method", "customer_comment", "status_comment", "needs_call"),
    *("discount_percent", "discount_amount", "total", "currency"),
)
_OFF = ("discount_percent", "discount_amount")
_NO_MESSENGERS = ("",) * len(MESSENGERS)
_TALK = ("wait_s", "talk_s", "disposition", "note")


async def people(session: AsyncSession) -> Columns:
    """The columns of customers: one for each messenger and for each field that the house made itself."""
    own = [field.code for field in await list_fields(session, FieldOf.CUSTOMER)]

    async def spell(session: AsyncSession, rows: Sequence[Any]) -> Rows:
        ids = [row.id for row in rows]
        query = select(Customer.id, Customer.custom, User.login, *(getattr(Customer, it) for it in _PERSON))
        query = query.outerjoin(User, User.id == Customer.manager_id).where(Customer.id.in_(ids))
        whole = {it[0]: it[1:] for it in await session.execute(query)}
        called, known = await _numbers(session, ids), await _external(session, ids)
        contacts, lived = await _contacts(session, ids), await _addresses(session, ids)
        labels = await _labels(session, ids)
        return [
            [
                row.id,
                known.get(row.id, ""),
                row.name,
                called.get(row.id),
                "\n".join(labels[row.id]),
                ", ".join(filter(None, (row.email, *contacts.get(row.id, {}).get(ContactKind.EMAIL, ())))),
                *map(_cell, whole[row.id][2:]),
                whole[row.id][1],
                *_messengers(contacts.get(row.id)),
                "\n".join(lived[row.id]),
                *(_own(whole[row.id][0].get(code)) for code in own),
                *(getattr(row, name) for name in _BOUGHT),
            ]
            for row in rows
        ]

    above = (
        "our id",
        "external_id",
        "name",
        "phone",
        "number_labels",
        "email",
        *_PERSON,
        "manager",
        *MESSENGERS,
    )
    house = [CUSTOM + code for code in own]
    bought = ("orders", "bought for", "currency", "last order", "added")
    return Columns((*above, "further_addresses", *house, *bought), spell)


async def sales(session: AsyncSession) -> Columns:
    """The columns of orders, a row for each item; one for each field that the house made itself."""
    own = [field.code for field in await list_fields(session, FieldOf.ORDER)]

    async def spell(session: AsyncSession, rows: Sequence[Any]) -> Rows:
        ids, buyers = [row.id for row in rows], list({row.customer_id for row in rows})
        query = select(Order.id, Order.custom, User.login, *(getattr(Order, name) for name in _SALE))
        query = query.outerjoin(User, User.id == Order.manager_id).where(Order.id.in_(ids))
        whole = {it[0]: it[1:] for it in await session.execute(query)}
        items, came = await _items(session, ids), await _payments(session, ids)
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
                "\n".join(came[row.id]),
                whole[row.id][1],
                *map(_cell, whole[row.id][2:]),
                *(_own(whole[row.id][0].get(code)) for code in own),
            ]
            for row in rows
            for said in items[row.id]
        ]

    above = (
        "number",
        "status",
        "created_at",
        "shop",
        "customer",
        "phone",
        "email",
        "customer_id",
        "sku",
        "item",
    )
    pieces = ("quantity", "price", *(f"item_{name}" for name in _OFF), "payments", "manager")
    return Columns((*above, *pieces, *_SALE, *(CUSTOM + code for code in own)), spell)


async def _items(session: AsyncSession, ids: Sequence[int]) -> dict[int, list[Sequence[Any]]]:
    """The items of each of these orders."""
    sold = ("order_id", "sku", "name", "quantity", "price", *_OFF)
    item = [getattr(OrderItem, name) for name in sold]
    items: dict[int, list[Sequence[Any]]] = defaultdict(list)
    for id_, *said in await session.execute(select(*item).where(item[0].in_(ids)).order_by(OrderItem.id)):
        items[id_].append(said)
    return items


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
                row.weight_g,
                " x ".join(map(str, sides)) if all(sides := [getattr(row, it) for it in SIDES]) else None,
                row.active,
                row.shop,
                row.currency,
                *(row.properties.get(name) for name in named),
            ]
            for row in rows
        ]

    above = ("sku", "name", "barcode", "price", *ours, "stock", "available", "family")
    above = (*above, "weight_g", "size_mm", "active", "shop")
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
    """Several words as one cell, a time of the day as people write it, a sum or a flag as it is."""
    if isinstance(value, time):
        return f"{value:%H:%M}"
    cell: Cell = ", ".join(value) if isinstance(value, list) else value
    return cell


async def _numbers(session: AsyncSession, ids: Sequence[int]) -> dict[int, Phones]:
    """All numbers of each of these customers, the first one first."""
    query = select(CustomerNumber.customer_id, CustomerNumber.e164).where(CustomerNumber.customer_id.in_(ids))
    called: dict[int, list[str]] = defaultdict(list)
    for id_, e164 in await session.execute(query.order_by(CustomerNumber.position, CustomerNumber.id)):
        called[id_].append(e164)
    return {id_: Phones(numbers) for id_, numbers in called.items()}


async def _labels(session: AsyncSession, ids: Sequence[int]) -> dict[int, list[str]]:
    """The labels of the numbers that have one, as an import reads them."""
    number = (CustomerNumber.customer_id, CustomerNumber.e164, CustomerNumber.label)
    query = select(*number).where(CustomerNumber.customer_id.in_(ids), CustomerNumber.label.is_not(None))
    found: dict[int, list[str]] = defaultdict(list)
    for id_, e164, label in await session.execute(query.order_by(CustomerNumber.position)):
        found[id_].append(f"{' '.join((label or '').split())} | {e164}")
    return found


async def _payments(session: AsyncSession, ids: Sequence[int]) -> dict[int, list[str]]:
    """The payments of these orders, as an import reads them, the oldest first."""
    query = select(Payment).where(Payment.order_id.in_(ids)).order_by(Payment.id)
    found: dict[int, list[str]] = defaultdict(list)
    for it in await session.scalars(query):
        parts = (it.created_at.isoformat(), it.kind, f"{it.amount}", it.method or "", it.note or "")
        found[it.order_id].append(" ".join(" | ".join(parts).split()).rstrip("| "))
    return found


async def _contacts(session: AsyncSession, ids: Sequence[int]) -> dict[int, dict[str, list[str]]]:
    """The further e-mails and the messengers of those of these customers who have any, by customer and kind."""
    names = (CustomerContact.customer_id, CustomerContact.kind, CustomerContact.value)
    query = select(*names).where(CustomerContact.customer_id.in_(ids))
    found: dict[int, dict[str, list[str]]] = {}
    for id_, kind, value in await session.execute(query.order_by(CustomerContact.id)):
        found.setdefault(id_, {}).setdefault(kind, []).append(value)
    return found


async def _addresses(session: AsyncSession, ids: Sequence[int]) -> dict[int, list[str]]:
    """The further addresses of each of these customers, as an import reads them."""
    query = select(CustomerAddress).where(CustomerAddress.customer_id.in_(ids))
    found: dict[int, list[str]] = defaultdict(list)
    for it in await session.scalars(query.order_by(CustomerAddress.id)):
        parts = [(part or "").replace("|", "/") for part in (it.address, it.city, it.country, it.label)]
        found[it.customer_id].append(" ".join(" | ".join(parts).split()).rstrip("| "))
    return found


def _messengers(contacts: Mapping[str, Sequence[str]] | None) -> Sequence[Cell]:
    """A cell for each messenger; most people have told none."""
    if contacts is None:
        return _NO_MESSENGERS
    return [", ".join(contacts.get(kind, ())) for kind in MESSENGERS]


def _own(value: Any) -> Cell:
    """The value of a field that the house made itself, as an import reads it."""
    cell: Cell = "; ".join(value) if isinstance(value, list) else value
    return cell


async def _external(session: AsyncSession, ids: Sequence[int]) -> dict[int, str]:
    """What other systems call these customers; of several the last."""
    known = select(ExternalId.object_id, ExternalId.external_id).where(
        ExternalId.object_kind == "customer", ExternalId.object_id.in_(ids)
    )
    return {it.object_id: it.external_id for it in await session.execute(known)}
