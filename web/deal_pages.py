"""Pages of deals: the list, and one deal with its orders, its calls and the way it went."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from aiohttp import web

from crm_core.custom_field import FieldOf
from crm_core.deal import update_deal
from crm_core.funnel import Funnel, Kind, LostReason, list_funnels, list_lost_reasons
from crm_core.read.customers import load_customer
from crm_core.read.deals import StageSum, list_deals, list_steps, load_deal, sum_stages
from crm_core.read.leads import lead_of_deal
from crm_core.read.orders import list_orders
from crm_core.read.timeline import load_talks
from web.calls import reader
from web.customer_pages import page_for
from web.deals import DealChange, NewDeal, StageCode, opened
from web.field_pages import panel_of
from web.fields import Id
from web.forms import checked, settle
from web.listing import Listed, Text
from web.order_pages import sounds_of, talks_context
from web.pages import (
    Flash,
    Pages,
    go,
    is_set,
    midnight,
    number_in,
    read_filters,
    render,
    turn,
    users_to_choose,
)
from web.rights import EDIT_DEALS, EDIT_ORDERS, VIEW_DEALS, Person
from web.services import services
from web.sessions import person
from web.task_panel import panel

pages = Pages()


class DealFilters(Listed):
    """What the address of the list says; days are those of the reader's own zone, both included."""

    query: Text = ""
    funnel_id: Id | None = None
    stage: StageCode | None = None
    responsible_id: Id | None = None
    since: date | None = None
    until: date | None = None
    open_only: bool = False
    stuck: bool = False
    talk: Literal["some", "none"] | None = None


def wanted(filters: DealFilters, who: Person, now: datetime) -> dict[str, Any]:
    """The filters as `list_deals` takes them."""
    given = filters.model_dump(exclude={"since", "until"})
    until = filters.until and filters.until + timedelta(days=1)
    days = {"since": midnight(filters.since, who), "until": midnight(until, who)}
    return {**given, **days, "now": now}


def moves(funnel: Funnel, reasons: Sequence[LostReason]) -> list[tuple[str, str]]:
    """Where a deal of this funnel may go, as choices; a lost stage is there once for every reason."""
    found = []
    for stage in funnel.stages:
        if stage.kind == Kind.LOST:
            found += [(f"{stage.code}:{it.id}", f"{stage.name}: {it.label}") for it in reasons]
        else:
            found.append((stage.code, stage.name))
    return found


def move_of(typed: Mapping[str, str]) -> dict[str, Any]:
    """What one of `moves` means as fields of a change."""
    code, _, reason = typed.get("stage", "").partition(":")
    return {"stage": code or None, "lost_reason_id": _number(reason)}


_BOARD = ("funnel_id", "query", "responsible_id", "since", "until", "stuck", "talk")


def by_currency(sums: Sequence[StageSum]) -> list[StageSum]:
    """The sums of several stages together, one for each currency."""
    found: dict[str, StageSum] = {}
    for it in sums:
        so_far = found.get(it.currency)
        found[it.currency] = (
            it
            if so_far is None
            else replace(so_far, deals=so_far.deals + it.deals, amount=so_far.amount + it.amount)
        )
    return [found[currency] for currency in sorted(found)]


@pages.get("/deals", right=VIEW_DEALS)
async def show_deals(request: web.Request) -> web.Response:
    """The list, newest first."""
    filters, parts = read_filters(request, DealFilters), services(request)
    async with parts.db.begin() as session:
        only = wanted(filters, person(request), parts.now())
        found = await list_deals(session, **only)
        stages = await sum_stages(
            session, **{name: value for name, value in only.items() if name not in ("after", "limit")}
        )
        colleagues = await users_to_choose(session)
        funnels = await list_funnels(session)
    choices = [
        (stage.code, stage.name)
        for funnel in funnels
        if filters.funnel_id in (None, funnel.id)
        for stage in funnel.stages
    ]
    context = {
        "filters": filters,
        "filters_set": is_set(filters),
        "rows": found.rows,
        "pages": turn(request, found),
        "funnels": [(funnel.id, funnel.name) for funnel in funnels],
        "stages": list(dict(reversed(choices)).items())[::-1],
        "sums": by_currency(stages),
        "as_board": urlencode(
            [(name, value) for name, value in request.query.items() if value and name in _BOARD]
        ),
        "colleagues": colleagues,
        "may_edit": person(request).may(EDIT_DEALS),
    }
    return render(request, "deals.html", context)


