"""Pages of working time: the month of a team, the month of one person with corrections, and one's own."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Invalid
from crm_core.figure.attendance import WorkDay
from crm_core.figure.period import Period
from crm_core.read.attendance import Attendance, present_now
from crm_core.user import get_user
from crm_core.work_time import WorkCorrection, WorkSpan, list_corrections
from web.attendance import (
    MonthQuery,
    NewWorkSpan,
    WhyRemoved,
    WorkSpanChange,
    attendance,
    correct,
    instant_of,
    owner_of,
    period_of,
    post_work_begin,
    post_work_end,
)
from web.attendance_file import clock
from web.fields import Id
from web.forms import checked, settle
from web.pages import Flash, Pages, go, number_in, read_filters, render, teams_to_choose
from web.rights import CORRECT_WORK, KEEP_WORK, VIEW_WORK, Scope
from web.services import services
from web.sessions import person

pages = Pages()


class MonthFilters(MonthQuery):
    """The filters of the page."""

    team_id: Id | None = None


@pages.get("/attendance", right=VIEW_WORK)
async def show_work(request: web.Request) -> web.Response:
    """The month of everybody one may see; of oneself alone for who sees no others."""
    who, filters = person(request), read_filters(request, MonthFilters)
    if who.scope(VIEW_WORK) is Scope.OWN:
        return go(f"/attendance/{who.user_id}" + (f"?month={filters.month}" if filters.month else ""))
    async with services(request).db.begin() as session:
        period = await period_of(session, filters.month, services(request).now())
        found = await attendance(session, request, filters.month, None, filters.team_id)
        present = await present_now(session, now=services(request).now())
        teams = await teams_to_choose(session)
    days = _days(period)
    context = {
        **_month(period),
        "days": days,
        "rows": [(one, [one.on(day) for day in days], one.user_id in present) for one in found],
        "totals": [sum(it.worked_s for one in found if (it := one.on(day))) for day in days],
        "teams": teams,
        "filters": filters,
        "today": services(request).now().astimezone(period.zone).date(),
    }
    return render(request, "work.html", context)


@pages.get("/attendance/{user_id}", right=VIEW_WORK)
async def show_person(request: web.Request) -> web.Response:
    """One person's month, day by day."""
    return await _person(request)


async def _person(request: web.Request, flash: Flash | None = None) -> web.Response:
    who, user_id = person(request), number_in(request, "user_id")
    month = read_filters(request, MonthQuery).month
    async with services(request).db.begin() as session:
        colleague = await get_user(session, user_id)
        (found,) = await attendance(session, request, month, user_id)
        period = await period_of(session, month, services(request).now())
        context = {
            **_month(period),
            "colleague": colleague,
            "found": found,
            "rows": _rows(found, period),
            "own": user_id == who.user_id,
            "open": next((it for it in found.spans if it.ended_at is None), None),
            "may_keep": user_id == who.user_id and who.may(KEEP_WORK),
            "may_correct": _may_correct(request, user_id),
            "corrections": await _corrections(session, user_id, period),
            "clock": lambda at: clock(at, _zone(period)),
            "said": lambda it: _said(it, _zone(period)),
            "sees_all": who.scope(VIEW_WORK) > Scope.OWN,
            "today": services(request).now().astimezone(period.zone).date(),
        }
    return render(request, "work_person.html", context, flash=flash)


def _rows(found: Attendance, period: Period) -> list[tuple[date, WorkDay | None, list[WorkSpan]]]:
    """Every day of the month so far, with what was said of it."""
    zone = _zone(period)
    return [
        (day, found.on(day), [it for it in found.spans if it.began_at.astimezone(zone).date() == day])
        for day in _days(period)
    ]


async def _corrections(
    session: AsyncSession, user_id: int, period: Period
) -> Sequence[tuple[WorkCorrection, str]]:
    return await list_corrections(session, user_id, since=period.since, until=period.until)


def _may_correct(request: web.Request, user_id: int) -> bool:
    whose = person(request).whose(CORRECT_WORK)
    return whose is None or user_id in whose


