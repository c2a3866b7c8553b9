"""The rules by which new orders and leads get their responsible, and the use of them.

A rule counts only where nobody was named. Who is at work: `crm_core.presence_rule`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from random import SystemRandom
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.assignment_rule import Colleague, Facts, How, Rule, Thing, possible
from crm_core.call import Call
from crm_core.customer import Customer
from crm_core.db import Base, Flag, Id, Version, one_of
from crm_core.errors import Conflict, Invalid
from crm_core.lead_rows import OPEN as OPEN_LEADS
from crm_core.lead_rows import Lead
from crm_core.line import Line
from crm_core.order_rows import Order
from crm_core.order_status import OPEN
from crm_core.read.attendance import present_now
from crm_core.shop import Shop
from crm_core.status_list import codes_of
from crm_core.team import Team
from crm_core.user import Role, User

MOST = 30
TAKES = (Role.OPERATOR, Role.SENIOR)
"""The roles that work on orders, of whom a rule without a team chooses."""
_DRAW = SystemRandom()


class AssignmentRule(Base):
    """One rule, in words of `crm_core.assignment_rule`. `thing` NULL: orders and leads alike."""

    __tablename__ = "assignment_rules"
    __table_args__ = (
        one_of("thing", Thing),
        one_of("how", How),
        CheckConstraint("(how = 'person') = (user_id IS NOT NULL)", name="person_named"),
    )

    id: Mapped[Id]
    position: Mapped[int]
    name: Mapped[str]
    thing: Mapped[str | None]
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id"))
    line_id: Mapped[int | None] = mapped_column(ForeignKey("lines.id", ondelete="CASCADE"))
    amount_from: Mapped[Decimal | None]
    amount_below: Mapped[Decimal | None]
    vip: Mapped[bool | None]
    category: Mapped[str | None]
    source: Mapped[str | None]
    how: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    present: Mapped[Flag] = mapped_column(server_default="true", default=True)
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    version: Mapped[Version]

    @property
    def rule(self) -> Rule:
        """It as the pure rules take it."""
        return Rule(**{it.name: getattr(self, it.name) for it in fields(Rule)})


async def list_rules(session: AsyncSession, *, active: bool = False) -> Sequence[AssignmentRule]:
    """The rules in the order in which they are tried."""
    query = select(AssignmentRule).order_by(AssignmentRule.position)
    return (await session.scalars(query.where(AssignmentRule.active) if active else query)).all()


def version_of(rules: Sequence[AssignmentRule]) -> int:
    """The version of the whole list."""
    return max((it.version for it in rules), default=0)


async def save_rules(
    session: AsyncSession, wanted: Sequence[Rule], *, version: int
) -> Sequence[AssignmentRule]:
    """Let these be the rules, in this order. Raises `Invalid`, `Conflict` when `version` is not the newest."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("assignment rules"))))
    newest = version_of(await list_rules(session))
    if newest != version:
        raise Conflict("The rules were changed by somebody else meanwhile.")
    await check_rules(session, wanted)
    await session.execute(delete(AssignmentRule))
    for place, one in enumerate(wanted, 1):
        session.add(AssignmentRule(**vars(one), position=place, version=newest + 1))
    await session.flush()
    return await list_rules(session)


async def check_rules(session: AsyncSession, wanted: Sequence[Rule]) -> None:
    """Raises `Invalid` for a rule that names nobody, or somebody or something that is not there."""
    if len(wanted) > MOST:
        raise Invalid(f"There are at most {MOST} rules.", "rules")
    currencies = (await session.scalars(select(Shop.currency).distinct().order_by(Shop.currency))).all()
    for one in wanted:
        if (one.how == How.PERSON) != (one.user_id is not None):
            raise Invalid(f"“{one.name}”: name the colleague, or choose another way.", "rules")
        if (
            one.amount_from is not None
            and one.amount_below is not None
            and one.amount_from >= one.amount_below
        ):
            raise Invalid(
                f"“{one.name}”: no amount is from {one.amount_from} and below {one.amount_below}.", "rules"
            )
        counts = one.amount_from is not None or one.amount_below is not None
        if counts and one.shop_id is None and len(currencies) > 1:
            raise Invalid(f"“{one.name}”: name the shop, amounts are in {', '.join(currencies)}.", "rules")
        for table, key, what in (
            (User, one.user_id, "colleague"),
            (Team, one.team_id, "team"),
            (Shop, one.shop_id, "shop"),
            (Line, one.line_id, "line"),
        ):
            if key is not None and await session.get(table, key) is None:
                raise Invalid(f"“{one.name}”: there is no such {what}.", "rules")


