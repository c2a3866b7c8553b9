"""Everything that happened with one customer, newest first: calls, orders, deals, callbacks, notes, merges…

One query: branches of the same shape, each cut to what a page can need (its own index gives that in order), united
and cut to the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Numeric,
    Select,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import callback
from crm_core.call import Call
from crm_core.call_link import CallLink
from crm_core.callback import Callback
from crm_core.customer import Customer, CustomerNote
from crm_core.customer_merge import CustomerMerge
from crm_core.deal_rows import Deal
from crm_core.errors import Invalid
from crm_core.funnel import FunnelStage, Kind
from crm_core.message import Message
from crm_core.order import Order
from crm_core.order_status import is_open
from crm_core.outcome import Outcome
from crm_core.payment import Kind as PaymentKind
from crm_core.payment import Payment
from crm_core.read import page
from crm_core.read.own import People, talked_in, took_part, yes
from crm_core.read.page import Page, Sort
from crm_core.read.tasks import Viewer
from crm_core.recording import Recording, RecordingState
from crm_core.site import Visit
from crm_core.status_list import OrderStatus
from crm_core.task_rows import State, Task
from crm_core.user import User
from crm_core.vote import CallVote


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing that happened. `id` is text because calls have uuids; `mine`: the reader may open it,
    `hearable`: and hear it."""

    kind: str
    id: str
    at: datetime
    title: str | None = None
    status: str | None = None
    stage: str | None = None
    stage_kind: str | None = None
    text: str | None = None
    operator: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    direction: str | None = None
    talk_s: float | None = None
    recorded: bool = False
    mine: bool = True
    hearable: bool = True
    disposition: str | None = None
    role: str | None = None
    due_at: datetime | None = None
    stars: int | None = None  # what the customer thought of a call

    @property
    def result(self) -> str | None:
        """How a call ended; None while it goes on."""
        return self.status

    @property
    def open(self) -> bool:
        """Still to be worked on."""
        if self.kind == "deal":
            return self.stage_kind == Kind.OPEN
        if self.kind == "order":
            return is_open(self.status or "")
        opened = {"callback": (callback.State.OPEN,), "task": (State.OPEN,)}
        return self.status in opened.get(self.kind, ())

    @property
    def status_label(self) -> str:
        """The state of an order or a deal in words."""
        return (self.stage if self.kind in ("order", "deal") else self.status) or ""


_EMPTY: dict[str, Any] = {
    "title": cast(null(), Text),
    "status": cast(null(), Text),
    "stage": cast(null(), Text),
    "stage_kind": cast(null(), Text),
    "text": cast(null(), Text),
    "operator": cast(null(), Text),
    "amount": cast(null(), Numeric(12, 2)),
    "currency": cast(null(), Text),
    "direction": cast(null(), Text),
    "talk_s": literal(0.0),
    "recorded": literal(False),
    "mine": literal(True),
    "hearable": literal(True),
    "disposition": cast(null(), Text),
    "due_at": cast(null(), Order.promised_at.type),
    "stars": cast(null(), BigInteger),
}


def _branch(kind: str, id_: Any, at: Any, **given: Any) -> Select[Any]:
    columns = [(given.get(name, empty)).label(name) for name, empty in _EMPTY.items()]
    return select(literal(kind).label("kind"), cast(id_, Text).label("id"), at.label("at"), *columns)


def call_branch(user_id: People, hears: People | None = None) -> Select[Any]:
    """Calls in the shape of the history; a colleague's call shows that it was, not what is in it."""
    ready = select(Recording.id).where(Recording.call_id == Call.id, Recording.state == RecordingState.READY)
    return (
        _branch(
            "call",
            Call.id,
            Call.started_at,
            status=Call.result,
            text=func.nullif(Call.note, ""),
            operator=User.name,
            direction=Call.direction,
            talk_s=Call.talk_s,
            recorded=ready.correlate(Call).exists(),
            mine=yes(took_part(user_id)),
            hearable=yes(talked_in(user_id if hears is None else hears)),
            disposition=func.coalesce(Outcome.label, Call.disposition),
            stars=CallVote.stars,
        )
        .select_from(Call)
        .outerjoin(CallVote, CallVote.call_id == Call.id)
        .outerjoin(User, User.id == Call.operator_id)
        .outerjoin(Outcome, Outcome.code == Call.disposition)
    )


