"""Facts of days: counted from their rows where there are few, out of the roll-ups where there are many."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Conflict
from crm_core.figure.counted import Counted
from crm_core.figure.period import Period, of_days
from crm_core.read.fact_rolled import FactFamily, Rolled
from crm_core.read.facts import DATES, Asking, Keys, Way, tell
from crm_core.read.figure_days import Stretch, Told, add_days
from crm_core.read.figure_families import Family
from crm_core.read.figures import Found, Ledger, count

FEW = 10_000
"""Rows that are counted one by one, each time and to the second."""
MOST = 400_000
"""Rows that are counted while somebody waits, where no roll-up tells what is asked."""
CLOCK = (Way.HOUR, Way.WEEKDAY, *DATES)


async def tell_days(
    session: AsyncSession,
    rolled: Sequence[Rolled],
    ways: Sequence[Way],
    asking: Asking,
    stretch: Stretch,
    *,
    few: int = FEW,
) -> dict[Keys, Counted]:
    """What is counted under each combination of keys, and under () of all. `rolled`: the same facts, as different
    askings need them.

    Raises `Conflict` where it would take too long.
    """
    here = next(it for it in rolled if it.when.items() <= asking.given.items())
    if not await _are_more(session, here, stretch, few):
        return await tell(session, here.facts, ways, asking)
    if (places := _places(here, ways, asking)) is None:
        if await _are_more(session, here, stretch, MOST):
            raise Conflict(
                "So narrowed or crossed this is counted one by one, and it is too much: choose fewer days."
            )
        return await tell(session, here.facts, ways, asking)
    found = await _read(session, here.families, places, stretch)
    return {keys: here.counted(it, stretch.rules.now) for keys, it in found.items()}


async def apart_of_days(
    session: AsyncSession, rolled: Rolled, way: Way, asking: Asking, stretch: Stretch, *, few: int = FEW
) -> dict[Keys, Any] | None:
    """What is told apart by something else, by key; None: it is counted from rows."""
    places = _places(rolled, (way,), asking)
    if places is None or not await _are_more(session, rolled, stretch, few):
        return None
    return await _read(session, rolled.families, places, stretch)


def _places(rolled: Rolled, ways: Sequence[Way], asking: Asking) -> list[Told] | None:
    """Where this is looked up, and where all of it together; None: nowhere, it is crossed by too many things."""
    chosen = _chosen(asking)
    found = []
    for dims in (ways, ()):
        things = {Way(it) for it in chosen} | {it for it in dims if it not in DATES and it is not Way.WEEKDAY}
        if (known := rolled.look_up(things)) is None:
            return None
        found.append(Told(dims, known[0], chosen, known[1]))
    return found


def _chosen(asking: Asking) -> dict[str, list[str]]:
    """The keys that are wanted of each thing by which this is narrowed."""
    chosen = {str(way): [str("" if key is None else key)] for way, key in asking.only.items()}
    if asking.operators is not None:
        own = [str(it) for it in asking.operators]
        one = chosen.get(Way.OPERATOR)
        chosen[str(Way.OPERATOR)] = own if one is None else [it for it in one if it in own]
    return chosen


async def _read(
    session: AsyncSession, families: Sequence[FactFamily], places: Sequence[Told], stretch: Stretch
) -> dict[Keys, Any]:
    """What holds several things counts once in all together, so that is no sum of the others."""
    found: dict[Keys, Any] = {}
    for told in places:
        ledger = Ledger(dict)
        await add_days(session, ledger, families, stretch, told, _rows(session, told, stretch))
        found |= ledger.tallies()
    return found


def _rows(session: AsyncSession, told: Told, stretch: Stretch) -> Any:
    """How the rest is counted: by what it is narrowed by as well, of which the keys that are wanted are taken."""
    width, chosen = len(told.dims), list(told.chosen.items())

    async def of_rows(family: Family, period: Period) -> Found:
        found = await count(session, family, period, (*told.dims, *told.chosen), stretch.rules)
        return [
            (keys[:width], more, amounts)
            for keys, more, amounts in found
            if all(
                ("" if key is None else str(key)) in wanted
                for key, (_, wanted) in zip(keys[width:], chosen, strict=True)
            )
        ]

    return of_rows


async def _are_more(session: AsyncSession, rolled: Rolled, stretch: Stretch, number: int) -> bool:
    period = of_days(stretch.first, stretch.last, stretch.zone)
    query = text(f"SELECT count(*) > :number FROM ({rolled.many} LIMIT :number + 1) r").bindparams(
        number=number
    )
    found = await session.scalar(query, {"since": period.since, "until": period.until})
    return bool(found)
