"""Of what the floor is warned, and who is told: a list that supervisors keep."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Flag, Id, Texts, Version, one_of
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.outbox import announce
from crm_core.user import Role, User

TOPIC = "alert_rule"
MOST = 100
SHORTEST_MIN, LONGEST_MIN = 5, 120


class Kind(StrEnum):
    """What may go wrong."""

    WAITING = "waiting"  # a caller waits too long
    SERVICE_LEVEL = "service_level"  # too few were answered in time
    PAUSE = "pause"
    WRAP_UP = "wrap_up"
    HELD = "held"  # a customer is on hold for too long
    NO_OPERATOR = "no_operator"  # nobody is there to take a queue's calls
    SWITCHBOARD = "switchboard"  # we are not attached to it
    RECORDING = "recording"  # sound that should be there is not


class Spec(NamedTuple):
    """What a rule of one kind holds: the unit of its bound, from where to where that may lie, what else it says."""

    unit: str
    low: int
    high: int
    queue: bool = False
    reason: bool = False
    minutes: bool = False


SPECS = {
    Kind.WAITING: Spec("seconds", 5, 3600, queue=True),
    Kind.SERVICE_LEVEL: Spec("per cent", 1, 100, queue=True, minutes=True),
    Kind.PAUSE: Spec("minutes", 1, 480, reason=True),
    Kind.WRAP_UP: Spec("seconds", 10, 7200),
    Kind.HELD: Spec("seconds", 10, 3600),
    Kind.NO_OPERATOR: Spec("seconds", 5, 3600, queue=True),
    Kind.SWITCHBOARD: Spec("seconds", 5, 3600),
    Kind.RECORDING: Spec("recordings", 1, 1000, minutes=True),
}


class AlertRule(Base):
    """One rule. `queue`, `reason` NULL: every one; `roles`, `user_ids`: who is told."""

    __tablename__ = "alert_rules"
    __table_args__ = (
        one_of("kind", Kind),
        CheckConstraint("bound > 0", name="bound_sane"),
        CheckConstraint(f"minutes BETWEEN {SHORTEST_MIN} AND {LONGEST_MIN}", name="minutes_sane"),
    )

    id: Mapped[Id]
    kind: Mapped[str]
    queue: Mapped[str | None]
    reason: Mapped[str | None]
    bound: Mapped[int]
    minutes: Mapped[int | None]
    roles: Mapped[Texts]
    user_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}", default=list)
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    version: Mapped[Version]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A rule as it shall be."""

    kind: Kind
    bound: int
    queue: str | None = None
    reason: str | None = None
    minutes: int | None = None
    roles: Sequence[Role] = ()
    user_ids: Sequence[int] = ()
    active: bool = True


async def list_rules(session: AsyncSession, *, active: bool = False) -> Sequence[AlertRule]:
    """The rules by kind, the general ones of each first; those in force alone, when `active`."""
    query = select(AlertRule).order_by(AlertRule.kind, AlertRule.queue.is_not(None), AlertRule.id)
    return (await session.scalars(query.where(AlertRule.active) if active else query)).all()


async def create_rule(session: AsyncSession, wanted: Wanted) -> AlertRule:
    """One more rule. Raises `Invalid`."""
    if len(await list_rules(session)) >= MOST:
        raise Invalid(f"There are {MOST} rules already.", "kind")
    rule = AlertRule(version=1)
    await _fill(session, rule, wanted)
    session.add(rule)
    await session.flush()
    await announce(session, TOPIC, {"id": rule.id})
    return rule


async def change_rule(session: AsyncSession, rule_id: int, wanted: Wanted, *, version: int) -> AlertRule:
    """The rule as it shall be. Raises `NotFound`, `Conflict` when somebody changed it meanwhile, `Invalid`."""
    rule = await session.get(AlertRule, rule_id, with_for_update=True)
    if rule is None:
        raise NotFound("This rule is not there any more.")
    if rule.version != version:
        raise Conflict("A colleague changed this rule meanwhile. Look at it again.")
    await _fill(session, rule, wanted)
    rule.version += 1
    await session.flush()
    await announce(session, TOPIC, {"id": rule.id})
    return rule


async def remove_rule(session: AsyncSession, rule_id: int) -> AlertRule:
    """Take a rule away; what it raised stays in the log. Raises `NotFound`."""
    rule = await session.get(AlertRule, rule_id)
    if rule is None:
        raise NotFound("This rule is not there any more.")
    await session.delete(rule)
    await session.flush()
    await announce(session, TOPIC, {"id": rule_id})
    return rule


async def _fill(session: AsyncSession, rule: AlertRule, wanted: Wanted) -> None:
    spec = SPECS[wanted.kind]
    if not spec.low <= wanted.bound <= spec.high:
        raise Invalid(f"The limit is {spec.low} to {spec.high} {spec.unit}.", "bound")
    if spec.minutes and not SHORTEST_MIN <= (wanted.minutes or 0) <= LONGEST_MIN:
        raise Invalid(f"Say of how many minutes: {SHORTEST_MIN} to {LONGEST_MIN}.", "minutes")
    known = set(await session.scalars(select(User.id).where(User.id.in_(wanted.user_ids), User.active)))
    if known != set(wanted.user_ids):
        raise Invalid("One of these colleagues does not work here any more.", "user_ids")
    rule.kind, rule.bound, rule.active = wanted.kind, wanted.bound, wanted.active
    rule.queue = (wanted.queue or "").strip() or None if spec.queue else None
    rule.reason = wanted.reason or None if spec.reason else None
    rule.minutes = wanted.minutes if spec.minutes else None
    rule.roles = sorted({str(role) for role in wanted.roles})
    rule.user_ids = sorted(set(wanted.user_ids))


async def told_by(session: AsyncSession, rule: AlertRule) -> list[int]:
    """Who is told when this rule is broken."""
    people = select(User.id).where(User.active, User.role.in_(rule.roles) | User.id.in_(rule.user_ids))
    return list(await session.scalars(people))