def _branches(
    customer_id: ColumnElement[int], user_id: People, hears: People | None, tasks: Viewer | None
) -> dict[str, Select[Any]]:
    return {
        "call": call_branch(user_id, hears).where(Call.customer_id == customer_id),
        "order": _branch(
            "order",
            Order.id,
            Order.created_at,
            title=Order.number,
            status=Order.status,
            stage=OrderStatus.name,
            stage_kind=func.concat(OrderStatus.tone, " ", OrderStatus.shape),
            text=Order.comment,
            amount=Order.total,
            currency=Order.currency,
        )
        .join(OrderStatus, OrderStatus.code == Order.status)
        .where(Order.customer_id == customer_id),
        "deal": _branch(
            "deal",
            Deal.id,
            Deal.created_at,
            title=Deal.title,
            status=Deal.stage,
            stage=FunnelStage.name,
            stage_kind=FunnelStage.kind,
            operator=User.name,
            amount=Deal.amount,
            currency=Deal.currency,
        )
        .select_from(Deal)
        .join(FunnelStage, (FunnelStage.funnel_id == Deal.funnel_id) & (FunnelStage.code == Deal.stage))
        .outerjoin(User, User.id == Deal.responsible_id)
        .where(Deal.customer_id == customer_id),
        "callback": _branch(
            "callback",
            Callback.id,
            Callback.created_at,
            title=Callback.reason,
            status=Callback.state,
            text=Callback.note,
            operator=User.name,
            due_at=Callback.due_at,
        )
        .select_from(Callback)
        .outerjoin(User, User.id == Callback.assigned_to)
        .where(Callback.customer_id == customer_id),
        "task": _branch(
            "task",
            Task.id,
            Task.created_at,
            title=Task.title,
            status=Task.state,
            text=func.coalesce(Task.reason, Task.text),
            operator=func.coalesce(User.name, Task.role),
            due_at=Task.due_at,
        )
        .select_from(Task)
        .outerjoin(User, User.id == Task.performer_id)
        .where(Task.customer_id == customer_id, _sees(tasks)),
        "note": _branch(
            "note", CustomerNote.id, CustomerNote.created_at, text=CustomerNote.text, operator=User.name
        )
        .select_from(CustomerNote)
        .outerjoin(User, User.id == CustomerNote.user_id)
        .where(CustomerNote.customer_id == customer_id),
        "message": _branch(
            "message",
            Message.id,
            Message.at,
            title=Message.channel,
            status=Message.address,
            text=Message.text,
            operator=User.name,
            direction=Message.direction,
        )
        .select_from(Message)
        .outerjoin(User, User.id == Message.user_id)
        .where(Message.customer_id == customer_id),
        "payment": _branch(
            "payment",
            Payment.id,
            Payment.created_at,
            title=Order.number,
            status=cast(Order.id, Text),
            text=Payment.note,
            operator=User.name,
            amount=case((Payment.kind == PaymentKind.REFUND, -Payment.amount), else_=Payment.amount),
            currency=Order.currency,
        )
        .select_from(Payment)
        .join(Order, Order.id == Payment.order_id)
        .outerjoin(User, User.id == Payment.user_id)
        .where(Order.customer_id == customer_id),
        "visit": _branch("visit", Visit.id, Visit.at, title=Visit.title, text=Visit.url).where(
            Visit.customer_id == customer_id
        ),
        "merge": _branch(
            "merge",
            CustomerMerge.id,
            CustomerMerge.created_at,
            title=Customer.name,
            status=case((CustomerMerge.undone_at.is_(None), "merged"), else_="undone"),
            text=CustomerMerge.reason,
            operator=User.name,
        )
        .select_from(CustomerMerge)
        .join(Customer, Customer.id == CustomerMerge.gone_id)
        .outerjoin(User, User.id == CustomerMerge.user_id)
        .where(CustomerMerge.survivor_id == customer_id),
    }


