"""What is left to do before the first call comes in, for whoever may set the house up."""

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.line import Line
from crm_core.product import Product
from crm_core.shop import Shop
from crm_core.user import Extension
from web.rights import EDIT_SHOPS, Person
from web.services import Services


class Step(NamedTuple):
    """One thing to do, and the page where it is done."""

    done: bool
    label: str
    says: str
    address: str


async def first_steps(parts: Services, session: AsyncSession, who: Person) -> list[Step]:
    """Every step in its order; none when all are done, or for who may not set the house up."""
    if not who.may(EDIT_SHOPS):
        return []
    has = (
        await session.execute(
            select(*(select(row).exists() for row in (Shop.id, Extension.id, Line.id, Product.id, Call.id)))
        )
    ).one()
    shop, telephone, line, product, call = tuple(has)
    linked = any(link.state == "connected" for link in parts.live.links())
    steps = [
        Step(linked, "Connect the switchboard", "The doctor says what is missing, and the fix.", "/doctor"),
        Step(shop, "Add your shop", "Its currency, country and order numbers.", "/shops"),
        Step(line, "Add the numbers people dial", "Each belongs to a shop.", "/lines"),
        Step(telephone, "Add people and their telephones", "Cards open for whose telephone rings.", "/users"),
        Step(product, "Put your goods in", "From a file, or from your store’s own list.", "/imports"),
        Step(call, "Call one of your numbers", "The card opens before anybody says hello.", "/"),
    ]
    # A switchboard that is away for a moment is no reason to begin again: the page Status tells of it.
    return [] if call and shop and line and telephone and product else steps
