"""The database counts as the pure code does: whatever happened, whatever the rows of a table are."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select

from crm_core.call import Call as CallRow
from crm_core.db import Database
from crm_core.figure.count import count
from crm_core.figure.period import By
from crm_core.read.figures import Within, behind, listed, tally
from tests.crm_core.figure_floor import Floor, facts, furnish, put
from tests.crm_core.happenings import RULES, happenings, period


@pytest.fixture
async def floor(database: Database) -> Floor:
    return await furnish(database)


def told(floor: Floor, by: By, counted: dict[Any, Any]) -> dict[Any, Any]:
    """The tallies of the pure code, under the ids of the database."""
    ids = {By.OPERATOR: floor.users, By.LINE: floor.lines, By.SCRIPT: floor.scripts}.get(by)
    return {ids[key] if ids else key: tally for key, tally in counted.items()}


@pytest.mark.parametrize("seed", range(3))
async def test_the_database_counts_what_the_rules_say(floor: Floor, seed: int) -> None:
    random = Random(seed)
    for _ in range(2):
        rows = happenings(random, calls=40)
        await put(floor, rows)
        async with floor.db.begin() as session:
            for by in By:
                where = period(random)
                found = await tally(session, where, by, RULES)
                assert facts(found) == facts(told(floor, by, count(rows, where, by, RULES)))


async def test_a_number_and_the_list_behind_it_are_the_same_calls(floor: Floor) -> None:
    random = Random(99)
    rows, where = happenings(random, calls=60), period(random)
    await put(floor, rows)
    fields = ("inbound", "answered_in", "missed", "repeats", "settled", "judged", "recovered", "sold")
    async with floor.db.begin() as session:
        for by in By:
            for key, counted in (await tally(session, where, by, RULES)).items():
                for field in fields:
                    assert listed(field)
                    condition = behind([field], where, RULES, at=[(by, key)] if by is not By.ALL else [])
                    there = await session.scalar(select(func.count()).select_from(CallRow).where(condition))
                    assert there == getattr(counted, field), (by, key, field)


async def test_figures_of_one_operator_are_those_of_his_row(floor: Floor) -> None:
    random = Random(7)
    await put(floor, happenings(random, calls=40))
    where, anna = period(random), floor.users[1]
    where = where.__class__(where.since, where.since + timedelta(days=1), where.zone)
    async with floor.db.begin() as session:
        rows = await tally(session, where, By.OPERATOR, RULES)
        alone = await tally(session, where, By.ALL, RULES, Within(operator=anna))
        seen = await tally(session, where, By.OPERATOR, RULES, Within(operators=frozenset({anna})))
    assert anna in rows
    assert (alone[None], seen) == (rows[anna], {anna: rows[anna]})
