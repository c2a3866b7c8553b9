"""The switchboard's view of a call, kept as a row: written at once, again at each change, merged on joins.

Everything here may be repeated: the same facts twice change nothing, and old facts never undo newer ones.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call, CallAlias, Origin, Result
from crm_core.db import to_json
from crm_core.errors import NotFound
from crm_core.outbox import announce, tell_on_commit


@dataclass(frozen=True, kw_only=True)
class LegFacts:
    """One ringing of one phone."""

    uniqueid: str
    extension: str | None
    user_id: int | None = None
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    result: str | None = None
    queue: str | None = None
    rang_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class VisitFacts:
    """One stay in one queue (`crm_core.queue_visit`)."""

    uniqueid: str
    queue: str
    began_at: datetime
    entered_at: datetime | None = None
    left_at: datetime | None = None
    position: int | None = None
    left_position: int | None = None
    wait_s: float = 0.0
    outcome: str | None = None


@dataclass(frozen=True, kw_only=True)
class CallFacts:
    """What the tracker knows of a call. `tracker_state` None: the call is over and needs no restoring.

    `customer_id` and `customer_rule` count only while the call has no customer yet; `started_by` and
    `started_from` only when they are given.
    """

    id: UUID
    pbx: str
    linkedid: str
    linkedids: Sequence[str]
    direction: str
    state: str
    started_at: datetime
    remote_raw: str | None = None
    remote_e164: str | None = None
    remote_name: str | None = None
    line: str | None = None
    line_id: int | None = None
    queue: str | None = None
    operator_id: int | None = None
    operator_extension: str | None = None
    operators: Sequence[str] = ()
    click_to_call: bool = False
    started_by: int | None = None
    started_from: dict[str, Any] | None = None
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    wait_s: float | None = 0.0
    talk_s: float | None = 0.0
    hold_s: float | None = 0.0
    result: str | None = None
    missed_place: str | None = None
    ended_by: str | None = None
    ended_reason: str | None = None
    complete: bool = False
    origin: str = Origin.LIVE
    customer_id: int | None = None
    customer_rule: str | None = None
    transfers: Sequence[dict[str, Any]] = ()
    recordings: Sequence[str] = ()
    tracker_state: dict[str, Any] | None = None
    legs: Sequence[LegFacts] = ()
    visits: Sequence[VisitFacts] = ()


async def put_call(session: AsyncSession, facts: CallFacts, *, at: datetime) -> UUID:
    """Write the call with its legs and tell the other processes; the id under which it is kept.

    Facts of a call that was absorbed are dropped: those of the call that absorbed it are complete.
    """
    row = asdict(facts)
    legs = {(leg.uniqueid, leg.rang_at): {**asdict(leg), "call_id": facts.id} for leg in facts.legs}
    visits = {(it.uniqueid, it.began_at): {**asdict(it), "call_id": facts.id} for it in facts.visits}
    del row["legs"], row["visits"]
    news = {"id": facts.id, "call_id": facts.id, "customer_id": facts.customer_id}
    given = {
        "id": facts.id,
        "facts": to_json({**row, "updated_at": at}),
        "legs": to_json(list(legs.values())),  # the same leg named twice: the later one counts
        "visits": to_json(list(visits.values())),
        "news": to_json(news),
    }
    absorbed_by, was = (await session.execute(_PUT, given)).one()
    if facts.origin == Origin.LIVE and was in (Origin.CEL, Origin.CDR):
        for statement in _FORGET_PARTS:  # told afterwards, with other instants, before it was written live
            await session.execute(statement, {"id": facts.id})
        await session.execute(_PUT, given)
    tell_on_commit(session)
    return absorbed_by or facts.id


async def open_calls(session: AsyncSession, pbx: str) -> Sequence[Call]:
    """The calls of a PBX that were not over when they were last written, the oldest first."""
    found = select(Call).where(Call.pbx == pbx, Call.ended_at.is_(None))
    return (await session.scalars(found.order_by(Call.started_at))).all()


async def merge_calls(session: AsyncSession, survivor: UUID, absorbed: UUID) -> None:
    """Two calls turned out to be one: everything of `absorbed` moves to `survivor`, its id stays valid.

    Does nothing when it was done before. Raises `NotFound` when the survivor was never written.
    """
    if survivor == absorbed:
        return
    locked = await session.execute(_LOCK_BOTH, {"survivor": survivor, "absorbed": absorbed})
    present = set(locked.scalars())
    if survivor not in present:
        raise NotFound(f"There is no call {survivor}.")
    if absorbed in present:
        for statement in _MOVES:
            await session.execute(statement, {"survivor": survivor, "absorbed": absorbed})
    await session.execute(
        insert(CallAlias)
        .values(id=absorbed, call_id=survivor)
        .on_conflict_do_update(index_elements=["id"], set_={"call_id": survivor})
    )
    session.expire_all()
    await announce(
        session, "call", {"id": str(survivor), "call_id": str(survivor), "absorbed": str(absorbed)}
    )


def _move(sql: str) -> Any:
    return text(sql).bindparams(bindparam("survivor", type_=Uuid), bindparam("absorbed", type_=Uuid))


_FIXED = ("id", "pbx", "linkedid", "started_at")
_FIRST_KNOWN = ("rang_at", "answered_at")
_LAST_KNOWN = ("started_by", "started_from", "remote_raw", "remote_e164", "remote_name", "line", "line_id")
_FACTS = tuple(field.name for field in fields(CallFacts) if field.name not in ("legs", "visits"))
_LEG = ("call_id", *(field.name for field in fields(LegFacts)))
_VISIT = ("call_id", *(field.name for field in fields(VisitFacts)))
_VISIT_FIXED = ("call_id", "uniqueid", "began_at")


def _change(name: str) -> str:
    """How a column of a call that is there already takes the new value."""
    if name in _FIRST_KNOWN:
        return f"coalesce(calls.{name}, excluded.{name})"
    if name in _LAST_KNOWN:
        return f"coalesce(excluded.{name}, calls.{name})"
    if name in ("customer_id", "customer_rule"):
        return f"CASE WHEN calls.customer_id IS NULL THEN excluded.{name} ELSE calls.{name} END"
    if name == "click_to_call":
        return "calls.click_to_call OR excluded.click_to_call"
    if name == "origin":  # whoever heard it live knows better
        return f"CASE WHEN excluded.origin = '{Origin.LIVE}' THEN excluded.origin ELSE calls.origin END"
    if name == "result":  # an orphan leg that ends late must not turn an answered call into a missed one
        return f"CASE WHEN calls.result = '{Result.ANSWERED}' THEN calls.result ELSE excluded.result END"
    if name == "missed_place":
        return f"CASE WHEN calls.result = '{Result.ANSWERED}' THEN NULL ELSE excluded.missed_place END"
    return f"excluded.{name}"


def _later_visit(name: str) -> str:
    """How a column of a visit takes the new value: what was known once stays known; a wait only grows."""
    if name == "wait_s":
        return "greatest(excluded.wait_s, queue_visits.wait_s)"
    return f"coalesce(excluded.{name}, queue_visits.{name})"


def _changes(names: Iterable[str], change: Callable[[str], str]) -> str:
    return ", ".join(f"{name} = {change(name)}" for name in names)


# One statement, because this is written several times in each call while somebody waits for a card.
_PUT = text(f"""
    WITH absorbed AS (SELECT call_id FROM call_aliases WHERE id = :id),
    kept AS (
        INSERT INTO calls ({", ".join(_FACTS)}, updated_at)
        SELECT {", ".join(_FACTS)}, updated_at FROM jsonb_populate_record(NULL::calls, CAST(:facts AS jsonb))
        WHERE NOT EXISTS (SELECT FROM absorbed)
        ON CONFLICT (id) DO UPDATE
        SET {_changes([name for name in (*_FACTS, "updated_at") if name not in _FIXED], _change)}
        WHERE (calls.ended_at IS NULL OR excluded.ended_at IS NOT NULL)  -- what is over stays over
            AND (excluded.origin = 'live' OR NOT calls.complete)  -- what was heard is not told again
    ),
    rang AS (
        INSERT INTO call_legs ({", ".join(_LEG)})
        SELECT {", ".join(_LEG)} FROM jsonb_populate_recordset(NULL::call_legs, CAST(:legs AS jsonb))
        WHERE NOT EXISTS (SELECT FROM absorbed)
        ON CONFLICT (call_id, uniqueid, rang_at) DO UPDATE
        SET {_changes(_LEG[1:], lambda name: f"coalesce(excluded.{name}, call_legs.{name})")}
    ),
    waited AS (
        INSERT INTO queue_visits ({", ".join(_VISIT)})
        SELECT {", ".join(_VISIT)} FROM jsonb_populate_recordset(NULL::queue_visits, CAST(:visits AS jsonb))
        WHERE NOT EXISTS (SELECT FROM absorbed)
        ON CONFLICT (call_id, uniqueid, began_at) DO UPDATE
        SET {_changes([name for name in _VISIT if name not in _VISIT_FIXED], _later_visit)}
    ),
    told AS (
        INSERT INTO outbox (topic, payload)
        SELECT 'call', CAST(:news AS jsonb) WHERE NOT EXISTS (SELECT FROM absorbed)
    )
    SELECT (SELECT call_id FROM absorbed), (SELECT origin FROM calls WHERE id = :id)