async def for_order(session: AsyncSession, order: Order) -> tuple[str, int] | None:
    """The rule that names somebody for a new order, and whom; None: nobody."""
    rules = await list_rules(session, active=True)
    return await _chosen(session, rules, await _facts_of(session, order)) if rules else None


async def for_lead(session: AsyncSession, lead: Lead, *, worth: Decimal) -> int | None:
    """Whom a rule names for a new lead; None: nobody."""
    rules = await list_rules(session, active=True)
    if not rules:
        return None
    facts = Facts(
        thing=Thing.LEAD, amount=worth, shop_id=lead.shop_id, source=lead.source,
        line_id=await _line(session, lead.call_id),
    )  # fmt: skip
    chosen = await _chosen(session, rules, facts)
    return chosen and chosen[1]


async def colleagues(session: AsyncSession) -> list[Colleague]:
    """Everybody who could get something, with what he has open."""
    loads = await _loads(session)
    present = await present_now(session)
    people = select(User.id, User.name, User.role, User.team_id).where(User.active, User.role != Role.COURIER)
    return [
        Colleague(
            user_id=row.id, name=row.name, team_id=row.team_id, takes=row.role in TAKES,
            present=row.id in present, load=loads.get(row.id, 0),
        )
        for row in await session.execute(people.order_by(User.name, User.id))
    ]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What the rules would have done with an order: the rule, by its place from 1 (None: none had anybody), and the
    names of whom one would have got it."""

    order_id: int
    number: str
    customer: str
    total: Decimal
    currency: str
    created_at: datetime
    manager: str | None
    rule: str | None
    place: int | None
    names: list[str]


async def try_rules(session: AsyncSession, wanted: Sequence[Rule], *, last: int = 50) -> list[Trial]:
    """What these rules would do with the last orders, with those at work now. Raises `Invalid`."""
    await check_rules(session, wanted)
    people = await colleagues(session)
    query = (
        select(
            Order.id, Order.number, Order.total, Order.currency, Order.created_at, Order.shop_id, Call.line_id,
            Customer.name.label("customer"), Customer.vip, Customer.category, Customer.source,
            User.name.label("manager"),
        )
        .join(Customer, Customer.id == Order.customer_id)
        .outerjoin(Call, Call.id == Order.created_in_call_id)
        .outerjoin(User, User.id == Order.manager_id)
        .order_by(Order.created_at.desc(), Order.id.desc())
        .limit(last)
    )  # fmt: skip
    found = []
    for row in await session.execute(query):
        rule, some = possible(wanted, _facts(row), people)
        found.append(
            Trial(
                order_id=row.id, number=row.number, customer=row.customer, total=row.total, currency=row.currency,
                created_at=row.created_at, manager=row.manager, rule=None if rule is None else rule.name,
                place=None if rule is None else wanted.index(rule) + 1, names=[it.name for it in some],
            )
        )  # fmt: skip
    return found


async def _chosen(
    session: AsyncSession, rules: Sequence[AssignmentRule], facts: Facts
) -> tuple[str, int] | None:
    rule, some = possible([it.rule for it in rules], facts, await colleagues(session))
    return (rule.name, _DRAW.choice(some).user_id) if rule is not None and some else None


async def _facts_of(session: AsyncSession, order: Order) -> Facts:
    customer = await session.get_one(Customer, order.customer_id)
    return Facts(
        thing=Thing.ORDER, amount=order.total, shop_id=order.shop_id, vip=customer.vip, category=customer.category,
        source=customer.source, line_id=await _line(session, order.created_in_call_id),
    )  # fmt: skip


def _facts(row: Any) -> Facts:
    return Facts(
        thing=Thing.ORDER, amount=row.total, shop_id=row.shop_id, vip=row.vip, category=row.category,
        source=row.source, line_id=row.line_id,
    )  # fmt: skip


async def _line(session: AsyncSession, call_id: UUID | None) -> int | None:
    if call_id is None:
        return None
    found: int | None = await session.scalar(select(Call.line_id).where(Call.id == call_id))
    return found


async def _loads(session: AsyncSession) -> Mapping[int, int]:
    """User -> open orders and leads. By status first: what is open is little, what somebody ever had is not."""
    loads: Counter[int] = Counter()
    for owner, table, state in (
        (Order.manager_id, Order, Order.status.in_(await codes_of(session, OPEN))),
        (Lead.responsible_id, Lead, Lead.state.in_(OPEN_LEADS)),
    ):
        counted = (
            select(owner, func.count()).select_from(table).where(owner.is_not(None), state).group_by(owner)
        )
        rows: Iterable[Any] = await session.execute(counted)
        for user_id, count in rows:
            loads[user_id] += count
    return loads
