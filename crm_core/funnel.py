"""Funnels: the ways that deals go, each with its own ordered stages, and the reasons why deals are lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_core.codes import free_code
from crm_core.db import Base, Flag, Id, Version, one_of
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.order_status import OPEN, RELEASED, Group, Status, group_of
from crm_core.status_list import OrderStatus, list_statuses

SALES = 1  # the funnel that every house begins with
CALLED_OFF = "called_off"  # the reason of a deal whose orders were all called off
MOST_STAGES = 20
LONGEST_DAYS = 365


class Kind(StrEnum):
    """What a stage means: still to be worked on, sold, or not."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


FITS: Mapping[Kind, tuple[Group, ...]] = {
    Kind.OPEN: OPEN,
    Kind.WON: (Group.HANDED, Group.DONE),
    Kind.LOST: RELEASED,
}


class FunnelStage(Base):
    """One stage. Deals name it by `code`, which stays; with `order_status` it and the deal's order go together;
    after `stuck_days` (None: never) a deal in it is stuck."""

    __tablename__ = "funnel_stages"
    __table_args__ = (
        one_of("kind", Kind),
        UniqueConstraint("funnel_id", "code"),
        UniqueConstraint("funnel_id", "order_status"),
        CheckConstraint("code ~ '^[a-z0-9_-]{1,40}$'", name="code_plain"),
        CheckConstraint(f"stuck_days BETWEEN 1 AND {LONGEST_DAYS}", name="stuck_days_sane"),
    )

    id: Mapped[Id]
    funnel_id: Mapped[int] = mapped_column(ForeignKey("funnels.id"))
    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    position: Mapped[int]
    order_status: Mapped[str | None] = mapped_column(ForeignKey("order_statuses.code"))
    stuck_days: Mapped[int | None]


class Funnel(Base):
    """One way to sell, with its stages in their order. Not active: no new deal begins in it. `needs_talk`: no deal is
    won or lost without a conversation about it."""

    __tablename__ = "funnels"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[Id]
    name: Mapped[str]
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    position: Mapped[int] = mapped_column(server_default="0", default=0)
    needs_talk: Mapped[Flag]
    version: Mapped[Version]

    stages: Mapped[list[FunnelStage]] = relationship(
        lazy="selectin", order_by=FunnelStage.position, cascade="all, delete-orphan"
    )


class LostReason(Base):
    """Why a deal was lost. `code` names the one that the house gives itself."""

    __tablename__ = "lost_reasons"
    __table_args__ = (UniqueConstraint("label"), UniqueConstraint("code"))

    id: Mapped[Id]
    code: Mapped[str | None]
    label: Mapped[str]
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)


@dataclass(frozen=True, kw_only=True)
class StageWanted:
    """A stage as the administrator wants it; without `code` it is a new one."""

    name: str
    kind: str = Kind.OPEN
    code: str | None = None
    order_status: str | None = None
    stuck_days: int | None = None


FIRST_STAGES = (
    StageWanted(name="New"),
    StageWanted(name="Won", kind=Kind.WON, order_status=Status.DONE),
    StageWanted(name="Lost", kind=Kind.LOST, order_status=Status.CANCELLED),
)


def stage_for(stages: Sequence[FunnelStage], status: str, way: Sequence[str]) -> FunnelStage | None:
    """The stage that an order of this status brings its deal to: the one of the same status, else for an order
    under way the one of the nearest earlier status, else for one that is over the first won or lost stage.

    `way`: the statuses of orders under way, from the beginning on."""
    mapped = {stage.order_status: stage for stage in stages if stage.order_status}
    if status in mapped:
        return mapped[status]
    if status in way:
        earlier = [mapped[one] for one in way[: way.index(status)] if one in mapped]
        return next((stage for stage in reversed(earlier) if stage.kind == Kind.OPEN), None)
    kind = Kind.LOST if group_of(status) in RELEASED else Kind.WON
    return next((stage for stage in stages if stage.kind == kind), None)


