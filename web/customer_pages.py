"""Pages of customers: the list, one person with the whole history, and the forms that change them."""

from collections.abc import Mapping

from aiohttp import web

from crm_core import customer as service
from crm_core.custom_field import FieldOf
from crm_core.dial_lock import engaged
from crm_core.errors import NotFound
from crm_core.mention import list_logins, list_reached, write_note
from crm_core.read.customers import list_customers, load_customer, offered_words
from crm_core.read.duplicates import likely_twins
from crm_core.read.rfm import cell_words
from crm_core.read.timeline import load_timeline
from crm_core.segment import list_segments
from web.calls import all_calls, reader
from web.contact_words import CHANNELS, CONTACTS
from web.customers import CustomerChange, CustomersQuery, NewCustomer, NewNote, NewNumber, without_margin
from web.field_pages import panel_of
from web.fields import Id
from web.forms import checked, id_or_none, settle
from web.listing import Listed, Text
from web.messages import Kind
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
from web.rights import EDIT_CALL_BANS, EDIT_CUSTOMERS, EDIT_ORDERS, MERGE_CUSTOMERS, VIEW_CUSTOMERS
from web.services import services
from web.sessions import person
from web.task_panel import panel
from web.tasks import viewer

pages = Pages()
CHOICES = 8
TWIN_REASONS = {"number": "the same number", "email": "the same e-mail", "name": "the same name and city"}


class HistoryQuery(Listed):
    """Which part of a history."""

    kind: Kind | None = None
    who: Text = ""  # looked for, to merge with
    noted: Id | None = None  # the note just kept, to say whom it reached


@pages.get("/customers", right=VIEW_CUSTOMERS)
async def show_customers(request: web.Request) -> web.Response:
    """The list, with search and a form for a new one."""
    return await _list(request)


