"""Pages of orders: the list, and one order with its items, history, calls and their sound."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.custom_field import FieldOf
from crm_core.delivery import list_methods
from crm_core.errors import Invalid
from crm_core.order import Clash
from crm_core.payment_link import addresses_of, list_links
from crm_core.payment_terms import load_terms
from crm_core.read.customers import load_customer
from crm_core.read.late import count_late
from crm_core.read.order_steps import load_moves, load_names, stays
from crm_core.read.orders import list_orders, load_changes, load_order, load_payments
from crm_core.read.sound import Sound, load_sounds
from crm_core.read.timeline import Item, load_talks
from crm_core.status_list import list_statuses
from web import orders
from web.call_sound import addresses
from web.calls import all_calls, reader
from web.customer_pages import page_for
from web.field_pages import panel_of
from web.forms import checked, settle
from web.order_forms import articles, edited, said_off
from web.order_models import NewOrder, NewPayment
from web.order_words import both, said
from web.orders import OrdersQuery
from web.pages import (
    Flash,
    Pages,
    go,
    is_set,
    number_in,
    read_filters,
    render,
    shops_to_choose,
    turn,
    users_to_choose,
)
from web.rights import (
    EDIT_ORDERS,
    EDIT_SELLING,
    HEAR_RECORDINGS,
    REFUND_PAYMENTS,
    SELL_BEYOND,
    VIEW_ORDERS,
    VIEW_PURCHASES,
    Person,
    Scope,
)
from web.services import services
from web.sessions import person
from web.task_panel import panel

pages = Pages()
PLAYERS = 10
"""So many calls of an order or a deal stand with their sound and text; older ones are a click away."""


@pages.get("/orders", right=VIEW_ORDERS)
async def show_orders(request: web.Request) -> web.Response:
    """The list, newest first."""
    filters, now = read_filters(request, OrdersQuery), services(request).now()
    async with services(request).db.begin() as session:
        found = await list_orders(session, **filters.model_dump(), now=now)
        late = await count_late(session, now)
        shops = await shops_to_choose(session)
        colleagues = await users_to_choose(session)
        statuses = await list_statuses(session)
    context = {
        "colleagues": colleagues,
        "filters": filters,
        "filters_set": is_set(filters),
        "rows": found.rows,
        "late": late,
        "pages": turn(request, found),
        "statuses": statuses,
        "shops": shops,
        "may_edit": person(request).may(EDIT_ORDERS),
    }
    return render(request, "orders.html", context)


@pages.post("/orders", right=EDIT_ORDERS)
async def add_order(request: web.Request) -> web.Response:
    """Take an order from a customer's page without script: up to three articles by their SKU."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        shop_id, customer_id = _id(typed, "shop_id"), _id(typed, "customer_id")
        async with services(request).db.begin() as session:
            items = await articles(session, request, shop_id)
        body = NewOrder(customer_id=customer_id, shop_id=shop_id, items=items)
        made = await orders.post_order(request, body)
        return go(f"/orders/{made.id}", "ordered")

    return await settle(request, step, lambda flash, typed: page_for(request, flash, typed))


async def refused(request: web.Request, flash: Flash, back: str) -> web.Response:
    """A refusal of a form that stands on another noun's page: the reason and the way back."""
    return render(request, "refused.html", {"back": back}, flash=flash)


@pages.get("/orders/{order_id}", right=VIEW_ORDERS)
async def show_order(request: web.Request) -> web.Response:
    """One order: items, sums, state, delivery, calls with recording and text, history."""
    return await page_again(request)


