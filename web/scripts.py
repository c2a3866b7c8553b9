"""Call scripts in the API: kept with all their versions, given to lines and stages, and what was answered in them."""

from datetime import datetime
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import call_script as service
from crm_core.read.guide import load_counts
from crm_core.script_tree import LONGEST
from web.api import Operations
from web.fields import VISIBLE, Answer, Given, Id, Version
from web.listing import possible
from web.noted import note
from web.rights import EDIT_SCRIPTS
from web.services import services
from web.sessions import person

operations = Operations("scripts")
ScriptName = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=VISIBLE)]
Source = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST, pattern=VISIBLE),
    Field(description="# Step, what is said with {customer.first_name}, - Answer -> Step"),
]
StageName = Annotated[
    str, StringConstraints(pattern="^[a-z0-9_-]{0,40}$"), Field(description="empty: every stage")
]


class Stage(Given):
    """A stage of a funnel in whose deals' calls it is shown."""

    funnel_id: Id
    stage: StageName = ""


LineIds = Annotated[list[Id], Field(max_length=200)]
Stages = Annotated[list[Stage], Field(max_length=200)]


class NewScript(Given):
    """A script, and for whose calls."""

    name: ScriptName
    source: Source
    line_ids: LineIds = Field(default_factory=list)
    stages: Stages = Field(default_factory=list)


class ScriptChange(Given):
    """What shall be different; what is absent stays. Another text is the next version."""

    version: Version
    name: ScriptName | None = None
    source: Source | None = None
    active: bool | None = None
    line_ids: LineIds | None = None
    stages: Stages | None = None


class StageAnswer(Answer):
    """A stage of a funnel; an empty one is every stage."""

    funnel_id: int
    stage: str


class KeptScriptAnswer(Answer):
    """A script with the text that holds now; `version` is its number."""

    id: int
    name: str
    active: bool
    version: int
    source: str
    line_ids: list[int]
    stages: list[StageAnswer]


class ScriptVersionAnswer(Answer):
    """The text of a script as it stood."""

    id: int
    number: int
    source: str
    created_by: int | None
    created_at: datetime


class ChosenAnswer(Answer):
    """How often an answer was chosen at a step, over all versions."""

    step: str
    answer: str
    calls: int


@operations.get("/call-scripts", right=EDIT_SCRIPTS)
async def get_scripts(request: web.Request) -> list[KeptScriptAnswer]:
    """Every script by name, those out of use last."""
    async with services(request).db.begin() as session:
        return [await answer_of(session, it) for it in await service.list_scripts(session)]


@operations.get("/call-scripts/{script_id}/versions", right=EDIT_SCRIPTS)
async def get_script_versions(request: web.Request, script_id: Id) -> list[ScriptVersionAnswer]:
    """Every text it had, the newest first."""
    async with services(request).db.begin() as session:
        await service.get_script(session, script_id)
        return [
            ScriptVersionAnswer.model_validate(it) for it in await service.versions_of(session, script_id)
        ]


@operations.get("/call-scripts/{script_id}/answers", right=EDIT_SCRIPTS)
async def get_script_answers(request: web.Request, script_id: Id) -> list[ChosenAnswer]:
    """What was answered in calls."""
    async with services(request).db.begin() as session:
        await service.get_script(session, script_id)
        found = await load_counts(session, script_id)
    return [ChosenAnswer(step=step, answer=label, calls=number) for step, label, number in found]


@operations.post("/call-scripts", right=EDIT_SCRIPTS, errors=(409,))
async def post_script(request: web.Request, body: NewScript) -> KeptScriptAnswer:
    """Keep a script. 409 names the line of the text that is wrong; also for a name in use and an unknown line."""
    async with services(request).db.begin() as session:
        with possible():
            made = await service.add_script(
                session, user_id=person(request).user_id, **_given(body.model_dump(), body.stages)
            )
        await note(session, request, "script.add", made.id, name=made.name)
        return await answer_of(session, made)


@operations.patch("/call-scripts/{script_id}", right=EDIT_SCRIPTS, errors=(409,))
async def patch_script(request: web.Request, script_id: Id, body: ScriptChange) -> KeptScriptAnswer:
    """Change a script. 409 when `version` is stale, and as above."""
    async with services(request).db.begin() as session:
        with possible():
            changed = await service.change_script(
                session,
                script_id,
                user_id=person(request).user_id,
                **_given(body.model_dump(exclude_none=True), body.stages),
            )
        await note(session, request, "script.change", script_id, version=changed.version)
        return await answer_of(session, changed)


def _given(fields: dict[str, Any], stages: list[Stage] | None) -> dict[str, Any]:
    if stages is not None:
        fields["stages"] = [(it.funnel_id, it.stage) for it in stages]
    return fields


async def answer_of(session: AsyncSession, it: service.CallScript) -> KeptScriptAnswer:
    """A script as it is told."""
    texts = await service.versions_of(session, it.id)
    return KeptScriptAnswer(
        id=it.id,
        name=it.name,
        active=it.active,
        version=it.version,
        source=texts[0].source,
        line_ids=it.line_ids,
        stages=[StageAnswer(funnel_id=funnel_id, stage=stage) for funnel_id, stage in it.stages],
    )
