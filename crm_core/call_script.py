"""Call scripts: what to say, step by step, in calls of a line, of deals in a stage, or of a call list (row P13).

A script is a text (`crm_core.script_tree`); each change keeps a new version of it, so what was chosen in a call is
always read with the words that stood there.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_core.call import resolve
from crm_core.db import Base, Flag, Id, Version
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.funnel import Funnel, FunnelStage
from crm_core.line import Line
from crm_core.outcome import named
from crm_core.script_tree import parse, walk

MOST = 200
EVERY_STAGE = ""


class CallScript(Base):
    """`version`: the number of the newest text."""

    __tablename__ = "call_scripts"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[Id]
    name: Mapped[str]
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    version: Mapped[Version]
    uses: Mapped[list["CallScriptUse"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by="CallScriptUse.id"
    )

    @property
    def line_ids(self) -> list[int]:
        """In whose calls it is shown."""
        return [use.line_id for use in self.uses if use.line_id is not None]

    @property
    def stages(self) -> list[tuple[int, str]]:
        """(funnel, code of the stage or `EVERY_STAGE`) of the deals in whose calls it is shown."""
        return [(use.funnel_id, use.stage) for use in self.uses if use.funnel_id is not None]


class CallScriptVersion(Base):
    """The text of a script as it stood."""

    __tablename__ = "call_script_versions"
    __table_args__ = (UniqueConstraint("script_id", "number"),)

    id: Mapped[Id]
    script_id: Mapped[int] = mapped_column(ForeignKey("call_scripts.id", ondelete="CASCADE"))
    number: Mapped[int]
    source: Mapped[str]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class CallScriptUse(Base):
    """A script is for calls of this line, or of deals of this funnel in this stage ('': in any)."""

    __tablename__ = "call_script_uses"
    __table_args__ = (
        UniqueConstraint("line_id"),
        UniqueConstraint("funnel_id", "stage"),
        CheckConstraint("num_nonnulls(line_id, funnel_id) = 1", name="one_object"),
    )

    id: Mapped[Id]
    script_id: Mapped[int] = mapped_column(ForeignKey("call_scripts.id", ondelete="CASCADE"), index=True)
    line_id: Mapped[int | None] = mapped_column(ForeignKey("lines.id", ondelete="CASCADE"))
    funnel_id: Mapped[int | None] = mapped_column(ForeignKey("funnels.id", ondelete="CASCADE"))
    stage: Mapped[str] = mapped_column(server_default="", default=EVERY_STAGE)


class CallScriptChoice(Base):
    """What was answered at a step of a script in a call: `position` counts from 1, `label` is what the button said."""

    __tablename__ = "call_script_choices"
    __table_args__ = (UniqueConstraint("call_id", "position"),)

    id: Mapped[Id]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    version_id: Mapped[int] = mapped_column(
        ForeignKey("call_script_versions.id", ondelete="CASCADE"), index=True
    )
    position: Mapped[int]
    step: Mapped[str]
    answer: Mapped[int]
    label: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


async def list_scripts(session: AsyncSession) -> Sequence[CallScript]:
    """Every script by name, those out of use last."""
    order = (CallScript.active.desc(), CallScript.name, CallScript.id)
    return (await session.scalars(select(CallScript).order_by(*order))).all()


async def get_script(session: AsyncSession, script_id: int, *, lock: bool = False) -> CallScript:
    """One script. Raises `NotFound`."""
    found = await session.get(CallScript, script_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise NotFound("There is no such script.")
    return found


async def versions_of(session: AsyncSession, script_id: int) -> Sequence[CallScriptVersion]:
    """Every text it had, the newest first."""
    texts = select(CallScriptVersion).where(CallScriptVersion.script_id == script_id)
    return (await session.scalars(texts.order_by(CallScriptVersion.number.desc()))).all()


async def newest(session: AsyncSession, script_id: int) -> CallScriptVersion | None:
    """The text that holds now; None when the script is out of use or gone."""
    return await session.scalar(
        select(CallScriptVersion)
        .join(CallScript, CallScript.id == CallScriptVersion.script_id)
        .where(
            CallScript.id == script_id,
            CallScript.active,
            CallScriptVersion.number == CallScript.version,
        )
    )


async def add_script(
    session: AsyncSession,
    *,
    name: str,
    source: str,
    user_id: int | None,
    line_ids: Iterable[int] = (),
    stages: Iterable[tuple[int, str]] = (),
) -> CallScript:
    """A new script. Raises `Invalid` that says what is wrong with its text, `Conflict` for a name in use."""
    parse(source)
    known = await list_scripts(session)
    if len(known) >= MOST:
        raise Invalid(f"{MOST} scripts are more than anybody reads.", "name")
    made = CallScript(name=await _free(session, name, None), version=1, active=True, uses=[])
    session.add(made)
    await session.flush()
    session.add(CallScriptVersion(script_id=made.id, number=1, source=source, created_by=user_id))
    await _use(session, made, list(line_ids), list(stages))
    await session.flush()
    return made


async def change_script(
    session: AsyncSession,
    script_id: int,
    *,
    version: int,
    user_id: int | None,
    name: str | None = None,
    source: str | None = None,
    active: bool | None = None,
    line_ids: Sequence[int] | None = None,
    stages: Sequence[tuple[int, str]] | None = None,
) -> CallScript:
    """Change a script; another text is kept as the next version. Raises `NotFound`, `Invalid`, `Conflict`."""
    found = await get_script(session, script_id, lock=True)
    if found.version != version:
        raise Conflict(f"The script “{found.name}” was changed by somebody else meanwhile.")
    if name is not None:
        found.name = await _free(session, name, found.id)
    if active is not None:
        found.active = active
    texts = await versions_of(session, found.id)
    if source is not None and source != texts[0].source:
        parse(source)
        found.version += 1
        session.add(
            CallScriptVersion(script_id=found.id, number=found.version, source=source, created_by=user_id)
        )
    if line_ids is not None or stages is not None:
        await _use(
            session,
            found,
            found.line_ids if line_ids is None else line_ids,
            found.stages if stages is None else stages,
        )
    await session.flush()
    return found


async def keep_choices(
    session: AsyncSession,
    call_id: UUID,
    *,
    version_id: int,
    path: Sequence[int],
    user_id: int | None,
) -> None:
    """What was answered in this call, from the first step on, in the place of what was kept before.

    `path`: the answers by their place, 0 the first. Raises `NotFound`, and `Invalid` for answers that the script does
    not offer there.
    """
    kept = await resolve(session, call_id)
    text = await session.get(CallScriptVersion, version_id)
    if text is None:
        raise NotFound("There is no such version of a script.")
    steps = walk(parse(text.source), path)
    await session.execute(delete(CallScriptChoice).where(CallScriptChoice.call_id == kept))
    session.add_all(
        CallScriptChoice(
            call_id=kept,
            version_id=version_id,
            position=position,
            step=step.name,
            answer=answer,
            label=step.answers[answer].label,
            user_id=user_id,
        )
        for position, (step, answer) in enumerate(zip(steps, path, strict=False), 1)
    )
    await session.flush()


async def choices_of(session: AsyncSession, call_id: UUID) -> Sequence[CallScriptChoice]:
    """What was answered in this call, in order."""
    rows = select(CallScriptChoice).where(CallScriptChoice.call_id == call_id)
    return (await session.scalars(rows.order_by(CallScriptChoice.position))).all()


async def _use(
    session: AsyncSession, script: CallScript, line_ids: Sequence[int], stages: Sequence[tuple[int, str]]
) -> None:
    """Let calls of these lines and stages show it; whatever they showed before they show no more."""
    known = set(await session.scalars(select(Line.id).where(Line.id.in_(line_ids))))
    if strangers := set(line_ids) - known:
        raise Invalid(f"There is no line {min(strangers)}.", "line_ids")
    for funnel_id, stage in stages:
        if await session.get(Funnel, funnel_id) is None or not await _has_stage(session, funnel_id, stage):
            raise Invalid("There is no such stage.", "stages")
    await session.execute(delete(CallScriptUse).where(CallScriptUse.script_id == script.id))
    await session.execute(delete(CallScriptUse).where(CallScriptUse.line_id.in_(line_ids)))
    for funnel_id, stage in stages:
        same = (CallScriptUse.funnel_id == funnel_id, CallScriptUse.stage == stage)
        await session.execute(delete(CallScriptUse).where(*same))
    session.add_all(CallScriptUse(script_id=script.id, line_id=id_) for id_ in dict.fromkeys(line_ids))
    session.add_all(
        CallScriptUse(script_id=script.id, funnel_id=funnel_id, stage=stage)
        for funnel_id, stage in dict.fromkeys(stages)
    )
    await session.flush()
    await session.refresh(script, ["uses"])


async def _has_stage(session: AsyncSession, funnel_id: int, stage: str) -> bool:
    if stage == EVERY_STAGE:
        return True
    found = select(FunnelStage.code).where(FunnelStage.funnel_id == funnel_id, FunnelStage.code == stage)
    return await session.scalar(found) is not None


async def _free(session: AsyncSession, name: str, own: int | None) -> str:
    wanted = named(name, "name")
    same = select(CallScript.id).where(CallScript.name == wanted, CallScript.id.is_distinct_from(own))
    if await session.scalar(same) is not None:
        raise Conflict(f"There is a script called “{wanted}” already.")
    return wanted
