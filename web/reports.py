"""Reports in the API: figures as a grid and as a file, reports that are kept and sent; what queues shall reach."""

from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import queue_target, report, report_mail
from crm_core.audit import record
from crm_core.figure.figure import Unit
from crm_core.figure.rules import Target
from crm_core.queue_target import LONGEST_S, LONGEST_SHORT_S, QueueTarget
from crm_core.read.figure_labels import zones
from crm_core.report import Every, Format, Report, Shared
from web.api import Operations
from web.fact_report import FactQuery, Theme
from web.fields import VISIBLE, Answer, Given, Id, Instant, Name
from web.figures import key_text
from web.imports import CSV, XLSX
from web.kept_report import of_facts, spec_of
from web.listing import possible
from web.middleware import visitor_address
from web.noted import note
from web.pdf import PDF
from web.report import Cell, Grid, Line, ReportQuery, Table, build, plain
from web.report_files import as_file
from web.rights import EDIT_TARGETS, KEEP_REPORTS, SEND_REPORTS, VIEW_FIGURES, Scope
from web.say import zone_of
from web.services import services
from web.sessions import person

operations = Operations("reports")
QueueName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=VISIBLE)]
Address = Annotated[str, StringConstraints(min_length=3, max_length=200)]


class ValueAnswer(Answer):
    """A number and what it was divided from; money has a currency. `value` null: there is nothing to divide by."""

    value: float | None
    numerator: float
    denominator: float | None
    currency: str | None


class CellAnswer(Answer):
    """`address`: the page that lists what was counted."""

    values: list[ValueAnswer]
    address: str


class LineAnswer(Answer):
    """A row; `key` "": of none of them."""

    key: str
    label: str
    cells: list[CellAnswer]


class ColumnAnswer(Answer):
    """What stands in a column. `unit`: share is 0..1."""

    label: str
    figure: str
    unit: Unit
    formula: str


class GridAnswer(Answer):
    """A report: `rows` have a cell for each of `columns`."""

    head: str
    since: str
    until: str
    zone: str
    columns: list[ColumnAnswer]
    rows: list[LineAnswer]
    together: LineAnswer


class ReportGiven(Given):
    """A report to keep; the same name again keeps the new one. With a `theme` it is one of facts, as `facts` asks."""

    name: Name
    shared: Shared = Shared.ME
    query: ReportQuery = Field(default_factory=ReportQuery)
    theme: Theme | None = None
    facts: FactQuery = Field(default_factory=FactQuery)


class ReportAnswer(Answer):
    """A kept report; `own`: one may remove it. With a `theme` it is one of facts, else `facts` is null."""

    id: int
    name: str
    shared: Shared
    own: bool
    query: ReportQuery
    theme: Theme | None
    facts: FactQuery | None


class MailGiven(Given):
    """To whom and when: each day, each Monday, each first of a month; `hour` on the shop's clock."""

    recipients: Annotated[list[Address], Field(min_length=1, max_length=20)]
    every: Every
    hour: Annotated[int, Field(ge=0, le=23)] = 7
    format: Format = Format.PDF


class MailAnswer(Answer):
    """How a report is sent; `failed`: why the last one was not."""

    recipients: list[str]
    every: Every
    hour: int
    format: Format
    next_at: Instant
    sent_at: Instant | None
    failed: str | None


class TargetGiven(Given):
    """Of a queue; null: of every queue that has none of its own. `goal`: per cent answered within `target_s`."""

    queue: QueueName | None = None
    target_s: Annotated[int, Field(ge=1, le=LONGEST_S)]
    short_s: Annotated[int, Field(ge=0, le=LONGEST_SHORT_S)]
    goal: Annotated[int, Field(ge=1, le=100)]


class TargetAnswer(Answer):
    """What a queue shall reach."""

    id: int
    queue: str | None
    target_s: int
    short_s: int
    goal: int


class ReportFile(ReportQuery):
    """A report as a file."""

    format: Format = Format.CSV


@operations.get("/figures", right=VIEW_FIGURES, errors=(409,))
async def get_figures(request: web.Request, query: ReportQuery) -> GridAnswer:
    """Figures by rows and columns, as far as one may see them. 409 for what can not be told so."""
    return grid_answer(await made(request, query))


