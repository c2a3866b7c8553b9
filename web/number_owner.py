"""Whose number somebody typed: the customers who have it, as far as he may see them; asked where they are several."""

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.customer import Customer, Owner, find_owners
from crm_core.phone import normalise
from crm_core.reach import options
from web.errors import Choice, FieldError, Refusal
from web.reach import reach_of
from web.services import services
from web.sessions import person


async def owners_seen(request: web.Request, session: AsyncSession, number: str) -> list[Owner]:
    """Who has this number, the most likely first; only him where it is remembered whom it means."""
    e164 = normalise(number, country=services(request).settings.country).e164
    found = await find_owners(session, e164)
    mine = select(Customer.id).where(Customer.id.in_([one.id for one in found]))
    seen = set(await session.scalars(mine.options(*options(reach_of(person(request)))))) if found else set()
    owners = [one for one in found if one.id in seen]
    return owners[:1] if owners and owners[0].chosen else owners


async def the_owner(request: web.Request, session: AsyncSession, number: str) -> int | None:
    """The customer who has this number, None for nobody. Raises `Refusal` 409 with those to choose from."""
    owners = await owners_seen(request, session, number)
    if len(owners) > 1:
        asked = "Several customers have this number: say who is meant, or that it is nobody of them."
        choices = [Choice(value=str(one.id), label=f"{one.name}: {one.reason}") for one in owners]
        raise Refusal(409, asked, errors=[FieldError(field="customer_id", message=asked)], choices=choices)
    return owners[0].id if owners else None
