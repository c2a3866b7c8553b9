"""Pages of reviews: all within reach, one with its appeal, and the form beside the recording."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Forbidden
from crm_core.read.reviews import By, ReviewPage, list_reviews, load_averages
from crm_core.read.sound import Sound
from crm_core.scorecard import list_cards
from web import reviews
from web.call_sound import heard
from web.fields import Id
from web.forms import checked, settle
from web.listing import Listed
from web.pages import (
    Flash,
    Pages,
    go,
    is_set,
    midnight,
    number_in,
    read_filters,
    render,
    teams_to_choose,
    turn,
    users_to_choose,
)
from web.review_lines import beside, lines_of
from web.review_marks import marks_typed
from web.rights import EDIT_SCORECARDS, REVIEW_CALLS, VIEW_REVIEWS, Person, Scope
from web.say import zone_of
from web.services import services
from web.sessions import person

pages = Pages()


class ReviewFilters(Listed):
    """The filters of the page; days are those of the reader, both included."""

    operator_id: Id | None = None
    team_id: Id | None = None
    since: date | None = None
    until: date | None = None
    appealed: bool = False
    by: By = By.OPERATOR


@pages.get("/reviews", right=VIEW_REVIEWS)
async def show_reviews(request: web.Request) -> web.Response:
    """Reviews within reach, the newest first, and what they come to."""
    who, filters = person(request), read_filters(request, ReviewFilters)
    whose = who.whose(VIEW_REVIEWS)
    those: dict[str, Any] = {
        "operator_id": filters.operator_id,
        "team_id": filters.team_id,
        "since": midnight(filters.since, who),
        "until": midnight(filters.until and filters.until + timedelta(days=1), who),
    }
    kept = urlencode([(name, value) for name, value in request.query.items() if name in those and value])
    async with services(request).db.begin() as session:
        found = await list_reviews(
            session,
            whose=whose,
            appealed=filters.appealed,
            after=filters.after,
            limit=filters.limit,
            **those,
        )
        context = {
            "rows": found.rows,
            "pages": turn(request, found),
            "averages": await load_averages(
                session, whose=whose, by=filters.by, zone=zone_of(who.timezone).key, **those
            ),
            "kept": kept,
            "filters": filters,
            "filters_set": is_set(filters.model_copy(update={"by": By.OPERATOR})),
            "sees_others": who.scope(VIEW_REVIEWS) > Scope.OWN,
            "may_review": who.may(REVIEW_CALLS),
            "may_edit": who.may(EDIT_SCORECARDS),
            "colleagues": await users_to_choose(session),
            "teams": await teams_to_choose(session),
            "cards": await list_cards(session, active=True),
        }
    return render(request, "reviews.html", context)


@pages.get("/reviews/{review_id}", right=VIEW_REVIEWS)
async def show_review(request: web.Request) -> web.Response:
    """One review beside the recording: its marks, the appeal and what became of it."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    parts, who = services(request), person(request)
    found = await reviews.seen(request, number_in(request, "review_id"))
    async with parts.db.begin() as session:
        sound = await _sound(session, who, found)
        others = await reviews.deciders(session, found) if found.appeal else set()
    decides = found.appeal is not None and found.decided_at is None and _may_decide(who, found, others)
    given = {it.question.key: it.mark for it in found.judged}
    context = {
        "review": found,
        "own": found.operator_id == who.user_id,
        "may_appeal": found.operator_id == who.user_id and not found.appeal and not found.calibration_id,
        "may_decide": decides,
        "may_change": found.reviewer_id == who.user_id and not found.appeal and who.may(REVIEW_CALLS),
        **beside(request, sound),
        **lines_of([it.question for it in found.judged], given, typed),
    }
    return render(request, "review.html", context, flash=flash, typed=typed)


async def _sound(session: AsyncSession, who: Person, found: ReviewPage) -> Sound | None:
    """What can be heard; None for whoever sees the review but may not hear the call."""
    try:
        return await heard(session, who, found.call_id)
    except Forbidden:
        return None


def _may_decide(who: Person, found: ReviewPage, others: set[int]) -> bool:
    whose = who.whose(REVIEW_CALLS)
    reached = whose is None or found.operator_id in whose
    return (
        reached
        and who.user_id != found.operator_id
        and not (others and who.user_id == found.reviewer_id)
        and who.may(REVIEW_CALLS)
    )


@pages.post("/reviews/{review_id}", right=REVIEW_CALLS)
async def change(request: web.Request) -> web.Response:
    """Mark otherwise."""
    review_id = number_in(request, "review_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        found = await reviews.seen(request, review_id)
        given = marks_typed(typed, [it.question for it in found.judged])
        body = checked(
            reviews.ReviewChange,
            {},
            version=_version(typed),
            marks=given,
            comment=typed.get("comment", ""),
        )
        await reviews.patch_review(request, review_id, body)
        return go(f"/reviews/{review_id}", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/reviews/{review_id}/appeal", right=VIEW_REVIEWS)
async def appeal(request: web.Request) -> web.Response:
    """Say that one does not agree."""
    review_id = number_in(request, "review_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(reviews.NewAppeal, {}, text=typed.get("text", ""))
        await reviews.post_review_appeal(request, review_id, body)
        return go(f"/reviews/{review_id}#appeal", "appealed")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/reviews/{review_id}/decision", right=REVIEW_CALLS)
async def decide(request: web.Request) -> web.Response:
    """Decide an appeal."""
    review_id = number_in(request, "review_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        found = await reviews.seen(request, review_id)
        stands = typed.get("outcome") != "changed"
        given = None if stands else marks_typed(typed, [it.question for it in found.judged])
        body = checked(
            reviews.Decision, {}, version=_version(typed), answer=typed.get("answer", ""), marks=given
        )
        await reviews.post_review_decision(request, review_id, body)
        return go(f"/reviews/{review_id}#appeal", "decided")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


def _version(typed: Mapping[str, str]) -> int:
    return int(typed["version"]) if typed.get("version", "").isdecimal() else -1
