"""Orders, a row for each item: rows with one number that follow each other are one order.

An order is known by its number. One that is on its way or done has left the shelves before it came here: its items are
kept by name and SKU and move no stock. One that is not sent yet reserves its goods, whether or not they suffice.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, update

from crm_core.custom_field import FieldOf
from crm_core.customer import Customer
from crm_core.errors import Conflict, Invalid
from crm_core.exchange import people
from crm_core.exchange.kinds import (
    Habits,
    clock,
    colleague,
    day,
    emails,
    instant,
    payments,
    phones,
    pieces,
    sum_,
    yes,
)
from crm_core.exchange.noun import Field, Given, Noun, Putting
from crm_core.money import money
from crm_core.order import ItemWanted, Order, OrderItem, create_order, update_order
from crm_core.order_status import Status, is_shipped
from crm_core.payment import book, list_payments
from crm_core.product import Product
from crm_core.shop import Shop


def status(cell: str, habits: Habits) -> str:
    """A status by its code or its name; some write a code with gaps."""
    said = cell.casefold()
    for code, name in habits.statuses.items():
        if name.casefold() == said or code in (said, said.replace(" ", "_")):
            return code
    raise ValueError(f"is no status; there are {', '.join(habits.statuses.values())}")


FIELDS = (
    Field(
        "number",
        "Order number",
        ("order", "order id", "order no", "номер", "номер заказа", "заказ"),
    ),
    Field("status", "Status", ("order status", "статус", "state"), status),
    Field("created_at", "Taken at", ("date", "order date", "created at", "created", "дата", "data"), instant),
    Field("customer", "Customer's name", ("customer name", "name", "client", "фио", "клиент", "покупатель")),
    Field("phone", "Customer's phones", people.PHONE, phones),
    Field("email", "Customer's e-mails", people.EMAIL, emails),
    Field("customer_id", "Customer's id in the other system", ("customer id", "client id")),
    Field("sku", "SKU of the item", ("item sku", "article", "lineitem sku", "артикул")),
    Field("item", "Item", ("product", "item name", "product name", "lineitem name", "товар", "наименование")),
    Field(
        "quantity",
        "Quantity",
        ("qty", "pieces", "lineitem quantity", "количество", "кількість", "ilość"),
        pieces,
    ),
    Field(
        "price", "Price of one", ("item price", "unit price", "lineitem price", "цена", "ціна", "cena"), sum_
    ),
    Field("item_discount_percent", "Discount of the item, %", (), sum_),
    Field("item_discount_amount", "Discount of the item", ("item discount",), sum_),
    Field("discount_percent", "Discount of the order, %", (), sum_),
    Field(
        "discount_amount",
        "Discount of the order",
        ("discount", "скидка", "знижка", "rabat"),
        sum_,
    ),
    Field("delivery_method", "Delivery", ("shipping method", "доставка", "способ доставки")),
    Field("delivery_address", "Delivery address", ("shipping address", "address", "адрес", "адрес доставки")),
    Field("delivery_cost", "Delivery cost", ("shipping", "shipping cost", "стоимость доставки"), sum_),
    Field("paid", "Paid", ("paid amount", "оплачено", "zapłacono"), sum_),
    Field("payments", "Payments", (), payments),
    Field("tracking", "Tracking", ("tracking number", "ttn", "трек", "ттн")),
    Field("promised_at", "Promised for", ("delivery date", "дата доставки"), instant),
    Field("manager", "In charge", ("responsible", "ответственный", "менеджер", "opiekun"), colleague),
    Field("delivery_date", "Delivery day", ("day of delivery",), day),
    Field("delivery_from", "Delivery from", ("time from",), clock),
    Field("delivery_until", "Delivery until", ("time until",), clock),
    Field("delivery_city", "Delivery city", ("shipping city", "city", "город", "місто", "miasto")),
    Field("delivery_region", "Delivery region", ("shipping region", "region", "область")),
    Field("delivery_postcode", "Delivery postcode", ("postcode", "zip", "shipping zip", "индекс")),
    Field("payment_method", "How it is paid", ("payment",)),
    Field("customer_comment", "Customer's comment", ("комментарий клиента",)),
    Field("status_comment", "Comment on the status", ()),
    Field("needs_call", "Needs a call", (), yes),
    Field("comment", "Comment", ("note", "notes", "комментарий", "коментар", "uwagi")),
)
_OFF = ("discount_percent", "discount_amount")
_ITEM = ("sku", "item", "quantity", "price", *(f"item_{name}" for name in _OFF))
_OWN = (
    *(
        "status",
        "delivery_method",
        "delivery_address",
        "delivery_cost",
        "paid",
        "tracking",
        "promised_at",
        "comment",
    ),
    *("manager_id", "delivery_date", "delivery_from", "delivery_until", "delivery_city", "delivery_region"),
    *("delivery_postcode", "payment_method", "customer_comment", "status_comment", "needs_call"),
    *_OFF,
)


async def put(to: Putting, place: int, rows: Sequence[Given]) -> str:
    """Put one order in. Raises `Refused`."""
    whole, items = _whole(rows), [row for row in rows if any(name in row for name in _ITEM)]
    if not whole.get("number"):
        raise Invalid("There is no order number.")
    known = await to.session.scalar(select(Order).where(Order.number == whole["number"]))
    if known is None:
        await _create(to, whole, items)
        return "created"
    if known.shop_id != to.shop_id:
        raise Conflict(f"Order {known.number[:60]} is of another shop.")
    changes: dict[str, Any] = {
        name: whole[name] for name in _OWN if name in whole and getattr(known, name) != whole[name]
    }
    if items and not _same(known, items):
        changes["items"] = await _items(to, items, changes.get("status", known.status), known)
    if "payments" in whole:
        changes.pop("paid", None)  # it is their sum
    version = known.version
    by: dict[str, Any] = {"user_id": to.user_id, "at": to.at, "beyond_stock": True}
    changed = await update_order(to.session, known.id, version=version, changes=changes, **by)
    own = await people.put_own(to, FieldOf.ORDER, known, whole)
    booked = await _book(to, changed, whole.get("payments", ()))
    return "unchanged" if changed.version == version and not own and not booked else "updated"


def claims(rows: Sequence[Given]) -> list[str]:
    """The order's number."""
    return [f"The order {rows[0]['number'][:60]}"] if rows[0].get("number") else []


