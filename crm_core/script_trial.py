"""Two texts of scripts tried against each other in the calls of a line: which is shown is drawn for each call.

The draw is a hash of trial and call: it needs no row, is the same for every colleague at whose desk the call rings, and
nobody can draw until he likes it. Counted are all answered calls of the line, each for the text that was drawn for it,
whether somebody read it or not: who leaves out calls in which a script was not followed, compares other calls.

How many calls each text needs is said at the start (`crm_core.figure.trial.calls_needed`), and only the first so many
of each are compared: whoever stops when the numbers look good finds differences where there are none.
"""

from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call_script import CallScript, CallScriptVersion
from crm_core.db import Base, Id
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.figure.trial import calls_needed
from crm_core.line import Line


class ScriptTrial(Base):
    """`first_id`, `second_id`: what is shown. `base`: conversion of the line when it began; `difference`: the smallest
    one that shall be found, 0..1; `calls_each`: so many calls of each are compared."""

    __tablename__ = "script_trials"
    __table_args__ = (
        CheckConstraint("first_id <> second_id", name="two_texts"),
        Index("uq_script_trials_running", "line_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[Id]
    line_id: Mapped[int] = mapped_column(ForeignKey("lines.id", ondelete="CASCADE"))
    first_id: Mapped[int] = mapped_column(ForeignKey("call_script_versions.id", ondelete="CASCADE"))
    second_id: Mapped[int] = mapped_column(ForeignKey("call_script_versions.id", ondelete="CASCADE"))
    base: Mapped[Decimal] = mapped_column(Numeric(5, 4))
    difference: Mapped[Decimal] = mapped_column(Numeric(5, 4))
    calls_each: Mapped[int]
    started_at: Mapped[datetime]
    started_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    ended_at: Mapped[datetime | None]

    def drawn_for(self, call_id: UUID) -> int:
        """The text that this call is shown."""
        return (self.first_id, self.second_id)[drawn(self.id, call_id)]


def drawn(trial_id: int, call_id: UUID) -> int:
    """0: the first text; 1: the second. Pure."""
    return sha256(f"{trial_id}:{call_id}".encode()).digest()[0] % 2


async def begin_trial(
    session: AsyncSession,
    *,
    line_id: int,
    first_id: int,
    second_id: int,
    base: Decimal,
    difference: Decimal,
    user_id: int | None,
    at: datetime,
) -> ScriptTrial:
    """Try two texts in the calls of a line from now on. Raises `Invalid`, `Conflict` while another trial runs there."""
    if first_id == second_id:
        raise Invalid("Choose two different texts.", "second_id")
    if await session.get(Line, line_id) is None:
        raise Invalid("There is no such line.", "line_id")
    known = set(
        await session.scalars(
            select(CallScriptVersion.id)
            .join(CallScript, CallScript.id == CallScriptVersion.script_id)
            .where(CallScriptVersion.id.in_((first_id, second_id)), CallScript.active)
        )
    )
    for name, id_ in (("first_id", first_id), ("second_id", second_id)):
        if id_ not in known:
            raise Invalid("There is no such text of a script in use.", name)
    if await running(session, line_id, lock=True) is not None:
        raise Conflict("Two texts are being tried on this line already; end that trial first.")
    made = ScriptTrial(
        line_id=line_id,
        first_id=first_id,
        second_id=second_id,
        base=base,
        difference=difference,
        calls_each=calls_needed(float(base), float(difference)),
        started_at=at,
        started_by=user_id,
    )
    session.add(made)
    await session.flush()
    return made


async def end_trial(session: AsyncSession, trial_id: int, *, at: datetime) -> ScriptTrial:
    """From now on the line shows its own script again. Raises `NotFound`, `Conflict` when it was ended before."""
    found = await session.get(ScriptTrial, trial_id, with_for_update=True)
    if found is None:
        raise NotFound("There is no such trial.")
    if found.ended_at is not None:
        raise Conflict("This trial was ended already.")
    found.ended_at = at
    return found


async def running(session: AsyncSession, line_id: int, *, lock: bool = False) -> ScriptTrial | None:
    """The trial of this line; `lock`: nobody begins another one meanwhile."""
    if lock:
        await session.execute(select(Line.id).where(Line.id == line_id).with_for_update())
    here = select(ScriptTrial).where(ScriptTrial.line_id == line_id, ScriptTrial.ended_at.is_(None))
    return await session.scalar(here)
