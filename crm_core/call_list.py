"""Call lists: customers whom a saved filter means are called one after the other, by whoever works on the list (C6).

A list holds each customer once. Who is due stands in the hot queue (`crm_core.read.hot_queue`) as any other cause; what
calls make of an entry is in `call_list_calls.py`, who comes onto the list and leaves it in `call_list_feed.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_core.call_script import CallScript
from crm_core.db import Base, Flag, Id, Version, one_of
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.outbox import announce
from crm_core.outcome import Outcome
from crm_core.retry_rule import Retry, Rules, Why
from crm_core.team import Team
from crm_core.user import User

TOPIC = "call_list"
LONGEST_TEXT = 4000
LONGEST_AFTER = timedelta(days=60)
MOST_ATTEMPTS = 20
MOST_OPEN = 50
"""Lists that are worked on at a time: each costs the queue one query."""


class Page(StrEnum):
    """Whose filters make the list."""

    CUSTOMERS = "customers"
    ORDERS = "orders"


class State(StrEnum):
    """Whether a list is worked on."""

    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


class CallList(Base):
    """`filters`: of `page`, by name; `text`: what to say; `grows`: who comes to fit is added; `drops`: who fits no more
    is closed. Nobody in `people` and no team: anyone works on it. `fed_at`, `swept_at`: see `call_list_feed`."""

    __tablename__ = "call_lists"
    __table_args__ = (
        one_of("page", Page),
        one_of("state", State),
        CheckConstraint("name <> ''", name="name_not_empty"),
        CheckConstraint("ends_at > starts_at", name="ends_after_it_starts"),
    )

    id: Mapped[Id]
    name: Mapped[str]
    text: Mapped[str]
    page: Mapped[str]
    filters: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(server_default=State.OPEN, default=State.OPEN)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="SET NULL"))
    script_id: Mapped[int | None] = mapped_column(ForeignKey("call_scripts.id", ondelete="SET NULL"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    grows: Mapped[Flag]
    drops: Mapped[Flag]
    fed_at: Mapped[datetime | None]
    swept_at: Mapped[datetime | None]
    version: Mapped[Version]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    people: Mapped[list["CallListPerson"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by="CallListPerson.user_id"
    )
    rules: Mapped[list["CallListRule"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by="CallListRule.id"
    )

    @property
    def user_ids(self) -> list[int]:
        """Who works on it; empty: the team, or anyone."""
        return [person.user_id for person in self.people]

    @property
    def retries(self) -> Rules:
        """The rules as `retry_rule` takes them."""
        return {rule.outcome: rule.retry for rule in self.rules}


class CallListPerson(Base):
    """Somebody who works on a list."""

    __tablename__ = "call_list_people"

    list_id: Mapped[int] = mapped_column(ForeignKey("call_lists.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class CallListRule(Base):
    """What becomes of an entry after this outcome (NULL: nobody answered); `after_minutes` NULL: it is finished."""

    __tablename__ = "call_list_rules"
    __table_args__ = (
        UniqueConstraint("list_id", "outcome", postgresql_nulls_not_distinct=True),
        CheckConstraint("after_minutes BETWEEN 1 AND 86400", name="after_sane"),
        CheckConstraint("most_attempts BETWEEN 1 AND 20", name="most_sane"),
    )

    id: Mapped[Id]
    list_id: Mapped[int] = mapped_column(ForeignKey("call_lists.id", ondelete="CASCADE"))
    outcome: Mapped[str | None]
    after_minutes: Mapped[int | None]
    most_attempts: Mapped[int]

    @property
    def retry(self) -> Retry:
        after = None if self.after_minutes is None else timedelta(minutes=self.after_minutes)
        return Retry(after, self.most_attempts)


class CallListEntry(Base):
    """A customer on a list, because of `order_id` where orders made the list. Open while `why` is NULL; `due_at`: not
    before; `outcome`: what was chosen last; `refusal`: why he was not to be called when it was his turn."""

    __tablename__ = "call_list_entries"
    __table_args__ = (
        UniqueConstraint("list_id", "customer_id"),
        one_of("why", Why),
        Index("ix_call_list_entries_due", "list_id", "due_at", postgresql_where=text("why IS NULL")),
        Index("ix_call_list_entries_open", "customer_id", postgresql_where=text("why IS NULL")),
    )

    id: Mapped[Id]
    list_id: Mapped[int] = mapped_column(ForeignKey("call_lists.id", ondelete="CASCADE"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"), index=True)
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(server_default="0", default=0)
    outcome: Mapped[str | None]
    refusal: Mapped[str | None]
    reached_at: Mapped[datetime | None]
    why: Mapped[str | None]
    closed_at: Mapped[datetime | None]


class CallListCall(Base):
    """A call that counted for an entry, and what came of it."""

    __tablename__ = "call_list_calls"

    entry_id: Mapped[int] = mapped_column(
        ForeignKey("call_list_entries.id", ondelete="CASCADE"), primary_key=True
    )
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id"), primary_key=True, index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime]
    ours: Mapped[Flag]  # we called; else they did
    answered: Mapped[Flag]
    outcome: Mapped[str | None]


@dataclass(frozen=True, kw_only=True)
class RuleWanted:
    """What a list shall do after an outcome; None: nobody answered. `after_minutes` None: finished."""

    outcome: str | None
    after_minutes: int | None
    most_attempts: int = 3


FIRST_RULES = (RuleWanted(outcome=None, after_minutes=240, most_attempts=3),)


async def add_list(
    session: AsyncSession,
    *,
    name: str,
    page: str,
    filters: Mapping[str, Any],
    at: datetime,
    user_id: int | None,
    rules: Sequence[RuleWanted] = FIRST_RULES,
    **given: Any,
) -> CallList:
    """A new list, still without anybody on it. `given`: what `change_list` takes. Raises `Invalid`, `Conflict`."""
    made = CallList(
        name="", text="", page=Page(page), filters=dict(filters), state=State.OPEN, starts_at=at, version=1,
        drops=True, grows=False, created_by=user_id, created_at=at, people=[], rules=[],
    )  # fmt: skip
    await _put(session, made, {"name": name, "rules": rules, **given})
    await _room(session)
    session.add(made)
    await session.flush()
    await announce(session, TOPIC, {"id": made.id})
    return made


async def change_list(
    session: AsyncSession, list_id: int, *, version: int, changes: Mapping[str, Any]
) -> CallList:
    """Change `name`, `text`, `team_id`, `user_ids`, `script_id`, `starts_at`, `ends_at`, `grows`, `drops`, `rules`,
    `state`. Raises `NotFound`, `Invalid`, `Conflict` when `version` is not the newest."""
    found = await get_list(session, list_id, lock=True)
    if found.version != version:
        raise Conflict(f"The call list “{found.name}” was changed by somebody else meanwhile.")
    if changes.get("state") == State.OPEN and found.state != State.OPEN:
        await _room(session)
    await _put(session, found, changes)
    found.version += 1
    await session.flush()
    await announce(session, TOPIC, {"id": found.id})
    return found


async def get_list(session: AsyncSession, list_id: int, *, lock: bool = False) -> CallList:
    """One list. Raises `NotFound`."""
    found = await session.get(CallList, list_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise NotFound("There is no such call list.")
    return found


async def _room(session: AsyncSession) -> None:
    open_now = select(func.count()).select_from(CallList).where(CallList.state == State.OPEN)
    if (await session.scalar(open_now) or 0) >= MOST_OPEN:
        raise Conflict(f"{MOST_OPEN} lists are worked on already; close one first.")


async def _put(session: AsyncSession, it: CallList, changes: Mapping[str, Any]) -> None:
    for name in ("text", "state", "team_id", "script_id", "starts_at", "ends_at", "grows", "drops"):
        if name in changes:
            setattr(it, name, changes[name])
    if "name" in changes:
        it.name = " ".join(str(changes["name"]).split())[:80]
    if not it.name:
        raise Invalid("A call list needs a name.", "name")
    if it.ends_at is not None and it.ends_at <= it.starts_at:
        raise Invalid("A list ends after it begins.", "ends_at")
    it.text = it.text.strip()[:LONGEST_TEXT]
    for named, table, said in (("team_id", Team, "team"), ("script_id", CallScript, "script")):
        if changes.get(named) is not None and await session.get(table, changes[named]) is None:
            raise Invalid(f"There is no such {said}.", named)
    if "user_ids" in changes:
        await _put_people(session, it, changes["user_ids"])
    if "rules" in changes:
        await _put_rules(session, it, changes["rules"])


async def _put_people(session: AsyncSession, it: CallList, user_ids: Sequence[int]) -> None:
    known = set(await session.scalars(select(User.id).where(User.id.in_(user_ids))))
    if strangers := set(user_ids) - known:
        raise Invalid(f"There is no colleague {min(strangers)}.", "user_ids")
    kept = {person.user_id: person for person in it.people}
    it.people = [kept.get(id_) or CallListPerson(user_id=id_) for id_ in sorted(known)]


async def _put_rules(session: AsyncSession, it: CallList, wanted: Sequence[RuleWanted]) -> None:
    codes = [rule.outcome for rule in wanted]
    if len(set(codes)) < len(codes):
        raise Invalid("An outcome has one rule, not two.", "rules")
    named = {code for code in codes if code is not None}
    known = set(await session.scalars(select(Outcome.code).where(Outcome.code.in_(named))))
    if strangers := named - known:
        raise Invalid(f"{min(strangers)[:40]!r} is no outcome of a call.", "rules")
    for rule in wanted:
        if (
            rule.after_minutes is not None
            and not 1 <= rule.after_minutes <= LONGEST_AFTER.total_seconds() / 60
        ):
            raise Invalid("Try again after a minute at least, and sixty days at most.", "rules")
        if not 1 <= rule.most_attempts <= MOST_ATTEMPTS:
            raise Invalid(f"Try 1 to {MOST_ATTEMPTS} times.", "rules")
    if it.id is not None:
        it.rules = []
        await session.flush()
    it.rules = [CallListRule(**rule.__dict__) for rule in wanted]
