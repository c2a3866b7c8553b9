"""Call lists: who is due, how far each has come, what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal, null, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call_list import CallList, CallListCall, CallListEntry, CallListPerson, Page, State
from crm_core.call_list_feed import fitting
from crm_core.customer import Customer, CustomerNumber
from crm_core.errors import Invalid, NotFound
from crm_core.order import Order
from crm_core.outcome import Outcome
from crm_core.read import page
from crm_core.read.page import Page as Rows
from crm_core.read.page import Sort
from crm_core.retry_rule import Why

ENTRY = CallListEntry
Which = Literal["open", "reached", "refused", "closed"]


@dataclass(frozen=True, kw_only=True)
class DueEntry:
    """Somebody on a list whose time has come. `money`: what the order still owes."""

    id: int
    due_at: datetime
    list_name: str
    customer_id: int
    number: str | None
    money: Decimal
    currency: str | None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a list has come. `open` of `all`, `due` of them now; of the closed: `done` (and said what came of it),
    `reached` (in whatever call), `tried` in vain, `gone` (the cause), `refused`, taken off `by_hand`; `talked`: with so
    many at all."""

    all: int = 0
    open: int = 0
    due: int = 0
    done: int = 0
    reached: int = 0
    tried: int = 0
    gone: int = 0
    refused: int = 0
    by_hand: int = 0
    talked: int = 0
    attempts: int = 0


@dataclass(frozen=True, kw_only=True)
class EntryRow:
    """A customer on a list; `number` is the one that is called first."""

    id: int
    customer_id: int
    customer: str
    number: str | None
    order_id: int | None
    order_number: str | None
    due_at: datetime
    attempts: int
    outcome: str | None
    outcome_label: str | None
    refusal: str | None
    reached_at: datetime | None
    why: str | None
    closed_at: datetime | None


def _first_number() -> Any:
    first = select(CustomerNumber.e164).where(CustomerNumber.customer_id == ENTRY.customer_id)
    first = first.order_by(CustomerNumber.position, CustomerNumber.id).limit(1)
    return first.correlate(ENTRY).scalar_subquery().label("number")


async def due_entries(
    session: AsyncSession, now: datetime, who: tuple[int, int | None] | None, *, limit: int
) -> list[DueEntry]:
    """Who is due on the lists that `who` (user, team; None: everybody) works on, at most `limit` of each list."""
    found = []
    for it in await session.scalars(
        select(CallList).where(*_worked_on(now), *_by(who)).order_by(CallList.id)
    ):
        try:
            fits = await fitting(session, it, now) if it.drops else []
        except (Invalid, NotFound):  # a segment or a field that is no more; the list's page says so
            continue
        query = _due(it, fits, now).limit(limit)
        found += [DueEntry(list_name=it.name, **row) for row in (await session.execute(query)).mappings()]
    return found


def _worked_on(now: Any) -> tuple[ColumnElement[bool], ...]:
    not_over = or_(CallList.ends_at.is_(None), CallList.ends_at > now)
    return CallList.state == State.OPEN, CallList.starts_at <= now, not_over


def _by(who: tuple[int, int | None] | None) -> list[ColumnElement[bool]]:
    """Anyone works on a list that names nobody."""
    if who is None:
        return []
    user_id, team_id = who
    named = exists().where(CallListPerson.list_id == CallList.id)
    own = exists().where(CallListPerson.list_id == CallList.id, CallListPerson.user_id == user_id)
    nobodys = and_(~named, CallList.team_id.is_(None))
    return [or_(nobodys, own, CallList.team_id == team_id) if team_id is not None else or_(nobodys, own)]


def _due(it: CallList, fits: Sequence[ColumnElement[bool]], now: datetime) -> Select[Any]:
    rows = select(ENTRY.id, ENTRY.due_at, ENTRY.customer_id, _first_number())
    rows = rows.join(Customer, Customer.id == ENTRY.customer_id)
    if it.page == Page.ORDERS:
        owed = func.greatest(Order.total - Order.paid, 0).label("money")
        rows = rows.add_columns(owed, Order.currency).join(Order, Order.id == ENTRY.order_id)
    else:
        rows = rows.add_columns(literal(Decimal(0)).label("money"), null().label("currency"))
    here = (ENTRY.list_id == it.id, ENTRY.why.is_(None), ENTRY.due_at <= now)
    return rows.where(*here, Customer.merged_into_id.is_(None), *fits).order_by(ENTRY.due_at)