@pages.post("/deals", right=EDIT_DEALS)
async def add_deal(request: web.Request) -> web.Response:
    """Open a deal from a customer's page."""
    parts = services(request)

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(NewDeal, typed, amount=_sum(typed))
        async with parts.db.begin() as session:
            made = await opened(session, body, at=parts.now(), who=person(request))
        return go(f"/deals/{made.id}", "created")

    return await settle(request, step, lambda flash, typed: page_for(request, flash, typed))


@pages.get("/deals/{deal_id}", right=VIEW_DEALS)
async def show_deal(request: web.Request) -> web.Response:
    """One deal: stage, amount, orders, calls with recording and text."""
    return await page_again(request)


async def page_again(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    """The page of the deal in the address."""
    who, deal_id = person(request), number_in(request, "deal_id")
    async with services(request).db.begin() as session:
        deal = await load_deal(session, deal_id)
        customer = await load_customer(session, deal.customer_id)
        orders = (await list_orders(session, deal_id=deal_id, limit=100)).rows
        talks = await load_talks(session, **reader(who), deal_id=deal_id)
        custom = await panel_of(session, FieldOf.DEAL, deal_id)
        sounds = await sounds_of(session, who, talks)
        colleagues = await users_to_choose(session)
        steps = await list_steps(session, deal_id)
        funnels = await list_funnels(session)
        reasons = await list_lost_reasons(session, active=True)
        work = await panel(request, session, "deal", deal_id)
        lead = await lead_of_deal(session, deal_id)
    (funnel,) = [it for it in funnels if it.id == deal.funnel_id]
    standing = f"{deal.stage}:{deal.lost_reason_id or ''}" if deal.kind == Kind.LOST else deal.stage
    choices = moves(funnel, reasons)
    if standing not in dict(choices):
        choices.append((standing, ": ".join(filter(None, (deal.stage_label, deal.lost_reason)))))
    context = {
        "deal": deal,
        "customer": customer,
        "custom": custom,
        "orders": orders,
        "steps": steps,
        "lead": lead,
        "standing": standing,
        "stages": choices,
        "funnels": [(it.id, it.name) for it in funnels if it.active or it.id == deal.funnel_id],
        "colleagues": colleagues,
        "may_edit": who.may(EDIT_DEALS),
        "may_order": who.may(EDIT_ORDERS),
        **talks_context(request, talks, sounds),
        **work,
    }
    return render(request, "deal.html", context, flash=flash, typed=typed)


@pages.post("/deals/{deal_id}", right=EDIT_DEALS)
async def change_deal(request: web.Request) -> web.Response:
    """Move a deal, hand it over, change title or amount (which follows the orders when there are some)."""
    parts, deal_id = services(request), number_in(request, "deal_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        async with parts.db.begin() as session:
            deal = await load_deal(session, deal_id)
            fixed: dict[str, Any] = {} if "amount" in deal.owned else {"amount": _sum(typed)}
            given = {name: value for name, value in typed.items() if name not in ("amount", "stage")}
            fixed |= {name: typed.get(name) == "yes" for name in ("for_all", "from_store")}
            elsewhere = typed.get("funnel_id", "") not in ("", str(deal.funnel_id))
            funnel = {"funnel_id": _number(typed.get("funnel_id", ""))}
            fixed |= funnel if elsewhere else move_of(typed) | {"funnel_id": None}
            body = checked(DealChange, given, **fixed)
            changes = body.model_dump(exclude_unset=True, exclude={"version", "call_id"})
            await update_deal(
                session,
                deal_id,
                version=body.version,
                changes=changes,
                at=parts.now(),
                user_id=person(request).user_id,
                role=person(request).role,
            )
        return go(f"/deals/{deal_id}", "saved")

    return await settle(request, step, lambda flash, typed: page_again(request, flash, typed))


def _sum(typed: Mapping[str, str]) -> str:
    """The amount as people write it: with a comma, with gaps, or not at all."""
    return typed.get("amount", "").replace(" ", "").replace("\u00a0", "").replace(",", ".") or "0"


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 15 else None
