"""Pages of reports: the shelves, one report as a picture and a table, what is kept and sent."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from crm_core import report, report_mail
from crm_core.figure.figure import Figure, Group, Unit
from crm_core.figure.period import By
from crm_core.read.figure_labels import lines_to_choose, queues_to_choose, zones
from crm_core.report import Format, Report, ReportMail
from web import reports
from web.chart import BOTTOM, HIGH, LEFT, WIDE, columns
from web.fact_pages import common
from web.fact_report import FactQuery, FactReport, address, build_facts
from web.figures import HEADS, amount, tick
from web.forms import checked, settle, whole_or_none
from web.kept_report import of_facts
from web.pages import Flash, Pages, go, number_in, read_filters, render, users_to_choose
from web.report import Cell, Grid, Line, ReportQuery, Subject, build, plain, told
from web.report_ready import BY_CODE, SHELVES
from web.report_words import EVERY, SHARED, SHARED_WITH, TIMES
from web.rights import KEEP_REPORTS, SEND_REPORTS, VIEW_FIGURES, Person
from web.services import services
from web.sessions import person

pages = Pages()
SUBJECTS = {
    Group.CALLS: "Calls",
    Group.QUEUES: "Queues",
    Group.TIME: "Time",
    Group.CARE: "Care",
    Group.SPEECH: "How they talk",
    Group.QUALITY: "Quality",
    Group.SALES: "Sales",
}
OF = {Subject.CALLS: "calls", Subject.ORDERS: "orders"}


@pages.get("/reports", right=VIEW_FIGURES)
async def show_reports(request: web.Request) -> web.Response:
    """The shelves, and what is kept."""
    who = person(request)
    async with services(request).db.begin() as session:
        kept = await report.list_reports(session, who.user_id)
    context = {"shelves": SHELVES, "kept": kept, "own": who.user_id, "shared": SHARED}
    return render(request, "reports.html", context)


@pages.get("/reports/show", right=VIEW_FIGURES)
async def show_report(request: web.Request) -> web.Response:
    """A report that is put together in the address; ticks are told with commas between."""
    ticked = request.query.getall("figures", [])
    if len(ticked) > 1:
        raise web.HTTPFound(request.rel_url.update_query(figures=",".join(ticked)))
    return await _page(request, read_filters(request, ReportQuery), "Report of your own")


@pages.get("/reports/ready/{code}", right=VIEW_FIGURES)
async def show_ready(request: web.Request) -> web.Response:
    """One of the reports that every house has."""
    ready = BY_CODE.get(request.match_info["code"])
    if ready is None:
        raise web.HTTPNotFound
    return await _page(request, ready.query, ready.name)


@pages.get("/reports/{report_id}", right=VIEW_FIGURES)
async def show_kept(request: web.Request) -> web.Response:
    """A kept report, of now."""
    return await _kept_page(request)


async def _kept_page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    who = person(request)
    async with services(request).db.begin() as session:
        kept = await report.get_report(session, number_in(request, "report_id"), user_id=who.user_id)
        mail = await report_mail.mail_of(session, kept.id, user_id=who.user_id)
    if (facts := of_facts(kept.spec)) is not None:
        return await _facts_page(request, *facts, kept, mail, flash, typed)
    query = ReportQuery.model_validate(kept.spec)
    return await _page(request, query, kept.name, kept=kept, mail=mail, flash=flash, typed=typed)


@pages.post("/reports", right=KEEP_REPORTS)
async def keep(request: web.Request) -> web.Response:
    """Keep the report that is shown under a name."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        given = {name: value for name, value in typed.items() if value}
        theme = given.pop("theme", None)
        query = checked(ReportQuery if theme is None else FactQuery, given)
        about = {"query": query} if theme is None else {"facts": query}
        named = {"name": typed.get("name", ""), "shared": typed.get("shared", "me")}
        body = checked(reports.ReportGiven, named if theme is None else named | {"theme": theme}, **about)
        kept = await reports.post_report(request, body)
        return go(f"/reports/{kept.id}", "saved")

    async def again(flash: Flash, typed: Mapping[str, str]) -> web.Response:
        return await _page(request, ReportQuery(), "Report of your own", flash=flash, typed=typed)

    return await settle(request, step, again)


@pages.post("/reports/{report_id}/remove", right=KEEP_REPORTS)
async def remove(request: web.Request) -> web.Response:
    """Forget a report of one's own."""
    await reports.delete_report(request, number_in(request, "report_id"))
    return go("/reports", "removed")


@pages.post("/reports/{report_id}/mail", right=SEND_REPORTS)
async def send(request: web.Request) -> web.Response:
    """Have a kept report sent."""
    report_id = number_in(request, "report_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(
            reports.MailGiven,
            {name: typed.get(name, "") for name in ("every", "format")},
            recipients=report_mail.addresses(typed.get("recipients", "")),
            hour=whole_or_none(typed.get("hour", ""), "hour") or 0,
        )
        await reports.put_report_mail(request, report_id, body)
        return go(f"/reports/{report_id}", "saved")

    return await settle(request, step, lambda flash, typed: _kept_page(request, flash, typed))


