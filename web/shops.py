"""Shops: online stores with their currency and their series of order numbers. Administrators add and change them."""

from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import shop
from web.api import Operations
from web.fields import Answer, Given, Id, Name
from web.listing import possible
from web.noted import note
from web.rights import EDIT_SHOPS
from web.services import services
from web.users import Zone

operations = Operations("shops")

Currency = Annotated[
    str, StringConstraints(pattern=r"^[A-Z]{3}$"), Field(description="ISO 4217: EUR, PLN, UAH")
]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), Field(description="ISO 3166: PL, DE, UA")]
Prefix = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,11}$"),
    Field(description="what its order numbers begin with: A gives A-1001"),
]
NextNumber = Annotated[int, Field(ge=1, le=999_999_999)]


class NewShop(Given):
    """An online store that takes orders. National numbers that call it are of its country."""

    name: Name
    currency: Currency
    country: Country
    timezone: Zone
    order_prefix: Prefix


class ShopChange(Given):
    """What shall be different; what is absent stays. Numbers of orders that are there stay."""

    name: Name | None = None
    currency: Currency | None = None
    country: Country | None = None
    timezone: Zone | None = None
    order_prefix: Prefix | None = None
    next_order_number: NextNumber | None = None


class ShopAnswer(Answer):
    """One online store. Its next order is `order_prefix`-`next_order_number`."""

    id: int
    name: str
    currency: str
    country: str
    timezone: str
    order_prefix: str
    next_order_number: int


@operations.get("/shops")
async def get_shops(request: web.Request) -> list[ShopAnswer]:
    """Every shop, by name."""
    async with services(request).db.begin() as session:
        return [ShopAnswer.model_validate(row) for row in await shop.list_shops(session)]


@operations.post("/shops", right=EDIT_SHOPS, errors=(409,))
async def post_shop(request: web.Request, body: NewShop) -> ShopAnswer:
    """Add a shop. 409 when another one's order numbers begin with the same."""
    async with services(request).db.begin() as session:
        with possible():
            made = await shop.create_shop(session, **body.model_dump())
        await note(session, request, "shop.add", made.id)
        return ShopAnswer.model_validate(made)


@operations.patch("/shops/{shop_id}", right=EDIT_SHOPS, errors=(409,))
async def patch_shop(request: web.Request, shop_id: Id, body: ShopChange) -> ShopAnswer:
    """Change a shop. 409 when the numbers to come are given already, or it has prices in another currency."""
    changes = {
        name: value for name, value in body.model_dump(exclude_unset=True).items() if value is not None
    }
    async with services(request).db.begin() as session:
        with possible():
            changed = await shop.update_shop(session, shop_id, changes)
        await note(session, request, "shop.change", shop_id, fields=sorted(changes))
        return ShopAnswer.model_validate(changed)
