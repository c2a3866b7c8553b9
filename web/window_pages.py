"""Windows as pages: a deal (a new one, one that is there), an order (of a customer, of a deal)."""

from typing import Any
from uuid import UUID

from aiohttp import web
from sqlalchemy import select

from crm_core.product import Product
from crm_core.read.customers import load_customer
from crm_core.read.deals import load_deal
from web.fields import Given, Id
from web.pages import Pages, number_in, read_filters, render
from web.rights import EDIT_DEALS, EDIT_ORDERS
from web.services import services

pages = Pages()


class NewDealWindow(Given):
    """What a deal is begun from."""

    customer_id: Id | None = None
    call_id: UUID | None = None


class NewOrderWindow(Given):
    """Whose order is begun, and where."""

    customer_id: Id | None = None
    shop_id: Id | None = None


@pages.get("/deals/new", right=EDIT_DEALS)
async def show_new_deal(request: web.Request) -> web.Response:
    """A new deal, of this customer or from this call where one is named."""
    begun = read_filters(request, NewDealWindow)
    back = {"back": "/deals", "back_label": "Deals"}
    if begun.call_id is not None:
        back = {"back": f"/calls/{begun.call_id}", "back_label": "Call"}
    elif begun.customer_id is not None:
        back = {"back": f"/customers/{begun.customer_id}", "back_label": "Customer"}
    return _window(request, "deal-new", "New deal", **back, **begun.model_dump())


@pages.get("/deals/{deal_id}/edit", right=EDIT_DEALS)
async def show_deal(request: web.Request) -> web.Response:
    """A deal that is there, in the window of a new one."""
    return await _of_deal(request, "deal")


@pages.get("/deals/{deal_id}/order", right=EDIT_ORDERS)
async def show_order_of_deal(request: web.Request) -> web.Response:
    """The live order for a deal, which begins with its goods."""
    return await _of_deal(request, "deal-order")


@pages.get("/orders/new", right=EDIT_ORDERS)
async def show_new_order(request: web.Request) -> web.Response:
    """The live order of a customer without a call; without a customer the question whose it is."""
    begun = read_filters(request, NewOrderWindow)
    if begun.customer_id is None:
        return _window(request, "order-whose", "New order", back="/orders", back_label="Orders")
    async with services(request).db.begin() as session:
        customer = await load_customer(session, begun.customer_id)
    back = {"back": f"/customers/{customer.id}", "back_label": "Customer"}
    return _window(request, "order-new", customer.name, **back, customer=customer, **begun.model_dump())


async def _of_deal(request: web.Request, what: str) -> web.Response:
    deal_id = number_in(request, "deal_id")
    async with services(request).db.begin() as session:
        deal = await load_deal(session, deal_id)
        ids = [it.product_id for it in deal.items]
        shop_id = await session.scalar(select(Product.shop_id).where(Product.id.in_(ids)).limit(1))
    back = {"back": f"/deals/{deal_id}", "back_label": deal.title}
    return _window(request, what, deal.title, **back, deal_id=deal_id, shop_id=shop_id)


def _window(request: web.Request, what: str, title: str, **context: Any) -> web.Response:
    return render(request, "window.html", {"what": what, "title": title, **context})
