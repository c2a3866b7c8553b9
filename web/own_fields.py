"""The forms on the pages of a customer, order, deal and call that fill the fields the house defined itself."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from aiohttp import web

from web import call_pages, custom_fields, customer_pages, deal_pages, order_pages
from web.forms import settle
from web.pages import Flash, Pages, go, number_in
from web.rights import EDIT_CALLS, EDIT_CUSTOMERS, EDIT_DEALS, EDIT_ORDERS

pages = Pages()
PREFIX = "custom."
PageAgain = Callable[[web.Request, Flash, Mapping[str, str]], Awaitable[web.Response]]


@pages.post("/customers/{customer_id}/custom", right=EDIT_CUSTOMERS)
async def fill_customer(request: web.Request) -> web.Response:
    """Fill the fields of a customer."""
    id_ = number_in(request, "customer_id")
    return await _fill(request, custom_fields.patch_customer_values, id_, customer_pages.page_again)


@pages.post("/orders/{order_id}/custom", right=EDIT_ORDERS)
async def fill_order(request: web.Request) -> web.Response:
    """Fill the fields of an order."""
    id_ = number_in(request, "order_id")
    return await _fill(request, custom_fields.patch_order_values, id_, order_pages.page_again)


@pages.post("/deals/{deal_id}/custom", right=EDIT_DEALS)
async def fill_deal(request: web.Request) -> web.Response:
    """Fill the fields of a deal."""
    id_ = number_in(request, "deal_id")
    return await _fill(request, custom_fields.patch_deal_values, id_, deal_pages.page_again)


@pages.post("/calls/{call_id}/custom", right=EDIT_CALLS)
async def fill_call(request: web.Request) -> web.Response:
    """Fill the fields of a call."""
    id_ = call_pages.call_id_of(request)
    return await _fill(request, custom_fields.patch_call_values, id_, call_pages.page_again)


async def _fill(request: web.Request, act: Any, id_: int | UUID, again: PageAgain) -> web.Response:
    """Take what was typed; when it is refused the page comes back with all of it and the reason beside the field."""
    form = await request.post()
    values: dict[str, Any] = {}
    for name in dict.fromkeys(form):
        if name.startswith(PREFIX):
            said = [part for part in form.getall(name) if isinstance(part, str) and part]
            several = form.get(f"several.{name}") is not None
            values[name.removeprefix(PREFIX)] = said if several else (said[0] if said else None)

    async def step(_: Mapping[str, str]) -> web.Response:
        await act(request, id_, custom_fields.ValuesGiven(values=values))
        return go(f"{request.path.removesuffix('/custom')}#own-fields", "saved")

    return await settle(request, step, lambda flash, typed: again(request, flash, typed))
