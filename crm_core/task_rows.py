"""Tasks and what was said and done about them, as tables."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, Instant, Version, one_of
from crm_core.user import Role


class Kind(StrEnum):
    """What sort of work it is."""

    PLAIN = "plain"
    COURIER = "courier"  # bring an order to its customer and take the money


class Priority(StrEnum):
    """How much it matters."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class State(StrEnum):
    """Open until it was done, or could not be done."""

    OPEN = "open"
    DONE = "done"
    NOT_DONE = "not_done"


class Means(StrEnum):
    """How a courier was paid."""

    CASH = "cash"
    CARD = "card"


OPEN_ONLY = text("state = 'open'")


class Task(Base):
    """Something to be done by `performer_id`, or by anyone of `role` until one of them takes it.

    `team_id` names a team instead of a role. `reason`: why it was not done. `taken`, `means`: what a courier took.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        one_of("kind", Kind),
        one_of("priority", Priority),
        one_of("state", State),
        one_of("role", Role),
        one_of("means", Means),
        CheckConstraint("title <> ''", name="title_not_empty"),
        CheckConstraint("num_nonnulls(performer_id, role, team_id) > 0", name="somebodys"),
        CheckConstraint("taken >= 0", name="taken_not_negative"),
        CheckConstraint("kind <> 'courier' OR order_id IS NOT NULL", name="courier_has_order"),
        Index("ix_tasks_performer", "performer_id", "due_at", postgresql_where=OPEN_ONLY),
        Index("ix_tasks_role", "role", "due_at", postgresql_where=OPEN_ONLY),
        Index("ix_tasks_author", "created_by", "due_at", postgresql_where=OPEN_ONLY),
        Index("ix_tasks_due", "due_at", postgresql_where=OPEN_ONLY),
        Index(
            "ix_tasks_remind",
            "remind_at",
            postgresql_where=text("state = 'open' AND reminded_at IS NULL"),
        ),
        Index("ix_tasks_closed", text("closed_at DESC"), postgresql_where=text("state <> 'open'")),
        Index(
            "uq_tasks_courier_of_order",
            "order_id",
            unique=True,
            postgresql_where=text("kind = 'courier' AND state = 'open'"),
        ),
    )

    id: Mapped[Id]
    kind: Mapped[str]
    title: Mapped[str]
    text: Mapped[str | None]
    priority: Mapped[str]
    state: Mapped[str]
    due_at: Mapped[datetime | None]
    remind_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    performer_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    role: Mapped[str | None]
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"), index=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"), index=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"), index=True)
    deal_id: Mapped[int | None] = mapped_column(ForeignKey("deals.id"), index=True)
    call_id: Mapped[UUID | None] = mapped_column(ForeignKey("calls.id"), index=True)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    reason: Mapped[str | None]
    taken: Mapped[Decimal | None]
    means: Mapped[str | None]
    version: Mapped[Version]
    updated_at: Mapped[Instant]


class What(StrEnum):
    """What an entry tells."""

    COMMENT = "comment"
    CREATED = "created"
    CHANGED = "changed"
    TAKEN = "taken"
    DONE = "done"
    NOT_DONE = "not_done"
    REOPENED = "reopened"


class TaskEntry(Base):
    """Something said or done about a task: by whom and when; never changed afterwards."""

    __tablename__ = "task_entries"
    __table_args__ = (one_of("what", What), Index("ix_task_entries_task", "task_id", "id"))

    id: Mapped[Id]
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    what: Mapped[str]
    text: Mapped[str | None]