def _sees(viewer: Viewer | None) -> ColumnElement[bool]:
    return true() if viewer is None or viewer.everybody else viewer.sees()


async def load_timeline(
    session: AsyncSession,
    customer_id: int,
    *,
    user_id: People,
    hears: People | None = None,
    tasks: Viewer | None = None,
    kind: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[Item]:
    """The history of a customer as `user_id` may see it, newest first, with the tasks that `tasks` may see
    (None: all); `kind` keeps one kind alone."""
    if not 1 <= limit <= page.MOST:
        raise Invalid(f"A page has 1 to {page.MOST} rows.", "limit")
    begins = page.decode(after, (page.instant, page.plain, page.plain)) if after else None
    query = _statement(_known(user_id), _known(hears), tasks, kind, begins is not None, limit)
    given = {"customer": customer_id, **dict(zip(_BEGINS, begins or (), strict=False))}
    found = [dict(row._mapping) for row in await session.execute(query, given)]
    return page.cut_off(found, ("at", "kind", "id"), Item, limit=limit)


_BEGINS = {
    "begins_at": Order.created_at.type, "begins_kind": Text(), "begins_id": Text(),
}  # fmt: skip


def _known(people: People | None) -> int | frozenset[int] | None:
    return people if people is None or isinstance(people, int) else frozenset(people)


@lru_cache(maxsize=256)
def _statement(
    user_id: int | frozenset[int],
    hears: int | frozenset[int] | None,
    tasks: Viewer | None,
    kind: str | None,
    goes_on: bool,
    limit: int,
) -> Select[Any]:
    """The statement for one reader. It takes ten times as long to write as to execute, so it is kept; `customer` and
    where the page begins are its parameters."""
    branches = _branches(bindparam("customer", type_=BigInteger), user_id, hears, tasks)
    wanted = [branches[kind]] if kind in branches else list(branches.values())
    begins = [bindparam(name, type_=type_) for name, type_ in _BEGINS.items()] if goes_on else None
    happened = union_all(*(_newest(branch, begins, limit) for branch in wanted)).subquery("happened")
    sorts = _sorts(happened.c)
    query = select(happened).order_by(*(it.column.desc() if it.down else it.column for it in sorts))
    if begins is not None:
        query = query.where(page.beyond(sorts, begins))
    return query.limit(limit + 1)


def _sorts(columns: Any) -> tuple[Sort, ...]:
    return (
        Sort(columns.at, "at", page.instant, down=True),
        Sort(columns.kind, "kind", page.plain),
        Sort(columns.id, "id", page.plain, down=True),
    )


def _newest(branch: Select[Any], begins: Sequence[Any] | None, limit: int) -> Select[Any]:
    """As much of one branch as the page can show; its index gives that without looking at the rest."""
    inner = {column.name: getattr(column, "element", column) for column in branch.selected_columns}
    at, id_ = inner["at"], inner["id"]
    if begins is not None:
        exactly = page.beyond(_sorts(SimpleNamespace(**inner)), begins)
        branch = branch.where(at <= begins[0], exactly)
    return select(branch.order_by(at.desc(), id_.desc()).limit(limit + 1).subquery())


async def load_talks(
    session: AsyncSession,
    *,
    user_id: People,
    hears: People | None = None,
    order_id: int | None = None,
    deal_id: int | None = None,
    limit: int = 50,
) -> list[Item]:
    """The calls linked to an order or a deal, newest first, each with what happened to it there (`role`)."""
    linked: ColumnElement[bool] = (
        CallLink.order_id == order_id if order_id is not None else CallLink.deal_id == deal_id
    )
    query = (
        call_branch(user_id, hears)
        .add_columns(CallLink.role)
        .join(CallLink, CallLink.call_id == Call.id)
        .where(linked, CallLink.removed_at.is_(None))
        .order_by(Call.started_at.desc(), Call.id.desc())
        .limit(limit)
    )
    return [Item(**dict(row._mapping)) for row in await session.execute(query)]
