"""What may come of a call: trees of outcomes, read by every desk and kept by administrators; and the wrap-up."""

from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import outcome
from crm_core.outcome import MOST, OutcomeWanted
from crm_core.read.suggestions import suggest
from crm_core.unlinked import LONGEST_REASON, explain
from crm_core.wrap_up import MoveDeal, NextStep, PlanCallback, PlanTask, wrap_up
from web.api import Operations
from web.call_work import OutcomeCode, note_change
from web.callback_when import plannable
from web.calls import own_call, tell_desk
from web.deals import StageCode
from web.fields import VISIBLE, Answer, Given, Id, Instant, LongText, Name, Version
from web.listing import possible
from web.noted import note
from web.reach import find_referred, in_body
from web.rights import EDIT_CALLBACKS, EDIT_CALLS, EDIT_DEALS, EDIT_OUTCOMES, EDIT_TASKS, require
from web.services import services
from web.sessions import person

operations = Operations("outcomes")
Label = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=VISIBLE)]
Explanation = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_REASON, pattern=VISIBLE)]
Ids = Annotated[list[Id], Field(max_length=200)]


class OutcomeAnswer(Answer):
    """One outcome; a group when others name it as `parent`. What it asks for; `about`: the reasons of calls that it
    shows to have been right, and what it is proposed for. Not active: no longer offered."""

    code: str
    parent: str | None
    label: str
    active: bool
    needs_customer: bool
    needs_link: bool
    needs_note: bool
    needs_next: bool
    about: list[str]


class DispositionAnswer(OutcomeAnswer):
    """An outcome with the tree that it belongs to."""

    tree_id: int


class TreeAnswer(Answer):
    """Outcomes that belong together, for these lines and funnels; the first tree is for all others."""

    id: int
    name: str
    version: int
    line_ids: list[int]
    funnel_ids: list[int]
    outcomes: list[OutcomeAnswer]


class OutcomeGiven(Given):
    """An outcome as it shall be; without `code` it is a new one. `parent`: the code or the name of its group."""

    label: Label
    code: OutcomeCode | None = None
    parent: Label | None = None
    active: bool = True
    needs_customer: bool = True
    needs_link: bool = False
    needs_note: bool = False
    needs_next: bool = False
    about: Annotated[tuple[OutcomeCode, ...], Field(max_length=20)] = ()


class NewTree(Given):
    """Another tree; it begins with what the first one offers."""

    name: Label


class TreeChange(Given):
    """What shall be different; what is absent stays. `outcomes` are all of them, in their order: one that is left out
    is offered no longer."""

    version: Version
    name: Label | None = None
    line_ids: Ids | None = None
    funnel_ids: Ids | None = None
    outcomes: Annotated[list[OutcomeGiven], Field(min_length=1, max_length=MOST)] | None = None


class SuggestionAnswer(Answer):
    """What the call may be linked to (`order`, `deal`), or whose it may be (`customer`), and why."""

    kind: Literal["order", "deal", "customer"]
    id: int
    label: str
    detail: str
    why: str


class Explained(Given):
    """Why the call belongs to no customer, order or deal."""

    reason: Explanation


class CallbackStep(Given):
    """They are called again."""

    kind: Literal["callback"]
    due_at: Instant
    reason: Name


class TaskStep(Given):
    """Something is to be done, by oneself."""

    kind: Literal["task"]
    title: Name
    due_at: Instant | None = None


class StageStep(Given):
    """A deal goes to another stage."""

    kind: Literal["stage"]
    deal_id: Id
    version: Version
    stage: StageCode
    lost_reason_id: Id | None = None


class Finished(Given):
    """All that is said at the end of a call, in one step. To send it again changes nothing."""

    code: OutcomeCode
    note: Annotated[LongText | None, Field(description="replaces the note when given")] = None
    explanation: Explanation | None = None
    next_step: Annotated[CallbackStep | TaskStep | StageStep, Field(discriminator="kind")] | None = None


@operations.get("/dispositions")
async def get_dispositions(request: web.Request) -> list[DispositionAnswer]:
    """The outcomes of all trees, in the order in which each tree offers them."""
    async with services(request).db.begin() as session:
        trees = await outcome.list_trees(session)
        return [DispositionAnswer.model_validate(one) for tree in trees for one in tree.outcomes]


