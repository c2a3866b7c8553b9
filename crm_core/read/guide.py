"""What guides whoever talks to a customer: the call lists he is on, the script of the call, tips.

Read by the desk after the card, so that the card waits for none of it. One query, put together
once, asks what there is; whoever has no tip, script or list is answered by it alone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    TIMESTAMP,
    BigInteger,
    ColumnElement,
    ScalarSelect,
    Select,
    Uuid,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call, CallAlias
from crm_core.call_link import CallLink
from crm_core.call_script import (
    EVERY_STAGE,
    CallScript,
    CallScriptChoice,
    CallScriptUse,
    CallScriptVersion,
)
from crm_core.customer import Customer
from crm_core.deal_rows import Deal
from crm_core.line import Line
from crm_core.order import Order, OrderItem
from crm_core.order_status import OPEN, among
from crm_core.read.call_lists import Listed, listed
from crm_core.read.own import took_part
from crm_core.read.tips import Told, habit, last_order, own_fields, tips_for, written
from crm_core.script_trial import ScriptTrial
from crm_core.shop import Shop
from crm_core.status_list import OrderStatus


@dataclass(frozen=True, kw_only=True)
class About:
    """Whom a call is with and what it is about, as far as it is known."""

    call_id: UUID | None = None
    customer_id: int | None = None
    line_id: int | None = None
    order_id: int | None = None
    deal_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Sum:
    """Money, to be written as the reader writes it."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class Text:
    """The text of a script that is shown, and what was answered in this call so far."""

    script_id: int
    name: str
    version_id: int
    source: str
    path: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Guide:
    """All of it; `values`: what is filled in, by field of `script_tree.FIELDS`, None where nothing is known."""

    lists: Sequence[Listed]
    tips: Sequence[Told]
    text: Text | None
    values: Mapping[str, str | Sum | None]


async def load_guide(
    session: AsyncSession, about: About, *, operator: str, now: datetime, mine: Collection[int] | None = None
) -> Guide:
    """What guides this operator in this call. A customer whom the session may not see is not known.

    `mine`: in whose calls the call must be one to tell what was answered in it; None: in anybody's.
    """
    found = await _found(session, about, now, mine)
    lists = [Listed(**row) for row in found.get("lists") or ()]
    known = found.get("customer_id")
    tips = await tips_for(session, known, now, found) if known is not None else []
    text = await _text(session, about, found, lists)
    values: dict[str, str | Sum | None] = {}
    if text is not None:
        order_id = about.order_id or next((one.order_id for one in lists if one.order_id), None)
        asks = "{order." in text.source or "{shop." in text.source
        values = _said(found) | (
            await _order(session, known, order_id, found["shop"]) if asks and known else {}
        )
    values |= _names("operator", operator) | {"list.name": lists[0].name if lists else None}
    return Guide(lists=lists, tips=tips, text=text, values=values)


async def _found(
    session: AsyncSession, about: About, now: datetime, mine: Collection[int] | None
) -> Mapping[str, Any]:
    """All that a guide begins with, in one round trip; of a customer who is not seen only what is about the call."""
    given: dict[str, Any] = {
        "customer_id": about.customer_id,
        "call_id": about.call_id,
        "line_id": about.line_id,
    }
    given |= {"deal_id": about.deal_id, "now": now, **({"mine": list(mine)} if mine is not None else {})}
    if about.customer_id is not None:
        asked = _of_customer(linked=about.deal_id is not None, anybodys=mine is None)
        if (row := (await session.execute(asked, given)).one_or_none()) is not None:
            return dict(row._mapping)
    row = (await session.execute(select(*_of_call(anybodys=mine is None)), given)).one()
    return dict(row._mapping)


_CUSTOMER = bindparam("customer_id", type_=BigInteger)
_CALL, _LINE = bindparam("call_id", type_=Uuid), bindparam("line_id", type_=BigInteger)
_DEAL, _NOW = bindparam("deal_id", type_=BigInteger), bindparam("now", type_=TIMESTAMP(timezone=True))
_MINE: Any = bindparam("mine", expanding=True, type_=BigInteger)