@pages.post("/attendance/begin", right=KEEP_WORK)
async def begin(request: web.Request) -> web.Response:
    """One begins to work."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        await post_work_begin(request)
        return go(f"/attendance/{person(request).user_id}", "saved")

    return await settle(request, step, lambda flash, typed: _own(request, flash))


@pages.post("/attendance/end", right=KEEP_WORK)
async def end(request: web.Request) -> web.Response:
    """One has ended."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        await post_work_end(request)
        return go(f"/attendance/{person(request).user_id}", "saved")

    return await settle(request, step, lambda flash, typed: _own(request, flash))


async def _own(request: web.Request, flash: Flash) -> web.Response:
    request.match_info["user_id"] = str(person(request).user_id)
    return await _person(request, flash)


@pages.post("/attendance/{user_id}/correct", right=CORRECT_WORK)
async def correct_day(request: web.Request) -> web.Response:
    """Add, change or take out a time of work of one day."""
    user_id = number_in(request, "user_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        async with services(request).db.begin() as session:
            zone = _zone(await period_of(session, None, services(request).now()))
        back = f"/attendance/{user_id}?month={_day(typed).isoformat()[:7]}"
        reason, span = typed.get("reason", ""), typed.get("span_id", "")
        if typed.get("do") == "remove":
            body = checked(WhyRemoved, {"reason": reason})
            span_id = int(span) if span.isdecimal() else 0
            await correct(request, await _of(request, span_id, user_id), span_id, None, None, body.reason)
            return go(back, "saved")
        began = instant_of(_day(typed).isoformat(), typed.get("began", ""), zone, "began")
        ended = instant_of(_day(typed).isoformat(), typed.get("ended", ""), zone, "ended")
        if began is None:
            raise Invalid("Say when the work began.", "began")
        if ended is not None and ended <= began:
            ended += timedelta(days=1)  # over midnight
        given = {"began_at": began, "ended_at": ended, "reason": reason or None}
        if span.isdecimal():
            changed = checked(WorkSpanChange, {}, **given, version=int(typed.get("version") or 0))
            owner = await _of(request, int(span), user_id)
            await correct(
                *(request, owner, int(span), changed.began_at, changed.ended_at, changed.reason),
                changed.version,
            )
        else:
            new = checked(NewWorkSpan, {}, **given, user_id=user_id)
            await correct(request, user_id, None, new.began_at, new.ended_at, new.reason)
        return go(back, "saved")

    return await settle(request, step, lambda flash, typed: _person(request, flash))


async def _of(request: web.Request, span_id: int, user_id: int) -> int:
    owner = await owner_of(request, span_id)
    if owner != user_id:
        raise Invalid("This time of work is another colleague's.", "span_id")
    return owner


def _said(it: Mapping[str, str | None], zone: ZoneInfo) -> str:
    """A span as it was or is, on one line."""
    began = datetime.fromisoformat(it["began_at"] or "").astimezone(zone)
    ended = datetime.fromisoformat(it["ended_at"]).astimezone(zone) if it["ended_at"] else None
    return f"{began:%d.%m. %H:%M}–{f'{ended:%H:%M}' if ended else '…'}"


def _day(typed: Mapping[str, str]) -> date:
    try:
        return date.fromisoformat(typed.get("day", ""))
    except ValueError:
        raise Invalid("There is no such day.", "day") from None


def _zone(period: Period) -> ZoneInfo:
    assert isinstance(period.zone, ZoneInfo)
    return period.zone


def _days(period: Period) -> list[date]:
    first = period.since.astimezone(period.zone).date()
    last = (period.until - timedelta(seconds=1)).astimezone(period.zone).date()
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _month(period: Period) -> dict[str, object]:
    """The month that is shown, and the two beside it."""
    first = period.since.astimezone(period.zone).date()
    return {
        "month": first,
        "asked": f"{first:%Y-%m}",
        "before": f"{first - timedelta(days=1):%Y-%m}",
        "after": f"{first + timedelta(days=32):%Y-%m}",
        "house_zone": str(period.zone),
    }
