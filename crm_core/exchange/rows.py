"""Rows of a file put in one after the other: what can not be is refused with its reason and changes nothing."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from sqlalchemy.exc import DBAPIError

from crm_core.errors import Invalid, Refused
from crm_core.exchange.kinds import Habits
from crm_core.exchange.noun import Given, Noun, Putting
from crm_core.exchange.table import Row

LONGEST_GROUP = 500


@dataclass(frozen=True)
class RefusedRow:
    """A row that was not put in, and why."""

    row: Row
    reason: str


@dataclass
class Outcome:
    """What became of rows; things are counted, not rows, where several rows are one thing."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[RefusedRow] = field(default_factory=list)


def grouped(noun: Noun, columns: Mapping[str, str], rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows that are one thing together: those that follow each other and say the same in the noun's group."""
    heading = next((it for it, meaning in columns.items() if meaning == noun.group), None)
    if heading is None:
        yield from ([row] for row in rows)
        return
    for _, same in groupby(rows, key=lambda row: row.cells.get(heading) or row.place):
        yield list(same)


async def put_rows(
    to: Putting, noun: Noun, columns: Mapping[str, str], groups: Iterable[Sequence[Row]]
) -> Outcome:
    """Put things in, each within a savepoint of its own. The caller owns the transaction."""
    outcome = Outcome()
    for rows in groups:
        outcome.rows += len(rows)
        to.claimed = {}
        step = await to.session.begin_nested()
        try:
            given = read(noun, rows, columns, to.habits)
            to.claim(rows[0].place, noun.claims(given))
            what = await noun.put(to, rows[0].place, given)
            await step.commit()
            to.seen |= to.claimed
            setattr(outcome, what, getattr(outcome, what) + 1)
        except (Refused, DBAPIError) as refused:
            await step.rollback()
            if isinstance(refused, DBAPIError) and not _of_the_row(refused):
                raise
            reason = (
                str(refused) if isinstance(refused, Refused) else "The database refuses what stands here."
            )
            outcome.refused.extend(RefusedRow(row, reason) for row in rows)
    return outcome


def remember(
    to: Putting,
    noun: Noun,
    columns: Mapping[str, str],
    groups: Iterable[Sequence[Row]],
    refused: Container[int],
) -> int:
    """Take up what rows put in before are about, without those refused; how many rows they are. Pure."""
    count = 0
    for rows in groups:
        count += len(rows)
        if rows[0].place not in refused:
            given = [noun.read(row, columns, to.habits)[0] for row in rows]
            to.seen |= dict.fromkeys(noun.claims(given), rows[0].place)
    return count


def read(noun: Noun, rows: Sequence[Row], columns: Mapping[str, str], habits: Habits) -> list[Given]:
    """What the rows of one thing say. Raises `Invalid` that names row and column of everything wrong."""
    if len(rows) > LONGEST_GROUP:
        raise Invalid(f"More than {LONGEST_GROUP} rows say they are one of {noun.name}.")
    read = [(row, *noun.read(row, columns, habits)) for row in rows]
    wrong = [
        f"row {row.place}, {heading}: {why}" if len(rows) > 1 else f"{heading}: {why}"
        for row, _, errors in read
        for heading, why in errors.items()
    ]
    if wrong:
        raise Invalid(" ".join(wrong))
    return [given for _, given, _ in read]


def _of_the_row(error: DBAPIError) -> bool:
    """Data that the database can not keep (SQLSTATE classes 22 and 23), not a fault of the moment."""
    return str(getattr(error.orig, "sqlstate", "")).startswith(("22", "23"))
