"""Reports of facts in the API: as a table and as a file."""

from aiohttp import web
from pydantic import Field

from crm_core.audit import record
from crm_core.report import Format
from web.api import Operations
from web.fact_report import MOST, FactQuery, FactTable, Theme, build_facts
from web.fact_reports import REPORTS
from web.imports import CSV, XLSX
from web.listing import possible
from web.middleware import visitor_address
from web.pdf import PDF
from web.report_files import as_file
from web.reports import GridAnswer, grid_answer
from web.rights import KEEP_REPORTS, VIEW_FIGURES
from web.services import services
from web.sessions import person

operations = Operations("reports")


class FactFile(FactQuery):
    """The same as a file."""

    format: Format = Field(default=Format.CSV)


@operations.get("/figures/{theme}", right=VIEW_FIGURES, errors=(409,))
async def get_facts(request: web.Request, theme: Theme, query: FactQuery) -> GridAnswer:
    """What is told of missed calls and the like, as far as one may see it. 409 for what can not be told so."""
    return grid_answer(await made(request, theme, query))


@operations.get(
    "/exports/figures/{theme}", right=KEEP_REPORTS, errors=(409,), produces=f"{CSV}, {XLSX}, {PDF}"
)
async def export_facts(request: web.Request, theme: Theme, query: FactFile) -> web.StreamResponse:
    """The same as a file: numbers to go on computing with, or a page to read."""
    table = await made(request, theme, query)
    file = await as_file(table, table.report.name, query.format)
    async with services(request).db.begin() as session:
        await record(
            session, user_id=person(request).user_id, action="report.exported", object_kind="export",
            detail={"theme": theme.value, **query.model_dump(mode="json", exclude_defaults=True)},
            address=visitor_address(request),
        )  # fmt: skip
    name = f"{theme}-{table.asked.first}-{table.asked.last}.{query.format}"
    headers = {
        "Content-Type": file.content_type,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return web.Response(body=file.body, headers=headers)


async def made(request: web.Request, theme: Theme, query: FactQuery) -> FactTable:
    """The report as a whole, for whoever asks."""
    parts = services(request)
    async with parts.db.begin() as session:
        with possible():
            return await build_facts(session, REPORTS[theme], query, person(request), parts.now(), most=MOST)
