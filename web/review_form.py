"""The form of a review beside the recording: of any call, of one that a rule drew, or of one that several judge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Conflict, Forbidden, Invalid
from crm_core.leads_of import leads_of
from crm_core.read.one_call import CallPage, load_call
from crm_core.read.review_tasks import TaskRow, open_task
from crm_core.review import talked_in
from crm_core.review_task import ReviewCalibration
from crm_core.score import Question
from crm_core.scorecard import ScorecardEdition, list_cards
from crm_core.user import User
from web import review_tasks, reviews
from web.call_pages import call_id_of
from web.call_sound import heard
from web.calls import all_calls, reader
from web.forms import checked, settle, ticked
from web.pages import Flash, Pages, go, render
from web.review_lines import beside, lines_of
from web.review_marks import marks_typed
from web.rights import EDIT_SCORECARDS, REVIEW_CALLS, Person
from web.services import services
from web.sessions import person

pages = Pages()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The text by which is judged."""

    scorecard_id: int
    edition_id: int
    name: str
    questions: list[Question]


@pages.get("/calls/{call_id}/review", right=REVIEW_CALLS)
async def show_form(request: web.Request) -> web.Response:
    """The form beside the recording."""
    return await _form(request)


@pages.post("/calls/{call_id}/review", right=REVIEW_CALLS)
async def give_review(request: web.Request) -> web.Response:
    """Keep the review; who came from the list of what waits goes back to it."""
    call_id = call_id_of(request)

    async def step(typed: Mapping[str, str]) -> web.Response:
        async with services(request).db.begin() as session:
            task = await _task(session, request, typed.get("task_id", ""))
            card = await _asked(session, task, typed.get("scorecard_id", ""))
        if card is None or typed.get("edition_id") != str(card.edition_id):
            raise Conflict("The scorecard was changed meanwhile. Look at its questions again.")
        body = checked(
            reviews.NewReview,
            {name: typed.get(name, "") for name in ("operator_id", "edition_id")},
            marks=marks_typed(typed, card.questions),
            comment=typed.get("comment", ""),
            calibration_id=task and task.calibration_id,
        )
        made = await reviews.post_review(request, call_id, body)
        if task is None:
            return go(f"/reviews/{made.id}", "saved")
        if task.calibration_id is not None:
            return go(f"/review-calibrations/{task.calibration_id}", "saved")
        return go("/review-tasks", "saved")

    return await settle(request, step, lambda flash, typed: _form(request, flash, typed))


@pages.post("/calls/{call_id}/calibrations", right=REVIEW_CALLS)
async def ask_several(request: web.Request) -> web.Response:
    """Have several judge the call."""
    call_id = call_id_of(request)

    async def step(typed: Mapping[str, str]) -> web.Response:
        chosen = await ticked(request, "judge")
        given = {name: typed.get(name, "") for name in ("operator_id", "edition_id")}
        if len(chosen) < 2:
            raise Invalid("Choose at least two who judge it.", "reviewers")
        made = await review_tasks.post_calibration(
            request, call_id, checked(review_tasks.NewCalibration, given, reviewers=chosen)
        )
        return go(
            "/review-tasks" if person(request).user_id in chosen else f"/review-calibrations/{made.id}",
            "asked",
        )

    return await settle(request, step, lambda flash, typed: _form(request, flash, {}))


async def _form(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    parts, who = services(request), person(request)
    sent = {**request.query, **(typed or {})}
    async with parts.db.begin() as session:
        call = await load_call(session, call_id_of(request), **reader(who), everybody=all_calls(who))
        operators = await _judged(session, who, call)
        sound = await heard(session, who, call.id)
        task = await _task(session, request, sent.get("task_id", ""))
        card = await _asked(session, task, sent.get("scorecard_id", ""))
        cards = await list_cards(session, active=True)
        judges = await _names(session, await leads_of(session, operators[0][0], *REVIEW_CALLS))
    context = {
        "call": call,
        "task": task,
        "operators": [it for it in operators if task is None or it[0] == task.operator_id],
        "cards": [(it.id, it.name) for it in cards] if task is None else [],
        "card": card,
        "judges": judges if task is None else [],
        "may_edit": who.may(EDIT_SCORECARDS),
        **beside(request, sound),
        **lines_of(card.questions if card else [], {}, typed),
    }
    return render(request, "review_form.html", context, flash=flash, typed=typed)


async def _judged(session: AsyncSession, who: Person, call: CallPage) -> list[tuple[int, str]]:
    """Whose work in this call one may judge. Raises `Forbidden` where it is nobody's."""
    whose, there = who.whose(REVIEW_CALLS), await talked_in(session, call.id)
    reached = [id_ for id_ in there if id_ != who.user_id and (whose is None or id_ in whose)]
    if not reached:
        raise Forbidden(
            "Nobody reviews his own work."
            if who.user_id in there
            else "No colleague whose calls you review talked in this call."
        )
    return await _names(session, reached)


async def _names(session: AsyncSession, ids: Sequence[int]) -> list[tuple[int, str]]:
    found = await session.execute(select(User.id, User.name).where(User.id.in_(ids)))
    names = {row.id: row.name for row in found}
    return [(id_, names[id_]) for id_ in ids]


async def _task(session: AsyncSession, request: web.Request, text: str) -> TaskRow | None:
    """What of the list of what waits is done here; None where one came from elsewhere, or it is done already."""
    who = person(request)
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        return None
    try:
        task = await open_task(session, int(text), whose=who.whose(REVIEW_CALLS), reader=who.user_id)
    except Conflict:
        return None
    return task if task.call_id == call_id_of(request) else None


async def _asked(session: AsyncSession, task: TaskRow | None, chosen: str) -> Asked | None:
    """The text that is judged by: that of the comparison, of the rule, or of the card that was chosen."""
    if task is not None and task.calibration_id is not None:
        it = await session.get_one(ReviewCalibration, task.calibration_id)
        edition = await session.get_one(ScorecardEdition, it.edition_id)
        return Asked(
            scorecard_id=edition.scorecard_id,
            edition_id=edition.id,
            name=edition.name,
            questions=edition.asked,
        )
    cards = await list_cards(session, active=True)
    wanted = chosen or (str(task.scorecard_id) if task else "")
    card = next((it for it in cards if str(it.id) == wanted), cards[0] if cards else None)
    if card is None:
        return None
    return Asked(scorecard_id=card.id, edition_id=card.edition_id, name=card.name, questions=card.questions)