@pages.post("/reports/{report_id}/mail/stop", right=SEND_REPORTS)
async def stop(request: web.Request) -> web.Response:
    """Send it no more."""
    report_id = number_in(request, "report_id")
    await reports.delete_report_mail(request, report_id)
    return go(f"/reports/{report_id}", "saved")


# --- pieces -------------------------------------------------------------------------------------------------


async def _page(
    request: web.Request,
    query: ReportQuery,
    title: str,
    *,
    kept: Report | None = None,
    mail: ReportMail | None = None,
    flash: Flash | None = None,
    typed: Mapping[str, str] | None = None,
) -> web.Response:
    who, parts = person(request), services(request)
    async with parts.db.snapshot() as session:
        grid = await build(session, query, who, parts.now())
        choices = {
            "colleagues": await users_to_choose(session),
            "lines": await lines_to_choose(session),
            "queues": [(name, name) for name in await queues_to_choose(session)],
            "zones": [(name, name) for name in await zones(session)],
        }
    context = choices | {
        "grid": grid,
        "title": title,
        "query": query,
        "asked": grid.asked,
        "own": grid.asked.within.operators is not None,
        "figures": _offered(who, grid),
        "chosen": {one.code for one in grid.figures},
        "ways": [(str(by), name.lower()) for by, name in HEADS.items() if by is not By.ALL],
        "times": [(str(time), name) for time, name in TIMES.items()],
        "picture": _picture(grid) if query.across is None else None,
        "hidden": list(plain(query).items()),
        "exports": [
            (str(kind), "/api/v1/exports/report?" + urlencode(plain(query) | {"format": str(kind)}))
            for kind in Format
        ],
        "subjects": [(str(code), name) for code, name in OF.items()],
        "may_keep": who.may(KEEP_REPORTS),
    }
    context |= _keeping(request, kept, mail)
    return render(request, "report.html", context, flash=flash, typed=typed)


async def _facts_page(
    request: web.Request,
    report: FactReport,
    query: FactQuery,
    kept: Report,
    mail: ReportMail | None,
    flash: Flash | None,
    typed: Mapping[str, str] | None,
) -> web.Response:
    """A kept report of facts as a table; its pictures are on the page of all such reports."""
    who, parts = person(request), services(request)
    async with parts.db.snapshot() as session:
        table = await build_facts(session, report, query, who, parts.now())
        context = await common(session, who, table)
    context |= _keeping(request, kept, mail)
    context["whole_page"] = address(report.page, query, table.asked, table.way)
    return render(request, "fact_kept.html", context, flash=flash, typed=typed)


def _keeping(request: web.Request, kept: Report | None, mail: ReportMail | None) -> dict[str, Any]:
    who = person(request)
    return {
        "kept": kept,
        "mail": mail,
        "mailer": services(request).settings.smtp_host is not None,
        "shared": SHARED_WITH,
        "every": [(str(code), name) for code, name in EVERY.items()],
        "may_send": who.may(SEND_REPORTS),
        "mine": kept is not None and kept.user_id == who.user_id,
    }


def _offered(who: Person, grid: Grid) -> list[tuple[str, list[Figure]]]:
    """The figures that can be chosen for these rows, by subject."""
    known = told(who, grid.query, grid.asked)
    return [
        (name, found)
        for group, name in SUBJECTS.items()
        if (found := [one for one in known if one.group is group])
    ]


def _picture(grid: Grid) -> dict[str, Any]:
    """The first figure of each row as a column; of money in the currency of most of it."""
    most = max(grid.together.cells[0].values, key=lambda value: value.numerator, default=None)
    currency = most.currency if most else None
    values = [_in(line.cells[0], currency) for line in grid.lines]
    unit = grid.chosen.unit
    drawn, scale = columns([it.value if it else None for it in values], clock=unit is Unit.SECONDS)
    return {
        "columns": [(one, line, _text(line, currency)) for one, line in zip(drawn, grid.lines, strict=True)],
        "scale": [(mark.at, tick(unit, mark.exact)) for mark in scale],
        "currency": currency,
        "left": LEFT,
        "wide": WIDE,
        "high": HIGH,
        "base": HIGH - BOTTOM,
    }


def _in(cell: Cell, currency: str | None) -> Any:
    return next((value for value in cell.values if value.currency == currency), None)


def _text(line: Line, currency: str | None) -> str:
    value = _in(line.cells[0], currency)
    if value is None or value.value is None:
        return "–"
    return amount(line.cells[0].figure.unit, value.value, currency)
