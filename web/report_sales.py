"""Reports of orders: the orders behind a number, and what sources of customers cost."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import Field, StringConstraints
from sqlalchemy import func, select

from crm_core import source_cost
from crm_core.figure.period import By
from crm_core.figure.sales import SALES_BY_CODE
from crm_core.order import Order
from crm_core.read.orders import list_orders
from crm_core.read.sales import orders_behind
from web.api import Operations
from web.fields import VISIBLE, Answer, Day, Given, Id, Money
from web.figures import Narrowing, asked, headings, key_of
from web.forms import checked, settle
from web.listing import Listed, Price, possible
from web.noted import note
from web.pages import Flash, Pages, go, number_in, read_filters, render, turn
from web.rights import EDIT_COSTS, VIEW_FIGURES, VIEW_ORDERS, VIEW_PURCHASES, require
from web.services import services
from web.sessions import person

operations = Operations("reports")
pages = Pages()
Currency = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]
Source = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=VISIBLE)]


class OrdersBehind(Narrowing, Listed):
    """A figure of orders under its keys."""

    figure: str = Field(default="placed", max_length=40)
    key: str = Field(default="", max_length=200)
    across: By | None = None
    across_key: str = Field(default="", max_length=200)
    whole: bool = False


class CostGiven(Given):
    """What a source cost in the month in which `month` lies; it takes the place of what was said."""

    source: Source
    month: Day
    currency: Currency
    cost: Price


class CostAnswer(Answer):
    """What was said."""

    id: int
    source: str
    month: date
    currency: str
    cost: Money


@pages.get("/reports/orders", right=VIEW_FIGURES)
async def show_orders_behind(request: web.Request) -> web.Response:
    """The orders that a number of a report counts."""
    who, parts = person(request), services(request)
    require(who, VIEW_ORDERS)
    filters = read_filters(request, OrdersBehind)
    figure = SALES_BY_CODE.get(filters.figure)
    if figure is None or (figure.purchases and not who.may(VIEW_PURCHASES)):
        raise web.HTTPNotFound
    async with parts.db.begin() as session:
        it = await asked(session, filters, who, parts.now())
        at = [] if filters.whole else [(it.by, key_of(it.by, filters.key))]
        if filters.across is not None:
            at.append((filters.across, key_of(filters.across, filters.across_key)))
        names = [dict(await headings(session, it, by, [key])).get(key, filters.key) for by, key in at]
        zone = ZoneInfo(str(it.period.zone))
        condition = orders_behind(figure.top.calls[0], it.first, it.last, zone, it.rules, it.within, at)
        orders = await session.scalar(select(func.count()).select_from(Order).where(condition)) or 0
        found = await list_orders(
            session, only=condition, now=parts.now(), after=filters.after, limit=filters.limit
        )
    context = {
        "figure": figure,
        "label": ", ".join(names),
        "asked": it,
        "orders": orders,
        "rows": found.rows,
        "pages": turn(request, found),
    }
    return render(request, "report_orders.html", context)


@pages.get("/reports/costs", right=EDIT_COSTS)
async def show_costs(request: web.Request) -> web.Response:
    """What was entered for the last two years, and a form for more."""
    return await _costs(request)


async def _costs(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    today = services(request).now().date()
    async with services(request).db.begin() as session:
        context = {
            "costs": await source_cost.list_costs(session, today.replace(year=today.year - 2, day=1)),
            "sources": await source_cost.sources(session),
            "months": _months(today),
        }
    return render(request, "source_costs.html", context, flash=flash, typed=typed)


def _months(today: date) -> list[tuple[str, str]]:
    """This month and those of two years before, the newest first."""
    places = [today.year * 12 + today.month - 1 - back for back in range(25)]
    firsts = [date(place // 12, place % 12 + 1, 1) for place in places]
    return [(f"{first:%Y-%m}", f"{first:%b %Y}") for first in firsts]


@pages.post("/reports/costs", right=EDIT_COSTS)
async def enter_cost(request: web.Request) -> web.Response:
    """Say what a source cost in a month."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        given = {
            **typed,
            "currency": typed.get("currency", "").upper(),
            "month": f"{typed.get('month', '')}-01",
        }
        await put_source_cost(request, checked(CostGiven, given))
        return go("/reports/costs", "saved")

    return await settle(request, step, lambda flash, typed: _costs(request, flash, typed))


@pages.post("/reports/costs/{cost_id}/remove", right=EDIT_COSTS)
async def drop_cost(request: web.Request) -> web.Response:
    """Forget what was said."""
    await delete_source_cost(request, number_in(request, "cost_id"))
    return go("/reports/costs", "removed")


@operations.get("/source-costs", right=EDIT_COSTS)
async def get_source_costs(request: web.Request) -> list[CostAnswer]:
    """What sources cost, month by month, the newest first."""
    async with services(request).db.begin() as session:
        found = await source_cost.list_costs(session, date(2000, 1, 1))
        return [CostAnswer.model_validate(it) for it in found]


@operations.put("/source-costs", right=EDIT_COSTS, errors=(409,))
async def put_source_cost(request: web.Request, body: CostGiven) -> CostAnswer:
    """Say what a source cost in a month."""
    async with services(request).db.begin() as session:
        with possible():
            said = await source_cost.set_cost(
                session, source=body.source, month=body.month, currency=body.currency, cost=body.cost
            )
        await note(session, request, "source_cost.set", said.id, source=said.source, month=str(said.month))
        return CostAnswer.model_validate(said)


@operations.delete("/source-costs/{cost_id}", right=EDIT_COSTS)
async def delete_source_cost(request: web.Request, cost_id: Id) -> None:
    """Forget what was said."""
    async with services(request).db.begin() as session:
        await source_cost.remove_cost(session, cost_id)
        await note(session, request, "source_cost.remove", cost_id)
