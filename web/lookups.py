"""What forms choose from: shops, lines, outcomes; and the search field of every page."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.line import list_lines
from crm_core.product import find_products
from crm_core.read.calls import CallRow, list_calls
from crm_core.read.customers import suggest_customers
from crm_core.read.deals import list_deals
from crm_core.read.match import digits
from crm_core.read.orders import list_orders
from crm_core.read.tasks import list_tasks
from web.api import Operations
from web.calls import all_calls, reader
from web.customers import CustomerItem
from web.deals import DealAnswer
from web.fields import Answer, Given, Money
from web.listing import shown
from web.orders import OrderItemAnswer
from web.rights import VIEW_CALLS, VIEW_CUSTOMERS, VIEW_DEALS, VIEW_ORDERS, VIEW_PRODUCTS, VIEW_TASKS, Right
from web.services import services
from web.sessions import person
from web.tasks import viewer

operations = Operations("lookups")
FOUND = 5
"""Rows of each kind that the search field shows."""


class LineAnswer(Answer):
    """A number that people dial, and the shop they reach."""

    id: int
    pbx: str
    did: str
    name: str
    shop_id: int | None
    shop: str | None


class SearchQuery(Given):
    """What somebody typed."""

    query: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class FoundCall(Answer):
    """A call whose number or customer fits."""

    id: UUID
    name: str | None
    number: str | None
    display: str | None
    note: str
    started_at: datetime


class FoundProduct(Answer):
    """A product that the words, the SKU or the barcode may mean."""

    id: int
    sku: str
    name: str
    variant: str
    price: Money
    stock: int


class FoundTask(Answer):
    """An open task with these words in its title."""

    id: int
    title: str
    due_at: datetime | None
    performer: str | None


class SearchAnswer(Answer):
    """The best few of each kind."""

    customers: list[CustomerItem]
    orders: list[OrderItemAnswer]
    deals: list[DealAnswer]
    calls: list[FoundCall]
    products: list[FoundProduct]
    tasks: list[FoundTask]


@operations.get("/lines")
async def get_lines(request: web.Request) -> list[LineAnswer]:
    """Every number that people dial, by name."""
    async with services(request).db.begin() as session:
        return [
            LineAnswer(
                id=line.id,
                pbx=line.pbx,
                did=line.did,
                name=line.name,
                shop_id=line.shop_id,
                shop=shop.name if shop else None,
            )
            for line, shop in await list_lines(session)
        ]


@operations.get("/search", right=VIEW_CUSTOMERS)
async def search(request: web.Request, query: SearchQuery) -> SearchAnswer:
    """People, orders, deals, calls, products and tasks that the text may mean, the best few of each; only of kinds
    that the visitor may see, and of these only what he may see."""
    who = person(request)
    kinds = [kind for kind, (right, _) in _KINDS.items() if who.may(right)]
    found = await asyncio.gather(*(_look(request, _KINDS[kind][1], query.query) for kind in kinds))
    nothing: dict[str, Any] = {kind: [] for kind in _KINDS}
    return SearchAnswer.model_validate(nothing | dict(zip(kinds, found, strict=True)), from_attributes=True)


async def _look(request: web.Request, look: "Look", text: str) -> Sequence[Any]:
    """Each kind in a transaction of its own, so that the slowest alone is waited for."""
    async with services(request).db.begin() as session:
        return await look(request, session, text)


async def _people(request: web.Request, session: AsyncSession, text: str) -> Sequence[Any]:
    return await suggest_customers(session, text, limit=FOUND)


async def _orders(request: web.Request, session: AsyncSession, text: str) -> Sequence[Any]:
    return (await list_orders(session, query=text, limit=FOUND)).rows


async def _deals(request: web.Request, session: AsyncSession, text: str) -> Sequence[Any]:
    return (await list_deals(session, query=text, limit=FOUND)).rows


async def _calls(request: web.Request, session: AsyncSession, text: str) -> Sequence[Any]:
    if not digits(text):
        return []
    who = person(request)
    found = await list_calls(session, **reader(who), everybody=all_calls(who), query=text, limit=FOUND)
    return [_found_call(row) for row in found.rows]


async def _products(request: web.Request, session: AsyncSession, text: str) -> Sequence[Any]:
    return await find_products(session, text, None, limit=FOUND)


async def _tasks(request: web.Request, session: AsyncSession, text: str) -> Sequence[Any]:
    now = services(request).now()
    return (await list_tasks(session, viewer(request), now=now, query=text, limit=FOUND)).rows


Look = Callable[[web.Request, AsyncSession, str], Awaitable[Sequence[Any]]]
_KINDS: dict[str, tuple[Right, Look]] = {
    "customers": (VIEW_CUSTOMERS, _people),
    "orders": (VIEW_ORDERS, _orders),
    "deals": (VIEW_DEALS, _deals),
    "calls": (VIEW_CALLS, _calls),
    "products": (VIEW_PRODUCTS, _products),
    "tasks": (VIEW_TASKS, _tasks),
}


def _found_call(row: CallRow) -> FoundCall:
    return FoundCall(
        id=row.id,
        name=row.customer or row.remote_name,
        number=row.remote_e164 or row.remote_raw,
        display=shown(row.remote_e164) or row.remote_raw,
        note=row.note,
        started_at=row.started_at,
    )
