"""The calendar of callbacks: a week by days, or a day by who calls; moved by mouse, by keys or by a form.

And its feed for other calendars, at a secret address of each user.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

import icalendar
from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.calendar_key import has_key, make_key, revoke_key, user_of
from crm_core.callback import update_callback
from crm_core.phone import display
from crm_core.read.callbacks import CallbackRow, count_callbacks, list_callbacks, load_callback
from crm_core.read.page import MOST
from crm_core.team import list_teams
from crm_core.user import Extension, Role, User
from web.callback_pages import given_by
from web.callback_when import plannable
from web.fields import Day, Given
from web.forms import checked, id_or_none, settle
from web.pages import Flash, Pages, day_end, go, number_in, read_filters, render
from web.rights import EDIT_CALLBACKS, VIEW_CALLBACKS
from web.say import zone_of
from web.services import services
from web.sessions import person

pages = Pages()
routes = web.RouteTableDef()
FIRST_HOUR, LAST_HOUR = 8, 20
MOST_PEOPLE = 12  # columns of a day
LASTS = timedelta(minutes=15)  # of a callback in another calendar
AHEAD = timedelta(days=60)
READ_EVERY = timedelta(minutes=15)  # how often another calendar had better ask


class CalendarQuery(Given):
    """Which day, and whether its week by days or the day by who calls."""

    day: Day | None = None
    by: Literal["week", "day"] = "week"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A day, or somebody who calls. `day` and `whom` are what a callback gets that is moved here (None: keeps)."""

    label: str
    day: date
    whom: str | None = None
    today: bool = False


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Columns, hours, and what stands in each cell by (column, hour)."""

    columns: Sequence[Column]
    hours: Sequence[int]
    cells: Mapping[tuple[int, int], Sequence[CallbackRow]]


def whom_of(row: CallbackRow) -> str:
    """Whose it is, as forms say it: "user:7", "team:2", "" for anyone."""
    if row.assigned_to is not None:
        return f"user:{row.assigned_to}"
    return f"team:{row.team_id}" if row.team_id is not None else ""


def lay_out(rows: Sequence[CallbackRow], columns: Sequence[Column], zone: Any) -> Grid:
    """Put every row into its cell; the hours of work are always there, others where something is due."""
    place = {(column.day, column.whom): number for number, column in enumerate(columns)}
    cells: dict[tuple[int, int], list[CallbackRow]] = {}
    for row in rows:
        here = row.due_at.astimezone(zone)
        found = place.get((here.date(), whom_of(row)), place.get((here.date(), None)))
        if found is not None:
            cells.setdefault((found, here.hour), []).append(row)
    used = [hour for _, hour in cells]
    hours = range(min([FIRST_HOUR, *used]), max([LAST_HOUR, *used]) + 1)
    return Grid(columns=columns, hours=hours, cells=cells)


@pages.get("/callbacks/calendar", right=VIEW_CALLBACKS)
async def show_calendar(request: web.Request) -> web.Response:
    """The calendar."""
    return await _page(request, read_filters(request, CalendarQuery))


async def _page(
    request: web.Request, query: CalendarQuery, flash: Flash | None = None, feed: str | None = None
) -> web.Response:
    parts, who = services(request), person(request)
    zone, now = zone_of(who.timezone), parts.now()
    today = now.astimezone(zone).date()
    day = query.day or today
    first = day - timedelta(days=day.weekday()) if query.by == "week" else day
    days = [first + timedelta(days=n) for n in range(7 if query.by == "week" else 1)]
    begin, end = (datetime.combine(it, time(), zone) for it in (days[0], days[-1] + timedelta(days=1)))
    async with parts.db.begin() as session:
        found = await list_callbacks(
            session, now=now, day_end=day_end(now, who), since=begin, until=end, limit=MOST
        )
        counts = await count_callbacks(session, now=now, day_end=day_end(now, who))
        columns = (
            [Column(label=f"{it:%a} {it.day}", day=it, today=it == today) for it in days]
            if query.by == "week"
            else await _people(session, day, found.rows)
        )
        subscribed = await has_key(session, who.user_id)
    context = {
        "query": query,
        "day": day,
        "days": days,
        "before": day - timedelta(days=len(days)),
        "after": day + timedelta(days=len(days)),
        "grid": lay_out(found.rows, columns, zone),
        "whom_of": whom_of,
        "overdue": counts["overdue"],
        "subscribed": subscribed,
        "feed": feed,
        "may_edit": who.may(EDIT_CALLBACKS),
    }
    return render(request, "callback_calendar.html", context, flash=flash)


async def _people(session: AsyncSession, day: date, rows: Sequence[CallbackRow]) -> list[Column]:
    """Anyone, the teams, whoever has something that day, and others with a telephone as long as there is room."""
    busy = {row.assigned_to for row in rows}
    phones = select(Extension.user_id)
    query = select(User.id, User.name).where(
        User.active, User.role != Role.COURIER, User.id.in_(phones) | User.id.in_(busy - {None})
    )
    people = sorted(await session.execute(query), key=lambda it: (it.id not in busy, it.name))[:MOST_PEOPLE]
    columns = [Column(label="Anyone", day=day, whom="")]
    columns += [
        Column(label=team.name, day=day, whom=f"team:{team.id}") for team, _ in await list_teams(session)
    ]
    return columns + [Column(label=it.name, day=day, whom=f"user:{it.id}") for it in people]


@pages.post("/callbacks/{callback_id}/move", right=EDIT_CALLBACKS)
async def move(request: web.Request) -> web.Response:
    """Move a callback to another time or to somebody else, and stay in the calendar."""
    callback_id = number_in(request, "callback_id")

    def query(typed: Mapping[str, str]) -> CalendarQuery:
        given = {name: typed[name] for name in ("day", "by") if typed.get(name)}
        return checked(CalendarQuery, given)

    async def step(typed: Mapping[str, str]) -> web.Response:
        parts, here = services(request), query(typed)
        async with parts.db.begin() as session:
            row = await load_callback(session, callback_id)
        changes = await given_by(request, typed, row.number, row.customer_id)
        version = id_or_none(typed.get("version", ""), "version")
        async with parts.db.begin() as session:
            with plannable():
                await update_callback(session, callback_id, changes, at=parts.now(), version=version)
        return go(f"/callbacks/calendar?by={here.by}&day={here.day or ''}", "moved")

    return await settle(request, step, lambda flash, typed: _page(request, query(typed), flash))


@pages.post("/callbacks/calendar/key", right=VIEW_CALLBACKS)
async def new_key(request: web.Request) -> web.Response:
    """Make the secret address of one's calendar (the one before is worth nothing then); it is shown this once."""
    parts = services(request)
    async with parts.db.begin() as session:
        key = await make_key(session, person(request).user_id)
    origin = parts.settings.public_url or str(request.url.origin())
    return await _page(request, CalendarQuery(), feed=f"{origin.rstrip('/')}/calendar/{key}.ics")


