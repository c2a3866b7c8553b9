"""Fields that the house defines itself, for customers, orders, deals and calls, and the values they have there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import audit
from crm_core.call import Call, get_call
from crm_core.codes import free_code
from crm_core.custom_value import FieldKind, FieldRule, Value, changed
from crm_core.customer import Customer, get_customer
from crm_core.db import Base, Flag, Id, Texts, Version, one_of
from crm_core.deal import get_deal
from crm_core.deal_rows import Deal
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.keys import search_key
from crm_core.order import Order, get_order
from crm_core.outbox import announce

MOST_FIELDS, MOST_OPTIONS = 60, 200


class FieldOf(StrEnum):
    """What has fields of one's own."""

    CUSTOMER = "customer"
    ORDER = "order"
    DEAL = "deal"
    CALL = "call"


class CustomField(Base):
    """One field. `code` names it in the values and never changes; not active: no longer shown, values are kept."""

    __tablename__ = "custom_fields"
    __table_args__ = (
        one_of("object", FieldOf),
        one_of("kind", FieldKind),
        CheckConstraint("code ~ '^[a-z0-9_]{1,40}$'", name="code_plain"),
        UniqueConstraint("object", "code"),
    )

    id: Mapped[Id]
    object: Mapped[str]
    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    options: Mapped[Texts]
    position: Mapped[int] = mapped_column(server_default="0", default=0)
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    version: Mapped[Version]

    @property
    def rule(self) -> FieldRule:
        """As the check of values needs it."""
        return FieldRule(code=self.code, name=self.name, kind=FieldKind(self.kind), options=self.options)


async def list_fields(
    session: AsyncSession, object_: FieldOf | None = None, *, active: bool = False
) -> Sequence[CustomField]:
    """The fields in their order; `active`: only those that are shown."""
    query = select(CustomField).order_by(CustomField.object, CustomField.position, CustomField.id)
    if object_ is not None:
        query = query.where(CustomField.object == object_)
    if active:
        query = query.where(CustomField.active)
    return (await session.scalars(query)).all()


async def add_field(
    session: AsyncSession, *, object_: FieldOf, name: str, kind: FieldKind, options: Sequence[str] = ()
) -> CustomField:
    """Define one more field; its code is made of the name. Raises `Invalid`."""
    there = await list_fields(session, object_)
    if len(there) >= MOST_FIELDS:
        raise Invalid(f"There may be {MOST_FIELDS} fields at most.", "name")
    made = CustomField(
        object=object_,
        code=free_code(name, {field.code for field in there}, otherwise="field"),
        name=_named(name, there),
        kind=FieldKind(kind),
        options=_options(kind, options),
        position=max((field.position for field in there), default=0) + 10,
        active=True,
    )
    session.add(made)
    await session.flush()
    return made


async def change_field(
    session: AsyncSession, field_id: int, *, version: int, changes: Mapping[str, Any]
) -> CustomField:
    """Rename a field, move it, change its options, or hide it. Raises `NotFound`, `Invalid`, `Conflict`."""
    field = await session.get(CustomField, field_id, with_for_update=True)
    if field is None:
        raise NotFound(f"There is no field {field_id}.")
    if field.version != version:
        raise Conflict(f"The field “{field.name}” was changed by somebody else meanwhile.")
    if "name" in changes:
        others = await list_fields(session, FieldOf(field.object))
        field.name = _named(changes["name"], [it for it in others if it.id != field.id])
    if "options" in changes:
        field.options = _options(FieldKind(field.kind), changes["options"])
    field.position = changes.get("position", field.position)
    field.active = changes.get("active", field.active)
    field.version += 1
    await session.flush()
    return field


async def get_values(session: AsyncSession, object_: FieldOf, id_: int | UUID) -> Mapping[str, Value]:
    """The values of one customer, order, deal or call. Raises `NotFound`."""
    values: Mapping[str, Value] = (await _thing(session, object_, id_, lock=False)).custom
    return values


async def set_values(
    session: AsyncSession,
    object_: FieldOf,
    id_: int | UUID,
    changes: Mapping[str, object],
    *,
    user_id: int | None,
    at: datetime,
) -> Mapping[str, Value]:
    """Change the values named in `changes`; those not named stay. Raises `NotFound`, `Invalid`.

    Two people who change different values of the same thing do not disturb each other.
    """
    thing = await _thing(session, object_, id_, lock=True)
    fields = await list_fields(session, object_, active=True)
    before: dict[str, Any] = dict(thing.custom)
    after = changed([field.rule for field in fields], before, changes)
    what = {code: [before.get(code), after.get(code)] for code in sorted({*before, *after})}
    what = {code: step for code, step in what.items() if step[0] != step[1]}
    if what:
        thing.custom = dict(after)
        await session.flush()
        await audit.record(
            session,
            user_id=user_id,
            action=f"{object_}.custom",
            object_kind=object_,
            object_id=thing.id,
            detail=what,
        )
        customer_id = thing.id if isinstance(thing, Customer) else thing.customer_id
        await announce(session, object_, {"id": _plain(thing.id), "customer_id": customer_id})
    return after


def _plain(id_: int | UUID) -> int | str:
    return id_ if isinstance(id_, int) else str(id_)


async def _thing(
    session: AsyncSession, object_: FieldOf, id_: int | UUID, *, lock: bool
) -> Customer | Order | Deal | Call:
    match object_, id_:
        case FieldOf.CALL, UUID():
            return await get_call(session, id_, lock=lock)
        case FieldOf.CUSTOMER, int():
            return await get_customer(session, id_, lock=lock)
        case FieldOf.ORDER, int():
            return await get_order(session, id_, lock=lock)
        case FieldOf.DEAL, int():
            return await get_deal(session, id_, lock=lock)
    raise NotFound(f"There is no {object_} {id_}.")


def _named(name: str, others: Sequence[CustomField]) -> str:
    named = name.strip()[:60]
    if not named:
        raise Invalid("A field needs a name.", "name")
    if search_key(named) in {search_key(field.name) for field in others}:
        raise Invalid(f"There is a field called {named[:60]!r} already.", "name")
    return named


def _options(kind: FieldKind, options: Sequence[str]) -> list[str]:
    kept = list(dict.fromkeys(option.strip()[:100] for option in options if option.strip()))
    if kind not in (FieldKind.CHOICE, FieldKind.CHOICES):
        return []
    if not 1 <= len(kept) <= MOST_OPTIONS:
        raise Invalid(f"Give 1 to {MOST_OPTIONS} options to choose from.", "options")
    return kept
