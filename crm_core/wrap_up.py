"""The end of a call's work in one step: outcome, note, what it was about or why nothing, and what happens next.

All of it or nothing. To send the same again (its answer was lost) changes nothing and makes no second callback or task.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Exists, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call, get_call, save_note, set_disposition
from crm_core.call_link import links_of
from crm_core.call_list_calls import outcome_chosen
from crm_core.callback import Callback, create_callback
from crm_core.deal import get_deal, update_deal
from crm_core.errors import Invalid
from crm_core.outcome import Outcome, chosen
from crm_core.task import create_task
from crm_core.task_rows import Task
from crm_core.turn import end_with_call
from crm_core.unlinked import explain


@dataclass(frozen=True, kw_only=True)
class PlanCallback:
    """Somebody calls them again."""

    due_at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class PlanTask:
    """Something is to be done, by whoever had the call."""

    title: str
    due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class MoveDeal:
    """A deal goes to another stage."""

    deal_id: int
    version: int
    stage: str
    lost_reason_id: int | None = None


NextStep = PlanCallback | PlanTask | MoveDeal


async def wrap_up(
    session: AsyncSession,
    call_id: UUID,
    *,
    code: str,
    user_id: int,
    at: datetime,
    country: str,
    note: str | None = None,
    explanation: str | None = None,
    next_step: NextStep | None = None,
) -> Call:
    """Finish the work on a call. Raises `NotFound`, and `Invalid` that names the field (`code`, `note`, `next_step`…)
    when the outcome asks for more than was said; `Conflict` when a deal was moved by somebody else."""
    call = await get_call(session, call_id, lock=True)
    outcome = await chosen(session, code)
    if note is not None:
        await save_note(session, call.id, note, version=call.note_version, user_id=user_id, at=at)
    if explanation is not None:
        await explain(session, call.id, explanation)
    check(outcome, call, has_next=next_step is not None or await _has_next(session, call))
    await choose_outcome(session, call.id, code, user_id=user_id, at=at)
    if call.customer_id is not None or call.remote_e164 is not None:
        await end_with_call(session, user_id, customer_id=call.customer_id, number=call.remote_e164, at=at)
    if next_step is not None:
        await _plan(session, call, next_step, user_id=user_id, at=at, country=country)
    return call


async def choose_outcome(
    session: AsyncSession, call_id: UUID, code: str, *, user_id: int | None, at: datetime
) -> Call:
    """Say what came of a call, and let the call lists that it was for act on it. Raises `NotFound`, `Invalid`."""
    call = await set_disposition(session, call_id, code, user_id=user_id, at=at)
    await outcome_chosen(session, call, at=at)
    return call


def check(outcome: Outcome, call: Call, *, has_next: bool) -> None:
    """Whether all that the outcome can not do without was said. Raises `Invalid`.

    A customer and a link are asked for and not insisted on: without them the call waits on the list of unlinked ones.
    """
    if outcome.needs_note and not call.note.strip():
        raise Invalid(f"“{outcome.label}” needs a note: write what was said.", "note")
    if outcome.needs_next and not has_next:
        raise Invalid(f"“{outcome.label}” needs a next step: a callback, a task or a stage.", "next_step")


async def _plan(
    session: AsyncSession, call: Call, step: NextStep, *, user_id: int, at: datetime, country: str
) -> None:
    links = await links_of(session, call.id)
    order_id = next((link.order_id for link in links if link.order_id), None)
    deal_id = next((link.deal_id for link in links if link.deal_id), None)
    match step:
        case PlanCallback(due_at=due_at, reason=reason):
            if await session.scalar(select(_planned(call, due_at, reason))):
                return
            number = call.remote_e164 or call.remote_raw
            if number is None:
                raise Invalid("The number was withheld: there is nobody to call back.", "next_step")
            await create_callback(
                session,
                number=number,
                country=country,
                due_at=due_at,
                reason=reason,
                customer_id=call.customer_id,
                order_id=order_id,
                deal_id=deal_id,
                source_call_id=call.id,
                created_by=user_id,
            )
        case PlanTask(title=title, due_at=due_at):
            same = exists().where(Task.call_id == call.id, Task.title == title.strip())
            if not await session.scalar(select(same)):
                about: dict[str, Any] = {
                    "customer_id": call.customer_id,
                    "order_id": order_id,
                    "deal_id": deal_id,
                }
                await create_task(
                    session, title=title, due_at=due_at, user_id=user_id, at=at, call_id=call.id, **about
                )
        case MoveDeal() as move:
            if (await get_deal(session, move.deal_id)).stage != move.stage:
                changes = {"stage": move.stage, "lost_reason_id": move.lost_reason_id}
                await update_deal(
                    session,
                    move.deal_id,
                    version=move.version,
                    changes={name: value for name, value in changes.items() if value is not None},
                    at=at,
                    user_id=user_id,
                    call_id=call.id,
                )


def _planned(call: Call, due_at: datetime, reason: str) -> Exists:
    return exists().where(
        Callback.source_call_id == call.id, Callback.due_at == due_at, Callback.reason == reason.strip()
    )


async def _has_next(session: AsyncSession, call: Call) -> bool:
    """A callback or a task that came of this call already is a next step."""
    planned = exists().where(Callback.source_call_id == call.id, Callback.created_by.is_not(None))
    given = exists().where(Task.call_id == call.id)
    return bool(await session.scalar(select(planned | given)))
