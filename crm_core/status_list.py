"""The statuses of orders as this house has them: names, looks and order are its own, the groups are fixed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import CheckConstraint, UniqueConstraint, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.codes import free_code
from crm_core.db import Base, Flag, Version, one_of
from crm_core.errors import Conflict, Invalid
from crm_core.order_status import BUILT_IN, OPEN, Group, Status, group_of

TONES = ("grey", "blue", "amber", "green", "red", "teal")
SHAPES = ("dot", "square", "diamond", "circle", "triangle")
MOST = 60
LONGEST_DAYS = 365
HOUSE = (Status.NEW, Status.ON_DELIVERY, Status.DELIVERED, Status.DONE, Status.CANCELLED)
"""Those that Callcenter itself gives: to a new order, by a courier, by a deal that was lost."""


class OrderStatus(Base):
    """One status. Orders name it by `code`, which begins with its group and stays; not active: no order comes into it
    any more. An order that is longer than `late_days` in it is late. `used`: some order was in it once."""

    __tablename__ = "order_statuses"
    __table_args__ = (
        UniqueConstraint("name"),
        one_of("tone", TONES),
        one_of("shape", SHAPES),
        CheckConstraint(r"code ~ '^[a-z_]{1,20}(\.[a-z0-9_]{1,40})?$'", name="code_plain"),
        CheckConstraint(f"late_days BETWEEN 1 AND {LONGEST_DAYS}", name="late_days_sane"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    tone: Mapped[str]
    shape: Mapped[str]
    position: Mapped[int]
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    used: Mapped[Flag] = mapped_column(server_default="false", default=False)
    late_days: Mapped[int | None]
    version: Mapped[Version]

    @property
    def group(self) -> Group:
        """What it means."""
        return group_of(self.code)

    @property
    def built_in(self) -> bool:
        """It was there from the beginning and stays."""
        return self.code in BUILT_IN

    @property
    def house(self) -> bool:
        """Callcenter gives it by itself, so it is always offered."""
        return self.code in HOUSE


@dataclass(frozen=True, kw_only=True)
class StatusWanted:
    """A status as it shall be; without `code` it is a new one, which `group` then says the meaning of."""

    name: str
    group: str | None = None
    code: str | None = None
    tone: str = "grey"
    shape: str = "dot"
    active: bool = True
    late_days: int | None = None


async def list_statuses(session: AsyncSession, *, active: bool | None = None) -> list[OrderStatus]:
    """The statuses group by group on the way of an order, in each in their order."""
    query = select(OrderStatus)
    if active is not None:
        query = query.where(OrderStatus.active.is_(active))
    rank = list(Group).index
    found = (await session.scalars(query)).all()
    return sorted(found, key=lambda it: (rank(it.group), it.position, it.code))


async def offered(session: AsyncSession, *, kept: str | None = None) -> list[OrderStatus]:
    """Those that an order may be brought to, and the one it has (`kept`)."""
    return [it for it in await list_statuses(session) if it.active or it.code == kept]


async def codes_of(session: AsyncSession, groups: Collection[Group]) -> list[str]:
    """The codes of these groups, in the order of `list_statuses`."""
    return [it.code for it in await list_statuses(session) if it.group in groups]


async def way(session: AsyncSession) -> list[str]:
    """The statuses of orders under way, from the beginning on."""
    return await codes_of(session, OPEN)


async def enter(session: AsyncSession, code: str, before: str | None) -> str:
    """An order comes from `before` into this status. Raises `Invalid` for none, or one no order comes into now."""
    with session.no_autoflush:
        found = await session.get(OrderStatus, code)
    if found is None:
        raise Invalid(f"{str(code)[:40]!r} is no status of an order.", "status")
    if not found.active and code != before:
        raise Invalid(f"“{found.name}” is retired: no order comes into it any more.", "status")
    if not found.used and not found.built_in:
        found.used = True
    return found.code


async def save_statuses(
    session: AsyncSession, wanted: Sequence[StatusWanted], *, version: int
) -> list[OrderStatus]:
    """Let the house have these statuses, in each group in this order; who is missing is taken away.

    Raises `Invalid`, `Conflict` when `version` is not the newest, and for one that can not be taken away or retired.
    """
    query = select(OrderStatus).order_by(OrderStatus.code).with_for_update(key_share=True)
    there = {
        it.code: it for it in await session.scalars(query, execution_options={"populate_existing": True})
    }
    newest = max(it.version for it in there.values())
    if newest != version:
        raise Conflict("The statuses were changed by somebody else meanwhile.")
    _check(wanted, there)
    for code in set(there) - {it.code for it in wanted}:
        await _take_away(session, there[code])
    await _names_aside(session, wanted, there)
    codes = set(there)
    for place, one in enumerate(wanted, 1):
        status = there.get(one.code or "") or OrderStatus(code=_new_code(one, codes), used=False)
        codes.add(status.code)
        if status.active and not one.active:
            await _no_stage(session, status, "be retired")
        status.name, status.tone, status.shape = _named(one.name), one.tone, one.shape
        status.position, status.active, status.late_days = place, one.active, one.late_days
        status.version = newest + 1
        session.add(status)
    await session.flush()
    return await list_statuses(session)


def _check(wanted: Sequence[StatusWanted], there: Collection[str]) -> None:
    if len(wanted) > MOST:
        raise Invalid(f"There are at most {MOST} statuses.", "statuses")
    codes = [one.code for one in wanted if one.code]
    if strangers := set(codes) - set(there):
        raise Invalid(f"There is no status {min(strangers)[:40]!r}.", "statuses")
    if len(codes) != len(set(codes)):
        raise Invalid("A status stands in the list twice.", "statuses")
    names = [_named(one.name).casefold() for one in wanted]
    for one in wanted:
        if names.count(_named(one.name).casefold()) > 1:
            raise Invalid(f"Two statuses are called “{_named(one.name)}”.", "statuses")
        if one.code is None and one.group not in tuple(Group):
            raise Invalid(f"Say in which group “{_named(one.name)}” is.", "statuses")
        if one.code and one.group and one.group != group_of(one.code):
            said = (
                f"“{_named(one.name)}” can not go to another group: orders in it would mean something else."
            )
            raise Invalid(f"{said} Make a new one there and retire this one.", "statuses")
        if one.code in HOUSE and not one.active:
            raise Invalid(
                f"“{_named(one.name)}” is given by Callcenter itself; it stays offered.", "statuses"
            )


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= 60:
        raise Invalid("Give it a name of at most 60 letters.", "statuses")
    return name


def _new_code(one: StatusWanted, taken: Collection[str]) -> str:
    """Unlike the name it stays, and begins with the group."""
    in_group = {code.partition(".")[2] for code in taken if code.startswith(f"{one.group}.")}
    return f"{one.group}.{free_code(one.name, in_group, otherwise='status')}"


async def _names_aside(
    session: AsyncSession, wanted: Sequence[StatusWanted], there: dict[str, OrderStatus]
) -> None:
    """Two statuses may exchange their names: first nobody of those who are renamed has one."""
    for one in wanted:
        if one.code and there[one.code].name != _named(one.name):
            there[one.code].name = f"\n{one.code}"
    await session.flush()


async def _take_away(session: AsyncSession, status: OrderStatus) -> None:
    if status.built_in:
        raise Conflict(f"“{status.name}” is built in and stays. Rename or retire it.")
    if status.used:
        raise Conflict(f"“{status.name}” can not be taken away: orders are or were in it. Retire it.")
    await _no_stage(session, status, "be taken away")
    await session.delete(status)


async def _no_stage(session: AsyncSession, status: OrderStatus, what: str) -> None:
    """A stage that leads to it would lead nowhere."""
    stage = (await session.execute(_STAGE, {"code": status.code})).one_or_none()
    if stage is not None:
        raise Conflict(
            f"“{status.name}” can not {what}: the stage “{stage.name}” of the funnel “{stage.funnel}” goes with it."
        )
    shop = await session.scalar(_PAID, {"code": status.code})
    if shop is not None:
        raise Conflict(f"“{status.name}” can not {what}: paid orders of “{shop}” come into it.")


# Plain SQL: the file of funnels imports the groups of this one's neighbour.
_STAGE = text(
    "SELECT s.name, f.name AS funnel FROM funnel_stages s JOIN funnels f ON f.id = s.funnel_id"
    " WHERE s.order_status = :code ORDER BY f.position, s.position LIMIT 1"
)
_PAID = text(
    "SELECT s.name FROM payment_terms t JOIN shops s ON s.id = t.shop_id"
    " WHERE :code IN (t.paid_status, t.prepaid_status) ORDER BY s.name LIMIT 1"
)
