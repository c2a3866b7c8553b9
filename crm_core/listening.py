"""Who listened to which call, how, from when to when; and whether operators are told.

One row for each span in one mode. Rows are only added and closed, and stay with the call. A process that dies leaves
the last one open: the next one closes it, or goes on with it while that telephone still listens.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from crm_core.call import Call, resolve
from crm_core.db import Base, Id, one_of
from crm_core.outbox import announce
from crm_core.user import User

TOPIC = "listening_rule"


class Mode(StrEnum):
    """How somebody takes part in a colleague's call."""

    LISTEN = "listen"  # nobody hears him
    WHISPER = "whisper"  # the operator hears him
    BARGE = "barge"  # operator and customer hear him
    TAKE_OVER = "take_over"  # the customer is his from that moment on; `ended_at` is that moment


class Listening(Base):
    """`listener_id` heard the telephone of `operator_id` from `began_at` until `ended_at` (NULL: still).

    `visit` is the same for all spans of one stay, and in the name of his channel.
    """

    __tablename__ = "listenings"
    __table_args__ = (
        one_of("mode", Mode),
        Index("ix_listenings_call", "call_id", "began_at"),
        Index("ix_listenings_began_at", text("began_at DESC")),
        Index("ix_listenings_open", "visit", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[Id]
    visit: Mapped[UUID]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    listener_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    operator_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    extension: Mapped[str]
    mode: Mapped[str]
    told: Mapped[bool]  # the operator could see it on his card
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ListeningRule(Base):
    """The one rule of the house: do operators see on their card who listens?"""

    __tablename__ = "listening_rules"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    told: Mapped[bool]


@dataclass(frozen=True, kw_only=True)
class Span:
    """One span as it is written down."""

    visit: UUID
    call_id: UUID
    listener_id: int
    operator_id: int | None
    extension: str
    mode: Mode
    told: bool
    began_at: datetime


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One span as people read it. `call`: who was on the line."""

    id: int
    call_id: UUID
    listener: str
    operator: str | None
    extension: str
    mode: str
    told: bool
    began_at: datetime
    ended_at: datetime | None
    call: str | None = None


async def begin_span(session: AsyncSession, span: Span) -> None:
    """From `began_at` on it is this mode; whatever was open of the same stay ends then.

    Raises `NotFound` while the call itself is not written down.
    """
    await end_span(session, span.visit, at=span.began_at)
    over = span.began_at if span.mode is Mode.TAKE_OVER else None
    kept = await resolve(session, span.call_id)
    session.add(Listening(**{**span.__dict__, "call_id": kept, "mode": str(span.mode), "ended_at": over}))
    await session.flush()


async def end_span(session: AsyncSession, visit: UUID, *, at: datetime) -> None:
    """He does not listen any more. Changes nothing when that is known."""
    await session.execute(
        update(Listening)
        .where(Listening.visit == visit, Listening.ended_at.is_(None))
        .values(ended_at=func.greatest(Listening.began_at, at))
    )


async def open_spans(session: AsyncSession) -> list[Span]:
    """Who listened when this was last written."""
    names = Span.__annotations__
    rows = await session.scalars(select(Listening).where(Listening.ended_at.is_(None)))
    return [
        Span(**{name: getattr(row, name) for name in names if name != "mode"}, mode=Mode(row.mode))
        for row in rows
    ]


async def list_heard(
    session: AsyncSession,
    *,
    call_id: UUID | None = None,
    operators: frozenset[int] | None = None,
    limit: int = 200,
) -> list[Heard]:
    """Who listened: to one call in the order of time, else the latest first. `operators`: only to these people."""
    listener, operator = aliased(User), aliased(User)
    it = Listening
    query = (
        select(
            *(it.id, it.call_id, it.extension, it.mode, it.told, it.began_at, it.ended_at),
            listener.name.label("listener"),
            operator.name.label("operator"),
            func.coalesce(Call.remote_name, Call.remote_e164, Call.remote_raw).label("call"),
        )
        .join(listener, listener.id == it.listener_id)
        .join(Call, Call.id == it.call_id)
        .outerjoin(operator, operator.id == it.operator_id)
        .limit(limit)
    )
    if call_id is not None:
        query = query.where(it.call_id == call_id).order_by(it.began_at, it.id)
    else:
        query = query.order_by(it.began_at.desc(), it.id.desc())
    if operators is not None:
        query = query.where(it.operator_id.in_(operators))
    return [Heard(**dict(row._mapping)) for row in await session.execute(query)]


async def operators_told(session: AsyncSession) -> bool:
    """Do operators see who listens? Where nobody said anything they do."""
    rule = await session.get(ListeningRule, 1)
    return rule is None or rule.told


async def tell_operators(session: AsyncSession, told: bool) -> None:
    """Say whether operators see who listens; for stays that begin from now on."""
    rule = await session.get(ListeningRule, 1, with_for_update=True)
    if rule is None:
        session.add(ListeningRule(id=1, told=told))
    else:
        rule.told = told
    await session.flush()
    await announce(session, TOPIC, {"id": 1})
