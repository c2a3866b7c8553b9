"""A month of working time as a file."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from aiohttp import web

from crm_core.exchange.sheet import Cell, Csv, Xlsx
from crm_core.read.attendance import Attendance
from crm_core.read.figure_labels import zones
from crm_core.user import get_user
from web.api import Operations
from web.attendance import MonthQuery, attendance
from web.imports import CSV, XLSX
from web.noted import note
from web.rights import VIEW_WORK
from web.services import services

operations = Operations("exports")
HEADINGS = (
    *("Name", "Day", "Began", "Ended", "At work, h", "Breaks, h", "Worked, h"),
    *("Phone off, h", "On calls, h", "Estimated", "Goes on"),
)


class MonthExport(MonthQuery):
    """Which month, whose, as what."""

    format: Literal["csv", "xlsx"] = "csv"


@operations.get("/exports/attendance", right=VIEW_WORK, errors=(404,), produces=f"{CSV}, {XLSX}")
async def export_work(request: web.Request, query: MonthExport) -> web.Response:
    """A row for each person and day, times by the clock of the house, lengths in hours."""
    parts = services(request)
    async with parts.db.begin() as session:
        if query.user_id is not None:
            await get_user(session, query.user_id)
        found = await attendance(session, request, query.month, query.user_id)
        zone = ZoneInfo((await zones(session))[0])
        await note(
            session, request, "attendance.export", query.user_id, month=query.month, format=query.format
        )
    sheet = Xlsx() if query.format == "xlsx" else Csv()
    body = sheet.rows([HEADINGS, *rows_of(found, zone)]) + sheet.end()
    name = f"working-time-{query.month or f'{parts.now():%Y-%m}'}.{query.format}"
    kind = XLSX if query.format == "xlsx" else f"{CSV}; charset=utf-8"
    headers = {
        "Content-Type": kind,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return web.Response(body=body, headers=headers)


def rows_of(found: Sequence[Attendance], zone: ZoneInfo) -> list[Sequence[Cell]]:
    """The table of the file."""
    return [
        (
            *(one.name, it.day, clock(it.began_at, zone), "" if it.goes_on else clock(it.ended_at, zone)),
            *(hours(seconds) for seconds in (it.at_work_s, it.break_s, it.worked_s, it.off_s, it.phone_s)),
            *(it.estimated, it.goes_on),
        )
        for one in found
        for it in one.days
    ]


def hours(seconds: int) -> Decimal:
    """Hours with two places."""
    return (Decimal(seconds) / 3600).quantize(Decimal("0.01"))


def clock(at: datetime, zone: ZoneInfo) -> str:
    """The time on the wall; the midnight that ends a day is 24:00."""
    return f"{at.astimezone(zone):%H:%M}"