def _rows(query: Select[*tuple[Any, ...]]) -> ScalarSelect[Any]:
    """The rows of a query as one value; NULL when there are none."""
    rows = query.subquery()
    named = (part for column in rows.c for part in (literal_column(f"'{column.key}'"), column))
    return select(func.json_agg(func.json_build_object(*named), type_=JSON)).scalar_subquery()


@cache
def _of_customer(*, linked: bool, anybodys: bool) -> Select[Any]:
    """`linked`: with the deal that is named, not the only open one; `anybodys`: whoever's call it is."""
    open_one = (Deal.customer_id == _CUSTOMER, Deal.closed_at.is_(None))
    deals = select(Deal.id, Deal.funnel_id, Deal.stage)
    deal = deals.where(*([Deal.id == _DEAL] if linked else open_one)).limit(2).subquery()
    use = CallScriptUse
    here = and_(use.funnel_id == deal.c.funnel_id, use.stage.in_((deal.c.stage, EVERY_STAGE)))
    staged = select(deal.c.id, use.script_id).select_from(deal).outerjoin(use, here)
    return select(
        Customer.id.label("customer_id"),
        Customer.name,
        Customer.city,
        _rows(listed(_CUSTOMER, _NOW, call_id=_CALL)).label("lists"),
        _rows(staged.order_by(use.stage.desc())).label("of_stage"),
        _rows(written(_NOW)).label("tips"),
        _rows(own_fields()).label("custom"),
        _rows(habit(_CUSTOMER)).label("habit"),
        _rows(last_order(_CUSTOMER)).label("last_order"),
        *_of_call(anybodys=anybodys),
    ).where(Customer.id == _CUSTOMER)


@cache
def _of_call(*, anybodys: bool) -> Sequence[ColumnElement[Any]]:
    chosen = select(CallScriptChoice.version_id, CallScriptChoice.answer)
    chosen = chosen.where(CallScriptChoice.call_id == _CALL).order_by(CallScriptChoice.position)
    if not anybodys:
        chosen = chosen.join(Call, Call.id == CallScriptChoice.call_id).where(took_part(_MINE))
    uses = select(CallScriptUse.script_id).where(CallScriptUse.line_id == _LINE)
    line = select(Line.name).where(Line.id == _LINE)
    kept_as = select(CallAlias.call_id).where(CallAlias.id == _CALL)
    trial = select(ScriptTrial.id, ScriptTrial.first_id, ScriptTrial.second_id)
    trial = trial.where(ScriptTrial.line_id == _LINE, ScriptTrial.ended_at.is_(None))
    shop = select(Shop.name).join(Line, Line.shop_id == Shop.id).where(Line.id == _LINE)
    return (
        _rows(chosen).label("chosen"),
        uses.scalar_subquery().label("of_line"),
        _rows(trial).label("trial"),
        kept_as.scalar_subquery().label("kept_as"),
        line.scalar_subquery().label("line"),
        shop.scalar_subquery().label("shop"),
    )


async def _text(
    session: AsyncSession, about: About, found: Mapping[str, Any], lists: Sequence[Listed]
) -> Text | None:
    """The script that was begun in this call, else that of a call list, of the deal's stage, of the line."""
    chosen, scripts = found["chosen"] or [], _scripts(about, found, lists)
    version_id = chosen[0]["version_id"] if chosen else _drawn(about, found)
    if not chosen and version_id is None and not scripts:
        return None
    holds = and_(CallScript.active, CallScriptVersion.number == CallScript.version)
    query = select(
        CallScript.id, CallScript.name, CallScriptVersion.id.label("version_id"), holds.label("holds")
    )
    query = query.add_columns(CallScriptVersion.source)
    query = query.join(CallScriptVersion, CallScriptVersion.script_id == CallScript.id)
    of_script = and_(CallScript.id.in_([] if chosen else scripts), holds)
    rows = (await session.execute(query.where(or_(CallScriptVersion.id == version_id, of_script)))).all()
    in_use = {row.id: row for row in rows if row.holds}
    meant = [in_use[script_id] for script_id in scripts if script_id in in_use and not chosen]
    meant += [row for row in rows if row.version_id == version_id]
    if not meant:
        return None
    row, path = meant[0], [one["answer"] for one in chosen]
    return Text(script_id=row.id, name=row.name, version_id=row.version_id, source=row.source, path=path)