async def page_again(
    request: web.Request,
    flash: Flash | None = None,
    typed: Mapping[str, str] | None = None,
    clash: Clash | None = None,
) -> web.Response:
    who, order_id, now = person(request), number_in(request, "order_id"), services(request).now()
    async with services(request).db.begin() as session:
        order = await load_order(session, order_id, now=now)
        customer = await load_customer(session, order.customer_id)
        talks = await load_talks(session, **reader(who), order_id=order_id)
        custom = await panel_of(session, FieldOf.ORDER, order_id)
        sounds = await sounds_of(session, who, talks)
        changes = await load_changes(session, order_id)
        names = await load_names(session, [it.what for it in changes])
        clashing = clash.fields if clash else ()
        meant = await load_names(
            session,
            [{it.field: value} for it in clashing for value in ([it.base, it.theirs], [it.theirs, it.mine])],
        )
        moves = await load_moves(session, order_id)
        work = await panel(request, session, "order", order_id)
        payments = await load_payments(session, order_id)
        links = await list_links(session, order_id)
        terms = await load_terms(session, order.shop_id)
        reached = await addresses_of(session, order.customer_id)
        methods = await list_methods(session, order.shop_id, active=True)
        colleagues = await users_to_choose(session)
        statuses = await list_statuses(session)
    context = {
        "order": order,
        "customer": customer,
        "custom": custom,
        "colleagues": colleagues,
        "said": [(it, said(it.what, names)) for it in changes],
        "stays": stays(
            order.status,
            moves,
            at=order.created_at,
            by=order.created_by,
            call_id=order.created_in_call_id,
            now=now,
        ),
        "known": {it.code: it for it in statuses},
        "payments": payments,
        "links": links,
        "terms": terms,
        "reached": reached,
        "may_sell": who.may(EDIT_SELLING),
        "methods": [(it.id, it.name) for it in methods],
        "statuses": [it for it in statuses if it.active or it.code == order.status],
        "may_edit": who.may(EDIT_ORDERS),
        "may_promise": who.may(SELL_BEYOND),
        "may_refund": who.may(REFUND_PAYMENTS),
        "sees_purchases": who.may(VIEW_PURCHASES),
        "said_off": said_off,
        "clash": clash,
        "new_lines": max(1, len((await request.post()).getall("sku", ())) - len(order.items)) if typed else 1,
        "clashing": [(it, both(it.field, (it.base, it.theirs, it.mine), meant)) for it in clashing],
        "sent": await _sent(request) if clash else (),
        **talks_context(request, talks, sounds),
        **work,
    }
    return render(request, "order.html", context, flash=flash, typed=typed)


async def _sent(request: web.Request) -> list[tuple[str, str]]:
    """The fields of the form as they came, to be sent again with the choices."""
    form = await request.post()
    ours = ("version", "only")
    return [
        (name, value)
        for name, value in form.items()
        if isinstance(value, str) and name not in ours and not name.startswith("keep_")
    ]


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
        "may_see_all": all_calls(person(request)),
    }


@pages.post("/orders/{order_id}", right=EDIT_ORDERS)
async def change_order(request: web.Request) -> web.Response:
    """Change what is agreed (`part` = items: goods, discount, coupon; state; delivery). When a colleague changed
    the same meanwhile, both are shown and one chooses."""
    who, order_id = person(request), number_in(request, "order_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        async with services(request).db.begin() as session:
            shop_id = (await load_order(session, order_id)).shop_id
            body = await edited(session, request, typed, who, shop_id)
        try:
            await orders.patch_order(request, order_id, body)
        except Clash as clash:
            return await page_again(request, Flash("bad", str(clash)), typed, clash)
        return go(f"/orders/{order_id}", "saved")

    return await settle(request, step, lambda flash, typed: page_again(request, flash, typed))


@pages.post("/orders/{order_id}/payments", right=EDIT_ORDERS)
async def add_payment(request: web.Request) -> web.Response:
    """Take down money that came or went back."""
    order_id = number_in(request, "order_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        given = dict(typed) | {"amount": typed.get("amount", "").replace(",", ".")}
        await orders.post_payment(request, order_id, checked(NewPayment, given))
        return go(f"/orders/{order_id}#payments", "saved")

    return await settle(request, step, lambda flash, typed: page_again(request, flash, typed))


def _id(typed: Mapping[str, str], name: str) -> int:
    text = typed.get(name, "")
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) < 2**63:
        raise Invalid("Choose one of the list.", name)
    return int(text)
