"""Pages of orders: the list, and one order with its items, history, calls and their sound."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from aiohttp import web
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.custom_field import FieldOf
from crm_core.disposition import DISPOSITIONS
from crm_core.errors import Invalid
from crm_core.order import ItemWanted, create_order, update_order
from crm_core.order_status import LABELS
from crm_core.product import Product
from crm_core.read.customers import load_customer
from crm_core.read.orders import list_orders, load_changes, load_order
from crm_core.read.sound import Sound, load_sounds
from crm_core.read.timeline import Item, load_talks
from web.call_sound import addresses
from web.calls import all_calls, reader
from web.field_pages import panel_of
from web.forms import checked, settle
from web.orders import OrderEdit, OrdersQuery
from web.pages import (
    Flash,
    Pages,
    go,
    is_set,
    local_instant,
    number_in,
    read_filters,
    render,
    shops_to_choose,
    turn,
)
from web.rights import EDIT_ORDERS, HEAR_RECORDINGS, SELL_BEYOND, VIEW_ORDERS, Person, Scope, require
from web.services import services
from web.sessions import person
from web.task_panel import panel

pages = Pages()
PLAYERS = 10
"""So many calls of an order or a deal stand with their sound and text; older ones are a click away."""


@pages.get("/orders", right=VIEW_ORDERS)
async def show_orders(request: web.Request) -> web.Response:
    """The list, newest first."""
    filters = read_filters(request, OrdersQuery)
    async with services(request).db.begin() as session:
        found = await list_orders(session, **filters.model_dump())
        shops = await shops_to_choose(session)
    context = {
        "filters": filters,
        "filters_set": is_set(filters),
        "rows": found.rows,
        "pages": turn(request, found),
        "statuses": list(LABELS.items()),
        "shops": shops,
    }
    return render(request, "orders.html", context)


@pages.post("/orders", right=EDIT_ORDERS)
async def add_order(request: web.Request) -> web.Response:
    """Take an order from a customer's page: up to three articles by their SKU."""
    parts, who = services(request), person(request)

    async def step(typed: Mapping[str, str]) -> web.Response:
        async with parts.db.begin() as session:
            shop_id, customer_id = _id(typed, "shop_id"), _id(typed, "customer_id")
            items = await _articles(session, request, shop_id)
            made = await create_order(
                session,
                customer_id=customer_id,
                shop_id=shop_id,
                items=items,
                user_id=who.user_id,
                at=parts.now(),
            )
        return go(f"/orders/{made.id}", "ordered")

    async def again(flash: Flash, typed: Mapping[str, str]) -> web.Response:
        return await refused(request, flash, f"/customers/{typed.get('customer_id', '')}")

    return await settle(request, step, again)


async def refused(request: web.Request, flash: Flash, back: str) -> web.Response:
    """A refusal of a form that stands on another noun's page: the reason and the way back."""
    return render(request, "refused.html", {"back": back}, flash=flash)


@pages.get("/orders/{order_id}", right=VIEW_ORDERS)
async def show_order(request: web.Request) -> web.Response:
    """One order: items, sums, state, delivery, calls with recording and text, history."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    who, order_id = person(request), number_in(request, "order_id")
    async with services(request).db.begin() as session:
        order = await load_order(session, order_id)
        customer = await load_customer(session, order.customer_id)
        talks = await load_talks(session, **reader(who), order_id=order_id)
        custom = await panel_of(session, FieldOf.ORDER, order_id)
        sounds = await sounds_of(session, who, talks)
        changes = await load_changes(session, order_id)
        work = await panel(request, session, "order", order_id)
    context = {
        "order": order,
        "customer": customer,
        "custom": custom,
        "changes": changes,
        "statuses": list(LABELS.items()),
        "may_edit": who.may(EDIT_ORDERS),
        "may_promise": who.may(SELL_BEYOND),
        **talks_context(request, talks, sounds),
        **work,
    }
    return render(request, "order.html", context, flash=flash, typed=typed)


async def sounds_of(session: AsyncSession, who: Person, talks: Sequence[Item]) -> dict[str, Sound]:
    """The sound of those calls that this person may hear, by the call's id as text."""
    everything = who.scope(HEAR_RECORDINGS) is Scope.ALL
    heard = [UUID(talk.id) for talk in talks if talk.hearable or everything][:PLAYERS]
    return {str(call_id): sound for call_id, sound in (await load_sounds(session, heard)).items()}


