"""One call as a page: its phones, its links, and who may see and hear it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from crm_core.call import Call, CallAlias, CallLeg
from crm_core.call_link import CallLink
from crm_core.deal_rows import Deal
from crm_core.errors import Forbidden, NotFound
from crm_core.line import Line
from crm_core.order import Order
from crm_core.queue_visit import visits_of
from crm_core.read.calls import CallRow, columns, joined
from crm_core.read.own import People, talked_in, took_part, yes
from crm_core.user import User


@dataclass(frozen=True, kw_only=True)
class LegRow:
    """One ringing of one phone, for `queue` if it was one's; `ended_at`, `result` and `rang_s` (seconds) are None
    while it rings."""

    extension: str | None
    user: str | None
    rang_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    result: str | None
    queue: str | None
    rang_s: float | None


@dataclass(frozen=True, kw_only=True)
class VisitRow:
    """One stay in one queue; without `entered_at` refused at the door, without `left_at` still there."""

    queue: str
    began_at: datetime
    entered_at: datetime | None
    left_at: datetime | None
    position: int | None
    left_position: int | None
    wait_s: float
    outcome: str | None


@dataclass(frozen=True, kw_only=True)
class LinkRow:
    """What the call was about: an order or a deal, why we think so, and who undid it."""

    id: int
    order_id: int | None
    deal_id: int | None
    label: str
    role: str
    rule: str
    created_at: datetime
    created_by: str | None
    removed_at: datetime | None
    removed_by: str | None

    @property
    def kind(self) -> str:
        return "order" if self.order_id is not None else "deal"


@dataclass(frozen=True, kw_only=True)
class CallPage(CallRow):
    """Everything on a call's page except its sound and text."""

    pbx: str
    linkedid: str
    linkedids: list[str]
    operators: list[str]
    rang_at: datetime | None
    hold_s: float | None
    origin: str
    ended_by: str | None
    ended_reason: str | None
    complete: bool
    shop_id: int | None
    customer_rule: str | None
    disposed_at: datetime | None
    note_version: int
    noted_at: datetime | None
    noted_by: str | None
    transfers: list[dict[str, Any]]
    legs: list[LegRow] = field(default_factory=list)
    visits: list[VisitRow] = field(default_factory=list)
    link_rows: list[LinkRow] = field(default_factory=list)


async def require_call(session: AsyncSession, call_id: UUID, *, user_id: People, everybody: bool) -> UUID:
    """The id under which a call is kept, when this reader may see it; follows calls that became one.

    Raises `NotFound` for an unknown call and `Forbidden` for a colleague's.
    """
    query = select(Call.id, yes(took_part(user_id)).label("mine"))
    row = (await session.execute(query.where(Call.id == call_id))).one_or_none()
    if row is None:
        alias = await session.scalar(select(CallAlias.call_id).where(CallAlias.id == call_id))
        if alias is None:
            raise NotFound("There is no such call.")
        return await require_call(session, alias, user_id=user_id, everybody=everybody)
    if not everybody and not row.mine:
        raise Forbidden("This is a colleague's call; you may open the calls you took part in.")
    return call_id


async def load_call(
    session: AsyncSession, call_id: UUID, *, user_id: People, everybody: bool, hears: People | None = None
) -> CallPage:
    """The page of one call. Raises `NotFound`, and `Forbidden` for a colleague's call."""
    call_id = await require_call(session, call_id, user_id=user_id, everybody=everybody)
    noted = aliased(User)
    here = {column.name for column in Call.__table__.c} & set(CallPage.__annotations__)
    own = columns(user_id, hears)
    query = joined(select(*own, *(getattr(Call, name) for name in sorted(here - {"noted_by"}))))
    query = query.add_columns(Line.shop_id, noted.name.label("noted_by"))
    row = (
        await session.execute(query.outerjoin(noted, noted.id == Call.noted_by).where(Call.id == call_id))
    ).one()
    return CallPage(
        **dict(row._mapping),
        legs=await _legs(session, call_id),
        visits=await _visits(session, call_id),
        link_rows=await load_links(session, call_id),
    )


async def _legs(session: AsyncSession, call_id: UUID) -> list[LegRow]:
    names = ("extension", "rang_at", "answered_at", "ended_at", "result", "queue", "rang_s")
    query = (
        select(*(getattr(CallLeg, name) for name in names), User.name.label("user"))
        .select_from(CallLeg)
        .outerjoin(User, User.id == CallLeg.user_id)
        .where(CallLeg.call_id == call_id)
        .order_by(CallLeg.rang_at.asc().nulls_first(), CallLeg.id)
    )
    return [LegRow(**dict(row._mapping)) for row in await session.execute(query)]


async def _visits(session: AsyncSession, call_id: UUID) -> list[VisitRow]:
    names = VisitRow.__annotations__
    return [
        VisitRow(**{name: getattr(visit, name) for name in names})
        for visit in await visits_of(session, call_id)
    ]


async def load_links(session: AsyncSession, call_id: UUID) -> list[LinkRow]:
    """What the call was about: the links that stand first, then those that were removed."""
    remover = aliased(User)
    names = ("id", "order_id", "deal_id", "role", "rule", "created_at", "removed_at")
    query = (
        select(
            *(getattr(CallLink, name) for name in names),
            func.coalesce(Order.number, Deal.title).label("label"),
            User.name.label("created_by"),
            remover.name.label("removed_by"),
        )
        .select_from(CallLink)
        .outerjoin(Order, Order.id == CallLink.order_id)
        .outerjoin(Deal, Deal.id == CallLink.deal_id)
        .outerjoin(User, User.id == CallLink.created_by)
        .outerjoin(remover, remover.id == CallLink.removed_by)
        .where(CallLink.call_id == call_id)
        .order_by(CallLink.removed_at.desc().nulls_first(), CallLink.id)
    )
    return [LinkRow(**dict(row._mapping)) for row in await session.execute(query)]


async def hearable(session: AsyncSession, call_id: UUID, user_id: People) -> bool:
    """True when one of these people talked in the call, so that its recording is their own."""
    return bool(await session.scalar(select(talked_in(user_id)).where(Call.id == call_id)))
