"""Calls by how they were talked: what stands out most comes first."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.call_talk import CallTalk
from crm_core.read import page
from crm_core.read.calls import CallRow, columns, joined
from crm_core.read.own import People
from crm_core.read.page import Page, Sort


class Measure(StrEnum):
    """By what calls are sorted, the most first: share of the talk that was the operator's or the customer's, silence,
    how often the operator broke in or was broken in on, how long he went on without a stop."""

    OPERATOR = "operator"
    CUSTOMER = "customer"
    SILENCE = "silence"
    BROKE_IN = "broke_in"
    BROKEN_IN = "broken_in"
    LONGEST = "longest"


_SPOKEN = CallTalk.operator_ms + CallTalk.customer_ms
_MEASURES: dict[Measure, ColumnElement[Any]] = {
    Measure.OPERATOR: cast(CallTalk.operator_ms * 1000 // func.nullif(_SPOKEN, 0), BigInteger),
    Measure.CUSTOMER: cast(CallTalk.customer_ms * 1000 // func.nullif(_SPOKEN, 0), BigInteger),
    Measure.SILENCE: cast(CallTalk.silence_ms * 1000 // func.nullif(CallTalk.length_ms, 0), BigInteger),
    Measure.BROKE_IN: CallTalk.operator_broke_in.expression,
    Measure.BROKEN_IN: CallTalk.customer_broke_in.expression,
    Measure.LONGEST: CallTalk.operator_longest_ms.expression,
}
OF_THOUSAND = (Measure.OPERATOR, Measure.CUSTOMER, Measure.SILENCE)


@dataclass(frozen=True, kw_only=True)
class TalkedRow(CallRow):
    """A call with its measures: shares of a thousand, milliseconds, times. `measure`: that by which it is sorted."""

    operator_share: int
    silence_share: int
    operator_broke_in: int
    customer_broke_in: int
    operator_longest_ms: int
    measure: int


async def list_talked(
    session: AsyncSession,
    *,
    measure: Measure,
    user_id: People,
    hears: People | None,
    only: ColumnElement[bool],
    since: datetime,
    until: datetime,
    at_least: int | None = None,
    operator_id: int | None = None,
    line_id: int | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[TalkedRow]:
    """Calls with a text of both sides that began in this time, `since` in and `until` not; `only`: those that the
    reader may see and hear; `at_least`: of the measure, in its own unit."""
    value = _MEASURES[measure]
    query = (
        joined(
            select(
                *columns(user_id, hears),
                _MEASURES[Measure.OPERATOR].label("operator_share"),
                _MEASURES[Measure.SILENCE].label("silence_share"),
                CallTalk.operator_broke_in,
                CallTalk.customer_broke_in,
                CallTalk.operator_longest_ms,
                value.label("measure"),
            )
        )
        .join(CallTalk, CallTalk.call_id == Call.id)
        .where(only, Call.started_at >= since, Call.started_at < until, _SPOKEN > 0, CallTalk.length_ms > 0)
    )
    exact = {Call.operator_id: operator_id, Call.line_id: line_id}
    query = query.where(*(column == one for column, one in exact.items() if one is not None))
    if at_least is not None:
        query = query.where(value >= at_least)
    sorts = (Sort(value, "measure", page.number, down=True), Sort(Call.id, "id", UUID, down=True))
    return await page.load(session, query, sorts, TalkedRow, after=after, limit=limit)