def talks_context(request: web.Request, talks: Sequence[Item], sounds: Mapping[str, Sound]) -> dict[str, Any]:
    """What `object_calls.html` needs."""
    parts = services(request)
    signed: dict[int, str] = {}
    for sound in sounds.values():
        signed |= addresses(parts, sound)
    return {
        "calls": talks,
        "sounds": sounds,
        "addresses": signed,
        "dispositions": {outcome.code: outcome.label for outcome in DISPOSITIONS},
        "may_see_all": all_calls(person(request)),
    }


@pages.post("/orders/{order_id}", right=EDIT_ORDERS)
async def change_order(request: web.Request) -> web.Response:
    """Change an order's state and comment, or (`part` = items) its items."""
    parts, who, order_id = services(request), person(request), number_in(request, "order_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        async with parts.db.begin() as session:
            if typed.get("part") == "items":
                version = checked(OrderEdit, {"version": typed.get("version", "")}).version
                shop_id = (await load_order(session, order_id)).shop_id
                changes: dict[str, Any] = {"items": await _articles(session, request, shop_id)}
            else:
                body = checked(OrderEdit, typed, **_promise(typed, who))
                version = body.version
                changes = body.model_dump(
                    exclude_unset=True, exclude={"version", "call_id", "items", "beyond_stock"}
                )
            if beyond := typed.get("beyond_stock") == "yes":
                require(who, SELL_BEYOND)
            await update_order(
                session,
                order_id,
                version=version,
                changes=changes,
                user_id=who.user_id,
                at=parts.now(),
                beyond_stock=beyond,
            )
        return go(f"/orders/{order_id}", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


def _promise(typed: Mapping[str, str], who: Person) -> dict[str, Any]:
    """The promised time as this reader's clock means it, when the form has one."""
    if not typed.get("promised_at"):
        return {}
    return {"promised_at": local_instant(typed["promised_at"], who, "promised_at")}


async def _articles(session: AsyncSession, request: web.Request, shop_id: int) -> list[ItemWanted]:
    """The items of the form, one of each repeated field a line; a line without SKU or quantity is none."""
    form = await request.post()
    columns = {
        name: [str(value).strip() for value in form.getall(name, [])]
        for name in ("sku", "quantity", "product_id", "name", "price")
    }
    lines = [
        {name: values[place] if place < len(values) else "" for name, values in columns.items()}
        for place in range(len(columns["sku"]))
    ]
    kept = [line for line in lines if (line["sku"] or line["name"]) and line["quantity"] not in ("", "0")]
    return [await _wanted(session, line, shop_id) for line in kept]


async def _wanted(session: AsyncSession, line: Mapping[str, str], shop_id: int) -> ItemWanted:
    """A line that stands in the order keeps its name and price; a new one is found by its SKU."""
    quantity = _whole(line["quantity"])
    if line["name"]:
        product_id = int(line["product_id"]) if line["product_id"].isdecimal() else None
        return ItemWanted(
            product_id=product_id,
            quantity=quantity,
            price=_sum(line["price"]),
            name=line["name"],
            sku=line["sku"],
        )
    query = select(Product.id).where(
        Product.shop_id == shop_id, func.lower(Product.sku) == line["sku"].lower()
    )
    found = await session.scalar(query)
    if found is None:
        raise Invalid(f"This shop has no article {line['sku'][:60]}.", "sku")
    return ItemWanted(product_id=found, quantity=quantity)


def _id(typed: Mapping[str, str], name: str) -> int:
    text = typed.get(name, "")
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) < 2**63:
        raise Invalid("Choose one of the list.", name)
    return int(text)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise Invalid("A quantity is a whole number.", "quantity")
    return int(text)


def _sum(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise Invalid("A price is a sum of money.", "price") from None
