"""Calls as a list, and which of them wait to be linked."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call, MissedPlace
from crm_core.call_link import CallLink
from crm_core.customer import Customer
from crm_core.line import Line
from crm_core.outcome import Outcome
from crm_core.read import match, page
from crm_core.read.own import People, talked_in, took_part, took_part_since, yes
from crm_core.read.page import Page, Sort
from crm_core.recording import Recording, RecordingState
from crm_core.unlinked import UnlinkedCall
from crm_core.user import User

SORTS = (
    Sort(Call.started_at, "started_at", page.instant, down=True),
    Sort(Call.id, "id", UUID, down=True),
)
# One's own calls of a busy year are many to read for a page of them: first those of a day, then of more, then all.
_LOOKED_BACK = (timedelta(days=1), timedelta(days=16), timedelta(days=256))


@dataclass(frozen=True, kw_only=True)
class CallRow:
    """One line of the list. `links` counts orders and deals; `mine`: the reader took part in it, `hearable`:
    he talked in it."""

    id: UUID
    direction: str
    state: str
    result: str | None
    missed_place: str | None
    remote_e164: str | None
    remote_raw: str | None
    remote_name: str | None
    line: str | None
    line_name: str | None
    queue: str | None
    operator_id: int | None
    operator: str | None
    operator_extension: str | None
    click_to_call: bool
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    wait_s: float | None
    talk_s: float | None
    disposition: str | None
    disposition_label: str | None
    customer_id: int | None
    customer: str | None
    note: str
    links: int
    recorded: bool
    unlinked: bool
    mine: bool
    hearable: bool


def unlinked() -> ColumnElement[bool]:
    """Conversations that wait to be linked or explained."""
    return select(UnlinkedCall.call_id).where(UnlinkedCall.call_id == Call.id).correlate(Call).exists()


def columns(user_id: People, hears: People | None = None) -> list[ColumnElement[Any]]:
    """The columns of `CallRow`, for a query on calls joined by `joined`; `hears` None: the same people."""
    live = select(func.count()).where(CallLink.call_id == Call.id, CallLink.removed_at.is_(None))
    ready = select(Recording.id).where(Recording.call_id == Call.id, Recording.state == RecordingState.READY)
    here = {column.name for column in Call.__table__.c} & set(CallRow.__annotations__)
    return [
        *(getattr(Call, name) for name in sorted(here)),
        Line.name.label("line_name"),
        User.name.label("operator"),
        Customer.name.label("customer"),
        select(Outcome.label)
        .where(Outcome.code == Call.disposition)
        .correlate(Call)
        .scalar_subquery()
        .label("disposition_label"),
        live.correlate(Call).scalar_subquery().label("links"),
        ready.correlate(Call).exists().label("recorded"),
        yes(unlinked()).label("unlinked"),
        yes(took_part(user_id)).label("mine"),
        yes(talked_in(user_id if hears is None else hears)).label("hearable"),
    ]


def joined(query: Select[Any]) -> Select[Any]:
    """`query` on calls with the tables that `columns` names."""
    return (
        query.select_from(Call)
        .outerjoin(Line, Line.id == Call.line_id)
        .outerjoin(User, User.id == Call.operator_id)
        .outerjoin(Customer, Customer.id == Call.customer_id)
    )


async def list_calls(
    session: AsyncSession,
    *,
    user_id: People,
    everybody: bool,
    hears: People | None = None,
    after: str | None = None,
    limit: int = 50,
    **asked: Any,
) -> Page[CallRow]:
    """Calls, newest first, those that `asked` (what `conditions` takes) means; those of `user_id` alone unless
    `everybody`. `hears`: whose talks the reader may hear, when these are others.
    """
    wanted = joined(select(*columns(user_id, hears))).where(*await conditions(session, **asked))
    if everybody:
        return await page.load(session, wanted, SORTS, CallRow, after=after, limit=limit)
    last = asked.get("until") or datetime.now(UTC)
    newest = page.decode(after, [sort.read for sort in SORTS])[0] if after else last
    for back in _LOOKED_BACK:
        own = wanted.where(took_part_since(user_id, newest - back))
        found = await page.load(session, own, SORTS, CallRow, after=after, limit=limit)
        if found.next:
            return found
    own = wanted.where(took_part_since(user_id, None))
    return await page.load(session, own, SORTS, CallRow, after=after, limit=limit)


async def count_calls(session: AsyncSession, *, user_id: People, everybody: bool, **asked: Any) -> int:
    """How many `list_calls` would list."""
    wanted = select(func.count(Call.id)).where(*await conditions(session, **asked))
    if not everybody:
        wanted = wanted.where(took_part_since(user_id, None))
    return await session.scalar(wanted) or 0


async def conditions(
    session: AsyncSession,
    *,
    query: str = "",
    direction: str | None = None,
    result: str | None = None,
    missed: MissedPlace | Literal["any"] | None = None,
    operator_id: int | None = None,
    line_id: int | None = None,
    queue: str | None = None,
    source: str | None = None,
    customer_id: int | None = None,
    order_id: int | None = None,
    deal_id: int | None = None,
    unlinked_only: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    only: ColumnElement[bool] | None = None,
) -> list[ColumnElement[bool]]:
    """What is asked for as conditions on calls. `missed`: missed ones alone, wherever ("any") or in this place; `since`
    is in, `until` is not; `only`: any other condition."""
    exact = {
        Call.direction: direction,
        Call.result: result,
        Call.missed_place: None if missed == "any" else missed,
        Call.operator_id: operator_id,
        Call.line_id: line_id,
        Call.queue: queue,
        Call.customer_id: customer_id,
    }
    found: list[ColumnElement[bool]] = [
        column == value for column, value in exact.items() if value is not None
    ]
    found += [*_about(order_id, deal_id), *_between(since, until)]
    if only is not None:
        found.append(only)
    if source is not None:
        found.append(_of_source(source))
    if missed == "any":
        found.append(Call.missed_place.is_not(None))
    if unlinked_only:
        found.append(unlinked())
    if query.strip():
        found.append(match.calls(await match.weigh(session, query, common=match.COMMON_OF_CALLS)))
    return found


def _of_source(source: str) -> ColumnElement[bool]:
    named = select(Customer.source).where(Customer.id == Call.customer_id).correlate(Call).scalar_subquery()
    return func.coalesce(named, "") == source


def _between(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    conditions = []
    if since is not None:
        conditions.append(Call.started_at >= since)
    if until is not None:
        conditions.append(Call.started_at < until)
    return conditions


def _about(order_id: int | None, deal_id: int | None) -> list[ColumnElement[bool]]:
    exact = [(CallLink.order_id, order_id), (CallLink.deal_id, deal_id)]
    return [
        Call.id.in_(select(CallLink.call_id).where(column == value, CallLink.removed_at.is_(None)))
        for column, value in exact
        if value is not None
    ]
