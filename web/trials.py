"""Trials of scripts in the API: two texts tried against each other in the calls of a line."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from aiohttp import web
from pydantic import StringConstraints

from crm_core import script_trial as service
from crm_core.figure.trial import Verdict
from crm_core.read.trials import Trial, load_needs, load_trials
from web.api import Operations
from web.fields import Answer, Given, Id
from web.listing import possible
from web.noted import note
from web.rights import EDIT_SCRIPTS
from web.services import services
from web.sessions import person

operations = Operations("scripts")
Share = Annotated[str, StringConstraints(pattern=r"^0\.(0[1-9]|[1-4][0-9]?)$")]


class NewScriptTrial(Given):
    """Two texts of scripts (ids of versions) for one line. `difference`: the smallest one in the conversion that shall
    be found, 0.01 to 0.49; how many calls that needs follows from it and from the conversion of the line."""

    line_id: Id
    first_id: Id
    second_id: Id
    difference: Share = "0.05"


class ScriptArmAnswer(Answer):
    """One of the texts. `counted`: its first calls, as many as are compared, `sold` and `followed` (steps of it were
    answered) of these; `low` and `high`: between these its conversion lies with 95 % certainty."""

    version_id: int
    script_id: int
    script: str
    version: int
    calls: int
    counted: int
    sold: int
    followed: int
    conversion: float | None
    low: float
    high: float


class ScriptTrialAnswer(Answer):
    """A trial. `verdict` is not_enough or stopped as long as one of the texts has fewer than `calls_each` calls; `low`
    and `high`: the conversion of the second less that of the first, with 95 % certainty."""

    id: int
    line_id: int
    line: str
    base: float
    difference: float
    calls_each: int
    started_at: datetime
    ended_at: datetime | None
    verdict: Verdict
    low: float
    high: float
    arms: list[ScriptArmAnswer]


@operations.get("/script-trials", right=EDIT_SCRIPTS)
async def get_script_trials(request: web.Request) -> list[ScriptTrialAnswer]:
    """The last 50 trials, those that run first."""
    async with services(request).db.begin() as session:
        return [answer_of(it) for it in await load_trials(session, now=services(request).now())]


@operations.post("/script-trials", right=EDIT_SCRIPTS, errors=(409,))
async def post_script_trial(request: web.Request, body: NewScriptTrial) -> ScriptTrialAnswer:
    """Begin a trial. 409 while another one runs on this line, and for what is not there or not in use."""
    now = services(request).now()
    async with services(request).db.begin() as session:
        lines = {it.line_id: it for it in await load_needs(session, now=now)}
        with possible():
            made = await service.begin_trial(
                session,
                line_id=body.line_id,
                first_id=body.first_id,
                second_id=body.second_id,
                base=lines[body.line_id].base if body.line_id in lines else Decimal(0),
                difference=Decimal(body.difference),
                user_id=person(request).user_id,
                at=now,
            )
        await note(session, request, "script_trial.begin", made.id, line_id=made.line_id)
        return answer_of((await load_trials(session, now=now, trial_id=made.id))[0])


@operations.post("/script-trials/{trial_id}/end", right=EDIT_SCRIPTS, status=204, errors=(409,))
async def post_script_trial_end(request: web.Request, trial_id: Id) -> None:
    """End a trial: the line shows its own script again."""
    async with services(request).db.begin() as session:
        await service.end_trial(session, trial_id, at=services(request).now())
        await note(session, request, "script_trial.end", trial_id)


def answer_of(it: Trial) -> ScriptTrialAnswer:
    """A trial as it is told."""
    return ScriptTrialAnswer(
        id=it.id,
        line_id=it.line_id,
        line=it.line,
        base=float(it.base),
        difference=float(it.difference),
        calls_each=it.calls_each,
        started_at=it.started_at,
        ended_at=it.ended_at,
        verdict=it.verdict,
        low=it.away[0],
        high=it.away[1],
        arms=[
            ScriptArmAnswer(
                version_id=arm.version_id,
                script_id=arm.script_id,
                script=arm.name,
                version=arm.number,
                calls=arm.calls,
                counted=arm.counted.calls,
                sold=arm.counted.sold,
                followed=arm.followed,
                conversion=arm.counted.share,
                low=arm.counted.interval[0],
                high=arm.counted.interval[1],
            )
            for arm in it.arms
        ],
    )
