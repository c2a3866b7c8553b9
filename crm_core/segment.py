"""Saved sets of rules that say which customers belong together; looked up anew each time they are read."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.custom_field import FieldOf, list_fields
from crm_core.db import Base, Id, Version
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.keys import search_key
from crm_core.segment_rule import Node, parse

MOST = 200


class Segment(Base):
    """`rules` in the language of `crm_core.segment_rule`."""

    __tablename__ = "segments"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[Id]
    name: Mapped[str]
    rules: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    version: Mapped[Version]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


async def checked_rules(session: AsyncSession, rules: object) -> Node:
    """The rules as conditions. Raises `Invalid` that says where they are wrong."""
    fields = await list_fields(session, FieldOf.CUSTOMER)
    return parse(rules, {field.code: field.rule for field in fields})


async def list_segments(session: AsyncSession) -> Sequence[Segment]:
    """All segments by name."""
    return (await session.scalars(select(Segment).order_by(Segment.name))).all()


async def get_segment(session: AsyncSession, segment_id: int, *, lock: bool = False) -> Segment:
    """One segment. Raises `NotFound`."""
    found = await session.get(Segment, segment_id, with_for_update=lock)
    if found is None:
        raise NotFound(f"There is no segment {segment_id}.")
    return found


async def add_segment(
    session: AsyncSession, *, name: str, rules: Mapping[str, Any], user_id: int | None
) -> Segment:
    """Keep a set of rules under a name. Raises `Invalid`."""
    await checked_rules(session, rules)
    if len(await list_segments(session)) >= MOST:
        raise Invalid(f"There may be {MOST} segments at most.", "name")
    made = Segment(name=await _named(session, name), rules=dict(rules), created_by=user_id)
    session.add(made)
    await session.flush()
    return made


async def change_segment(
    session: AsyncSession,
    segment_id: int,
    *,
    version: int,
    name: str | None = None,
    rules: Mapping[str, Any] | None = None,
) -> Segment:
    """Rename a segment or give it other rules. Raises `NotFound`, `Invalid`, `Conflict`."""
    found = await get_segment(session, segment_id, lock=True)
    if found.version != version:
        raise Conflict(f"The segment “{found.name}” was changed by somebody else meanwhile.")
    if rules is not None:
        await checked_rules(session, rules)
        found.rules = dict(rules)
    if name is not None:
        found.name = await _named(session, name, found)
    found.version += 1
    await session.flush()
    return found


async def remove_segment(session: AsyncSession, segment_id: int) -> None:
    """Forget a segment; its customers stay. Raises `NotFound`."""
    await session.delete(await get_segment(session, segment_id, lock=True))


async def _named(session: AsyncSession, name: str, own: Segment | None = None) -> str:
    named = name.strip()[:60]
    if not named:
        raise Invalid("A segment needs a name.", "name")
    for other in await list_segments(session):
        if other is not own and search_key(other.name) == search_key(named):
            raise Invalid(f"There is a segment called {other.name!r} already.", "name")
    return named
