"""What is kept of a report, and how it is made again: a grid of figures, or a report of facts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from web.fact_report import MOST, FactQuery, FactReport, Theme, build_facts
from web.fact_reports import REPORTS
from web.report import ReportQuery, Table, build, plain
from web.rights import Person


def spec_of(query: ReportQuery | FactQuery, theme: Theme | None) -> dict[str, Any]:
    """What is kept."""
    return plain(query) if theme is None else {"theme": theme.value, **plain(query)}


def of_facts(spec: Mapping[str, Any]) -> tuple[FactReport, FactQuery] | None:
    """The report of facts that was kept; None: it is a grid of figures."""
    if "theme" not in spec:
        return None
    rest = {name: value for name, value in spec.items() if name != "theme"}
    return REPORTS[Theme(spec["theme"])], FactQuery.model_validate(rest)


async def make(session: AsyncSession, spec: Mapping[str, Any], who: Person, now: datetime) -> Table:
    """The report of now, as this person may see it. Raises `Invalid`, `Conflict`, `ValueError`."""
    facts = of_facts(spec)
    if facts is None:
        return await build(session, ReportQuery.model_validate(spec), who, now)
    report, query = facts
    return await build_facts(session, report, query, who, now, most=MOST)