async def _list(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    filters, parts, who = read_filters(request, CustomersQuery), services(request), person(request)
    async with parts.db.begin() as session:
        found = await list_customers(session, now=parts.now(), **filters.model_dump())
        colleagues = await users_to_choose(session)
        segments = [(it.id, it.name) for it in await list_segments(session)]
        offered = await offered_words(session)
    context = {
        "filters": filters,
        "filters_set": is_set(filters),
        "rows": found.rows,
        "pages": turn(request, found),
        "colleagues": colleagues,
        "segments": segments,
        "offered": offered,
        "cell": cell_words(filters.recency, filters.frequency),
        "may_edit": who.may(EDIT_CUSTOMERS),
        "may_merge": who.may(MERGE_CUSTOMERS),
    }
    return render(request, "customers.html", context, flash=flash, typed=typed)


@pages.post("/customers", right=EDIT_CUSTOMERS)
async def add_customer(request: web.Request) -> web.Response:
    """Add a customer and show the page of the new one."""
    parts = services(request)

    async def step(typed: Mapping[str, str]) -> web.Response:
        numbers = [typed["number"]] if typed.get("number") else []
        body = checked(NewCustomer, typed, numbers=numbers)
        async with parts.db.begin() as session:
            made = await service.create_customer(
                session,
                country=body.country or parts.settings.country,
                **body.model_dump(exclude={"country", "key"}),
            )
        return go(f"/customers/{made.id}", "created")

    return await settle(request, step, lambda flash, typed: _list(request, flash, typed))


@pages.get("/customers/{customer_id}", right=VIEW_CUSTOMERS)
async def show_customer(request: web.Request) -> web.Response:
    """One person: numbers, totals, history; of two that were merged the one that stayed."""
    return await page_again(request)


async def page_for(request: web.Request, flash: Flash, typed: Mapping[str, str]) -> web.Response:
    """The page a refused form of another noun was sent from. Raises `NotFound`, `Invalid`."""
    customer_id = id_or_none(typed.get("customer_id", ""), "customer_id")
    if customer_id is None or not person(request).may(VIEW_CUSTOMERS):
        raise NotFound("There is no such customer.")
    return await page_again(request, flash, typed, customer_id)


async def page_again(
    request: web.Request,
    flash: Flash | None = None,
    typed: Mapping[str, str] | None = None,
    customer_id: int | None = None,
) -> web.Response:
    """The page of a customer; of the one in the address, when no other is given."""
    who = person(request)
    customer_id = number_in(request, "customer_id") if customer_id is None else customer_id
    filters = read_filters(request, HistoryQuery)
    async with services(request).db.begin() as session:
        customer = await load_customer(session, customer_id)
        if customer.id != customer_id:
            return go(f"/customers/{customer.id}")
        history = await load_timeline(
            session,
            customer.id,
            **reader(who),
            tasks=viewer(request),
            **filters.model_dump(exclude={"who", "noted"}),
        )
        busy = await engaged(
            session,
            numbers=[number.e164 for number in customer.numbers],
            customer_ids=[customer.id],
            now=services(request).now(),
        )
        shops = await shops_to_choose(session)
        work = await panel(request, session, "customer", customer.id)
        colleagues = await users_to_choose(session)
        custom = await panel_of(session, FieldOf.CUSTOMER, customer.id)
        twins = await likely_twins(session, customer.id) if who.may(MERGE_CUSTOMERS) else []
        offered = await offered_words(session)
        reached = await list_reached(session, filters.noted) if filters.noted else None
        to_name = await list_logins(session)
        found = await list_customers(session, query=filters.who, limit=CHOICES) if filters.who else None
    context = {
        "customer": without_margin(customer, who),
        "engaged": next(iter(busy.values()), None),
        "custom": custom,
        "colleagues": colleagues,
        "contact_kinds": CONTACTS,
        "channels": CHANNELS,
        "offered": offered,
        "twins": twins,
        "twin_reasons": TWIN_REASONS,
        "looked_for": filters.who,
        "reached": reached,
        "to_name": to_name,
        "found": found.rows if found else [],
        "may_merge": who.may(MERGE_CUSTOMERS),
        "may_ban": who.may(EDIT_CALL_BANS),
        "timeline": history.rows,
        "pages": turn(request, history),
        "kind": filters.kind,
        "shops": shops,
        "may_see_all": all_calls(who),
        "may_edit": who.may(EDIT_CUSTOMERS),
        "may_order": who.may(EDIT_ORDERS),
        **work,
    }
    return render(request, "customer.html", context, flash=flash, typed=typed)


@pages.post("/customers/{customer_id}", right=EDIT_CUSTOMERS)
async def change_customer(request: web.Request) -> web.Response:
    """Change what is known about a person."""
    customer_id = number_in(request, "customer_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        tags = list(dict.fromkeys(tag.strip() for tag in typed.get("tags", "").split(",") if tag.strip()))
        marks = {mark: typed.get(mark) == "yes" for mark in ("vip", "bad")}
        country = typed.get("country", "").upper() or None
        manager_id = id_or_none(typed.get("manager_id", ""), "manager_id")
        body = checked(CustomerChange, typed, tags=tags, country=country, manager_id=manager_id, **marks)
        changes = body.model_dump(exclude_unset=True, exclude={"version"})
        async with services(request).db.begin() as session:
            await service.update_customer(session, customer_id, version=body.version, changes=changes)
        return go(f"/customers/{customer_id}", "saved")

    return await settle(request, step, lambda flash, typed: page_again(request, flash, typed))


@pages.post("/customers/{customer_id}/numbers", right=EDIT_CUSTOMERS)
async def add_number(request: web.Request) -> web.Response:
    """Give a customer one more number."""
    parts, customer_id = services(request), number_in(request, "customer_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(NewNumber, typed)
        async with parts.db.begin() as session:
            await service.add_number(
                session, customer_id, body.number, country=parts.settings.country, label=body.label
            )
        return go(f"/customers/{customer_id}", "number_added")

    return await settle(request, step, lambda flash, typed: page_again(request, flash, typed))


@pages.post("/customers/{customer_id}/numbers/{number_id}/remove", right=EDIT_CUSTOMERS)
async def remove_number(request: web.Request) -> web.Response:
    """Take a number from a customer."""
    customer_id, number_id = number_in(request, "customer_id"), number_in(request, "number_id")
    async with services(request).db.begin() as session:
        await service.remove_number(session, customer_id, number_id)
    return go(f"/customers/{customer_id}", "number_removed")


@pages.post("/customers/{customer_id}/notes", right=EDIT_CUSTOMERS)
async def add_note(request: web.Request) -> web.Response:
    """Write something down about a customer."""
    parts, customer_id = services(request), number_in(request, "customer_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(NewNote, typed)
        async with parts.db.begin() as session:
            made = await write_note(
                session, customer_id, body.text, user_id=person(request).user_id, at=parts.now()
            )
        named = f"?noted={made.id}" if "@" in body.text else ""
        return go(f"/customers/{customer_id}{named}", "noted")

    return await settle(request, step, lambda flash, typed: page_again(request, flash, typed))