@pages.post("/callbacks/calendar/key/revoke", right=VIEW_CALLBACKS)
async def no_key(request: web.Request) -> web.Response:
    """Nobody reads this calendar any more."""
    async with services(request).db.begin() as session:
        await revoke_key(session, person(request).user_id)
    return go("/callbacks/calendar", "removed")


@routes.get("/calendar/{key:[A-Za-z0-9_-]{20,80}}.ics")
async def feed(request: web.Request) -> web.Response:
    """The open callbacks of whoever has this address: his own and those of his team."""
    parts = services(request)
    async with parts.db.begin() as session:
        user = await user_of(session, request.match_info["key"])
        if user is None:
            raise web.HTTPNotFound
        now = parts.now()
        found = await list_callbacks(
            session, now=now, day_end=now, mine=user.id, until=now + AHEAD, limit=MOST
        )
    origin = parts.settings.public_url or str(request.url.origin())
    rows = [row for row in found.rows if row.assigned_to is not None or row.team_id is not None]
    body = as_calendar(rows, user.name, origin.rstrip("/"), now)
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=body, content_type="text/calendar", charset="utf-8", headers=headers)


def as_calendar(rows: Sequence[CallbackRow], owner: str, origin: str, now: datetime) -> bytes:
    """The rows as RFC 5545."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Callcenter//Callbacks//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"Callbacks: {owner}")
    # Without these it is read once a day.
    calendar.add("refresh-interval", icalendar.vDuration(READ_EVERY), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", icalendar.vDuration(READ_EVERY))
    for row in rows:
        event = icalendar.Event()
        event.add("uid", f"callback-{row.id}@callcenter")
        event.add("dtstamp", now)
        event.add("dtstart", row.due_at)
        event.add("duration", LASTS)
        event.add("summary", f"Call {row.customer or display(row.number)}: {row.reason}")
        event.add("description", "\n".join(filter(None, (display(row.number), row.order_number, row.note))))
        event.add("url", f"{origin}/callbacks/{row.id}")
        calendar.add_component(event)
    body: bytes = calendar.to_ical()
    return body
