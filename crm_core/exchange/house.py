"""How files are read in this house: the habits of the shop they are for, the words of the house itself."""

from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.exchange.kinds import Habits
from crm_core.line import Shop
from crm_core.status_list import list_statuses


async def habits_of(session: AsyncSession, shop: Shop) -> Habits:
    """How a file of this shop is read."""
    statuses = {it.code: it.name for it in await list_statuses(session)}
    return Habits(country=shop.country, zone=ZoneInfo(shop.timezone), statuses=statuses)
