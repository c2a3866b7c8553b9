"""How files are read in this house: the habits of the shop they are for, the words of the house itself."""

from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.custom_field import list_fields
from crm_core.custom_value import FieldRule
from crm_core.exchange.kinds import Habits
from crm_core.shop import Shop
from crm_core.status_list import list_statuses
from crm_core.user import User


async def habits_of(session: AsyncSession, shop: Shop) -> Habits:
    """How a file of this shop is read."""
    statuses = {it.code: it.name for it in await list_statuses(session)}
    colleagues: dict[str, int | None] = {}
    for id_, login, name in await session.execute(select(User.id, User.login, User.name).where(User.active)):
        for word in {" ".join(it.casefold().split()) for it in (login, name)}:
            colleagues[word] = None if word in colleagues else id_
    fields: dict[str, dict[str, FieldRule]] = {}
    for field in await list_fields(session, active=True):
        fields.setdefault(f"{field.object}s", {})[field.code] = field.rule
    return Habits(
        country=shop.country,
        zone=ZoneInfo(shop.timezone),
        statuses=statuses,
        colleagues=colleagues,
        fields=fields,
    )