def _whole(rows: Sequence[Given]) -> Given:
    """What the rows say about the order; what only some of them say holds. Raises `Invalid` where they disagree."""
    whole: Given = {}
    for row in rows:
        for name, value in row.items():
            if name not in _ITEM and whole.setdefault(name, value) != value:
                raise Invalid(f"The rows of this order disagree about {name.replace('_', ' ')}.")
    if "manager" in whole:
        whole["manager_id"] = whole.pop("manager")
    return whole


async def _create(to: Putting, whole: Mapping[str, Any], items: Sequence[Given]) -> None:
    if not items:
        raise Invalid("An order needs at least one item.")
    if to.shop_id is None:
        raise Invalid("Say which shop took these orders.", "shop_id")
    number, state = whole["number"][:60], whole.get("status", Status.NEW)
    told = ("paid",) if "payments" in whole else ()  # it is their sum
    buyer = await _buyer(to, whole)
    made = await create_order(
        to.session,
        customer_id=buyer.id,
        shop_id=to.shop_id,
        items=await _items(to, items, state, None),
        user_id=to.user_id,
        at=whole.get("created_at", to.at),
        number=number,
        beyond_stock=True,
        quiet=True,
        **{"status": state, **{name: whole[name] for name in _OWN if name in whole and name not in told}},
    )
    await people.put_own(to, FieldOf.ORDER, made, whole)
    await _book(to, made, whole.get("payments", ()))
    if "payments" in whole and whole.get("paid", made.paid) != made.paid:
        raise Invalid(f"The payments come to {made.paid}, not to {whole['paid']}.")
    await _count_on(to, number)


async def _book(to: Putting, order: Order, said: Sequence[Mapping[str, Any]]) -> int:
    """Take down the payments that we do not know yet; how many. Raises `Invalid`."""
    there = [(it.created_at, it.kind, it.amount) for it in await list_payments(to.session, order.id)]
    fresh = [it for it in said if (it["at"], it["kind"], it["amount"]) not in there]
    for it in fresh:
        book(to.session, order, it["amount"], kind=it["kind"], method=it["method"], note=it["note"],
             user_id=to.user_id, call_id=None, at=it["at"])  # fmt: skip
    await to.session.flush()
    return len(fresh)


async def _buyer(to: Putting, whole: Mapping[str, Any]) -> Customer:
    person = {name: whole[name] for name in ("phone", "email") if name in whole}
    person |= {"external_id": whole["customer_id"]} if "customer_id" in whole else {}
    if not person:
        raise Invalid("There is neither a number nor an e-mail nor an id of the customer.")
    person |= {"name": whole["customer"]} if "customer" in whole else {}
    return await people.find(to, person) or await people.make(to, person)


async def _count_on(to: Putting, number: str) -> None:
    """A number as a shop itself gives them: its own count goes on behind it."""
    prefix, _, count = number.rpartition("-")
    if prefix and re.fullmatch("[0-9]{1,12}", count):
        following = func.greatest(Shop.next_order_number, int(count) + 1)
        await to.session.execute(
            update(Shop).where(Shop.order_prefix == prefix).values(next_order_number=following),
            execution_options={"synchronize_session": False},
        )


async def _items(to: Putting, rows: Sequence[Given], state: str, known: Order | None) -> list[ItemWanted]:
    """The items as an order takes them."""
    skus = [row["sku"] for row in rows if "sku" in row]
    ours = select(Product).where(Product.shop_id == to.shop_id, Product.sku.in_(skus))
    products = {it.sku: it for it in await to.session.scalars(ours)}
    kept = {it.sku: it for it in known.items} if known else {}
    return [_item(row, products.get(row.get("sku", "")), kept, linked=not is_shipped(state)) for row in rows]


def _item(row: Given, product: Product | None, kept: Mapping[str, OrderItem], *, linked: bool) -> ItemWanted:
    price = row.get("price", product.price if product else None)
    if price is None:
        raise Invalid(f"{row.get('item') or row.get('sku') or 'An item'} has no price.")
    sku = row.get("sku", "")
    same = kept.get(sku)
    product_id = same.product_id if same else product.id if product and linked else None
    name = row.get("item") or (product.name if product else sku)
    off = {it: row.get(f"item_{it}", getattr(same, it) if same else Decimal(0)) for it in _OFF}
    return ItemWanted(product_id, row.get("quantity", 1), money(price, "price"), name, sku, **off)


def _same(order: Order, rows: Sequence[Given]) -> bool:
    """Does the order have these items already? What a row does not say can not differ."""
    if len(order.items) != len(rows):
        return False
    return all(
        row.get("quantity", 1) == it.quantity
        and row.get("price", it.price) == it.price
        and row.get("sku", it.sku) == it.sku
        and row.get("item", it.name) == it.name
        and all(row.get(f"item_{name}", getattr(it, name)) == getattr(it, name) for name in _OFF)
        for it, row in zip(order.items, rows, strict=True)
    )


SALES = Noun("orders", FIELDS, ("number",), put, claims, group="number", custom=True)
