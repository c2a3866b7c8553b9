"""The first rows of a file as they would be read, with what is wrong where."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from crm_core.exchange.kinds import Habits
from crm_core.exchange.noun import CUSTOM, PROPERTY, Noun
from crm_core.exchange.sheet import said
from crm_core.exchange.table import Row
from crm_core.phone import display

FIRST = 10


@dataclass(frozen=True)
class ReadCell:
    """What is understood of a cell, or why nothing is."""

    heading: str
    value: str
    error: str | None = None


@dataclass(frozen=True)
class ReadRow:
    """A row of the file as it is understood."""

    place: int
    cells: list[ReadCell]


def preview(noun: Noun, columns: Mapping[str, str], rows: Iterable[Row], habits: Habits) -> list[ReadRow]:
    """The rows with the columns that mean something. Pure."""
    return [ReadRow(row.place, _cells(noun, columns, row, habits)) for row in rows]


def _cells(noun: Noun, columns: Mapping[str, str], row: Row, habits: Habits) -> list[ReadCell]:
    given, wrong = noun.read(row, columns, habits)
    values = given | {f"{PROPERTY}{name}": value for name, value in given.get("properties", {}).items()}
    values |= {f"{CUSTOM}{code}": value for code, value in given.get("custom", {}).items()}
    return [
        ReadCell(heading, row.cells[heading], wrong[heading])
        if heading in wrong
        else ReadCell(heading, _shown(values.get(meaning)))
        for heading, meaning in columns.items()
    ]


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(it) for it in value)
    if isinstance(value, dict):
        return ", ".join(_shown(it) for it in value.values() if it)
    if isinstance(value, str) and value.startswith("+"):
        return display(value)
    if value is False:
        return "no"
    return f"{value:f}" if isinstance(value, Decimal) else said(value)  # type: ignore[arg-type]  # what a kind gives
