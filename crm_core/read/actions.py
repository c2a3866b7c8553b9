"""What was done during a call: orders placed and changed, callbacks planned, the call itself sent about."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call_act import CallAct
from crm_core.callback import Callback
from crm_core.order import Order, OrderChange
from crm_core.user import User


@dataclass(frozen=True, kw_only=True)
class Action:
    """One thing somebody did: `kind` is order_placed, order_changed, callback_planned or handled.

    What was done to the call itself (`handled`) has its kind of act as title, `target`, and `refused` when it did
    not come about; a pause of the recording lasted until `ended_at`.
    """

    kind: str
    at: datetime
    id: int
    title: str
    operator: str | None
    what: dict[str, Any] | None = None  # of a changed order: field -> [before, after]
    currency: str | None = None
    target: str | None = None
    refused: str | None = None
    ended_at: datetime | None = None


async def load_actions(session: AsyncSession, call_id: UUID) -> list[Action]:
    """Everything done in this call, in the order in which it was done."""
    found = [
        Action(kind=kind, **dict(row._mapping))
        for kind, query in _queries(call_id).items()
        for row in await session.execute(query)
    ]
    return sorted(found, key=lambda action: action.at)


def _queries(call_id: UUID) -> dict[str, Select[Any]]:
    who = User.name.label("operator")
    return {
        "order_placed": select(Order.created_at.label("at"), Order.id, Order.number.label("title"), who)
        .select_from(Order)
        .outerjoin(User, User.id == Order.created_by)
        .where(Order.created_in_call_id == call_id),
        "order_changed": select(
            OrderChange.created_at.label("at"),
            Order.id,
            Order.number.label("title"),
            who,
            OrderChange.what,
            Order.currency,
        )
        .select_from(OrderChange)
        .join(Order, Order.id == OrderChange.order_id)
        .outerjoin(User, User.id == OrderChange.user_id)
        .where(OrderChange.call_id == call_id, ~OrderChange.what.has_key("created")),
        "callback_planned": select(
            Callback.created_at.label("at"), Callback.id, Callback.reason.label("title"), who
        )
        .select_from(Callback)
        .outerjoin(User, User.id == Callback.created_by)
        .where(Callback.source_call_id == call_id),
        "handled": select(
            CallAct.at,
            CallAct.id,
            CallAct.kind.label("title"),
            who,
            CallAct.target,
            CallAct.refused,
            CallAct.ended_at,
        )
        .select_from(CallAct)
        .outerjoin(User, User.id == CallAct.user_id)
        .where(CallAct.call_id == call_id),
    }