async def load_progress(session: AsyncSession, now: datetime) -> Mapping[int, Progress]:
    """How far every list has come, by its id."""
    counts: dict[str, Any] = {
        "all": func.count(),
        "open": func.count().filter(ENTRY.why.is_(None)),
        "due": func.count().filter(ENTRY.why.is_(None), ENTRY.due_at <= now),
        "talked": func.count().filter(ENTRY.reached_at.is_not(None)),
        "attempts": func.coalesce(func.sum(ENTRY.attempts), 0),
    } | {str(why): func.count().filter(ENTRY.why == why) for why in Why}
    query = select(ENTRY.list_id, *(count.label(name) for name, count in counts.items()))
    rows = (await session.execute(query.group_by(ENTRY.list_id))).mappings()
    return {row["list_id"]: Progress(**{name: int(row[name]) for name in counts}) for row in rows}


async def load_lists(session: AsyncSession) -> Sequence[CallList]:
    """Every list: those that are worked on first, then the newest."""
    worth = case((CallList.state == State.OPEN, 0), (CallList.state == State.PAUSED, 1), else_=2)
    return (await session.scalars(select(CallList).order_by(worth, CallList.id.desc()).limit(500))).all()


async def load_results(session: AsyncSession, list_id: int) -> list[tuple[str, int]]:
    """How often each outcome was chosen last for an entry, the most frequent first: (label, how many)."""
    label = func.coalesce(Outcome.label, ENTRY.outcome)
    query = (
        select(label, func.count())
        .select_from(ENTRY)
        .outerjoin(Outcome, Outcome.code == ENTRY.outcome)
        .where(ENTRY.list_id == list_id, ENTRY.outcome.is_not(None))
        .group_by(label)
        .order_by(func.count().desc(), label)
    )
    return [(said, number) for said, number in await session.execute(query)]


SORTS = (Sort(ENTRY.due_at, "due_at", page.instant), Sort(ENTRY.id, "id", page.number))


async def load_entries(
    session: AsyncSession,
    list_id: int,
    *,
    which: Which = "open",
    after: str | None = None,
    limit: int = 50,
) -> Rows[EntryRow]:
    """Who is on a list: still open, talked with, not to be called, or closed for whatever reason."""
    rows = (
        select(
            *(getattr(ENTRY, name) for name in EntryRow.__annotations__ if hasattr(ENTRY, name)),
            Customer.name.label("customer"),
            _first_number(),
            Order.number.label("order_number"),
            func.coalesce(Outcome.label, ENTRY.outcome).label("outcome_label"),
        )
        .select_from(ENTRY)
        .join(Customer, Customer.id == ENTRY.customer_id)
        .outerjoin(Order, Order.id == ENTRY.order_id)
        .outerjoin(Outcome, Outcome.code == ENTRY.outcome)
        .where(ENTRY.list_id == list_id, _which(which))
    )
    return await page.load(session, rows, SORTS, EntryRow, after=after, limit=limit)


def _which(which: Which) -> ColumnElement[bool]:
    match which:
        case "open":
            return ENTRY.why.is_(None)
        case "reached":
            return ENTRY.reached_at.is_not(None)
        case "refused":
            return ENTRY.refusal.is_not(None)
    return ENTRY.why.is_not(None)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A list that a customer is on, as whoever calls him sees it."""

    entry_id: int
    list_id: int
    name: str
    text: str
    order_id: int | None
    order_number: str | None
    script_id: int | None
    attempts: int
    last_outcome: str | None


def listed(customer_id: Any, now: Any, *, call_id: Any = None) -> Select[Any]:
    """The lists that a customer is on now, or was at the time of this call; values, or parameters of a query."""
    waits = and_(ENTRY.why.is_(None), *_worked_on(now))
    counted = select(CallListCall.entry_id).where(CallListCall.call_id == call_id)
    meant = waits if call_id is None else or_(waits, ENTRY.id.in_(counted))
    return (
        select(
            ENTRY.id.label("entry_id"),
            *(getattr(CallList, name) for name in ("name", "text", "script_id")),
            CallList.id.label("list_id"),
            ENTRY.order_id,
            Order.number.label("order_number"),
            ENTRY.attempts,
            func.coalesce(Outcome.label, ENTRY.outcome).label("last_outcome"),
        )
        .select_from(ENTRY)
        .join(CallList, CallList.id == ENTRY.list_id)
        .outerjoin(Order, Order.id == ENTRY.order_id)
        .outerjoin(Outcome, Outcome.code == ENTRY.outcome)
        .where(ENTRY.customer_id == customer_id, meant)
        .order_by(CallList.id)
    )


async def lists_of(session: AsyncSession, customer_id: int, now: datetime) -> list[Listed]:
    """The lists that a customer is on now."""
    return [Listed(**row) for row in (await session.execute(listed(customer_id, now))).mappings()]