async def list_funnels(session: AsyncSession, *, active: bool | None = None) -> Sequence[Funnel]:
    """The funnels in the order in which they are offered."""
    query = select(Funnel).order_by(Funnel.position, Funnel.id)
    return (await session.scalars(query if active is None else query.where(Funnel.active.is_(active)))).all()


async def get_funnel(session: AsyncSession, funnel_id: int, *, lock: bool = False) -> Funnel:
    """The funnel with its stages. Raises `NotFound`."""
    found = await session.get(Funnel, funnel_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise NotFound(f"There is no funnel {funnel_id}.")
    return found


async def first_funnel(session: AsyncSession) -> Funnel:
    """Where a deal begins of which nothing else was said. Raises `Invalid` when no funnel is active."""
    found = await list_funnels(session, active=True)
    if not found:
        raise Invalid("No funnel takes new deals. An administrator must make one active.", "funnel_id")
    return found[0]


def find_stage(funnel: Funnel, code: str) -> FunnelStage:
    """The funnel's stage of this code. Raises `Invalid`."""
    for stage in funnel.stages:
        if stage.code == code:
            return stage
    raise Invalid(f"{str(code)[:40]!r} is no stage of a deal in the funnel “{funnel.name}”.", "stage")


def first_stage(funnel: Funnel) -> FunnelStage:
    """Where a deal begins."""
    return next(stage for stage in funnel.stages if stage.kind == Kind.OPEN)


async def create_funnel(session: AsyncSession, *, name: str) -> Funnel:
    """Add a funnel with the stages New, Won and Lost. Raises `Invalid`, `Conflict` for a name in use."""
    last = await session.scalar(select(func.max(Funnel.position))) or 0
    made = Funnel(name=await _free_name(session, name), position=last + 1, version=1, stages=[])
    made.active, made.needs_talk = True, False
    _put_stages(made, FIRST_STAGES, await list_statuses(session))
    session.add(made)
    await session.flush()
    return made


async def update_funnel(
    session: AsyncSession, funnel_id: int, *, version: int, changes: Mapping[str, Any]
) -> Funnel:
    """Change `name`, `active`, `position`, `needs_talk` and `stages` (all of them, in their order).

    Raises `NotFound`, `Invalid`, `Conflict` when `version` is not the newest, or for a stage that can not be
    taken away or become another kind because deals stand in it.
    """
    funnel = await get_funnel(session, funnel_id, lock=True)
    if funnel.version != version:
        raise Conflict(f"The funnel “{funnel.name}” was changed by somebody else meanwhile.")
    if "name" in changes and changes["name"] != funnel.name:
        funnel.name = await _free_name(session, changes["name"])
    funnel.active = changes.get("active", funnel.active)
    funnel.position = changes.get("position", funnel.position)
    funnel.needs_talk = changes.get("needs_talk", funnel.needs_talk)
    if "stages" in changes:
        await _keep_served(session, funnel, changes["stages"])
        for stage in funnel.stages:  # two stages may exchange their status: first nobody has one
            stage.order_status = None
        await session.flush()
        _put_stages(funnel, changes["stages"], await list_statuses(session))
    funnel.version += 1
    await session.flush()
    return funnel


async def list_lost_reasons(session: AsyncSession, *, active: bool | None = None) -> Sequence[LostReason]:
    """The reasons in the order in which they were made."""
    query = select(LostReason).order_by(LostReason.id)
    if active is not None:
        query = query.where(LostReason.active.is_(active))
    return (await session.scalars(query)).all()


async def lost_reason(session: AsyncSession, reason_id: int | None) -> LostReason:
    """The reason that may be given now. Raises `Invalid`."""
    found = await session.get(LostReason, reason_id) if reason_id is not None else None
    if found is None or not found.active:
        raise Invalid("Say why the deal is lost: choose one of the reasons.", "lost_reason_id")
    return found


async def called_off(session: AsyncSession) -> LostReason:
    """The reason of a deal whose orders were called off."""
    return (await session.scalars(select(LostReason).where(LostReason.code == CALLED_OFF))).one()


async def put_lost_reason(
    session: AsyncSession,
    reason_id: int | None = None,
    *,
    label: str | None = None,
    active: bool | None = None,
) -> LostReason:
    """Add a reason, or change one. Raises `NotFound`, `Invalid`, `Conflict` for a name in use."""
    reason = await session.get(LostReason, reason_id) if reason_id is not None else LostReason(active=True)
    if reason is None:
        raise NotFound(f"There is no lost reason {reason_id}.")
    if reason_id is None or (label is not None and label != reason.label):
        reason.label = _named(label or "", "label")
        with session.no_autoflush:
            if await session.scalar(select(LostReason.id).where(LostReason.label == reason.label)):
                raise Conflict(f"There is already a reason “{reason.label}”.")
    if active is False and reason.code is not None:
        raise Invalid("This reason is given when an order is called off; it can not be taken away.", "active")
    reason.active = reason.active if active is None else active
    session.add(reason)
    await session.flush()
    return reason


async def _free_name(session: AsyncSession, name: str) -> str:
    name = _named(name, "name")
    if await session.scalar(select(Funnel.id).where(Funnel.name == name)):
        raise Conflict(f"There is already a funnel “{name}”.")
    return name


def _named(name: str, field: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= 60:
        raise Invalid("Give it a name of at most 60 letters.", field)
    return name


async def _keep_served(session: AsyncSession, funnel: Funnel, wanted: Sequence[StageWanted]) -> None:
    kinds = {one.code: one.kind for one in wanted if one.code}
    for stage in funnel.stages:
        if kinds.get(stage.code) != stage.kind:
            deals = await session.scalar(_STANDING, {"funnel_id": funnel.id, "stage": stage.code})
            if deals:
                what = "become another kind" if stage.code in kinds else "be taken away"
                raise Conflict(f"“{stage.name}” can not {what}: {deals} deals stand there. Move them first.")


def _put_stages(funnel: Funnel, wanted: Sequence[StageWanted], statuses: Sequence[OrderStatus]) -> None:
    """Let the funnel have these stages in this order. Raises `Invalid`."""
    _check(wanted, {status.code: status for status in statuses})
    known = {stage.code: stage for stage in funnel.stages}
    taken = {one.code for one in wanted if one.code}
    if strangers := taken - set(known):
        raise Invalid(f"The funnel has no stage {min(strangers)[:40]!r}.", "stages")
    stages = []
    for place, one in enumerate(wanted, 1):
        name = _named(one.name, "stages")
        code = one.code or free_code(name, taken | set(known), otherwise="stage")
        taken.add(code)
        stage = known.get(code) or FunnelStage(code=code)
        stage.name, stage.kind, stage.position = name, one.kind, place
        stage.order_status, stage.stuck_days = one.order_status, one.stuck_days
        stages.append(stage)
    funnel.stages = stages


def _check(wanted: Sequence[StageWanted], known: Mapping[str, OrderStatus]) -> None:
    if len(wanted) > MOST_STAGES:
        raise Invalid(f"A funnel has at most {MOST_STAGES} stages.", "stages")
    kinds = [one.kind for one in wanted]
    if missing := [kind for kind in Kind if kind not in kinds]:
        raise Invalid(f"A funnel needs a stage of the kind {missing[0]}.", "stages")
    codes = [one.code for one in wanted if one.code]
    if len(codes) != len(set(codes)):
        raise Invalid("A stage stands in the list twice.", "stages")
    taken = [one.order_status for one in wanted]
    for one in wanted:
        if one.order_status is None:
            continue
        status = known.get(one.order_status)
        if status is None or not status.active:
            raise Invalid(f"{one.order_status[:40]!r} is no status that orders come into.", "stages")
        if status.group not in FITS[Kind(one.kind)]:
            raise Invalid(f"“{one.name}” is {one.kind}; “{status.name}” of an order is not.", "stages")
        if taken.count(status.code) > 1:
            raise Invalid(f"“{status.name}” of an order may go with one stage alone.", "stages")


# Plain SQL: the file of deals imports this one.
_STANDING = text("SELECT count(*) FROM deals WHERE funnel_id = :funnel_id AND stage = :stage")
