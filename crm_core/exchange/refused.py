"""The refused rows as a file to be mended and sent in again: in the form in which they came, with their reasons."""

from collections.abc import Sequence

from crm_core.exchange.job import Import, RefusedImportRow
from crm_core.exchange.sheet import Cell, Csv, Sheet, Xlsx

PLACE, REASON = "row", "refused because"


def refused_sheet(found: Import) -> tuple[Sheet, str]:
    """An empty file for them, and how its name ends. XML comes back as CSV: a row is no whole offer."""
    form = found.came_as
    if form.kind == "xlsx":
        return Xlsx(), "xlsx"
    return (Csv(delimiter=form.delimiter, encoding=form.encoding) if form.kind == "csv" else Csv()), "csv"


def refused_file(found: Import, refused: Sequence[RefusedImportRow]) -> bytes:
    """The whole file. Pure."""
    sheet, _ = refused_sheet(found)
    rows: list[Sequence[Cell]] = [[*found.headings, "row", REASON]]
    rows += [
        [*(it.cells.get(name, "") for name in found.headings), str(it.place), it.reason] for it in refused
    ]
    return sheet.rows(rows) + sheet.end()
