"""How often the card guessed right why somebody called, week by week: as a page and in the API."""

from datetime import UTC, date, datetime, time, timedelta

from aiohttp import web

from crm_core.read.calibration import load_calibration
from crm_core.reason import KNOWN, POINTS
from web.api import Operations
from web.fields import Answer, Day, Given
from web.pages import Pages, midnight, read_filters, render
from web.rights import VIEW_CALIBRATION, Person
from web.services import services
from web.sessions import person

operations = Operations("calibration")
pages = Pages()
WEEK = timedelta(days=7)


class WeekQuery(Given):
    """Any day of the week; without it the last seven days."""

    week: Day | None = None


class StepAnswer(Answer):
    """Forecasts with a share from `low` to below `high`: how many, what was promised on average, the hits."""

    low: float
    high: float
    calls: int
    promised: float
    hits: int


class ReasonAnswer(Answer):
    """A reason that was named first: how often, how often rightly, and which outcomes there were instead."""

    reason: str
    calls: int
    hits: int
    instead: list[tuple[str, int]]


class CalibrationAnswer(Answer):
    """One week. `judged`: forecasts whose call has an outcome that says why people call; `rate`: the part that was
    right, null when none was judged."""

    since: datetime
    until: datetime
    told: int
    judged: int
    hits: int
    rate: float | None
    steps: list[StepAnswer]
    reasons: list[ReasonAnswer]


def _week(day: date | None, now: datetime, who: Person) -> tuple[datetime, datetime]:
    """From Monday to Monday for the reader, or the last seven days."""
    monday = midnight(day - timedelta(days=day.weekday()), who) if day is not None else None
    if monday is None or day is None:
        return now - WEEK, now
    return monday, midnight(day - timedelta(days=day.weekday()) + WEEK, who) or datetime.combine(
        day, time(), UTC
    )


@operations.get("/calibration", right=VIEW_CALIBRATION)
async def get_calibration(request: web.Request, query: WeekQuery) -> CalibrationAnswer:
    """Forecast against outcome, for one week."""
    parts = services(request)
    since, until = _week(query.week, parts.now(), person(request))
    async with parts.db.begin() as session:
        return CalibrationAnswer.model_validate(await load_calibration(session, since, until))


@pages.get("/calibration", right=VIEW_CALIBRATION)
async def show_calibration(request: web.Request) -> web.Response:
    """The same as a page, with the points that make the forecast."""
    parts, who = services(request), person(request)
    query = read_filters(request, WeekQuery)
    since, until = _week(query.week, parts.now(), who)
    async with parts.db.begin() as session:
        found = await load_calibration(session, since, until)
    first = since.astimezone().date() if query.week is None else query.week
    context = {
        "found": found,
        "chosen": query.week,
        "earlier": first - WEEK,
        "later": first + WEEK if query.week and until < parts.now() else None,
        "names": KNOWN,
        "points": POINTS,
    }
    return render(request, "calibration.html", context)
