"""What the forms of a customer's page do besides the main one: further contacts, addresses and messages."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from web import contacts, messages
from web.customer_pages import page_again
from web.forms import checked, settle
from web.pages import Pages, go, number_in
from web.rights import EDIT_CUSTOMERS

pages = Pages()


@pages.post("/customers/{customer_id}/contacts", right=EDIT_CUSTOMERS)
async def add_contact(request: web.Request) -> web.Response:
    """Keep one more e-mail or messenger."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(contacts.NewContact, typed)
        await contacts.post_contact(request, number_in(request, "customer_id"), body)
        return _back(request, "contact_added", "contacts")

    return await settle(request, step, lambda flash, typed: page_again(request, flash, typed))


@pages.post("/customers/{customer_id}/addresses", right=EDIT_CUSTOMERS)
async def add_address(request: web.Request) -> web.Response:
    """Keep one more address."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        country = typed.get("country", "").upper() or None
        body = checked(contacts.NewAddress, typed, country=country)
        await contacts.post_address(request, number_in(request, "customer_id"), body)
        return _back(request, "contact_added", "addresses")

    return await settle(request, step, lambda flash, typed: page_again(request, flash, typed))


@pages.post("/customers/{customer_id}/messages", right=EDIT_CUSTOMERS)
async def add_message(request: web.Request) -> web.Response:
    """Write a message down that a customer sent or was sent."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(messages.NewMessage, typed)
        await messages.post_customer_message(request, number_in(request, "customer_id"), body)
        return _back(request, "message_kept", "history")

    return await settle(request, step, lambda flash, typed: page_again(request, flash, typed))


@pages.post("/customers/{customer_id}/contacts/{entry_id}/remove", right=EDIT_CUSTOMERS)
async def remove_contact(request: web.Request) -> web.Response:
    """Take an e-mail or a messenger away."""
    return await _remove(request, contacts.delete_contact, "contacts")


@pages.post("/customers/{customer_id}/addresses/{entry_id}/remove", right=EDIT_CUSTOMERS)
async def remove_address(request: web.Request) -> web.Response:
    """Take an address away."""
    return await _remove(request, contacts.delete_address, "addresses")


async def _remove(
    request: web.Request, act: Callable[[web.Request, int, int], Awaitable[Any]], anchor: str
) -> web.Response:
    await act(request, number_in(request, "customer_id"), number_in(request, "entry_id"))
    return _back(request, "removed", anchor)


def _back(request: web.Request, done: str, anchor: str) -> web.Response:
    return go(f"/customers/{number_in(request, 'customer_id')}#{anchor}", done)
