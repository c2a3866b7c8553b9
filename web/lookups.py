"""What forms choose from: products, shops, lines, outcomes; and the search field of every page."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core.disposition import DISPOSITIONS
from crm_core.line import list_lines, list_shops
from crm_core.price import buys_at, prices_for
from crm_core.product import Product, find_products
from crm_core.read.calls import CallRow, list_calls
from crm_core.read.customers import list_customers
from crm_core.read.deals import list_deals
from crm_core.read.match import digits
from crm_core.read.orders import list_orders
from web.api import Operations
from web.calls import reader
from web.customers import CustomerItem
from web.deals import DealAnswer
from web.fields import Answer, Given, Id, Money
from web.listing import Text, shown
from web.orders import OrderItemAnswer
from web.rights import VIEW_CALLS, VIEW_CUSTOMERS, VIEW_PRODUCTS, Scope
from web.services import services
from web.sessions import person

operations = Operations("lookups")
FOUND = 5
"""Rows of each kind that the search field shows."""


class ProductsQuery(Given):
    """Which products: first letters of their words, the beginning of the SKU, or the barcode."""

    query: Text = ""
    shop_id: Id | None = None
    customer_id: Annotated[Id | None, Field(description="whose prices to tell")] = None
    limit: Annotated[int, Field(ge=1, le=50)] = 20


class ProductAnswer(Answer):
    """Something a shop sells. `price`: for this customer now; `stock`: pieces that can still be promised."""

    id: int
    shop_id: int
    sku: str
    name: str
    variant: str
    barcode: str | None
    barcodes: list[str]
    price: Money
    usual_price: Money
    stock: int


class ShopAnswer(Answer):
    """One online store."""

    id: int
    name: str
    currency: str
    country: str
    timezone: str


class LineAnswer(Answer):
    """A number that people dial, and the shop they reach."""

    id: int
    pbx: str
    did: str
    name: str
    shop_id: int | None
    shop: str | None


class DispositionAnswer(Answer):
    """An outcome of a call; `needs_link`: it is about an order or a deal, which ought to be linked."""

    code: str
    label: str
    needs_link: bool


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


class SearchAnswer(Answer):
    """The best few of each kind."""

    customers: list[CustomerItem]
    orders: list[OrderItemAnswer]
    deals: list[DealAnswer]
    calls: list[FoundCall]


@operations.get("/products", right=VIEW_PRODUCTS)
async def get_products(request: web.Request, query: ProductsQuery) -> list[ProductAnswer]:
    """Products that `query` may mean, exact codes first; none for an empty one."""
    async with services(request).db.begin() as session:
        found = await find_products(session, query.query, query.shop_id, limit=query.limit)
        price_list = await buys_at(session, query.customer_id)
        prices = await prices_for(session, found, price_list=price_list, at=services(request).now())
        return [_product(row, prices[row.id]) for row in found]


def _product(row: Product, price: Decimal) -> ProductAnswer:
    facts = {name: getattr(row, name) for name in ProductAnswer.model_fields if name != "usual_price"}
    return ProductAnswer.model_validate(facts | {"price": price, "usual_price": row.price})


@operations.get("/shops")
async def get_shops(request: web.Request) -> list[ShopAnswer]:
    """Every shop, by name."""
    async with services(request).db.begin() as session:
        return [ShopAnswer.model_validate(row) for row in await list_shops(session)]


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


@operations.get("/dispositions")
async def get_dispositions(request: web.Request) -> list[DispositionAnswer]:
    """The outcomes to choose from when a call is over."""
    return [DispositionAnswer.model_validate(outcome) for outcome in DISPOSITIONS]


@operations.get("/search", right=VIEW_CUSTOMERS)
async def search(request: web.Request, query: SearchQuery) -> SearchAnswer:
    """People, orders, deals and calls that the text may mean, the best few of each."""
    who, text = person(request), query.query
    everybody = who.scope(VIEW_CALLS) is Scope.ALL
    async with services(request).db.begin() as session:
        calls = []
        if digits(text):
            found = await list_calls(session, **reader(who), everybody=everybody, query=text, limit=FOUND)
            calls = [_found_call(row) for row in found.rows]
        return SearchAnswer.model_validate(
            {
                "customers": (await list_customers(session, query=text, limit=FOUND)).rows,
                "orders": (await list_orders(session, query=text, limit=FOUND)).rows,
                "deals": (await list_deals(session, query=text, limit=FOUND)).rows,
                "calls": calls,
            },
            from_attributes=True,
        )


def _found_call(row: CallRow) -> FoundCall:
    return FoundCall(
        id=row.id,
        name=row.customer or row.remote_name,
        number=row.remote_e164 or row.remote_raw,
        display=shown(row.remote_e164) or row.remote_raw,
        note=row.note,
        started_at=row.started_at,
    )