def _scripts(about: About, found: Mapping[str, Any], lists: Sequence[Listed]) -> list[int]:
    """Whose text is shown, the first that is in use; of several open deals none is meant. Not the line's where
    another text was drawn."""
    staged = found.get("of_stage") or []
    of_stage = [row["script_id"] for row in staged] if len({row["id"] for row in staged}) == 1 else []
    of_line = found["of_line"] if _drawn(about, found) is None else None
    wanted = (*(one.script_id for one in lists), *of_stage, of_line)
    return [script_id for script_id in wanted if script_id is not None]


def _drawn(about: About, found: Mapping[str, Any]) -> int | None:
    """The text that was drawn for this call while two are tried; a call that absorbed another keeps its own."""
    call_id = found["kept_as"] or about.call_id
    return ScriptTrial(**found["trial"][0]).drawn_for(call_id) if found["trial"] and call_id else None


async def load_values(session: AsyncSession, about: About, now: datetime) -> dict[str, str | Sum | None]:
    """All that is filled in for this call."""
    found = await _found(session, about, now, None)
    known = found.get("customer_id")
    return _said(found) | (await _order(session, known, about.order_id, found["shop"]) if known else {})


def _said(found: Mapping[str, Any]) -> dict[str, str | Sum | None]:
    of_call = {"line.name": found["line"], "shop.name": found["shop"]}
    if "customer_id" not in found:
        return of_call
    return of_call | _names("customer", found["name"]) | {"customer.city": found["city"]}


async def _order(
    session: AsyncSession, customer_id: int, order_id: int | None, shop: str | None
) -> dict[str, str | Sum | None]:
    """What is filled in of the order that is said, else of the newest open one; `shop`: that of the line."""
    goods = select(func.string_agg(OrderItem.name, ", ")).where(OrderItem.order_id == Order.id)
    orders = (
        select(
            Order.number, Order.total, Order.paid, Order.currency, OrderStatus.name, Shop.name.label("shop")
        )
        .add_columns(goods.correlate(Order).scalar_subquery().label("goods"))
        .join(OrderStatus, OrderStatus.code == Order.status)
        .join(Shop, Shop.id == Order.shop_id)
        .where(Order.customer_id == customer_id)
        .order_by(Order.created_at.desc())
    )
    meant = orders.where(Order.id == order_id if order_id is not None else among(Order.status, OPEN))
    order = (await session.execute(meant.limit(1))).one_or_none()
    if order is None:
        return {}
    return {
        "order.number": order.number,
        "order.total": Sum(amount=order.total, currency=order.currency),
        "order.owed": Sum(amount=max(order.total - order.paid, Decimal(0)), currency=order.currency),
        "order.items": order.goods,
        "order.status": order.name,
        "shop.name": shop or order.shop,
    }


def _names(of: str, name: str) -> dict[str, str | Sum | None]:
    return {f"{of}.name": name or None, f"{of}.first_name": name.split()[0] if name.split() else None}


async def load_call(session: AsyncSession, call_id: UUID) -> About | None:
    """What a call that was written down is about; None when it is not there."""
    call = await session.get(Call, call_id)
    if call is None:
        return None
    links = select(CallLink.order_id, CallLink.deal_id).where(
        CallLink.call_id == call_id, CallLink.removed_at.is_(None)
    )
    rows = (await session.execute(links.order_by(CallLink.id))).all()
    return About(
        call_id=call_id,
        customer_id=call.customer_id,
        line_id=call.line_id,
        order_id=next((row.order_id for row in rows if row.order_id), None),
        deal_id=next((row.deal_id for row in rows if row.deal_id), None),
    )


async def load_counts(session: AsyncSession, script_id: int) -> list[tuple[str, str, int]]:
    """How often each answer of a script was chosen, over all its versions: (step, answer, how often)."""
    often = func.count()
    query = (
        select(CallScriptChoice.step, CallScriptChoice.label, often)
        .join(CallScriptVersion, CallScriptVersion.id == CallScriptChoice.version_id)
        .where(CallScriptVersion.script_id == script_id)
        .group_by(CallScriptChoice.step, CallScriptChoice.label)
        .order_by(func.min(CallScriptChoice.position), CallScriptChoice.step, often.desc())
    )
    return [(step, label, number) for step, label, number in await session.execute(query)]
