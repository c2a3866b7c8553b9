"""A report as a file: CSV and XLSX with plain numbers, PDF as people read it. Heavy: the PDF is made in a thread."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from crm_core.exchange.sheet import Cell as Field
from crm_core.exchange.sheet import Csv, Sheet, Xlsx
from crm_core.figure.figure import Unit
from crm_core.report import Format
from web.imports import CSV, XLSX
from web.pdf import PDF, typeset
from web.report import Cell, Table

TYPES = {Format.CSV: f"{CSV}; charset=utf-8", Format.XLSX: XLSX, Format.PDF: PDF}
UNITS = {Unit.SHARE: "%", Unit.SECONDS: "s", Unit.MONEY_A_MINUTE: "a minute"}


@dataclass(frozen=True)
class File:
    """What is sent: its kind and its bytes."""

    content_type: str
    body: bytes


async def as_file(grid: Table, title: str, kind: Format) -> File:
    """The report in this format."""
    body = await asyncio.to_thread(pdf if kind is Format.PDF else sheet, grid, title, kind)
    return File(TYPES[kind], body)


def sheet(grid: Table, title: str, kind: Format) -> bytes:
    """Numbers to go on computing with: shares in per cent, times in seconds; of money a column for each currency."""
    out: Sheet = Xlsx() if kind is Format.XLSX else Csv()
    heads, spread = _spread(grid)
    rows: list[Sequence[Field]] = [[grid.head, *heads]]
    rows += [[line.label, *spread(line.cells)] for line in (*grid.lines, grid.together)]
    return out.rows(rows) + out.end()


def _spread(grid: Table) -> tuple[list[str], "_Spread"]:
    lines = (*grid.lines, grid.together)
    currencies = [
        sorted({value.currency or "" for line in lines for value in line.cells[place].values}) or [""]
        for place in range(len(grid.columns))
    ]
    heads = [
        " ".join(part for part in (name, currency, UNITS.get(figure.unit, "")) if part)
        for (name, figure), known in zip(grid.columns, currencies, strict=True)
        for currency in known
    ]
    return heads, _Spread(currencies)


@dataclass(frozen=True)
class _Spread:
    """Cells -> fields of a sheet."""

    currencies: Sequence[Sequence[str]]

    def __call__(self, cells: Sequence[Cell]) -> list[Field]:
        return [
            _number(cell, currency)
            for cell, known in zip(cells, self.currencies, strict=True)
            for currency in known
        ]


def _number(cell: Cell, currency: str) -> Decimal | None:
    value = next((it.value for it in cell.values if (it.currency or "") == currency), None)
    if value is None:
        return None
    if currency:
        return value.quantize(Decimal("0.01"))
    shown = value * 100 if cell.figure.unit is Unit.SHARE else value
    whole = shown.to_integral_value()
    return Decimal(int(whole)) if shown == whole else shown.quantize(Decimal("0.01"))


def pdf(grid: Table, title: str, kind: Format = Format.PDF) -> bytes:
    """A4 across, the heading on every page."""
    days = f"{grid.asked.first:%d.%m.%Y} – {grid.asked.last:%d.%m.%Y}, {grid.asked.period.zone}"
    said = {
        "title": title,
        "under": days,
        "heads": [grid.head, *(name for name, _ in grid.columns)],
        "rows": [_texts(line.label, line.cells) for line in grid.lines],
        "together": _texts(grid.together.label, grid.together.cells),
        "formulas": [f"{one.name}: {one.formula}" for one in grid.figures],
        "small": len(grid.columns) > 10,
    }
    return typeset(_TYPST, said)


def _texts(label: str, cells: Sequence[Cell]) -> list[str]:
    return [label, *("\n".join(cell.texts) for cell in cells)]


_TYPST = """
#let data = json(bytes(sys.inputs.data))
#set document(title: data.title)
#set page(paper: "a4", flipped: true, margin: 14mm, footer: context align(right, text(8pt, fill: luma(40%),
  counter(page).display("1 / 1", both: true))))
#set text(font: "Libertinus Serif", size: if data.small { 7.5pt } else { 9.5pt })
#text(18pt, weight: "bold", data.title)
#v(-4mm)
#text(fill: luma(35%), data.under)
#let figure(it) = table.cell(align: right + horizon, it)
#table(
  columns: (auto,) + (1fr,) * (data.heads.len() - 1),
  inset: (x: 2mm, y: 1.6mm),
  stroke: (x, y) => (bottom: 0.4pt + luma(80%)),
  fill: (x, y) => if y == 0 { luma(93%) },
  table.header(..data.heads.enumerate().map(((n, it)) => if n == 0 { strong(it) } else { figure(strong(it)) })),
  ..data.rows.map(row => row.enumerate().map(((n, it)) => if n == 0 { it } else { figure(it) })).flatten(),
  ..data.together.enumerate().map(((n, it)) => if n == 0 { strong(it) } else { figure(strong(it)) }),
)
#set text(8pt, fill: luma(35%))
#for it in data.formulas [#it #linebreak()]
"""
