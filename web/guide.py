"""What guides whoever talks: call lists, script and tips of one call; and what was answered at the script's steps."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import Field

from crm_core.call_script import keep_choices
from crm_core.read.guide import About, Guide, Sum, Text, load_guide
from crm_core.script_tree import FIELDS, parse, parts
from web.api import Operations
from web.calls import own_call
from web.fields import Answer, Given, Id
from web.listing import possible
from web.rights import EDIT_CALLS, Scope
from web.rule_words import why_told
from web.say import money
from web.services import services
from web.sessions import person
from web.turns import ListShown

operations = Operations("calls")
AT_ONCE = 2
"""Guides that are read at a time: each costs several times what a card does, and no card waits for one."""
_TURNS: web.AppKey[asyncio.Semaphore] = web.AppKey("guides at once", asyncio.Semaphore)


class GuideQuery(Given):
    """Whom the call is with and what it is about, as far as it is known."""

    call_id: UUID | None = None
    customer_id: Id | None = None
    line_id: Id | None = None
    order_id: Id | None = None
    deal_id: Id | None = None


class TipAnswer(Answer):
    """What to say or offer: a sentence, `values` for the names in its braces; `why` it is told."""

    words: str
    values: dict[str, Any]
    why: str | None


class PartAnswer(Answer):
    """A piece of what is said: plain `text`, or with a `field` what is filled in (null: nothing is known)."""

    text: str | None
    field: str | None


class AnswerAnswer(Answer):
    """What may be answered, and the step it leads to (null: the script ends)."""

    label: str
    to: str | None


class StepAnswer(Answer):
    """A step of a script."""

    name: str
    say: list[PartAnswer]
    answers: list[AnswerAnswer]


class ScriptAnswer(Answer):
    """A script with everything filled in; the first step begins. `path`: what was answered in this call so far, by
    the places of the answers, 0 the first."""

    id: int
    name: str
    version_id: int
    steps: list[StepAnswer]
    path: list[int]


class GuideAnswer(Answer):
    """Empty lists and null where there is nothing to say."""

    lists: list[ListShown]
    tips: list[TipAnswer]
    script: ScriptAnswer | None


class Answered(Given):
    """What was answered in a call, from the first step on: places of the answers, 0 the first."""

    version_id: Id
    path: Annotated[list[Annotated[int, Field(ge=0, le=8)]], Field(max_length=100)]


@operations.get("/guide", right=EDIT_CALLS)
async def get_guide(request: web.Request, query: GuideQuery) -> GuideAnswer:
    """The call lists, the tips and the script for a call, or for a customer before it."""
    here, who = services(request), person(request)
    mine = None if who.scope(EDIT_CALLS) is Scope.ALL else who.circle(EDIT_CALLS)
    async with request.app[_TURNS], here.db.begin() as session:
        about = About(**query.model_dump())
        found = await load_guide(session, about, operator=who.name, now=here.now(), mine=mine)
    return answer_of(found)


def prepare(app: web.Application) -> None:
    """Let some guides be read at a time."""
    app[_TURNS] = asyncio.Semaphore(AT_ONCE)


@operations.put("/calls/{call_id}/script", right=EDIT_CALLS, status=204, errors=(409,))
async def put_script(request: web.Request, call_id: UUID, body: Answered) -> None:
    """Keep what was answered, in the place of what was kept before. 409 for answers that the script does not offer."""
    async with services(request).db.begin() as session:
        kept = await own_call(request, session, call_id)
        with possible():
            await keep_choices(session, kept, user_id=person(request).user_id, **body.model_dump())


def answer_of(guide: Guide) -> GuideAnswer:
    """The guide as it is told."""
    return GuideAnswer(
        lists=[ListShown.model_validate(one) for one in guide.lists],
        tips=[
            TipAnswer(words=one.words, values=dict(one.values), why=why_told(one.segment, one.rules))
            for one in guide.tips
        ],
        script=filled(guide.text, guide.values) if guide.text is not None else None,
    )


def filled(text: Text, values: Any) -> ScriptAnswer:
    """A script with what is known filled in."""
    return ScriptAnswer(
        id=text.script_id,
        name=text.name,
        version_id=text.version_id,
        steps=steps_of(text.source, values),
        path=list(text.path),
    )


def steps_of(source: str, values: Any) -> list[StepAnswer]:
    """The steps of a text. Raises `Invalid`."""
    return [
        StepAnswer(
            name=step.name,
            say=[
                PartAnswer(text=_said(values.get(part.field)), field=FIELDS[part.field])
                if part.field is not None
                else PartAnswer(text=part.text, field=None)
                for part in parts(step.say)
            ],
            answers=[AnswerAnswer(label=one.label, to=one.to) for one in step.answers],
        )
        for step in parse(source).steps
    ]


def _said(value: str | Sum | None) -> str | None:
    return money(value.amount, value.currency) if isinstance(value, Sum) else value
