"""What the floor was warned of: raised, cleared, and who said that he looks after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.alert_rule import AlertRule, Kind, told_by
from crm_core.db import Base, Id, one_of
from crm_core.errors import Conflict, NotFound
from crm_core.notice import notify
from crm_core.outbox import announce
from crm_core.read import page
from crm_core.read.page import Page, Sort
from crm_core.user import User

TOPIC = "alert"
BOARD = "/floor"


class About(StrEnum):
    """What an alert is about."""

    QUEUE = "queue"
    OPERATOR = "operator"
    SWITCHBOARD = "switchboard"
    HOUSE = "house"


class Alert(Base):
    """One alert. `key` names the rule and what it is about; of each key one is open at most. `of`: the name of the
    queue or switchboard, the id of the operator."""

    __tablename__ = "alerts"
    __table_args__ = (
        one_of("kind", Kind),
        one_of("about", About),
        Index("uq_alerts_open", "key", unique=True, postgresql_where=text("cleared_at IS NULL")),
        Index("ix_alerts_raised_at", text("raised_at DESC")),
    )

    id: Mapped[Id]
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("alert_rules.id", ondelete="SET NULL"))
    key: Mapped[str]
    kind: Mapped[str]
    about: Mapped[str]
    of: Mapped[str]
    text: Mapped[str]
    raised_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    acked_at: Mapped[datetime | None]
    acked_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


@dataclass(frozen=True, kw_only=True)
class Logged:
    """One alert as it is listed; `acked_name`: who looks after it."""

    id: int
    rule_id: int | None
    key: str
    kind: str
    about: str
    of: str
    text: str
    raised_at: datetime
    cleared_at: datetime | None
    acked_at: datetime | None
    acked_name: str | None


async def raise_alert(
    session: AsyncSession, rule_id: int, *, key: str, about: About, of: str, said: str, at: datetime
) -> int | None:
    """Write it down and tell whoever its rule names, once: None when it is open already, or its rule is gone."""
    rule = await session.get(AlertRule, rule_id)
    if rule is None:
        return None
    values = {"rule_id": rule_id, "key": key, "kind": rule.kind, "about": about, "of": of, "text": said}
    made: int | None = await session.scalar(
        insert(Alert).values(**values, raised_at=at).on_conflict_do_nothing().returning(Alert.id)
    )
    if made is not None:
        await notify(session, await told_by(session, rule), said, address=BOARD, level="warning")
    return made


async def clear_alert(session: AsyncSession, key: str, *, at: datetime) -> None:
    """It is over."""
    still = (Alert.key == key) & Alert.cleared_at.is_(None)
    await session.execute(update(Alert).where(still).values(cleared_at=at))


async def acknowledge(
    session: AsyncSession, alert_id: int, *, user_id: int, whose: frozenset[int] | None, at: datetime
) -> Alert:
    """This user looks after it. `whose`: operators within his reach (None: everything); what is of no operator
    concerns whoever sees all.

    Raises `NotFound`, `Conflict` when a colleague does so already.
    """
    alert = await session.get(Alert, alert_id, with_for_update=True)
    if alert is None or not within(whose, alert.about, alert.of):
        raise NotFound("There is no such alert.")
    if alert.acked_by is not None:
        raise Conflict("A colleague looks after it already.")
    alert.acked_at, alert.acked_by = at, user_id
    await session.flush()
    await announce(session, TOPIC, {"id": alert_id})
    return alert


def within(whose: frozenset[int] | None, about: str, of: str) -> bool:
    """Whether an alert is about somebody within reach."""
    return whose is None or (about == About.OPERATOR and int(of) in whose)


def _listed() -> Select[Any]:
    names = [name for name in Logged.__annotations__ if name != "acked_name"]
    columns = [getattr(Alert, name) for name in names]
    return select(*columns, User.name.label("acked_name")).outerjoin(User, User.id == Alert.acked_by)


async def open_alerts(session: AsyncSession) -> Sequence[Logged]:
    """What is not over."""
    found = await session.execute(_listed().where(Alert.cleared_at.is_(None)).order_by(Alert.id))
    return [Logged(**row) for row in found.mappings()]


async def list_alerts(
    session: AsyncSession,
    *,
    whose: frozenset[int] | None = None,
    unfinished: bool = False,
    after: str | None = None,
    limit: int = 50,
) -> Page[Logged]:
    """What was raised, the newest first; of these operators alone, unless `whose` is None."""
    query = _listed()
    if whose is not None:
        query = query.where(Alert.about == About.OPERATOR, Alert.of.in_([str(id_) for id_ in whose]))
    if unfinished:
        query = query.where(Alert.cleared_at.is_(None))
    sorts = (Sort(Alert.id, "id", page.number, down=True),)
    return await page.load(session, query, sorts, Logged, after=after, limit=limit)
