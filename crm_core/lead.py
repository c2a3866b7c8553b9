"""Leads: they come from web forms and calls, are checked, handed over, thrown away and taken back, or qualified."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import assignment, audit, call_link
from crm_core.call import set_customer
from crm_core.customer import Customer, create_customer, find_owners, get_customer
from crm_core.deal import create_deal, get_deal
from crm_core.deal_goods import GoodsWanted
from crm_core.deal_rows import Deal
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.lead_rows import OPEN, Lead, LeadForm, LeadItem, State
from crm_core.line import Line
from crm_core.message import follow_lead
from crm_core.notice import notify
from crm_core.order import ItemWanted, create_order
from crm_core.outbox import announce
from crm_core.phone import display, normalise
from crm_core.product import Product
from crm_core.shop import Shop
from crm_core.user import Role, User

EDITABLE = frozenset(("name", "phone", "email", "message", "state", "responsible_id", "shop_id"))
LONGEST = 200
LONGEST_MESSAGE = 5000
MOST_PIECES = 9_999


async def create_lead(
    session: AsyncSession,
    *,
    source: str,
    at: datetime,
    country: str,
    name: str | None = None,
    phone: str | None = None,
    email: str | None = None,
    responsible_id: int | None = None,
    told: str | None = Role.MANAGER,
    **fields: Any,
) -> Lead:
    """Keep somebody's interest and tell who is to look: `responsible_id`, else whom a rule of
    `crm_core.assignment` names, else everybody of the role `told`.

    `fields` are the other columns. Raises `Invalid` when there is no way to reach this person.
    """
    lead = Lead(
        state=State.NEW, source=source[:LONGEST], created_at=at, updated_at=at, version=1, items=[], **fields
    )
    lead.responsible_id = responsible_id
    _set_person(lead, {"name": name, "phone": phone, "email": email}, country)
    if responsible_id is None:
        lead.responsible_id = await assignment.for_lead(session, lead, worth=await _worth(session, lead))
    session.add(lead)
    await session.flush()
    await _tell(session, lead)
    who = await _watching(session, lead, told)
    await notify(session, who, f"New lead: {said(lead)} · {lead.source}", address=f"/leads?open={lead.id}")
    return lead


async def lead_from_form(
    session: AsyncSession, form: LeadForm, *, answers: Mapping[str, str], at: datetime, **given: Any
) -> Lead:
    """What somebody typed into a form of a web site; of `answers` those that the form asks are kept."""
    shop = await session.get_one(Shop, form.shop_id)
    return await create_lead(
        session,
        source=f"Form: {form.name}",
        at=at,
        country=shop.country,
        shop_id=shop.id,
        form_id=form.id,
        responsible_id=form.responsible_id,
        told=form.role,
        answers={name: answers[name] for name in form.fields if answers.get(name, "").strip()},
        **given,
    )


async def lead_from_call(
    session: AsyncSession, *, e164: str, call_id: UUID, line_id: int | None, name: str | None, at: datetime
) -> Lead | None:
    """The lead of a call from a number that nobody has, where the line makes leads; one while it is open.

    None where there is none to be made: no such rule, a known number, a lead that waits already.
    """
    line = await session.get(Line, line_id) if line_id is not None else None
    if line is None or not line.makes_leads or await find_owners(session, e164):
        return None
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"lead {e164}"))))
    waits = select(Lead.id).where(Lead.e164 == e164, Lead.state.in_(OPEN))
    same_call = select(Lead.id).where(Lead.call_id == call_id)
    if await session.scalar(waits.limit(1)) or await session.scalar(same_call.limit(1)):
        return None
    return await create_lead(
        session,
        source=f"Call: {line.name}",
        at=at,
        country="",
        name=name,
        phone=e164,
        call_id=call_id,
        shop_id=line.shop_id,
        told=Role.MANAGER,
    )


async def get_lead(session: AsyncSession, lead_id: int, *, lock: bool = False) -> Lead:
    """The lead with its goods. Raises `NotFound`."""
    found = await session.get(Lead, lead_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise NotFound("There is no such lead.")
    return found


async def update_lead(
    session: AsyncSession,
    lead_id: int,
    *,
    version: int,
    changes: Mapping[str, Any],
    user_id: int | None,
    at: datetime,
    country: str,
) -> Lead:
    """Change the fields in `changes` (see `EDITABLE`); who gets the lead by it is told.

    Raises `NotFound`, `Invalid`, `Conflict` when `version` is not the newest or the lead is closed.
    """
    lead = await _open_lead(session, lead_id)
    if lead.version != version:
        raise Conflict(f"The lead “{said(lead)}” was changed by somebody else meanwhile.")
    if strangers := set(changes) - EDITABLE:
        raise Invalid(f"A lead has no field {min(strangers)[:40]!r} to change.", min(strangers))
    if changes.get("state", State.NEW) not in OPEN:
        raise Invalid("A lead is new or being worked on; else qualify it or throw it away.", "state")
    handed = changes.get("responsible_id")
    if handed is not None and handed != lead.responsible_id:
        colleague = await session.get(User, handed)
        if colleague is None or not colleague.active:
            raise Invalid("There is no such colleague at work here.", "responsible_id")
    else:
        handed = None
    for field in ("state", "responsible_id", "shop_id"):
        setattr(lead, field, changes.get(field, getattr(lead, field)))
    if "message" in changes:
        lead.message = _short(changes["message"], LONGEST_MESSAGE)
    _set_person(lead, changes, country)
    await _changed(session, lead, "lead.change", user_id, at, fields=sorted(changes))
    if handed is not None and handed != user_id:
        await notify(session, {handed}, f"Lead for you: {said(lead)}", address=f"/leads?open={lead.id}")
    return lead


async def put_item(
    session: AsyncSession, lead_id: int, product_id: int, quantity: int, *, user_id: int | None, at: datetime
) -> Lead:
    """Say how many of a product are wanted; 0: none. Raises `NotFound`, `Invalid`, `Conflict`."""
    lead = await _open_lead(session, lead_id)
    if not 0 <= quantity <= MOST_PIECES:
        raise Invalid(f"A quantity is between 0 and {MOST_PIECES}.", "quantity")
    if await session.get(Product, product_id) is None:
        raise NotFound(f"There is no product {product_id}.")
    kept = [it for it in lead.items if it.product_id != product_id]
    known = next((it for it in lead.items if it.product_id == product_id), None)
    if quantity:
        known = known or LeadItem(product_id=product_id)
        known.quantity = quantity
        kept.append(known)
    lead.items = kept
    await _changed(session, lead, "lead.goods", user_id, at, product_id=product_id, quantity=quantity)
    return lead


async def junk(session: AsyncSession, lead_id: int, *, user_id: int | None, at: datetime) -> Lead:
    """Throw a lead away; twice is nothing new. Raises `NotFound`, `Conflict` for a qualified one."""
    lead = await get_lead(session, lead_id, lock=True)
    if lead.state == State.JUNK:
        return lead
    if lead.state == State.QUALIFIED:
        raise Conflict(f"The lead “{said(lead)}” has become a customer.")
    lead.junked_from, lead.state, lead.closed_at = lead.state, State.JUNK, at
    await _changed(session, lead, "lead.junk", user_id, at)
    return lead


async def restore(session: AsyncSession, lead_id: int, *, user_id: int | None, at: datetime) -> Lead:
    """Take a lead back that was thrown away, as it was. Raises `NotFound`."""
    lead = await get_lead(session, lead_id, lock=True)
    if lead.state == State.JUNK:
        lead.state, lead.junked_from, lead.closed_at = lead.junked_from or State.NEW, None, None
        await _changed(session, lead, "lead.restore", user_id, at)
    return lead


async def qualify(
    session: AsyncSession,
    lead_id: int,
    *,
    user_id: int | None,
    at: datetime,
    country: str,
    title: str | None = None,
    customer_id: int | None = None,
    funnel_id: int | None = None,
    order: bool = False,
) -> tuple[Customer, Deal]:
    """Make of a lead a customer (this one, else the one with its number or e-mail, else a new one) and a deal;
    with `order` of the goods it wants an order too, which the deal follows.

    A lead that was qualified gives what it became. Raises `NotFound`, `Invalid`, `Conflict` for a thrown away one,
    and when several customers have the number.
    """
    lead = await get_lead(session, lead_id, lock=True)
    if lead.state == State.QUALIFIED and lead.customer_id is not None and lead.deal_id is not None:
        return await get_customer(session, lead.customer_id), await get_deal(session, lead.deal_id)
    lead = await _open_lead(session, lead_id)
    shop = await session.get(Shop, lead.shop_id) if lead.shop_id else None
    shop = shop or await session.scalar(select(Shop).order_by(Shop.id).limit(1))
    if shop is None:
        raise Conflict("There is no shop yet to sell in.")
    customer = await _customer_for(session, lead, customer_id, shop.country if shop else country)
    deal = await create_deal(
        session,
        title=title or lead.message or f"{customer.name}: {lead.source}",
        customer_id=customer.id,
        currency=shop.currency,
        amount=await _worth(session, lead),
        items=await _goods(session, lead, shop),
        responsible_id=lead.responsible_id or user_id,
        funnel_id=funnel_id,
        user_id=user_id,
        at=at,
    )
    if order:
        await _ordered(session, lead, deal, shop, user_id, at)
    if lead.call_id is not None:
        await set_customer(session, lead.call_id, customer.id, rule="number", user_id=None, at=at)
        await call_link.link(session, lead.call_id, deal_id=deal.id, rule=call_link.CHOSEN, user_id=user_id)
    await follow_lead(session, lead.id, customer.id)
    lead.state, lead.customer_id, lead.deal_id, lead.closed_at = State.QUALIFIED, customer.id, deal.id, at
    lead.responsible_id = lead.responsible_id or user_id
    await _changed(session, lead, "lead.qualify", user_id, at, customer_id=customer.id, deal_id=deal.id)
    return customer, deal


def said(lead: Lead) -> str:
    """What a lead is called: the name, else the number, else the e-mail."""
    return lead.name or (display(lead.e164) if lead.e164 else None) or lead.phone or lead.email or "?"


async def _customer_for(session: AsyncSession, lead: Lead, customer_id: int | None, country: str) -> Customer:
    if customer_id is not None:
        return await get_customer(session, customer_id)
    owners = await find_owners(session, lead.e164)
    if len(owners) > 1 and not owners[0].chosen:
        raise Conflict(
            f"Several customers have this number. Say which: {', '.join(it.name for it in owners)}."
        )
    if owners:
        return await get_customer(session, owners[0].id)
    if lead.email:
        same = select(Customer).where(
            func.lower(Customer.email) == lead.email.lower(), Customer.merged_into_id.is_(None)
        )
        found = await session.scalar(same.order_by(Customer.id).limit(1))
        if found is not None:
            return found
    numbers = [lead.e164] if lead.e164 else []
    return await create_customer(
        session, name=said(lead), country=country, numbers=numbers, email=lead.email, source=lead.source
    )


async def _ordered(
    session: AsyncSession, lead: Lead, deal: Deal, shop: Shop, user_id: int | None, at: datetime
) -> None:
    """The goods a lead wants, as a new order of the deal."""
    if not lead.items:
        raise Invalid("The lead wants no goods yet: say which, or make no order of it.", "order")
    await create_order(
        session,
        customer_id=deal.customer_id,
        shop_id=shop.id,
        items=[ItemWanted(it.product_id, it.quantity) for it in lead.items],
        deal_id=deal.id,
        manager_id=deal.responsible_id,
        customer_comment=lead.message,
        user_id=user_id,
        at=at,
    )


async def _worth(session: AsyncSession, lead: Lead) -> Decimal:
    prices = {it.product_id: it.quantity for it in lead.items}
    found = await session.scalars(select(Product).where(Product.id.in_(prices)))
    return sum((product.price * prices[product.id] for product in found), Decimal(0))


async def _goods(session: AsyncSession, lead: Lead, shop: Shop) -> list[GoodsWanted]:
    """What is wanted of this shop; a lead that wants something of another as well only has its worth."""
    ids = {it.product_id for it in lead.items}
    others = select(Product.id).where(Product.id.in_(ids), Product.shop_id != shop.id)
    if await session.scalar(others.limit(1)) is not None:
        return []
    return [GoodsWanted(it.product_id, it.quantity) for it in lead.items]


async def _open_lead(session: AsyncSession, lead_id: int) -> Lead:
    lead = await get_lead(session, lead_id, lock=True)
    if lead.state not in OPEN:
        what = "has become a customer" if lead.state == State.QUALIFIED else "was thrown away"
        raise Conflict(f"The lead “{said(lead)}” {what}.")
    return lead


def _set_person(lead: Lead, given: Mapping[str, Any], country: str) -> None:
    """Who it is and how to reach him. A number that is none is kept as it was written."""
    if "name" in given:
        lead.name = _short(given["name"], LONGEST)
    if "email" in given:
        lead.email = _short(given["email"], LONGEST)
    if "phone" in given:
        lead.phone = _short(given["phone"], 60)
        lead.e164 = normalise(lead.phone, country=country).e164 if lead.phone else None
    if not lead.phone and not lead.email:
        raise Invalid("Say how to reach you: a telephone number or an e-mail address.", "phone")


def _short(text: str | None, longest: int) -> str | None:
    return (text or "").strip()[:longest] or None


async def _watching(session: AsyncSession, lead: Lead, role: str | None) -> set[int]:
    if lead.responsible_id is not None:
        return {lead.responsible_id}
    return set(await session.scalars(select(User.id).where(User.role == role, User.active)))


async def _changed(
    session: AsyncSession, lead: Lead, action: str, user_id: int | None, at: datetime, **detail: object
) -> None:
    lead.version, lead.updated_at = lead.version + 1, at
    await session.flush()
    await audit.record(
        session, user_id=user_id, action=action, object_kind="lead", object_id=lead.id, detail=detail
    )
    await _tell(session, lead)


async def _tell(session: AsyncSession, lead: Lead) -> None:
    await announce(session, "lead", {"id": lead.id, "customer_id": lead.customer_id})