""").bindparams(bindparam("id", type_=Uuid))
_FORGET_PARTS = tuple(
    text(f"DELETE FROM {table} WHERE call_id = :id").bindparams(bindparam("id", type_=Uuid))
    for table in ("call_legs", "queue_visits")
)
_LOCK_BOTH = _move("SELECT id FROM calls WHERE id IN (:survivor, :absorbed) ORDER BY id FOR UPDATE")
_MOVES = (
    # What would stand twice at the survivor goes first; then the rest changes its call.
    _move("""
        DELETE FROM call_legs a USING call_legs s
        WHERE a.call_id = :absorbed AND s.call_id = :survivor
            AND a.uniqueid = s.uniqueid AND a.rang_at IS NOT DISTINCT FROM s.rang_at
    """),
    _move("""
        DELETE FROM queue_visits a USING queue_visits s
        WHERE a.call_id = :absorbed AND s.call_id = :survivor
            AND a.uniqueid = s.uniqueid AND a.began_at = s.began_at
    """),
    _move("""
        UPDATE call_links a SET removed_at = now() FROM call_links s
        WHERE a.call_id = :absorbed AND s.call_id = :survivor
            AND a.removed_at IS NULL AND s.removed_at IS NULL
            AND a.order_id IS NOT DISTINCT FROM s.order_id AND a.deal_id IS NOT DISTINCT FROM s.deal_id
    """),
    _move("""
        DELETE FROM call_drafts a USING call_drafts s
        WHERE a.call_id = :absorbed AND s.call_id = :survivor AND a.user_id = s.user_id
    """),
    _move("""
        DELETE FROM transcripts a USING transcripts s WHERE a.call_id = :absorbed AND s.call_id = :survivor
    """),
    _move("""
        DELETE FROM callback_calls a USING callback_calls s
        WHERE a.call_id = :absorbed AND s.call_id = :survivor AND a.callback_id = s.callback_id
    """),
    _move("""
        DELETE FROM call_list_calls a USING call_list_calls s
        WHERE a.call_id = :absorbed AND s.call_id = :survivor AND a.entry_id = s.entry_id
    """),
    _move("""
        DELETE FROM call_script_choices a USING call_script_choices s
        WHERE a.call_id = :absorbed AND s.call_id = :survivor
    """),
    _move("""
        UPDATE call_focus a SET closed_at = greatest(a.opened_at, s.opened_at) FROM call_focus s
        WHERE a.call_id = :absorbed AND s.call_id = :survivor
            AND a.user_id = s.user_id AND a.closed_at IS NULL AND s.closed_at IS NULL
    """),
    *(
        _move(f"""
            DELETE FROM {table} a USING {table} s WHERE a.call_id = :absorbed AND s.call_id = :survivor {same}
        """)
        for table, same in (
            (
                "reviews",
                "AND a.operator_id = s.operator_id AND a.reviewer_id = s.reviewer_id"
                " AND a.calibration_id IS NOT DISTINCT FROM s.calibration_id",
            ),
            ("review_tasks", "AND a.operator_id = s.operator_id AND a.rule_id = s.rule_id"),
            ("call_votes", ""),
            ("vote_links", ""),
        )
    ),
    *(
        _move(f"UPDATE {table} SET {column} = :survivor WHERE {column} = :absorbed")
        for table, column in (
            ("call_legs", "call_id"),
            ("queue_visits", "call_id"),
            ("call_acts", "call_id"),
            ("call_links", "call_id"),
            ("call_drafts", "call_id"),
            ("call_focus", "call_id"),
            ("call_batons", "call_id"),
            ("call_holds", "call_id"),
            ("listenings", "call_id"),
            ("order_confirmations", "call_id"),
            ("pop_log", "call_id"),
            ("flight_tapes", "call_id"),
            ("recordings", "call_id"),
            ("transcripts", "call_id"),
            ("call_aliases", "call_id"),
            ("orders", "created_in_call_id"),
            ("order_changes", "call_id"),
            ("deal_moves", "call_id"),
            ("payments", "call_id"),
            ("payment_links", "call_id"),
            ("leads", "call_id"),
            ("tasks", "call_id"),
            ("callbacks", "source_call_id"),
            ("callbacks", "closed_by_call_id"),
            ("callback_calls", "call_id"),
            ("call_list_calls", "call_id"),
            ("call_script_choices", "call_id"),
            ("dial_locks", "call_id"),
            ("promises", "call_id"),
            ("reviews", "call_id"),
            ("review_calibrations", "call_id"),
            ("review_tasks", "call_id"),
            ("call_votes", "call_id"),
            ("vote_links", "call_id"),
            ("audit_log", "call_id"),
        )
    ),
    # Notes of both are kept; what the survivor does not know it takes over.
    _move("""
        UPDATE calls s SET
            note = concat_ws(E'\n', nullif(s.note, ''), nullif(a.note, '')),
            note_version = s.note_version + CASE WHEN a.note = '' THEN 0 ELSE 1 END,
            noted_at = greatest(s.noted_at, a.noted_at),
            noted_by = coalesce(s.noted_by, a.noted_by),
            customer_id = coalesce(s.customer_id, a.customer_id),
            customer_rule = CASE WHEN s.customer_id IS NULL THEN a.customer_rule ELSE s.customer_rule END,
            disposition = coalesce(s.disposition, a.disposition),
            disposed_at = coalesce(s.disposed_at, a.disposed_at),
            disposed_by = coalesce(s.disposed_by, a.disposed_by),
            started_by = coalesce(s.started_by, a.started_by),
            started_from = coalesce(s.started_from, a.started_from),
            click_to_call = s.click_to_call OR a.click_to_call,
            linkedids = s.linkedids || ARRAY(
                SELECT x FROM unnest(a.linkedids) WITH ORDINALITY AS u(x, place)
                WHERE x <> ALL (s.linkedids) ORDER BY place
            ),
            recordings = s.recordings || ARRAY(
                SELECT x FROM unnest(a.recordings) WITH ORDINALITY AS u(x, place)
                WHERE x <> ALL (s.recordings) ORDER BY place
            )
        FROM calls a WHERE s.id = :survivor AND a.id = :absorbed
    """),
    _move("DELETE FROM calls WHERE id = :absorbed AND :survivor IS NOT NULL"),
)
