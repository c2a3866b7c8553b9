"""What to say or offer to one customer: tips whose rules mean him, and what his purchases tell by themselves (U13).

All tips are asked of one customer in one statement, each as a condition on his row; nothing is read of anybody else.
What there is to be asked comes with the rest of the guide (`crm_core.read.guide`), in its one query.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Date, Select, and_, bindparam, cast, extract, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import tip
from crm_core.custom_field import CustomField, FieldOf
from crm_core.custom_value import FieldKind, FieldRule
from crm_core.customer import Customer
from crm_core.errors import Invalid
from crm_core.order import Order, OrderItem
from crm_core.order_status import RELEASED, Status, among
from crm_core.payment import Kind as PaymentKind
from crm_core.payment import Payment
from crm_core.read.segments import compiled
from crm_core.segment import Segment
from crm_core.segment_rule import parse
from crm_core.tip import Tip

OFTEN = 3  # bought so many times it is a habit
LOOKED_BACK = 50  # orders
NEARLY = 0.8  # of the usual time has gone by

Found = Mapping[str, Any]
"""Rows of `written` (tips), `own_fields` (custom), `habit`, `last_order` as JSON tells them; None: there are none."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """A tip for this customer. `why`: the name of the segment and the rules that mean him; for a fact, of `values`."""

    words: str
    values: Mapping[str, Any]
    segment: str | None = None
    rules: Mapping[str, Any] | None = None


async def tips_for(session: AsyncSession, customer_id: int, now: datetime, found: Found) -> list[Told]:
    """What to tell him, the weightiest first; what his purchases tell by themselves comes last. `found`: what the
    queries below told."""
    return [*await _written(session, customer_id, now, found), *_facts(found, now)]


async def _written(session: AsyncSession, customer_id: int, now: datetime, found: Found) -> list[Told]:
    tips = found["tips"] or []
    rules = [[it["rules"], it["segment_rules"] or tip.NO_RULES] for it in tips]
    known, conditions = _asked(json.dumps(rules), json.dumps(found["custom"] or []), _soon(now))
    if conditions is None:
        return []
    fits = (await session.execute(conditions, {"customer_id": customer_id})).one_or_none() or ()
    return [
        Told(
            words=it["text"],
            values={},
            segment=it["segment"],
            rules=None if it["rules"] == tip.NO_RULES else it["rules"],
        )
        for it, fit in zip((tips[place] for place in known), fits, strict=False)
        if fit
    ]


def _soon(now: datetime) -> datetime:
    """The end of this minute, for which the conditions hold that are put together once for all customers."""
    return now.replace(second=0, microsecond=0) + timedelta(minutes=1)


@lru_cache(maxsize=4)
def _asked(rules: str, custom: str, now: datetime) -> tuple[Sequence[int], Select[*tuple[Any, ...]] | None]:
    """The places of the tips that can be asked, and the query that asks all of them of one customer."""
    fields = {
        it["code"]: FieldRule(
            code=it["code"], name=it["name"], kind=FieldKind(it["kind"]), options=it["options"]
        )
        for it in json.loads(custom)
    }
    known, conditions = [], []
    for place, both in enumerate(json.loads(rules)):
        with suppress(Invalid):  # a rule names a field of the house that is no more
            condition = and_(*(compiled(parse(each, fields), now) for each in both))
            conditions.append(condition.label(f"tip_{place}"))
            known.append(place)
    if not known:
        return known, None
    return known, select(*conditions).where(Customer.id == bindparam("customer_id", type_=BigInteger))


def written(now: Any) -> Select[*tuple[Any, ...]]:
    """Every tip that is told now, the weightiest first."""
    told = select(Tip.text, Tip.rules, Segment.name.label("segment"), Segment.rules.label("segment_rules"))
    told = told.outerjoin(Segment, Segment.id == Tip.segment_id)
    ends = or_(Tip.ends_on.is_(None), Tip.ends_on >= cast(func.timezone("UTC", now), Date))
    return told.where(Tip.active, ends).order_by(Tip.priority.desc(), Tip.id)


def own_fields() -> Select[*tuple[Any, ...]]:
    """The fields of the house that rules may name."""
    of = CustomField
    return select(of.code, of.name, of.kind, of.options).where(of.object == FieldOf.CUSTOMER)


def habit(customer_id: Any) -> Select[*tuple[Any, ...]]:
    """What this customer bought most often, if often enough."""
    lately = (
        select(Order.id, Order.created_at)
        .where(Order.customer_id == customer_id, ~among(Order.status, RELEASED))
        .order_by(Order.created_at.desc())
        .limit(LOOKED_BACK)
        .subquery()
    )
    times, last = func.count(lately.c.id.distinct()), func.max(lately.c.created_at)
    first = func.min(lately.c.created_at)
    return (
        select(OrderItem.name, times.label("times"), first.label("first"), last.label("last"))
        .join(lately, lately.c.id == OrderItem.order_id)
        .group_by(OrderItem.name)
        .having(times >= OFTEN, extract("epoch", last - first) > 86400 * OFTEN)
        .order_by(times.desc(), last.desc())
        .limit(1)
    )


def last_order(customer_id: Any) -> Select[*tuple[Any, ...]]:
    """The newest order and whether it came back."""
    refund = select(Payment.id).where(Payment.order_id == Order.id, Payment.kind == PaymentKind.REFUND)
    back = or_(Order.status == Status.RETURNED, refund.correlate(Order).exists())
    newest = select(Order.number, back.label("back")).where(Order.customer_id == customer_id)
    return newest.order_by(Order.created_at.desc(), Order.id.desc()).limit(1)


def _facts(found: Found, now: datetime) -> Iterator[Told]:
    for row in found["habit"] or ():
        since, last = (datetime.fromisoformat(row[name]) for name in ("first", "last"))
        if (fact := usual(row["name"], row["times"], since, last, now)) is not None:
            yield fact
    for order in found["last_order"] or ():
        if order["back"]:
            words = "The last order {order} came back: ask what was wrong before you offer anything."
            yield Told(words=words, values={"order": order["number"]})


def usual(name: str, times: int, first: datetime, last: datetime, now: datetime) -> Told | None:
    """Somebody buys something again and again; None while it is too early to offer it. Pure."""
    every, gone = (last - first) / (times - 1), now - last
    if every < timedelta(days=2) or not every * NEARLY <= gone <= every * 6:
        return None
    words = "Usually buys {what} every {days} days; the last time {gone} days ago."
    return Told(
        words=words, values={"what": name, "days": round(every / timedelta(days=1)), "gone": gone.days}
    )
