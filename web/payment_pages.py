"""Pages of payments: how customers of each shop pay, a link made for one of them, the invoice of an order."""

from collections.abc import Mapping
from urllib.parse import quote
from uuid import UUID

from aiohttp import web
from sqlalchemy import select

from callcenter.places import DeskState
from crm_core.call import Call
from crm_core.order import get_order
from crm_core.order_status import Group
from crm_core.payment_link import Way
from crm_core.payment_terms import FIELDS, MESSAGE, load_terms
from crm_core.read.customers import load_customer
from crm_core.shop import Shop, list_shops
from crm_core.status_list import list_statuses
from web import payment_terms, payments
from web.errors import Refusal
from web.forms import checked, settle
from web.invoice import invoice
from web.order_pages import page_again
from web.pages import Flash, Pages, go, number_in, render
from web.rights import EDIT_ORDERS, EDIT_SELLING, VIEW_ORDERS
from web.say import zone_of
from web.services import services
from web.sessions import person

pages = Pages()


@pages.get("/payment-terms", right=EDIT_SELLING)
async def show_terms(request: web.Request) -> web.Response:
    """How customers of each shop pay."""
    return await _terms(request)


async def _terms(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    async with services(request).db.begin() as session:
        shops = [(shop, await load_terms(session, shop.id)) for shop in await list_shops(session)]
        statuses = await list_statuses(session, active=True)
    context = {
        "shops": shops,
        "statuses": [(it.code, it.name) for it in statuses if it.group is not Group.LOST],
        "message": MESSAGE,
        "origin": (services(request).settings.public_url or str(request.url.origin())).rstrip("/"),
    }
    return render(request, "payment_terms.html", context, flash=flash, typed=typed)


@pages.post("/payment-terms/{shop_id}", right=EDIT_SELLING)
async def change_terms(request: web.Request) -> web.Response:
    """Say how customers of a shop pay."""
    shop_id = number_in(request, "shop_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        fields = {name: typed.get(name, "") for name in FIELDS}
        fixed = fields | {name: fields[name] or None for name in ("paid_status", "prepaid_status")}
        body = checked(payment_terms.TermsChange, {}, **fixed, version=_version(typed))
        await payment_terms.patch_payment_terms(request, shop_id, body)
        return go(f"/payment-terms#shop-{shop_id}", "saved")

    return await settle(request, step, lambda flash, typed: _terms(request, flash, typed))


def _version(typed: Mapping[str, str]) -> int:
    text = typed.get("version", "")
    if not (text.isascii() and text.isdecimal()) or len(text) > 15:
        raise Refusal(422, "Open the page again: it does not say which version it shows.")
    return int(text)


@pages.post("/orders/{order_id}/payment-link", right=EDIT_ORDERS)
async def make_link(request: web.Request) -> web.Response:
    """Make the customer's page, note that it was sent, and show what to send; its address is kept nowhere."""
    order_id = number_in(request, "order_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        way, _, address = typed.get("to", "").partition(":")
        given = {"amount": typed.get("asked", "").replace(",", ".").replace(" ", ""), "address": address}
        if way not in tuple(Way):
            raise Refusal(422, "Choose how it is sent.")
        async with services(request).db.begin() as session:
            order = await get_order(session, order_id)
        call_id = await _call_now(request, order.customer_id)
        body = checked(payments.NewPaymentLink, given, way=Way(way), call_id=call_id)
        made = await payments.post_payment_link(request, order_id, body)
        context = {"order": order, "made": made, "send": send_by(made, order.number)}
        return render(request, "payment_link.html", context)

    return await settle(request, step, lambda flash, typed: page_again(request, flash, typed))


def send_by(made: payments.MadeLink, number: str) -> str | None:
    """What the telephone or the mail program of whoever clicks opens with the message in it. Pure."""
    text = quote(made.message, safe="")
    match made.way:
        case Way.SMS:
            return f"sms:{made.address}?body={text}"
        case Way.EMAIL:
            return (
                f"mailto:{quote(made.address or '', safe='@')}?subject={quote(number, safe='')}&body={text}"
            )
    return None


@pages.get("/orders/{order_id}/invoice.pdf", right=VIEW_ORDERS)
async def show_invoice(request: web.Request) -> web.Response:
    """The invoice of all that is owed, with the buyer's name on it."""
    parts = services(request)
    async with parts.db.begin() as session:
        order = await get_order(session, number_in(request, "order_id"))
        shop = await session.get_one(Shop, order.shop_id)
        terms = await load_terms(session, order.shop_id)
        buyer = await load_customer(session, order.customer_id)
    if not terms.has_invoice:
        raise Refusal(409, "Nobody wrote yet whom customers of this shop pay: Settings, How customers pay.")
    day = parts.now().astimezone(zone_of(shop.timezone)).date()
    owed = max(order.total - order.paid, order.total * 0)
    return await invoice(order, shop, terms, day=day, asked=owed, buyer=buyer.name)


async def _call_now(request: web.Request, customer_id: int) -> UUID | None:
    """The call in which whoever asks talks with this customer at this moment."""
    talks = (DeskState.TALKING, DeskState.HELD, DeskState.WRAP_UP)
    desk = services(request).live.desk(person(request).user_id)["calls"]
    calls = [UUID(str(it["call"]["id"])) for it in desk if it["call"]["state"] in talks]
    query = select(Call.id).where(Call.id.in_(calls), Call.customer_id == customer_id)
    async with services(request).db.begin() as session:
        found: UUID | None = await session.scalar(query.limit(1)) if calls else None
    return found