@operations.get("/outcome-trees", right=EDIT_CALLS)
async def get_trees(request: web.Request) -> list[TreeAnswer]:
    """Every tree, the one of the house first."""
    async with services(request).db.begin() as session:
        return [TreeAnswer.model_validate(tree) for tree in await outcome.list_trees(session)]


@operations.post("/outcome-trees", right=EDIT_OUTCOMES, errors=(409,))
async def post_tree(request: web.Request, body: NewTree) -> TreeAnswer:
    """Add a tree. 409 when there is one of this name."""
    async with services(request).db.begin() as session:
        with possible():
            made = await outcome.add_tree(session, name=body.name)
        await note(session, request, "outcome_tree.add", made.id, name=made.name)
        return TreeAnswer.model_validate(made)


@operations.patch("/outcome-trees/{tree_id}", right=EDIT_OUTCOMES, errors=(409,))
async def patch_tree(request: web.Request, tree_id: Id, body: TreeChange) -> TreeAnswer:
    """Change a tree. 409 when `version` is stale, for an unknown line, funnel or group, and for groups in a ring."""
    changes = body.model_dump(exclude_none=True, exclude={"version"})
    if body.outcomes is not None:
        changes["outcomes"] = [OutcomeWanted(**one.model_dump()) for one in body.outcomes]
    async with services(request).db.begin() as session:
        with possible():
            await outcome.change_tree(session, tree_id, version=body.version, changes=changes)
        await note(session, request, "outcome_tree.change", tree_id, fields=sorted(changes))
        return TreeAnswer.model_validate(await outcome.get_tree(session, tree_id))


@operations.get("/calls/{call_id}/suggestions", right=EDIT_CALLS)
async def get_call_suggestions(request: web.Request, call_id: UUID) -> list[SuggestionAnswer]:
    """What this call may be about, or whose it may be, the likeliest first."""
    async with services(request).db.begin() as session:
        kept = await own_call(request, session, call_id)
        return [
            SuggestionAnswer.model_validate(one) for one in (await suggest(session, [kept])).get(kept, [])
        ]


@operations.put("/calls/{call_id}/explanation", right=EDIT_CALLS)
async def put_explanation(request: web.Request, call_id: UUID, body: Explained) -> None:
    """Say why the call is linked to nothing; it leaves the list of calls that wait to be linked."""
    parts = services(request)
    async with parts.db.begin() as session:
        kept = await own_call(request, session, call_id)
        await explain(session, kept, body.reason)
        await note_change(session, request, "explain_call", kept, reason=body.reason)
    await tell_desk(parts, kept)


@operations.post("/calls/{call_id}/wrap-up", right=EDIT_CALLS, status=204, errors=(403, 404, 409))
async def post_wrap_up(request: web.Request, call_id: UUID, body: Finished) -> None:
    """Outcome, note, explanation and next step together; ends the wrap-up at the switchboard too. 409 names what the
    outcome asks for and was not given (`note`, `next_step`), or says that a deal was moved by somebody else."""
    parts, who = services(request), person(request)
    if body.next_step is not None:
        require(who, _NEEDS[body.next_step.kind])
        await find_referred(request, in_body(body.next_step))
    async with parts.db.begin() as session:
        kept = await own_call(request, session, call_id)
        with plannable():
            await wrap_up(
                session,
                kept,
                user_id=who.user_id,
                at=parts.now(),
                country=parts.settings.country,
                next_step=_step(body),
                **body.model_dump(exclude={"next_step"}),
            )
        await note_change(session, request, "wrap_up_call", kept, outcome=body.code)
    await parts.live.finish(kept)


_NEEDS = {"callback": EDIT_CALLBACKS, "task": EDIT_TASKS, "stage": EDIT_DEALS}


def _step(body: Finished) -> NextStep | None:
    match body.next_step:
        case CallbackStep(due_at=due_at, reason=reason):
            return PlanCallback(due_at=due_at, reason=reason)
        case TaskStep(title=title, due_at=until):
            return PlanTask(title=title, due_at=until)
        case StageStep() as move:
            return MoveDeal(**move.model_dump(exclude={"kind"}))
    return None
