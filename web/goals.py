"""Goals: what somebody or a team shall reach, how far it is, seen by whom it is meant for; pages and API."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated

from aiohttp import web
from pydantic import StringConstraints

from crm_core import goal
from crm_core.errors import Invalid
from crm_core.figure.figure import BY_CODE, Unit
from crm_core.goal import FIGURES, SeenBy
from crm_core.read.goals import Progress, load_progress
from crm_core.report import Every
from web.api import Operations
from web.fields import Answer, Given, Id
from web.figures import amount as said_amount
from web.forms import checked, id_or_none, settle
from web.listing import possible
from web.noted import note
from web.pages import Flash, Pages, go, number_in, render, teams_to_choose, users_to_choose
from web.rights import EDIT_TARGETS, VIEW_FIGURES, Scope
from web.services import services
from web.sessions import person

operations = Operations("goals")
pages = Pages()
FigureCode = Annotated[str, StringConstraints(pattern=f"^({'|'.join(FIGURES)})$")]
Amount = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}([.][0-9]{1,4})?$")]
Currency = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]
EVERY = {Every.DAY: "a day", Every.WEEK: "a week", Every.MONTH: "a month"}
SEEN = {SeenBy.TEAM: "the whole team", SeenBy.OWN: "only whose it is", SeenBy.LEADS: "only supervisors"}


class GoalGiven(Given):
    """What one colleague or one team shall reach; it takes the place of what was said of the same figure and time.
    `amount`: a number, a share as 0..1; revenue has a `currency`. 409 for what can not be."""

    figure: FigureCode
    every: Every
    amount: Amount
    currency: Currency | None = None
    user_id: Id | None = None
    team_id: Id | None = None
    seen_by: SeenBy = SeenBy.TEAM


class GoalAnswer(Answer):
    """A goal and how far it is. `said` and `wanted` as people read them; `own`: it is the reader's."""

    id: int
    figure: str
    name: str
    every: Every
    whose: str
    user_id: int | None
    team_id: int | None
    own: bool
    amount: float
    currency: str | None
    value: float | None
    share: float
    said: str
    wanted: str
    seen_by: SeenBy


@operations.get("/goals", right=VIEW_FIGURES)
async def get_goals(request: web.Request) -> list[GoalAnswer]:
    """The goals one is shown, with how far each is by now."""
    return [_told(request, it) for it in await _shown(request)]


@operations.put("/goals", right=EDIT_TARGETS, at_least=Scope.ALL, status=204, errors=(409,))
async def put_goal(request: web.Request, body: GoalGiven) -> None:
    """Set a goal."""
    async with services(request).db.begin() as session:
        with possible():
            given = body.model_dump() | {"amount": Decimal(body.amount)}
            kept = await goal.set_goal(session, **given)
        await note(session, request, "goal.set", kept.id, figure=kept.figure, amount=str(kept.amount))


@operations.delete("/goals/{goal_id}", right=EDIT_TARGETS, at_least=Scope.ALL)
async def delete_goal(request: web.Request, goal_id: Id) -> None:
    """Have a goal no more."""
    async with services(request).db.begin() as session:
        await goal.remove_goal(session, goal_id)
        await note(session, request, "goal.remove", goal_id)


@pages.get("/goals", right=VIEW_FIGURES)
async def show_goals(request: web.Request) -> web.Response:
    """Goals with their progress, those of each team and colleague together."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    groups: dict[str, list[GoalAnswer]] = {}
    for it in await _shown(request):
        groups.setdefault(it.whose, []).append(_told(request, it))
    async with services(request).db.begin() as session:
        context = {
            "groups": groups,
            "colleagues": await users_to_choose(session),
            "teams": await teams_to_choose(session),
            "figures": [(code, BY_CODE[code].name) for code in FIGURES],
            "every": [(str(code), name) for code, name in EVERY.items()],
            "seen": [(str(code), name) for code, name in SEEN.items()],
            "times": EVERY,
            "may_edit": person(request).scope(EDIT_TARGETS) is Scope.ALL,
        }
    return render(request, "goals.html", context, flash=flash, typed=typed)


@pages.post("/goals", right=EDIT_TARGETS, at_least=Scope.ALL)
async def enter_goal(request: web.Request) -> web.Response:
    """Set a goal; of shares the form says per cent."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        figure = BY_CODE.get(typed.get("figure", ""))
        body = checked(
            GoalGiven,
            {name: typed.get(name, "") for name in ("figure", "every", "seen_by")}
            | {"currency": typed.get("currency", "").upper()},
            amount=_number(typed.get("amount", ""), figure is not None and figure.unit is Unit.SHARE),
            user_id=id_or_none(typed.get("user_id", ""), "user_id"),
            team_id=id_or_none(typed.get("team_id", ""), "team_id"),
        )
        await put_goal(request, body)
        return go("/goals", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/goals/{goal_id}/remove", right=EDIT_TARGETS, at_least=Scope.ALL)
async def drop_goal(request: web.Request) -> web.Response:
    """Have a goal no more."""
    await delete_goal(request, number_in(request, "goal_id"))
    return go("/goals", "removed")


def _number(text: str, share: bool) -> str:
    """What was typed as the API takes it. Raises `Invalid`."""
    try:
        value = Decimal(text.replace(",", ".").replace("%", "").strip())
    except InvalidOperation:
        raise Invalid("The goal is a number.", "amount") from None
    if not value.is_finite() or not 0 < value < 10**9:
        raise Invalid("The goal is a number more than 0.", "amount")
    return f"{(value / 100 if share else value).quantize(Decimal('0.0001')):f}"


async def _shown(request: web.Request) -> list[Progress]:
    who, parts = person(request), services(request)
    async with parts.db.begin() as session:
        return await load_progress(
            session, reader=who.user_id, everybody=who.whose(VIEW_FIGURES), now=parts.now()
        )


def _told(request: web.Request, it: Progress) -> GoalAnswer:
    unit, kept = it.figure.unit, it.goal
    return GoalAnswer(
        id=kept.id,
        figure=kept.figure,
        name=it.figure.name,
        every=Every(kept.every),
        whose=it.whose,
        user_id=kept.user_id,
        team_id=kept.team_id,
        own=kept.user_id == person(request).user_id,
        amount=float(kept.amount),
        currency=kept.currency,
        value=None if it.value is None else float(it.value),
        share=it.share,
        said="–" if it.value is None else said_amount(unit, it.value, kept.currency),
        wanted=said_amount(unit, kept.amount, kept.currency),
        seen_by=SeenBy(kept.seen_by),
    )