@operations.get("/exports/report", right=KEEP_REPORTS, errors=(409,), produces=f"{CSV}, {XLSX}, {PDF}")
async def export_report(request: web.Request, query: ReportFile) -> web.StreamResponse:
    """A report as a file: numbers to go on computing with, or a page to read."""
    grid = await made(request, query)
    file = await as_file(grid, f"{grid.head}: {grid.chosen.name}", query.format)
    async with services(request).db.begin() as session:
        await record(
            session, user_id=person(request).user_id, action="report.exported", object_kind="export",
            detail=plain(query), address=visitor_address(request),
        )  # fmt: skip
    name = f"report-{grid.asked.first}-{grid.asked.last}.{query.format}"
    headers = {
        "Content-Type": file.content_type,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return web.Response(body=file.body, headers=headers)


@operations.get("/reports", right=VIEW_FIGURES)
async def get_reports(request: web.Request) -> list[ReportAnswer]:
    """One's own reports and those that are shared with one, by name."""
    async with services(request).db.begin() as session:
        found = await report.list_reports(session, person(request).user_id)
    return [_kept(request, it) for it in found]


@operations.post("/reports", right=KEEP_REPORTS, errors=(409,))
async def post_report(request: web.Request, body: ReportGiven) -> ReportAnswer:
    """Keep a report. Who reads it sees only what he may see."""
    async with services(request).db.begin() as session:
        with possible():
            kept = await report.keep_report(
                session,
                user_id=person(request).user_id,
                name=body.name,
                spec=spec_of(body.facts if body.theme else body.query, body.theme),
                shared=body.shared,
            )
        await note(session, request, "report.keep", kept.id, name=kept.name, shared=kept.shared)
        return _kept(request, kept)


@operations.delete("/reports/{report_id}", right=KEEP_REPORTS)
async def delete_report(request: web.Request, report_id: Id) -> None:
    """Forget a report of one's own; it is sent no more."""
    async with services(request).db.begin() as session:
        gone = await report.remove_report(session, report_id, user_id=person(request).user_id)
        await note(session, request, "report.remove", report_id, name=gone.name)


@operations.get("/reports/{report_id}/mail", right=SEND_REPORTS)
async def get_report_mail(request: web.Request, report_id: Id) -> MailAnswer | None:
    """How one has a report sent; null: not at all."""
    who = person(request).user_id
    async with services(request).db.begin() as session:
        await report.get_report(session, report_id, user_id=who)
        found = await report_mail.mail_of(session, report_id, user_id=who)
        return MailAnswer.model_validate(found) if found else None


@operations.put("/reports/{report_id}/mail", right=SEND_REPORTS, errors=(409,))
async def put_report_mail(request: web.Request, report_id: Id, body: MailGiven) -> MailAnswer:
    """Send a report from now on, as one sees it oneself. 409 for what is no address."""
    who, parts = person(request).user_id, services(request)
    async with parts.db.begin() as session:
        kept = await report.get_report(session, report_id, user_id=who)
        zone = zone_of((await zones(session))[0])
        with possible():
            mail = await report_mail.send_regularly(
                session, kept, user_id=who, zone=zone, at=parts.now(), **body.model_dump()
            )
        await note(session, request, "report.send", report_id, recipients=mail.recipients, every=mail.every)
        return MailAnswer.model_validate(mail)


@operations.delete("/reports/{report_id}/mail", right=SEND_REPORTS)
async def delete_report_mail(request: web.Request, report_id: Id) -> None:
    """Send it no more."""
    async with services(request).db.begin() as session:
        await report_mail.stop_sending(session, report_id, user_id=person(request).user_id)
        await note(session, request, "report.stop", report_id)


@operations.get("/queue-targets", right=VIEW_FIGURES)
async def get_queue_targets(request: web.Request) -> list[TargetAnswer]:
    """What queues shall reach, the general one first."""
    async with services(request).db.begin() as session:
        return [_target(it) for it in await queue_target.list_targets(session)]


@operations.put("/queue-targets", right=EDIT_TARGETS, at_least=Scope.ALL, errors=(409,))
async def put_queue_target(request: web.Request, body: TargetGiven) -> TargetAnswer:
    """Say what a queue shall reach, in the place of what was said; the past is told anew with it."""
    async with services(request).db.begin() as session:
        with possible():
            target = Target(body.target_s, body.short_s, body.goal)
            said = await queue_target.set_target(session, queue=body.queue, target=target)
        await note(session, request, "queue_target.set", said.id, **body.model_dump())
        return _target(said)


@operations.delete("/queue-targets/{target_id}", right=EDIT_TARGETS, at_least=Scope.ALL)
async def delete_queue_target(request: web.Request, target_id: Id) -> None:
    """Let what holds for every queue hold for this one."""
    async with services(request).db.begin() as session:
        await queue_target.remove_target(session, target_id)
        await note(session, request, "queue_target.remove", target_id)


async def made(request: web.Request, query: ReportQuery) -> Grid:
    """The report, for whoever asks."""
    parts = services(request)
    async with parts.db.snapshot() as session:
        with possible():
            return await build(session, query, person(request), parts.now())


def _kept(request: web.Request, kept: Report) -> ReportAnswer:
    facts = of_facts(kept.spec)
    return ReportAnswer(
        id=kept.id, name=kept.name, shared=Shared(kept.shared), own=kept.user_id == person(request).user_id,
        query=ReportQuery() if facts else ReportQuery.model_validate(kept.spec),
        theme=facts[0].theme if facts else None, facts=facts[1] if facts else None,
    )  # fmt: skip


def _target(it: QueueTarget) -> TargetAnswer:
    return TargetAnswer.model_validate(it)


def grid_answer(grid: Table) -> GridAnswer:
    """A table of figures as the API tells it."""
    return GridAnswer(
        head=grid.head,
        since=grid.asked.first.isoformat(),
        until=grid.asked.last.isoformat(),
        zone=str(grid.asked.period.zone),
        columns=[
            ColumnAnswer(label=label, figure=one.code, unit=one.unit, formula=one.formula)
            for label, one in grid.columns
        ],
        rows=[_line(line) for line in grid.lines],
        together=_line(grid.together),
    )


def _line(line: Line) -> LineAnswer:
    return LineAnswer(key=key_text(line.key), label=line.label, cells=[_cell(it) for it in line.cells])


def _cell(cell: Cell) -> CellAnswer:
    values = [ValueAnswer.model_validate(value) for value in cell.values]
    return CellAnswer(values=values, address=cell.address)
