"""Pages of leads: the list with one of them beside it, and the web forms they come from."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from sqlalchemy import func, select

from crm_core.errors import Invalid
from crm_core.funnel import list_funnels
from crm_core.lead_form import list_forms
from crm_core.lead_rows import Lead, State
from crm_core.product import Product
from crm_core.read.leads import count_leads, list_interests, list_leads, load_lead, who_it_may_be
from crm_core.shop import Shop
from web import lead_forms, leads
from web.fields import Id
from web.forms import checked, settle
from web.listing import Listed, Text
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
from web.rights import EDIT_FORMS, EDIT_LEADS, VIEW_LEADS
from web.services import services
from web.sessions import person

pages = Pages()
GROUP = "role:"


class LeadFilters(Listed):
    """What the address says: which leads, and the one that stands open beside the list."""

    query: Text = ""
    state: State | None = None
    responsible_id: Id | None = None
    open: Id | None = None
    thrown: Id | None = None


@pages.get("/leads", right=VIEW_LEADS)
async def show_leads(request: web.Request) -> web.Response:
    """The list, newest first; one lead in a panel beside it."""
    return await _page(request)


async def _page(
    request: web.Request,
    flash: Flash | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    opened: int | None = None,
) -> web.Response:
    filters = read_filters(request, LeadFilters)
    opened = opened or filters.open
    async with services(request).db.begin() as session:
        only = filters.model_dump(exclude={"open", "thrown"})
        found = await list_leads(session, **only)
        counts = await count_leads(session)
        lead = await load_lead(session, opened) if opened else None
        more: dict[str, Any] = {}
        if lead is not None:
            owners = await who_it_may_be(session, lead)
            more = {
                "owners": owners,
                "known": [(it.id, it.name) for it in owners],
                "items": await list_interests(session, lead.id),
                "funnels": [(it.id, it.name) for it in await list_funnels(session, active=True)],
                "shops": await shops_to_choose(session),
                "currency": await session.scalar(select(Shop.currency).where(Shop.id == lead.shop_id)),
            }
        colleagues = await users_to_choose(session)
    kept = [(name, value) for name, value in request.query.items() if name in ("query", "state") and value]
    context = {
        "filters": filters,
        "filters_set": is_set(filters),
        "rows": found.rows,
        "counts": counts,
        "pages": turn(request, found),
        "lead": lead,
        "colleagues": colleagues,
        "kept": kept,
        "may_edit": person(request).may(EDIT_LEADS),
        "may_forms": person(request).may(EDIT_FORMS),
        **more,
    }
    return render(request, "leads.html", context, flash=flash, typed=typed)


@pages.post("/leads", right=EDIT_LEADS)
async def add_lead(request: web.Request) -> web.Response:
    """Make a lead by hand."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        made = await leads.post_lead(request, checked(leads.NewLead, typed, source="By hand"))
        return go(f"/leads?open={made.id}", "created")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/leads/{lead_id}", right=EDIT_LEADS)
async def change_lead(request: web.Request) -> web.Response:
    """Check who it is, hand it over, say that it is being worked on."""
    lead_id = number_in(request, "lead_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        await leads.patch_lead(request, lead_id, checked(leads.LeadChange, typed))
        return go(f"/leads?open={lead_id}", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed, opened=lead_id))


@pages.post("/leads/{lead_id}/items", right=EDIT_LEADS)
async def put_item(request: web.Request) -> web.Response:
    """Goods of interest: so many of an article; 0 takes it off."""
    lead_id = number_in(request, "lead_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(leads.Wanted, {"quantity": typed.get("quantity", "")})
        async with services(request).db.begin() as session:
            shop_id = await session.scalar(select(Lead.shop_id).where(Lead.id == lead_id))
            articles = select(Product.id).where(func.lower(Product.sku) == typed.get("sku", "").lower())
            if shop_id is not None:
                articles = articles.where(Product.shop_id == shop_id)
            product_id = await session.scalar(articles.order_by(Product.id).limit(1))
        if product_id is None:
            raise Invalid(f"There is no article {typed.get('sku', '')[:60]}.", "sku")
        await leads.put_lead_item(request, lead_id, product_id, body)
        return go(f"/leads?open={lead_id}", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed, opened=lead_id))


@pages.post("/leads/{lead_id}/junk", right=EDIT_LEADS)
async def throw_away(request: web.Request) -> web.Response:
    """Throw a lead away; the list offers to take it back."""
    lead_id = number_in(request, "lead_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        await leads.put_junk(request, lead_id)
        return go(f"/leads?thrown={lead_id}")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed, opened=lead_id))


@pages.post("/leads/{lead_id}/restore", right=EDIT_LEADS)
async def take_back(request: web.Request) -> web.Response:
    """Take a lead back that was thrown away."""
    lead_id = number_in(request, "lead_id")
    await leads.delete_junk(request, lead_id)
    return go(f"/leads?open={lead_id}", "restored")


@pages.post("/leads/{lead_id}/qualify", right=EDIT_LEADS)
async def qualify(request: web.Request) -> web.Response:
    """Make a customer and a deal of a lead, and go on to the deal."""
    lead_id = number_in(request, "lead_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        became = await leads.post_qualify(request, lead_id, checked(leads.Qualified, typed))
        return go(f"/deals/{became.deal_id}", "qualified")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed, opened=lead_id))


@pages.get("/lead-forms", right=EDIT_FORMS)
async def show_forms(request: web.Request) -> web.Response:
    """The web forms that make leads."""
    return await _forms(request)


async def _forms(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    parts = services(request)
    async with parts.db.begin() as session:
        context = {
            "forms": await list_forms(session),
            "shops": await shops_to_choose(session),
            "colleagues": await users_to_choose(session),
            "server": (parts.settings.public_url or f"{request.scheme}://{request.host}").rstrip("/"),
        }
    return render(request, "lead_forms.html", context, flash=flash, typed=typed)


@pages.post("/lead-forms", right=EDIT_FORMS)
async def add_form(request: web.Request) -> web.Response:
    """Add a web form."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        made = await lead_forms.post_lead_form(request, checked(lead_forms.NewForm, typed, **_chosen(typed)))
        return go(f"/lead-forms#form-{made.id}", "created")

    return await settle(request, step, lambda flash, typed: _forms(request, flash, typed))


@pages.post("/lead-forms/{form_id}", right=EDIT_FORMS)
async def change_form(request: web.Request) -> web.Response:
    """Change a web form, or take it out of use."""
    form_id = number_in(request, "form_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        active = typed.get("active") == "yes"
        body = checked(lead_forms.FormChange, typed, active=active, **_chosen(typed))
        await lead_forms.patch_lead_form(request, form_id, body)
        return go(f"/lead-forms#form-{form_id}", "saved")

    return await settle(request, step, lambda flash, typed: _forms(request, flash, typed))


def _chosen(typed: Mapping[str, str]) -> dict[str, Any]:
    """What the form says in words of its own: who gets what comes, and what is asked, one a line."""
    chosen = typed.get("performer", "")
    group = chosen.removeprefix(GROUP) if chosen.startswith(GROUP) else None
    known = chosen.isascii() and chosen.isdigit() and len(chosen) < 15
    asked = [it.strip() for it in typed.get("fields", "").splitlines() if it.strip()]
    return {"responsible_id": int(chosen) if known else None, "role": group, "fields": asked}
