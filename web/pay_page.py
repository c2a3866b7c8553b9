"""The page on which a customer sees what he has to pay and how: for whoever has its address, without signing in."""

from zoneinfo import ZoneInfo

from aiohttp import web

from crm_core.errors import NotFound
from crm_core.payment_link import Asked, open_link
from crm_core.payment_terms import fill_address
from web.errors import Refusal
from web.invoice import invoice, parts_of, payee_rows
from web.open_page import HEADERS, WORD, count_visit, open_page
from web.order_forms import said_off
from web.services import services
from web.sessions import visitor

routes = web.RouteTableDef()


@routes.get(f"/pay/{WORD}")
async def get_pay_page(request: web.Request) -> web.StreamResponse:
    """What of the order is to be paid now and how, or that it is paid or called off."""
    try:
        about = await _about(request)
    except (NotFound, Refusal) as refused:
        return open_page(request, "pay.html", {"about": None}, refused)
    due = about.due
    context = {
        "about": about,
        "due": due,
        "order": about.order,
        "parts": parts_of(about.order),
        "payee": payee_rows(about.terms, about.order),
        "said_off": said_off,
        "gateway": _gateway(request, about),
    }
    return open_page(request, "pay.html", context)


@routes.get(f"/pay/{WORD}/invoice.pdf")
async def get_invoice(request: web.Request) -> web.StreamResponse:
    """The invoice of what is to be paid now."""
    try:
        about = await _about(request)
        if not about.terms.has_invoice or not about.due.amount:
            raise NotFound("There is no invoice to pay.")
    except (NotFound, Refusal) as refused:
        return open_page(request, "pay.html", {"about": None}, refused)
    day = about.link.created_at.astimezone(ZoneInfo(about.shop.timezone)).date()
    answer = await invoice(about.order, about.shop, about.terms, day=day, asked=about.due.amount)
    answer.headers.update(HEADERS)
    return answer


async def _about(request: web.Request) -> Asked:
    """What the page is about. Raises `NotFound`, and `Refusal` 429 for who opens very many."""
    parts = services(request)
    await count_visit(request, "pay")
    ours = await visitor(request) is not None  # a colleague who looks is not the customer
    async with parts.db.begin() as session:
        return await open_link(session, request.match_info["word"], at=parts.now(), by_us=ours)


def _gateway(request: web.Request, about: Asked) -> str | None:
    """Where he pays what is due, or else the rest."""
    amount = about.due.amount or about.due.rest
    if not about.terms.page_url or not amount:
        return None
    order, code = about.order, request.match_info["word"]
    return fill_address(
        about.terms.page_url, order=order.number, amount=amount, currency=order.currency, code=code
    )
