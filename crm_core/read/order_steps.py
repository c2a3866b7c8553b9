"""The way of one order: how long it stood in each status and who brought it there; the names its history needs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.deal_rows import Deal
from crm_core.delivery import DeliveryMethod
from crm_core.order_rows import OrderChange
from crm_core.status_list import OrderStatus
from crm_core.user import User


@dataclass(frozen=True, kw_only=True)
class Move:
    """One change of the status: `before` -> `after`, by whom, in which call."""

    at: datetime
    before: str
    after: str
    by: str | None
    call_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class Stay:
    """A stay in one status until `until` (None: it is still there); `by`: who brought the order into it."""

    status: str
    since: datetime
    until: datetime | None
    spent: timedelta
    by: str | None
    call_id: UUID | None

    @property
    def spent_s(self) -> float:
        return self.spent.total_seconds()


Names = Mapping[str, Mapping[Any, str]]
"""Field of an order -> value in its history -> what people call it."""


def stays(
    status: str, moves: Sequence[Move], *, at: datetime, by: str | None, call_id: UUID | None, now: datetime
) -> list[Stay]:
    """How long an order was in each status, one entry a stay, the oldest first. Pure.

    `status`: where it is now; `moves`: the oldest first; `at`, `by`, `call_id`: when, by whom and in which call it was
    taken.
    """
    first = moves[0].before if moves else status
    starts = [(first, at, by, call_id), *((it.after, it.at, it.by, it.call_id) for it in moves)]
    ends: list[datetime | None] = [*(it.at for it in moves), None]
    return [
        Stay(status=code, since=start, until=end, spent=(end or now) - start, by=who, call_id=call)
        for (code, start, who, call), end in zip(starts, ends, strict=True)
    ]


async def load_moves(session: AsyncSession, order_id: int) -> list[Move]:
    """Every change of the order's status, the oldest first."""
    query = (
        select(OrderChange.created_at, OrderChange.what, OrderChange.call_id, User.name)
        .outerjoin(User, User.id == OrderChange.user_id)
        .where(OrderChange.order_id == order_id, OrderChange.what.has_key("status"))
        .order_by(OrderChange.created_at, OrderChange.id)
    )
    return [
        Move(at=row.created_at, before=row.what["status"][0], after=row.what["status"][1], by=row.name,
             call_id=row.call_id)
        for row in await session.execute(query)
    ]  # fmt: skip


async def load_names(session: AsyncSession, changes: Iterable[Mapping[str, Any]]) -> Names:
    """What people call the statuses, colleagues, deals and ways of delivery that these changes name."""
    whole = list(changes)

    async def called(field: str, key: Any, name: Any) -> dict[Any, str]:
        ids = {
            it for what in whole if isinstance(what.get(field), list) for it in what[field] if it is not None
        }
        if not ids:
            return {}
        rows = await session.execute(select(key, name).where(key.in_(ids)))
        return {row[0]: row[1] for row in rows}

    return {
        "status": await called("status", OrderStatus.code, OrderStatus.name),
        "manager_id": await called("manager_id", User.id, User.name),
        "deal_id": await called("deal_id", Deal.id, Deal.title),
        "delivery_method_id": await called("delivery_method_id", DeliveryMethod.id, DeliveryMethod.name),
    }
