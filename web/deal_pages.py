"""Pages of deals: the list, and one deal with its orders and calls."""

from collections.abc import Mapping

from aiohttp import web

from crm_core.deal import LABELS, create_deal, update_deal
from crm_core.read.customers import load_customer
from crm_core.read.deals import list_deals, load_deal
from crm_core.read.orders import list_orders
from crm_core.read.timeline import load_talks
from web.deals import DealChange, DealsQuery, NewDeal
from web.forms import checked, settle
from web.order_pages import refused, sounds_of, talks_context
from web.pages import (
    Flash,
    Pages,
    go,
    is_set,
    number_in,
    read_filters,
    render,
    turn,
    users_to_choose,
)
from web.rights import EDIT_DEALS, VIEW_DEALS
from web.services import services
from web.sessions import person

pages = Pages()


@pages.get("/deals", right=VIEW_DEALS)
async def show_deals(request: web.Request) -> web.Response:
    """The list, newest first."""
    filters = read_filters(request, DealsQuery)
    async with services(request).db.begin() as session:
        found = await list_deals(session, **filters.model_dump())
        colleagues = await users_to_choose(session)
    context = {
        "filters": filters,
        "filters_set": is_set(filters),
        "rows": found.rows,
        "pages": turn(request, found),
        "stages": list(LABELS.items()),
        "colleagues": colleagues,
    }
    return render(request, "deals.html", context, active="deals")


@pages.post("/deals", right=EDIT_DEALS)
async def add_deal(request: web.Request) -> web.Response:
    """Open a deal from a customer's page."""
    parts = services(request)

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(NewDeal, typed, amount=_sum(typed))
        given = body.model_dump() | {"responsible_id": person(request).user_id}
        async with parts.db.begin() as session:
            made = await create_deal(session, at=parts.now(), **given)
        return go(f"/deals/{made.id}", "created")

    async def again(flash: Flash, typed: Mapping[str, str]) -> web.Response:
        return await refused(request, flash, f"/customers/{typed.get('customer_id', '')}")

    return await settle(request, step, again)


@pages.get("/deals/{deal_id}", right=VIEW_DEALS)
async def show_deal(request: web.Request) -> web.Response:
    """One deal: stage, amount, orders, calls with recording and text."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    who, deal_id = person(request), number_in(request, "deal_id")
    async with services(request).db.begin() as session:
        deal = await load_deal(session, deal_id)
        customer = await load_customer(session, deal.customer_id)
        orders = (await list_orders(session, deal_id=deal_id, limit=100)).rows
        talks = await load_talks(session, user_id=who.user_id, deal_id=deal_id)
        sounds = await sounds_of(session, who, talks)
        colleagues = await users_to_choose(session)
    context = {
        "deal": deal,
        "customer": customer,
        "orders": orders,
        "stages": list(LABELS.items()),
        "colleagues": colleagues,
        "may_edit": who.may(EDIT_DEALS),
        **talks_context(request, talks, sounds),
    }
    return render(request, "deal.html", context, active="deals", flash=flash, typed=typed)


@pages.post("/deals/{deal_id}", right=EDIT_DEALS)
async def change_deal(request: web.Request) -> web.Response:
    """Move a deal, hand it over, change title or amount (which follows the orders when there are some)."""
    parts, deal_id = services(request), number_in(request, "deal_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        async with parts.db.begin() as session:
            counted = (await load_deal(session, deal_id)).orders
            fixed = {} if counted else {"amount": _sum(typed)}
            given = {name: value for name, value in typed.items() if name != "amount"}
            body = checked(DealChange, given, **fixed)
            changes = body.model_dump(exclude_unset=True, exclude={"version"})
            await update_deal(session, deal_id, version=body.version, changes=changes, at=parts.now())
        return go(f"/deals/{deal_id}", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


def _sum(typed: Mapping[str, str]) -> str:
    """The amount as people write it: with a comma, with gaps, or not at all."""
    return typed.get("amount", "").replace(" ", "").replace("\u00a0", "").replace(",", ".") or "0"
