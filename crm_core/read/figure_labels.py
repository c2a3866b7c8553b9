"""What the rows of a table of figures are called, and the days of which figures are told."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call_script import CallScript
from crm_core.figure.period import By, Key
from crm_core.line import Line
from crm_core.queue_visit import QueueVisit
from crm_core.shop import Shop
from crm_core.user import User

_NAMED: Mapping[By, Any] = {By.OPERATOR: User, By.LINE: Line, By.SCRIPT: CallScript}


async def zones(session: AsyncSession) -> list[str]:
    """The time zones of the shops, the oldest shop's first; UTC where there is none."""
    found = await session.scalars(select(Shop.timezone).order_by(Shop.id))
    return list(dict.fromkeys(found)) or ["UTC"]


async def labels(session: AsyncSession, by: By, keys: Collection[Key]) -> Mapping[Key, str]:
    """The names of operators, lines and scripts by id; queues, hours and days need none."""
    table = _NAMED.get(by)
    if table is None:
        return {}
    ids = [key for key in keys if isinstance(key, int)]
    return {
        row.id: row.name
        for row in await session.execute(select(table.id, table.name).where(table.id.in_(ids)))
    }


async def lines_to_choose(session: AsyncSession) -> list[tuple[int, str]]:
    """Every line as a choice."""
    return [
        (row.id, row.name) for row in await session.execute(select(Line.id, Line.name).order_by(Line.name))
    ]


async def queues_to_choose(session: AsyncSession) -> list[str]:
    """Every queue in which somebody was, by name: one look into the index for each, however many stays there are."""
    found: list[str] = []
    while True:
        following = select(QueueVisit.queue).order_by(QueueVisit.queue).limit(1)
        if found:
            following = following.where(QueueVisit.queue > found[-1])
        name = await session.scalar(following)
        if name is None or len(found) >= 200:
            return found
        found.append(name)
