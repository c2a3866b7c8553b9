"""Why an operator may pause: a list that the administrator keeps."""

import re
from collections.abc import Sequence

from sqlalchemy import CheckConstraint, UniqueConstraint, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Flag, Id
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.outbox import announce

TOPIC = "pause_reason"
RESERVED = frozenset({"wrapup", "auto_pause", "auto-pause"})


class PauseReason(Base):
    """One reason. `code` is what stands on the switchboard and in the log; `productive`: it is work."""

    __tablename__ = "pause_reasons"
    __table_args__ = (
        UniqueConstraint("code"),
        CheckConstraint("code ~ '^[a-z0-9_-]{1,40}$'", name="code_plain"),
    )

    id: Mapped[Id]
    code: Mapped[str]
    label: Mapped[str]
    productive: Mapped[Flag]
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    position: Mapped[int] = mapped_column(server_default="0", default=0)


async def list_pause_reasons(session: AsyncSession, *, active: bool | None = None) -> Sequence[PauseReason]:
    """The reasons in the order in which they are offered."""
    query = select(PauseReason).order_by(PauseReason.position, PauseReason.id)
    if active is not None:
        query = query.where(PauseReason.active.is_(active))
    return (await session.scalars(query)).all()


async def find_pause_reason(session: AsyncSession, code: str) -> PauseReason:
    """The reason of this code that may be chosen now. Raises `Invalid`."""
    found: PauseReason | None = await session.scalar(
        select(PauseReason).where(PauseReason.code == code, PauseReason.active)
    )
    if found is None:
        raise Invalid(f"{code[:40]!r} is no reason for a pause. Choose one of the list.", "reason")
    return found


async def create_pause_reason(session: AsyncSession, *, label: str, productive: bool = False) -> PauseReason:
    """Add a reason at the end; its code is made of the label. Raises `Invalid`, `Conflict` for one in use."""
    code = re.sub(r"[^a-z0-9]+", "_", _checked(label).lower()).strip("_")[:40].strip("_")
    code = code or f"reason_{(await session.scalar(select(func.count(PauseReason.id))) or 0) + 1}"
    if code in RESERVED:
        raise Invalid("Callcenter or Asterisk itself uses this reason. Choose another name.", "label")
    if await session.scalar(select(PauseReason.id).where(PauseReason.code == code)):
        raise Conflict(f"There is already a reason {code!r}.")
    last = await session.scalar(select(func.max(PauseReason.position))) or 0
    made = PauseReason(
        code=code, label=_checked(label), productive=productive, active=True, position=last + 1
    )
    session.add(made)
    await session.flush()
    await announce(session, TOPIC, {"id": made.id})
    return made


async def update_pause_reason(
    session: AsyncSession,
    reason_id: int,
    *,
    label: str | None = None,
    productive: bool | None = None,
    active: bool | None = None,
    position: int | None = None,
) -> PauseReason:
    """Change what is given; the code stays, for the log refers to it. Raises `NotFound`, `Invalid`."""
    found = await session.get(PauseReason, reason_id)
    if found is None:
        raise NotFound(f"There is no pause reason {reason_id}.")
    found.label = found.label if label is None else _checked(label)
    found.productive = found.productive if productive is None else productive
    found.active = found.active if active is None else active
    found.position = found.position if position is None else position
    await session.flush()
    await announce(session, TOPIC, {"id": found.id})
    return found


def _checked(label: str) -> str:
    label = " ".join(label.split())
    if not 1 <= len(label) <= 60:
        raise Invalid("A reason needs a name of at most 60 letters.", "label")
    return label
