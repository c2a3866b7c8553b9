"""The bar below the lists: choose rows, say what shall be different, see how many it is, do it, take it back.

Without script each of these is a page; a script asks for the same as JSON and shows it where one is.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import bulk, bulk_customers
from crm_core.bulk_rows import Chosen, Done
from crm_core.customer import Customer
from crm_core.errors import Conflict, Invalid
from crm_core.read.callbacks import list_callbacks
from crm_core.read.customers import Wanted, chosen_ids
from crm_core.read.deals import list_deals
from crm_core.read.leads import list_leads
from crm_core.read.orders import list_orders
from crm_core.read.page import Page
from crm_core.read.products import list_products
from crm_core.read.tasks import list_tasks
from web.bulk import do, take_back
from web.bulk_bar import BARS, bar_of
from web.callback_pages import shown_tab
from web.callbacks import CallbacksQuery
from web.customers import CustomersQuery
from web.deal_pages import DealFilters, wanted
from web.fields import BIGGEST_ID
from web.forms import fields
from web.lead_pages import LeadFilters
from web.order_pages import refused
from web.orders import OrdersQuery
from web.pages import Flash, Pages, day_end, go, number_in, read_filters, render
from web.products import CatalogueQuery
from web.reach import narrowed
from web.services import services
from web.sessions import person
from web.task_pages import TaskFilters
from web.tasks import viewer

pages = Pages()
_PLACE = {"after", "limit"}


async def _orders(request: web.Request, session: AsyncSession, limit: int) -> Page[Any]:
    filters = read_filters(request, OrdersQuery)
    return await list_orders(session, **filters.model_dump(exclude=_PLACE), limit=limit)


async def _deals(request: web.Request, session: AsyncSession, limit: int) -> Page[Any]:
    filters = read_filters(request, DealFilters)
    only = wanted(filters, person(request), services(request).now())
    return await list_deals(session, **{**only, "after": None, "limit": limit})


async def _tasks(request: web.Request, session: AsyncSession, limit: int) -> Page[Any]:
    filters = read_filters(request, TaskFilters)
    only = filters.model_dump(exclude={*_PLACE, "which"}) | {"which": filters.which or "mine"}
    now = services(request).now()
    return await list_tasks(session, viewer(request), now=now, **only, limit=limit)


async def _callbacks(request: web.Request, session: AsyncSession, limit: int) -> Page[Any]:
    filters, who, now = read_filters(request, CallbacksQuery), person(request), services(request).now()
    end = day_end(now, who)
    which, _ = await shown_tab(session, filters, now, end)
    only = filters.model_dump(exclude={*_PLACE, "which", "state", "mine"})
    mine = who.user_id if filters.mine else None
    return await list_callbacks(session, now=now, day_end=end, which=which, mine=mine, **only, limit=limit)


async def _leads(request: web.Request, session: AsyncSession, limit: int) -> Page[Any]:
    filters = read_filters(request, LeadFilters)
    return await list_leads(session, **filters.model_dump(exclude={*_PLACE, "open", "thrown"}), limit=limit)


async def _products(request: web.Request, session: AsyncSession, limit: int) -> Page[Any]:
    filters = read_filters(request, CatalogueQuery)
    return await list_products(session, **filters.model_dump(exclude=_PLACE), limit=limit)


async def _customers(request: web.Request, session: AsyncSession, limit: int) -> Page[Any]:
    filters = read_filters(request, CustomersQuery)
    ids = await chosen_ids(session, Wanted(**filters.model_dump(exclude=_PLACE)), services(request).now())
    query = select(Customer.id, Customer.version).where(Customer.id.in_(ids)).limit(limit + 1)
    found = list((await session.execute(query)).all())
    return Page(found[:limit], "more" if len(found) > limit else None)


Matching = Callable[[web.Request, AsyncSession, int], Awaitable[Page[Any]]]
MATCHING: Mapping[str, Matching] = {
    "orders": _orders,
    "customers": _customers,
    "deals": _deals,
    "tasks": _tasks,
    "callbacks": _callbacks,
    "leads": _leads,
    "products": _products,
}


async def _chosen(request: web.Request, noun: str) -> list[Chosen]:
    """The rows that are ticked, or with `all` every one that the filters in the address mean. Raises `Invalid`."""
    form = await request.post()
    if form.get("all") == "yes":
        most = bulk_customers.MOST if noun == bulk_customers.NAME else bulk.MOST
        with narrowed(request):
            async with services(request).db.begin() as session:
                found = await MATCHING[noun](request, session, most)
        if found.next is not None:
            raise Invalid(f"More than {most} match. Narrow the list first.", "rows")
        return [Chosen(row.id, getattr(row, "version", None)) for row in found.rows]
    rows = [*map(str, form.getall("row", [])), *str(form.get("rows", "")).split(",")]
    return [_row(text) for text in dict.fromkeys(rows) if text]


def _row(text: str) -> Chosen:
    id_, _, version = text.partition(":")
    parts = [part for part in (id_, version) if part]
    if not all(it.isascii() and it.isdecimal() and int(it) <= BIGGEST_ID for it in parts) or not id_:
        raise Invalid("These are no rows of the list.", "rows")
    return Chosen(int(id_), int(version) if version else None)


async def change(request: web.Request, *, noun: str) -> web.Response:
    """Ask whether to, with the number; with `sure` do it."""
    typed = await fields(request)
    back = f"/{noun}?{request.query_string}".rstrip("?")
    try:
        async with services(request).db.begin() as session:
            bar = await bar_of(request, session, noun)
        assert bar is not None  # the right of the route
        meant, said = bar.wanted(typed, person(request))
        if not meant:
            raise Invalid("Say what shall be different.")
        chosen = await _chosen(request, noun)
        if not chosen:
            raise Invalid("Choose the rows first.", "rows")
        if typed.get("sure") == "yes":
            done = await do(request, noun, chosen, meant, said)
            return _told(request, noun, done, said, back)
    except (Conflict, Invalid) as wrong:
        if _by_script(request):
            raise
        return await refused(request, Flash("bad", str(wrong)), back)
    rows = ",".join(f"{it.id}:{it.version or ''}" for it in chosen)
    if _by_script(request):
        return web.json_response({"rows": rows, "number": len(chosen), "said": said})
    given = {it.name: typed[it.name] for it in bar.fields if typed.get(it.name)}
    context = {"noun": noun, "rows": rows, "number": len(chosen), "said": said, "given": given, "back": back}
    return render(request, "bulk_sure.html", context)


async def undo(request: web.Request, *, noun: str) -> web.Response:
    """Take it back, as far as nobody changed it since."""
    try:
        done = await take_back(request, noun, number_in(request, "act_id"))
    except Conflict as wrong:
        if _by_script(request):
            raise
        return await refused(request, Flash("bad", str(wrong)), f"/{noun}")
    came_from = urlsplit(request.headers.get("Referer", ""))
    back = f"/{noun}?{came_from.query}" if came_from.path == f"/{noun}" else f"/{noun}"
    return _told(request, noun, done, "", back.rstrip("?"))


def _told(request: web.Request, noun: str, done: Done, said: str, back: str) -> web.Response:
    """What came of it: for a script at once; else the list tells it, in its bar."""
    if not _by_script(request):
        return go(f"{back}#bulk")
    refused_rows = [{"title": it.title, "why": it.why} for it in done.refused]
    told = {"changed": done.changed, "said": said, "refused": refused_rows, "refusals": done.refusals}
    return web.json_response(told | {"undo": f"/bulk/{noun}/{done.act_id}/undo"})


def _by_script(request: web.Request) -> bool:
    return request.headers.get("Accept") == "application/json"


for _noun, (_right, _) in BARS.items():
    pages.post(f"/bulk/{_noun}", right=_right)(partial(change, noun=_noun))
    pages.post(f"/bulk/{_noun}/{{act_id}}/undo", right=_right)(partial(undo, noun=_noun))
