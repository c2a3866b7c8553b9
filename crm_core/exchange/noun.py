"""What can be imported: its fields and the words by which columns say them, how a row is read and put in.

A noun is a plug: `goods.py`, `people.py` and `sales.py` say what is special, everything else is said once.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Conflict, Invalid
from crm_core.exchange.kinds import Habits, Kind, own, text
from crm_core.exchange.table import Row
from crm_core.exchange.xml_goods import PARAMETER

Given = dict[str, Any]
PROPERTY, CUSTOM = "property:", "custom:"  # of products; of a field that the house made itself


@dataclass(frozen=True)
class Field:
    """A thing a column can mean; `known`: headings that say so by themselves, folded."""

    name: str
    label: str
    known: tuple[str, ...] = ()
    kind: Kind = text
    purchase: bool = False  # what goods cost us: only for who may know it


@dataclass
class Putting:
    """Where rows are put, by whom, and what the rows before had."""

    session: AsyncSession
    habits: Habits
    shop_id: int | None
    user_id: int | None
    at: datetime
    warehouse_id: int | None = None
    seen: dict[str, int] = field(default_factory=dict)  # what only one row may have -> its place
    claimed: dict[str, int] = field(default_factory=dict)  # the same, of the row that is being put in

    def claim(self, place: int, things: Iterable[str]) -> None:
        """Say that this row is about `things`. Raises `Conflict` when an earlier row was."""
        for thing in things:
            if thing in self.seen:
                raise Conflict(f"{thing} stands in row {self.seen[thing]} already.")
            self.claimed[thing] = place


@dataclass(frozen=True)
class Noun:
    """One kind of thing that comes in files. `put` says what became of a row: created, updated or unchanged."""

    name: str
    fields: tuple[Field, ...]
    keys: tuple[str, ...]  # one of them a file must have
    put: Callable[[Putting, int, Sequence[Given]], Awaitable[str]]
    claims: Callable[[Sequence[Given]], list[str]]  # what no other row of the file may be about
    group: str | None = None  # rows with the same value here belong together
    properties: bool = False  # any other column can be a property
    custom: bool = False  # the house has fields of its own for it

    @property
    def by_name(self) -> Mapping[str, Field]:
        """Its fields."""
        return {it.name: it for it in self.fields}

    def guess(self, headings: Sequence[str]) -> dict[str, str]:
        """The columns that can be told by their headings; the first of two with one meaning."""
        meant: dict[str, str] = {}
        for heading in headings:
            word = " ".join(heading.casefold().replace("_", " ").strip(" ?:*").split())
            named = (it.name for it in self.fields if word == it.name.replace("_", " "))
            place = next(named, None) or next((it.name for it in self.fields if word in it.known), None)
            if place is not None and place not in meant.values():
                meant[heading] = place
            elif self.properties and heading.startswith(PARAMETER) and heading != PARAMETER:
                meant[heading] = PROPERTY + heading.removeprefix(PARAMETER)
            elif self._is_custom(heading):
                meant[heading] = heading
        if self.properties and "sku" not in meant.values() and "id" in headings:
            meant["id"] = "sku"
        return meant

    def check(self, columns: Mapping[str, str], headings: Sequence[str]) -> None:
        """Raises `Invalid` for an unknown field, one said twice, a heading that is not there, or no key at all."""
        for heading, meaning in columns.items():
            if (
                meaning not in self.by_name
                and not self._is_property(meaning)
                and not self._is_custom(meaning)
            ):
                listed = ", ".join(it.name for it in self.fields)
                more = (
                    f" or {PROPERTY}NAME" if self.properties else f" or {CUSTOM}CODE" if self.custom else ""
                )
                raise Invalid(f"{meaning[:60]!r} is no field of {self.name}: {listed}{more}.", "mapping")
            if heading not in headings:
                raise Invalid(f"The file has no column {heading[:60]!r}.", "mapping")
        twice = [it for it in columns.values() if list(columns.values()).count(it) > 1]
        if twice:
            raise Invalid(f"Two columns are said to be {twice[0]}.", "mapping")
        if not set(self.keys) & set(columns.values()):
            wanted = " or ".join(self.by_name[key].label.lower() for key in self.keys)
            raise Invalid(f"Say which column is the {wanted}: by it {self.name} are recognised.", "mapping")

    def _is_property(self, meaning: str) -> bool:
        return self.properties and meaning.startswith(PROPERTY) and meaning != PROPERTY

    def _is_custom(self, meaning: str) -> bool:
        return self.custom and meaning.startswith(CUSTOM) and meaning != CUSTOM

    def _own(self, code: str, cell: str, habits: Habits) -> Any:
        rule = habits.fields.get(self.name, {}).get(code)
        if rule is None:
            raise ValueError(f"belongs to a field that there is not: {code[:40]}")
        return own(rule, cell, habits)

    def read(self, row: Row, columns: Mapping[str, str], habits: Habits) -> tuple[Given, dict[str, str]]:
        """The fields of a row, and heading -> what is wrong there; empty cells say nothing."""
        given: Given = {}
        wrong: dict[str, str] = {}
        for heading, meaning in columns.items():
            cell = row.cells.get(heading, "")
            if not cell:
                continue
            try:
                if self._is_property(meaning):
                    given.setdefault("properties", {})[meaning.removeprefix(PROPERTY)] = cell
                elif self._is_custom(meaning):
                    code = meaning.removeprefix(CUSTOM)
                    given.setdefault("custom", {})[code] = self._own(code, cell, habits)
                else:
                    given[meaning] = self.by_name[meaning].kind(cell, habits)
            except ValueError as error:
                wrong[heading] = f"{cell[:40]!r} {error}."
        return given, wrong
